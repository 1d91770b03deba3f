"""Celery messages are hints: the rows say what is to be done, a message only makes it happen sooner."""

from functools import partial

import structlog
from celery import current_app
from django.db import transaction

log = structlog.get_logger(__name__)


def hurry(task: str, *args: str) -> None:
    """Send a task by name. A broker that is down is logged and harms nothing: the next sweep finds the row."""
    try:
        current_app.send_task(task, args=args, retry=False)
    except Exception as error:  # any client library's own error
        log.warning("message not sent", task=task, args=args, error=type(error).__name__)


def hurry_on_commit(task: str, *args: str) -> None:
    """Send a task by name once the rows it is about are committed. A broker that is down harms nothing."""
    transaction.on_commit(partial(hurry, task, *args))
