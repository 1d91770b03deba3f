"""What can go wrong with a connection or a call to a platform, one class per consequence."""

from datetime import datetime

from accounts.errors import Conflict, DomainError
from connections.clean import clean_text

APP_REFUSED = frozenset({"invalid_client", "unauthorized_client"})
"""OAuth's words for wrong app credentials (RFC 6749, 5.2): a mistyped secret must not disconnect every account."""
SCOPE_REFUSED = "invalid_scope"
"""The platform code of a server that does not know the scopes that it was asked for."""
SHORTEST_SECRET = 6
"""Shorter texts are no secrets, and replacing them would spoil the sentence."""


class PlatformError(DomainError):
    """A platform did not do what was asked.

    ``str()`` is a sentence for people; ``detail`` is diagnostic text for the log (no secrets). Only the HTTP client and
    a platform's ``explain`` make these.
    """

    code = "platform_error"
    http_status = 502
    is_outage = False
    """Whether the platform gave no answer of its own: it speaks of the platform's health, not of this call."""

    def __init__(self, message: str, *, detail: str = "", platform_code: str = "") -> None:
        super().__init__(clean_text(message))
        self.detail = clean_text(detail)
        self.platform_code = clean_text(platform_code)


def hide_secrets[E: PlatformError](error: E, *secrets: str) -> E:
    """The error without the secrets that its call was made with: a platform may repeat them in what it says."""
    for secret in secrets:
        if len(secret) >= SHORTEST_SECRET:
            error.args = tuple(arg.replace(secret, "***") if isinstance(arg, str) else arg for arg in error.args)
            error.detail = error.detail.replace(secret, "***")
    return error


class InvalidToken(PlatformError):
    """The platform's clear word that the token is no good: hold the posts, ask to reconnect."""

    code = "INVALID_TOKEN"


class RateLimited(PlatformError):
    """Too many calls; ``retry_at`` (aware UTC) is when the window opens, None when the platform did not say."""

    code = "RATE_LIMITED"
    http_status = 429

    def __init__(
        self, message: str, *, retry_at: datetime | None = None, detail: str = "", platform_code: str = ""
    ) -> None:
        super().__init__(message, detail=detail, platform_code=platform_code)
        self.retry_at = retry_at


class Busy(RateLimited):
    """Not sent: this installation makes too many calls just now. It says nothing of the platform."""

    code = "TOO_MANY_CALLS"


class ContentRejected(PlatformError):
    """The platform will not take this text, link or option; ``str()`` holds its words."""

    code = "CONTENT_REJECTED"
    http_status = 422


class MediaError(ContentRejected):
    """The platform will not take this picture or video."""

    code = "MEDIA_ERROR"


class PermissionMissing(PlatformError):
    """The connection lacks a permission; ``scopes`` names what to grant, when known."""

    code = "PERMISSION_MISSING"
    http_status = 403

    def __init__(
        self, message: str, *, scopes: tuple[str, ...] = (), detail: str = "", platform_code: str = ""
    ) -> None:
        super().__init__(message, detail=detail, platform_code=platform_code)
        self.scopes = scopes


class NotFound(PlatformError):
    code = "NOT_FOUND"
    http_status = 404


class Duplicate(PlatformError):
    """The platform has this post already; ``existing_id`` is its id there, None when the platform does not tell."""

    code = "DUPLICATE"
    http_status = 409

    def __init__(
        self, message: str, *, existing_id: str | None = None, detail: str = "", platform_code: str = ""
    ) -> None:
        super().__init__(message, detail=detail, platform_code=platform_code)
        self.existing_id = existing_id


class TransientError(PlatformError):
    """Nothing happened at the platform; the same call may work later."""

    code = "TRANSIENT"
    http_status = 502
    was_sent = False
    """Whether a changing call reached the platform all the same. That nothing happened is then its own word,
    given in trouble of its own, and is looked into before the call is made again."""


class OutcomeUnknown(PlatformError):
    """A changing call was sent and no usable answer came: it may or may not have taken effect."""

    code = "OUTCOME_UNKNOWN"
    http_status = 502


class ConsentFailed(DomainError):
    """Connecting did not work; ``str()`` says why and what to do next."""

    code = "consent_failed"
    http_status = 422


class AlreadyConnected(Conflict):
    code = "already_connected"


class NotConfigured(DomainError):
    """The platform's app credentials are missing."""

    code = "platform_not_configured"
    http_status = 409


class ConnectionInactive(Conflict):
    code = "connection_inactive"


class UnsafeAddress(DomainError):
    """An address given by a user leads into a private network, or nowhere."""

    code = "unsafe_address"
    http_status = 422


class NotRenewable(Conflict):
    """The account's token cannot be renewed by a call: it never ends, or only a new consent helps."""

    code = "not_renewable"


class TokenRefused(DomainError):
    """A token that was handed in is not accepted by its platform."""

    code = "token_refused"
    http_status = 422
