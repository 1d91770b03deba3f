"""Posts: composing, scheduling, publishing exactly once, and what came of them."""
