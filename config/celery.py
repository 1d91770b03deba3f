"""The Celery application. Queues and the schedule stand in settings; tasks in each app's ``tasks.py``."""

import os
import threading
from typing import Any

from celery import Celery
from celery.signals import worker_ready, worker_shutting_down
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
    """Write this worker's heartbeat while it lives. A thread of its own: a worker whose threads are all busy lives."""
    queues = [queue.name for queue in sender.task_consumer.queues]
    threading.Thread(target=_beat, args=(str(sender.hostname), queues), daemon=True, name="heartbeat").start()


@worker_shutting_down.connect  # type: ignore[untyped-decorator]  # celery's signals are not typed
def end_life(**_kwargs: Any) -> None:
    _ending.set()


def _beat(name: str, queues: list[str]) -> None:
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
            heartbeats.beat(name, queues=queues)
        except Exception as error:  # a database that is down for a while must not end the heartbeat for good
            log.warning("heartbeat not written", error=type(error).__name__)
        _ending.wait(heartbeats.EVERY_S)
