"""How times and browsers are written."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.utils.formats import date_format

from accounts.models import Organization
from accounts.templatetags.browsers import browser_name
from accounts.templatetags.moments import ago
from tests import factories

NOW = datetime(2026, 12, 9, 18, 5, tzinfo=UTC)


@pytest.mark.parametrize(("before", "words"), [
    (timedelta(seconds=20), "just now"), (timedelta(minutes=1), "1\xa0minute ago"),
    (timedelta(hours=14, minutes=22), "14\xa0hours ago"), (timedelta(days=4, hours=16), "4\xa0days ago"),
])  # fmt: skip
def test_how_long_ago_is_said_in_one_unit(before: timedelta, words: str) -> None:
    with time_machine.travel(NOW, tick=False):
        assert ago(NOW - before) == words
        assert ago(None) == ""


def test_dates_are_written_everywhere_as_the_calendar_writes_them(as_alice: Client, club: Organization) -> None:
    assert date_format(NOW, "DATETIME_FORMAT") == "9 Dec 2026, 18:05"
    x = factories.make_connection(club, "TWITTER", expires_in_s=10**8)
    factories.make_post(x, scheduled_at=NOW)
    page = as_alice.get("/admin/publishing/socialpost/").content.decode()
    assert "9 Dec 2026, 18:05" in page


def test_the_admin_wears_the_products_icon(as_alice: Client) -> None:
    page = as_alice.get("/admin/").content.decode()
    assert 'rel="icon"' in page
    assert "/static/img/favicon" in page


@pytest.mark.parametrize(("sent", "shown"), [
    ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36", "Chrome on Linux"),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0", "Edge on Windows"),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1", "Safari on iPhone"),
    ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox on macOS"),
    ("curl/8.5.0", "curl/8.5.0"), ("", "Unknown browser"),
])  # fmt: skip
def test_a_session_names_its_browser_and_system(sent: str, shown: str) -> None:
    assert browser_name(sent) == shown
