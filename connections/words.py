"""What happened to a connection, in people's words; used by its log and by the audit page."""

from django.utils.translation import gettext_lazy as _

ACTIONS = {
    "connection.connected": _("Connected"),
    "connection.reconnected": _("Reconnected"),
    "connection.restored": _("Works again"),
    "connection.inactivated": _("Lost its access"),
    "connection.disconnected": _("Disconnected"),
    "connection.validated": _("Validated"),
    "connection.token_refreshed": _("Access renewed"),
    "connection.synced": _("Profile read"),
    "connection.revocation_abandoned": _("Access could not be withdrawn at the platform"),
    "platform_app.saved": _("App saved"),
    "platform_app.removed": _("App removed"),
    "platform_app.registered": _("App registered at the server"),
    "platform_app.forgotten": _("App registration forgotten"),
}
TONES = {
    "connection.connected": "ok", "connection.reconnected": "ok", "connection.restored": "ok",
    "connection.inactivated": "danger", "connection.disconnected": "warn",
}  # fmt: skip
