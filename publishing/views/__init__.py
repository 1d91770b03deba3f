"""Pages of posts: calendar, lists, composer, media."""
