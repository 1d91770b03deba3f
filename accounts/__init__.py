"""People, organizations, roles, audit, notifications, encryption: the ground floor, which imports no other app."""
