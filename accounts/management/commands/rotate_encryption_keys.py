"""Seal every stored secret with the newest key, so that older keys can be taken out of the settings."""

from argparse import ArgumentParser
from typing import Any

from allauth.mfa.models import Authenticator
from django.core.management.base import BaseCommand, CommandError
from django.db import models, transaction

from accounts.audit import SystemActor, record_audit
from accounts.crypto import (
    SECOND_FACTOR_PLACE,
    CannotDecrypt,
    KeyRingError,
    key_id_of,
    key_ring,
    reveal,
    seal,
    sealed_fields,
    unseal,
)

BAR = 30
_FACTOR_SECRETS = ("secret", "seed", "migrated_codes")


def _old_parts(data: dict[str, Any], newest: str) -> list[str]:
    """The names of a second factor's secrets that were not sealed with the newest key."""

    def is_old(value: Any) -> bool:
        return any(is_old(one) for one in value) if isinstance(value, list) else key_id_of(value) != newest

    return [name for name in _FACTOR_SECRETS if data.get(name) and is_old(data[name])]


def _sealed_again(value: Any) -> Any:
    if isinstance(value, list):
        return [_sealed_again(one) for one in value]
    return seal(unseal(value, **SECOND_FACTOR_PLACE), **SECOND_FACTOR_PLACE)


class Command(BaseCommand):
    help = (
        "Re-encrypts all secrets with the newest key of SOCIAL_MEDIA_ENCRYPTION_KEY. Works while Parley runs; may be "
        "interrupted and run again: what is done stays done. When it ends without a complaint, older keys can go."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--batch-size", type=int, default=200, help="rows read at a time (200)")

    def handle(self, *args: Any, batch_size: int, **options: Any) -> None:
        try:
            newest = key_ring().newest_id
        except KeyRingError as error:
            raise CommandError(str(error)) from error
        places = sealed_fields()
        factors = [row for row in Authenticator.objects.iterator() if _old_parts(row.data, newest)]
        total = sum(self._waiting(model, field, newest).count() for model, field in places) + len(factors)
        self.done, self.failed, self.total = 0, 0, total
        if not total:
            self.stdout.write(f"Every secret is sealed with the newest key ({newest}) already.")
            return
        try:
            for model, field in places:
                self._rotate(model, field, newest, max(1, batch_size))
            for factor in factors:
                self._seal_factor_again(factor, newest)
        except KeyboardInterrupt:
            self._finish()
            raise CommandError(f"Interrupted after {self.done} of {total}. Run it again to go on.") from None
        self._finish()
        record_audit(
            "encryption.rotated", None, by=SystemActor("rotate_encryption_keys"), changes={"sealed": [0, self.done]}
        )
        if self.failed:
            raise CommandError(
                f"{self.failed} secrets do not open with any key of the ring and were left as they are. Put the key that "
                "they were sealed with back, or connect those accounts again."
            )
        self.stdout.write(
            f"{self.done} secrets are sealed with the newest key ({newest}). Older keys can be taken out."
        )

    def _waiting(self, model: type[models.Model], field: str, newest: str) -> models.QuerySet[Any]:
        """Rows whose secret was sealed with another key than the newest."""
        return (
            model._base_manager.exclude(**{field: ""})
            .exclude(**{f"{field}__startswith": f"v1.{newest}."})
            .order_by("pk")
        )

    def _rotate(self, model: type[models.Model], field: str, newest: str, batch_size: int) -> None:
        last = None
        while True:
            rows = self._waiting(model, field, newest).only("pk", field)
            batch = list((rows.filter(pk__gt=last) if last is not None else rows)[:batch_size])
            if not batch:
                return
            for row in batch:
                self._seal_again(row, field)
            last = batch[-1].pk
            self._show()

    def _seal_again(self, row: models.Model, field: str) -> None:
        old: str = getattr(row, field)
        try:
            secret = reveal(row, field)
        except CannotDecrypt:
            self.failed += 1
            self.stderr.write(f"{row._meta.db_table}.{field} of row {row.pk} does not open (key {key_id_of(old)}).")
            return
        sealed = seal(secret, table=row._meta.db_table, column=field, row_id=row.pk)
        # Only what still stands there: a token that was renewed meanwhile is newer, and sealed with the newest key.
        type(row)._base_manager.filter(pk=row.pk, **{field: old}).update(**{field: sealed})
        self.done += 1

    def _seal_factor_again(self, row: Authenticator, newest: str) -> None:
        """Seeds of second factors stand inside of a JSON value that allauth keeps."""
        with transaction.atomic():
            locked = Authenticator.objects.select_for_update().filter(pk=row.pk).first()
            if locked is None:
                return
            try:
                for name in _old_parts(locked.data, newest):
                    locked.data[name] = _sealed_again(locked.data[name])
            except CannotDecrypt:
                self.failed += 1
                self.stderr.write(f"The second factor {row.pk} does not open.")
                return
            locked.save(update_fields=["data"])
        self.done += 1

    def _show(self) -> None:
        if not self.stdout.isatty():
            return
        seen = self.done + self.failed
        filled = BAR * seen // self.total if self.total else BAR
        self.stdout.write(f"\r[{'#' * filled}{'.' * (BAR - filled)}] {seen} of {self.total}", ending="")
        self.stdout.flush()

    def _finish(self) -> None:
        if self.stdout.isatty():
            self._show()
            self.stdout.write("")
