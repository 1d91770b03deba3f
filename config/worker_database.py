"""A worker's database connections live on between tasks.

Celery closes every connection before and after each task, so that each post paid for a new one: on PostgreSQL a new
server process. Here a connection is closed when it is old or broken, as Django does between requests; on PostgreSQL
each task begins with a look whether it still works (``CONN_HEALTH_CHECKS``), so that a restarted server costs nobody
a task.
"""

from typing import Any

from celery import Celery
from celery.fixups.django import DjangoFixup, DjangoWorkerFixup

KEEP_S = 60
"""Where DATABASE_CONN_MAX_AGE is 0: a worker that opened a connection for each task would pay more than it saved."""


class _WorkerFixup(DjangoWorkerFixup):  # type: ignore[misc]  # celery is not typed
    def install(self) -> Any:
        installed = super().install()
        for alias in self._db.connections:
            settings = self._db.connections.settings[alias]
            settings["CONN_MAX_AGE"] = settings["CONN_MAX_AGE"] or KEEP_S
        return installed

    def close_database(self, **_kwargs: Any) -> None:
        for connection in self._db.connections.all(initialized_only=True):
            connection.close_if_unusable_or_obsolete()


class _Fixup(DjangoFixup):  # type: ignore[misc]  # celery is not typed
    _worker_fixup: DjangoWorkerFixup | None

    @property
    def worker_fixup(self) -> DjangoWorkerFixup:
        if self._worker_fixup is None:
            self._worker_fixup = _WorkerFixup(self.app)
        return self._worker_fixup


def fixup(app: Celery) -> DjangoFixup:
    """Celery's adaptation to Django, with our way of keeping connections."""
    return _Fixup(app).install()
