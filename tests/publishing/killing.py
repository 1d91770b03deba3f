"""Platforms that strike in the middle of a call, and workers in processes of their own that they strike.

Three platforms in one real HTTP server. While it serves a chosen call it kills the worker with SIGKILL, or does
something else, so that each moment is met exactly: before the call was taken, after it was taken, and while the answer
is on its way.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.utils import timezone

from tests.publishing import mastodon

ROOT = Path(__file__).resolve().parents[2]


class KillingServer(ThreadingHTTPServer):
    """Keeps what it took. ``strike_at`` is (step, moment) with the moment "before", "after" or "answered"; ``strike``
    is what happens then, killing the worker unless it is replaced."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.worker: int | None = None
        self.forget()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def forget(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.comments: list[str] = []
        self.strike_at: tuple[str, str] | None = None
        self.strike: Callable[[], None] = self.kill_worker

    def moment(self, step: str, moment: str) -> None:
        if self.strike_at == (step, moment):
            self.strike_at = None
            self.strike()

    def kill_worker(self) -> None:
        """Kill it and wait until it is gone."""
        if self.worker is None:
            return
        try:
            os.kill(self.worker, signal.SIGKILL)
            while True:
                os.kill(self.worker, 0)
                time.sleep(0.002)
        except ProcessLookupError:
            self.worker = None


class Handler(BaseHTTPRequestHandler):
    server: KillingServer

    def log_message(self, *_args: Any) -> None:
        """Quiet."""

    def answer(self, body: Any) -> None:
        encoded = json.dumps(body).encode()
        try:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(encoded)))
            self.end_headers()
            self.wfile.write(encoded)
            self.wfile.flush()
        except OSError:
            pass  # the worker is dead

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        step = self.step(sent)
        alive = self.server.worker
        self.server.moment(step, "before")
        body = self.do(step, sent) if self.server.worker == alive else {}
        self.server.moment(step, "after")
        self.answer(body)
        self.server.moment(step, "answered")

    def step(self, sent: bytes) -> str:
        path = urlsplit(self.path).path
        if path.endswith(("/v2/media", "/media/upload", "/photos")):
            return "upload"
        if path.endswith("/metadata"):
            return "describe"
        is_reply = path.endswith("/comments") or b'"reply"' in sent or b'"in_reply_to_id"' in sent
        return "comment" if is_reply else "post"

    def do(self, step: str, sent: bytes) -> Any:
        picture = {"id": "9", "type": "image", "url": "https://mastodon.example/9.png", "description": "x"}
        if step in {"upload", "describe"}:
            return picture | {"data": {"id": "9"}}
        number = str(100 + len(self.server.taken) + len(self.server.comments))
        is_form = self.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded")
        order = {name: values[0] for name, values in parse_qs(sent.decode()).items()} if is_form else json.loads(sent)
        text = str(order.get("message") or order.get("text") or order.get("status"))
        # One answer that each of the three understands: they look at different fields of it.
        body = mastodon.status(text, id=number) | {
            "media_attachments": [picture],
            "data": {"id": number, "text": text},
            "text": text,
            "message": text,
            "created_time": timezone.now().strftime("%Y-%m-%dT%H:%M:%S+0000"),
            "attachments": {"media_keys": ["3_9"], "data": [{"media_type": "photo"}]},
        }
        if step == "comment":
            self.server.comments.append(text)
        else:
            self.server.taken.append(body)
        return body

    def do_GET(self) -> None:
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        newest_first = list(reversed(self.server.taken))
        if path.endswith("/statuses"):
            self.answer([] if "max_id" in query else newest_first)
        else:
            picture = {"id": "9", "type": "image", "url": "https://mastodon.example/9.png"}
            self.answer(picture | {"data": newest_first, "meta": {"result_count": len(newest_first)}})


class Workers:
    """The process that forks workers, and the database that each test begins with: SQLite in its folder, unless an
    address is given."""

    def __init__(self, folder: Path, platform: KillingServer, *, database: str = "") -> None:
        self.folder = folder
        self.platform = platform
        address = platform.url
        environment = os.environ | {
            "DATA_DIR": str(folder),
            "DATABASE_URL": database or f"sqlite:///{folder / 'parley.sqlite3'}",
            "PARLEY_TEST_DATABASE": "postgres" if database else "sqlite",
            "CELERY_BROKER_URL": "memory://",
            "MASTODON_API_URL": address,
            "TWITTER_API_URL": address,
            "FACEBOOK_API_URL": address,
            "OUTBOUND_ALLOW": address.removeprefix("http://"),
            "DJANGO_SETTINGS_MODULE": "tests.settings",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.publishing.worker"], cwd=ROOT, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self.posts: dict[str, str] = self.read()

    def read(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the workers' process has ended"
        return json.loads(line)

    def run(self, do: str, folder: Path, post: str) -> int:
        """A worker's exit status; minus the signal when it was killed. It uses the SQLite database in the folder, when
        there is one."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": do, "folder": str(folder), "post": post}) + "\n")
        self.process.stdin.flush()
        self.platform.worker = self.read()["pid"]
        status: int = self.read()["status"]
        self.platform.worker = None
        return status

    def stop(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


@contextmanager
def running_platform() -> Iterator[KillingServer]:
    server = KillingServer()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
