"""Where Parley differs from allauth's defaults."""

import smtplib
from functools import partial
from types import SimpleNamespace
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import structlog
from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.conf import settings
from django.contrib import messages
from django.core.validators import MaxLengthValidator
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import signin_limits
from accounts.crypto import SECOND_FACTOR_PLACE, seal, unseal
from accounts.models import User
from accounts.page_calls import TooManyCalls, TooSlow, promptly

EMAIL_MOST = 254

log = structlog.get_logger(__name__)


def _at_home(value: Any) -> Any:
    """An address of a page as ``APP_URL`` has it; anything else as it is."""
    if not isinstance(value, str) or not value.startswith(("http://", "https://")):
        return value
    return urljoin(settings.APP_URL, urlsplit(value)._replace(scheme="", netloc="").geturl())


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth is not typed
    """Sign-up by an invitation keeps the invited address, and a mail server that is down stops nobody."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "too_many_login_attempts": gettext_lazy(
            "Too many failed sign-ins. Wait five minutes, or get a sign-in code by email: it works at once."
        ),
    }

    def clean_email(self, email: str) -> str:
        """In small letters, and as long as the column: allauth's own fields take any length."""
        address = str(super().clean_email(email)).lower()
        MaxLengthValidator(EMAIL_MOST, _("An email address has at most %(limit_value)d characters."))(address)
        return address

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the try, by limits of our own: allauth's would let a stranger lock out a member."""
        try:
            self._counted = signin_limits.begin_try(request, str(credentials.get("email") or ""))
        except signin_limits.LimitReached:
            raise self.validation_error("too_many_login_attempts") from None

    def _rollback_login_failed_rl_usage(self) -> None:
        signin_limits.take_back(self._counted)

    def _delete_login_attempts_cached_email(self, request: HttpRequest, **credentials: Any) -> None:
        signin_limits.forget_tries(request, str(credentials.get("email") or ""))

    def post_login(self, request: HttpRequest, user: User, **options: Any) -> HttpResponseBase:
        response: HttpResponseBase = super().post_login(request, user, **options)
        signin_limits.remember_device(request, response, user)
        return response

    def get_signup_redirect_url(self, request: HttpRequest) -> str:
        return str(self.get_login_redirect_url(request))

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Mail what allauth asks for. A failing server is said on the page, where sending again is one press away.

        allauth makes its links, and its name of the site, of the request's ``Host``, which is anybody's word: links lead
        to ``APP_URL``, and the site is Parley.
        """
        site = SimpleNamespace(name="Parley", domain=urlsplit(settings.APP_URL).netloc)
        words = {name: _at_home(value) for name, value in context.items()} | {"current_site": site}
        try:
            super().send_mail(template_prefix, email, words)
        except (smtplib.SMTPException, OSError) as error:
            log.error("mail_not_sent", template=template_prefix, error=type(error).__name__)
            messages.error(
                self.request,
                _("The email to %(email)s could not be sent. Try again in a few minutes.") % {"email": email},
            )


class SocialAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth is not typed
    """Asks Google and Microsoft for a few seconds only, as pages ask every other server."""

    def get_requests_session(self) -> requests.Session:
        session: requests.Session = super().get_requests_session()
        ask = session.request

        def ask_promptly(*args: Any, **options: Any) -> requests.Response:
            try:
                return promptly(partial(ask, *args, **options), is_foreign=False)
            except (TooSlow, TooManyCalls) as error:
                raise requests.Timeout("no time left") from error

        session.request = ask_promptly  # type: ignore[method-assign]  # as allauth itself does
        return session


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth is not typed
    """Seeds of authenticator apps and recovery codes are sealed like every other secret."""

    def encrypt(self, text: str) -> str:
        return seal(text, **SECOND_FACTOR_PLACE)

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(encrypted_text, **SECOND_FACTOR_PLACE)
