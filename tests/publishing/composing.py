"""The composer's form as a browser sends it, and how its answers are read."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from connections.models import SocialConnection

NEW = "/posts/new/"
NOW = datetime(2026, 12, 1, 10, 0, tzinfo=UTC)


def fields(*connections: SocialConnection, **more: Any) -> dict[str, Any]:
    """The composer's form as a browser sends it."""
    sent: dict[str, Any] = {
        "group": str(uuid4()), "connections": [str(connection.pk) for connection in connections],
        "text": "Members' dinner is back.\r\n\r\n#riversidegc", "when": "draft", "date": "", "time": "", "link_url": "",
        "first_comment": "", "campaign": "",
    }  # fmt: skip
    return sent | more


def at(moment: datetime) -> dict[str, str]:
    """The fields for a local wall time."""
    return {"when": "at", "date": f"{moment:%Y-%m-%d}", "time": f"{moment:%H:%M}"}


def text_of(response: Any) -> str:
    text: str = response.content.decode()
    return text


def json_of(response: Any) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(response.content)
    return found
