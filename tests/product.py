"""A real running product: what ``make run`` starts, with its own data, on a free port, against the sandbox."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests

from tests.services import free_port

BASE_DIR = Path(__file__).resolve().parent.parent
PASSWORD = "riverside"
"""Of everybody in the demonstration."""
READY_S = 180


class Product:
    """The supervisor's process and what it runs."""

    def __init__(self, data_dir: Path, environ: Mapping[str, str] | None = None) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        ours = {"DJANGO_SETTINGS_MODULE", "DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "APP_URL", "SECRET_KEY"}
        ours |= {"SOCIAL_MEDIA_ENCRYPTION_KEY", "OUTBOUND_ALLOW", "LOG_LEVEL", "DJANGO_ALLOW_ASYNC_UNSAFE"}
        kept = {
            key: value
            for key, value in os.environ.items()
            if key not in ours and not key.startswith(("PYTEST_", "TWITTER_", "FACEBOOK_", "MASTODON_"))
        }
        self.environ = kept | {"DATA_DIR": str(data_dir), "PORT": str(self.port), "SANDBOX": "1"} | dict(environ or {})
        self.log_file = data_dir / "product.log"
        self.process: subprocess.Popen[bytes] | None = None

    # --- its life -----------------------------------------------------------------------------------------------------

    def start(self) -> "Product":
        """Start it and wait until it says that it is ready."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("ab") as log:
            start = log.tell()
            self.process = subprocess.Popen(
                [sys.executable, "tools/run.py"], cwd=BASE_DIR, env=self.environ, stdout=log, stderr=subprocess.STDOUT
            )
        wait_until(lambda: "Parley is ready at" in self.log()[start:] or self.process_ended(), READY_S, self.log)
        assert not self.process_ended(), self.log()
        return self

    def process_ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to stop; its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(30)

    def log(self) -> str:
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def processes(self) -> dict[str, int]:
        """Name -> process id of the children that run: web, publish, general, beat."""
        try:
            noted: dict[str, Any] = json.loads((self.data_dir / "processes.json").read_text())
        except FileNotFoundError:
            return {}
        children: dict[str, int] = noted["children"]
        return children

    def kill(self, name: str) -> int:
        """Kill one child and all that it started (-9), as a power cut would; its former process id."""
        pid = self.processes()[name]
        os.killpg(pid, signal.SIGKILL)
        return pid

    def wait_for_child(self, name: str, *, other_than: int, timeout_s: float = 30) -> int:
        """Until the child runs again as another process; that one's id."""
        return wait_until(
            lambda: (pid := self.processes().get(name)) and pid != other_than and pid, timeout_s, self.log
        )

    # --- talking to it ------------------------------------------------------------------------------------------------

    def manage(self, *arguments: str) -> str:
        """A management command on the product's own data; what it printed."""
        command = [sys.executable, "tools/run.py", "manage", *arguments]
        done = subprocess.run(command, cwd=BASE_DIR, env=self.environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def taken(self, platform: str = "*") -> list[dict[str, Any]]:
        """Every post that the sandbox's platforms took, oldest first."""
        answer = requests.get(f"{self.url}/sandbox/api/posts", params={"platform": platform}, timeout=10)
        rows: list[dict[str, Any]] = answer.json()["results"]
        return rows

    def move_in_time(self, platform: str, post_id: str, *, hours_ago: float) -> None:
        """Let the platform believe that it took a post that long ago: people have seen and liked it since."""
        moment = datetime.now(UTC) - timedelta(hours=hours_ago)
        order = {"platform": platform, "id": post_id, "created_at": moment.isoformat()}
        answer = requests.post(f"{self.url}/sandbox/api/posts", json=order, timeout=10)
        assert answer.ok, answer.text

    def plant_fault(self, **fault: Any) -> None:
        answer = requests.post(f"{self.url}/sandbox/api/faults", json=fault, timeout=10)
        assert answer.status_code == 201, answer.text

    def clear_faults(self) -> None:
        requests.delete(f"{self.url}/sandbox/api/faults", timeout=10)

    def api(self, email: str, password: str = PASSWORD) -> "Api":
        """The REST API with this person's JWT."""
        return Api(self.url, email, password)


class Api:
    """A small REST client with a bearer token."""

    def __init__(self, url: str, email: str, password: str) -> None:
        self.url = url
        self.session = requests.Session()
        answer = self.post("/api/v1/auth/token", {"email": email, "password": password})
        self.session.headers["Authorization"] = f"Bearer {answer['access']}"

    def call(self, method: str, path: str, body: Any = None, *, expect: int | None = None, **options: Any) -> Any:
        """The parsed answer. Any 2xx is fine unless a status is expected."""
        answer = self.session.request(method, self.url + path, json=body, timeout=30, **options)
        fits = answer.status_code == expect if expect else answer.ok
        assert fits, f"{method} {path}: {answer.status_code} {answer.text[:2000]}"
        return answer.json() if answer.content else None

    def get(self, path: str, **options: Any) -> Any:
        return self.call("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Any:
        return self.call("POST", path, body, **options)


def wait_until[T](
    condition: Callable[[], T | None], timeout_s: float, explain: Callable[[], str] = str, every_s: float = 0.1
) -> T:
    """The first true answer of the condition. Fails with the explanation after the timeout."""
    until = time.monotonic() + timeout_s
    while not (answer := condition()):
        assert time.monotonic() < until, f"nothing after {timeout_s} s\n{explain()[-6000:]}"
        time.sleep(every_s)
    return answer


@contextmanager
def running(data_dir: Path, environ: Mapping[str, str] | None = None) -> Iterator[Product]:
    """A product that runs for as long as the block."""
    product = Product(data_dir, environ)
    try:
        yield product.start()
    finally:
        if not product.process_ended():
            product.stop()
