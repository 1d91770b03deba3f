"""Secrets at rest: what binds them, what opens them, and changing keys."""

import base64
import os
from io import StringIO
from typing import Any, ClassVar
from unittest import mock

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts import crypto
from accounts.checks import encryption_key
from accounts.models import AuditEvent, Organization, User
from connections.models import ConnectionToken, Consent, TokenKind
from tests import factories

NEW = base64.b64encode(b"n" * 32).decode()
OTHER = base64.b64encode(b"o" * 32).decode()


def new_key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


class TestSealing:
    PLACE: ClassVar[dict[str, Any]] = {"table": "t", "column": "c", "row_id": 7}

    def test_what_is_sealed_opens_in_its_place(self) -> None:
        assert crypto.unseal(crypto.seal("sécret", **self.PLACE), **self.PLACE) == "sécret"

    @pytest.mark.parametrize("elsewhere", [{"table": "u"}, {"column": "d"}, {"row_id": 8}])
    def test_and_nowhere_else(self, elsewhere: dict[str, Any]) -> None:
        sealed = crypto.seal("secret", **self.PLACE)
        with pytest.raises(crypto.CannotDecrypt):
            crypto.unseal(sealed, **self.PLACE | elsewhere)

    def test_the_same_text_is_never_sealed_the_same(self) -> None:
        assert len({crypto.seal("secret", **self.PLACE) for _ in range(50)}) == 50

    def test_an_altered_value_does_not_open(self) -> None:
        sealed = crypto.seal("secret", **self.PLACE)
        head, _, body = sealed.rpartition(".")
        raw = bytearray(base64.urlsafe_b64decode(body))
        for position in (0, 13, len(raw) - 1):
            altered = bytearray(raw)
            altered[position] ^= 1
            with pytest.raises(crypto.CannotDecrypt):
                crypto.unseal(f"{head}.{base64.urlsafe_b64encode(altered).decode()}", **self.PLACE)

    @pytest.mark.parametrize("text", ["plain text", "v1", "v1.x.y", "v2.aaaaaaaa.AAAA", "v1..", "v1.aaaaaaaa.%%%"])
    def test_what_was_never_sealed_does_not_open(self, text: str) -> None:
        with pytest.raises(crypto.CannotDecrypt):
            crypto.unseal(text, **self.PLACE)

    def test_an_error_shows_neither_secret_nor_key(self, settings: Any) -> None:
        sealed = crypto.seal("the-secret-itself", **self.PLACE)
        settings.SOCIAL_MEDIA_ENCRYPTION_KEYS = [NEW]
        with pytest.raises(crypto.CannotDecrypt) as caught:
            crypto.unseal(sealed, **self.PLACE)
        assert "the-secret-itself" not in str(caught.value)
        assert NEW not in str(caught.value)


class TestKeyRing:
    PLACE: ClassVar[dict[str, Any]] = {"table": "t", "column": "c", "row_id": 7}

    def test_the_newest_seals_and_every_one_opens(self, settings: Any) -> None:
        (old,) = settings.SOCIAL_MEDIA_ENCRYPTION_KEYS
        sealed = crypto.seal("secret", **self.PLACE)
        settings.SOCIAL_MEDIA_ENCRYPTION_KEYS = [NEW, old]
        assert crypto.unseal(sealed, **self.PLACE) == "secret"
        again = crypto.seal("secret", **self.PLACE)
        assert crypto.key_id_of(again) == crypto.key_ring().newest_id != crypto.key_id_of(sealed)
        settings.SOCIAL_MEDIA_ENCRYPTION_KEYS = [NEW]
        assert crypto.unseal(again, **self.PLACE) == "secret"
        with pytest.raises(crypto.CannotDecrypt):
            crypto.unseal(sealed, **self.PLACE)

    @pytest.mark.parametrize(
        ("keys", "says"),
        [([], "not set"), (["not base64!"], "not base64"), ([base64.b64encode(b"short").decode()], "5 bytes")],
    )
    def test_a_missing_or_malformed_key_is_refused_at_start_and_never_shown(
        self, settings: Any, keys: list[str], says: str
    ) -> None:
        settings.SOCIAL_MEDIA_ENCRYPTION_KEYS = keys
        (error,) = encryption_key()
        assert error.id == "accounts.E001"
        assert says in error.msg
        assert not any(key in error.msg for key in keys)
        with pytest.raises(crypto.KeyRingError):
            crypto.seal("secret", **self.PLACE)


class TestStoredTokens:
    def test_hold_no_plain_text(self, club: Organization) -> None:
        made = factories.make_connection(club, access="MARKED-access-token")
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT secret FROM {ConnectionToken._meta.db_table}")
            assert "MARKED" not in str(cursor.fetchall())
        assert crypto.reveal(made.tokens.get(kind=TokenKind.ACCESS), "secret") == "MARKED-access-token"

    def test_one_copied_into_another_row_does_not_open(self, club: Organization) -> None:
        ours, theirs = (factories.make_connection(club).tokens.get(kind=TokenKind.ACCESS) for _ in range(2))
        ConnectionToken.objects.filter(pk=theirs.pk).update(secret=ours.secret)
        theirs.refresh_from_db()
        with pytest.raises(crypto.CannotDecrypt):
            crypto.reveal(theirs, "secret")


class TestRotation:
    @pytest.fixture
    def old(self, settings: Any) -> str:
        (key,) = settings.SOCIAL_MEDIA_ENCRYPTION_KEYS
        return str(key)

    @pytest.fixture
    def tokens(self, club: Organization, old: str, settings: Any) -> None:
        for number in range(5):
            factories.make_connection(club, access=f"access-{number}", refresh=f"refresh-{number}")
        settings.SOCIAL_MEDIA_ENCRYPTION_KEYS = [NEW, old]

    def _secrets(self) -> set[str]:
        return {crypto.reveal(token, "secret") for token in ConnectionToken.objects.all()}

    def _run(self, **options: Any) -> str:
        out = StringIO()
        call_command("rotate_encryption_keys", stdout=out, stderr=out, **options)
        return out.getvalue()

    @pytest.mark.parametrize("batch_size", [1, 3, 200])
    def test_seals_everything_anew_so_that_the_old_key_can_go(
        self, tokens: None, settings: Any, batch_size: int
    ) -> None:
        before = self._secrets()
        assert "10 secrets are sealed with the newest key" in self._run(batch_size=batch_size)
        settings.SOCIAL_MEDIA_ENCRYPTION_KEYS = [NEW]
        assert self._secrets() == before
        assert AuditEvent.objects.filter(action="encryption.rotated").exists()

    def test_covers_every_column_that_holds_secrets(self) -> None:
        places = {(model.__name__, field) for model, field in crypto.sealed_fields()}
        assert {
            ("ConnectionToken", "secret"), ("PlatformApp", "client_secret"), ("Consent", "verifier"), ("Consent", "found"),
            ("Revocation", "secret"),
        } <= places  # fmt: skip
        assert Consent._meta.get_field("found") in [
            model._meta.get_field(name) for model, name in crypto.sealed_fields()
        ]

    def test_a_second_run_has_nothing_to_do(self, tokens: None) -> None:
        self._run()
        assert "already" in self._run()

    def test_an_interrupted_run_is_taken_up_where_it_ended(self, tokens: None, settings: Any) -> None:
        before, calls = self._secrets(), iter([False] * 4 + [True])
        genuine = crypto.seal

        def interrupted(*args: Any, **kwargs: Any) -> str:
            if next(calls, True):
                raise KeyboardInterrupt
            return genuine(*args, **kwargs)

        where = "accounts.management.commands.rotate_encryption_keys.seal"
        with mock.patch(where, interrupted), pytest.raises(CommandError, match="Interrupted after 4 of 10"):
            self._run(batch_size=2)
        assert "6 secrets" in self._run()
        settings.SOCIAL_MEDIA_ENCRYPTION_KEYS = [NEW]
        assert self._secrets() == before

    def test_a_token_that_is_renewed_meanwhile_is_not_overwritten(self, tokens: None) -> None:
        token = ConnectionToken.objects.order_by("pk").first()
        assert token is not None
        genuine = crypto.seal

        def renewed_meanwhile(*args: Any, **kwargs: Any) -> str:
            if kwargs["row_id"] == token.pk:
                fresh = genuine("renewed", table=token._meta.db_table, column="secret", row_id=token.pk)
                ConnectionToken.objects.filter(pk=token.pk).update(secret=fresh)
            return genuine(*args, **kwargs)

        with mock.patch("accounts.management.commands.rotate_encryption_keys.seal", renewed_meanwhile):
            self._run()
        token.refresh_from_db()
        assert crypto.reveal(token, "secret") == "renewed"

    def test_a_secret_of_a_lost_key_is_named_and_left_alone(self, tokens: None, settings: Any) -> None:
        settings.SOCIAL_MEDIA_ENCRYPTION_KEYS = [NEW, OTHER]
        with pytest.raises(CommandError, match="10 secrets do not open"):
            self._run()
        assert all(
            crypto.key_id_of(token.secret) != crypto.key_ring().newest_id for token in ConnectionToken.objects.all()
        )

    def test_second_factors_go_on_working(self, tokens: None, alice: User, old: str, settings: Any) -> None:
        from allauth.mfa.models import Authenticator
        from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
        from allauth.mfa.totp.internal.auth import TOTP
        from allauth.mfa.utils import decrypt

        settings.SOCIAL_MEDIA_ENCRYPTION_KEYS = [old]
        TOTP.activate(alice, "JBSWY3DPEHPK3PXP")
        codes = RecoveryCodes.activate(alice).generate_codes()
        settings.SOCIAL_MEDIA_ENCRYPTION_KEYS = [NEW, old]
        assert "12 secrets" in self._run()
        settings.SOCIAL_MEDIA_ENCRYPTION_KEYS = [NEW]
        assert decrypt(Authenticator.objects.get(type="totp").data["secret"]) == "JBSWY3DPEHPK3PXP"
        assert RecoveryCodes(Authenticator.objects.get(type="recovery_codes")).generate_codes() == codes

    def test_without_a_key_it_says_so(self, db: None, settings: Any) -> None:
        settings.SOCIAL_MEDIA_ENCRYPTION_KEYS = []
        with pytest.raises(CommandError, match="not set"):
            self._run()
