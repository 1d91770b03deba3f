"""Cards of the calendar: one for each idea and time, with the posts of all accounts that it goes to.

Pure functions over posts that were read before; no query. ``at`` is aware, in the organization's zone.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from publishing.models import PostStatus, SocialPost
from publishing.states import Standing, may_be_moved, standing_of

TEXT_CHARACTERS = 600
"""How much of a text a page can show on a card; the views shorten it further by their room."""
PUNCTUAL = timedelta(minutes=5)
"""Published no later than this after its time, a post still shares the card of that time."""
_GRAVITY = {"danger": 0, "warn": 1, "info": 2, "": 3, "ok": 4}


def moment_of(post: SocialPost) -> datetime | None:
    """Where a post stands on the calendar: when it went out, else when it should; None for a draft in the tray."""
    return post.published_at if post.status == PostStatus.PUBLISHED else post.scheduled_at


def slot_of(post: SocialPost) -> datetime | None:
    """The minute (aware) for which a post shares a card with the others of its idea; None in the tray.

    Accounts of one idea are published within seconds of each other: what counts is the time that they were given, unless
    one went out much later.
    """
    moment = moment_of(post)
    if moment is None:
        return None
    if post.scheduled_at and timedelta() <= moment - post.scheduled_at < PUNCTUAL:
        moment = post.scheduled_at
    return moment.replace(second=0, microsecond=0)


@dataclass(frozen=True, slots=True)
class Mark:
    """One platform on a card, with the names of the accounts there. ``tone`` is that of its gravest post."""

    platform: str
    icon: str
    label: str
    accounts: tuple[str, ...]
    tone: str

    @property
    def names(self) -> str:
        return ", ".join(self.accounts)


@dataclass(frozen=True)
class Card:
    """The posts of one idea that stand at the same time, and each one's standing. ``at`` is None in the tray."""

    posts: tuple[SocialPost, ...]
    standings: tuple[Standing, ...]
    at: datetime | None

    @property
    def post(self) -> SocialPost:
        """The post that stands for all: its id names the card, its text is shown."""
        return self.posts[0]

    @cached_property
    def ids(self) -> tuple[UUID, ...]:
        return tuple(post.pk for post in self.posts)

    @property
    def is_several(self) -> bool:
        return len(self.posts) > 1

    @property
    def rest(self) -> Sequence[SocialPost]:
        return self.posts[1:]

    @property
    def with_rest(self) -> str:
        """What an address of the first post adds to mean all posts of the card: ``?with=…&with=…``, or ""."""
        return "?" + urlencode([("with", post.pk) for post in self.rest]) if self.rest else ""

    @property
    def entries(self) -> list[tuple[SocialPost, Standing]]:
        return list(zip(self.posts, self.standings, strict=True))

    @property
    def clock(self) -> str:
        return f"{self.at:%H:%M}" if self.at else ""

    @cached_property
    def _gravest(self) -> int:
        return min(range(len(self.posts)), key=lambda number: _GRAVITY[self.standings[number].tone])

    @property
    def standing(self) -> Standing:
        """The state that the card shows: of several the one that asks most of a person."""
        return self.standings[self._gravest]

    @property
    def state_post(self) -> SocialPost:
        """The post whose state the card shows."""
        return self.posts[self._gravest]

    @property
    def status(self) -> str:
        return self.state_post.status

    @property
    def share(self) -> str:
        """``1/3`` when only some of its posts are in the state that it shows, else ""."""
        number = sum(standing.label == self.standing.label for standing in self.standings)
        return f"{number}/{len(self.posts)}" if number < len(self.posts) else ""

    @property
    def is_loud(self) -> bool:
        """Whether the state is shown as a word; planned and published posts have a quiet sign."""
        return self.standing.tone in {"danger", "warn", "info"} or self.status not in {
            PostStatus.SCHEDULED, PostStatus.PUBLISHED,
        }  # fmt: skip

    @property
    def is_movable(self) -> bool:
        return all(map(may_be_moved, self.posts))

    @property
    def is_editable(self) -> bool:
        """Whether any of its texts may still change."""
        return any(post.is_editable for post in self.posts)

    @property
    def text(self) -> str:
        return self.post.content[:TEXT_CHARACTERS] or self.post.link_url[:TEXT_CHARACTERS]

    @property
    def picture(self) -> UUID | None:
        """The first picture of the idea, where the posts were read with theirs (``reads.with_pictures``)."""
        return next((found for post in self.posts if (found := getattr(post, "picture", None))), None)

    @property
    def platform(self) -> str:
        """The one platform that it goes to, "" for several."""
        names = {post.connection.platform for post in self.posts}
        return names.pop() if len(names) == 1 else ""

    @cached_property
    def marks(self) -> list[Mark]:
        by_platform: dict[str, list[int]] = {}
        for number, post in enumerate(self.posts):
            by_platform.setdefault(post.connection.platform, []).append(number)
        return [self._mark(numbers) for numbers in by_platform.values()]

    def _mark(self, numbers: Sequence[int]) -> Mark:
        connection = self.posts[numbers[0]].connection
        tone = min((self.standings[number].tone for number in numbers), key=lambda tone: _GRAVITY[tone])
        accounts = tuple(self.posts[number].connection.account_name for number in numbers)
        return Mark(connection.platform, connection.platform_class.icon, connection.platform_label, accounts, tone)

    @property
    def fingerprint(self) -> str:
        """Whatever a page shows of the card, as one word: another one means another look."""
        seen = [self.clock]
        for post, standing in zip(self.posts, self.standings, strict=True):
            seen.append(
                f"{post.pk.int}|{post.status}|{post.connection.account_name}|{standing.label}|{standing.sentence}|"
                f"{post.content[:TEXT_CHARACTERS]}|{post.link_url}|{getattr(post, 'picture', '')}"
            )
        return "|".join(seen)


def cards_of(posts: Iterable[SocialPost], *, zone: ZoneInfo, now: datetime) -> dict[date, list[Card]]:
    """The cards of posts that have a time, by local day and in order of time."""
    together: dict[object, list[SocialPost]] = {}
    moments: dict[object, datetime] = {}
    for post in posts:
        moment = moment_of(post)
        if moment is None:
            continue
        at = moment.astimezone(zone)
        key: object = (post.group_id, at.date(), slot_of(post)) if post.group_id else post.pk
        together.setdefault(key, []).append(post)
        moments[key] = min(at, moments.get(key, at))
    by_day: defaultdict[date, list[Card]] = defaultdict(list)
    for key, shared in together.items():
        by_day[moments[key].date()].append(_card(shared, moments[key], now))
    for cards in by_day.values():
        cards.sort(key=lambda card: (card.at, card.post.pk))
    return by_day


def tray_cards(posts: Iterable[SocialPost], *, zone: ZoneInfo, now: datetime) -> list[Card]:
    """The cards of drafts without a time, one for each idea, in the order of the posts."""
    together: dict[object, list[SocialPost]] = {}
    for post in posts:
        together.setdefault(post.group_id or post.pk, []).append(post)
    return [card_of(shared, zone=zone, now=now) for shared in together.values()]


def card_of(posts: Iterable[SocialPost], *, zone: ZoneInfo, now: datetime) -> Card:
    """One card of posts that belong together. The oldest post stands for all, so that a card keeps its name."""
    given = list(posts)
    moments = [moment.astimezone(zone) for post in given if (moment := moment_of(post)) is not None]
    return _card(given, min(moments, default=None), now)


def _card(posts: list[SocialPost], at: datetime | None, now: datetime) -> Card:
    ordered = tuple(sorted(posts, key=lambda post: post.pk)) if len(posts) > 1 else tuple(posts)
    return Card(ordered, tuple([standing_of(post, now=now) for post in ordered]), at)


def are_one_card(posts: Sequence[SocialPost]) -> bool:
    """Whether posts belong to one idea and stand at the same time: only then may they be moved as one."""
    first = posts[0]
    return all(
        post.pk == first.pk
        or (post.group_id is not None and post.group_id == first.group_id and slot_of(post) == slot_of(first))
        for post in posts
    )
