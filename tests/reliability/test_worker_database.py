"""What a worker's tasks do with database connections."""

import threading
import time
from collections.abc import Callable

import pytest
from django.db import connection, connections

from config.celery import app
from config.worker_database import KEEP_S


def in_a_worker_thread(work: Callable[[], None]) -> None:
    """A thread has a connection of its own."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(30)
    assert errors == []


@pytest.mark.usefixtures("real_transactions")
def test_a_connection_lives_on_between_tasks_and_an_old_one_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", KEEP_S)
    between_tasks = app._fixups[0].worker_fixup.close_database

    def work() -> None:
        connection.ensure_connection()
        first = connection.connection
        between_tasks()
        assert connection.connection is first
        connection.close_at = time.monotonic() - 1
        between_tasks()
        assert connection.connection is None

    in_a_worker_thread(work)
