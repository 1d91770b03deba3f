"""An account's list of posts as each platform answers it, page by page, over ``responses``."""

import json
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
import responses

from tests.connections.platforms.helpers import TOKEN

ACCOUNT = "2244994945"
LISTS = {
    "FACEBOOK": f"https://graph.facebook.com/v26.0/{ACCOUNT}/published_posts",
    "MASTODON": f"https://social.example/api/v1/accounts/{ACCOUNT}/statuses",
    "TWITTER": f"https://api.x.com/2/users/{ACCOUNT}/tweets",
}


def row(name: str, number: int, text: str, at: datetime) -> dict[str, Any]:
    """A post as the platform's documentation shows it in a list."""
    moment = at.strftime("%Y-%m-%dT%H:%M:%S")
    shown: dict[str, dict[str, Any]] = {
        "FACEBOOK": {"id": f"{ACCOUNT}_{number}", "message": text, "created_time": f"{moment}+0000"},
        "MASTODON": {"id": str(number), "content": f"<p>{text}</p>", "created_at": f"{moment}.000Z",
                     "url": f"https://social.example/@club/{number}", "media_attachments": []},
        "TWITTER": {"id": str(number), "text": text, "created_at": f"{moment}.000Z"},
    }  # fmt: skip
    return shown[name]


def page(name: str, posts: list[dict[str, Any]], following: str = "") -> tuple[Any, dict[str, str]]:
    """Body and headers of one page; ``following`` is the cursor to the next one."""
    if name == "MASTODON":
        link = f'<{LISTS[name]}?max_id={following}&limit=40>; rel="next"' if following else ""
        return posts, {"Link": link} if link else {}
    if name == "TWITTER":
        more = {"next_token": following} if following else {}
        return ({"data": posts} if posts else {}) | {"meta": {"result_count": len(posts)} | more}, {}
    paging: dict[str, Any] = {"cursors": {"before": "b", "after": following or "end"}}
    if following:
        paging["next"] = f"https://evil.example/{ACCOUNT}?access_token={TOKEN}&limit=50&after={following}"
    return {"data": posts, "paging": paging}, {}


def plant(web: responses.RequestsMock, name: str, pages: dict[str, tuple[Any, dict[str, str]]]) -> None:
    """The platform's list: cursor -> page, "" being the first."""
    cursor_of = {"FACEBOOK": "after", "MASTODON": "max_id", "TWITTER": "pagination_token"}[name]

    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        cursor = parse_qs(urlsplit(str(request.url)).query).get(cursor_of, [""])[0]
        body, headers = pages[cursor]
        return 200, headers, json.dumps(body)

    web.add_callback(responses.GET, LISTS[name], callback=answer)
