"""Steps that publishing shares between platforms."""

import time
from collections.abc import Callable
from datetime import datetime

from django.utils.translation import gettext as _

from connections.clean import clean_address, clean_id
from connections.errors import ContentRejected, MediaError, TransientError
from connections.platforms.base import Json, Published

READY_WITHIN_S = 60.0
LOOK_EVERY_S = (0.5, 1.0, 2.0, 3.0)


def append_link(text: str, link_url: str) -> str:
    """The text with the link below it, unless it is in it already."""
    if not link_url or link_url in text:
        return text
    return f"{text.rstrip()}\n\n{link_url}" if text.strip() else link_url


def published_of(step: Json) -> Published:
    """The publication that a finished "post" step recorded."""
    return Published(id=str(step["id"]), url=str(step["url"]), at=datetime.fromisoformat(step["at"]))


def step_of(post_id: str, url: str, at: datetime) -> Json:
    """What a "post" step records, so that a later worker can go on from it. An id that cannot be stored is recorded as "":
    the post is out, whatever it is called there."""
    return {"id": clean_id(post_id), "url": clean_address(url), "at": at.isoformat()}


def must_be_known(published: Published) -> None:
    """Raise ContentRejected for a post that cannot be answered, because its id is of no use."""
    if not published.id:
        raise ContentRejected(_("The platform returned an invalid post ID."), detail="post id")


def twice_on_media_error(upload: Callable[[], Json]) -> Json:
    """Some platforms refuse a good picture for a passing reason: one that is refused is offered once more."""
    try:
        return upload()
    except MediaError:
        time.sleep(LOOK_EVERY_S[0])
        return upload()


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
    raise TransientError(_("%(platform)s is still processing an image.") % {"platform": platform}, detail="processing")
