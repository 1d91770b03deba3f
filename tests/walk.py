"""All routes of the product, and rows of the club to ask them for."""

import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RegexPattern
from django.utils import timezone
from django.utils.http import int_to_base36
from django.utils.regex_helper import normalize

from accounts.audit import record_audit
from accounts.crypto import seal_into
from accounts.models import (
    AuditEvent,
    IdempotentAnswer,
    Invitation,
    Membership,
    Notification,
    Organization,
    RefreshToken,
    User,
)
from accounts.notifications import notify
from accounts.permissions import Role
from connections.models import ConnectionToken, Consent, PlatformApp, Revocation, SocialConnection
from publishing.models import (
    MediaAsset,
    PostGroup,
    PostMedia,
    PostMetric,
    PostStatus,
    PublishAttempt,
    PublishStep,
    SocialPost,
)
from tests import factories

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
NOT_OURS = ("sandbox/", "styleguide/", "mails/")
"""The stand-in for the platforms is another party's server, and has no organizations; the other two are there for
development alone, and the mails for everybody at this machine."""


@dataclass(frozen=True)
class Route:
    """One address. ``parameters`` are the names in its path, in order."""

    name: str
    path: str
    parameters: tuple[str, ...]
    view: Callable[..., Any]

    def with_values(self, values: dict[str, Any]) -> str:
        address = self.path
        for name in self.parameters:
            address = address.replace(f"%({name})s", str(values[name]))
        return f"/{address}"

    @property
    def is_rest(self) -> bool:
        return self.path.startswith("api/v1/")


def _piece(pattern: Any) -> str:
    if isinstance(pattern, RegexPattern):
        return str(normalize(pattern.regex.pattern.lstrip("^"))[0][0])
    return re.sub(r"<(?:\w+:)?(\w+)>", r"%(\1)s", str(pattern))


def all_routes() -> list[Route]:
    """Everything that the resolver knows, however deep."""

    def walk(patterns: list[Any], prefix: str, names: tuple[str, ...]) -> Iterator[Route]:
        for pattern in patterns:
            path = prefix + _piece(pattern.pattern)
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, path, (*names, pattern.namespace) if pattern.namespace else names)
            elif isinstance(pattern, URLPattern):
                parameters = tuple(re.findall(r"%\((\w+)\)s", path))
                yield Route(":".join((*names, pattern.name or "")), path, parameters, pattern.callback)

    return [route for route in walk(get_resolver().url_patterns, "", ()) if not route.path.startswith(NOT_OURS)]


MARK = "zebra"
"""In every name and text of the club's rows, and nowhere else."""

PLAIN_VALUES: dict[str, str] = {
    "platform": "twitter", "day": "2026-12-01", "app_label": "accounts", "url": "nothing-here",
}  # fmt: skip
"""Parameters that name no row."""

CREDENTIALS_IN_PATH = frozenset(
    {"accounts:accept_invitation", "account_confirm_email", "account_reset_password_from_key"}
)
"""Routes whose parameter is itself the credential: they are asked with one that was made up."""

ALIASES: dict[str, type[models.Model]] = {
    "post_id": SocialPost, "asset_id": MediaAsset, "connection_id": SocialConnection, "group_id": PostGroup,
    "attempt_id": PublishAttempt, "app_id": PlatformApp,
}  # fmt: skip

INSTALLATION_TABLES = frozenset({"django_celery_beat"})
"""Apps whose tables belong to nobody: superusers alone see them."""


class Club:
    """Rows of every table that belongs to the club, each with ``MARK`` in its words."""

    def __init__(self, club: Organization, owner: User, member: User) -> None:
        now = timezone.now()
        Organization.objects.filter(pk=club.pk).update(name=f"{MARK} club", slug=f"{MARK}-club")
        User.objects.filter(pk__in=[owner.pk, member.pk]).update(name=f"{MARK} person")
        for one in (club, owner, member):
            one.refresh_from_db()
        self.organization = club
        connection = factories.make_connection(
            club, "TWITTER", account_name=f"{MARK} account", account_handle=f"@{MARK}", platform_account_id=f"{MARK}1"
        )
        campaign = factories.make_campaign(club, name=f"{MARK} campaign", owner=owner)
        group = PostGroup.objects.create(organization=club, content=f"{MARK} idea", created_by=owner)
        common = {"campaign": campaign, "group": group, "created_by": owner}
        post = factories.make_post(connection, content=f"{MARK} post", **common)
        for status in (PostStatus.DRAFT, PostStatus.FAILED, PostStatus.PUBLISHED, PostStatus.CANCELLED):
            factories.make_post(connection, status=status, content=f"{MARK} {status}", **common)
        asset = factories.make_asset(club, name=f"{MARK}.png", alt_text=f"{MARK} picture", uploaded_by=owner)
        factories.attach(post, asset)
        attempt = PublishAttempt.objects.create(
            organization=club, post=post, number=1, key=uuid4(), owner=MARK, started_at=now, finished_at=now,
            outcome="RETRY", error_message=f"{MARK} refused",
        )  # fmt: skip
        consent = Consent(
            organization=club, user=owner, platform="TWITTER", state_hash=secrets.token_hex(32), session_hash="s",
            expires_at=now + timedelta(minutes=9), used_at=now,
        )  # fmt: skip
        seal_into(consent, "found", "[]")
        consent.save()
        revocation = Revocation(organization=club, platform="TWITTER", account_id=MARK, next_attempt_at=now)
        seal_into(revocation, "secret", "t")
        revocation.save()
        notify([owner, member], organization=club, kind=MARK, key=MARK, title=f"{MARK} title", body=f"{MARK} body")
        record_audit("organization.changed", club, by=owner, organization=club, changes={"name": ["", MARK]})
        rows: list[models.Model] = [
            club, member, Membership.objects.get(user=member, organization=club), connection, campaign, group, post, asset, attempt,
            consent, revocation, connection.tokens.all()[0],
            PublishStep.objects.create(attempt=attempt, name=f"{MARK} step", is_public=False, started_at=now),
            PostMetric.objects.create(post=post, at=now, likes=1), PostMedia.objects.get(post=post),
            PlatformApp.objects.create(organization=club, platform="FACEBOOK", client_id=f"{MARK}-client"),
            Invitation.objects.create(
                organization=club, email=f"{MARK}@invited.example", role=Role.VIEWER, invited_by=owner, nonce="n",
                expires_at=now + timedelta(days=5),
            ),
            Notification.objects.get(user=owner, organization=club), AuditEvent.objects.filter(organization=club)[0],
            IdempotentAnswer.objects.create(organization=club, user=owner, key=f"{MARK}-key", request_hash="h"),
            RefreshToken.objects.create(id=uuid4(), user=owner, expires_at=now + timedelta(days=1)),
        ]  # fmt: skip
        self.rows: dict[type[models.Model], models.Model] = {type(row): row for row in rows}
        self.owner = owner

    def row(self, model: type[models.Model]) -> models.Model:
        return self.rows[model]

    def values_for(self, route: Route) -> dict[str, Any]:
        """What fills the path of a route. Raises KeyError with what to add, and where."""
        return {name: self._value(route, name) for name in route.parameters}

    def _value(self, route: Route, name: str) -> Any:
        if route.name in CREDENTIALS_IN_PATH:
            return {"uidb36": int_to_base36(self.owner.pk.int % 10**9)}.get(name, "made-up")
        if name in PLAIN_VALUES:
            return PLAIN_VALUES[name]
        if name == "content_type_id":
            return ContentType.objects.get_for_model(SocialPost).pk
        model = self._model_of(route, name)
        if model is None:
            if route.path.startswith(tuple(f"admin/{app}/" for app in INSTALLATION_TABLES)):
                return 1
            if route.name.startswith("mfa_"):
                return self._authenticator()
            raise KeyError(
                f"{route.name} ({route.path}): no row is known for {name!r}. Add it to Club in tests/walk.py: a row of "
                "its model, and its parameter to ALIASES (or PLAIN_VALUES when it names no row)."
            )
        if model not in self.rows:
            raise KeyError(f"{route.name}: make a {model.__name__} of the club in Club (tests/walk.py).")
        return self.rows[model].pk

    def _model_of(self, route: Route, name: str) -> type[models.Model] | None:
        if (
            name in {"pk", "id"}
            and hasattr(route.view, "cls")
            and getattr(route.view.cls, "queryset", None) is not None
        ):
            found: type[models.Model] = route.view.cls.queryset.model
            return found
        if name == "object_id" and route.path.startswith("admin/"):
            parts = route.path.split("/")
            if parts[1] == "r":
                return SocialPost
            return None if parts[1] in INSTALLATION_TABLES else apps.get_model(parts[1], parts[2])
        if name in ALIASES:
            return ALIASES[name]
        word = name.removesuffix("_id").replace("_", "")
        return next((model for model in self.rows if model._meta.model_name == word), None)

    def _authenticator(self) -> int:
        from allauth.mfa.models import Authenticator

        row, _ = Authenticator.objects.get_or_create(
            user=self.owner, type=Authenticator.Type.WEBAUTHN, defaults={"data": {"name": f"{MARK} key"}}
        )
        return int(row.pk)

    def ids(self) -> list[str]:
        return [str(row.pk) for row in self.rows.values() if len(str(row.pk)) > 20]

    def snapshot(self) -> dict[str, list[Any]]:
        """Every row of the club in every table, to see that nothing changed."""
        found: dict[str, list[Any]] = {}
        for model in apps.get_models():
            names = {field.name for field in model._meta.get_fields() if getattr(field, "concrete", False)}
            if "organization" in names:
                mine: dict[str, Any] = {"organization": self.organization}
            elif model is Organization:
                mine = {"pk": self.organization.pk}
            elif model is User:
                mine = {"memberships__organization": self.organization}
            elif model is ConnectionToken:
                mine = {"connection__organization": self.organization}
            elif model in {PostMedia, PostMetric}:
                mine = {"post__organization": self.organization}
            elif model is PublishStep:
                mine = {"attempt__organization": self.organization}
            else:
                continue
            found[model._meta.label] = list(model._base_manager.filter(**mine).order_by("pk").values())
        return found
