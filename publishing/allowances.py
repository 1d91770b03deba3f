"""How many more posts an account may take, for the composer and the calendar: what its platform allows in a while, less
what went out and what is planned in that while."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from connections.budgets import budgets_of, quotas_of
from connections.models import SocialConnection
from publishing.models import PostStatus, SocialPost

NEAR = 0.9
"""From this share of its limit on, an account's posts are worth a warning."""
A_DAY = timedelta(hours=24)


@dataclass(frozen=True)
class Allowance:
    """What one account has left at a moment. ``left`` does not count the post that is being written. ``frees_at``
    (aware UTC): the platform takes nothing before it, whatever is left."""

    connection: SocialConnection
    limit: int
    left: int
    window: timedelta
    frees_at: datetime | None = None

    @property
    def state(self) -> str:
        """ "over", "near" or "" as the counters have it."""
        if not self.left or self.frees_at:
            return "over"
        return "near" if self.left <= (1 - NEAR) * self.limit else ""

    @property
    def span(self) -> str:
        """The window in words: ``24 h``, ``15 min``."""
        minutes = int(self.window.total_seconds() // 60)
        return _("%(n)d h") % {"n": minutes // 60} if minutes % 60 == 0 else _("%(n)d min") % {"n": minutes}


def allowances(
    connections: Sequence[SocialConnection], *, at: datetime, now: datetime, besides: Iterable[UUID] = ()
) -> list[Allowance]:
    """What the accounts have left at ``at`` (aware, not before ``now``), in their order; those without a budget of posts
    are left out. As many queries for any number of accounts of an app. ``besides``: posts that do not count, by their ids."""
    if not connections:
        return []
    found = []
    budgets = {connection.pk: budgets_of(connection).get("posts") for connection in connections}
    widest = max((budget.window for budget in budgets.values() if budget), default=timedelta())
    planned: dict[UUID, list[datetime]] = {connection.pk: [] for connection in connections}
    rows = SocialPost.objects.filter(
        connection__in=connections, status__in=(PostStatus.SCHEDULED, PostStatus.PUBLISHING),
        scheduled_at__gt=at - widest, scheduled_at__lte=at,
    )  # fmt: skip
    for connection_id, moment in rows.exclude(pk__in=list(besides)).values_list("connection_id", "scheduled_at"):
        planned[connection_id].append(moment)  # type: ignore[arg-type]  # the filter leaves no post without a time
    quotas = quotas_of(connections, now=at)
    for connection in connections:
        budget = budgets[connection.pk]
        by_kind = {one.kind: one for one in quotas[connection.pk]}
        quota, shared = by_kind.get("posts"), by_kind.get("app_posts")
        if budget is None or quota is None:
            continue
        waiting = sum(moment > at - budget.window for moment in planned[connection.pk])
        left = max(0, budget.limit - quota.used - waiting)
        frees_at = quota.frees_at if quota.left else None
        if shared is not None:
            left = min(left, shared.left)
            frees_at = max(filter(None, (frees_at, shared.frees_at)), default=None)
        found.append(Allowance(connection, budget.limit, left, budget.window, frees_at))
    return found


@dataclass(frozen=True)
class DayQuota:
    """An account that has nearly as many posts on a day as its platform takes, or more."""

    connection: SocialConnection
    posts: int
    limit: int

    @property
    def is_over(self) -> bool:
        return self.posts > self.limit

    @property
    def note(self) -> str:
        """``Facebook 23/25``, for the corner of a day."""
        return f"{self.connection.platform_label} {self.posts}/{self.limit}"

    @property
    def sentence(self) -> str:
        said = {"account": self.connection.account_name, "platform": self.connection.platform_label}
        planned = ngettext("%(n)d post", "%(n)d posts", self.posts) % {"n": self.posts}
        if self.is_over:
            return _(
                "%(account)s on %(platform)s has %(planned)s on this day, and may publish %(limit)d in 24 hours. What is"
                " over waits until there is room."
            ) % (said | {"planned": planned, "limit": self.limit})
        return _(
            "%(account)s on %(platform)s has %(planned)s on this day, of %(limit)d that it may publish in 24 hours."
        ) % (said | {"planned": planned, "limit": self.limit})


def day_quotas(posts: Iterable[SocialPost]) -> list[DayQuota]:
    """The accounts whose daily budget the posts of one day come near to or exceed. No query: the posts bring their
    connections."""
    going = [
        post for post in posts if post.status in {PostStatus.SCHEDULED, PostStatus.PUBLISHING, PostStatus.PUBLISHED}
    ]
    counted = Counter(post.connection_id for post in going)
    connections = {post.connection_id: post.connection for post in going}
    found = []
    for connection_id, number in counted.items():
        budget = budgets_of(connections[connection_id]).get("posts")
        if budget is not None and budget.window >= A_DAY and number >= NEAR * budget.limit:
            found.append(DayQuota(connections[connection_id], number, budget.limit))
    return sorted(found, key=lambda one: (not one.is_over, one.note))
