"""Workers of the running product are killed while they publish: no post is lost, none goes out twice."""

import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.journeys.people import consent, signed_in
from tests.product import Product, running, wait_until

pytestmark = pytest.mark.processes

POSTS = 12
SHORT_LEASES = {"PUBLISH_LEASE_S": "6", "PUBLISH_CLAIM_LEASE_S": "4", "PLATFORM_READ_TIMEOUT_S": "5"}
"""So that what a dead worker held is found again within seconds instead of minutes."""


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory, service_environment: dict[str, str]) -> Iterator[Product]:
    with running(tmp_path_factory.mktemp("killed"), service_environment | SHORT_LEASES) as product:
        yield product


def test_workers_killed_while_publishing_neither_lose_nor_double_a_post(product: Product) -> None:
    session = signed_in(product, "owner@hilltop.example")
    consent(session, f"{product.url}/api/social/mastodon/auth?server=social.example", account="109348220000000002")
    api = product.api("owner@hilltop.example")
    rows = api.get("/api/v1/social/connections?platform=MASTODON")["results"]
    product.plant_fault(platform="MASTODON", operation="publish", fault="latency", times=0, probability=1, value=700)
    at = datetime.now(UTC) + timedelta(seconds=5)
    ids = [
        api.post(
            "/api/v1/social/posts",
            {
                "connection": rows[0]["id"], "content": f"Court report number {number}",
                "scheduled_at": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            },
        )["id"]
        for number in range(POSTS)
    ]  # fmt: skip

    time.sleep(max(0.0, (at - datetime.now(UTC)).total_seconds() + 1.2))
    for _round in range(3):  # in the middle of sending, in the middle of recovering
        pid = product.kill("publish")
        product.wait_for_child("publish", other_than=pid)
        time.sleep(3)
    product.clear_faults()

    def all_settled() -> bool:
        statuses = Counter(api.get(f"/api/v1/social/posts/{post_id}")["status"] for post_id in ids)
        return statuses["PUBLISHED"] + statuses["FAILED"] == POSTS

    wait_until(all_settled, 150, product.log, every_s=1)
    posts = [api.get(f"/api/v1/social/posts/{post_id}") for post_id in ids]
    assert [(post["status"], post["error_message"]) for post in posts] == [("PUBLISHED", None)] * POSTS
    taken = Counter(row["text"] for row in product.taken("MASTODON") if row["text"].startswith("Court report number"))
    assert taken == {f"Court report number {number}": 1 for number in range(POSTS)}
