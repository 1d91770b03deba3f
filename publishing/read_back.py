"""Posts of one account among those that its platform lists, found by one reading of the list for all of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from connections.platforms.base import OwnPosts, Platform, Published
from connections.platforms.read_back import Wanted, mark_of, match_copies
from publishing.drafts import draft_of
from publishing.models import WORKING, PostStatus, PublishAttempt, PublishStep, SocialPost, SocialPostQuerySet

CLOCK_SKEW = timedelta(minutes=2)
NOT_FOUND_THERE = "not found at the platform"
"""The error of a public call whose post was certainly not there afterwards, so that it was sent again."""


@dataclass(frozen=True)
class Found:
    """``copies``: post id -> its copy. ``contested``: posts that cannot be told from one that a worker is sending at this
    moment: whether the copy that is there is theirs will be known when that one has ended."""

    copies: Mapping[UUID, Published]
    contested: frozenset[UUID]
    listed: OwnPosts

    def is_absent(self, post: SocialPost, *, since: datetime) -> bool:
        """Whether the list was read as far back as ``since`` and the post is not on it."""
        whole_since = self.listed.whole_since
        is_there = post.pk in self.copies or post.pk in self.contested
        return not is_there and whole_since is not None and whole_since <= since


def unanswered(post: SocialPost) -> list[PublishStep]:
    """The sends of a post, of all its attempts, that may have put it out: they were begun and have no answer."""
    steps = (step for attempt in post.attempts.all() for step in attempt.steps.all())
    return [
        step
        for step in steps
        if step.name == "post" and step.is_public and not step.finished_at and step.error in {"", NOT_FOUND_THERE}
    ]


def can_be_out_since(post: SocialPost, attempt: PublishAttempt) -> datetime:
    """The moment (aware UTC) before which no copy of the post was made, with what clocks may differ. ``attempt`` stands
    in where no send was begun."""
    return min((step.started_at for step in unanswered(post)), default=attempt.started_at) - CLOCK_SKEW


def find_copies(platform: Platform, posts: Mapping[SocialPost, datetime]) -> Found:
    """Look for posts of one connection, each made at or after its moment (aware UTC), in what the platform lists.

    Raises PlatformError.
    """
    listed = platform.own_posts(since=min(posts.values()))
    # Read after the list, and in this order: a copy on it that another post has made is known by then to be its own, or
    # its worker has not ended yet.
    connection_id = next(iter(posts)).connection_id
    others = SocialPost.objects.filter(connection_id=connection_id).exclude(pk__in=[post.pk for post in posts])
    busy = others.filter(status=PostStatus.PUBLISHING, claimed_by__startswith=WORKING).with_card()
    marks = {mark_of(platform.copy_of(draft_of(post))) for post in busy}
    taken = _taken_ids(others, since=min(posts.values()))
    wanted = [Wanted(post, platform.copy_of(draft_of(post)), since) for post, since in posts.items()]
    contested = [one for one in wanted if mark_of(one.copy) in marks]
    found = match_copies([one for one in wanted if one not in contested], listed.posts, taken=taken)
    return Found(
        copies={post.pk: Published(copy.id, copy.url, copy.at) for post, copy in found.items()},
        contested=frozenset(one.key.pk for one in contested),
        listed=listed,
    )


def _taken_ids(others: SocialPostQuerySet, *, since: datetime) -> set[str]:
    """Ids at the platform that belong to other posts and may lie in a list since then."""
    published = others.filter(platform_post_id__isnull=False, published_at__gte=since - timedelta(days=1))
    return {str(post_id) for post_id in published.values_list("platform_post_id", flat=True)}
