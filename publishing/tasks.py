"""Celery entry points: ids in, one service called. Each may run twice, late or for a row that is gone."""

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from accounts.heartbeats import note_tick
from publishing.dispatch import dispatch_due_posts, dispatch_imminent_posts, sweep_posts, sweep_when_due
from publishing.engagement import sync_connection_engagement, sync_due_engagement
from publishing.reconcile import look_for_asked, look_for_asked_when_due, reconcile_connection
from publishing.turns import take_turn, wake_workers


@shared_task
def dispatch_due_posts_task() -> None:
    now = timezone.now()
    note_tick(now)
    dispatch_due_posts(now)
    wake_workers()
    sweep_when_due(now)
    look_for_asked_when_due(now)
    dispatch_imminent_posts(now)


@shared_task
def sweep_posts_task() -> None:
    sweep_posts()


@shared_task
def publish_post_task(post_id: str) -> None:
    take_turn(UUID(post_id))


@shared_task
def publish_ready_task() -> None:
    take_turn()


@shared_task
def reconcile_connection_task(connection_id: str) -> None:
    reconcile_connection(UUID(connection_id))


@shared_task
def look_for_asked_task(connection_id: str) -> None:
    look_for_asked(UUID(connection_id))


@shared_task
def sync_due_engagement_task() -> None:
    sync_due_engagement()


@shared_task
def sync_connection_engagement_task(connection_id: str) -> None:
    sync_connection_engagement(UUID(connection_id))
