"""What happens to posts when their connection changes."""
