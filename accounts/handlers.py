"""Sign-ins and sign-outs leave an audit event; the caller's address goes into it and into the logs."""

from typing import Any

import structlog
from allauth.account.adapter import get_adapter
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.core.exceptions import PermissionDenied
from django.dispatch import receiver
from django.http import HttpRequest
from django_structlog.signals import bind_extra_request_metadata

from accounts.audit import SystemActor, record_audit
from accounts.models import Membership, User


@receiver(user_logged_in)
def record_sign_in(user: User, **_kwargs: Any) -> None:
    membership = Membership.objects.of(user).first()
    record_audit("person.signed_in", user, by=user, organization=membership.organization if membership else None)


@receiver(user_logged_out)
def record_sign_out(user: User | None, **_kwargs: Any) -> None:
    if user is not None and user.is_authenticated:
        membership = Membership.objects.of(user).first()
        record_audit("person.signed_out", user, by=user, organization=membership.organization if membership else None)


@receiver(user_login_failed)
def record_failed_sign_in(credentials: dict[str, Any], **_kwargs: Any) -> None:
    address = str(credentials.get("email") or credentials.get("username") or "")[:254]
    user = User.objects.filter(email__iexact=address).first()
    membership = Membership.objects.of(user).first() if user else None
    record_audit(
        "person.sign_in_refused", user, by=SystemActor("sign-in"),
        organization=membership.organization if membership else None,
    )  # fmt: skip


@receiver(bind_extra_request_metadata)
def bind_address(request: HttpRequest, **_kwargs: Any) -> None:
    """The address that the sign-in limits count, so that all three speak of the same caller."""
    try:
        structlog.contextvars.bind_contextvars(ip=get_adapter().get_client_ip(request))
    except PermissionDenied:
        return  # a request through a socket of this machine has none
