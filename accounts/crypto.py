"""Encryption of secrets at rest: AES-256-GCM with a key ring, each value bound to its table, column and row.

A sealed value is text: ``v1.<key id>.<base64url of 96-bit nonce + ciphertext + tag>``. The newest key of the ring
seals, any key opens. The associated data is ``table|column|row id``: a ciphertext that was copied into another row,
column or table does not open.
"""

import base64
import binascii
import hashlib
import os
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import models

if TYPE_CHECKING:
    _TextField = models.TextField[str, str]
else:
    _TextField = models.TextField

_VERSION = "v1"
_NONCE_BYTES = 12


class KeyRingError(Exception):
    """SOCIAL_MEDIA_ENCRYPTION_KEY is missing or malformed."""


class CannotDecrypt(Exception):
    """The value was sealed with a key that is not in the ring, for another place, or was altered."""


@dataclass(frozen=True)
class KeyRing:
    """Keys by id, newest first."""

    keys: tuple[tuple[str, AESGCM], ...]

    @property
    def newest_id(self) -> str:
        return self.keys[0][0]

    def find(self, key_id: str) -> AESGCM | None:
        return next((key for name, key in self.keys if name == key_id), None)


def parse_key(text: str) -> bytes:
    """32 bytes from base64 or base64url text. Raises KeyRingError with what to do; never shows the text."""
    try:
        key = base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise KeyRingError(
            "SOCIAL_MEDIA_ENCRYPTION_KEY holds a key that is not base64. Create one with `openssl rand -base64 32`."
        ) from error
    if len(key) != 32:
        raise KeyRingError(
            f"SOCIAL_MEDIA_ENCRYPTION_KEY holds a key of {len(key)} bytes; 32 are needed. Create one with `openssl rand -base64 32`."
        )
    return key


@lru_cache(maxsize=8)
def _ring(texts: tuple[str, ...]) -> KeyRing:
    keys = [parse_key(text) for text in texts]
    return KeyRing(tuple((hashlib.sha256(b"parley-key-id" + key).hexdigest()[:8], AESGCM(key)) for key in keys))


def key_ring() -> KeyRing:
    """The ring from settings. Raises KeyRingError when there is none or a key is malformed."""
    texts = tuple(settings.SOCIAL_MEDIA_ENCRYPTION_KEYS)
    if not texts:
        raise KeyRingError(
            "SOCIAL_MEDIA_ENCRYPTION_KEY is not set: no token can be stored. Create one with `openssl rand -base64 32`."
        )
    return _ring(texts)


def _place(table: str, column: str, row_id: object) -> bytes:
    return f"{table}|{column}|{row_id}".encode()


def seal(plaintext: str, *, table: str, column: str, row_id: object) -> str:
    """Encrypt text for one place."""
    ring = key_ring()
    nonce = os.urandom(_NONCE_BYTES)
    key_id, key = ring.keys[0]
    body = nonce + key.encrypt(nonce, plaintext.encode(), _place(table, column, row_id))
    return f"{_VERSION}.{key_id}.{base64.urlsafe_b64encode(body).decode()}"


def unseal(sealed: str, *, table: str, column: str, row_id: object) -> str:
    """Decrypt what ``seal`` made for the same place. Raises CannotDecrypt."""
    version, _, rest = sealed.partition(".")
    key_id, _, encoded = rest.partition(".")
    key = key_ring().find(key_id)
    if version != _VERSION or key is None:
        raise CannotDecrypt(f"no key {key_id!r} in SOCIAL_MEDIA_ENCRYPTION_KEY for {table}.{column}")
    try:
        body = base64.urlsafe_b64decode(encoded)
        return key.decrypt(body[:_NONCE_BYTES], body[_NONCE_BYTES:], _place(table, column, row_id)).decode()
    except (InvalidTag, binascii.Error, ValueError) as error:
        raise CannotDecrypt(
            f"{table}.{column} of row {row_id} does not open: it was altered or copied from elsewhere"
        ) from error


class SealedField(_TextField):
    """A column that holds a sealed value; "" means that there is none.

    The attribute is the ciphertext. ``seal_into`` and ``reveal`` are the only ways in and out, so that a page, form or
    serializer that touches the attribute by accident shows ciphertext at worst.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("blank", True)
        kwargs.setdefault("default", "")
        kwargs.setdefault("editable", False)
        super().__init__(*args, **kwargs)


def seal_into(row: models.Model, field: str, plaintext: str) -> None:
    """Put a secret into a SealedField of a row (which has its primary key already); saves nothing."""
    sealed = seal(plaintext, table=row._meta.db_table, column=field, row_id=row.pk) if plaintext else ""
    setattr(row, field, sealed)


def reveal(row: models.Model, field: str) -> str:
    """The secret of a SealedField, "" when there is none. Raises CannotDecrypt."""
    sealed: str = getattr(row, field)
    return unseal(sealed, table=row._meta.db_table, column=field, row_id=row.pk) if sealed else ""


def key_id_of(sealed: str) -> str:
    """The id of the key that a sealed value was made with."""
    return sealed.split(".", 2)[1] if sealed else ""


SECOND_FACTOR_PLACE: dict[str, Any] = {"table": "mfa_authenticator", "column": "data", "row_id": "*"}
"""Where allauth keeps the seeds of second factors: it seals a text before it has a row for it."""


def sealed_fields() -> list[tuple[type[models.Model], str]]:
    """Every (model, field name) of the installation that holds secrets."""
    from django.apps import apps

    return [
        (model, field.name)
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if isinstance(field, SealedField)
    ]
