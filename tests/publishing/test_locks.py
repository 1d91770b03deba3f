"""Two who change the same things in another order do not lock each other out."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection as database
from django.db import transaction
from django.utils import timezone

from accounts.audit import SYSTEM
from connections.models import SocialConnection
from connections.platforms.base import Published
from publishing import endings
from publishing.attempts import begin_attempt
from publishing.dispatch import claim_due_posts
from publishing.endings import record_published
from publishing.errors import IllegalTransition
from publishing.models import PostStatus, SocialPost
from publishing.services import cancel_post


def in_a_thread(work: Callable[[], None], errors: list[BaseException]) -> threading.Thread:
    def run() -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)
        finally:
            database.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


@pytest.mark.postgres
def test_an_account_is_disconnected_while_a_post_of_it_ends(
    real_transactions: None, due_post: SocialPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who disconnects has the account's row and comes to a post that was waiting when it was read; the worker has that
    post's row and comes to the account's."""
    waiting = SocialPost.objects.get(pk=due_post.pk)
    errors: list[BaseException] = []
    has_account, has_post, is_refused = threading.Event(), threading.Event(), threading.Event()
    end = endings._move_to_published

    def end_slowly(*args: Any, **how: Any) -> None:
        end(*args, **how)
        has_post.set()
        assert is_refused.wait(20), "who disconnects waits for the post"

    def disconnect() -> None:
        with transaction.atomic():
            SocialConnection.objects.filter(pk=due_post.connection_id).update(disconnected_at=timezone.now())
            has_account.set()
            assert has_post.wait(20)
            with pytest.raises(IllegalTransition):
                cancel_post(waiting, by=SYSTEM)
            is_refused.set()

    def publish() -> None:
        assert has_account.wait(20)
        attempt = begin_attempt(due_post.pk, holder="worker:x")
        assert attempt is not None
        record_published(attempt, Published(id="1", url="", at=timezone.now()))

    monkeypatch.setattr(endings, "_move_to_published", end_slowly)
    assert claim_due_posts(timezone.now(), limit=5) == [due_post.pk]
    threads = [in_a_thread(disconnect, errors), in_a_thread(publish, errors)]
    for thread in threads:
        thread.join(40)
    assert errors == []
    due_post.refresh_from_db()
    assert due_post.status == PostStatus.PUBLISHED
    assert due_post.connection.last_post_at is not None
