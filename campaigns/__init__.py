"""Campaigns: what posts belong together, and why."""
