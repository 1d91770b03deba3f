"""Forms that send somebody a mail to prove who they are. Apart from the others: allauth's forms import those."""

from allauth.account.forms import RequestLoginCodeForm
from allauth.account.forms import ResetPasswordForm as _ResetPasswordForm
from allauth.core import context

from accounts.signin_limits import take_mail


class LoginCodeForm(RequestLoginCodeForm):  # type: ignore[misc]  # allauth is not typed
    def clean_email(self) -> str:
        email = str(super().clean_email())
        take_mail(context.request, email)
        return email


class ResetPasswordForm(_ResetPasswordForm):  # type: ignore[misc]
    def clean_email(self) -> str:
        email = str(super().clean_email())
        take_mail(context.request, email)
        return email
