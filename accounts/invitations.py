"""Invitations: a signed link that works once, for one address, for a week."""

import secrets
import smtplib
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import urljoin
from uuid import UUID

import structlog
from django.conf import settings
from django.core import signing
from django.core.mail import EmailMultiAlternatives
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from accounts.audit import record_audit
from accounts.errors import Conflict, InvitationUnusable
from accounts.models import Invitation, Membership, Organization, User
from accounts.services import require_may_grant
from accounts.text import one_line

log = structlog.get_logger(__name__)

SESSION_KEY = "invitation"
VALID_FOR = timedelta(days=7)
_SALT = "accounts.invitation"


def token_of(invitation: Invitation) -> str:
    """What the link carries: the row and its nonce, signed. Sending again changes the nonce and so ends older links."""
    return signing.dumps([str(invitation.pk), invitation.nonce], salt=_SALT, compress=True)


def link_of(invitation: Invitation) -> str:
    return urljoin(settings.APP_URL, reverse("accounts:accept_invitation", args=[token_of(invitation)]))


def find_invitation(token: str) -> Invitation:
    """The open invitation of a link. Raises InvitationUnusable with what to do."""
    try:
        row_id, nonce = signing.loads(token, salt=_SALT, max_age=VALID_FOR * 2)
        invitation = Invitation.objects.select_related("organization", "invited_by").get(pk=UUID(row_id))
    except (signing.BadSignature, ValueError, TypeError, Invitation.DoesNotExist) as error:
        raise InvitationUnusable(
            _("This invitation link is not valid. Make sure you copied all of it, or ask for a new one.")
        ) from error
    if invitation.accepted_at:
        raise InvitationUnusable(_("This invitation has already been used. Sign in to continue."))
    if invitation.revoked_at:
        raise InvitationUnusable(_("This invitation was revoked. Ask the person who invited you for a new one."))
    if not constant_time_compare(invitation.nonce, str(nonce)):
        raise InvitationUnusable(_("You were sent a newer invitation. Use the link in the latest email."))
    if not invitation.is_open(timezone.now()):
        raise InvitationUnusable(_("This invitation has expired. Ask the person who invited you for a new one."))
    return invitation


def keep_in_session(request: HttpRequest, token: str) -> None:
    request.session[SESSION_KEY] = token


def forget_in_session(request: HttpRequest) -> None:
    request.session.pop(SESSION_KEY, None)


def kept_in_session(request: HttpRequest) -> Invitation | None:
    """The invitation whose link this browser opened, while it is still open."""
    token = request.session.get(SESSION_KEY) if hasattr(request, "session") else None
    if not token:
        return None
    try:
        return find_invitation(str(token))
    except InvitationUnusable:
        return None


@transaction.atomic
def invite(organization: Organization, email: str, role: str, *, by: User) -> Invitation:
    """Invite an address; the mail leaves once this is committed.

    Raises NotAllowed when ``by`` may not give the role, Conflict for members and for addresses invited already.
    """
    require_may_grant(organization, role, by=by)
    email = email.lower()
    if Membership.objects.for_organization(organization).filter(user__email__iexact=email).exists():
        raise Conflict(_("%(email)s is already a member.") % {"email": email}, field="email")
    # An invitation that ran out makes room for a new one.
    open_ones = Invitation.objects.for_organization(organization).filter(
        email=email, accepted_at__isnull=True, revoked_at__isnull=True
    )
    now = timezone.now()
    open_ones.filter(expires_at__lte=now).update(revoked_at=now)
    try:
        with transaction.atomic():
            invitation = Invitation.objects.create(
                organization=organization, email=email, role=role, invited_by=by, nonce=secrets.token_urlsafe(24),
                expires_at=now + VALID_FOR,
            )  # fmt: skip
    except IntegrityError as error:
        raise Conflict(
            _("%(email)s has already been invited. Resend or revoke that invitation.") % {"email": email},
            field="email",
        ) from error
    record_audit("invitation.created", invitation, by=by, changes={"role": [None, role]})
    transaction.on_commit(partial(send_invitation, invitation.pk))
    return invitation


@transaction.atomic
def resend_invitation(invitation: Invitation, *, by: User) -> Invitation:
    """Send a fresh link, valid for another week; older links end. Raises InvitationUnusable."""
    row = Invitation.objects.select_for_update().get(pk=invitation.pk)
    require_may_grant(row.organization, row.role, by=by)
    if row.accepted_at or row.revoked_at:
        raise InvitationUnusable(_("This invitation is no longer open."))
    row.nonce, row.expires_at, row.sent_at = secrets.token_urlsafe(24), timezone.now() + VALID_FOR, None
    row.save(update_fields=["nonce", "expires_at", "sent_at"])
    record_audit("invitation.resent", row, by=by)
    transaction.on_commit(partial(send_invitation, row.pk))
    return row


@transaction.atomic
def revoke_invitation(invitation: Invitation, *, by: User) -> None:
    """End an invitation; doing it twice changes nothing. Raises InvitationUnusable when it was accepted."""
    row = Invitation.objects.select_for_update().get(pk=invitation.pk)
    require_may_grant(row.organization, row.role, by=by)
    if row.accepted_at:
        raise InvitationUnusable(_("This invitation has already been accepted. Remove the member instead."))
    if row.revoked_at is None:
        row.revoked_at = timezone.now()
        row.save(update_fields=["revoked_at"])
        record_audit("invitation.revoked", row, by=by)


@transaction.atomic
def accept_invitation(invitation: Invitation, *, by: User) -> Membership:
    """Become a member. Raises InvitationUnusable when the link is for another address or no longer open."""
    row = Invitation.objects.select_for_update().select_related("organization").get(pk=invitation.pk)
    if row.nonce != invitation.nonce or not row.is_open(timezone.now()):
        raise InvitationUnusable(_("This invitation is no longer open."))
    if by.email.lower() != row.email.lower():
        raise InvitationUnusable(
            _("This invitation is for %(invited)s, but you are signed in as %(current)s.")
            % {"invited": row.email, "current": by.email}
        )
    membership, created = Membership.objects.get_or_create(
        organization=row.organization, user=by, defaults={"role": row.role}
    )
    row.accepted_at = timezone.now()
    row.save(update_fields=["accepted_at"])
    record_audit("invitation.accepted", row, by=by)
    if created:
        record_audit("member.added", membership, by=by, changes={"role": [None, membership.role]})
    return membership


def send_invitation(invitation_id: UUID) -> None:
    """Mail the link and note when. A mail server that fails leaves the invitation unsent, to be sent again by hand."""
    invitation = Invitation.objects.select_related("organization", "invited_by").get(pk=invitation_id)
    words: dict[str, Any] = {
        "invitation": invitation,
        "organization": invitation.organization,
        "link": link_of(invitation),
        "days": VALID_FOR.days,
    }
    with translation.override(invitation.organization.language):
        mail = EmailMultiAlternatives(
            subject=one_line(
                _("You've been invited to %(organization)s on Parley") % {"organization": invitation.organization.name}
            ),
            body=render_to_string("accounts/email/invitation.txt", words),
            to=[invitation.email],
        )
        mail.attach_alternative(render_to_string("accounts/email/invitation.html", words), "text/html")
    try:
        mail.send()
    except (smtplib.SMTPException, OSError) as error:
        log.error("invitation_not_sent", invitation=str(invitation.pk), error=type(error).__name__)
        return
    Invitation.objects.filter(pk=invitation.pk).update(sent_at=timezone.now())
