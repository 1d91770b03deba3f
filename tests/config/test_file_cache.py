"""The cache in one file: what one process writes counts for all."""

import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from config.file_cache import TIDY_EVERY, FileCache
from tests.together import at_once

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def cache(tmp_path: Path) -> FileCache:
    return FileCache(tmp_path / "cache.sqlite3", {})


def test_what_is_set_is_read_until_it_expires(cache: FileCache) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        cache.set("history", [1.5, 2.5], 60)
        cache.set("for-good", "x", None)
        cache.set("gone-at-once", "x", 0)
        assert cache.get("history") == [1.5, 2.5]
        assert cache.get("gone-at-once", "nothing") == "nothing"
        assert cache.touch("history", 90)
        clock.shift(timedelta(seconds=89))
        assert "history" in cache
        clock.shift(timedelta(seconds=2))
        assert "history" not in cache
        assert not cache.touch("history", 90)
        assert cache.get("for-good") == "x"


def test_add_takes_what_is_free_or_has_expired_and_nothing_else(cache: FileCache) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        assert cache.add("lock", 1, 10)
        assert not cache.add("lock", 2, 10)
        assert cache.get("lock") == 1
        clock.shift(timedelta(seconds=11))
        assert cache.add("lock", 3, 10)
        assert cache.delete("lock")
        assert not cache.delete("lock")
        assert cache.add("lock", 4)


def test_several_keys_and_emptying_it(cache: FileCache) -> None:
    cache.set_many({"a": 1, "b": 2})
    assert cache.get_many(["a", "b", "c"]) == {"a": 1, "b": 2}
    assert cache.incr("a", 4) == 5
    with pytest.raises(ValueError, match="not found"):
        cache.incr("c")
    cache.clear()
    assert cache.get("a") is None


def test_what_has_expired_does_not_pile_up(cache: FileCache) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for number in range(TIDY_EVERY - 1):
            cache.set(f"old:{number}", 1, 10)
        clock.shift(timedelta(seconds=11))
        cache.set("new", 1, 10)
    entries = cache._file.execute("SELECT count(*) FROM entry").fetchone()[0]
    assert entries == 1


def test_only_the_owner_reads_the_file_and_one_that_is_damaged_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "cache.sqlite3"
    path.write_bytes(b"no database at all" * 100)
    cache = FileCache(path, {})
    cache.set("a", 1)
    assert cache.get("a") == 1
    fresh = tmp_path / "fresh.sqlite3"
    FileCache(fresh, {}).set("a", 1)
    assert fresh.stat().st_mode & 0o077 == 0


def _in_threads(work: Callable[[FileCache], Any], path: Path, how_many: int = 6) -> list[Any]:
    """What each of several threads gets, each with a cache of its own as Django gives it one."""
    return at_once(lambda: work(FileCache(path, {})), how_many)


def test_a_file_that_many_open_at_once_opens_for_all(tmp_path: Path) -> None:
    for attempt in range(40):
        path = tmp_path / f"{attempt}.sqlite3"
        assert len(_in_threads(lambda cache: cache.get("opened"), path)) == 6


def test_one_of_any_number_of_callers_gets_a_key_and_no_count_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "cache.sqlite3"
    won = _in_threads(lambda cache: sum(cache.add(f"lock:{number}", 1) for number in range(50)), path)
    assert sum(won) == 50
    FileCache(path, {}).set("count", 0)
    _in_threads(lambda cache: [cache.incr("count") for _ in range(50)], path)
    assert FileCache(path, {}).get("count") == 300


def test_a_child_of_a_fork_opens_the_file_for_itself(cache: FileCache) -> None:
    cache.set("a", "of the parent")
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, pickle.dumps((cache.get("a"), cache.add("b", 1))))
        os._exit(0)
    os.waitpid(child, 0)
    assert pickle.loads(os.read(read, 1000)) == ("of the parent", True)
    assert cache.get("b") == 1


LIMITED = """
import django; django.setup()
from allauth.core.internal import ratelimit
from django.test import RequestFactory
request = RequestFactory().post("/")
tries = [ratelimit.consume(request, app="account", action="a", key="k", config={"a": "5/m/key"}) for _ in range(4)]
print(sum(one is not None for one in tries))
"""


def test_sign_in_limits_count_the_tries_of_all_processes_without_redis(tmp_path: Path) -> None:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    environ = kept | {
        "DJANGO_SETTINGS_MODULE": "config.settings", "DATA_DIR": str(tmp_path), "SECRET_KEY": "x" * 50, "SANDBOX": "1",
        "SOCIAL_MEDIA_ENCRYPTION_KEY": "dGVzdHMtb25seS1rZXktdGVzdHMtb25seS1rZXktMDE=",
    }  # fmt: skip
    started = time.monotonic()
    processes = [
        subprocess.Popen([sys.executable, "-c", LIMITED], cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    allowed = [int(process.communicate(timeout=60)[0]) for process in processes]
    assert time.monotonic() - started < 60
    assert sum(allowed) == 5, "eight tries in two processes, five are allowed"
