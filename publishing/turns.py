"""A worker's turn: the post that its message named, then whatever else is ready, for as long as a turn lasts.

The claimed posts in the table are the queue. A message makes a worker look; what it publishes then is what has waited
longest, so that a burst costs a few messages rather than one per post, a message that is lost delays nothing while any
worker is awake, and a slow upload holds nobody but the one thread that makes it. Turns end soon: the same threads run
the tick, and one that never came free would hold it up.
"""

import threading
import time
from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from connections.hurry import hurry
from publishing.attempts import publish_next, publish_post
from publishing.dispatch import claim_due_posts, room_in_queue
from publishing.models import SocialPost

TURN_S = 4.0
WAKE_AFTER = timedelta(seconds=3)
WAKE_AT_MOST = 8

_refilling = threading.Lock()
_refills = 0


def take_turn(post_id: UUID | None = None) -> None:
    """Publish this post, and others until none is due or the turn is over; then a message goes on with the rest."""
    until = time.monotonic() + TURN_S
    if post_id is not None:
        publish_post(post_id)
    while True:
        seen = _refills
        if publish_next():
            if time.monotonic() > until:
                hurry("publishing.tasks.publish_ready_task")
                return
        elif not _refill(seen):
            return


def _refill(seen: int) -> bool:
    """Claim what is due, one thread of this process at a time; whether there may be something to publish now."""
    global _refills
    with _refilling:
        if _refills != seen:
            return True  # another thread has just done it
        if not claim_due_posts(timezone.now(), limit=room_in_queue()):
            return False
        _refills += 1
        return True


def wake_workers() -> None:
    """Send a few messages when claimed posts wait: theirs were lost, or there are fewer workers than there were."""
    waiting = SocialPost.objects.ready().filter(claimed_at__lt=timezone.now() - WAKE_AFTER)[:WAKE_AT_MOST].count()
    for _ in range(waiting):
        hurry("publishing.tasks.publish_ready_task")
