"""No form and no endpoint lets through what its column does not hold."""

from collections.abc import Iterator
from typing import Any

import pytest
from django import forms
from django.core.validators import MaxLengthValidator
from django.db import models
from django.test import Client
from django.urls import get_resolver
from rest_framework import serializers

import accounts.signin_forms  # noqa: F401  (the sign-in library imports it when it is first used)
import config.urls  # noqa: F401  (every other form and serializer is imported by now)
from accounts.api.base import StrictFields
from accounts.models import Invitation, Organization, User
from connections.models import PlatformApp, SocialConnection
from publishing.models import MediaAsset, SocialPost
from tests.api.client import ApiClient

OURS = ("accounts.", "connections.", "campaigns.", "publishing.", "listening.", "crm.", "config.")

STORED: dict[str, tuple[type[models.Model], str]] = {
    "SignupForm.name": (User, "name"),
    "SignupForm.organization_name": (Organization, "name"),
    "StartForm.name": (Organization, "name"),
    "InviteForm.email": (Invitation, "email"),
    "PlatformAppForm.client_id": (PlatformApp, "client_id"),
    "ComposerForm.link_url": (SocialPost, "link_url"),
    "ResolveForm.link": (SocialPost, "permalink"),
    "ConnectSerializer.server_url": (SocialConnection, "server_url"),
    "ContentSerializer.link_url": (SocialPost, "link_url"),
    "PostChangeSerializer.link_url": (SocialPost, "link_url"),
    "PostCreateSerializer.link_url": (SocialPost, "link_url"),
    "PostGroupCreateSerializer.link_url": (SocialPost, "link_url"),
    "ResolveSerializer.link": (SocialPost, "permalink"),
    "MediaUploadSerializer.alt_text": (MediaAsset, "alt_text"),
}
"""Texts of plain forms and serializers, and the column each ends in."""

ELSEWHERE = {
    # only read: filters, credentials that are compared, choices of the page itself
    "AuditFilterForm.actor", "AuditFilterForm.action", "AuditFilterForm.object", "TokenRequestSerializer.email",
    "TokenRequestSerializer.password", "TokenRequestSerializer.code", "TokenRequestSerializer.organization",
    "RefreshRequestSerializer.refresh", "RevokeRequestSerializer.refresh", "RevokeRequestSerializer.access",
    "LoginCodeForm.email", "ResetPasswordForm.email",
    "SignupForm.time_zone", "StartForm.time_zone", "ComposerForm.fold", "ComposerForm.instead", "ComposerForm.tab",
    "ComposerForm.preview", "DropForm.view", "DropForm.fold", "DropForm.instead", "MoveForm.fold", "MoveForm.instead",
    # columns without a limit
    "ComposerForm.text", "ComposerForm.first_comment", "PlatformAppForm.client_secret", "ConnectSerializer.access_token",
    "ConnectSerializer.refresh_token", *(
        f"{name}.{field}" for field in ("content", "first_comment")
        for name in ("ContentSerializer", "PostChangeSerializer", "PostCreateSerializer", "PostGroupCreateSerializer")
    ),
}  # fmt: skip


def _below(cls: Any) -> Iterator[Any]:
    for one in cls.__subclasses__():
        if one.__module__.startswith(OURS):
            yield one
        yield from _below(one)


def _most(field: Any) -> int:
    """How long a text the field lets through."""
    limits = [one.limit_value for one in field.validators if isinstance(one, MaxLengthValidator)]
    return int(min([*limits, 10**9 if field.max_length is None else field.max_length]))


def _texts() -> Iterator[tuple[str, Any, tuple[type[models.Model], str] | None]]:
    """Every text that a form or a serializer takes, with the column it is known to end in."""
    assert get_resolver().url_patterns
    for form in sorted(set(_below(forms.BaseForm)), key=lambda one: one.__name__):
        for name, field in form.base_fields.items():
            if isinstance(field, forms.CharField):
                own = (form._meta.model, name) if issubclass(form, forms.ModelForm) else None
                yield f"{form.__name__}.{name}", field, own
    for cls in sorted(set(_below(StrictFields)), key=lambda one: one.__name__):
        if not issubclass(cls, serializers.BaseSerializer) or cls.__name__.startswith("Strict"):
            continue
        for name, field in cls().fields.items():
            if isinstance(field, serializers.CharField) and not field.read_only:
                own = (cls.Meta.model, str(field.source)) if issubclass(cls, serializers.ModelSerializer) else None
                yield f"{cls.__name__}.{name}", field, own


def test_every_text_that_is_taken_fits_into_its_column() -> None:
    found = {}
    for label, field, own in _texts():
        column = own or STORED.get(label)
        if column is None:
            assert label in ELSEWHERE, f"say in STORED or ELSEWHERE where {label} ends"
            continue
        most = column[0]._meta.get_field(column[1]).max_length  # type: ignore[union-attr]
        found[label] = column
        assert most is None or _most(field) <= most, f"{label} takes more than {column[0].__name__}.{column[1]} holds"
    assert set(STORED) <= set(found)
    assert len(found) > 20


@pytest.mark.parametrize("path", ["/accounts/signup/", "/accounts/email/"])
def test_a_person_s_own_address_fits_too(as_alice: Client, path: str) -> None:
    browser = Client() if "signup" in path else as_alice
    address = f"bob@{'.'.join(['a' * 60] * 40)[:290]}.io"
    form = {"email": address, "name": "B", "organization_name": "B", "password1": "a-long-one-7", "action_add": "1"}
    page = browser.post(path, form)
    assert page.status_code == 200 or page.status_code == 422
    assert "254 characters" in page.content.decode()
    assert not User.objects.filter(email=address).exists()


@pytest.mark.parametrize("length", [255, 310, 2000])
def test_an_address_beyond_the_column_is_refused_in_a_sentence(as_alice: Client, alice: User, length: int) -> None:
    domain = ".".join(["a" * 60] * 40)[: length - 3 - len("bob@")]
    address = f"bob@{domain}.io"
    page = as_alice.post("/members/", {"email": address, "role": "VIEWER"})
    assert page.status_code == 422
    assert "254" in page.content.decode()
    answer = ApiClient(alice).post("invitations", {"email": address})
    assert (answer.status_code, set(answer.json()["errors"])) == (400, {"email"})
    assert not Invitation.objects.exists()
