"""Celery entry points of people and organizations."""

from celery import shared_task

from accounts.mails import send_due_notifications


@shared_task(ignore_result=True)
def send_due_notifications_task() -> None:
    send_due_notifications()
