"""The Celery application. Queues and the schedule stand in settings; tasks in each app's ``tasks.py``."""

import os
import socket
import threading
from typing import Any

from celery import Celery
from celery.signals import beat_init, worker_ready, worker_shutting_down
from kombu.transport import TRANSPORT_ALIASES

from config.file_broker import SCHEME

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

TRANSPORT_ALIASES[SCHEME] = "config.file_broker:Transport"

app = Celery("parley", fixups=["config.worker_database:fixup"])
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

_ending = threading.Event()


@worker_ready.connect  # type: ignore[untyped-decorator]  # celery's signals are not typed
def show_life(sender: Any, **_kwargs: Any) -> None:
    """Write this worker's heartbeat while it lives, and watch the others. In threads of their own: a worker whose
    threads are all busy lives."""
    queues = [queue.name for queue in sender.task_consumer.queues]
    _begin(str(sender.hostname), "worker", queues)


@beat_init.connect  # type: ignore[untyped-decorator]  # celery's signals are not typed
def show_beats_life(**_kwargs: Any) -> None:
    """The same for a beat, which notices that no worker is there."""
    _begin(f"beat@{socket.gethostname()}", "beat", [])


@worker_shutting_down.connect  # type: ignore[untyped-decorator]  # celery's signals are not typed
def end_life(**_kwargs: Any) -> None:
    _ending.set()


def _begin(name: str, kind: str, queues: list[str]) -> None:
    from config.watchdog import start_watching

    threading.Thread(target=_beat, args=(name, kind, queues), daemon=True, name="heartbeat").start()
    start_watching(_ending)


def _beat(name: str, kind: str, queues: list[str]) -> None:
    import structlog
    from django.db import close_old_connections, connection

    from accounts import heartbeats

    log = structlog.get_logger(__name__)
    while True:
        try:
            close_old_connections()
            if _ending.is_set():
                heartbeats.say_goodbye(name)
                connection.close()
                return
            heartbeats.beat(name, kind=kind, queues=queues)
        except Exception as error:  # a database that is down for a while must not end the heartbeat for good
            log.warning("heartbeat not written", error=type(error).__name__)
        _ending.wait(heartbeats.EVERY_S)
