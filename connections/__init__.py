"""Social accounts that organizations have connected: consent, tokens and everything we know about each platform."""
