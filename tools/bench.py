"""How late posts go out, and what a crash costs: ``make bench``.

    make bench                                    both benches on the embedded default
    make bench ARGS="dispatch --on servers"       on PostgreSQL and Redis
    make bench ARGS="crash --posts 1000 --runs 3 --kill-beat"

The real workers publish to the sandbox over HTTP. The sandbox is a process of its own with a database of its own, as a
platform would be, and waits 50 ms before each answer; it lives on the same processor cores and takes its share of them.
``dispatch``: posts for Mastodon, all due in the same second; lateness is the platform's own time minus that second. Two
yardsticks of the same run: the ideal is calls x latency / threads, as if nothing cost any time; the bare calls are the
same number of the same requests to the same sandbox by as many threads of a client that does nothing else. ``crash``: the
same for Facebook, Mastodon and X in turns, while a worker process is killed with SIGKILL every few seconds of its life
(with ``--kill-beat`` the beat too) and one answer in nine does not say what happened (``CRASH_FAULTS``); recovery is the time
from the last kill until every post has ended. A person is asked after a minute instead of half an hour.

Counted at the platforms: lost (no copy, and nobody was asked about it), duplicated, and asked without need (a person was
asked whether a post is out that stands on the platform's own list). Figures are printed, never judged.
"""

import argparse
import contextlib
import http.client
import json
import os
import random
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import psutil

BASE_DIR = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(BASE_DIR))

from tests import services  # noqa: E402
from tools.run import write_keys  # noqa: E402

LATENCY_MS = 50
PLATFORMS = {"dispatch": ["MASTODON"], "crash": ["FACEBOOK", "MASTODON", "TWITTER"]}
CRASH_FAULTS: list[dict[str, Any]] = [
    {"platform": "*", "fault": "drop_after", "probability": 0.05},
    {"platform": "*", "fault": "error_after", "value": 502, "probability": 0.03},
    {"platform": "FACEBOOK", "fault": "error_after", "value": 500, "probability": 0.03},
    {"platform": "FACEBOOK", "fault": "appear_late", "value": 20, "probability": 0.1},
    {"platform": "*", "fault": "drop_before", "probability": 0.01},
]
"""How publishing goes wrong: the post is taken and the answer lost, or an error, in Facebook's case also one that asks to
try again; Facebook's list shows the post late; nothing was taken. Each call suffers at most one, and lateness besides."""
ASK_AFTER_S = 60
KILL_EVERY_S = 3.0
GIVE_UP_S = 1800
PROCESSES = {
    "workers": "celery --quiet -A config worker",
    "beat": "celery --quiet -A config beat",
    "sandbox": "granian",
    "Redis": "redis-server",
}
"""Kind of process -> what its command line holds. PostgreSQL's is found by its folder."""


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

    def rows(self, question: str) -> list[tuple[Any, ...]]:
        """Read the product's database directly: a management command would take a second of processor time per look."""
        if address := self.environ.get("DATABASE_URL"):
            import psycopg

            with psycopg.connect(address) as server:
                return server.execute(question.encode()).fetchall()
        with contextlib.closing(sqlite3.connect(self.folder / "product" / "parley.sqlite3", timeout=20)) as file:
            return file.execute(question).fetchall()

    def state(self) -> dict[str, int]:
        """Status, with its reason where there is one -> number of posts."""
        found = self.rows('SELECT status, error_code, count(*) FROM "SocialPost" GROUP BY status, error_code')
        return {f"{status} {code}".strip(): count for status, code, count in found}

    def wait_until_alive(self) -> None:
        until = time.monotonic() + 120
        while time.monotonic() < until:
            if self.rows("SELECT count(*) FROM accounts_heartbeat WHERE kind IN ('worker', 'tick')") == [
                (self.workers + 1,)
            ]:
                time.sleep(2)
                return
            time.sleep(0.5)
        raise SystemExit("the workers do not start: " + (self.folder / "log").read_text()[-3000:])

    def order(self, path: str, *, method: str = "", **order: Any) -> Any:
        body = json.dumps(order).encode() if order else None
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.sandbox + path, body, headers, method=method or None)
        with urllib.request.urlopen(request, timeout=60) as answer:
            content = answer.read()
        return json.loads(content) if content else None

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

    def start_worker(self, name: str) -> "subprocess.Popen[bytes]":
        return self.start(
            "-m", "celery", "--quiet", "-A", "config", "worker", "-P", "threads", "-n", f"{name}@%h",
            "-Q", "publish,dispatch", "-c", str(self.threads), "--without-gossip", "--without-mingle", "--without-heartbeat",
        )  # fmt: skip

    def is_alive(self, name: str, *, since: float) -> bool:
        """Whether a worker (or "tick", for the beat) has shown life after it was started (epoch seconds)."""
        moment = datetime.fromtimestamp(since, UTC).strftime("%Y-%m-%d %H:%M:%S")
        return self.rows(
            f"SELECT count(*) FROM accounts_heartbeat WHERE name LIKE '{name}%' AND seen_at > '{moment}'"
        ) != [(0,)]

    def start_beat(self) -> "subprocess.Popen[bytes]":
        return self.start("-m", "celery", "--quiet", "-A", "config", "beat", "--pidfile", "")

    def processor_s(self) -> dict[str, float]:
        """Processor seconds that each kind of process has used so far."""
        used: dict[str, float] = {}
        for kind, process in self._own_processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                used[kind] = used.get(kind, 0.0) + times.user + times.system
        return used

    def _own_processes(self) -> Iterator[tuple[str, psutil.Process]]:
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                words = " ".join(process.cmdline())
                for kind, mark in PROCESSES.items():
                    if mark in words:
                        yield kind, process
        if address := self.environ.get("DATABASE_URL"):
            folder = unquote(address.partition("host=")[2].partition("&")[0])
            # The server is nobody's child, and its own children name no folder.
            for process in psutil.process_iter(["cmdline"]):
                if folder in (process.info["cmdline"] or ()):
                    for one in (process, *process.children()):
                        yield "PostgreSQL", one

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
def world(arguments: argparse.Namespace, platforms: list[str]) -> Iterator[World]:
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
            "TWITTER_API_URL": f"{address}/sandbox/twitter", "TWITTER_CLIENT_ID": "sandbox-x-client",
            "TWITTER_CLIENT_SECRET": "sandbox-x-secret", "FACEBOOK_API_URL": f"{address}/sandbox/facebook",
            "FACEBOOK_APP_ID": "100000000000001", "FACEBOOK_APP_SECRET": "sandbox-facebook-secret",
            "PUBLISH_LEASE_S": "15", "PUBLISH_CLAIM_LEASE_S": "15", "PUBLISH_ASK_AFTER_S": str(ASK_AFTER_S),
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
        accounts = made.run(
            "tools/bench_rows.py", "sandbox", str(arguments.connections), ",".join(platforms), sandbox=True
        )
        (folder / "accounts.json").write_text(accounts)
        made.run("tools/bench_rows.py", "product", str(arguments.posts), str(folder / "accounts.json"))
        made.order(
            "/sandbox/api/faults",
            platform="*",
            operation="publish",
            fault="latency",
            value=LATENCY_MS,
            probability=1,
        )
        yield made


def taken(made: World) -> list[dict[str, Any]]:
    posts: list[dict[str, Any]] = made.order("/sandbox/api/posts")["results"]
    return posts


def bare_calls(made: World, arguments: argparse.Namespace) -> float:
    """Seconds that as many bare requests take as there are posts, by as many threads as all workers have."""
    accounts = json.loads((made.folder / "accounts.json").read_text())
    host = made.sandbox.removeprefix("http://")

    def send(number: int) -> int:
        account = accounts[number % len(accounts)]
        path, field = {
            "FACEBOOK": (f"facebook/v26.0/{account['id']}/feed", "message"),
            "MASTODON": ("mastodon/api/v1/statuses", "status"),
            "TWITTER": ("twitter/2/tweets", "text"),
        }[account["platform"]]
        connection = http.client.HTTPConnection(host, timeout=60)
        headers = {"Authorization": f"Bearer {account['access_token']}", "Content-Type": "application/json"}
        connection.request("POST", f"/sandbox/{path}", json.dumps({field: f"Bare {number}"}), headers)
        status = connection.getresponse().status
        connection.close()
        return status

    with ThreadPoolExecutor(made.workers * made.threads) as pool:
        started = time.monotonic()
        statuses = Counter(pool.map(send, range(arguments.posts)))
        taken_s = time.monotonic() - started
    if not set(statuses) <= {200, 201}:
        raise SystemExit(f"the sandbox refused bare calls: {dict(statuses)}")
    made.order("/sandbox/api/calls", method="DELETE")
    return taken_s


def kill(process: "subprocess.Popen[bytes]") -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def has_ended(status: str) -> bool:
    return status.startswith(("PUBLISHED", "FAILED"))


def run(made: World, arguments: argparse.Namespace, *, crash: bool) -> dict[str, Any]:
    bare_s = bare_calls(made, arguments)
    workers = {f"bench{number}": made.start_worker(f"bench{number}") for number in range(made.workers)}
    beat = made.start_beat()
    made.wait_until_alive()
    due = float(int(time.time()) + 5)
    made.run("tools/bench_rows.py", "schedule", str(due))
    if crash:
        for fault in CRASH_FAULTS:
            made.order("/sandbox/api/faults", operation="publish", **fault)
    time.sleep(max(0.0, due - time.time()))
    before = made.processor_s()
    kills, beat_kills, last_kill = 0, 0, time.monotonic()
    born = dict.fromkeys([*workers, "tick"], 0.0)
    alive: dict[str, float] = {}
    until = time.monotonic() + GIVE_UP_S
    while time.monotonic() < until:
        state = made.state()
        ended = sum(count for status, count in state.items() if has_ended(status))
        if ended == arguments.posts:
            break
        if crash and ended < arguments.posts * 0.97:
            for name, started in born.items():
                if name not in alive and made.is_alive(name, since=started):
                    alive[name] = time.monotonic()
            victim = random.choice(list(workers))
            # One that has just started would die without having had a post.
            lived = time.monotonic() - alive.get(victim, time.monotonic())
            if lived > KILL_EVERY_S and time.monotonic() - last_kill > KILL_EVERY_S:
                kill(workers[victim])
                workers[victim], born[victim] = made.start_worker(victim), time.time()
                del alive[victim]
                kills, last_kill = kills + 1, time.monotonic()
                if arguments.kill_beat and kills % 2 and "tick" in alive:
                    kill(beat)
                    beat, born["tick"] = made.start_beat(), time.time()
                    del alive["tick"]
                    beat_kills += 1
        time.sleep(0.5)
    settled = time.monotonic()
    after = made.processor_s()
    posts = [post for post in taken(made) if not post["text"].startswith("Bare ")]
    copies = Counter(post["text"] for post in posts)
    asked = {
        str(text)
        for (text,) in made.rows(
            "SELECT content FROM \"SocialPost\" WHERE status = 'FAILED' AND error_code = 'OUTCOME_UNKNOWN'"
        )
    }
    late = sorted(datetime.fromisoformat(post["created_at"]).timestamp() - due for post in posts)
    ideal = arguments.posts * LATENCY_MS / 1000 / (made.workers * made.threads)
    figures = {
        "posts": arguments.posts,
        "lateness_p50_s": statistics.median(late),
        "lateness_p99_s": late[int(len(late) * 0.99) - 1],
        "all_out_after_s": late[-1],
        "posts_per_s": len(posts) / late[-1],
        "ideal_s": ideal,
        "ratio_to_ideal": late[-1] / ideal,
        "bare_calls_s": bare_s,
        "ratio_to_bare": late[-1] / bare_s,
        "lost": arguments.posts - len(copies.keys() | asked),
        "duplicated": sum(count - 1 for count in copies.values()),
        "state": made.state(),
    }
    if not crash:  # the dead take their account with them
        figures["processor_ms"] = {
            kind: round((used - before.get(kind, 0)) * 1000 / arguments.posts, 1) for kind, used in after.items()
        }
    if crash:
        figures |= {
            "asked": len(asked),
            "asked_without_need": len(asked & copies.keys()),
            "kills": kills,
            "beat_kills": beat_kills,
            "recovered_after_s": settled - last_kill,
        }
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", nargs="*", choices=["dispatch", "crash", []], default=[])
    parser.add_argument("--on", choices=["embedded", "servers"], default="embedded")
    parser.add_argument("--posts", type=int, default=1000)
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--workers", type=int, default=2, help="worker processes")
    parser.add_argument("--threads", type=int, default=16, help="threads of each")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--kill-beat", action="store_true", help="crash: kill the beat at every second turn, too")
    arguments = parser.parse_args()
    for name in arguments.bench or ["dispatch", "crash"]:
        for number in range(arguments.runs):
            with world(arguments, PLATFORMS[name]) as made:
                figures = run(made, arguments, crash=name == "crash")
            print(f"\n{name} on {arguments.on}, run {number + 1}")
            for label, figure in figures.items():
                print(
                    f"  {label:<16} {figure:.2f}" if isinstance(figure, float) else f"  {label:<16} {figure}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
