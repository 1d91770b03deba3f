"""Signing in by REST: tokens, their renewal and their end."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.account.models import EmailAddress
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone

from accounts.models import AuditEvent, Membership, Organization, User
from accounts.permissions import Role
from tests import factories
from tests.api.client import ApiClient

CREDENTIALS = {"email": "alice@riverside.example", "password": factories.PASSWORD}


@pytest.fixture
def anybody(alice: User) -> ApiClient:
    return ApiClient()


def test_password_gives_a_pair_of_tokens_that_opens_the_api(anybody: ApiClient, club: Organization) -> None:
    answer = anybody.post("auth/token", CREDENTIALS)
    assert answer.status_code == 200
    assert set(answer.json()) == {"access", "refresh", "token_type", "expires_in"}
    assert (answer.json()["token_type"], answer.json()["expires_in"]) == ("Bearer", 900)
    assert answer["Cache-Control"] == "no-store"
    seen = anybody.get("organization", Authorization=f"Bearer {answer.json()['access']}")
    assert seen.status_code == 200
    assert seen.json()["slug"] == club.slug
    assert seen.json()["role"] == Role.OWNER


def test_signing_in_leaves_an_audit_event_and_a_session_that_can_be_ended(anybody: ApiClient, alice: User) -> None:
    from allauth.usersessions.models import UserSession

    tokens = anybody.post("auth/token", CREDENTIALS, **{"User-Agent": "curl/8"}).json()
    assert AuditEvent.objects.filter(action="person.token_issued", actor=alice).exists()
    row = UserSession.objects.get(user=alice)
    assert row.user_agent == "curl/8"
    row.end()
    assert anybody.get("organization", Authorization=f"Bearer {tokens['access']}").status_code == 401


@pytest.mark.parametrize(
    "wrong", [{"password": "not it"}, {"email": "nobody@riverside.example"}], ids=["password", "address"]
)
def test_wrong_credentials_do_not_tell_what_was_wrong(anybody: ApiClient, wrong: dict[str, str]) -> None:
    answer = anybody.post("auth/token", CREDENTIALS | wrong)
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert answer.json()["code"] == "invalid_credentials"
    assert answer.json()["detail"] == "The email address or password is wrong."


def test_unverified_address_gets_no_token(anybody: ApiClient, alice: User) -> None:
    EmailAddress.objects.filter(user=alice).update(verified=False)
    answer = anybody.post("auth/token", CREDENTIALS)
    assert (answer.status_code, answer.json()["code"]) == (403, "email_unverified")


def test_closed_account_gets_no_token_and_loses_the_ones_it_has(anybody: ApiClient, alice: User) -> None:
    tokens = anybody.post("auth/token", CREDENTIALS).json()
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert anybody.post("auth/token", CREDENTIALS).json()["code"] == "account_inactive"
    assert anybody.get("organization", Authorization=f"Bearer {tokens['access']}").status_code == 401
    assert anybody.post("auth/token/refresh", {"refresh": tokens["refresh"]}).status_code == 401


def test_a_changed_password_ends_the_tokens(anybody: ApiClient, alice: User) -> None:
    tokens = anybody.post("auth/token", CREDENTIALS).json()
    alice.set_password("another long password")
    alice.save(update_fields=["password"])
    assert anybody.get("organization", Authorization=f"Bearer {tokens['access']}").status_code == 401
    assert anybody.post("auth/token/refresh", {"refresh": tokens["refresh"]}).status_code == 401


class TestSecondFactor:
    @pytest.fixture
    def secret(self, alice: User) -> str:
        secret = str(totp.generate_totp_secret())
        totp.TOTP.activate(alice, secret)
        return secret

    def _code(self, secret: str) -> str:
        return str(totp.format_hotp_value(totp.hotp_value(secret, int(time.time()) // 30)))

    def test_password_alone_is_refused_with_a_word_for_programs(self, anybody: ApiClient, secret: str) -> None:
        answer = anybody.post("auth/token", CREDENTIALS)
        assert (answer.status_code, answer.json()["code"]) == (401, "mfa_required")
        assert "access" not in answer.json()

    def test_current_code_opens_and_does_not_open_twice(self, anybody: ApiClient, secret: str) -> None:
        code = self._code(secret)
        assert anybody.post("auth/token", CREDENTIALS | {"code": code}).status_code == 200
        again = anybody.post("auth/token", CREDENTIALS | {"code": code})
        assert (again.status_code, again.json()["code"]) == (401, "invalid_code")

    def test_recovery_code_opens_once(self, anybody: ApiClient, alice: User, secret: str) -> None:
        code = RecoveryCodes.activate(alice).get_unused_codes()[0]
        assert anybody.post("auth/token", CREDENTIALS | {"code": code}).status_code == 200
        assert anybody.post("auth/token", CREDENTIALS | {"code": code}).status_code == 401

    def test_code_does_not_help_a_wrong_password(self, anybody: ApiClient, secret: str) -> None:
        answer = anybody.post("auth/token", CREDENTIALS | {"password": "not it", "code": self._code(secret)})
        assert answer.json()["code"] == "invalid_credentials"


class TestRefresh:
    def test_gives_a_new_pair_and_uses_the_old_one_up(self, anybody: ApiClient) -> None:
        first = anybody.post("auth/token", CREDENTIALS).json()
        answer = anybody.post("auth/token/refresh", {"refresh": first["refresh"]})
        assert answer.status_code == 200
        second = answer.json()
        assert second["refresh"] != first["refresh"]
        assert anybody.get("organization", Authorization=f"Bearer {second['access']}").status_code == 200

    def test_a_second_use_ends_every_token_of_the_session(self, anybody: ApiClient, alice: User) -> None:
        first = anybody.post("auth/token", CREDENTIALS).json()
        second = anybody.post("auth/token/refresh", {"refresh": first["refresh"]}).json()
        stolen = anybody.post("auth/token/refresh", {"refresh": first["refresh"]})
        assert (stolen.status_code, stolen.json()["code"]) == (401, "token_reused")
        assert anybody.post("auth/token/refresh", {"refresh": second["refresh"]}).status_code == 401
        assert anybody.get("organization", Authorization=f"Bearer {second['access']}").status_code == 401
        assert AuditEvent.objects.filter(action="person.token_reused", actor=alice).count() == 1

    def test_a_second_use_leaves_other_sessions_alone(self, anybody: ApiClient) -> None:
        other = anybody.post("auth/token", CREDENTIALS).json()
        first = anybody.post("auth/token", CREDENTIALS).json()
        for _ in range(2):
            anybody.post("auth/token/refresh", {"refresh": first["refresh"]})
        assert anybody.get("organization", Authorization=f"Bearer {other['access']}").status_code == 200

    @pytest.mark.parametrize("text", ["", "nonsense", "a.b.c"])
    def test_nonsense_is_refused(self, anybody: ApiClient, text: str) -> None:
        assert anybody.post("auth/token/refresh", {"refresh": text}).status_code in {400, 401}

    def test_an_access_token_renews_nothing(self, anybody: ApiClient) -> None:
        tokens = anybody.post("auth/token", CREDENTIALS).json()
        assert anybody.post("auth/token/refresh", {"refresh": tokens["access"]}).status_code == 401

    def test_a_refresh_token_opens_nothing(self, anybody: ApiClient) -> None:
        tokens = anybody.post("auth/token", CREDENTIALS).json()
        assert anybody.get("organization", Authorization=f"Bearer {tokens['refresh']}").status_code == 401

    def test_it_lasts_two_weeks_and_each_use_starts_them_anew(self, anybody: ApiClient) -> None:
        start = timezone.now()
        with time_machine.travel(start, tick=False) as clock:
            tokens = anybody.post("auth/token", CREDENTIALS).json()
            clock.shift(timedelta(days=13))
            tokens = anybody.post("auth/token/refresh", {"refresh": tokens["refresh"]}).json()
            clock.shift(timedelta(days=13))
            tokens = anybody.post("auth/token/refresh", {"refresh": tokens["refresh"]}).json()
            clock.shift(timedelta(days=14, seconds=1))
            assert anybody.post("auth/token/refresh", {"refresh": tokens["refresh"]}).status_code == 401


def test_of_many_simultaneous_uses_of_one_refresh_token_at_most_one_succeeds(
    real_transactions: None, alice: User
) -> None:
    refresh = ApiClient(alice).tokens["refresh"]

    def use(_number: int) -> int:
        try:
            return int(ApiClient().post("auth/token/refresh", {"refresh": refresh}).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(use, range(6)))
    assert answers.count(200) <= 1
    assert set(answers) <= {200, 401}


class TestRevoke:
    @pytest.mark.parametrize("kind", ["access", "refresh"])
    def test_the_access_token_is_refused_at_once(self, anybody: ApiClient, kind: str) -> None:
        tokens = anybody.post("auth/token", CREDENTIALS).json()
        assert anybody.post("auth/token/revoke", {kind: tokens[kind]}).status_code == 204
        assert anybody.get("organization", Authorization=f"Bearer {tokens['access']}").status_code == 401
        assert anybody.post("auth/token/refresh", {"refresh": tokens["refresh"]}).status_code == 401
        assert not Session.objects.exists()

    def test_a_dead_token_is_a_success(self, anybody: ApiClient) -> None:
        assert anybody.post("auth/token/revoke", {"refresh": "long gone"}).status_code == 204

    def test_without_a_token_it_says_what_is_missing(self, anybody: ApiClient) -> None:
        answer = anybody.post("auth/token/revoke", {})
        assert answer.status_code == 400
        assert "refresh token or access token" in answer.json()["detail"]


def test_an_access_token_lasts_a_quarter_of_an_hour(anybody: ApiClient) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        tokens = anybody.post("auth/token", CREDENTIALS).json()
        clock.shift(timedelta(minutes=14, seconds=59))
        assert anybody.get("organization", Authorization=f"Bearer {tokens['access']}").status_code == 200
        clock.shift(timedelta(seconds=2))
        assert anybody.get("organization", Authorization=f"Bearer {tokens['access']}").status_code == 401


def test_failed_sign_ins_are_limited_whoever_is_tried(anybody: ApiClient, settings: Any) -> None:
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {
        "DEFAULT_THROTTLE_RATES": {"credential": "600/min", "sign_in": "3/min"}
    }
    codes = [
        anybody.post("auth/token", {"email": f"{number}@x.example", "password": "x"}).status_code for number in range(3)
    ]
    refused = anybody.post("auth/token", CREDENTIALS)
    assert codes == [401, 401, 401]
    assert refused.status_code == 429
    assert int(refused["Retry-After"]) > 0


def test_failed_sign_ins_count_as_on_the_sign_in_page(anybody: ApiClient) -> None:
    for _ in range(5):
        assert anybody.post("auth/token", CREDENTIALS | {"password": "x"}).status_code == 401
    answer = anybody.post("auth/token", CREDENTIALS)
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_attempts")
    assert int(answer["Retry-After"]) > 0


class TestWhichOrganization:
    @pytest.fixture
    def second(self, alice: User) -> Organization:
        other = factories.make_organization("Second", slug="second")
        factories.make_member(other, Role.VIEWER, alice)
        return other

    def test_a_member_of_several_has_to_name_one(self, alice: User, second: Organization) -> None:
        answer = ApiClient(alice).get("organization")
        assert (answer.status_code, answer.json()["code"]) == (400, "organization_required")

    @pytest.mark.parametrize("attribute", ["pk", "slug"])
    def test_the_header_names_it_by_id_or_short_name(self, alice: User, second: Organization, attribute: str) -> None:
        answer = ApiClient(alice).get("organization", **{"X-Organization": str(getattr(second, attribute))})
        assert answer.status_code == 200
        assert (answer.json()["slug"], answer.json()["role"]) == ("second", Role.VIEWER)

    @pytest.mark.parametrize("name", ["hilltop", "no-such-club"])
    def test_a_foreign_one_is_refused_like_one_that_does_not_exist(
        self, alice: User, rivals: Organization, name: str
    ) -> None:
        answer = ApiClient(alice).get("organization", **{"X-Organization": name})
        assert (answer.status_code, answer.json()["code"]) == (403, "not_a_member")
        assert answer.json()["detail"] == "This token does not give access to that organization."

    def test_a_token_asked_for_one_opens_no_other(self, alice: User, second: Organization, club: Organization) -> None:
        api = ApiClient(alice, organization="second")
        assert api.get("organization").json()["slug"] == "second"
        assert api.get("organization", **{"X-Organization": club.slug}).status_code == 403

    def test_a_token_for_a_foreign_organization_is_not_given(self, anybody: ApiClient, rivals: Organization) -> None:
        answer = anybody.post("auth/token", CREDENTIALS | {"organization": rivals.slug})
        assert (answer.status_code, answer.json()["code"]) == (403, "not_a_member")

    def test_a_removed_member_is_out_at_once(self, alice: User, club: Organization) -> None:
        api = ApiClient(alice)
        Membership.objects.filter(user=alice).delete()
        assert api.get("organization").status_code == 403
