"""Imitates the platforms over HTTP, for development, tests and the demonstration; the product reaches it by address only."""
