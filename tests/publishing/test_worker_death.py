"""A worker process killed at any moment of a publish: the post ends published once, never twice, never lost.

The platform here is a real HTTP server that kills the worker with SIGKILL while it serves a chosen call, so that each
moment is met exactly: before the call was taken, after it was taken, and while the answer is on its way.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.publishing import mastodon

ROOT = Path(__file__).resolve().parents[2]


class KillingServer(ThreadingHTTPServer):
    """Keeps what it took; ``kill_at`` is (path prefix, moment) with the moment "before", "after" or "answered"."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.taken: list[dict[str, Any]] = []
        self.kill_at: tuple[str, str] | None = None
        self.worker: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def moment(self, path: str, moment: str) -> None:
        if self.kill_at and self.worker and path.startswith(self.kill_at[0]) and moment == self.kill_at[1]:
            self.kill_at = None
            os.kill(self.worker.pid, signal.SIGKILL)
            self.worker.wait()


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
        self.server.moment(self.path, "before")
        if self.path.startswith("/api/v1/statuses"):
            order = json.loads(sent)
            status = mastodon.status(order["status"], id=str(100 + len(self.server.taken)))
            status["media_attachments"] = [{"id": media_id, "type": "image"} for media_id in order["media_ids"]]
            if self.server.worker is None or self.server.worker.poll() is None:
                self.server.taken.append(status)
            body: Any = status
        else:
            body = {"id": "9", "type": "image", "url": "https://mastodon.example/9.png", "description": "x"}
        self.server.moment(self.path, "after")
        self.answer(body)
        self.server.moment(self.path, "answered")

    def do_GET(self) -> None:
        if "/statuses" in self.path:
            self.answer(list(reversed(self.server.taken)))
        else:
            self.answer({"id": "9", "type": "image", "url": "https://mastodon.example/9.png"})


@pytest.fixture
def platform() -> Iterator[KillingServer]:
    server = KillingServer()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def start(platform: KillingServer, folder: Path, *command: str) -> "subprocess.Popen[bytes]":
    environment = os.environ | {
        "DATA_DIR": str(folder),
        "DATABASE_URL": f"sqlite:///{folder / 'parley.sqlite3'}",
        "CELERY_BROKER_URL": "memory://",
        "MASTODON_API_URL": platform.url,
        "OUTBOUND_ALLOW": platform.url.removeprefix("http://"),
        "PUBLISH_LEASE_S": "1",
        "PUBLISH_CLAIM_LEASE_S": "1",
        "DJANGO_SETTINGS_MODULE": "tests.settings",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "tests.publishing.worker", *command], cwd=ROOT, env=environment, stdout=subprocess.PIPE
    )


def run(platform: KillingServer, folder: Path, *command: str) -> str:
    output, _ = start(platform, folder, *command).communicate(timeout=120)
    return output.decode().strip().splitlines()[-1]


@pytest.mark.processes
@pytest.mark.parametrize(
    ("path", "moment"),
    [
        ("/api/v2/media", "before"),
        ("/api/v2/media", "after"),
        ("/api/v2/media", "answered"),
        ("/api/v1/statuses", "before"),
        ("/api/v1/statuses", "after"),
        ("/api/v1/statuses", "answered"),
    ],
)
def test_a_worker_killed_in_any_call_leaves_one_copy(
    platform: KillingServer, tmp_path: Path, path: str, moment: str
) -> None:
    post_id = run(platform, tmp_path, "prepare")
    platform.kill_at = (path, moment)
    platform.worker = start(platform, tmp_path, "publish", post_id)
    platform.worker.communicate(timeout=60)
    if moment != "answered":
        assert platform.worker.returncode == -signal.SIGKILL, "the worker did die"
    assert platform.kill_at is None
    platform.worker = None
    ending = json.loads(run(platform, tmp_path, "settle", post_id))
    assert ending["status"] == "PUBLISHED"
    assert len(platform.taken) == 1
    assert ending["platform_post_id"] == platform.taken[0]["id"]
