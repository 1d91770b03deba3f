"""Template tags for posts."""
