"""What connections announce upward. Receivers run inside the transaction that changed the connection."""

from django.dispatch import Signal

connection_inactivated = Signal()
"""A connection lost its token. Sends ``connection``."""

connection_restored = Signal()
"""A connection that was inactive works again. Sends ``connection``, ``by`` and ``inactive_since`` (aware UTC or None)."""

connection_disconnected = Signal()
"""A connection was disconnected or revoked. Sends ``connection``, ``by`` and ``reason`` (a sentence)."""
