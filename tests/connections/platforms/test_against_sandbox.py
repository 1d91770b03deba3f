"""Each platform's whole journey over real HTTP: consent, publish, read back, metrics, delete, and what goes wrong."""

import base64
import hashlib
import re
import secrets
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.utils import timezone

from connections.errors import (
    SCOPE_REFUSED,
    ContentRejected,
    Duplicate,
    InvalidToken,
    MediaError,
    OutcomeUnknown,
    PermissionMissing,
    PlatformError,
    RateLimited,
    TransientError,
)
from connections.guard import fetch_avatar
from connections.platforms.base import Account, AppCredentials, Platform, TokenGrant, TokenPolicy, platform_class
from tests.connections.platforms.helpers import MemoryJournal, draft, find, picture

NAMES = ["TWITTER", "FACEBOOK", "MASTODON"]
pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class Sandbox:
    """The running sandbox, by its control interface."""

    base: str

    def order(self, path: str, **body: Any) -> Any:
        answer = requests.post(f"{self.base}/sandbox/api/{path}", json=body, timeout=10)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def posts(self, platform: str) -> list[dict[str, Any]]:
        answer = requests.get(f"{self.base}/sandbox/api/posts", params={"platform": platform}, timeout=10)
        found: list[dict[str, Any]] = [post for post in answer.json()["results"] if not post["deleted"]]
        return found

    def fault(self, platform: str, operation: str, fault: str, **more: Any) -> None:
        self.order("faults", platform=platform, operation=operation, fault=fault, **more)


@pytest.fixture
def sandbox(live_server: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    settings.ROOT_URLCONF = "tests.connections.platforms.sandbox_urls"
    address = {name: f"{live_server.url}/sandbox/{name.lower()}" for name in NAMES}
    settings.PLATFORM_API_URLS = address
    settings.PLATFORM_AUTH_URLS = settings.PLATFORM_SITE_URLS = address
    settings.PLATFORM_READ_TIMEOUT_S = 5
    monkeypatch.setattr("connections.http.FIRST_WAIT_S", 0.01)
    running = Sandbox(live_server.url)
    running.order("seed")
    return running


def app_for(name: str, redirect_uri: str) -> AppCredentials:
    cls = platform_class(name)
    if cls.needs_server:
        return cls.register_app("https://social.example", redirect_uri=redirect_uri)
    seeded = {
        "TWITTER": ("sandbox-x-client", "sandbox-x-secret"),
        "FACEBOOK": ("100000000000001", "sandbox-facebook-secret"),
    }
    return AppCredentials(*seeded[name])


def consent(platform: Platform, redirect_uri: str) -> tuple[str, str]:
    """Click through the consent page as a browser would: (code, verifier)."""
    verifier = secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    url = platform.authorize_url(redirect_uri=redirect_uri, state="state-1", challenge=challenge)
    with requests.Session() as browser:
        page = browser.get(url, timeout=10)
        assert page.status_code == 200, page.text[:500]
        fields: dict[str, list[str]] = {"decision": ["approve"]}
        for name in ("account", "page", "permission"):
            fields[name] = re.findall(rf'name="{name}" value="([^"]+)"', page.text)
        fields["account"] = fields["account"][:1]
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert token
        fields["csrfmiddlewaretoken"] = [token.group(1)]
        back = browser.post(url, data=fields, allow_redirects=False, timeout=10, headers={"Referer": url})
    assert back.status_code == 302, back.text[:500]
    query = parse_qs(urlsplit(back.headers["Location"]).query)
    assert query["state"] == ["state-1"]
    return query["code"][0], verifier


@dataclass
class Connected:
    platform: Platform
    account: Account
    grant: TokenGrant
    user_grant: TokenGrant


def connect(name: str) -> Connected:
    redirect_uri = f"http://127.0.0.1:8000/api/social/{name.lower()}/callback"
    cls = platform_class(name)
    server = "https://social.example" if cls.needs_server else ""
    app = app_for(name, redirect_uri)
    unbound = cls(app=app, server_url=server)
    code, verifier = consent(unbound, redirect_uri)
    user_grant = unbound.lengthen(unbound.exchange_code(code, redirect_uri=redirect_uri, verifier=verifier))
    account = unbound.accounts(user_grant)[0]
    assert account.grant is not None
    bound = cls(
        app=app, access_token=account.grant.access_token, account_id=account.id, handle=account.handle,
        server_url=server, limits=account.limits,
    )  # fmt: skip
    return Connected(bound, account, account.grant, user_grant)


@pytest.mark.parametrize("name", NAMES)
def test_a_post_with_pictures_goes_from_consent_to_metrics_and_away(name: str, sandbox: Sandbox) -> None:
    connected = connect(name)
    platform, account = connected.platform, connected.account
    assert "Riverside" in account.name
    assert account.followers
    assert account.avatar_url
    assert platform.missing_permissions(connected.grant.permissions) == {}
    assert platform.validate().is_valid
    assert platform.profile().id == account.id
    platform.test_app()

    began = timezone.now()
    post = draft(
        "Two new greens & a heron https://club.example/greens?a=1&b=2 <3 é 👩‍👩‍👧",
        media=(picture("#2f5d50", alt="The seventh green"), picture("#8a5a2b", alt="A heron by the river")),
        first_comment="Booking opens at noon.",
        key="0190-key-1",
    )
    assert [problem for problem in platform.problems(post) if problem.blocking] == []
    journal = MemoryJournal()
    published = platform.publish(post, journal)

    taken = [one for one in sandbox.posts(name) if one["id"] == published.id]
    assert [one["text"] for one in taken] == [post.text]
    assert taken[0]["alt_texts"] == ["The seventh green", "A heron by the river"]
    assert requests.get(published.url, timeout=10).status_code == 200 or "social.example" in published.url
    assert platform.publish(post, journal) == published, "a finished attempt is answered from its journal"
    assert len([one for one in sandbox.posts(name) if one["text"] == post.text]) == 1

    found = find(platform, post, since=began)
    assert found is not None
    assert found.id == published.id
    assert find(platform, post, since=began, taken=[published.id]) is None
    assert find(platform, post, since=timezone.now() + timedelta(minutes=5)) is None
    assert find(platform, draft("Something else"), since=began) is None

    metrics = platform.metrics([published.id])[published.id]
    assert not metrics.gone
    assert metrics.likes is not None
    assert metrics.comments is not None

    platform.delete(published.id)
    platform.delete(published.id)
    assert platform.metrics([published.id])[published.id].gone
    assert published.id not in [one["id"] for one in sandbox.posts(name)]


def test_a_server_that_a_person_types_works_without_any_setting_but_its_exemption(
    sandbox: Sandbox, settings: Any
) -> None:
    settings.PLATFORM_API_URLS = settings.PLATFORM_AUTH_URLS = {}
    settings.OUTBOUND_ALLOW = [sandbox.base.removeprefix("http://")]
    cls = platform_class("MASTODON")
    server = cls.normalize_server(f"{sandbox.base}/sandbox/mastodon/")
    assert server == f"{sandbox.base}/sandbox/mastodon"
    back = "http://127.0.0.1:8000/api/social/mastodon/callback"
    app = cls.register_app(server, redirect_uri=back)
    unbound = cls(app=app, server_url=server)
    code, verifier = consent(unbound, back)
    (account,) = unbound.accounts(unbound.exchange_code(code, redirect_uri=back, verifier=verifier))
    assert account.grant
    assert fetch_avatar(account.avatar_url)[1].startswith("image/")
    bound = cls(app=app, access_token=account.grant.access_token, account_id=account.id, server_url=server)
    published = bound.publish(draft("Typed by hand"), MemoryJournal())
    assert published.url.startswith(server)
    assert sandbox.posts("MASTODON")[-1]["id"] == published.id


def test_a_server_that_knows_only_broad_scopes_is_recognised_and_used_with_these(
    sandbox: Sandbox, settings: Any
) -> None:
    settings.PLATFORM_API_URLS = settings.PLATFORM_AUTH_URLS = {"MASTODON": f"{sandbox.base}/sandbox/takahe"}
    cls, server = platform_class("MASTODON"), "https://social.example"
    back = "http://127.0.0.1:8000/api/social/mastodon/callback"

    def connect_with(scopes: tuple[str, ...]) -> tuple[Platform, Account]:
        app = cls.register_app(server, redirect_uri=back, scopes=scopes)
        unbound = cls(app=app, server_url=server)
        code, verifier = consent(unbound, back)
        grant = unbound.exchange_code(code, redirect_uri=back, verifier=verifier)
        (account,) = unbound.accounts(grant)
        bound = cls(app=app, access_token=grant.access_token, account_id=account.id, server_url=server)
        return bound, account

    with pytest.raises(PermissionMissing) as refused:
        connect_with(())
    assert refused.value.platform_code == SCOPE_REFUSED
    platform, account = connect_with(cls.broad_scopes)
    assert account.grant
    assert platform.missing_permissions(account.grant.permissions) == {}
    assert platform.publish(draft("From far away"), MemoryJournal()).id
    platform.revoke(platform.access_token)


@pytest.mark.parametrize("name", NAMES)
def test_a_link_reaches_the_platform_and_is_found_again(name: str, sandbox: Sandbox) -> None:
    platform = connect(name).platform
    began = timezone.now()
    post = draft("The heron is back", link_url="https://club.example/heron", key="0190-key-2")
    published = platform.publish(post, MemoryJournal())
    taken = sandbox.posts(name)[-1]
    assert "https://club.example/heron" in (taken["text"] + taken["link"])
    found = find(platform, post, since=began)
    assert found is not None
    assert found.id == published.id


TEXTS = [
    "Register at www.riverside.com today", "Register at www.riverside.example today", "Photo.ZIP", "see readme.md, main.py and t.co",
    "日本https://example.comです", "https://example.com/newsを読む", "テストmüller.de。example.рф", "example.中国 http://пример.рф/путь",
    "AT&T <3 R&amp;B &lt;b&gt; &copy;", "cafe\u0301 e\u0301", "  Frost  \n\n\n on the greens \n ", "HTTPS://Example.COM/Path/?a=1&b=2.",
    "https://example.com/" + "long/" * 100 + "?q=" + "x" * 300, "(https://example.com/a_(b)) “https://example.com/#x”",
    "@riversidegc @bob@other.com #golf ＃ゴルフ $GOLF", "👨‍👩‍👧 ⛳️ 🏴󠁧󠁢󠁳󠁣󠁴󠁿 1️⃣", "a http://example.com http://example.com b", "https://xn--mller-kva.de/a%20b%C3%A9",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_what_a_platform_makes_of_a_text_is_recognised(name: str, sandbox: Sandbox) -> None:
    platform = connect(name).platform
    began = timezone.now()
    for text in TEXTS:
        published = platform.publish(draft(text, key=f"key-{hash(text)}"), MemoryJournal())
        found = find(platform, draft(text), since=began)
        assert found is not None, text
        assert found.id == published.id, text


@pytest.mark.parametrize("name", NAMES)
def test_metrics_of_several_posts_come_together_and_one_that_is_gone_is_marked(name: str, sandbox: Sandbox) -> None:
    platform = connect(name).platform
    ids = [platform.publish(draft(f"Round {number}", key=f"k{number}"), MemoryJournal()).id for number in range(3)]
    platform.delete(ids[1])
    found = platform.metrics(ids)
    assert [found[post_id].gone for post_id in ids] == [False, True, False]
    assert found[ids[0]].shares is not None


FAULTS: list[tuple[str, dict[str, Any], type[PlatformError]]] = [
    ("drop_before", {}, OutcomeUnknown),
    ("drop_after", {}, OutcomeUnknown),
    ("html", {"value": 502}, OutcomeUnknown),
    ("rate_limit", {"value": 120}, RateLimited),
    ("invalid_token", {}, InvalidToken),
    ("reject", {}, PlatformError),
    ("server_error", {"value": 503}, PlatformError),
]


@pytest.mark.parametrize("name", NAMES)
def test_each_fault_of_a_publish_becomes_its_consequence(name: str, sandbox: Sandbox) -> None:
    connected = connect(name)
    for fault, more, error in FAULTS:
        before = len(sandbox.posts(name))
        sandbox.fault(name, "publish", fault, **more)
        began = timezone.now()
        post = draft(f"Only once: {fault}")
        with pytest.raises(error) as raised:
            connected.platform.publish(post, MemoryJournal())
        assert connected.grant.access_token not in str(raised.value) + repr(raised.value) + raised.value.detail
        assert raised.value.__cause__ is None
        sent = len(sandbox.posts(name)) - before
        assert sent == (1 if fault == "drop_after" else 0), "one request, whatever came of it"
        if isinstance(raised.value, RateLimited):
            assert raised.value.retry_at is not None
            assert 100 < (raised.value.retry_at - timezone.now()).total_seconds() < 190
        if fault in {"drop_after", "drop_before"}:
            found = find(connected.platform, post, since=began)
            assert (found is not None) == (fault == "drop_after")


@pytest.mark.parametrize("name", NAMES)
def test_reads_and_uploads_get_over_a_passing_fault(name: str, sandbox: Sandbox) -> None:
    platform = connect(name).platform
    for fault in ("drop_before", "html", "server_error"):
        sandbox.fault(name, "read", fault)
        assert platform.profile().id
        sandbox.fault(name, "media", fault)
        published = platform.publish(draft(f"After {fault}", media=(picture(),)), MemoryJournal())
        assert sandbox.posts(name)[-1]["id"] == published.id


def test_x_names_a_duplicate_and_facebook_too(sandbox: Sandbox) -> None:
    for name in ("TWITTER", "FACEBOOK"):
        platform = connect(name).platform
        platform.publish(draft("Twice"), MemoryJournal())
        with pytest.raises(Duplicate):
            platform.publish(draft("Twice"), MemoryJournal())


def test_a_repeated_key_makes_no_second_status_at_mastodon(sandbox: Sandbox) -> None:
    platform = connect("MASTODON").platform
    sandbox.fault("MASTODON", "publish", "drop_after")
    with pytest.raises(OutcomeUnknown):
        platform.publish(draft("Once", key="the-key"), MemoryJournal())
    again = platform.publish(draft("Once", key="the-key"), MemoryJournal())
    assert [one["id"] for one in sandbox.posts("MASTODON") if one["text"] == "Once"] == [again.id]


@pytest.mark.parametrize("name", NAMES)
def test_a_refused_picture_is_a_media_error(name: str, sandbox: Sandbox) -> None:
    platform = connect(name).platform
    sandbox.fault(name, "media", "reject", times=4)
    with pytest.raises(MediaError):
        platform.publish(draft("With a picture", media=(picture(),)), MemoryJournal())


def test_too_long_a_text_is_refused_by_every_platform_as_we_count_it(sandbox: Sandbox) -> None:
    for name in ("TWITTER", "MASTODON"):
        platform = connect(name).platform
        most = platform.own_limits.characters
        fits = "é" * (most - 26) + " https://example.com/" + "p" * 80 + " ."
        assert platform.count(fits) == most
        platform.publish(draft(fits), MemoryJournal())
        with pytest.raises(ContentRejected):
            platform.publish(draft(fits + "x"), MemoryJournal())


def test_x_tokens_rotate_and_a_spent_one_is_refused(sandbox: Sandbox) -> None:
    connected = connect("TWITTER")
    assert connected.grant.refresh_token
    assert connected.grant.expires_at is not None
    life_s = (connected.grant.expires_at - timezone.now()).total_seconds()
    assert 7000 < life_s <= 7200
    pair = connected.platform.refresh(connected.grant.refresh_token)
    assert pair.refresh_token not in {None, connected.grant.refresh_token}
    with pytest.raises(InvalidToken):
        connected.platform.refresh(connected.grant.refresh_token)


def test_a_blip_while_renewing_speaks_of_no_lost_token(sandbox: Sandbox) -> None:
    connected = connect("TWITTER")
    for fault in ({"fault": "html", "value": 401}, {"fault": "server_error"}, {"fault": "drop_after"}):
        sandbox.order("faults", platform="TWITTER", operation="token", **fault)
        with pytest.raises(TransientError):
            connected.platform.refresh(connected.grant.refresh_token or "")


def test_page_tokens_have_no_end_and_need_no_renewal(sandbox: Sandbox) -> None:
    connected = connect("FACEBOOK")
    assert connected.platform.token_policy == TokenPolicy.EXTENDING
    assert connected.grant.expires_at is None
    assert connected.platform.refresh(connected.grant.access_token).access_token == connected.grant.access_token
    longer = connected.platform.refresh(connected.user_grant.access_token)
    assert longer.expires_at is not None
    assert (longer.expires_at - timezone.now()).days >= 59


def test_a_page_without_the_right_to_post_is_shown_but_cannot_be_chosen(sandbox: Sandbox) -> None:
    connected = connect("FACEBOOK")
    pages = {page.name: page for page in connected.platform.accounts(connected.user_grant)}
    assert pages["Riverside Golf Club"].unavailable == ""
    assert "does not allow posting" in pages["Friends of the River Path"].unavailable


def test_disconnecting_one_page_leaves_the_other_pages_of_the_person_alone(sandbox: Sandbox) -> None:
    connected = connect("FACEBOOK")
    connected.platform.revoke(connected.grant.access_token)
    assert connected.platform.validate().is_valid
    connected.platform.revoke(connected.user_grant.access_token)
    assert not connected.platform.validate().is_valid


@pytest.mark.parametrize("name", ["TWITTER", "MASTODON"])
def test_a_withdrawn_token_is_dead_and_withdrawing_it_twice_is_no_error(name: str, sandbox: Sandbox) -> None:
    connected = connect(name)
    connected.platform.revoke(connected.grant.access_token)
    connected.platform.revoke(connected.grant.access_token)
    validation = connected.platform.validate()
    assert not validation.is_valid
    assert validation.reason


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_app_secret_is_found_by_the_test_and_blames_no_account(name: str, sandbox: Sandbox) -> None:
    app = app_for(name, "http://127.0.0.1:8000/cb")
    cls = platform_class(name)
    wrong = cls(app=AppCredentials(app.client_id, "wrong", app.server_url), server_url=app.server_url)
    with pytest.raises(PlatformError) as raised:
        wrong.test_app()
    assert not isinstance(raised.value, InvalidToken)


def test_a_picture_that_is_never_ready_is_tried_later(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connections.platforms.steps.READY_WITHIN_S", 0.5)
    monkeypatch.setattr("connections.platforms.steps.LOOK_EVERY_S", (0.1,))
    for name in ("TWITTER", "MASTODON"):
        platform = connect(name).platform
        sandbox.fault(name, "media", "stuck")
        with pytest.raises(TransientError):
            platform.publish(draft("Stuck", media=(picture(),)), MemoryJournal())


def test_a_slow_body_is_given_up_within_the_time_cap(sandbox: Sandbox, settings: Any) -> None:
    platform = connect("MASTODON").platform
    settings.PLATFORM_READ_TIMEOUT_S = 0.6
    settings.PLATFORM_CONNECT_TIMEOUT_S = 0.2
    sandbox.fault("MASTODON", "publish", "slow_body", value=5)
    started = time.monotonic()
    with pytest.raises(OutcomeUnknown):
        platform.publish(draft("Slow"), MemoryJournal())
    assert time.monotonic() - started < 4
    time.sleep(4)  # the server still drips: let it end before the database goes away
