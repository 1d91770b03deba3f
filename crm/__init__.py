"""Customer relations: contacts, leads, tickets and conversations."""
