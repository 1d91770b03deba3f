"""Start Parley on this machine and keep it running: ``make run``.

Makes what a first start needs (keys, database, demonstration), starts web, workers and beat as children, says when the
product answers, starts a dead child again, and ends them all on Ctrl-C or SIGTERM. A small guard process ends them
also when this one is killed. ``tools/run.py manage <command>`` runs a management command on the same installation. What an operator sets in the environment or in ``<DATA_DIR>/local.env`` is respected.

    <DATA_DIR>/local.env        generated keys, readable by the owner alone; settings may be added
    <DATA_DIR>/processes.json   which process is which, while Parley runs
    <DATA_DIR>/demo.json        which databases got the demonstration
"""

import base64
import contextlib
import errno
import fcntl
import hashlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO, TextIO

from dotenv import dotenv_values

BASE_DIR = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
FIRST_ANSWER_S = 90
"""How long the web may take to answer at all."""
HOPELESS = 3
"""Deaths of the web before its first answer, after which a start is given up."""
GRACE_S = 10
"""How long children may take to end by themselves."""
STEADY_S = 60
"""A child that lived this long starts again at once, not after the backoff of its last troubles."""
LONGEST_BACKOFF_S = 30
SIGN_INS = (
    "owner@, admin@, marketer@, agent@ or viewer@riverside.example, or owner@hilltop.example; password: riverside"
)
SANDBOX_CREDENTIALS = {
    "TWITTER_CLIENT_ID": "sandbox-x-client",
    "TWITTER_CLIENT_SECRET": "sandbox-x-secret",
    "FACEBOOK_APP_ID": "100000000000001",
    "FACEBOOK_APP_SECRET": "sandbox-facebook-secret",
}
"""What the sandbox's platforms know Parley as."""
SANDBOX_PLATFORMS = ("TWITTER", "FACEBOOK", "MASTODON")

_printing = threading.Lock()


def say(text: str, name: str = "parley") -> None:
    """Print one line with the name of who says it."""
    with _printing:
        print(f"{name:<8} | {text}", flush=True)


class CannotStart(Exception):
    """Why Parley cannot start, in a sentence for the person at the terminal."""


# --- what the children are told ---------------------------------------------------------------------------------------


def write_keys(file: Path) -> None:
    """Make the keys of this installation once, readable by the owner alone."""
    if file.exists():
        return
    keys = {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "SOCIAL_MEDIA_ENCRYPTION_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
    }
    lines = [
        "# Made at the first start. Whoever has this file can read every token: keep it, and keep it to yourself.\n"
    ]
    lines += [f"{name}={value}\n" for name, value in keys.items()]
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.writelines(lines)


def is_on(value: str | None) -> bool:
    return (value or "").strip().lower() in {"1", "true", "yes", "on", "t", "y"}


def settings_for(port: int, data_dir: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The children's environment: what the operator set, and the defaults of an installation on one machine.

    With the sandbox on (the default) every platform is the sandbox; addresses and credentials that were set stay.
    """
    given = {key: value for key, value in dotenv_values(data_dir / "local.env").items() if value is not None}
    given |= environ
    address = f"http://127.0.0.1:{port}"
    defaults = {"SANDBOX": "1", "APP_URL": address, "LOG_LEVEL": "WARNING", "DJANGO_SETTINGS_MODULE": "config.settings"}
    if is_on(given.get("SANDBOX", "1")):
        defaults |= SANDBOX_CREDENTIALS
        defaults["OUTBOUND_ALLOW"] = f"127.0.0.1:{port}"
        for platform in SANDBOX_PLATFORMS:
            # The site of a Mastodon account is that of its server, which tells the addresses of its posts.
            for kind in ("API", "AUTH") if platform == "MASTODON" else ("API", "AUTH", "SITE"):
                defaults[f"{platform}_{kind}_URL"] = f"{address}/sandbox/{platform.lower()}"
    result = dict(environ) | {key: value for key, value in defaults.items() if key not in given}
    result |= {"DATA_DIR": str(data_dir), "PYTHONUNBUFFERED": "1"}
    result.setdefault("PYTHONWARNINGS", "ignore:::celery.platforms")  # that it runs as root, in a container
    result.pop("PYTHONDONTWRITEBYTECODE", None)  # compiled code halves the start
    return result


def require_port(port: int) -> None:
    """Raises CannotStart when another program listens there."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno == errno.EACCES:
                raise CannotStart(
                    f"Port {port} is not allowed for this account. Choose another: PORT=8001 make run"
                ) from error
            raise CannotStart(
                f"Port {port} is taken by another program. Stop that one, or choose another: PORT={port + 1} make run"
            ) from error


def lock_data(data_dir: Path) -> IO[str]:
    """Make sure that this data folder is ours alone; the lock lasts as long as the file is open."""
    lock = (data_dir / "run.lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise CannotStart(
            f"Parley already runs with the data in {data_dir}. Another one needs its own: DATA_DIR=..."
        ) from error
    return lock


# --- children ---------------------------------------------------------------------------------------------------------


def children_of(port: int) -> list["Child"]:
    """Web, two workers (so that no sync delays a post), and the clock of the periodic work."""
    celery = ["-m", "celery", "--quiet", "-A", "config"]
    worker = [*celery, "worker", "-P", "threads", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    return [
        Child("web", [
            "-m", "granian", "--interface", "wsgi", "config.wsgi:application", "--host", "127.0.0.1", "--port", str(port),
            "--blocking-threads", "32", "--workers-kill-timeout", "3", "--log-level", "error",
        ]),
        Child("publish", [*worker, "-n", "publish@%h", "-Q", "publish,dispatch", "-c", "8"]),
        Child("general", [*worker, "-n", "general@%h", "-Q", "default,sync,ingest,dispatch", "-c", "4"]),
        Child("beat", [*celery, "beat", "--pidfile", ""]),
    ]  # fmt: skip


@dataclass
class Child:
    """One process that is kept running."""

    name: str
    arguments: list[str]
    process: subprocess.Popen[str] | None = None
    started_at: float = 0.0
    """Clock of ``time.monotonic``."""
    failures: int = 0
    restart_at: float | None = None

    def start(self, environ: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            [PYTHON, *self.arguments], cwd=BASE_DIR, env=dict(environ), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
            start_new_session=True,  # Ctrl-C reaches the supervisor alone, which ends its children in order
        )  # fmt: skip
        self.started_at, self.restart_at = time.monotonic(), None
        assert self.process.stdout is not None
        pump = threading.Thread(target=_pump, args=(self.process.stdout, self.name), daemon=True)
        pump.start()

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def signal(self, number: int) -> None:
        """To the child and everything that it started."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, number)

    def plan_restart(self) -> float:
        """Seconds until the next start: 1, 2, 4 ... 30; from the beginning after a steady life."""
        now = time.monotonic()
        self.failures = 1 if now - self.started_at > STEADY_S else self.failures + 1
        wait = min(2.0 ** (self.failures - 1), LONGEST_BACKOFF_S)
        self.restart_at = now + wait
        return wait


def _pump(stream: TextIO | IO[str], name: str) -> None:
    for line in stream:
        if line.strip():
            say(line.rstrip(), name)


class Guard:
    """A process that does nothing but end the children when the supervisor has gone without ending them itself.

    It reads a pipe whose other end only the supervisor holds: the end of the pipe is the end of the supervisor, on any
    system and whatever killed it.
    """

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [PYTHON, __file__, "--guard"], stdin=subprocess.PIPE, text=True, start_new_session=True
        )

    def tell(self, children: list[Child]) -> None:
        """Name the groups that live now."""
        groups = [child.process.pid for child in children if child.process is not None and child.is_running()]
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(" ".join(map(str, groups)) + "\n")
            self.process.stdin.flush()

    def dismiss(self) -> None:
        self.tell([])
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()


def guard() -> None:
    """The guard's whole life."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: list[int] = []
    for line in sys.stdin:
        groups = [int(word) for word in line.split()]
    for number, wait_s in ((signal.SIGTERM, 3), (signal.SIGKILL, 0)):
        for group in groups:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, number)
        if groups:
            time.sleep(wait_s)


# --- the supervisor ---------------------------------------------------------------------------------------------------


class Supervisor:
    """Starts, watches and ends the children."""

    def __init__(self, port: int, data_dir: Path, environ: Mapping[str, str]) -> None:
        self.data_dir = data_dir
        self.environ = settings_for(port, data_dir, environ)
        self.address = f"http://127.0.0.1:{port}"
        self.children = children_of(port)
        self.guard = Guard()
        self.stopping = False

    def ask_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        if self.stopping:  # asked twice: no more patience
            for child in self.children:
                child.signal(signal.SIGKILL)
        self.stopping = True

    def run(self) -> int:
        """Until asked to stop; the exit code."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self.ask_to_stop)
        try:
            self.manage("migrate", "--noinput", "--verbosity", "0", "--skip-checks")
            web, *others = self.children
            self.start(web)
            if needs_demonstration := self.needs_demonstration():
                self.wait_for("/healthz")
                if not self.stopping:
                    say("Filling the demonstration")
                    self.manage("seed_demo")
                    self.note_demonstration()
            for child in others:
                self.start(child)
            complaint = self.wait_for("/readyz")
            if not self.stopping:
                self.announce(is_first=needs_demonstration, complaint=complaint)
            while not self.stopping:
                self.watch()
                time.sleep(0.2)
        finally:
            self.stop()
        return 0

    def manage(self, *arguments: str) -> None:
        """One management command, its lines shown. Raises CannotStart when it fails."""
        command = Child("setup", [str(BASE_DIR / "manage.py"), *arguments])
        command.start(self.environ)
        assert command.process is not None
        self.guard.tell([*self.children, command])
        while command.is_running():
            if self.stopping:
                command.signal(signal.SIGTERM)
            self.watch()
            time.sleep(0.05)
        if command.process.returncode != 0 and not self.stopping:
            time.sleep(0.2)  # let its last lines be printed
            raise CannotStart(f"`manage.py {arguments[0]}` did not succeed; its reason stands above.")

    def start(self, child: Child) -> None:
        if self.stopping:
            return
        child.start(self.environ)
        self.note_processes()

    def watch(self) -> None:
        """Start again what has died."""
        for child in self.children:
            if child.process is None or child.is_running():
                continue
            if child.restart_at is None:
                wait = child.plan_restart()
                child.signal(signal.SIGKILL)  # what it may have left behind
                say(f"{child.name} {how_it_ended(child.process.returncode)}; starting it again in {wait:g} s")
            elif time.monotonic() >= child.restart_at:
                self.start(child)

    def wait_for(self, path: str) -> str:
        """Until the product answers 200 there, or has answered with complaints for a while: those.

        Raises CannotStart when it does not answer at all.
        """
        until = time.monotonic() + FIRST_ANSWER_S
        complaint = ""
        while not self.stopping:
            try:
                with urllib.request.urlopen(self.address + path, timeout=5):
                    return ""
            except urllib.error.HTTPError as error:
                complaint = error.read().decode(errors="replace")[:1000]
            except OSError:
                complaint = ""  # not listening yet, or no more
            if time.monotonic() > until and complaint:
                return complaint
            if time.monotonic() > until or self.children[0].failures >= HOPELESS:
                raise CannotStart(f"Nothing answers at {self.address}{path}; the web's own words stand above.")
            self.watch()
            time.sleep(0.05)
        return ""

    def announce(self, *, is_first: bool, complaint: str) -> None:
        say(f"Parley is ready at {self.address}")
        if complaint:  # overdue posts, say: no reason to stay away from the pages that show them
            say(f"Not everything is well yet: {complaint}")
        if is_on(self.environ.get("SANDBOX")):
            say(f"Sign in as {SIGN_INS}")
        if is_first:
            say(f"Keys and data are in {self.data_dir}. Ctrl-C stops Parley; `make run` continues where it was.")

    def needs_demonstration(self) -> bool:
        """Whether this database has not been filled yet. Never without the sandbox."""
        given = {**dotenv_values(self.data_dir / "local.env"), **self.environ}
        return is_on(given.get("SANDBOX")) and self.database_name(given) not in self.seeded()

    def note_demonstration(self) -> None:
        given = {**dotenv_values(self.data_dir / "local.env"), **self.environ}
        (self.data_dir / "demo.json").write_text(json.dumps([*self.seeded(), self.database_name(given)]))

    def seeded(self) -> list[str]:
        try:
            names: list[str] = json.loads((self.data_dir / "demo.json").read_text())
        except (FileNotFoundError, ValueError):
            return []
        return names

    def database_name(self, given: Mapping[str, str | None]) -> str:
        """A word for the database in use that tells nothing of its password."""
        return hashlib.sha256((given.get("DATABASE_URL") or "embedded").encode()).hexdigest()[:16]

    def note_processes(self) -> None:
        self.guard.tell(self.children)
        processes = {child.name: child.process.pid for child in self.children if child.process and child.is_running()}
        draft = self.data_dir / "processes.json.new"
        draft.write_text(json.dumps({"supervisor": os.getpid(), "address": self.address, "children": processes}))
        draft.replace(self.data_dir / "processes.json")

    def stop(self) -> None:
        """End all children: asked first, made to after a while."""
        self.stopping = True
        alive = [child for child in self.children if child.is_running()]
        if alive:
            say("Stopping")
        for child in alive:
            if child.process is not None:
                child.process.terminate()
        until = time.monotonic() + GRACE_S
        while any(child.is_running() for child in alive) and time.monotonic() < until:
            time.sleep(0.05)
        for child in self.children:
            if child.is_running():
                say(f"{child.name} did not stop by itself and is ended")
            child.signal(signal.SIGKILL)
            if child.process is not None:
                child.process.wait()
        self.guard.dismiss()
        (self.data_dir / "processes.json").unlink(missing_ok=True)


def how_it_ended(code: int) -> str:
    return f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"


def purge_messages(folder: Path) -> None:
    """Remove what an earlier run left in the message folder, ticks mostly: the rows that it was about are still there."""
    for file in folder.glob("*"):
        file.unlink(missing_ok=True)


def where() -> tuple[int, Path]:
    """The port and the data folder that the environment names; the folder is made, and whatever is made in it from now
    on is for this account alone."""
    os.umask(0o077)
    data_dir = Path(os.environ.get("DATA_DIR") or BASE_DIR / "var").resolve()
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    (data_dir / "static").mkdir(exist_ok=True)
    return int(os.environ.get("PORT") or 8000), data_dir


def manage(arguments: list[str]) -> None:
    """Become ``manage.py`` with the settings and the data of this installation."""
    port, data_dir = where()
    write_keys(data_dir / "local.env")
    os.chdir(BASE_DIR)
    os.execve(PYTHON, [PYTHON, "manage.py", *arguments], settings_for(port, data_dir, os.environ))


def main() -> int:
    port, data_dir = where()
    try:
        lock = lock_data(data_dir)
        require_port(port)
        write_keys(data_dir / "local.env")
        purge_messages(data_dir / "queue" / "messages")
        with lock:
            return Supervisor(port, data_dir, os.environ).run()
    except CannotStart as reason:
        say(str(reason))
        return 1


if __name__ == "__main__":
    if sys.argv[1:] == ["--guard"]:
        guard()
    elif sys.argv[1:2] == ["manage"]:
        manage(sys.argv[2:])
    else:
        sys.exit(main())
