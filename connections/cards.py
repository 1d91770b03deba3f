"""What the pages show of connections and platforms, put together from rows that were read already."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.urls import reverse
from django.utils.translation import gettext as _

from connections.capabilities import label_of
from connections.credentials import redirect_uri, settings_of
from connections.models import PlatformApp, SocialConnection
from connections.platforms.base import Can, Platform, TokenPolicy

SOON = timedelta(days=7)


@dataclass(frozen=True)
class State:
    """A connection's state in a word, with the badge's tone and icon."""

    word: str
    tone: str
    icon: str


@dataclass(frozen=True)
class Missing:
    """A permission that was not granted, and what does not work without it."""

    scope: str
    features: tuple[str, ...]


@dataclass(frozen=True)
class ConnectionCard:
    connection: SocialConnection
    state: State
    expiry: str
    expires_at: datetime | None
    missing: tuple[Missing, ...]
    granted: tuple[str, ...]

    @property
    def problem(self) -> str:
        return problem_of(self.connection)

    @property
    def avatar_url(self) -> str:
        return avatar_url_of(self.connection)

    @property
    def url(self) -> str:
        return reverse("connections:detail", args=[self.connection.pk])

    @property
    def reconnect_url(self) -> str:
        return reconnect_url_of(self.connection)

    @property
    def renews(self) -> bool:
        """Whether there is anything to renew by a call."""
        policy = self.connection.platform_class.token_policy
        return policy == TokenPolicy.ROTATING or (policy == TokenPolicy.EXTENDING and self.expires_at is not None)


@dataclass(frozen=True)
class PlatformTile:
    """A platform that an account can be connected on. ``settings`` are the two names an operator sets."""

    platform: type[Platform]
    own_app: PlatformApp | None
    is_configured: bool
    settings: tuple[str, str]
    redirect_uri: str

    @property
    def start_url(self) -> str:
        return reverse("connections:start", args=[self.platform.name.lower()])

    @property
    def app_url(self) -> str:
        return reverse("connections:platform_app", args=[self.platform.name.lower()])

    @property
    def summary(self) -> str:
        """What a post there may hold, in a line."""
        offers = [
            label_of(can)
            for can in (Can.PUBLISH_TEXT, Can.PUBLISH_LINK, Can.PUBLISH_IMAGES, Can.PUBLISH_VIDEO, Can.METRICS)
            if can in self.platform.capabilities
        ]
        return " · ".join(offers)


def reconnect_url_of(connection: SocialConnection) -> str:
    """Starts a consent for this account again."""
    return f"{reverse('connections:start', args=[connection.platform.lower()])}?connection={connection.pk}"


def avatar_url_of(connection: SocialConnection) -> str:
    """Our own copy of the picture, "" when there is none; its digest in the address lets browsers keep it."""
    if not connection.avatar:
        return ""
    version = str(connection.avatar.name).rpartition(".")[0][-8:]
    return f"{reverse('connections:avatar', args=[connection.pk])}?v={version}"


def state_of(connection: SocialConnection, now: datetime) -> State:
    if connection.disconnected_at is not None:
        return State(_("Disconnected"), "", "unlink")
    if not connection.is_active:
        return State(_("Needs reconnecting"), "danger", "plug-connected-x")
    policy = connection.platform_class.token_policy
    expires_at = connection.token_expires_at
    if expires_at is not None and policy == TokenPolicy.NOT_RENEWABLE and expires_at - now < SOON:
        return State(_("Expires soon"), "warn", "clock")
    if connection.missing_permissions:
        return State(_("Permissions missing"), "warn", "lock")
    return State(_("Connected"), "ok", "circle-check")


def _expiry_of(connection: SocialConnection) -> str:
    policy = connection.platform_class.token_policy
    if connection.disconnected_at is not None:
        return _("removed")
    if not connection.is_active:
        return _("not accepted")
    if policy == TokenPolicy.ROTATING:
        return _("renews automatically")
    if connection.token_expires_at is None:
        return _("never expires")
    return _("renews automatically before") if policy == TokenPolicy.EXTENDING else _("expires on")


def problem_of(connection: SocialConnection) -> str:
    """What keeps a connection from working, in our own words; "" when nothing does. What the platform said is in its
    ``error_message``."""
    if connection.can_be_used or connection.disconnected_at is not None:
        return ""
    return _("%(platform)s no longer accepts Parley's access to this account. Scheduled posts wait until it is reconnected.") % {
        "platform": connection.platform_label
    }  # fmt: skip


def card_of(connection: SocialConnection, now: datetime) -> ConnectionCard:
    features: dict[str, list[str]] = {}
    for can, scopes in connection.platform_class.missing_permissions(connection.permissions).items():
        for scope in scopes:
            features.setdefault(scope, []).append(label_of(can))
    has_end = connection.platform_class.token_policy not in {TokenPolicy.ROTATING, TokenPolicy.PERMANENT}
    return ConnectionCard(
        connection=connection,
        state=state_of(connection, now),
        expiry=_expiry_of(connection),
        expires_at=connection.token_expires_at if has_end and connection.can_be_used else None,
        missing=tuple(Missing(scope, tuple(names)) for scope, names in sorted(features.items())),
        granted=tuple(connection.permissions),
    )


def tile_of(platform: type[Platform], own_app: PlatformApp | None, *, is_configured: bool) -> PlatformTile:
    return PlatformTile(platform, own_app, is_configured, settings_of(platform), redirect_uri(platform))
