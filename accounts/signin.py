"""Signing in without a browser: what REST clients prove before they get tokens."""

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.mfa.base.internal.flows import check_rate_limit
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from accounts.audit import SystemActor, record_audit
from accounts.errors import DomainError
from accounts.models import Membership, User
from accounts.signin_limits import remember_address


class SignInRefused(DomainError):
    """The address or the password is wrong; which of them is not told."""

    code = "invalid_credentials"
    http_status = 401


class SecondFactorNeeded(DomainError):
    """The password is right and the person has a second factor: the code must come with it."""

    code = "mfa_required"
    http_status = 401


class SecondFactorWrong(DomainError):
    code = "invalid_code"
    http_status = 401


class AddressUnverified(DomainError):
    code = "email_unverified"
    http_status = 403


class AccountInactive(DomainError):
    code = "account_inactive"
    http_status = 403


class TooManySignIns(DomainError):
    code = "too_many_attempts"
    http_status = 429


def prove_identity(request: HttpRequest, *, email: str, password: str, code: str = "") -> User:
    """The person with this address, password and, when they have a second factor, code of the authenticator app or
    recovery code. Failed tries count as on the sign-in page.

    Raises SignInRefused, SecondFactorNeeded, SecondFactorWrong, AddressUnverified, AccountInactive, TooManySignIns.
    """
    try:
        user: User | None = get_adapter(request).authenticate(request, email=email, password=password)
    except ValidationError as error:
        raise TooManySignIns(
            "Too many failed sign-ins. Wait a few minutes, or sign in once in a browser at this network address with a "
            "code by email."
        ) from error
    if user is None:
        raise SignInRefused("The email address or password is wrong.")
    if not user.is_active:
        raise AccountInactive("This account is closed.")
    if not EmailAddress.objects.filter(user=user, email__iexact=user.email, verified=True).exists():
        raise AddressUnverified("Confirm your email address first. Sign in from a browser to get the email again.")
    if is_mfa_enabled(user):
        _prove_second_factor(user, code.strip())
    remember_address(request, user)
    return user


def _prove_second_factor(user: User, code: str) -> None:
    if not code:
        raise SecondFactorNeeded("This account uses two-factor sign-in. Send the current code from your app as `code`.")
    try:
        forget_tries = check_rate_limit(user)
    except ValidationError as error:
        raise TooManySignIns("Too many wrong codes. Wait a few minutes and try again.") from error
    kinds = (Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES)
    for authenticator in Authenticator.objects.filter(user=user, type__in=kinds):
        if authenticator.wrap().validate_code(code):
            authenticator.record_usage()
            forget_tries()
            return
    membership = Membership.objects.of(user).first()
    record_audit(
        "person.sign_in_refused", user, by=SystemActor("sign-in"),
        organization=membership.organization if membership else None,
    )  # fmt: skip
    raise SecondFactorWrong("The code is wrong, has expired or has already been used.")
