"""How late posts go out, and what a crash costs: ``make bench``.

    make bench                                    both benches on the embedded default
    make bench ARGS="dispatch --on servers"       on PostgreSQL and Redis
    make bench ARGS="crash --posts 1000 --runs 3"

The real workers publish to the sandbox over HTTP. The sandbox is a process of its own with a database of its own, as a
platform would be, and waits 50 ms before each answer. ``dispatch``: all posts are due in the same second; lateness is
the platform's own time minus that second. The ideal of the same run is calls x latency / threads. ``crash``: the same,
while worker processes are killed with SIGKILL every few seconds and 5 % of the connections are cut after the post was
taken. Lost and duplicated are counted at the platform. Figures are printed, never judged.
"""

import argparse
import contextlib
import json
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

BASE_DIR = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(BASE_DIR))

from tests import services  # noqa: E402
from tools.run import write_keys  # noqa: E402

LATENCY_MS = 50
DROP_SHARE = 0.05
KILL_EVERY_S = 3.0
GIVE_UP_S = 600


@dataclass
class World:
    """A sandbox, a product's settings, and its workers."""

    folder: Path
    sandbox: str
    environ: dict[str, str]
    workers: int
    threads: int
    processes: "list[subprocess.Popen[bytes]]"

    def run(self, *arguments: str, sandbox: bool = False) -> str:
        environ = self.sandbox_environ() if sandbox else self.environ
        done = subprocess.run([sys.executable, *arguments], cwd=BASE_DIR, env=environ, capture_output=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr.decode())
        lines = done.stdout.decode().strip().splitlines()
        return lines[-1] if lines else ""

    def sandbox_environ(self) -> dict[str, str]:
        clean = {key: value for key, value in os.environ.items() if not key.endswith("_URL")}
        return clean | {
            "DATA_DIR": str(self.folder / "sandbox"),
            "SANDBOX": "1",
            "APP_URL": self.sandbox,
            "LOG_LEVEL": "ERROR",
        }

    def order(self, path: str, **order: Any) -> Any:
        body = json.dumps(order).encode() if order else None
        request = urllib.request.Request(self.sandbox + path, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def start(self, *arguments: str, environ: dict[str, str] | None = None) -> "subprocess.Popen[bytes]":
        log = (self.folder / "log").open("ab")
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=BASE_DIR,
            env=environ or self.environ,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        self.processes.append(process)
        return process

    def start_worker(self, number: int) -> "subprocess.Popen[bytes]":
        return self.start(
            "-m", "celery", "--quiet", "-A", "config", "worker", "-P", "threads", "-n", f"bench{number}@%h",
            "-Q", "publish,dispatch", "-c", str(self.threads), "--without-gossip", "--without-mingle", "--without-heartbeat",
        )  # fmt: skip

    def stop(self) -> None:
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_for(address: str) -> None:
    host, port = address.removeprefix("http://").split(":")
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex((host, int(port))) == 0:
                return
        time.sleep(0.1)
    raise SystemExit(f"nothing answers at {address}")


@contextlib.contextmanager
def world(arguments: argparse.Namespace) -> Iterator[World]:
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="parley-bench-")))
        address = f"http://127.0.0.1:{services.free_port()}"
        product = folder / "product"
        for place in (product, folder / "sandbox"):
            place.mkdir()
            write_keys(place / "local.env")
        environ = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"} | {
            "DATA_DIR": str(product), "SANDBOX": "1", "LOG_LEVEL": "ERROR", "PYTHONWARNINGS": "ignore",
            "MASTODON_API_URL": f"{address}/sandbox/mastodon", "OUTBOUND_ALLOW": address.removeprefix("http://"),
            "PUBLISH_LEASE_S": "15", "PUBLISH_CLAIM_LEASE_S": "15",
        }  # fmt: skip
        if arguments.on == "servers":
            server = services.start_postgres()
            environ["DATABASE_URL"] = services.new_database(server, f"bench_{os.getpid()}_{random.randrange(10**6)}")
            environ["REDIS_URL"] = stack.enter_context(services.running_redis())
        made = World(folder, address, environ, arguments.workers, arguments.threads, [])
        stack.callback(made.stop)
        made.run("manage.py", "migrate", "--skip-checks", "-v0", sandbox=True)
        made.run("manage.py", "migrate", "--skip-checks", "-v0")
        made.start(
            "-m", "granian", "--interface", "wsgi", "config.wsgi:application", "--host", "127.0.0.1",
            "--port", address.rpartition(":")[2], "--blocking-threads", "64", "--log-level", "error",
            environ=made.sandbox_environ(),
        )  # fmt: skip
        wait_for(address)
        accounts = made.run("tools/bench_rows.py", "sandbox", str(arguments.connections), sandbox=True)
        (folder / "accounts.json").write_text(accounts)
        made.run("tools/bench_rows.py", "product", str(arguments.posts), str(folder / "accounts.json"))
        made.order(
            "/sandbox/api/faults",
            platform="MASTODON",
            operation="publish",
            fault="latency",
            value=LATENCY_MS,
            probability=1,
        )
        yield made


def taken(made: World) -> list[dict[str, Any]]:
    posts: list[dict[str, Any]] = made.order("/sandbox/api/posts?platform=MASTODON")["results"]
    return posts


def run(made: World, arguments: argparse.Namespace, *, crash: bool) -> dict[str, Any]:
    workers = [made.start_worker(number) for number in range(made.workers)]
    made.start("-m", "celery", "--quiet", "-A", "config", "beat", "--pidfile", "")
    time.sleep(10)  # all are up and idle
    due = float(int(time.time()) + 4)
    made.run("tools/bench_rows.py", "schedule", str(due))
    if crash:
        made.order(
            "/sandbox/api/faults", platform="MASTODON", operation="publish", fault="drop_after", probability=DROP_SHARE
        )
    time.sleep(max(0.0, due - time.time()))
    kills, last_kill = 0, time.monotonic()
    state: dict[str, int] = {}
    until = time.monotonic() + GIVE_UP_S
    while time.monotonic() < until:
        if crash and time.monotonic() - last_kill > KILL_EVERY_S and len(taken(made)) < arguments.posts * 0.97:
            victim = random.randrange(len(workers))
            os.killpg(workers[victim].pid, signal.SIGKILL)
            workers[victim].wait()
            workers[victim] = made.start_worker(victim)
            kills, last_kill = kills + 1, time.monotonic()
        state = json.loads(made.run("tools/bench_rows.py", "state"))
        if (
            sum(count for status, count in state.items() if status.startswith(("PUBLISHED", "FAILED")))
            == arguments.posts
        ):
            break
        time.sleep(0.5)
    posts = taken(made)
    copies = Counter(post["text"] for post in posts)
    late = sorted(datetime.fromisoformat(post["created_at"]).timestamp() - due for post in posts)
    ideal = arguments.posts * LATENCY_MS / 1000 / (made.workers * made.threads)
    return {
        "posts": arguments.posts,
        "lateness_p50_s": statistics.median(late),
        "lateness_p99_s": late[int(len(late) * 0.99) - 1],
        "all_out_after_s": late[-1],
        "posts_per_s": len(posts) / late[-1],
        "ideal_s": ideal,
        "ratio_to_ideal": late[-1] / ideal,
        "kills": kills,
        "lost": arguments.posts - len(copies),
        "duplicated": sum(count - 1 for count in copies.values()),
        "state": state,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", nargs="*", choices=["dispatch", "crash", []], default=[])
    parser.add_argument("--on", choices=["embedded", "servers"], default="embedded")
    parser.add_argument("--posts", type=int, default=1000)
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--workers", type=int, default=2, help="worker processes")
    parser.add_argument("--threads", type=int, default=16, help="threads of each")
    parser.add_argument("--runs", type=int, default=1)
    arguments = parser.parse_args()
    for name in arguments.bench or ["dispatch", "crash"]:
        for number in range(arguments.runs):
            with world(arguments) as made:
                figures = run(made, arguments, crash=name == "crash")
            print(f"\n{name} on {arguments.on}, run {number + 1}")
            for label, figure in figures.items():
                print(
                    f"  {label:<16} {figure:.2f}" if isinstance(figure, float) else f"  {label:<16} {figure}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
