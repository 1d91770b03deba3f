"""Celery messages are hints: the rows say what is to be done, a message only makes it happen sooner."""

import structlog
from celery import current_app

log = structlog.get_logger(__name__)


def hurry(task: str, *args: str) -> None:
    """Send a task by name. A broker that is down is logged and harms nothing:
    the next sweep finds the row."""
    try:
        current_app.send_task(task, args=args, retry=False)
    except Exception as error:  # any client library's own error
        log.warning("message not sent", task=task, args=args, error=type(error).__name__)
