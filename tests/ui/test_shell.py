"""The frame of every page: what it ships, how it behaves in a browser, and that everybody can use it."""

import gzip
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings as django_settings
from django.core.mail import EmailMessage
from django.test import Client
from playwright.sync_api import Browser, ConsoleMessage, Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Organization, User
from accounts.permissions import Role
from tests import factories

STATIC = Path(django_settings.BASE_DIR) / "static"
TEMPLATES = Path(django_settings.BASE_DIR) / "templates"
WINDOWS = {"desk": (1440, 900), "phone": (390, 844)}


# --- what is shipped --------------------------------------------------------------------------------------------------


def test_every_icon_that_a_page_or_script_names_is_in_the_sprite() -> None:
    drawn = set(re.findall(r'<symbol id="([^"]+)"', (STATIC / "img/icons.svg").read_text()))
    named: dict[str, str] = {}
    for path in TEMPLATES.rglob("*.html"):
        text = path.read_text()
        for include in re.findall(r'_icon\.html" with ([^%]*)%}', text):
            named |= {name: str(path) for name in re.findall(r'\bname="([^"]+)"', include)}
        for include in re.findall(r'include "components/_(?:empty|badge|account_link)\.html" with ([^%]*)%}', text):
            named |= {name: str(path) for name in re.findall(r'\bicon="([^"]+)"', include)}
    for path in (STATIC / "js").glob("*.js"):
        named |= {name: str(path) for name in re.findall(r'sprite\("([^"]+)"', path.read_text())}
    assert len(named) > 30
    assert {name: where for name, where in named.items() if name not in drawn} == {}


def test_vendored_files_are_the_ones_whose_hashes_are_written_down() -> None:
    written = dict(re.findall(r"\| (\S+) \| `([0-9a-f]{64})` \|", (STATIC / "vendor/README.md").read_text()))
    found = {
        str(path.relative_to(STATIC / "vendor")): path
        for path in (STATIC / "vendor").rglob("*")
        if path.is_file() and path.name != "README.md" and "tabler-icons" not in str(path)
    }
    found["../img/icons.svg"] = STATIC / "img/icons.svg"
    assert {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in found.items()} == written


@pytest.mark.parametrize(("pattern", "most_bytes"), [("**/*.js", 150_000), ("**/*.css", 80_000)])
def test_all_scripts_and_styles_together_stay_within_the_weight_of_one_page(pattern: str, most_bytes: int) -> None:
    weight = sum(len(gzip.compress(path.read_bytes())) for path in STATIC.glob(pattern))
    assert 0 < weight <= most_bytes


def test_templates_hold_nothing_that_the_content_security_policy_refuses() -> None:
    refused = {
        "inline script": re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)", re.I),
        "style element": re.compile(r"<style\b", re.I),
        "style attribute": re.compile(r"<[a-z][^>]*\sstyle=", re.I),
        "handler attribute": re.compile(r"<[a-z][^>]*\s(on[a-z]+|hx-on[:a-z-]*)=", re.I),
        "other host": re.compile(r"<(?:script|link|img)[^>]+(?:src|href)=[\"']https?://", re.I),
    }
    found = [
        f"{path.relative_to(TEMPLATES)}: {what}"
        for path in TEMPLATES.rglob("*.html")
        for what, pattern in refused.items()
        # Mail programs know no style sheets, and the admin has a policy of its own.
        if not {"email", "admin"} & set(path.relative_to(TEMPLATES).parts) and pattern.search(path.read_text())
    ]
    assert found == []


# --- in a browser -----------------------------------------------------------------------------------------------------


@pytest.fixture
def server(audit_can_be_emptied: None, live_server: LiveServer) -> LiveServer:
    """The product's pages over HTTP, on this test's own rows."""
    return live_server


@pytest.fixture
def complaints(page: Page) -> Iterator[list[str]]:
    """What the browser complained about on this page: refused by policy, broken scripts, missing files."""
    said: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            said.append(f"{page.url}: {message.text}")

    page.on("console", note)
    page.on("pageerror", lambda error: said.append(str(error)))
    yield said
    assert said == []


@pytest.fixture
def signed_in(page: Page, server: LiveServer, alice: User) -> Page:
    """Alice's browser, after signing in by the form, on her own settings."""
    sign_in(page, server, alice.email)
    return page


def sign_in(page: Page, server: LiveServer, email: str, password: str = factories.PASSWORD) -> None:
    page.goto(f"{server.url}/accounts/login/?next=/accounts/sessions/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/accounts/sessions/")


@pytest.mark.browser
def test_choosing_a_demonstration_person_fills_the_form(
    page: Page, server: LiveServer, club: Organization, complaints: list[str]
) -> None:
    page.goto(f"{server.url}/accounts/login/")
    page.get_by_role("button", name="marketer@riverside.example").click()
    expect(page.get_by_label("Email")).to_have_value("marketer@riverside.example")
    expect(page.get_by_label("Password", exact=True)).to_have_value("riverside")
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_focused()


@pytest.mark.browser
def test_a_wrong_password_is_said_and_the_address_is_kept(
    page: Page, server: LiveServer, alice: User, complaints: list[str]
) -> None:
    page.goto(f"{server.url}/accounts/login/")
    page.get_by_label("Email").fill(alice.email)
    page.get_by_label("Password", exact=True).fill("not her password")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("alert").first).to_contain_text("not correct")
    expect(page.get_by_label("Email")).to_have_value(alice.email)


@pytest.mark.browser
def test_somebody_signs_up_and_the_mailed_link_opens_their_new_organization_in_their_zone(
    page: Page, server: LiveServer, mailoutbox: list[EmailMessage], complaints: list[str]
) -> None:
    page.goto(f"{server.url}/accounts/login/")
    page.get_by_role("link", name="Create an account").click()
    page.get_by_label("Your name").fill("Joana Pires")
    page.get_by_label("Organization").fill("Lakeside Rowing")
    page.get_by_label("Email").fill("joana@lakeside.example")
    page.get_by_label("Password", exact=True).fill(factories.PASSWORD)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", name="Check your email")).to_be_visible()

    link = re.search(r"https?://\S+/accounts/confirm-email/\S+", str(mailoutbox[-1].body))
    assert link is not None
    page.goto(server.url + urlsplit(link[0]).path)
    expect(page.get_by_role("main")).to_contain_text("joana@lakeside.example")
    page.get_by_role("button", name="Confirm").click()
    expect(page.locator(".org-name")).to_have_text("Lakeside Rowing")
    expect(page.locator(".org-meta").first).to_contain_text("Europe/Lisbon")


@pytest.mark.browser
def test_a_link_that_was_used_or_is_too_old_says_what_to_do(
    page: Page, server: LiveServer, complaints: list[str]
) -> None:
    for address in ("confirm-email/Mg:nonsense/", "password/reset/key/1-nonsense/"):
        page.goto(f"{server.url}/accounts/{address}")
        expect(page.get_by_role("heading", name="This link no longer works")).to_be_visible()


@pytest.mark.browser
def test_question_mark_opens_the_shortcuts_and_escape_closes_them(signed_in: Page, complaints: list[str]) -> None:
    signed_in.keyboard.press("?")
    dialog = signed_in.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_be_visible()
    signed_in.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


@pytest.mark.browser
@pytest.mark.parametrize(
    ("keys", "address"),
    [("gh", "/"), ("gc", "/calendar/"), ("gp", "/posts/"), ("go", "/connections/"), ("n", "/posts/new/")],
)
def test_letters_go_to_pages(signed_in: Page, server: LiveServer, keys: str, address: str) -> None:
    for key in keys:
        signed_in.keyboard.press(key)
    signed_in.wait_for_url(f"{server.url}{address}")


@pytest.mark.browser
def test_letters_stay_letters_while_somebody_types(signed_in: Page, server: LiveServer) -> None:
    signed_in.goto(f"{server.url}/styleguide/")
    signed_in.keyboard.press("/")
    search = signed_in.get_by_role("searchbox")
    expect(search).to_be_focused()
    signed_in.keyboard.type("gc n?")
    expect(search).to_have_value("gc n?")
    assert signed_in.url == f"{server.url}/styleguide/"
    expect(signed_in.get_by_role("dialog")).to_have_count(0)


@pytest.mark.browser
def test_j_and_k_walk_a_list(signed_in: Page, server: LiveServer) -> None:
    signed_in.goto(f"{server.url}/styleguide/")
    rows = signed_in.locator("[data-list]").first.locator("li")
    signed_in.keyboard.press("j")
    expect(rows.nth(0)).to_have_class(re.compile("is-cursor"))
    signed_in.keyboard.press("j")
    expect(rows.nth(1).get_by_role("link")).to_be_focused()
    signed_in.keyboard.press("k")
    expect(rows.nth(0)).to_have_class(re.compile("is-cursor"))


@pytest.mark.browser
def test_the_chosen_theme_is_there_after_a_reload_and_before_the_first_paint(
    signed_in: Page, complaints: list[str]
) -> None:
    signed_in.get_by_text("Alice", exact=True).click()
    signed_in.get_by_role("radio", name="Dark").check(force=True)
    assert background(signed_in) == "rgb(22, 21, 19)"
    signed_in.reload(wait_until="commit")
    signed_in.wait_for_selector("body")
    assert signed_in.evaluate("document.documentElement.dataset.theme") == "dark"
    signed_in.wait_for_load_state()
    assert background(signed_in) == "rgb(22, 21, 19)"
    signed_in.get_by_text("Alice", exact=True).click()
    expect(signed_in.get_by_role("radio", name="Dark")).to_be_checked()
    signed_in.get_by_role("radio", name="Same as system").check(force=True)
    assert signed_in.evaluate("document.documentElement.dataset.theme") is None


def background(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


@pytest.mark.browser
def test_a_person_of_two_organizations_switches_in_the_header(
    page: Page, server: LiveServer, alice: User, rivals: Organization, complaints: list[str]
) -> None:
    factories.make_member(rivals, Role.VIEWER, alice)
    sign_in(page, server, alice.email)
    sidebar = page.get_by_label("Navigation", exact=True)
    sidebar.locator("summary").first.click()
    sidebar.get_by_role("button", name="Riverside Golf Club").click()
    expect(sidebar.locator(".org-name")).to_have_text("Riverside Golf Club")
    sidebar.locator("summary").first.click()
    sidebar.get_by_role("button", name="Hilltop Tennis Club").click()
    expect(sidebar.locator(".org-name")).to_have_text("Hilltop Tennis Club")
    expect(sidebar.locator(".org-meta").first).to_contain_text("Viewer")


@pytest.mark.parametrize("path", ["/organization/", "/organization/audit/", "/members/"])
def test_every_settings_page_marks_settings_in_the_sidebar(as_alice: Client, path: str) -> None:
    page = as_alice.get(path).content.decode()
    assert re.findall(r'<a[^>]*href="([^"]+)"[^>]*aria-current="page"[^>]*>', page)[:1] == ["/organization/"]


@pytest.mark.browser
def test_on_a_phone_the_navigation_is_a_drawer_that_escape_closes(signed_in: Page) -> None:
    signed_in.set_viewport_size({"width": 390, "height": 844})
    settings_link = signed_in.get_by_label("Main").get_by_role("link", name="Settings")
    expect(settings_link).to_be_hidden()
    signed_in.get_by_label("Quick").get_by_role("button", name="Menu").click()
    expect(settings_link).to_be_visible()
    signed_in.keyboard.press("Escape")
    expect(settings_link).to_be_hidden()


@pytest.mark.browser
def test_the_server_can_ask_for_a_toast_whose_undo_posts_with_the_csrf_token(signed_in: Page) -> None:
    asked: list[tuple[str, str]] = []

    def answer(route: Route) -> None:
        asked.append((route.request.method, route.request.headers.get("x-csrftoken", "")))
        route.fulfill(status=204, headers={"HX-Trigger": '{"toast": {"text": "Put back", "tone": "ok"}}'})

    signed_in.route("**/undo-it/", answer)
    signed_in.evaluate(
        """document.body.dispatchEvent(new CustomEvent("toast", {detail: {text: "Moved <b>x</b>", undo_url: "/undo-it/"}}))"""
    )
    toasts = signed_in.get_by_role("region", name="Messages")
    expect(toasts).to_contain_text("Moved <b>x</b>")
    toasts.get_by_role("button", name="Undo").click()
    expect(toasts).to_contain_text("Put back")
    assert [method for method, _ in asked] == ["POST"]
    assert len(asked[0][1]) > 30


@pytest.mark.browser
@pytest.mark.parametrize(
    ("status", "is_swapped", "said"),
    [
        (200, True, ""),
        (422, True, ""),
        (403, False, "Your role does not allow this"),
        (500, False, "Something went wrong"),
    ],
)
def test_an_answer_is_shown_or_its_failure_is_said(signed_in: Page, status: int, is_swapped: bool, said: str) -> None:
    signed_in.route("**/part/", lambda route: route.fulfill(status=status, body="<p>A part of the page</p>"))
    signed_in.evaluate("htmx.ajax('GET', '/part/', {target: '.content', swap: 'innerHTML'})")
    if is_swapped:
        expect(signed_in.get_by_text("A part of the page")).to_be_visible()
    else:
        expect(signed_in.get_by_role("alert")).to_contain_text(said)
        expect(signed_in.get_by_text("A part of the page")).to_have_count(0)


@pytest.mark.browser
def test_a_dangerous_form_asks_first(signed_in: Page, server: LiveServer, browser: Browser, alice: User) -> None:
    elsewhere = browser.new_context()
    sign_in(elsewhere.new_page(), server, alice.email)
    signed_in.reload()
    rows = signed_in.get_by_role("main").get_by_role("listitem")
    expect(rows).to_have_count(2)
    signed_in.get_by_role("button", name="Sign out of all other sessions").click()
    question = signed_in.get_by_role("dialog").filter(has_text="Sign out of all other sessions?")
    question.get_by_role("button", name="Cancel").click()
    expect(rows).to_have_count(2)
    signed_in.get_by_role("button", name="Sign out of all other sessions").click()
    question.get_by_role("button", name="Sign out others").click()
    expect(rows).to_have_count(1)
    elsewhere.close()


@pytest.mark.browser
def test_a_passkey_is_added_and_then_signs_in_without_a_password(
    page: Page, server: LiveServer, alice: User, complaints: list[str]
) -> None:
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    device.send(
        "WebAuthn.addVirtualAuthenticator",
        {"options": options | {"isUserVerified": True, "automaticPresenceSimulation": True}},
    )
    sign_in(page, server, alice.email)
    page.goto(f"{server.url}/accounts/2fa/webauthn/add/")
    expect(page.get_by_role("heading", name="Confirm it's you")).to_be_visible()
    page.get_by_label("Password", exact=True).fill(factories.PASSWORD)
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Name").fill("Laptop")
    page.get_by_label("Passwordless").check()
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()

    page.context.clear_cookies()
    page.goto(f"{server.url}/accounts/login/?next=/accounts/sessions/")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/accounts/sessions/")
    expect(page.get_by_text("This browser")).to_be_visible()


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("window", WINDOWS)
def test_everybody_can_use_the_pages_of_the_frame(
    browser: Browser, server: LiveServer, alice: User, window: str, scheme: Any
) -> None:
    width, height = WINDOWS[window]
    # axe is put into the page as an inline script.
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, bypass_csp=True, has_touch=window == "phone"
    )
    page = context.new_page()
    found: dict[str, Any] = {}

    def judge(address: str) -> None:
        page.goto(server.url + address)
        for problem in Axe().run(page).response["violations"]:
            found[f"{address} {problem['id']}"] = [node["html"] for node in problem["nodes"]]
        too_wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        if too_wide > 0:
            found[f"{address} is too wide"] = too_wide

    for address in (
        "login/",
        "signup/",
        "password/reset/",
        "password/reset/done/",
        "confirm-email/",
        "confirm-email/Mg:nonsense/",
    ):
        judge(f"/accounts/{address}")
    judge("/there/is/nothing/here/")
    sign_in(page, server, alice.email)
    for address in (
        "sessions/",
        "email/",
        "password/change/",
        "2fa/",
        "2fa/totp/activate/",
        "2fa/webauthn/",
        "logout/",
    ):
        judge(f"/accounts/{address}")
    judge("/styleguide/")
    context.close()
    assert found == {}
