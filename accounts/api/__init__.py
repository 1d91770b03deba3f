"""REST: what every endpoint shares, and the endpoints of people and organizations."""
