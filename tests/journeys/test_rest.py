"""From a new connection to counted engagement, by REST alone against the running product and its sandbox."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.journeys.people import consent, csrf_of, signed_in
from tests.product import Api, Product, wait_until

pytestmark = pytest.mark.processes

PROSHOP = "2244994946"
HILLTOP_MASTODON = "109348220000000002"
GENEROUS_S = 60
"""No statement about speed: how long a loaded machine may take before the test gives up."""


@pytest.fixture(scope="module")
def connections(running_product: Product) -> dict[str, str]:
    """Ids of an X, a Facebook and a Mastodon connection of the tennis club; X and Mastodon connected just now, through
    their consent pages."""
    session = signed_in(running_product, "owner@hilltop.example")
    consent(session, f"{running_product.url}/api/social/twitter/auth", account=PROSHOP)
    start = f"{running_product.url}/api/social/mastodon/auth?server=social.example"
    consent(session, start, account=HILLTOP_MASTODON)
    rows = running_product.api("owner@hilltop.example").get("/api/v1/social/connections")["results"]
    by_name = {(row["platform"], row["account_name"]): row["id"] for row in rows if row["is_active"]}
    return {
        "TWITTER": by_name["TWITTER", "Riverside Pro Shop"],
        "FACEBOOK": by_name["FACEBOOK", "Hilltop Tennis Club"],
        "MASTODON": by_name["MASTODON", "Hilltop Tennis Club"],
    }


@pytest.fixture(scope="module")
def api(running_product: Product) -> Api:
    return running_product.api("owner@hilltop.example")


def soon(seconds: int) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def posts_of(api: Api, ids: list[str]) -> list[dict[str, Any]]:
    return [api.get(f"/api/v1/social/posts/{post_id}") for post_id in ids]


def settled(api: Api, ids: list[str]) -> list[dict[str, Any]] | None:
    rows = posts_of(api, ids)
    return rows if all(row["status"] in {"PUBLISHED", "FAILED"} for row in rows) else None


def test_one_idea_for_three_platforms_goes_out_at_its_time_once_each_and_is_counted(
    running_product: Product, api: Api, connections: dict[str, str], record_property: Any
) -> None:
    text = f"Court two reopens tonight, floodlights included. {datetime.now(UTC):%H:%M:%S}"
    at = soon(6)
    group = api.post(
        "/api/v1/social/post-groups",
        {"connections": list(connections.values()), "content": text, "scheduled_at": at},
    )
    ids = [post["id"] for post in group["posts"]]
    assert [post["status"] for post in group["posts"]] == ["SCHEDULED"] * 3

    posts = wait_until(lambda: settled(api, ids), GENEROUS_S, running_product.log)

    assert [(post["platform"], post["status"], post["error_message"]) for post in posts] == [
        (post["platform"], "PUBLISHED", None) for post in posts
    ]
    due = datetime.fromisoformat(at)
    lateness = {
        post["platform"]: (datetime.fromisoformat(post["published_at"]) - due).total_seconds() for post in posts
    }
    record_property("lateness_s", lateness)
    print(f"\nlateness in seconds: {lateness}")
    assert min(lateness.values()) > -2  # Facebook and X tell whole seconds
    for post in posts:
        taken = [row for row in running_product.taken(post["platform"]) if row["text"] == text]
        assert [row["id"] for row in taken] == [post["platform_post_id"]]
        assert post["permalink"].startswith(f"{running_product.url}/sandbox/")

    # Hours later, as far as the platforms are concerned, people have seen them. How many likes a post has after that time
    # depends on its id alone: few enough now and then that one post of a small account has no more a day later.
    soon_after, a_day_after = 0, 0
    for post in posts:
        running_product.move_in_time(post["platform"], post["platform_post_id"], hours_ago=3)
        counted = api.post(f"/api/v1/social/posts/{post['id']}/sync-engagement", {})
        running_product.move_in_time(post["platform"], post["platform_post_id"], hours_ago=30)
        later = api.post(f"/api/v1/social/posts/{post['id']}/sync-engagement", {})
        points = api.get(f"/api/v1/social/posts/{post['id']}/metrics")["points"]
        assert [point["likes"] for point in points][-2:] == [counted["likes"], later["likes"]]
        soon_after += counted["likes"]
        a_day_after += later["likes"]
    assert 0 < soon_after < a_day_after


def test_a_refreshed_x_connection_still_publishes(
    running_product: Product, api: Api, connections: dict[str, str]
) -> None:
    before = api.get(f"/api/v1/social/connections/{connections['TWITTER']}")
    after = api.post(f"/api/v1/social/connections/{connections['TWITTER']}/refresh", {})
    assert after["token_expires_at"] > before["token_expires_at"]
    text = f"New strings in the shop. {datetime.now(UTC):%H:%M:%S}"
    body = {"connection": connections["TWITTER"], "content": text, "scheduled_at": soon(3)}
    post = api.post("/api/v1/social/posts", body)
    rows = wait_until(lambda: settled(api, [post["id"]]), GENEROUS_S, running_product.log)
    assert rows[0]["status"] == "PUBLISHED", rows[0]["error_message"]


def test_a_consent_that_was_denied_connects_nothing_and_says_so(running_product: Product) -> None:
    session = signed_in(running_product, "admin@riverside.example")
    page = consent(session, f"{running_product.url}/api/social/twitter/auth", account=PROSHOP, deny=True)
    assert page.url == f"{running_product.url}/connections/"
    assert csrf_of(page.text)
    assert "cancelled" in page.text.lower() or "denied" in page.text.lower() or "declined" in page.text.lower()


def test_a_post_of_three_hundred_characters_is_refused_for_x_with_its_reason(
    api: Api, connections: dict[str, str]
) -> None:
    body = {"connection": connections["TWITTER"], "content": "a" * 300, "scheduled_at": soon(600)}
    problem = api.post("/api/v1/social/posts", body, expect=422)
    assert "20" in problem["detail"]  # characters too many
    assert "280" in problem["detail"]


def test_the_demonstrations_history_says_the_day_on_which_things_happened_there(
    running_product: Product, api: Api
) -> None:
    published = api.get("/api/v1/social/posts?status=PUBLISHED&limit=100")["results"]
    old = [post for post in published if post["published_at"] < (datetime.now(UTC) - timedelta(days=1)).isoformat()]
    assert old
    for post in old:
        events = api.get(f"/api/v1/audit-events?object_id={post['id']}&limit=100")["results"]
        told = {event["action"]: datetime.fromisoformat(event["at"]) for event in events}
        assert abs(told["post.published"] - datetime.fromisoformat(post["published_at"])) < timedelta(minutes=1)
        assert told["post.created"] < told["post.sent_now"] < told["post.published"]
