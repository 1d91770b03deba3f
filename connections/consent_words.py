"""What to say when a consent did not end in a connection: one sentence for people, with what to do next."""

from django.utils.translation import gettext as _

from connections.credentials import redirect_uri
from connections.errors import (
    APP_REFUSED,
    Busy,
    ConsentFailed,
    InvalidToken,
    OutcomeUnknown,
    PermissionMissing,
    PlatformError,
    RateLimited,
    TransientError,
)
from connections.platforms.base import Platform


def denied(platform: type[Platform], error: str) -> ConsentFailed:
    """A consent page sent the person back with an error instead of a code."""
    if error in {"access_denied", "user_denied", "user_cancelled_login", "user_cancelled_authorize"}:
        return ConsentFailed(
            _(
                "You did not authorize Parley on %(platform)s, so nothing was connected. Connect again whenever you like."
            )
            % {"platform": platform.label}
        )
    if error in {"temporarily_unavailable", "server_error"}:
        return ConsentFailed(
            _("%(platform)s is having trouble with its authorization page. Try again in a few minutes.")
            % {"platform": platform.label}
        )
    return ConsentFailed(
        _(
            "%(platform)s did not accept the request. Check that its app names %(uri)s as the callback address and has "
            "the permissions, then connect again."
        )
        % {"platform": platform.label, "uri": redirect_uri(platform)}
    )


def only_broad(platform: type[Platform], server_url: str) -> ConsentFailed:
    return ConsentFailed(
        _(
            "%(name)s knows only broad permissions (%(scopes)s), not the single ones that Parley asks for first. Nothing "
            "was connected: connect again, and Parley asks there for these."
        )
        % {"name": server_url.split("://")[-1] or platform.label, "scopes": ", ".join(platform.broad_scopes)}
    )


def sentence(platform: type[Platform], error: PlatformError, server_url: str) -> str:
    """One sentence for people, with what to do next."""
    name = server_url.split("://")[-1] or platform.label
    if error.platform_code in APP_REFUSED:
        if platform.needs_server:
            return _("%(name)s no longer recognizes Parley. Connect again, and Parley will register itself.") % {
                "name": name
            }
        return _(
            "%(name)s does not know the app that Parley was given. Check its client id and secret, then connect again."
        ) % {"name": name}
    match error:
        case Busy():
            return str(error)
        case TransientError() | OutcomeUnknown():
            return _("%(name)s is not responding properly. Nothing was connected. Try again in a few minutes.") % {
                "name": name
            }
        case RateLimited():
            return _("%(name)s is not accepting more requests right now. Try again in 15 minutes.") % {"name": name}
        case InvalidToken():
            return _("The consent at %(name)s took too long or has already been used. Connect again.") % {"name": name}
        case PermissionMissing(scopes=scopes) if scopes:
            return _("%(name)s did not grant what is needed (%(scopes)s). Connect again and leave every permission ticked.") % {
                "name": name, "scopes": ", ".join(scopes),
            }  # fmt: skip
        case PermissionMissing():
            return _("%(name)s did not grant what is needed. Connect again and leave every permission ticked.") % {
                "name": name
            }
    return _("%(name)s refused: %(reason)s") % {"name": name, "reason": error}
