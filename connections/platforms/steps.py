"""Steps that publishing shares between platforms."""

import time
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from connections.errors import PlatformError, TransientError
from connections.platforms.base import Draft, Journal, Json, Published
from connections.platforms.text import fingerprint

CLOCKS_APART = timedelta(seconds=10)
READY_WITHIN_S = 60.0
LOOK_EVERY_S = (0.5, 1.0, 2.0, 3.0)


def append_link(text: str, link_url: str) -> str:
    """The text with the link below it, unless it is in it already."""
    if not link_url or link_url in text:
        return text
    return f"{text.rstrip()}\n\n{link_url}" if text.strip() else link_url


def comment_after(
    published: Published, draft: Draft, journal: Journal, send: Callable[[], Json], *, platform: str
) -> Published:
    """The first comment, as a step of its own after the post is out.

    The post is public whatever becomes of its comment, so a refused comment is a note on the publication, never a
    failure that could send the post again.
    """
    if not draft.first_comment:
        return published
    try:
        journal.once("comment", send)
    except PlatformError as error:
        note = _("The post is out, but its first comment is not: %(reason)s") % {"reason": error}
        return replace(published, note=note)
    return published


def wait_until_ready(is_ready: Callable[[], bool], *, platform: str) -> None:
    """Ask until an upload is processed, for at most a minute. Raises TransientError when it is not by then."""
    until = time.monotonic() + READY_WITHIN_S
    for look in range(1000):
        if is_ready():
            return
        wait_s = LOOK_EVERY_S[min(look, len(LOOK_EVERY_S) - 1)]
        if time.monotonic() + wait_s > until:
            break
        time.sleep(wait_s)
    raise TransientError(_("%(platform)s is still processing a picture.") % {"platform": platform}, detail="processing")


def is_match(
    *,
    post_id: str,
    text: str,
    at: datetime | None,
    media: int,
    wanted: str,
    wanted_media: int,
    since: datetime,
    taken: Collection[str],
) -> bool:
    """Whether a post read back is our copy: same text, same number of pictures, made since the attempt began (our
    clock and the platform's may differ by seconds), and not known as another post of ours."""
    return (
        bool(post_id)
        and post_id not in taken
        and at is not None
        and at >= since - CLOCKS_APART
        and media == wanted_media
        and fingerprint(text) == fingerprint(wanted)
    )
