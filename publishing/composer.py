"""The composer's reasoning: what each account would get, how its platform counts it, what stands in the way, how it
will look there. Nothing here reads the database or changes it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import regex
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.models import Campaign
from connections.models import SocialConnection
from connections.platforms.base import Can, Limits, Problem
from connections.platforms.text import Link, is_blank
from publishing.drafts import MediaUse, PostInput, draft_of_input, problems_of_input

NEAR = 0.9
"""From this share of its limit on, a counter warns."""

_HASHTAG = regex.compile(r"(?<![\p{L}\p{N}_&/#＃])[#＃][\p{L}\p{N}_]*\p{L}[\p{L}\p{N}_]*")
_MENTION = regex.compile(r"(?<![\p{L}\p{N}_@/.])@[\w]+(?:@[\w.-]+\w)?")


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
        return all(is_blank(part) for part in said) and not self.media and not any(self.own_media.values())

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
        return segments_of(self.sent, self.connection.platform_class.links(self.sent), self._fitting())

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
        low, high = 0, self.limit
        while high < len(self.sent) and count(self.sent[:high], self.limits) <= self.limit:
            low, high = high, 2 * high
        high = min(high, len(self.sent))
        while low < high:
            middle = (low + high + 1) // 2
            if count(self.sent[:middle], self.limits) <= self.limit:
                low = middle
            else:
                high = middle - 1
        return low


def segments_of(text: str, links: Iterable[Link], fitting: int | None = None) -> list[Segment]:
    """A text cut into its links, hashtags, mentions and what lies between; cut once more after ``fitting`` code points."""
    wanted = [("link", link.start, link.end) for link in links]
    for kind, pattern in (("hashtag", _HASHTAG), ("mention", _MENTION)):
        wanted += [(kind, *match.span()) for match in pattern.finditer(text)]
    marks, taken = [], bytearray(len(text))
    for kind, start, end in wanted:
        if not any(taken[start:end]):
            taken[start:end] = b"\1" * (end - start)
            marks.append((kind, start, end))
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
                problems=(*_of_the_account(connection), *problems_of_input(connection, given)),
            )
        )
    return checks


@dataclass(frozen=True)
class Obstacle:
    """One problem, and all accounts that have it. ``names`` says whose it is, "" where only one account is chosen;
    ``is_continued``: the line before speaks of the same accounts, and their names need not be read again."""

    problem: Problem
    connections: tuple[SocialConnection, ...]
    names: str
    is_continued: bool = False


def obstacles(checks: list[AccountCheck]) -> list[Obstacle]:
    """The problems of all accounts as short lines: the blocking ones first, those of the same accounts together. What
    several accounts share is said once with their names; what concerns the accounts themselves is said for each."""
    shared: dict[tuple[Any, ...], list[tuple[Problem, AccountCheck]]] = {}
    for one in checks:
        for problem in one.problems:
            own = one.connection.pk if problem.field == "connections" else None
            shared.setdefault((not problem.blocking, problem.message, problem.field, own), []).append((problem, one))
    order = {one.connection.pk: number for number, one in enumerate(checks)}
    found: list[Obstacle] = []
    lines = [
        (not problems[0][0].blocking, -len(problems), order[problems[0][1].connection.pk], problems)
        for problems in shared.values()
    ]
    for _calm, _count, _first, problems in sorted(lines, key=lambda line: line[:3]):
        problem, connections = problems[0][0], tuple(one.connection for _p, one in problems)
        names = _names_of([one for _p, one in problems], checks)
        before = found[-1] if found else None
        is_continued = before is not None and before.problem.blocking == problem.blocking and before.names == names
        found.append(Obstacle(problem, connections, names, is_continued))
    return found


def _names_of(concerned: list[AccountCheck], checks: list[AccountCheck]) -> str:
    if len(checks) == 1:
        return ""
    return _("All accounts") if len(concerned) == len(checks) else ", ".join(one.label for one in concerned)


def _of_the_account(connection: SocialConnection) -> Iterable[Problem]:
    if connection.disconnected_at is not None:
        yield Problem("disconnected", _("This account is no longer connected."), "connections")
    elif not connection.is_active:
        yield Problem("inactive", _("Reconnect this account before you publish to it."), "connections")
    elif not connection.can(Can.PUBLISH_TEXT):
        yield Problem(
            "permission",
            _("Parley doesn't have permission to publish here. Reconnect the account to grant it."),
            "connections",
        )


def summary(checks: list[AccountCheck]) -> str:
    """One sentence over all accounts: what has to be put right before anything goes out. "" when nothing has."""
    blocked = [one for one in checks if one.is_blocked]
    if not blocked:
        return ""
    names = listed([one.label for one in blocked])
    if len(blocked) == len(checks):
        return _("Not scheduled yet. Fix the problems below for %(names)s.") % {"names": names}
    fine = len(checks) - len(blocked)
    return ngettext(
        "Not scheduled yet. Fix the problems below for %(names)s; the other account is ready.",
        "Not scheduled yet. Fix the problems below for %(names)s; the other %(fine)d accounts are ready.",
        fine,
    ) % {"names": names, "fine": fine}


def listed(names: list[str]) -> str:
    if len(names) < 2:
        return "".join(names)
    return _("%(first)s and %(last)s") % {"first": ", ".join(names[:-1]), "last": names[-1]}
