"""When posts do not go out, people are told: the right ones, in time, once, and when it is over."""

import smtplib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from celery.signals import beat_init
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.core.management import call_command
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import heartbeats
from accounts.models import Heartbeat, Incident, Notification, Organization, User
from accounts.notifications import mark_read, set_mail_preferences
from accounts.permissions import Role
from config.watchdog import look_and_tell, send_owed_mails, watch
from connections.models import PlatformTrouble, SocialConnection
from publishing.models import PostStatus, SocialPost
from tests import factories
from tests.product import wait_until
from tests.together import at_once

MORNING = datetime(2027, 1, 4, 9, tzinfo=UTC)
KIND = "publishing.stopped"


class Installation:
    """An installation over which time passes: who lives shows it, and somebody watches every few seconds."""

    def __init__(self, clock: time_machine.Traveller) -> None:
        self.clock = clock
        self.worker = self.beat = True

    def passes(self, seconds: float, *, watched: bool = True) -> None:
        step = 5 if seconds <= 300 else 20
        for _step in range(int(seconds // step)):
            self.show_life()
            if watched:
                look_and_tell(timezone.now())
                send_owed_mails(timezone.now())
            self.clock.shift(timedelta(seconds=step))

    def show_life(self) -> None:
        now = timezone.now()
        if self.worker:
            heartbeats.beat("publish@club", queues=["publish", "dispatch"], now=now)
        if self.beat:
            heartbeats.beat("beat@club", kind="beat", now=now)
        if self.worker and self.beat:
            heartbeats.note_tick(now)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(MORNING, tick=False) as traveller:
        yield traveller


@pytest.fixture
def installation(clock: time_machine.Traveller, db: None) -> Installation:
    running = Installation(clock)
    running.passes(30)
    return running


@pytest.fixture
def account(club: Organization) -> SocialConnection:
    return factories.make_connection(club, "MASTODON", expires_in_s=None)


@pytest.fixture
def post(account: SocialConnection, installation: Installation) -> SocialPost:
    """Planned for in a minute and a half."""
    return factories.make_post(account, scheduled_at=timezone.now() + timedelta(seconds=90))


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_superuser("root@installation.example", name="Root")


def told(user: User) -> list[str]:
    """Titles of what the watchdog told a person, oldest first."""
    rows = Notification.objects.filter(user=user, kind=KIND).order_by("created_at", "title")
    return list(rows.values_list("title", flat=True))


def mailed(user: User) -> list[str]:
    return [str(letter.subject) for letter in mail.outbox if user.email in letter.to]


def publish(post: SocialPost) -> None:
    now = timezone.now()
    SocialPost.objects.filter(pk=post.pk).update(status=PostStatus.PUBLISHED, published_at=now)


NO_WORKER = "Posts are not being published: no worker is running"
NO_TICK = "Posts are not being published: the scheduler has stopped"
LATE = "Posts are being published late"
STUCK = "Posts are stuck: their worker stopped responding"
AGAIN = "Publishing has recovered"


# --- what is noticed, and when ----------------------------------------------------------------------------------------


def test_a_silent_worker_is_told_and_mailed_within_75_seconds(
    installation: Installation, post: SocialPost, alice: User
) -> None:
    installation.worker = False
    installation.passes(55)
    assert told(alice) == [], "it may be starting again"
    installation.passes(20)
    assert told(alice) == [NO_WORKER]
    assert mailed(alice) == [NO_WORKER]
    row = Notification.objects.get(user=alice)
    assert row.url == "/health/"
    assert "Mon 4 Jan, 09:00" in row.body, "since when, in the club's zone"
    assert "1 of your posts" in row.body
    assert "Start one, or check its log" in row.body, "and what to do"


def test_a_silent_beat_is_told_and_mailed_within_80_seconds(
    installation: Installation, post: SocialPost, alice: User
) -> None:
    installation.beat = False
    installation.passes(85)
    assert told(alice) == mailed(alice) == [NO_TICK]
    assert "celery -A config beat" in Notification.objects.get(user=alice).body


def test_without_worker_and_beat_both_are_told(installation: Installation, post: SocialPost, alice: User) -> None:
    installation.worker = installation.beat = False
    installation.passes(90)
    assert sorted(told(alice)) == sorted([NO_WORKER, NO_TICK])


def test_a_silent_worker_is_not_blamed_on_the_beat(installation: Installation, post: SocialPost, alice: User) -> None:
    installation.worker = False
    installation.passes(600)
    assert told(alice) == [NO_WORKER]


def test_a_beat_whose_orders_nobody_does_is_told_as_such(
    installation: Installation, post: SocialPost, alice: User, clock: time_machine.Traveller
) -> None:
    for _step in range(18):
        heartbeats.beat("publish@club", queues=["publish", "dispatch"], now=timezone.now())
        heartbeats.beat("beat@club", kind="beat", now=timezone.now())
        look_and_tell(timezone.now())
        clock.shift(timedelta(seconds=5))
    assert told(alice) == [NO_TICK]
    assert "message broker" in Notification.objects.get(user=alice).body


def test_posts_that_nobody_claims_are_told(installation: Installation, post: SocialPost, alice: User) -> None:
    installation.passes(90 + 60)
    assert told(alice) == []
    installation.passes(30)
    assert told(alice) == [LATE]


def test_a_post_that_is_claimed_over_and_over_and_never_begun_is_told(
    installation: Installation, post: SocialPost, alice: User
) -> None:
    installation.passes(90)
    for _claim in range(4):  # a worker that lives and takes nothing: each claim's lease lapses after a minute
        SocialPost.objects.filter(pk=post.pk).update(
            status=PostStatus.PUBLISHING, claimed_by="queue:club:1:x", claimed_at=timezone.now(),
            lease_until=timezone.now() + timedelta(seconds=60),
        )  # fmt: skip
        installation.passes(60)
    assert told(alice) == [LATE]


def test_a_post_whose_worker_no_longer_answers_is_told(
    installation: Installation, post: SocialPost, alice: User
) -> None:
    SocialPost.objects.filter(pk=post.pk).update(
        status=PostStatus.PUBLISHING, lease_until=timezone.now() + timedelta(seconds=10), claimed_by="worker:1"
    )
    installation.passes(70)
    assert told(alice) == []
    installation.passes(30)
    assert told(alice) == [STUCK]


def test_late_posts_are_no_second_alarm_while_there_is_no_worker(
    installation: Installation, post: SocialPost, alice: User
) -> None:
    SocialPost.objects.filter(pk=post.pk).update(scheduled_at=timezone.now())
    installation.worker = False
    installation.passes(1200)
    assert told(alice) == [NO_WORKER]


def test_posts_of_a_platform_in_trouble_wait_on_purpose(
    installation: Installation, post: SocialPost, account: SocialConnection, alice: User
) -> None:
    PlatformTrouble.objects.create(
        platform="MASTODON", server_url=account.server_url, first_failure_at=timezone.now(),
        paused_since=timezone.now(), probe_at=timezone.now() + timedelta(hours=2), failures=9,
    )  # fmt: skip
    installation.passes(300)
    assert told(alice) == []


# --- what is no alarm -------------------------------------------------------------------------------------------------


def test_a_worker_that_is_restarted_within_the_minute_is_no_alarm(
    installation: Installation, post: SocialPost, alice: User, root: User
) -> None:
    heartbeats.say_goodbye("publish@club")
    installation.worker = False
    installation.passes(50)
    installation.worker = True
    installation.passes(60)
    assert (told(alice), mailed(root)) == ([], [])
    assert not Incident.objects.exists()


def test_a_worker_that_was_stopped_in_order_and_stays_away_is_told(
    installation: Installation, post: SocialPost, alice: User
) -> None:
    heartbeats.say_goodbye("publish@club")
    installation.worker = False
    installation.passes(75)
    assert told(alice) == [NO_WORKER]


def test_starting_in_the_morning_is_no_alarm(
    installation: Installation, post: SocialPost, alice: User, clock: time_machine.Traveller
) -> None:
    clock.shift(timedelta(hours=10))  # everything was off
    installation.worker = installation.beat = False
    installation.passes(10)  # the first to be there looks
    installation.worker = installation.beat = True
    publish(post)
    installation.passes(60)
    assert told(alice) == []


def test_what_was_noticed_before_a_pause_in_watching_has_not_lasted(
    installation: Installation, post: SocialPost, alice: User, clock: time_machine.Traveller
) -> None:
    installation.worker = False
    installation.passes(55)
    clock.shift(timedelta(hours=1))  # the computer slept
    installation.passes(5)
    assert told(alice) == []


def test_what_never_ran_gets_five_minutes_to_be_set_up(clock: time_machine.Traveller, root: User) -> None:
    new = Installation(clock)
    new.worker = new.beat = False
    new.passes(290)
    assert mailed(root) == []
    new.passes(30)
    assert len(mailed(root)) == 2


# --- who is told ------------------------------------------------------------------------------------------------------


def test_administrators_of_organizations_with_posts_to_go_out_soon_are_told_and_nobody_else(
    installation: Installation, post: SocialPost, club: Organization, alice: User, bob: User, eve: User
) -> None:
    admin = factories.make_member(club, Role.ADMIN).user
    gone = factories.make_member(club, Role.ADMIN, factories.make_user(is_active=False)).user
    installation.worker = False
    installation.passes(300)
    assert told(alice) == told(admin) == [NO_WORKER]
    assert told(bob) == told(eve) == told(gone) == []


def test_an_organization_is_told_when_its_first_post_comes_near(
    installation: Installation, post: SocialPost, alice: User, eve: User, rivals: Organization
) -> None:
    far = factories.make_connection(rivals, "MASTODON")
    factories.make_post(far, scheduled_at=timezone.now() + timedelta(hours=6, minutes=10))
    installation.worker = False
    installation.passes(120)
    assert told(eve) == []
    installation.passes(600)
    assert (told(eve), told(alice)) == ([NO_WORKER], [NO_WORKER])


def test_of_late_posts_only_their_organization_is_told_and_of_its_own_only(
    installation: Installation, post: SocialPost, alice: User, eve: User, rivals: Organization
) -> None:
    theirs = factories.make_connection(rivals, "TWITTER")
    for _number in range(3):
        factories.make_post(theirs, scheduled_at=timezone.now() + timedelta(hours=3))
    SocialPost.objects.filter(pk=post.pk).update(scheduled_at=timezone.now() - timedelta(minutes=1))
    installation.passes(30)
    assert (told(alice), told(eve)) == ([LATE], [])
    assert "1 of your posts is overdue" in Notification.objects.get(user=alice).body


def test_the_operators_are_mailed_together_even_when_no_post_waits(installation: Installation, root: User) -> None:
    second = User.objects.create_superuser("admin@installation.example")
    User.objects.create_superuser("former@installation.example", is_active=False)
    installation.worker = False
    installation.passes(1200)
    assert [letter.to for letter in mail.outbox] == [[second.email, root.email]]
    letter = mail.outbox[0]
    assert letter.subject == f"[127.0.0.1] {NO_WORKER}"
    for words in ("Mon 4 Jan, 09:00 UTC", "No worker is consuming the", "/health/", "/readyz"):
        assert words in letter.body


def test_an_operator_who_is_told_as_administrator_gets_one_mail(
    installation: Installation, post: SocialPost, alice: User
) -> None:
    User.objects.filter(pk=alice.pk).update(is_superuser=True)
    installation.worker = False
    installation.passes(120)
    assert mailed(alice) == [NO_WORKER]


def test_who_wants_no_mail_of_it_finds_it_under_the_bell_alone(
    installation: Installation, post: SocialPost, alice: User, root: User
) -> None:
    for user in (alice, root):
        set_mail_preferences(user, {KIND: False})
    installation.worker = False
    installation.passes(120)
    assert told(alice) == [NO_WORKER]
    assert mail.outbox == []


def test_the_preference_stands_on_the_page_of_mails(as_alice: Client) -> None:
    assert "Publishing stops or recovers" in as_alice.get("/notifications/mails/").content.decode()


# --- once, and when it is over ----------------------------------------------------------------------------------------


def test_it_is_told_once_however_long_it_lasts_and_also_to_who_has_read_it(
    installation: Installation, post: SocialPost, club: Organization, alice: User, root: User
) -> None:
    installation.worker = False
    installation.passes(120)
    mark_read(alice, club)
    installation.passes(1800)
    assert told(alice) == mailed(alice) == [NO_WORKER]
    assert len(mailed(root)) == 1
    assert Notification.objects.get(user=alice).count == 1


def test_the_end_is_told_with_how_many_posts_were_late_and_how_many_still_wait(
    installation: Installation, post: SocialPost, account: SocialConnection, alice: User, root: User
) -> None:
    failing = factories.make_post(account, scheduled_at=post.scheduled_at)
    on_time = factories.make_post(account, scheduled_at=timezone.now() - timedelta(seconds=1))
    publish(on_time)
    installation.worker = False
    installation.passes(300)
    installation.worker = True
    installation.show_life()
    publish(post)
    SocialPost.objects.filter(pk=failing.pk).update(
        status=PostStatus.PUBLISHING, claimed_by="worker:2", lease_until=timezone.now() + timedelta(hours=1)
    )
    installation.passes(15)
    assert told(alice) == [NO_WORKER], "it must last before it is called over"
    installation.passes(20)
    assert told(alice) == mailed(alice) == [NO_WORKER, AGAIN]
    end = Notification.objects.get(user=alice, title=AGAIN)
    assert "from Mon 4 Jan, 09:00 to Mon 4 Jan, 09:05" in end.body
    assert "1 post was published late. 1 is still waiting." in end.body
    assert mailed(root)[-1] == f"[127.0.0.1] {AGAIN}"
    assert any("1 post was published late." in letter.body for letter in mail.outbox if root.email in letter.to)
    installation.passes(600)
    assert told(alice) == [NO_WORKER, AGAIN]


def test_with_the_end_the_alarm_is_no_longer_unread(installation: Installation, post: SocialPost, alice: User) -> None:
    installation.worker = False
    installation.passes(90)
    installation.worker = True
    publish(post)
    installation.passes(60)
    unread = Notification.objects.filter(user=alice).unread()
    assert [row.title for row in unread] == [AGAIN]


def test_it_is_not_over_while_posts_are_still_late_by_it(
    installation: Installation, post: SocialPost, alice: User
) -> None:
    installation.worker = False
    installation.passes(300)
    installation.worker = True
    installation.passes(120)
    assert told(alice) == [NO_WORKER]
    publish(post)
    installation.passes(30)
    assert told(alice) == [NO_WORKER, AGAIN]


def test_posts_that_stay_late_long_after_the_workers_are_back_become_an_alarm_of_their_own(
    installation: Installation, post: SocialPost, alice: User
) -> None:
    installation.worker = False
    installation.passes(300)
    installation.worker = True
    installation.passes(420)
    assert told(alice) == [NO_WORKER, AGAIN, LATE]
    assert "1 is still waiting" in Notification.objects.get(user=alice, title=AGAIN).body


def test_when_the_worker_is_back_and_the_beat_is_not_nobody_is_told_that_all_is_well(
    installation: Installation, post: SocialPost, alice: User
) -> None:
    installation.worker = installation.beat = False
    installation.passes(90)
    publish(post)
    installation.worker = True
    installation.passes(60)
    assert told(alice)[2:] == ["Publishing has partly recovered"]
    assert f"Still failing: {NO_TICK}" in Notification.objects.filter(user=alice).latest("created_at").body
    installation.beat = True
    installation.passes(60)
    assert told(alice)[3:] == [AGAIN]


def test_what_ends_together_is_told_together(
    installation: Installation, post: SocialPost, alice: User, root: User
) -> None:
    installation.worker = installation.beat = False
    installation.passes(90)
    installation.worker = installation.beat = True
    publish(post)
    installation.passes(60)
    assert told(alice)[2:] == mailed(alice)[2:] == [AGAIN]
    assert mailed(root)[2:] == [f"[127.0.0.1] {AGAIN}"]
    body = Notification.objects.get(user=alice, title=AGAIN).body
    assert "No worker was publishing from" in body
    assert "The scheduler stopped from" in body
    assert not Incident.objects.open().exists()


def test_the_next_outage_is_told_again(installation: Installation, post: SocialPost, alice: User) -> None:
    SocialPost.objects.filter(pk=post.pk).update(scheduled_at=timezone.now() + timedelta(hours=3))
    for _outage in range(2):
        installation.worker = False
        installation.passes(90)
        installation.worker = True
        installation.passes(60)
    assert told(alice) == [NO_WORKER, AGAIN] * 2


# --- mails ------------------------------------------------------------------------------------------------------------


class Unreachable(BaseEmailBackend):
    """A mail server that nobody reaches."""

    def open(self) -> bool:
        raise ConnectionRefusedError

    def send_messages(self, _messages: Any) -> int:
        raise smtplib.SMTPServerDisconnected


class Hangs(BaseEmailBackend):
    """A mail server that takes a connection and never answers."""

    released = threading.Event()

    def send_messages(self, _messages: Any) -> int:
        self.released.wait(30)
        raise TimeoutError


UNREACHABLE, HANGS = (f"{__name__}.{name}" for name in ("Unreachable", "Hangs"))


def test_a_mail_server_that_is_down_delays_the_mails_and_nothing_else(
    installation: Installation, post: SocialPost, alice: User, root: User, settings: Any
) -> None:
    works, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, UNREACHABLE
    installation.worker = False
    installation.passes(600)
    assert (told(alice), mail.outbox) == ([NO_WORKER], [])
    settings.EMAIL_BACKEND = works
    installation.passes(1200)
    assert mailed(alice) == [NO_WORKER]
    assert len(mailed(root)) == 1


def test_when_it_is_over_before_a_mail_left_the_end_alone_is_mailed(
    installation: Installation, post: SocialPost, alice: User, root: User, settings: Any
) -> None:
    works, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, UNREACHABLE
    installation.worker = False
    installation.passes(120)
    installation.worker = True
    publish(post)
    installation.passes(60)
    settings.EMAIL_BACKEND = works
    installation.passes(1200)
    assert mailed(alice) == [AGAIN]
    assert mailed(root) == [f"[127.0.0.1] {AGAIN}"]


# --- several processes ------------------------------------------------------------------------------------------------


def slowly(work: Callable[[], Any]) -> None:
    """Do it with a pause before each change, so that those who do it at once get in each other's way."""

    def dawdle(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith(("UPDATE", "INSERT")):
            time.sleep(0.03)
        return execute(sql, params, many, context)

    with database.execute_wrapper(dawdle):
        work()


def test_of_several_processes_that_watch_at_once_one_tells(
    real_transactions: None, clock: time_machine.Traveller, account: SocialConnection, alice: User, eve: User,
    rivals: Organization, root: User,
) -> None:  # fmt: skip
    def all_look() -> None:
        at_once(lambda: slowly(lambda: look_and_tell(timezone.now())), 6)
        at_once(lambda: slowly(lambda: send_owed_mails(timezone.now())), 6)

    installation = Installation(clock)
    installation.show_life()
    post = factories.make_post(account, scheduled_at=timezone.now() + timedelta(minutes=1))
    for seconds in (55, 10, 10, 10):
        clock.shift(timedelta(seconds=seconds))
        heartbeats.beat("beat@club", kind="beat", now=timezone.now())
        all_look()
    assert Incident.objects.count() == 1
    assert (told(alice), mailed(alice), len(mailed(root))) == ([NO_WORKER], [NO_WORKER], 1)
    theirs = factories.make_post(factories.make_connection(rivals, "MASTODON"))
    all_look()
    assert (told(eve), mailed(eve)) == ([NO_WORKER], [NO_WORKER])
    publish(post)
    publish(theirs)
    for _look in range(3):
        clock.shift(timedelta(seconds=10))
        installation.show_life()
        all_look()
    assert (told(alice), mailed(alice), len(mailed(root))) == ([NO_WORKER, AGAIN], [NO_WORKER, AGAIN], 2)
    assert set(Notification.objects.values_list("count", flat=True)) == {1}


def test_of_several_processes_one_takes_the_turn(real_transactions: None, clock: time_machine.Traveller) -> None:
    taken: list[bool] = []

    def ask() -> None:
        slowly(lambda: taken.append(heartbeats.take_turn("watchdog", every=timedelta(seconds=5), now=timezone.now())))

    for turn in range(1, 4):
        at_once(ask, 6)
        assert sum(taken) == turn
        clock.shift(timedelta(seconds=6))


@contextmanager
def watching() -> Iterator[threading.Thread]:
    """The thread as it runs in each process, hurried."""
    ending = threading.Event()
    thread = threading.Thread(target=watch, args=(ending,), kwargs={"settle_s": 0, "every_s": 0.02}, daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        ending.set()
        thread.join(10)
        assert not thread.is_alive()


def test_a_mail_server_that_hangs_does_not_stop_the_watching(
    real_transactions: None, clock: time_machine.Traveller, account: SocialConnection, alice: User, settings: Any
) -> None:
    settings.EMAIL_BACKEND = HANGS
    Hangs.released.clear()
    installation = Installation(clock)
    installation.show_life()
    post = factories.make_post(account, scheduled_at=timezone.now() + timedelta(minutes=1))
    installation.worker = False

    def passes_until(reached: Callable[[], bool]) -> None:
        for _step in range(40):
            if reached():
                return
            clock.shift(timedelta(seconds=5))
            installation.show_life()
            wait_until(lambda: last_look() == timezone.now(), 10)

    def last_look() -> Any:
        row = Heartbeat.objects.filter(pk="watchdog").first()
        return row and row.seen_at

    try:
        with watching():
            passes_until(lambda: told(alice) == [NO_WORKER])
            wait_until(lambda: any(thread.name == "watchdog-mails" for thread in threading.enumerate()), 10)
            installation.worker = True
            publish(post)
            passes_until(lambda: told(alice) == [NO_WORKER, AGAIN])
            assert told(alice) == [NO_WORKER, AGAIN]
    finally:
        Hangs.released.set()
        for thread in threading.enumerate():
            if thread.name == "watchdog-mails":
                thread.join(10)


def test_a_beat_shows_that_it_lives_and_watches(real_transactions: None, monkeypatch: pytest.MonkeyPatch) -> None:
    ending = threading.Event()
    monkeypatch.setattr("config.celery._ending", ending)
    before = set(threading.enumerate())
    beat_init.send(sender=None)
    mine = set(threading.enumerate()) - before
    try:
        assert {thread.name for thread in mine} >= {"watchdog"}
        wait_until(lambda: heartbeats.living_beats(timezone.now()), 10)
    finally:
        ending.set()
        for thread in mine:
            thread.join(10)
    assert heartbeats.living_beats(timezone.now()) == []


# --- where it is seen -------------------------------------------------------------------------------------------------


def test_the_health_page_and_the_metrics_show_incidents(
    installation: Installation, post: SocialPost, as_alice: Client
) -> None:
    assert "No incidents in the last 30 days" in as_alice.get("/health/").content.decode()
    installation.worker = False
    installation.passes(180)
    page = as_alice.get("/health/").content.decode()
    assert "No worker was publishing" in page
    assert "operators notified at 09:01" in page
    assert 'parley_incidents_open{kind="workers"} 1.0' in as_alice.get("/metrics").content.decode()
    installation.worker = True
    installation.show_life()
    publish(post)
    installation.passes(60)
    page = as_alice.get("/health/").content.decode()
    assert "1 post was published late" in page
    assert 'parley_incidents_open{kind="workers"} 0.0' in as_alice.get("/metrics").content.decode()


def test_what_nobody_was_told_of_is_not_shown(installation: Installation, post: SocialPost, as_alice: Client) -> None:
    installation.worker = False
    installation.passes(55)
    assert Incident.objects.exists()
    assert "No incidents in the last 30 days" in as_alice.get("/health/").content.decode()


def test_the_command_says_what_is_wrong_and_fails(
    installation: Installation, post: SocialPost, alice: User, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("watchdog")
    assert capsys.readouterr().out == ""
    installation.worker = False
    installation.passes(60, watched=False)
    for _minute in range(2):  # as cron would, with nobody else watching
        with pytest.raises(SystemExit) as ended:
            call_command("watchdog")
        assert ended.value.code == 1
        assert "No worker is consuming the" in capsys.readouterr().out
        installation.passes(60, watched=False)
    assert told(alice) == mailed(alice) == [NO_WORKER]


@pytest.mark.parametrize("kind", ["workers", "overdue"])
def test_looking_costs_the_same_for_few_posts_and_for_many(
    installation: Installation, account: SocialConnection, alice: User, kind: str
) -> None:
    counts = []
    for number in (3, 27):
        for _post in range(number):
            factories.make_post(account, scheduled_at=timezone.now() - timedelta(minutes=5))
        installation.worker = kind != "workers"
        installation.passes(120)
        with CaptureQueriesContext(
            database,
        ) as queries:
            look_and_tell(timezone.now())
        counts.append(len(queries))
    assert counts[0] == counts[1] > 5
