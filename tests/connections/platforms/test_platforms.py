"""What holds for every registered platform: a new one is covered the moment it is registered."""

import inspect
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import responses
import structlog

from connections.errors import OutcomeUnknown, PlatformError, TransientError
from connections.platforms.base import AppCredentials, Can, Draft, Platform, load_platforms, platform_class, platforms
from tests.connections.platforms.helpers import SECRET, TOKEN, MemoryJournal, client, draft, picture

load_platforms()
NAMES = sorted(cls.name for cls in platforms())

METHODS_OF = {
    Can.PUBLISH_TEXT: ("publish", "own_posts"),
    Can.DELETE: ("delete",),
    Can.METRICS: ("metrics",),
}
ALWAYS = (
    "make_http", "authorize_url", "exchange_code", "accounts", "refresh", "revoke", "validate", "profile", "test_app",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_platform_keeps_what_it_declares(name: str) -> None:
    cls = platform_class(name)
    needed = [
        *ALWAYS,
        *(method for can, methods in METHODS_OF.items() if can in cls.capabilities for method in methods),
    ]
    if cls.needs_server:
        needed += ["normalize_server", "register_app"]
    missing = [method for method in needed if getattr(cls, method) is getattr(Platform, method)]
    assert missing == []
    assert cls.label
    assert cls.limits.characters > 0
    assert not set(cls.absences) & cls.capabilities, "a capability is there or absent, not both"
    assert set(cls.scopes_for) <= set(cls.capabilities)
    assert {scope for scopes in cls.scopes_for.values() for scope in scopes} <= set(cls.scopes), "asked for by default"
    assert cls.missing_permissions(cls.scopes) == {}
    assert set(cls.missing_permissions([])) == set(cls.scopes_for)
    assert (Can.PUBLISH_IMAGE in cls.capabilities) == (cls.limits.images > 0)


@pytest.mark.parametrize("name", NAMES)
def test_signatures_are_the_interface_s(name: str) -> None:
    cls = platform_class(name)
    for method, function in inspect.getmembers(Platform, inspect.isfunction):
        if method.startswith("__"):
            continue
        own = inspect.signature(getattr(cls, method))
        assert list(own.parameters) == list(inspect.signature(function).parameters), method


@pytest.mark.parametrize("name", NAMES)
def test_a_client_shows_no_secret(name: str) -> None:
    platform = client(name)
    shown = repr(platform) + repr(platform.http) + repr(platform.app) + str(vars(platform.http).keys())
    assert TOKEN not in shown
    assert SECRET not in shown


@pytest.mark.parametrize("name", NAMES)
def test_failures_and_logs_show_no_secret(name: str, web: responses.RequestsMock) -> None:
    """Every call fails with the secrets in its answer, its address or its exception; none comes through."""
    attempts: list[Callable[[Platform], object]] = [
        lambda one: one.publish(draft(media=(picture(),)), MemoryJournal()),
        lambda one: one.publish(draft(), MemoryJournal()),
        lambda one: one.own_posts(since=datetime.now(UTC)),
        lambda one: one.metrics(["1", "2"]),
        lambda one: one.delete("1"),
        lambda one: one.exchange_code(f"{SECRET}-code", redirect_uri="https://a.example/cb", verifier=SECRET),
        lambda one: one.refresh(TOKEN),
        lambda one: one.revoke(TOKEN),
        lambda one: one.profile(),
        lambda one: one.validate(),
        lambda one: one.test_app(),
    ]
    with structlog.testing.capture_logs() as lines:
        for attempt in attempts:
            with pytest.raises(PlatformError) as raised:
                attempt(client(name))
            shown = f"{raised.value!r} {raised.value} {vars(raised.value)} {raised.value.__cause__!r}"
            assert TOKEN not in shown
            assert SECRET not in shown
    assert lines
    assert TOKEN not in repr(lines)
    assert SECRET not in repr(lines)


@pytest.mark.parametrize("name", NAMES)
def test_the_consent_page_gets_state_scopes_and_the_exact_return_address_and_no_secret(name: str) -> None:
    cls = platform_class(name)
    back = f"https://parley.example/api/social/{name.lower()}/callback"
    address = client(name).authorize_url(redirect_uri=back, state="state-9", challenge="challenge-9")
    query = parse_qs(urlsplit(address).query)
    assert address.startswith("https://")
    assert query["state"] == ["state-9"]
    assert query["redirect_uri"] == [back]
    assert query["response_type"] == ["code"]
    asked = set(query["scope"][0].replace(",", " ").split())
    assert asked == set(cls.scopes)
    if cls.uses_pkce:
        assert (query["code_challenge"], query["code_challenge_method"]) == (["challenge-9"], ["S256"])
    assert SECRET not in address


@pytest.mark.parametrize("name", NAMES)
def test_addresses_follow_the_operator_s_settings(name: str, settings: Any, web: responses.RequestsMock) -> None:
    settings.PLATFORM_API_URLS = {name: "http://127.0.0.1:9/there"}
    settings.PLATFORM_AUTH_URLS = {name: "http://127.0.0.1:9/consent"}
    platform = client(name)
    address = platform.authorize_url(redirect_uri="https://a.example/cb", state="s", challenge="c")
    assert address.startswith("http://127.0.0.1:9/consent/")
    with pytest.raises(PlatformError):
        platform.publish(draft(), MemoryJournal())
    assert str(web.calls[0].request.url).startswith("http://127.0.0.1:9/there/")


@pytest.mark.parametrize(("name", "method", "path", "answer", "link"), [
    ("TWITTER", "POST", "/2/tweets", {"data": {"id": "77"}}, "https://x.com/club/status/77"),
    ("FACEBOOK", "POST", "/v26.0/1/feed", {"id": "1_77"}, "https://www.facebook.com/1_77"),
    ("MASTODON", "POST", "/api/v1/statuses", {"id": "77", "url": "https://social.example/@club/77"},
     "https://social.example/@club/77"),
])  # fmt: skip
def test_links_to_posts_are_the_platform_s_own_wherever_its_interface_is_reached(
    name: str, method: str, path: str, answer: dict[str, Any], link: str, settings: Any, web: responses.RequestsMock
) -> None:
    settings.PLATFORM_API_URLS = settings.PLATFORM_AUTH_URLS = {name: "http://127.0.0.1:9/proxy"}
    web.add(method, f"http://127.0.0.1:9/proxy{path}", json=answer)
    cls = platform_class(name)
    platform = cls(
        app=AppCredentials("id", "secret"), access_token="t", account_id="1", handle="club",
        server_url="https://social.example" if cls.needs_server else "",
    )  # fmt: skip
    assert platform.publish(draft("Hello"), MemoryJournal()).url == link
    if name in {"TWITTER", "FACEBOOK"}:
        settings.PLATFORM_SITE_URLS = {name: "http://127.0.0.1:8000/site"}
        assert platform.publish(draft("Hello"), MemoryJournal()).url.startswith("http://127.0.0.1:8000/site/")


@pytest.mark.parametrize("name", NAMES)
def test_a_publish_that_was_cut_off_is_not_sent_again_by_itself(name: str, web: responses.RequestsMock) -> None:
    web.add(responses.POST, url="https://api.x.com/2/tweets", status=502, body="<html>")
    web.add(responses.POST, url="https://graph.facebook.com/v26.0/2244994945/feed", status=502, body="<html>")
    web.add(responses.POST, url="https://social.example/api/v1/statuses", status=502, body="<html>")
    journal = MemoryJournal()
    for _attempt in range(2):
        with pytest.raises(OutcomeUnknown):
            client(name).publish(draft(), journal)
    assert len(web.calls) == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_platform_that_cannot_be_reached_leaves_everything_as_it_was(name: str, settings: Any) -> None:
    settings.PLATFORM_API_URLS = {name: "http://127.0.0.1:9"}
    attempts: list[Callable[[Platform], object]] = [
        lambda one: one.publish(draft(), MemoryJournal()),
        lambda one: one.refresh(TOKEN),
        lambda one: one.validate(),
        lambda one: one.metrics(["1"]),
    ]
    for attempt in attempts:
        with pytest.raises(TransientError):
            attempt(client(name))


# --- drafts -----------------------------------------------------------------------------------------------------------


def codes(name: str, given: Draft, *, blocking: bool = True) -> set[str]:
    return {problem.code for problem in platform_class(name).problems(given) if problem.blocking == blocking}


@pytest.mark.parametrize("name", NAMES)
def test_a_plain_draft_has_no_problems_and_an_empty_one_has(name: str) -> None:
    assert codes(name, draft("Good morning")) == set()
    assert codes(name, draft("  \n ")) == {"empty"}
    assert codes(name, draft("\u200b\u2800\ufe0f")) == {"empty"}, "signs that nobody sees"
    assert codes(name, draft("", media=(picture(),))) == set()
    assert codes(name, draft("", link_url="https://club.example/")) == set()


@pytest.mark.parametrize("name", NAMES)
def test_a_long_text_says_by_how_much(name: str) -> None:
    cls = platform_class(name)
    text = "x" * (cls.limits.characters + 12)
    (problem,) = cls.problems(draft(text))
    assert problem.code == "too_long"
    assert problem.message == f"12 characters over the limit of {cls.limits.characters}."
    assert codes(name, draft("x" * cls.limits.characters)) == set()
    (one,) = cls.problems(draft("x" * (cls.limits.characters + 1)))
    assert one.message.startswith("1 character over")


@pytest.mark.parametrize("name", NAMES)
def test_a_server_s_own_limits_count(name: str) -> None:
    cls = platform_class(name)
    tight = cls.limits.with_changes({"characters": 10, "images": 1})
    found = cls.problems(draft("12345678901", media=(picture("#000000"), picture("#ffffff"))), tight)
    assert {problem.code for problem in found if problem.blocking} == {"too_long", "too_many_images"}


@pytest.mark.parametrize("name", NAMES)
def test_each_problem_of_a_picture_is_named_beside_the_pictures(name: str) -> None:
    cls = platform_class(name)
    bad = [
        (picture(content_type="application/pdf"), "image_format"),
        (picture(size_bytes=cls.limits.image_bytes + 1), "image_too_large"),
        (picture(alt="x" * (cls.limits.alt_text_characters + 1)), "alt_text_too_long"),
    ]
    if cls.limits.image_pixels:
        bad.append((picture(width=12_000, height=12_000), "image_too_many_pixels"))
    for media, code in bad:
        found = [one for one in cls.problems(draft("Hello", media=(media,))) if one.blocking]
        assert [(one.code, one.field) for one in found] == [(code, "media")]
    many = tuple(picture(f"#0000{number:02d}") for number in range(cls.limits.images + 1))
    assert codes(name, draft("Hello", media=many)) == {"too_many_images"}
    assert codes(name, draft("Hello", media=(picture(alt=""),)), blocking=False) >= {"alt_text_missing"}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "link",
    [
        "club.example",
        "ftp://club.example/",
        "https://",
        "https://user:pw@club.example/",
        "javascript:alert(1)",
        "https://a b/",
    ],
)
def test_a_link_that_is_none_is_named_beside_the_link(name: str, link: str) -> None:
    found = [problem for problem in platform_class(name).problems(draft("Hello", link_url=link)) if problem.blocking]
    assert [(problem.code, problem.field) for problem in found] == [("link_invalid", "link_url")]


@pytest.mark.parametrize("name", NAMES)
def test_a_first_comment_is_counted_like_a_post(name: str) -> None:
    cls = platform_class(name)
    found = cls.problems(draft("Hello", first_comment="x" * (cls.limits.characters + 3)))
    assert [(problem.code, problem.field) for problem in found] == [("first_comment_too_long", "first_comment")]


@pytest.mark.parametrize("name", NAMES)
def test_a_link_that_stands_in_the_text_is_not_sent_twice(name: str) -> None:
    cls = platform_class(name)
    text = "See https://club.example/greens for more"
    assert cls.compose_text(draft(text, link_url="https://club.example/greens")) == text
