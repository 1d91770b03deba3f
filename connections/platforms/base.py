"""The interface that every platform implements, and the values that cross it.

A platform class is knowledge: its name, capabilities, limits, scopes and token policy can be asked without an instance.
An instance is that knowledge bound to one app registration, server and token, and makes calls. What crosses this
border is a frozen dataclass, never raw JSON; failures are ``connections.errors.PlatformError`` subclasses.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, BinaryIO, ClassVar, Protocol
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from connections.clean import NAME_MOST, clean_address, clean_count, clean_id, clean_text
from connections.errors import TransientError
from connections.platforms.text import Link, x_links

Json = dict[str, Any]


class Can(StrEnum):
    """What a platform may be able to do. An undeclared capability has no method behind it."""

    CHOOSE_ACCOUNTS = "choose_accounts"
    PUBLISH_TEXT = "publish_text"
    PUBLISH_LINK = "publish_link"
    PUBLISH_IMAGE = "publish_image"
    PUBLISH_IMAGES = "publish_images"
    PUBLISH_VIDEO = "publish_video"
    PUBLISH_STORY = "publish_story"
    PUBLISH_THREAD = "publish_thread"
    FIRST_COMMENT = "first_comment"
    DELETE = "delete"
    METRICS = "metrics"
    ACCOUNT_STATISTICS = "account_statistics"
    MENTIONS = "mentions"
    COMMENTS = "comments"
    MESSAGES = "messages"
    REPLY = "reply"
    PROFILE_LOOKUP = "profile_lookup"
    LEAD_ADS = "lead_ads"
    WEBHOOKS = "webhooks"
    QUOTA = "quota"


class TokenPolicy(StrEnum):
    """How a platform's tokens live."""

    ROTATING = "rotating"  # short access token, single-use refresh token
    EXTENDING = "extending"  # long-lived, renewed by itself while still valid
    NOT_RENEWABLE = "not_renewable"  # the person must consent again
    PERMANENT = "permanent"  # valid until revoked


@dataclass(frozen=True)
class Limits:
    """What a platform takes. Sizes in bytes, sides in pixels; None means no known limit. ``image_pixels`` and
    ``gif_pixels`` are width times height; formats in ``animated_formats`` still move there, the others stand still."""

    characters: int
    images: int = 0
    image_bytes: int = 5_000_000
    image_formats: frozenset[str] = frozenset({"image/jpeg", "image/png"})
    animated_formats: frozenset[str] = frozenset()
    image_side_least: int = 1
    image_side_most: int | None = None
    image_pixels: int | None = None
    gif_pixels: int | None = None
    alt_text_characters: int = 1000
    characters_per_link: int | None = None
    posts_per_day: int | None = None

    def with_changes(self, changes: Json) -> "Limits":
        """These limits with what a server stated about itself (a mapping of our own field names)."""
        known = {name: value for name, value in changes.items() if name in self.__dataclass_fields__}
        if isinstance(known.get("image_formats"), list):
            known["image_formats"] = frozenset(known["image_formats"])
        return replace(self, **known)


@dataclass(frozen=True)
class Budget:
    """How often something may be done in any ``window``: ``kind`` "posts" (public posts) or "requests" (any call) of one
    connection; "app_posts" or "app_requests" of an app registration, for all its connections together."""

    kind: str
    limit: int
    window: timedelta


def _set(told: object, **values: Any) -> None:
    """Put cleaned values into a frozen dataclass while it is made."""
    for name, value in values.items():
        object.__setattr__(told, name, value)


def _clean_scopes(told: Iterable[str]) -> tuple[str, ...]:
    return tuple(scope for scope in map(clean_id, told) if scope)


@dataclass(frozen=True)
class AppCredentials:
    """A registration of Parley at a platform."""

    client_id: str
    client_secret: str = field(repr=False)
    server_url: str = ""
    scopes: tuple[str, ...] = ()
    """What it was registered for at its server; empty: the platform's default."""


@dataclass(frozen=True)
class TokenGrant:
    """Tokens as a platform gave them. ``refresh_token`` None: it sent none (keep the one at hand).
    ``expires_at`` aware UTC, None for tokens without end. ``permissions``: granted scopes."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None
    permissions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _set(self, permissions=_clean_scopes(self.permissions))


@dataclass(frozen=True)
class Account:
    """An account at a platform that can be connected, with the token that speaks for it (None when only looked up).
    ``kind`` is "person", "page", "organization" or "channel". ``unavailable`` says why it cannot be chosen.

    What is told is brought into what can be stored: names are cut, addresses that are too long left out. Raises
    TransientError for an id that cannot be stored: an account without one cannot be told from others.
    """

    id: str
    name: str
    handle: str = ""
    kind: str = "person"
    avatar_url: str = ""
    url: str = ""
    followers: int | None = None
    grant: TokenGrant | None = None
    limits: Json = field(default_factory=dict)
    unavailable: str = ""

    def __post_init__(self) -> None:
        account_id = clean_id(self.id)
        if not account_id:
            raise TransientError(_("The account has no valid ID."), detail=f"id of {len(str(self.id))} signs")
        _set(
            self,
            id=account_id,
            name=clean_text(self.name, NAME_MOST),
            handle=clean_text(self.handle, NAME_MOST),
            avatar_url=clean_address(self.avatar_url),
            url=clean_address(self.url),
            followers=clean_count(self.followers),
            unavailable=clean_text(self.unavailable),
        )


@dataclass(frozen=True)
class Validation:
    """What a platform says of a token. ``expires_at`` None: without end, or not told."""

    is_valid: bool
    account_id: str = ""
    expires_at: datetime | None = None
    permissions: tuple[str, ...] = ()
    reason: str = ""

    def __post_init__(self) -> None:
        _set(
            self,
            account_id=clean_id(self.account_id),
            permissions=_clean_scopes(self.permissions),
            reason=clean_text(self.reason),
        )


@dataclass(frozen=True)
class DraftMedia:
    """One picture of a draft. ``open`` gives a fresh binary stream each time."""

    id: str
    content_type: str
    size_bytes: int
    width: int
    height: int
    alt_text: str
    open: Callable[[], BinaryIO] = field(repr=False, compare=False)
    is_animated: bool = False


@dataclass(frozen=True)
class Draft:
    """A post on its way to a platform. ``key`` is stable over every attempt at the same copy of this post."""

    text: str
    link_url: str = ""
    media: tuple[DraftMedia, ...] = ()
    first_comment: str = ""
    options: Json = field(default_factory=dict)
    key: str = ""


@dataclass(frozen=True)
class Published:
    """A post as it stands at the platform; ``at`` is aware UTC.

    ``id`` is "" when the platform gave one that cannot be stored: the post is out all the same, and is never sent again;
    only its counts cannot be read.
    """

    id: str
    url: str
    at: datetime

    def __post_init__(self) -> None:
        _set(self, id=clean_id(self.id), url=clean_address(self.url))


@dataclass(frozen=True)
class OwnPost:
    """One of the account's posts as its platform lists it. ``text`` as it was written, as far as the platform tells, with
    links written out; ``also``: what may have been written instead; ``links``: the addresses attached beside it; ``at``:
    aware UTC; ``id`` as the platform told it."""

    id: str
    url: str
    at: datetime
    text: str
    pictures: int = 0
    links: tuple[str, ...] = ()
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class OwnPosts:
    """What reading an account's posts back gave.

    ``whole_since`` (aware UTC): every post that the platform lists from that moment on is among ``posts``. None when
    nothing can be said of a post that is not among them, for the reason that ``gap`` names (diagnostic text).
    """

    posts: tuple[OwnPost, ...]
    whole_since: datetime | None
    gap: str = ""


@dataclass(frozen=True)
class Copy:
    """How a draft will stand on its platform's list: what ``OwnPost`` would say of it."""

    text: str
    pictures: int = 0
    link: str = ""


@dataclass(frozen=True)
class Metrics:
    """Lifetime counts of one post; None where the platform does not tell, or tells what is no count. ``gone``: the post no
    longer exists there."""

    likes: int | None = None
    comments: int | None = None
    shares: int | None = None
    reach: int | None = None
    impressions: int | None = None
    clicks: int | None = None
    gone: bool = False

    def __post_init__(self) -> None:
        names = ("likes", "comments", "shares", "reach", "impressions", "clicks")
        _set(self, **{name: clean_count(getattr(self, name)) for name in names})


@dataclass(frozen=True)
class Problem:
    """Something that stands between a draft and its platform. ``field`` is content, link_url, media, first_comment or
    options.<name>; ``blocking`` False is a warning."""

    code: str
    message: str
    field: str = "content"
    blocking: bool = True


class Journal(Protocol):
    """Where a publish records its steps, so that a worker that died can be followed.

    A step's result is a small JSON object; a step that finished earlier is not run again, its result is returned.
    """

    def once(self, name: str, call: Callable[[], Json]) -> Json:
        """A call whose effect the public can see. Recorded before and after; never sent twice by the journal: a step
        that was begun and not finished raises OutcomeUnknown, so that the attempt is reconciled first."""
        ...

    def again(self, name: str, call: Callable[[], Json]) -> Json:
        """A call that may be repeated harmlessly: uploads of unpublished media, container and status reads."""
        ...


class Platform:
    """Base class. Subclasses set the class attributes and implement what their capabilities promise."""

    do_not_call_in_templates: ClassVar[bool] = True
    """A page may name the class; Django's templates would make an instance of it otherwise."""
    name: ClassVar[str]
    label: ClassVar[str]
    icon: ClassVar[str] = "world"
    """Its mark: the name of a symbol in static/img/icons.svg."""
    capabilities: ClassVar[frozenset[Can]] = frozenset()
    absences: ClassVar[dict[Can, str]] = {}
    """What the platform itself does not offer, with the reason in a sentence. What stands neither here nor in
    ``capabilities`` is offered there and not supported here."""
    limits: ClassVar[Limits]
    token_policy: ClassVar[TokenPolicy]
    scopes: ClassVar[tuple[str, ...]] = ()
    """Asked for by default."""
    scopes_for: ClassVar[dict[Can, tuple[str, ...]]] = {}
    """Scopes that a capability needs; one that is missing disables the capability with a "grant again" link."""
    broad_scopes: ClassVar[tuple[str, ...]] = ()
    """Asked for instead at a server that says that it does not know ``scopes``."""
    shares_tokens: ClassVar[bool] = False
    """Whether consents of one person share what they give, so that withdrawing one's token ends the others' too."""
    uses_pkce: ClassVar[bool] = True
    needs_server: ClassVar[bool] = False
    """Whether the person names a server (Mastodon) and the app is registered there on the fly."""
    refresh_ahead: ClassVar[timedelta] = timedelta(minutes=10)
    """A token with less life than this is renewed before it is used."""
    keep_alive_every: ClassVar[timedelta | None] = None
    """How often an unused grant is renewed to keep it alive; None: not needed."""
    absence_proof_after: ClassVar[timedelta | None] = None
    """How long after a send a list that was read to its end without the post proves that nothing went out; None: it never
    does."""
    comments_go_with_post: ClassVar[bool] = False
    """Whether deleting a post deletes its comments; else a first comment is a post of its own, which stays."""
    metrics_batch: ClassVar[int] = 1
    """How many posts one metrics call takes."""
    price_hint: ClassVar[str] = ""
    budgets: ClassVar[tuple[Budget, ...]] = ()
    """What one connection may use, until the operator says otherwise (RATE_BUDGETS)."""

    def __init__(
        self,
        *,
        app: AppCredentials | Callable[[], AppCredentials],
        access_token: str = "",
        account_id: str = "",
        handle: str = "",
        server_url: str = "",
        limits: Json | None = None,
        http: Any = None,
    ) -> None:
        """``http`` is the shared client (``connections.http.PlatformHttp``), made by the subclass when None. ``app`` may
        be a function that finds the registration: most calls never ask for it.
        ``account_id`` and ``handle`` are the connected account's; ``limits`` what its server stated."""
        self._app = app
        self.access_token = access_token
        self.account_id = account_id
        self.handle = handle
        self.server_url = server_url
        self.own_limits = self.limits.with_changes(limits or {})
        self.http = http if http is not None else self.make_http()

    @property
    def app(self) -> AppCredentials:
        """The registration that speaks for the caller."""
        if callable(self._app):
            self._app = self._app()
        return self._app

    def make_http(self) -> Any:
        raise NotImplementedError

    # --- text ---------------------------------------------------------------------------------------------------------

    @classmethod
    def count(cls, text: str, limits: Limits | None = None) -> int:
        """The length of a text as this platform counts it."""
        return len(text)

    @classmethod
    def links(cls, text: str) -> list[Link]:
        """What this platform turns into links in a text."""
        return x_links(text)

    @classmethod
    def compose_text(cls, draft: Draft) -> str:
        """The text as it will be sent: platforms without a link field of their own get the link appended."""
        return draft.text

    @classmethod
    def problems(cls, draft: Draft, limits: Limits | None = None) -> list[Problem]:
        """Everything that this platform would refuse, and warnings; empty when the draft can go out."""
        from connections.platforms.checks import common_problems

        return common_problems(cls, draft, limits or cls.limits)

    @classmethod
    def missing_permissions(cls, granted: Iterable[str]) -> dict[Can, tuple[str, ...]]:
        """Per capability, the scopes it needs that were not granted."""
        have = set(granted)
        missing = {can: tuple(s for s in scopes if s not in have) for can, scopes in cls.scopes_for.items()}
        return {can: scopes for can, scopes in missing.items() if scopes and can in cls.capabilities}

    # --- connecting ---------------------------------------------------------------------------------------------------

    @classmethod
    def normalize_server(cls, typed: str) -> str:
        """The server's base address from what a person typed ("example.social", "@me@example.social").
        Raises ConsentFailed when that is no address. Only for platforms that need a server."""
        raise NotImplementedError

    @classmethod
    def register_app(cls, server_url: str, *, redirect_uri: str, scopes: tuple[str, ...] = ()) -> AppCredentials:
        """Register Parley at a server on the fly, for ``scopes`` or the default ones. Only for platforms that need a
        server."""
        raise NotImplementedError

    def authorize_url(self, *, redirect_uri: str, state: str, challenge: str, again: bool = False) -> str:
        """The consent page's address. ``challenge`` is the S256 PKCE challenge; ``again`` asks for declined scopes."""
        raise NotImplementedError

    def exchange_code(self, code: str, *, redirect_uri: str, verifier: str) -> TokenGrant:
        """Code -> tokens, in one request. Raises PlatformError."""
        raise NotImplementedError

    def lengthen(self, grant: TokenGrant) -> TokenGrant:
        """The grant to keep, where the platform gives a short-lived one for the code. Raises PlatformError."""
        return grant

    def accounts(self, grant: TokenGrant) -> Sequence[Account]:
        """The accounts that a grant opens, each with the grant to store for it."""
        raise NotImplementedError

    def refresh(self, refresh_token: str) -> TokenGrant:
        """Renew: with the refresh token for ROTATING, with the access token itself for EXTENDING.
        Raises InvalidToken only on the platform's clear word."""
        raise NotImplementedError

    def revoke(self, token: str) -> None:
        """Withdraw a token at the platform. A token that is already dead is a success."""
        raise NotImplementedError

    def validate(self) -> Validation:
        """Ask the platform about the bound token. Raises RateLimited or TransientError when it cannot tell."""
        raise NotImplementedError

    def profile(self) -> Account:
        """The bound account's name, handle, picture and followers, without a grant."""
        raise NotImplementedError

    def test_app(self) -> None:
        """Check the app's own credentials with the platform as far as it allows. Raises PlatformError when refused."""
        raise NotImplementedError

    # --- publishing ---------------------------------------------------------------------------------------------------

    def publish(self, draft: Draft, journal: Journal) -> Published:
        """Make one public copy of the draft, every changing call through the journal. Raises PlatformError.

        The public call is the step "post", its result ``{"id", "url", "at"}`` (ISO 8601, UTC); a first comment is the
        step "comment" after it, so an error that comes when "post" is finished speaks of the comment alone.
        """
        raise NotImplementedError

    def own_posts(self, *, since: datetime) -> OwnPosts:
        """Read back what the account has published since (aware UTC), whoever sent it: through all pages, and saying how
        far the list can be believed (``connections.platforms.read_back``). Raises PlatformError."""
        raise NotImplementedError

    @classmethod
    def copy_of(cls, draft: Draft) -> Copy:
        """What ``own_posts`` says of a draft that is out."""
        return Copy(text=cls.compose_text(draft), pictures=len(draft.media))

    @classmethod
    def post_id_from_link(cls, link: str) -> str | None:
        """The id of a post from the address that a person pasted; None when it holds none."""
        return clean_id(urlsplit(link).path.rstrip("/").rpartition("/")[2]) or None

    def delete(self, post_id: str) -> None:
        """Delete a published post; one that is already gone is a success."""
        raise NotImplementedError

    def metrics(self, post_ids: Sequence[str]) -> dict[str, Metrics]:
        """Counts per post id, at most ``metrics_batch`` ids a call. Raises PlatformError."""
        raise NotImplementedError


_REGISTRY: dict[str, type[Platform]] = {}


def register(cls: type[Platform]) -> type[Platform]:
    """Class decorator: makes a platform known under its name."""
    _REGISTRY[cls.name] = cls
    return cls


def load_platforms() -> None:
    """Import every module of this package, so that each platform registers itself."""
    package = import_module("connections.platforms")
    for module in iter_modules(package.__path__):
        import_module(f"connections.platforms.{module.name}")


def platforms() -> list[type[Platform]]:
    """All platforms by label."""
    return sorted(_REGISTRY.values(), key=lambda cls: cls.label)


def platform_class(name: str) -> type[Platform]:
    """The class of a platform's stored name, upper or lower case. Raises KeyError."""
    return _REGISTRY[name.upper()]
