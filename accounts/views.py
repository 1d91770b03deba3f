"""Pages of people and organizations."""

import csv
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import trigger_client_event

from accounts import invitations, services
from accounts.asking import ask, topic_of
from accounts.audit import record_audit
from accounts.audit_words import actions_like, changes_in_words, kinds_like, words_of_action, words_of_kind
from accounts.errors import DomainError, InvitationUnusable
from accounts.forms import (
    KEEP_WALL_TIME,
    AuditFilterForm,
    InviteForm,
    NotificationMailForm,
    OrganizationForm,
    ProfileForm,
    PublishingRulesForm,
    RoleForm,
    StartForm,
)
from accounts.middleware import SESSION_KEY, OrganizationRequest
from accounts.models import AuditEvent, Invitation, Membership, Notification, Organization, User
from accounts.notifications import mark_read, set_mail_preferences
from accounts.permissions import Role, may, requires
from accounts.pictures.reading import COPY_TYPE
from accounts.preferences import set_publishing_rules

ROWS_PER_PAGE = 50


# --- organizations ----------------------------------------------------------------------------------------------------


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: OrganizationRequest) -> HttpResponse:
    """Make a first or a further organization."""
    form = StartForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        organization = services.create_organization(
            form.cleaned_data["name"], time_zone=form.cleaned_data["time_zone"], by=request.user
        )
        request.session[SESSION_KEY] = str(organization.pk)
        messages.success(request, _("%(name)s is ready.") % {"name": organization.name})
        return redirect("home")
    waiting = Invitation.objects.filter(
        email=request.user.email, accepted_at__isnull=True, revoked_at__isnull=True, expires_at__gt=timezone.now()
    )
    words = {"form": form, "invitations": waiting.select_related("organization")}
    return render(request, "accounts/start.html", words, status=422 if form.errors else 200)


@login_required
@require_POST
def switch_organization(request: HttpRequest) -> HttpResponse:
    """Work in another of one's organizations."""
    try:
        wanted = UUID(request.POST.get("organization", ""))
    except ValueError as error:
        raise Http404 from error
    membership = get_object_or_404(Membership.objects.of(request.user), organization_id=wanted)
    request.session[SESSION_KEY] = str(membership.organization_id)
    target = request.POST.get("next", "")
    # Rows of the old organization are not there in the new one: only list pages are worth going back to.
    if target.count("/") <= 2 and url_has_allowed_host_and_scheme(target, allowed_hosts=None):
        return redirect(target)
    return redirect("home")


@requires("organization.view")
@require_http_methods(["GET", "HEAD", "POST"])
def organization_settings(request: OrganizationRequest) -> HttpResponse:
    """Name, short name, zone, language and logo."""
    may_change = may(request.membership, "organization.manage")
    if request.method == "POST" and not may_change:
        return render(request, "403.html", status=403)
    organization = Organization.objects.get(pk=request.organization.pk)
    form = OrganizationForm(request.POST or None, request.FILES or None, instance=organization)
    if request.method == "POST" and form.is_valid():
        changes = {name: form.cleaned_data[name] for name in form.changed_data if name != "scheduled_posts"}
        if changes.get("logo") is False:
            changes["logo"] = ""
        keep_wall_times = form.cleaned_data.get("scheduled_posts") == KEEP_WALL_TIME
        try:
            services.update_organization(
                request.organization, by=request.user, keep_wall_times=keep_wall_times, **changes
            )
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        else:
            messages.success(request, _("Organization saved."))
            return redirect("accounts:organization")
    return _organization_page(request, form, PublishingRulesForm.of(organization), may_change=may_change)


def _organization_page(
    request: OrganizationRequest, form: OrganizationForm, rules_form: PublishingRulesForm, *, may_change: bool
) -> HttpResponse:
    if not may_change:
        for field in [*form.fields.values(), *rules_form.fields.values()]:
            field.disabled = True
    words = {"form": form, "rules_form": rules_form, "may_change": may_change, "section": "organization"}
    status = 422 if form.errors or rules_form.errors else 200
    return render(request, "accounts/organization.html", words, status=status)


@require_POST
@requires("organization.manage")
def set_rules(request: OrganizationRequest) -> HttpResponse:
    """The gap between posts and the quiet hours."""
    rules_form = PublishingRulesForm(request.POST)
    if not rules_form.is_valid():
        return _organization_page(request, OrganizationForm(instance=request.organization), rules_form, may_change=True)
    set_publishing_rules(request.organization, by=request.user, **rules_form.cleaned_data)
    messages.success(request, _("Publishing rules saved."))
    return redirect("accounts:organization")


# --- members ----------------------------------------------------------------------------------------------------------


def _members_page(request: OrganizationRequest, form: InviteForm, status: int = 200) -> HttpResponse:
    manages = may(request.membership, "members.manage")
    owns = may(request.membership, "owners.manage")
    members = Membership.objects.for_organization(request.organization).select_related("user")
    rows = [
        {
            "membership": member,
            "may_change": manages and (owns or member.role != Role.OWNER),
            "is_self": member.user_id == request.user.pk,
        }
        for member in sorted(members, key=lambda one: (Role.values.index(one.role), one.user.display_name.lower()))
    ]
    open_invitations = Invitation.objects.for_organization(request.organization).filter(
        accepted_at__isnull=True, revoked_at__isnull=True
    )
    roles = [(value, label) for value, label in Role.choices if owns or value != Role.OWNER]
    form.fields["role"].choices = roles  # type: ignore[attr-defined]
    words = {
        "rows": rows,
        "invitations": open_invitations.select_related("invited_by") if manages else [],
        "now": timezone.now(),
        "form": form,
        "roles": roles,
        "section": "members",
    }
    return render(request, "accounts/members.html", words, status=status)


@requires("members.view")
@require_http_methods(["GET", "HEAD", "POST"])
def members(request: OrganizationRequest) -> HttpResponse:
    """Who belongs here with which role, and whom we invited; POST invites."""
    if request.method != "POST":
        return _members_page(request, InviteForm())
    if not may(request.membership, "members.manage"):
        return render(request, "403.html", status=403)
    form = InviteForm(request.POST)
    if form.is_valid():
        try:
            invitation = invitations.invite(
                request.organization, form.cleaned_data["email"], form.cleaned_data["role"], by=request.user
            )
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        else:
            _say_whether_sent(request, invitation)
            return redirect("accounts:members")
    return _members_page(request, form, status=422)


def _say_whether_sent(request: HttpRequest, invitation: Invitation) -> None:
    invitation.refresh_from_db()
    if invitation.sent_at:
        messages.success(request, _("Invitation sent to %(email)s.") % {"email": invitation.email})
    else:
        messages.warning(
            request,
            _("The invitation to %(email)s was saved but could not be emailed. Resend it later.")
            % {"email": invitation.email},
        )


@require_POST
@requires("members.manage")
def change_member_role(request: OrganizationRequest, membership_id: UUID) -> HttpResponse:
    member = get_object_or_404(
        Membership.objects.for_organization(request.organization).select_related("user"), pk=membership_id
    )
    form = RoleForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose a role."))
        return redirect("accounts:members")
    try:
        changed = services.change_role(member, form.cleaned_data["role"], by=request.user)
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request,
            _("%(person)s is now %(role)s.") % {"person": member.user.display_name, "role": changed.get_role_display()},
        )
    return redirect("accounts:members")


@require_POST
@requires("members.view")
def remove_organization_member(request: OrganizationRequest, membership_id: UUID) -> HttpResponse:
    """Remove a member, or leave."""
    member = get_object_or_404(
        Membership.objects.for_organization(request.organization).select_related("user"), pk=membership_id
    )
    leaving = member.user_id == request.user.pk
    try:
        services.remove_member(member, by=request.user)
    except DomainError as error:
        messages.error(request, str(error))
        return redirect("accounts:members")
    if leaving:
        request.session.pop(SESSION_KEY, None)
        messages.success(request, _("You have left %(name)s.") % {"name": request.organization.name})
        return redirect("home")
    messages.success(request, _("%(person)s was removed.") % {"person": member.user.display_name})
    return redirect("accounts:members")


@require_POST
@requires("members.manage")
def resend(request: OrganizationRequest, invitation_id: UUID) -> HttpResponse:
    invitation = get_object_or_404(Invitation.objects.for_organization(request.organization), pk=invitation_id)
    try:
        invitations.resend_invitation(invitation, by=request.user)
    except DomainError as error:
        messages.error(request, str(error))
    else:
        _say_whether_sent(request, invitation)
    return redirect("accounts:members")


@require_POST
@requires("members.manage")
def revoke(request: OrganizationRequest, invitation_id: UUID) -> HttpResponse:
    invitation = get_object_or_404(Invitation.objects.for_organization(request.organization), pk=invitation_id)
    try:
        invitations.revoke_invitation(invitation, by=request.user)
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Invitation to %(email)s revoked.") % {"email": invitation.email})
    return redirect("accounts:members")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def accept(request: HttpRequest, token: str) -> HttpResponse:
    """Where an invitation's link leads. Opening it proves the address; accepting is a press of a button."""
    try:
        invitation = invitations.find_invitation(token)
    except InvitationUnusable as error:
        return render(request, "accounts/invitation_unusable.html", {"reason": str(error)}, status=410)
    words: dict[str, Any] = {"invitation": invitation, "organization": invitation.organization, "membership": None}
    if not request.user.is_authenticated:
        invitations.keep_in_session(request, token)
        request.session["account_verified_email"] = invitation.email
        words["has_account"] = User.objects.filter(email__iexact=invitation.email).exists()
        words["next"] = request.path
        return render(request, "accounts/invitation_entrance.html", words)
    if request.user.email.lower() != invitation.email.lower():
        words["next"] = request.path
        return render(request, "accounts/invitation_other_person.html", words, status=409)
    if request.method == "POST":
        membership = invitations.accept_invitation(invitation, by=request.user)
        invitations.forget_in_session(request)
        request.session[SESSION_KEY] = str(membership.organization_id)
        messages.success(request, _("Welcome to %(name)s.") % {"name": invitation.organization.name})
        return redirect("home")
    return render(request, "accounts/invitation.html", words)


# --- oneself ----------------------------------------------------------------------------------------------------------


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: OrganizationRequest) -> HttpResponse:
    """Name, time zone, language and picture."""
    person = User.objects.get(pk=request.user.pk)
    form = ProfileForm(request.POST or None, request.FILES or None, instance=person)
    if request.method == "POST" and form.is_valid():
        changed = [name for name in form.changed_data if name in form.fields]
        if changed:
            form.instance.save(update_fields=changed)
            record_audit(
                "person.changed", person, by=person, organization=request.organization,
                changes={name: ["", str(getattr(person, name))] for name in changed if name != "avatar"},
            )  # fmt: skip
        messages.success(request, _("Profile saved."))
        return redirect("accounts:profile")
    words = {"form": form, "person": request.user, "section": "profile"}
    return render(request, "accounts/profile.html", words, status=422 if form.errors else 200)


@require_GET
@login_required
def avatar(request: OrganizationRequest, user_id: UUID) -> FileResponse:
    """A person's picture, for those who share the current organization, and oneself."""
    shared = Membership.objects.for_organization(request.organization).filter(user_id=user_id)
    if user_id != request.user.pk and not (request.organization and shared.exists()):
        raise Http404
    return _picture(get_object_or_404(User, pk=user_id).avatar)


@require_GET
@login_required
def logo(request: OrganizationRequest, organization_id: UUID) -> FileResponse:
    """An organization's logo, for its members."""
    membership = get_object_or_404(Membership.objects.of(request.user), organization_id=organization_id)
    return _picture(membership.organization.logo)


def _picture(file: Any) -> FileResponse:
    if not file:
        raise Http404
    answer = FileResponse(file.open("rb"), content_type=COPY_TYPE)  # never by the name's ending
    answer["Cache-Control"] = "private, max-age=300"
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


# --- notifications ----------------------------------------------------------------------------------------------------


@requires("notifications.view")
@require_GET
def notifications(request: OrganizationRequest) -> HttpResponse:
    rows = Notification.objects.for_organization(request.organization).filter(user=request.user)
    only_unread = request.GET.get("show") == "unread"
    page = Paginator(rows.unread() if only_unread else rows, ROWS_PER_PAGE).get_page(request.GET.get("page"))
    words = {"page": page, "only_unread": only_unread, "unread": rows.unread().count()}
    return render(request, "accounts/notifications.html", words)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def notification_mails(request: OrganizationRequest) -> HttpResponse:
    """Which kinds of notifications one gets by mail."""
    form = NotificationMailForm(request.POST if request.method == "POST" else None, user=request.user)
    if request.method == "POST" and form.is_valid():
        set_mail_preferences(request.user, form.choices)
        messages.success(request, _("Email notifications saved."))
        return redirect("accounts:notification_mails")
    return render(request, "accounts/notification_mails.html", {"form": form, "person": request.user})


@require_POST
@requires("notifications.view")
def read_notifications(request: OrganizationRequest) -> HttpResponse:
    """Mark all as read."""
    mark_read(request.user, request.organization)
    return redirect("accounts:notifications")


@require_POST
@requires("notifications.view")
def open_notification(request: OrganizationRequest, notification_id: UUID) -> HttpResponse:
    """Mark one as read and go where it leads."""
    rows = Notification.objects.for_organization(request.organization).filter(user=request.user)
    row = get_object_or_404(rows, pk=notification_id)
    mark_read(request.user, request.organization, str(row.pk))
    if row.url and url_has_allowed_host_and_scheme(row.url, allowed_hosts=None):
        return redirect(row.url)
    return redirect("accounts:notifications")


@require_POST
@requires("organization.view")
def ask_colleagues(request: OrganizationRequest) -> HttpResponse:
    """Ask those who may for what this person may not do: once for everybody who looks within a day."""
    topic = topic_of(request.POST.get("topic", ""))
    if topic is None:
        raise Http404
    sent = request.POST.get("subject", "")
    try:
        ask(topic, sent, organization=request.organization, by=request.user)
    except LookupError:
        raise Http404 from None
    except DomainError as error:
        if request.htmx:
            response = render(request, "accounts/_asked.html", {"topic": topic.name, "subject": sent})
            return trigger_client_event(response, "toast", {"text": str(error), "tone": "danger"})
        messages.error(request, str(error))
    else:
        if request.htmx:
            response = render(request, "accounts/_asked.html", {"topic": topic.name, "subject": sent})
            return trigger_client_event(response, "announce", {"text": _("Request sent.")})
        messages.success(request, _("Request sent."))
    back = request.POST.get("next", "")
    return redirect(back if url_has_allowed_host_and_scheme(back, allowed_hosts=None) else "home")


# --- audit ------------------------------------------------------------------------------------------------------------


def filtered_events(request: OrganizationRequest, form: AuditFilterForm) -> QuerySet[AuditEvent]:
    """The organization's events that the form asks for; dates are days of the organization's zone."""
    events = AuditEvent.objects.for_organization(request.organization)
    asked = form.cleaned_data if form.is_valid() else {}
    zone = request.organization.zone
    if actor := asked.get("actor"):
        events = events.filter(actor_label__icontains=actor)
    if action := asked.get("action"):
        events = events.filter(Q(action__icontains=action) | Q(action__in=actions_like(action)))
    if name := asked.get("object"):
        events = events.filter(
            Q(object_label__icontains=name) | Q(object_type__iexact=name) | Q(object_id=name)
            | Q(object_type__in=kinds_like(name))
        )  # fmt: skip
    if since := asked.get("since"):
        events = events.filter(at__gte=datetime.combine(since, time.min, tzinfo=zone))
    if until := asked.get("until"):
        events = events.filter(at__lt=datetime.combine(until + timedelta(days=1), time.min, tzinfo=zone))
    return events


@requires("audit.view")
@require_GET
def audit(request: OrganizationRequest) -> HttpResponse:
    form = AuditFilterForm(request.GET)
    page = Paginator(filtered_events(request, form), ROWS_PER_PAGE).get_page(request.GET.get("page"))
    query = request.GET.copy()
    query.pop("page", None)
    words = {
        "form": form,
        "page": page,
        "export_url": f"{reverse('accounts:audit_csv')}?{query.urlencode()}",
        "is_filtered": any(query.values()),
        "section": "audit",
    }
    return render(request, "accounts/audit.html", words)


class _Echo:
    def write(self, text: str) -> str:
        return text


def _cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text


@requires("audit.view")
@require_GET
def audit_csv(request: OrganizationRequest) -> HttpResponseBase:
    """The same events as a CSV file: the machine's form with times in UTC, and people's words in the last columns."""
    events = filtered_events(request, AuditFilterForm(request.GET))
    record_audit("audit.exported", request.organization, by=request.user, organization=request.organization)
    writer, zone = csv.writer(_Echo()), request.organization.zone

    def in_words(event: AuditEvent) -> list[str]:
        with timezone.override(zone):  # the request's own zone ends before the file does
            told = "; ".join(f"{one.label}: {one.before} → {one.after}" for one in changes_in_words(event))
            done = f"{words_of_kind(event.object_type)}: {words_of_action(event.action)}"
            return [f"{timezone.localtime(event.at):%Y-%m-%d %H:%M:%S}", _cell(done), _cell(told)]

    def lines() -> Iterator[str]:
        yield writer.writerow([
            "at", "actor", "action", "object", "object id", "label", "changes", "address", "request", "local time",
            "in words", "changes in words",
        ])  # fmt: skip
        for event in events.iterator(chunk_size=1000):
            changes = "; ".join(f"{name}: {pair[0]} → {pair[1]}" for name, pair in event.changes.items())
            yield writer.writerow([
                f"{event.at:%Y-%m-%dT%H:%M:%SZ}", _cell(event.actor_label), event.action, event.object_type,
                event.object_id, _cell(event.object_label), _cell(changes), event.ip or "", event.request_id,
                *in_words(event),
            ])  # fmt: skip

    answer = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="audit-{request.organization.slug}.csv"'
    return answer
