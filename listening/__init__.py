"""Listening: mentions of an organization, and the rules that find them."""
