"""Rate budgets: sliding windows that all workers share, and what platforms report."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from accounts.models import Organization
from connections import budgets
from connections.checks import rate_budgets
from connections.errors import RateLimited
from connections.models import RateUse, SocialConnection
from connections.platforms.base import Platform
from connections.tokens import call_with_fresh_token
from tests import factories
from tests.together import at_once


@pytest.fixture
def page(club: Organization, settings: Any) -> SocialConnection:
    settings.RATE_BUDGETS = ["FACEBOOK.posts=3/1h"]
    return factories.make_connection(club, "FACEBOOK")


def test_the_budget_is_a_sliding_window(page: SocialConnection) -> None:
    start = timezone.now()
    for minutes in (0, 10, 20):
        budgets.take(page, "posts", now=start + timedelta(minutes=minutes))
    with pytest.raises(RateLimited) as caught:
        budgets.take(page, "posts", now=start + timedelta(minutes=30))
    assert caught.value.retry_at == start + timedelta(minutes=60)
    budgets.take(page, "posts", now=start + timedelta(minutes=60, seconds=1))
    with pytest.raises(RateLimited):
        budgets.take(page, "posts", now=start + timedelta(minutes=61))


def test_a_refused_use_is_not_counted(page: SocialConnection) -> None:
    for _ in range(5):
        try:
            budgets.take(page, "posts")
        except RateLimited:
            continue
    assert RateUse.objects.count() == 3


def test_each_account_has_its_own(page: SocialConnection, club: Organization) -> None:
    other = factories.make_connection(club, "FACEBOOK")
    for _ in range(3):
        budgets.take(page, "posts")
    budgets.take(other, "posts")


def test_an_apps_budget_is_shared_by_all_its_accounts_and_by_no_other_app(club: Organization, settings: Any) -> None:
    settings.RATE_BUDGETS = ["TWITTER.app_posts=3/1h"]
    one, other = (factories.make_connection(club, "TWITTER", app_client_id="ours") for _ in range(2))
    strange = factories.make_connection(club, "TWITTER", app_client_id="their own")
    start = timezone.now()
    for account in (one, other, one):
        budgets.take(account, "posts", "requests", now=start)
    with pytest.raises(RateLimited, match="all its accounts") as caught:
        budgets.take(other, "posts", now=start + timedelta(minutes=1))
    assert caught.value.retry_at == start + timedelta(hours=1)
    budgets.take(strange, "posts", now=start + timedelta(minutes=1))
    left = {quota.kind: (quota.left, quota.is_shared) for quota in budgets.quotas(other, now=start)}
    assert left == {"posts": (199, False), "requests": (299, False), "app_posts": (0, True)}
    assert budgets.quotas(strange)[-1].left == 2


def test_an_apps_budget_of_requests_counts_every_call_also_where_accounts_have_none(
    club: Organization, settings: Any
) -> None:
    settings.RATE_BUDGETS = ["FACEBOOK.app_requests=2/1h"]
    account = factories.make_connection(club, "FACEBOOK")

    def ask(client: Platform) -> None:
        for _ in range(3):
            client.http.meter()

    with pytest.raises(RateLimited):
        call_with_fresh_token(account, ask)
    assert RateUse.objects.count() == 2


def test_uses_are_kept_as_long_as_the_longest_window(club: Organization, settings: Any) -> None:
    settings.RATE_BUDGETS = ["TWITTER.posts=3/30d"]
    account = factories.make_connection(club, "TWITTER")
    now = timezone.now()
    for days in (40, 5, 4, 3):
        budgets.take(account, "posts", now=now - timedelta(days=days))
    budgets.forget_old_uses(now=now)
    assert RateUse.objects.filter(gate__key=f"{account.pk}:posts").count() == 3
    with pytest.raises(RateLimited):
        budgets.take(account, "posts", now=now)


def test_what_an_apps_budget_refuses_takes_nothing_of_the_accounts_own(club: Organization, settings: Any) -> None:
    settings.RATE_BUDGETS = ["TWITTER.app_posts=1/1h"]
    account = factories.make_connection(club, "TWITTER")
    budgets.take(account, "posts")
    with pytest.raises(RateLimited):
        budgets.take(account, "posts")
    assert budgets.quotas(account)[0].used == 1


def test_what_the_platform_says_counts_more_than_our_own_counting(page: SocialConnection) -> None:
    opens = timezone.now() + timedelta(minutes=7)
    budgets.remember_report(page, "posts", limit=3, remaining=0, resets_at=opens)
    with pytest.raises(RateLimited) as caught:
        budgets.take(page, "posts")
    assert caught.value.retry_at == opens
    with time_machine.travel(opens + timedelta(seconds=1), tick=False):
        budgets.take(page, "posts")


def test_what_is_left_can_be_shown(page: SocialConnection) -> None:
    budgets.take(page, "posts")
    [quota] = budgets.quotas(page)
    assert (quota.kind, quota.limit, quota.used, quota.left, quota.frees_at) == ("posts", 3, 1, 2, None)
    for _ in range(2):
        budgets.take(page, "posts")
    assert budgets.quotas(page)[0].frees_at is not None


def test_defaults_are_the_platforms_own(club: Organization) -> None:
    found = {kind: (b.limit, b.window) for kind, b in budgets.budgets_of(factories.make_connection(club)).items()}
    assert found == {
        "posts": (200, timedelta(minutes=15)),
        "requests": (300, timedelta(minutes=15)),
        "app_posts": (10_000, timedelta(hours=24)),
    }


@pytest.mark.parametrize("rule", ["TWITTER.posts", "twitter.posts=3/1h", "TWITTER.likes=3/1h", "TWITTER.posts=3/1w"])
def test_a_rule_that_is_not_understood_is_refused_with_an_example(rule: str) -> None:
    with pytest.raises(ValueError, match=r"TWITTER\.posts=200/15m"):
        budgets.parse_rule(rule)


@pytest.mark.parametrize(
    "rule", ["TWITTER.posts=lots", "MYSPACE.posts=3/1h", "TWITTER.posts=0/1h", "TWITTER.posts=5/0m"]
)
def test_a_wrong_rule_is_refused_at_start(rule: str, settings: Any) -> None:
    settings.RATE_BUDGETS = ["FACEBOOK.posts=3/1h", rule]
    assert [problem.id for problem in rate_budgets()] == ["connections.E002"]


def test_workers_together_never_exceed_it(real_transactions: None, settings: Any) -> None:
    settings.RATE_BUDGETS = ["FACEBOOK.posts=5/1h"]
    account = factories.make_connection(factories.make_organization(), "FACEBOOK")

    def work() -> bool:
        try:
            budgets.take(account, "posts")
        except RateLimited:
            return False
        return True

    assert sum(at_once(work, 12)) == 5
