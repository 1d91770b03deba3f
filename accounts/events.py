"""What organizations announce upward. Receivers run inside the transaction that changed the organization."""

from django.dispatch import Signal

zone_asked = Signal()
"""Somebody thinks of another zone for an organization. Sends ``organization`` and ``zone`` (a name); receivers answer with
the moments (aware, in order) of what is planned and would stand at another wall time."""

zone_changed = Signal()
"""An organization got another zone and wants its plans to keep their wall times. Sends ``organization`` as it is now,
``before`` (the name of its old zone) and ``by``."""
