"""A server that drips, named by one person many times at once: the others notice nothing."""

import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.journeys.people import signed_in
from tests.product import Product, running
from tests.slow_server import SlowServer, dripping

pytestmark = pytest.mark.processes

ATTEMPTS = 100


@pytest.fixture(scope="module")
def slow() -> Iterator[SlowServer]:
    with dripping(every_s=3) as server:
        yield server


@pytest.fixture(scope="module")
def product(
    slow: SlowServer, tmp_path_factory: pytest.TempPathFactory, service_environment: dict[str, str]
) -> Iterator[Product]:
    """Mastodon servers are those that people name, not the sandbox; the slow one is let through the guard."""
    own = {"MASTODON_API_URL": "", "MASTODON_AUTH_URL": "", "OUTBOUND_ALLOW": slow.host}
    with running(tmp_path_factory.mktemp("slow"), service_environment | own) as product:
        yield product


def test_it_starts_without_the_accounts_of_a_platform_that_leads_elsewhere(product: Product) -> None:
    assert "Left out: the Mastodon account of Riverside Golf Club: MASTODON_API_URL is empty." in product.log()
    found = product.api("owner@riverside.example").get("/api/v1/social/connections")
    assert {row["platform"] for row in found["results"]} == {"TWITTER", "FACEBOOK"}


def test_a_hundred_connects_to_a_slow_server_hold_nobody_up(product: Product, slow: SlowServer) -> None:
    mallory, member = signed_in(product, "owner@hilltop.example"), signed_in(product, "marketer@riverside.example")
    cookies = mallory.cookies.get_dict()

    def connect(_number: int) -> requests.Response:
        return requests.get(
            f"{product.url}/api/social/mastodon/auth", {"server": slow.address}, cookies=cookies,
            allow_redirects=False, timeout=120,
        )  # fmt: skip

    def times_of(path: str, count: int) -> list[float]:
        times = []
        for _ in range(count):
            started = time.perf_counter()
            answer = member.get(product.url + path, timeout=30)
            times.append(time.perf_counter() - started)
            assert answer.status_code == 200
        return times

    paths = ("/healthz", "/calendar/")
    before = {path: statistics.median(times_of(path, 5)) for path in paths}
    with ThreadPoolExecutor(ATTEMPTS) as pool:
        attempts = [pool.submit(connect, number) for number in range(ATTEMPTS)]
        until = time.monotonic() + 30
        while not slow.open_now and time.monotonic() < until:
            time.sleep(0.01)
        during = {path: statistics.median(times_of(path, 5)) for path in paths}
        assert slow.open_now, "all of this was answered while the slow server held what it could"
        answers = [attempt.result() for attempt in attempts]
    for path in paths:
        print(f"{path}: {before[path] * 1000:.0f} ms before, {during[path] * 1000:.0f} ms during")
    assert {answer.status_code for answer in answers} == {302}
    assert {answer.headers["Location"] for answer in answers} == {"/connections/"}
    assert slow.most_open <= 2, "of one person"
    assert len(slow.requests) <= 30, "of one person in five minutes"
