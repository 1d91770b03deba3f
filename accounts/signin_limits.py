"""How often somebody may try to sign in: guessing is bounded, and a stranger cannot lock a member out.

Failed tries count by where they come from. On a device on which the person has signed in before (a signed cookie per
person), the device counts for itself. Everywhere else each network address, each address with each account, and each
account over all addresses have limits; the last one leaves out addresses at which the person has signed in before, so
that programs go on too. Whoever meets a limit with the right password proves by email who they are (a sign-in code, or a
new password). Tries that succeed do not count.
"""

import hashlib
import secrets
from datetime import timedelta

from allauth.account.models import EmailAddress
from allauth.core.internal import ratelimit
from django.conf import settings
from django.core import signing
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _

from accounts.models import User

LIMITS = {
    "device": "5/5m/key,20/h/key",
    "address": "10/m/key,100/h/key",
    "address_and_account": "5/5m/key,20/h/key",
    "account": "20/h/key,50/d/key",
    "mail_from_address": "3/10m/key,6/h/key",
    "mail": "20/h/key",
}
"""Failed tries, and mails that prove who somebody is."""
COOKIE = "device-"
COOKIE_SALT = "accounts.known_device"
DEVICE_KNOWN_FOR = timedelta(days=365)
ADDRESS_KNOWN_FOR = timedelta(days=30)

type Usages = list[ratelimit.RateLimitUsage]


class LimitReached(Exception):
    """No more tries for now."""


def begin_try(request: HttpRequest, login: str) -> Usages:
    """Count a try to sign in as ``login``, an email address; what to take back when it succeeds. Raises LimitReached."""
    login = login.strip().lower()
    user_id = _user_id_of(login)
    if device := _device_of(request, user_id):
        return _count(request, [("device", device)])
    address = ratelimit.get_ip(request)
    keys = [("address", address), ("address_and_account", f"{address} {login}")]
    if not (user_id and cache.get(_address_key(user_id, address))):
        keys.append(("account", login))
    return _count(request, keys)


def take_back(usages: Usages) -> None:
    """A try succeeded: it does not count."""
    for usage in usages:
        usage.rollback()


def forget_tries(request: HttpRequest, login: str) -> None:
    """A new password was set by email: earlier tries at the account count no more, but for those of other addresses."""
    login = login.strip().lower()
    for name, key in (("account", login), ("address_and_account", f"{ratelimit.get_ip(request)} {login}")):
        ratelimit.clear(request, app="parley", action=name, config=LIMITS, key=key)


def take_mail(request: HttpRequest, email: str) -> None:
    """Count a mail by which somebody proves who they are. Raises ValidationError when there were enough."""
    email = email.strip().lower()
    address = ratelimit.get_ip(request)
    keys = [("mail_from_address", f"{address} {email}"), ("mail", email)]
    if device := _device_of(request, _user_id_of(email)):
        keys = [("mail_from_address", f"{device} {email}")]
    try:
        _count(request, keys)
    except LimitReached:
        raise ValidationError(
            _("Too many emails to this address were asked for. Look for the last one, or wait ten minutes.")
        ) from None


def remember_device(request: HttpRequest, response: HttpResponseBase, user: User) -> None:
    """Somebody signed in completely: their device and their address are known from now on."""
    remember_address(request, user)
    device = _told_device(request.COOKIES.get(_cookie_name(str(user.pk)), ""), str(user.pk)) or secrets.token_urlsafe(
        12
    )
    response.set_cookie(
        _cookie_name(str(user.pk)), signing.dumps([str(user.pk), device], salt=COOKIE_SALT), max_age=DEVICE_KNOWN_FOR,
        secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite="Lax", path="/accounts/",
    )  # fmt: skip


def remember_address(request: HttpRequest, user: User) -> None:
    """Somebody signed in completely from this address, by a program too."""
    key = _address_key(str(user.pk), ratelimit.get_ip(request))
    cache.set(key, True, ADDRESS_KNOWN_FOR.total_seconds())


def _count(request: HttpRequest, keys: list[tuple[str, str]]) -> Usages:
    usages: Usages = []
    for name, key in keys:
        usage = ratelimit.consume(request, app="parley", action=name, config=LIMITS, key=key, limit_get=True)
        if usage is None:
            raise LimitReached
        usages.append(usage)
    return usages


def _user_id_of(email: str) -> str:
    """Whose verified address this is, "" when it is nobody's: an unverified one is anybody's word."""
    rows = EmailAddress.objects.filter(email__iexact=email, verified=True)
    return str(rows.values_list("user_id", flat=True).first() or "")


def _device_of(request: HttpRequest, user_id: str) -> str:
    """The name of the device, when this person has signed in on it; else ""."""
    if not user_id:
        return ""
    if request.user.is_authenticated and str(request.user.pk) == user_id:
        return f"session {request.session.session_key}"  # proving once more who they are
    return _told_device(request.COOKIES.get(_cookie_name(user_id), ""), user_id)


def _told_device(cookie: str, user_id: str) -> str:
    try:
        whose, device = signing.loads(cookie, salt=COOKIE_SALT, max_age=DEVICE_KNOWN_FOR)
    except (signing.BadSignature, TypeError, ValueError):
        return ""
    return str(device) if whose == user_id else ""


def _cookie_name(user_id: str) -> str:
    return COOKIE + hashlib.sha256(user_id.encode()).hexdigest()[:16]


def _address_key(user_id: str, address: str) -> str:
    return f"sign-in-address:{user_id}:{address}"
