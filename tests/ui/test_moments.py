"""How times are written."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.utils.formats import date_format

from accounts.models import Organization
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
