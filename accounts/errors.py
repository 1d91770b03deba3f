"""What Parley raises on purpose."""


class DomainError(Exception):
    """A refusal with a reason.

    ``code`` is a stable word for programs, ``http_status`` the status REST answers with, and ``str()`` one sentence for
    people: it holds no token and no foreign JSON. ``field`` names the input it speaks of, when there is one.
    """

    code = "refused"
    http_status = 400

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class NotAllowed(DomainError):
    code = "not_allowed"
    http_status = 403


class Conflict(DomainError):
    code = "conflict"
    http_status = 409


class LastOwner(Conflict):
    code = "last_owner"


class InvitationUnusable(DomainError):
    """The link has expired, was used, was revoked or is for another address."""

    code = "invitation_unusable"
    http_status = 409


class PictureRefused(DomainError):
    """A file that is no picture which can be kept."""

    code = "media_refused"
    http_status = 422
