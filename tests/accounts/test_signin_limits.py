"""Guessing a password is bounded, and a stranger who guesses does not lock the member out."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.signin_limits import LIMITS
from tests.factories import PASSWORD

LOGIN, CODE, CONFIRM = "/accounts/login/", "/accounts/login/code/", "/accounts/login/code/confirm/"
STRANGER, MEMBER, OFFICE = "203.0.113.66", "198.51.100.7", "198.51.100.200"
LOCKED = "Too many failed sign-ins"


def try_password(browser: Client, user: User, password: str, address: str) -> str:
    """ "in", or what the page says."""
    answer = browser.post(LOGIN, {"login": user.email, "password": password}, REMOTE_ADDR=address)
    if answer.status_code == 302:
        assert "_auth_user_id" in browser.session
        return "in"
    return str(answer.content.decode())


def guess(user: User, times: int, address: str) -> list[bool]:
    """Wrong passwords from an address, each by a fresh browser: whether it was really tried."""
    return [LOCKED not in try_password(Client(), user, f"guess {number}", address) for number in range(times)]


def guess_from_many(user: User, times: int) -> int:
    """Wrong passwords, each from an address of its own: how many were really tried."""
    return sum(guess(user, 1, f"192.0.2.{number}")[0] for number in range(times))


def known_browser(user: User) -> Client:
    """A browser in which the person has signed in and out before."""
    browser = Client()
    assert try_password(browser, user, PASSWORD, MEMBER) == "in"
    browser.post("/accounts/logout/", REMOTE_ADDR=MEMBER)
    return browser


def code_of_mail() -> str:
    found = re.search(r"^\s*([A-Z0-9-]{6,12})\s*$", str(mail.outbox[-1].body), re.MULTILINE)
    assert found, mail.outbox[-1].body
    return found[1]


def sign_in_by_mail(browser: Client, user: User, address: str) -> bool:
    answer = browser.post(CODE, {"email": user.email}, REMOTE_ADDR=address)
    assert answer.status_code == 302, answer.content.decode()
    browser.post(CONFIRM, {"code": code_of_mail()}, REMOTE_ADDR=address)
    return "_auth_user_id" in browser.session


# --- a member gets in -------------------------------------------------------------------------------------------------


def test_a_stranger_s_wrong_passwords_lock_out_the_stranger_alone(alice: User) -> None:
    assert guess(alice, 6, STRANGER) == [True] * 5 + [False]
    assert LOCKED in try_password(Client(), alice, PASSWORD, STRANGER), "not even with the right one"
    assert try_password(Client(), alice, PASSWORD, MEMBER) == "in"


def test_no_number_of_strangers_locks_out_a_known_device(alice: User) -> None:
    browser = known_browser(alice)
    guess_from_many(alice, 40)
    assert LOCKED in try_password(Client(), alice, PASSWORD, OFFICE)
    assert try_password(browser, alice, PASSWORD, OFFICE) == "in"


def test_nor_does_a_stranger_behind_the_same_address(alice: User) -> None:
    browser = known_browser(alice)
    guess(alice, 12, MEMBER)
    assert try_password(browser, alice, PASSWORD, MEMBER) == "in"


def test_an_address_at_which_the_person_signed_in_goes_on_for_programs_too(alice: User) -> None:
    known_browser(alice)
    guess_from_many(alice, 40)
    body = {"email": alice.email, "password": PASSWORD}
    elsewhere = Client().post("/api/v1/auth/token", body, content_type="application/json", REMOTE_ADDR=OFFICE)
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (429, "too_many_attempts")
    there = Client().post("/api/v1/auth/token", body, content_type="application/json", REMOTE_ADDR=MEMBER)
    assert there.status_code == 200


def test_a_member_on_a_new_device_gets_in_by_mail_while_strangers_guess(alice: User) -> None:
    guess_from_many(alice, 40)
    browser = Client()
    page = try_password(browser, alice, PASSWORD, OFFICE)
    assert "get a sign-in code by email" in page
    assert f'href="{CODE}"' in page
    assert sign_in_by_mail(browser, alice, OFFICE)
    browser.post("/accounts/logout/", REMOTE_ADDR=OFFICE)
    assert try_password(browser, alice, PASSWORD, OFFICE) == "in", "the device is known now"


def test_a_code_by_mail_replaces_the_password_and_not_the_second_factor(alice: User) -> None:
    TOTP.activate(alice, generate_totp_secret())
    browser = Client()
    assert not sign_in_by_mail(browser, alice, OFFICE)
    assert browser.get(LOGIN, REMOTE_ADDR=OFFICE)["Location"] == "/accounts/2fa/authenticate/"


def test_a_stranger_who_asks_for_mails_does_not_use_up_the_member_s(alice: User) -> None:
    for _ in range(6):
        Client().post(CODE, {"email": alice.email}, REMOTE_ADDR=STRANGER)
        Client().post("/accounts/password/reset/", {"email": alice.email}, REMOTE_ADDR=STRANGER)
    assert len(mail.outbox) == 3
    guess(alice, 6, STRANGER)
    assert sign_in_by_mail(Client(), alice, MEMBER)


def test_somebody_who_is_signed_in_proves_it_once_more_whatever_strangers_do(as_alice: Client, alice: User) -> None:
    guess_from_many(alice, 40)
    answer = as_alice.post("/accounts/reauthenticate/", {"password": PASSWORD}, REMOTE_ADDR=OFFICE)
    assert answer.status_code == 302


def test_a_new_password_by_mail_ends_the_wait(alice: User) -> None:
    guess_from_many(alice, 40)
    browser = Client()
    browser.post("/accounts/password/reset/", {"email": alice.email}, REMOTE_ADDR=OFFICE)
    link = re.search(r"https?://[^/]+(/accounts/password/reset/key/\S+)", str(mail.outbox[-1].body))
    assert link
    form = browser.get(link[1], REMOTE_ADDR=OFFICE, follow=True)
    new = "an even longer password"
    browser.post(form.redirect_chain[-1][0], {"password1": new, "password2": new}, REMOTE_ADDR=OFFICE)
    assert try_password(Client(), alice, new, OFFICE) == "in"


# --- guessing is bounded ----------------------------------------------------------------------------------------------


def test_guessing_from_many_addresses_is_bounded_by_the_hour_and_by_the_day(alice: User) -> None:
    began = timezone.now()
    tried = 0
    with time_machine.travel(began, tick=False) as clock:
        for _hour in range(5):
            tried += guess_from_many(alice, 30)
            clock.shift(timedelta(hours=1, seconds=1))
    assert tried == 50
    assert LIMITS["account"] == "20/h/key,50/d/key"


def test_guessing_at_one_account_from_one_address_is_bounded_by_the_hour(alice: User) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        tried = 0
        for _round in range(8):
            tried += sum(guess(alice, 7, STRANGER))
            clock.shift(timedelta(minutes=5, seconds=1))
    assert tried == 20


def test_trying_many_accounts_from_one_address_is_bounded(alice: User, bob: User) -> None:
    with time_machine.travel(timezone.now(), tick=False):
        browsers = [
            Client().post(LOGIN, {"login": f"{number}@x.example", "password": "x"}, REMOTE_ADDR=STRANGER)
            for number in range(12)
        ]
    assert [LOCKED in one.content.decode() for one in browsers] == [False] * 10 + [True] * 2


def test_a_known_device_is_no_licence_to_guess(alice: User) -> None:
    browser = known_browser(alice)
    tried = [LOCKED not in try_password(browser, alice, f"guess {number}", OFFICE) for number in range(7)]
    assert tried == [True] * 5 + [False] * 2


def test_the_device_of_one_person_is_nobody_for_another(alice: User, bob: User) -> None:
    browser = known_browser(alice)
    guess_from_many(bob, 40)
    assert LOCKED in try_password(browser, bob, PASSWORD, MEMBER)


@pytest.mark.parametrize("cookie", ["", "made up", "WyIxIiwiYSJd:1vP:xxx"])
def test_a_made_up_device_is_unknown(alice: User, cookie: str) -> None:
    browser = known_browser(alice)
    name = next(name for name in browser.cookies if name.startswith("device-"))
    browser.cookies[name] = cookie
    guess_from_many(alice, 40)
    assert LOCKED in try_password(browser, alice, PASSWORD, OFFICE)


def test_an_unverified_address_of_somebody_else_makes_no_device_known(alice: User, bob: User) -> None:
    from allauth.account.models import EmailAddress

    EmailAddress.objects.filter(user=alice).update(verified=False)
    EmailAddress.objects.create(user=bob, email="second@riverside.example", verified=False)
    browser = known_browser(bob)
    for number in range(40):
        browser.post(LOGIN, {"login": "second@riverside.example", "password": "x"}, REMOTE_ADDR=f"192.0.2.{number}")
    answer = browser.post(LOGIN, {"login": "second@riverside.example", "password": "x"}, REMOTE_ADDR=OFFICE)
    assert LOCKED in answer.content.decode()


def test_the_device_cookie_is_out_of_reach_for_scripts_and_tells_nothing(alice: User, settings: Any) -> None:
    browser = known_browser(alice)
    cookie = next(cookie for name, cookie in browser.cookies.items() if name.startswith("device-"))
    assert cookie["httponly"]
    assert (cookie["samesite"], cookie["path"]) == ("Lax", "/accounts/")
    assert alice.email not in cookie.value
