"""A worker process killed in any step of a publish: the post ends published once or asks, never twice, never lost.

The platforms here are a real HTTP server that kills the worker with SIGKILL while it serves a chosen call, so that each
moment is met exactly: before the call was taken, after it was taken, and while the answer is on its way.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone

from tests.publishing import mastodon

ROOT = Path(__file__).resolve().parents[2]
STEPS = {
    "MASTODON": ["upload", "post", "comment"],
    "TWITTER": ["upload", "describe", "post", "comment"],
    "FACEBOOK": ["upload", "post", "comment"],
}
NO_PROOF = {"FACEBOOK"}
"""Where a post that is not in sight may still be out: there a person is asked, and nothing is sent again."""


class KillingServer(ThreadingHTTPServer):
    """Keeps what it took; ``kill_at`` is (step, moment) with the moment "before", "after" or "answered"."""

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
        self.kill_at: tuple[str, str] | None = None

    def moment(self, step: str, moment: str) -> None:
        """Kill the worker when this is the moment, and wait until it is gone."""
        if self.kill_at != (step, moment) or self.worker is None:
            return
        self.kill_at = None
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
        text = order.get("message") or order.get("text") or order.get("status")
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
        path = urlsplit(self.path).path
        newest_first = list(reversed(self.server.taken))
        if path.endswith("/statuses"):
            self.answer(newest_first)
        else:
            self.answer({"data": newest_first, "id": "9", "type": "image", "url": "https://mastodon.example/9.png"})


class Workers:
    """The process that forks workers, and the database that each test begins with."""

    def __init__(self, folder: Path, platform: KillingServer) -> None:
        self.folder = folder
        self.platform = platform
        address = platform.url
        environment = os.environ | {
            "DATA_DIR": str(folder),
            "DATABASE_URL": f"sqlite:///{folder / 'parley.sqlite3'}",
            "PARLEY_TEST_DATABASE": "sqlite",
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

    def run(self, do: str, database: Path, post: str) -> int:
        """A worker's exit status; minus the signal when it was killed."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": do, "database": str(database), "post": post}) + "\n")
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


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    server = KillingServer()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    made = Workers(tmp_path_factory.mktemp("workers"), server)
    yield made
    made.stop()
    server.shutdown()
    server.server_close()


@pytest.mark.processes
@pytest.mark.parametrize("moment", ["before", "after", "answered"])
@pytest.mark.parametrize(("platform", "step"), [(name, step) for name, steps in STEPS.items() for step in steps])
def test_a_worker_killed_in_any_step_leaves_one_copy_or_asks(
    workers: Workers, tmp_path: Path, platform: str, step: str, moment: str
) -> None:
    server, post = workers.platform, workers.posts[platform]
    server.forget()
    database = tmp_path / "parley.sqlite3"
    shutil.copy(workers.folder / "parley.sqlite3", database)
    server.kill_at = (step, moment)
    status = workers.run("publish", database, post)
    assert server.kill_at is None, "the step was reached"
    if moment != "answered":
        assert status == -signal.SIGKILL, "the worker did die"
    assert workers.run("settle", database, post) == 0
    ending = json.loads((tmp_path / "said.json").read_text())
    if platform in NO_PROOF and (step, moment) == ("post", "before"):
        assert (ending["status"], ending["error_code"]) == ("FAILED", "OUTCOME_UNKNOWN")
        assert "is it out?" in ending["error_message"]
        assert server.taken == []
        return
    assert ending["status"] == "PUBLISHED"
    assert [copy["id"] for copy in server.taken] == [ending["platform_post_id"]]
    assert len(server.comments) <= 1, "no comment twice either"
    if not server.comments:
        assert ending["error_code"] == "PARTLY_PUBLISHED" or step == "post", "a comment that is missing is said"
