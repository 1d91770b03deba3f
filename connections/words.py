"""What happened to a connection, in people's words; used by its log and by the audit page."""

from django.utils.translation import gettext_lazy as _

ACTIONS = {
    "connection.connected": _("Connected"),
    "connection.reconnected": _("Reconnected"),
    "connection.restored": _("Working again"),
    "connection.inactivated": _("Access lost"),
    "connection.disconnected": _("Disconnected"),
    "connection.validated": _("Access checked"),
    "connection.token_refreshed": _("Access renewed"),
    "connection.synced": _("Profile synced"),
    "connection.revocation_abandoned": _("Access could not be revoked on the platform"),
    "platform_app.saved": _("App saved"),
    "platform_app.removed": _("App removed"),
    "platform_app.registered": _("App registered on the server"),
    "platform_app.forgotten": _("App registration removed"),
}
TONES = {
    "connection.connected": "ok", "connection.reconnected": "ok", "connection.restored": "ok",
    "connection.inactivated": "danger", "connection.disconnected": "warn",
}  # fmt: skip
