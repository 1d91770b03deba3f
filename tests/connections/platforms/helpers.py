"""What the platforms' tests share: drafts, a journal kept in memory, and documented answers from files."""

import io
import json
from collections.abc import Callable, Collection
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from PIL import Image

from connections.errors import OutcomeUnknown, PlatformError
from connections.platforms.base import AppCredentials, Draft, DraftMedia, Json, OwnPost, Platform, platform_class
from connections.platforms.read_back import Wanted, match_copies

HERE = Path(__file__).parent
TOKEN = "secret-token-3f9a"
SECRET = "secret-of-the-app-77c1"


class MemoryJournal:
    """The journal's promise: a finished step is not run again, a public one that was cut off is not sent again."""

    def __init__(self) -> None:
        self.finished: dict[str, Json] = {}
        self.begun: set[str] = set()

    def once(self, name: str, call: Callable[[], Json]) -> Json:
        if name in self.begun and name not in self.finished:
            raise OutcomeUnknown("An earlier attempt was interrupted while sending.")
        return self._run(name, call, is_public=True)

    def again(self, name: str, call: Callable[[], Json]) -> Json:
        return self._run(name, call, is_public=False)

    def _run(self, name: str, call: Callable[[], Json], *, is_public: bool) -> Json:
        if name not in self.finished:
            if is_public:
                self.begun.add(name)
            try:
                result = call()
            except OutcomeUnknown:
                raise
            except PlatformError:
                self.begun.discard(name)
                raise
            self.finished[name] = json.loads(json.dumps(result))
        return self.finished[name]


def picture_bytes(colour: str = "#2f5d50", side: int = 64, kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(out, kind)
    return out.getvalue()


def picture(colour: str = "#2f5d50", *, alt: str = "A green field", **changes: Any) -> DraftMedia:
    content = picture_bytes(colour)

    def open_stream() -> BinaryIO:
        return io.BytesIO(content)

    facts: dict[str, Any] = {
        "id": colour, "content_type": "image/png", "size_bytes": len(content), "width": 64, "height": 64,
        "alt_text": alt, "open": open_stream,
    }  # fmt: skip
    return DraftMedia(**{**facts, **changes})


def draft(text: str = "Tee times for Saturday are open.", **changes: Any) -> Draft:
    return Draft(text=text, **changes)


def client(name: str, **changes: Any) -> Platform:
    """A bound client of a platform; its token and secret are planted, so that a leak can be found."""
    facts: dict[str, Any] = {
        "app": AppCredentials("client-id", SECRET), "access_token": TOKEN, "account_id": "2244994945",
        "handle": "riversidegc",
    }  # fmt: skip
    if name == "MASTODON":
        facts["server_url"] = "https://social.example"
    return platform_class(name)(**{**facts, **changes})


def answer(platform: str, name: str) -> Any:
    """A platform's answer as documented or recorded: tests/connections/platforms/<platform>/<name>.json."""
    return json.loads((HERE / platform / f"{name}.json").read_text())


def find(platform: Platform, wanted: Draft, *, since: datetime, taken: Collection[str] = ()) -> OwnPost | None:
    """The copy of a draft among what the platform lists, as it is looked for after a lost answer."""
    looked_for = [Wanted("it", platform.copy_of(wanted), since)]
    return match_copies(looked_for, platform.own_posts(since=since).posts, taken=taken).get("it")
