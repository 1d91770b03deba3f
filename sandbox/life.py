"""Life for the demonstration: audiences that see and like posts more and more, computed when they are read.

Nothing runs in the background: a post's counters follow from its id, its account's audience and its age alone, grow
with time and never fall, so two reads at the same moment agree and a restart changes nothing.
"""

import hashlib
import math
from dataclasses import dataclass
from datetime import datetime

from sandbox.models import Event, Post

TAIL, TAIL_HALF_LIFE_S = 0.2, 1.5 * 86400


@dataclass(frozen=True)
class Counters:
    """What a post has gathered up to a moment; all are totals since publication."""

    likes: int
    comments: int
    shares: int
    quotes: int
    saves: int
    impressions: int
    reach: int
    clicks: int
    profile_clicks: int

    @property
    def engagements(self) -> int:
        return self.likes + self.comments + self.shares + self.quotes + self.clicks


def share_of(seed: str, name: str, low: float, high: float) -> float:
    """A number between low and high which depends on nothing but the two words."""
    number = int.from_bytes(hashlib.sha256(f"{seed}:{name}".encode()).digest()[:8], "big")
    return low + (high - low) * number / 2**64


def rise(age_s: float, half_life_s: float) -> float:
    """From 0 towards 1, halfway after the half-life."""
    return 1 - math.pow(2, -age_s / half_life_s)


def count_engagement(post: Post, *, now: datetime) -> Counters:
    """The counters of a post at ``now``; they stand still once it is deleted.

    Impressions rise towards a share of the audience, four fifths of them with a half-life of half an hour to two
    hours and the rest over days; other figures follow a little later. Comments that were planted are added to those that the audience writes.
    """
    until = min(now, post.deleted_at) if post.deleted_at else now
    age_s = max((until - post.publish_at).total_seconds(), 0.0)
    seed = post.native_id
    half_life_s = share_of(seed, "half-life", 1800, 7200)
    tail = TAIL * rise(age_s, TAIL_HALF_LIFE_S)
    seen = (1 - TAIL) * rise(age_s, half_life_s) + tail
    late = (1 - TAIL) * rise(age_s, half_life_s * 1.5) + tail
    audience = max(post.account.followers, 50)
    impressions = audience * share_of(seed, "impressions", 0.35, 1.4) * seen
    likes = audience * share_of(seed, "likes", 0.01, 0.06) * late
    planted = post.planted_comments
    if planted is None:
        planted = Event.objects.filter(post=post, kind=Event.Kind.COMMENT).count()
    return Counters(
        likes=int(likes),
        comments=int(likes * share_of(seed, "comments", 0.05, 0.2)) + planted,
        shares=int(likes * share_of(seed, "shares", 0.08, 0.3)),
        quotes=int(likes * share_of(seed, "quotes", 0.0, 0.06)),
        saves=int(likes * share_of(seed, "saves", 0.02, 0.12)),
        impressions=int(impressions),
        reach=int(impressions * share_of(seed, "reach", 0.65, 0.9)),
        clicks=int(impressions * share_of(seed, "clicks", 0.004, 0.03)) if post.link or "http" in post.text else 0,
        profile_clicks=int(impressions * share_of(seed, "profile", 0.001, 0.006)),
    )


def count_followers(followers: int, seed: str, *, since: datetime, now: datetime) -> int:
    """An account's followers, which grow by a few a day from what it was seeded with."""
    days = max((now - since).total_seconds(), 0.0) / 86400
    return followers + int(days * share_of(seed, "followers a day", 1, 9))
