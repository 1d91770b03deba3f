"""A link that readers cannot open is refused where it is given, with what to do."""

import pytest
from django.test import Client

from accounts.models import User
from connections.links import why_not_openable
from connections.models import SocialConnection
from publishing.models import SocialPost
from tests import factories
from tests.api.client import ApiClient
from tests.publishing.composing import fields, text_of

PORT, LOCAL, SECRET, WHOLE = "port", "Only you can open", "user name and password", "full web address"
REFUSED = [
    ("https://1.2.3.4:99999/", PORT), ("https://riverside.example:0/", PORT), ("https://riverside.example:x/", PORT),
    ("http://localhost/", LOCAL), ("http://localhost:8000/x", LOCAL), ("http://127.0.0.1/", LOCAL), ("http://[::1]/", LOCAL),
    ("http://192.168.1.10/a", LOCAL), ("http://printer.local/", LOCAL), ("http://a.internal/", LOCAL),
    ("http://169.254.169.254/latest", LOCAL), ("http://0.0.0.0/", LOCAL), ("http://app.localhost./", LOCAL),
    ("https://user:pw@riverside.example/", SECRET), ("https://user@riverside.example/", SECRET),
    ("https://intranet/", WHOLE), ("https://a b.example/", WHOLE), ("https://river side/", WHOLE), ("https://", WHOLE),
    ("https://riverside.example/a b", WHOLE), ("ftp://riverside.example/", WHOLE), ("javascript:alert(1)", WHOLE),
    ("//riverside.example/", WHOLE), ("https://-a.example/", WHOLE), ("http://[", WHOLE), ("https://..example/", WHOLE),
    ("http://2130706433/", WHOLE), ("https://riverside.example\n/", WHOLE), ("mailto:a@riverside.example", WHOLE),
]  # fmt: skip
TAKEN = [
    "https://riverside.example", "https://riverside.example:8443/a?b=c#d", "http://www.müller.de/straße", "https://日本.jp/",
    "https://1.1.1.1/", "https://[2606:4700:4700::1111]/", "HTTPS://RIVERSIDE.EXAMPLE/", "https://a.b.c.d.example/%20",
]  # fmt: skip


@pytest.mark.parametrize(("address", "says"), REFUSED)
def test_what_nobody_else_can_open_is_refused(address: str, says: str) -> None:
    assert says in why_not_openable(address)


@pytest.mark.parametrize("address", TAKEN)
def test_what_everyone_can_open_is_taken(address: str) -> None:
    assert why_not_openable(address) == ""


@pytest.fixture
def x(bob: User) -> SocialConnection:
    return factories.make_connection(bob.memberships.get().organization)


@pytest.mark.parametrize(("address", "says"), [REFUSED[0], REFUSED[3], REFUSED[13], REFUSED[15]])
def test_page_and_rest_say_so(as_bob: Client, bob: User, x: SocialConnection, address: str, says: str) -> None:
    shown = text_of(as_bob.post("/posts/check/", fields(x, link_url=address)))
    assert shown.count(says) == 1
    api = ApiClient(bob)
    body = {"connection": str(x.pk), "content": "Dinner", "link_url": address}
    answer = api.post("social/posts", body)
    assert answer.status_code == 422
    assert says in answer.json()["errors"]["link_url"][0]
    assert not SocialPost.objects.exists()
    kept = factories.make_post(x, status="DRAFT", link_url=address)  # as a page's autosave keeps it
    planned = api.post(f"social/posts/{kept.pk}/schedule", {"scheduled_at": "2099-01-01T09:00:00Z"})
    assert says in planned.json()["problems"][0]["message"]


def test_the_address_of_a_published_post_is_one(bob: User, x: SocialConnection) -> None:
    post = factories.make_post(x, status="FAILED", error_code="OUTCOME_UNKNOWN")
    for link in ("https://1.2.3.4:99999/", "https://", "http://a b/"):
        answer = ApiClient(bob).post(f"social/posts/{post.pk}/resolve", {"decision": "published", "link": link})
        assert (answer.status_code, set(answer.json()["errors"])) == (409, {"link"})
