"""Template filters for all pages."""
