"""The composer's reasoning: what each account would get, how its platform counts it, what stands in the way, how it
will look there, and when it goes out. Nothing here reads the database or changes it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo

import regex
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from campaigns.models import Campaign
from connections.models import SocialConnection
from connections.platforms.base import Can, Limits, Problem
from connections.platforms.text import x_links
from publishing.drafts import MediaUse, PostInput, draft_of_input, problems_of_input
from publishing.zones import AmbiguousTime, ImplausibleTime, NonexistentTime, local_to_utc

NEAR = 0.9
"""From this share of its limit on, a counter warns."""

_HASHTAG = regex.compile(r"(?<![\p{L}\p{N}_&/#])#[\p{L}\p{N}_]*\p{L}[\p{L}\p{N}_]*")
_MENTION = regex.compile(r"(?<![\p{L}\p{N}_@/.])@[\w]+(?:@[\w.-]+\w)?")
_valid_address = URLValidator(schemes=["http", "https"])


# --- what each account gets -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Composition:
    """What a person has put together: one idea for several accounts.

    ``own_texts`` and ``own_media`` hold what an account has instead of the shared text and pictures; ``options`` what
    its stored post had before (the composer leaves platform options as they are).
    """

    connections: tuple[SocialConnection, ...] = ()
    text: str = ""
    own_texts: Mapping[UUID, str] = field(default_factory=dict)
    link_url: str = ""
    first_comment: str = ""
    media: tuple[MediaUse, ...] = ()
    own_media: Mapping[UUID, tuple[MediaUse, ...]] = field(default_factory=dict)
    campaign: Campaign | None = None
    options: Mapping[UUID, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        said = (self.text, self.link_url, self.first_comment, *self.own_texts.values())
        return not any(part.strip() for part in said) and not self.media and not any(self.own_media.values())

    def input_for(self, connection: SocialConnection) -> PostInput:
        """What one account would publish. A first comment goes only where the account can place one."""
        return PostInput(
            content=self.own_texts.get(connection.pk, self.text).strip(),
            link_url=self.link_url,
            first_comment=self.first_comment.strip() if connection.can(Can.FIRST_COMMENT) else "",
            media=self.own_media.get(connection.pk, self.media),
            options=self.options.get(connection.pk, {}),
            campaign=self.campaign,
        )


def with_scheme(address: str) -> str:
    """An address as it was typed, with https:// when it had no scheme; "" stays ""."""
    address = address.strip()
    return (
        address
        if not address or regex.match(r"[a-z][a-z0-9+.-]*:", address, regex.IGNORECASE)
        else f"https://{address}"
    )


# --- what stands in the way -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Segment:
    """A stretch of a text as a preview colours it. ``kind`` is text, link, hashtag or mention; ``fits`` False: beyond
    the platform's limit."""

    kind: str
    text: str
    fits: bool = True

    @property
    def has_scheme(self) -> bool:
        return "://" in self.text

    @property
    def bare(self) -> str:
        """A link without its scheme and "www.", as platforms show it."""
        return regex.sub(r"^https?://(?:www\.)?", "", self.text, flags=regex.IGNORECASE).rstrip("/")


@dataclass(frozen=True)
class AccountCheck:
    """One account's part of a composition, judged. ``label`` is short: the platform, and the account's name where two
    accounts of one platform are chosen. ``is_own``: its text or pictures differ from the shared ones."""

    connection: SocialConnection
    given: PostInput
    label: str
    is_own: bool
    sent: str
    used: int
    limits: Limits
    problems: tuple[Problem, ...]

    @property
    def limit(self) -> int:
        return self.limits.characters

    @property
    def state(self) -> str:
        """ "over", "near" or "" for the counter."""
        if self.used > self.limit:
            return "over"
        return "near" if self.used > NEAR * self.limit else ""

    @property
    def is_blocked(self) -> bool:
        return any(problem.blocking for problem in self.problems)

    @cached_property
    def segments(self) -> list[Segment]:
        return segments_of(self.sent, self._fitting())

    @property
    def link_host(self) -> str:
        """The host of the link whose card the platform will show, "" when it shows none."""
        if self.given.media:
            return ""
        found = self.given.link_url or next((s.text for s in self.segments if s.kind == "link" and s.has_scheme), "")
        try:
            return urlsplit(found).netloc.removeprefix("www.")
        except ValueError:
            return ""  # half typed: http://[

    @property
    def preview_templates(self) -> tuple[str, ...]:
        """The platform's own preview, else the one that fits all."""
        return (f"publishing/_preview_{self.connection.platform.lower()}.html", "publishing/_preview_generic.html")

    def _fitting(self) -> int:
        """How many code points of the text still fit, by the platform's own counting."""
        if self.used <= self.limit:
            return len(self.sent)
        count = self.connection.platform_class.count
        low, high = 0, len(self.sent)
        while low < high:
            middle = (low + high + 1) // 2
            if count(self.sent[:middle], self.limits) <= self.limit:
                low = middle
            else:
                high = middle - 1
        return low


def segments_of(text: str, fitting: int | None = None) -> list[Segment]:
    """A text cut into links, hashtags, mentions and what lies between; cut once more after ``fitting`` code points."""
    marks = [("link", link.start, link.end) for link in x_links(text)]
    for kind, pattern in (("hashtag", _HASHTAG), ("mention", _MENTION)):
        for match in pattern.finditer(text):
            if not any(start < match.end() and match.start() < end for _kind, start, end in marks):
                marks.append((kind, match.start(), match.end()))
    pieces: list[tuple[str, int, int]] = []
    at = 0
    for kind, start, end in sorted(marks, key=lambda mark: mark[1]):
        pieces += [("text", at, start), (kind, start, end)]
        at = end
    pieces.append(("text", at, len(text)))
    fitting = len(text) if fitting is None else fitting
    found = []
    for kind, start, end in pieces:
        for fits, first, last in ((True, start, min(end, fitting)), (False, max(start, fitting), end)):
            if first < last:
                found.append(Segment(kind, text[first:last], fits))
    return found


def check(composition: Composition) -> list[AccountCheck]:
    """Every chosen account's part, with the platform's count and everything that it would refuse."""
    platforms = [connection.platform for connection in composition.connections]
    checks = []
    for connection in composition.connections:
        given = composition.input_for(connection)
        platform, limits = connection.platform_class, connection.effective_limits
        sent = platform.compose_text(draft_of_input(given))
        alone = platforms.count(connection.platform) == 1
        checks.append(
            AccountCheck(
                connection=connection,
                given=given,
                label=platform.label
                if alone
                else f"{platform.label} {connection.account_handle or connection.account_name}",
                is_own=connection.pk in composition.own_texts or connection.pk in composition.own_media,
                sent=sent,
                used=platform.count(sent, limits),
                limits=limits,
                problems=(*_of_the_account(connection), *_of_the_link(given), *problems_of_input(connection, given)),
            )
        )
    return checks


@dataclass(frozen=True)
class Obstacle:
    """One problem, and all accounts that have it."""

    problem: Problem
    connections: tuple[SocialConnection, ...]
    labels: tuple[str, ...]


def obstacles(checks: list[AccountCheck]) -> list[Obstacle]:
    """The problems of all accounts, the blocking ones first. What several accounts share is said once with their names;
    what concerns the accounts themselves is said for each."""
    shared: dict[tuple[Any, ...], list[tuple[Problem, AccountCheck]]] = {}
    for one in checks:
        for problem in one.problems:
            own = one.connection.pk if problem.field == "connections" else None
            shared.setdefault((not problem.blocking, problem.message, problem.field, own), []).append((problem, one))
    return [
        Obstacle(found[0][0], tuple(one.connection for _p, one in found), tuple(one.label for _p, one in found))
        for _key, found in sorted(shared.items(), key=lambda entry: entry[0][0])
    ]


def _of_the_account(connection: SocialConnection) -> Iterable[Problem]:
    if connection.disconnected_at is not None:
        yield Problem("disconnected", _("This account is no longer connected."), "connections")
    elif not connection.is_active:
        yield Problem(
            "inactive", _("This account must be reconnected before anything can be published on it."), "connections"
        )
    elif not connection.can(Can.PUBLISH_TEXT):
        yield Problem(
            "permission", _("Parley may not publish here: grant the missing permission on its page."), "connections"
        )


def _of_the_link(given: PostInput) -> Iterable[Problem]:
    if not given.link_url:
        return
    try:
        _valid_address(given.link_url)
    except ValidationError:
        yield Problem("link", _("The link is not a web address, such as https://riverside.example/dinner."), "link_url")


def summary(checks: list[AccountCheck]) -> str:
    """One sentence over all accounts: what has to be put right before anything goes out. "" when nothing has."""
    blocked = [one for one in checks if one.is_blocked]
    if not blocked:
        return ""
    names = _listed([one.label for one in blocked])
    if len(blocked) == len(checks):
        return _("Nothing is scheduled yet: %(names)s cannot take this as it is.") % {"names": names}
    fine = len(checks) - len(blocked)
    return ngettext(
        "Nothing is scheduled yet: %(names)s cannot take this as it is. The other account is fine.",
        "Nothing is scheduled yet: %(names)s cannot take this as it is. The other %(fine)d accounts are fine.",
        fine,
    ) % {"names": names, "fine": fine}


def _listed(names: list[str]) -> str:
    if len(names) < 2:
        return "".join(names)
    return _("%(first)s and %(last)s") % {"first": ", ".join(names[:-1]), "last": names[-1]}


# --- when -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Choice:
    """One way to read a time that the clocks skip or pass twice: a field's name and value, and the words beside it."""

    name: str
    value: str
    label: str
    is_chosen: bool = False


@dataclass(frozen=True)
class When:
    """A person's choice of time. ``kind`` is now, at or draft; ``at`` aware UTC, None unless ``kind`` is "at" and the
    time can be used; ``problem`` a sentence when it cannot; ``choices`` what to choose between on a clock change."""

    kind: str
    at: datetime | None = None
    problem: str = ""
    note: str = ""
    choices: tuple[Choice, ...] = ()


def resolve_when(
    kind: str, wanted: datetime | None, *, zone: ZoneInfo, now: datetime, fold: str = "", instead: str = ""
) -> When:
    """Turn the form's fields into a moment.

    ``wanted`` is naive wall time, None when date or time are missing or unreadable. ``fold`` ("0" or "1") decides a time
    that happens twice, ``instead`` (ISO wall time) replaces one that does not exist.
    """
    if kind != "at":
        return When(kind)
    if wanted is None:
        return When(kind, problem=_("Choose a date and a time."))
    choices: tuple[Choice, ...] = ()
    note = ""
    try:
        at = local_to_utc(wanted, zone)
    except AmbiguousTime as error:
        choices = tuple(
            Choice("fold", value, _("%(time)s, %(which)s (%(offset)s)") % {
                "time": f"{wanted:%H:%M}", "which": words, "offset": offset_name(moment, zone),
            }, fold == value)
            for value, words, moment in (("0", _("the first time"), error.first), ("1", _("the second time"), error.second))
        )  # fmt: skip
        if fold not in {"0", "1"}:
            return When(kind, problem=str(error), choices=choices)
        at, note = (error.second if fold == "1" else error.first), str(error)
    except ImplausibleTime as error:
        return When(kind, problem=str(error))
    except NonexistentTime as error:
        options = {f"{moment:%Y-%m-%dT%H:%M}": moment for moment in (error.before, error.after)}
        choices = tuple(
            Choice(
                "instead", value, f"{moment:%H:%M} ({offset_name(local_to_utc(moment, zone), zone)})", instead == value
            )
            for value, moment in options.items()
        )
        if instead not in options:
            return When(kind, problem=str(error), choices=choices)
        at, note = local_to_utc(options[instead], zone), str(error)
    if at <= now:
        local = at.astimezone(zone)
        return When(
            kind,
            problem=_("%(time)s has passed already (it is %(now)s). Choose a later time, or “Now”.")
            % {"time": date_format(local, "j F Y, H:i"), "now": date_format(now.astimezone(zone), "H:i")},
            choices=choices,
        )
    return When(kind, at=at, note=note, choices=choices)


def offset_name(moment: datetime, zone: ZoneInfo) -> str:
    """``UTC+1`` or ``UTC+5:30``."""
    seconds = int((moment.astimezone(zone).utcoffset() or timedelta()).total_seconds())
    sign, minutes = ("-" if seconds < 0 else "+"), abs(seconds) // 60
    rest = f":{minutes % 60:02d}" if minutes % 60 else ""
    return f"UTC{sign}{minutes // 60}{rest}"


def what_happens(when: When, checks: list[AccountCheck], *, zone: ZoneInfo, zone_name: str, now: datetime) -> str:
    """The "When" row in words: who gets it, on which day, in which zone, how long from now."""
    if when.problem:
        return ""
    if when.kind == "draft":
        return _("Stays a draft. Nothing goes out until you give it a time.")
    if not checks:
        return _("Choose at least one account.")
    names = _listed([one.label for one in checks])
    if when.at is None:
        return _("Goes out to %(names)s within seconds.") % {"names": names}
    local = when.at.astimezone(zone)
    return _("Goes out to %(names)s on %(day)s at %(time)s (%(zone)s, %(offset)s), %(distance)s.") % {
        "names": names,
        "day": date_format(local, "l j F Y"),
        "time": date_format(local, "H:i"),
        "zone": zone_name,
        "offset": offset_name(when.at, zone),
        "distance": _distance(when.at, now, zone),
    }


def _distance(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    minutes = int((at - now).total_seconds() // 60)
    days = (at.astimezone(zone).date() - now.astimezone(zone).date()).days
    if minutes < 1:
        return _("in less than a minute")
    if minutes < 60:
        return ngettext("in %(n)d minute", "in %(n)d minutes", minutes) % {"n": minutes}
    if days == 0:
        return _("today")
    if days == 1:
        return _("tomorrow")
    return _("in %(n)d days") % {"n": days}


def submit_label(when: When, *, zone: ZoneInfo) -> str:
    """The words on the one button that acts."""
    if when.kind == "draft":
        return _("Save draft")
    if when.kind == "now":
        return _("Publish now")
    if when.at is None:
        return _("Schedule")
    return _("Schedule · %(time)s") % {"time": date_format(when.at.astimezone(zone), "D j M, H:i")}


# --- emoji ------------------------------------------------------------------------------------------------------------

EMOJI: tuple[tuple[str, str | Promise], ...] = (
    ("😀", gettext_lazy("grinning face")), ("😄", gettext_lazy("smiling face with open mouth")), ("😊", gettext_lazy("smiling face")),
    ("😍", gettext_lazy("heart eyes")), ("🤩", gettext_lazy("star eyes")), ("😎", gettext_lazy("sunglasses")),
    ("😂", gettext_lazy("tears of joy")), ("🙂", gettext_lazy("slight smile")), ("😉", gettext_lazy("wink")),
    ("🤔", gettext_lazy("thinking face")), ("😮", gettext_lazy("surprised face")), ("😢", gettext_lazy("crying face")),
    ("🥳", gettext_lazy("party face")), ("🤗", gettext_lazy("hugging face")), ("👋", gettext_lazy("waving hand")),
    ("👍", gettext_lazy("thumbs up")), ("👏", gettext_lazy("clapping hands")), ("🙌", gettext_lazy("raised hands")),
    ("🙏", gettext_lazy("folded hands")), ("💪", gettext_lazy("strong arm")), ("🤝", gettext_lazy("handshake")),
    ("👉", gettext_lazy("pointing right")), ("👇", gettext_lazy("pointing down")), ("👀", gettext_lazy("eyes")),
    ("❤️", gettext_lazy("red heart")), ("💚", gettext_lazy("green heart")), ("💙", gettext_lazy("blue heart")),
    ("✨", gettext_lazy("sparkles")), ("⭐", gettext_lazy("star")), ("🔥", gettext_lazy("fire")),
    ("🎉", gettext_lazy("party popper")), ("🎊", gettext_lazy("confetti ball")), ("🎂", gettext_lazy("cake")),
    ("🎁", gettext_lazy("gift")), ("🏆", gettext_lazy("trophy")), ("🥇", gettext_lazy("gold medal")),
    ("⛳", gettext_lazy("golf flag")), ("🏌️", gettext_lazy("golfer")), ("⚽", gettext_lazy("football")),
    ("🎾", gettext_lazy("tennis")), ("🏃", gettext_lazy("runner")), ("🚴", gettext_lazy("cyclist")),
    ("☀️", gettext_lazy("sun")), ("🌤️", gettext_lazy("sun behind cloud")), ("🌧️", gettext_lazy("rain")),
    ("❄️", gettext_lazy("snowflake")), ("🌈", gettext_lazy("rainbow")), ("🌳", gettext_lazy("tree")),
    ("🌸", gettext_lazy("blossom")), ("🍽️", gettext_lazy("plate with knife and fork")), ("☕", gettext_lazy("coffee")),
    ("🍷", gettext_lazy("wine glass")), ("🍻", gettext_lazy("beer mugs")), ("🎵", gettext_lazy("music note")),
    ("📅", gettext_lazy("calendar")), ("⏰", gettext_lazy("alarm clock")), ("📍", gettext_lazy("pin")),
    ("📣", gettext_lazy("megaphone")), ("📷", gettext_lazy("camera")), ("🎟️", gettext_lazy("ticket")),
    ("💡", gettext_lazy("light bulb")), ("✅", gettext_lazy("check mark")), ("➡️", gettext_lazy("right arrow")),
    ("🚀", gettext_lazy("rocket")),
)  # fmt: skip
"""A small native set with spoken names."""
