"""A Mastodon server as publishing sees it: the answers that its documentation shows, over ``responses``."""

import json
from datetime import UTC, datetime
from itertools import count
from typing import Any

import requests
import responses
from django.utils import timezone

SERVER = "https://mastodon.example"


def status(text: str, *, id: str = "111", at: datetime | None = None, **counts: int) -> dict[str, Any]:
    """A Status entity."""
    at = at or timezone.now()
    return {
        "id": id,
        "created_at": at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "url": f"{SERVER}/@club/{id}",
        "uri": f"{SERVER}/users/club/statuses/{id}",
        "content": f"<p>{text}</p>",
        "visibility": "public",
        "in_reply_to_id": None,
        "replies_count": counts.get("replies", 0),
        "reblogs_count": counts.get("reblogs", 0),
        "favourites_count": counts.get("favourites", 0),
        "media_attachments": [],
        "account": {"id": "1", "username": "club", "acct": "club", "display_name": "Club"},
        "reblog": None,
    }


def takes_the_post(rsps: responses.RequestsMock, text: str, **fields: Any) -> None:
    rsps.post(f"{SERVER}/api/v1/statuses", json=status(text, **fields))


def takes_everything(rsps: responses.RequestsMock) -> list[str]:
    """Take every post under an id of its own; the texts, as they come in."""
    numbers = count(1)
    said: list[str] = []

    def take(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        said.append(json.loads(request.body or "")["status"])
        return 200, {}, json.dumps(status(said[-1], id=str(110_000 + next(numbers))))

    rsps.add_callback(responses.POST, f"{SERVER}/api/v1/statuses", callback=take, content_type="application/json")
    return said


def shows(rsps: responses.RequestsMock, account_id: str, *statuses: dict[str, Any]) -> None:
    """What a read-back of the account's own posts finds, newest first: these, on one page, and nothing older."""

    def page(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        return 200, {}, json.dumps([] if "max_id=" in str(request.url) else list(statuses))

    rsps.add_callback(responses.GET, f"{SERVER}/api/v1/accounts/{account_id}/statuses", callback=page)


def sends(rsps: responses.RequestsMock) -> int:
    """How often a post was sent."""
    return sum(
        1 for call in rsps.calls if call.request.method == "POST" and call.request.path_url.endswith("/statuses")
    )
