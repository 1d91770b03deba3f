"""A cache in one file, shared by all processes of an installation on one machine.

Limits on sign-ins and on calls, used second-factor codes and their locks live in the cache: kept per process, they would
be as many times too wide as there are processes, and a used code would work once in each. Django's own caches do not
serve: the folder's ``add`` is no lock (it looks first and writes then), and the database's takes the one write lock of
SQLite, which publishing needs, and is undone with the transaction around it.

The file is SQLite of its own: ``add`` and ``incr`` are each one step for all processes. It may be deleted at any time.
"""

import os
import pickle
import sqlite3
import time
from pathlib import Path
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache

BUSY_S = 5.0
TIDY_EVERY = 500
"""Writes of one thread after which it removes what has expired."""

_TABLE = "CREATE TABLE IF NOT EXISTS entry (key TEXT PRIMARY KEY, value BLOB NOT NULL, expires REAL) WITHOUT ROWID"
_PUT = "INSERT INTO entry (key, value, expires) VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires = excluded.expires"
_ALIVE = "(expires IS NULL OR expires > ?)"


class FileCache(BaseCache):
    """Django's cache interface over the file ``LOCATION``. Django makes one for each thread."""

    def __init__(self, location: str | Path, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._path = Path(location)
        self._opened: sqlite3.Connection | None = None
        self._opened_by = 0
        self._writes = 0

    def __del__(self) -> None:
        if self._opened is not None and self._opened_by == os.getpid():
            self._opened.close()

    @property
    def _file(self) -> sqlite3.Connection:
        if self._opened is None or self._opened_by != os.getpid():
            self._opened = self._open()  # one that was opened before a fork belongs to the parent
            self._opened_by = os.getpid()
        return self._opened

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
        try:
            return self._prepare(sqlite3.connect(self._path, timeout=BUSY_S, isolation_level=None))
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:  # not a database (any more): nothing in it is worth keeping
            self._path.unlink(missing_ok=True)
            return self._prepare(sqlite3.connect(self._path, timeout=BUSY_S, isolation_level=None))

    @staticmethod
    def _prepare(file: sqlite3.Connection) -> sqlite3.Connection:
        until = time.monotonic() + BUSY_S
        try:
            while True:
                try:
                    file.execute("PRAGMA journal_mode=WAL")
                    break
                except sqlite3.OperationalError:
                    # While others open the new file too: for this one statement SQLite does not wait by itself.
                    if time.monotonic() > until:
                        raise
                    time.sleep(0.01)
            file.execute("PRAGMA synchronous=NORMAL")
            file.execute(_TABLE)
        except sqlite3.DatabaseError:
            file.close()
            raise
        return file

    def _write(self, statement: str, values: tuple[Any, ...]) -> int:
        """The number of rows that a statement changed."""
        changed = self._file.execute(statement, values).rowcount
        self._writes += 1
        if self._writes % TIDY_EVERY == 0:
            self._file.execute("DELETE FROM entry WHERE expires <= ?", (time.time(),))
        return changed

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        statement = f"SELECT value FROM entry WHERE key = ? AND {_ALIVE}"  # noqa: S608  constants
        row = self._file.execute(statement, (self.make_and_validate_key(key, version), time.time())).fetchone()
        return default if row is None else pickle.loads(row[0])  # noqa: S301  a file that only we write

    def set(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        entry = (self.make_and_validate_key(key, version), pickle.dumps(value), self.get_backend_timeout(timeout))
        self._write(_PUT, entry)

    def add(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Whether the key was free. True for exactly one of any number of callers."""
        entry = (self.make_and_validate_key(key, version), pickle.dumps(value), self.get_backend_timeout(timeout))
        return self._write(f"{_PUT} WHERE entry.expires <= ?", (*entry, time.time())) == 1

    def touch(self, key: str, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        statement = f"UPDATE entry SET expires = ? WHERE key = ? AND {_ALIVE}"  # noqa: S608  constants
        until = self.get_backend_timeout(timeout)
        return self._write(statement, (until, self.make_and_validate_key(key, version), time.time())) == 1

    def delete(self, key: str, version: int | None = None) -> bool:
        statement = f"DELETE FROM entry WHERE key = ? AND {_ALIVE}"  # noqa: S608  constants
        return self._write(statement, (self.make_and_validate_key(key, version), time.time())) == 1

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        """The count after adding ``delta``. Raises ValueError when there is none."""
        self._file.execute("BEGIN IMMEDIATE")
        try:
            value = self.get(key, version=version)
            if value is None:
                raise ValueError(f"Key '{key}' not found")
            total: int = value + delta
            stored = (pickle.dumps(total), self.make_and_validate_key(key, version))
            self._file.execute("UPDATE entry SET value = ? WHERE key = ?", stored)
        except BaseException:
            self._file.execute("ROLLBACK")
            raise
        self._file.execute("COMMIT")
        return total

    def clear(self) -> None:
        self._file.execute("DELETE FROM entry")
