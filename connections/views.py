"""Pages of connections, and the two addresses of the consent journey."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.audit_words import words_of_action
from accounts.errors import DomainError
from accounts.middleware import OrganizationRequest
from accounts.models import AuditEvent, Membership
from accounts.permissions import may, requires
from connections.budgets import quotas
from connections.capabilities import capabilities_of, capability_table
from connections.cards import card_of, tile_of
from connections.consents import (
    choose_accounts,
    complete_consent,
    open_choice,
    refuse_denied,
    start_consent,
    take_consent,
)
from connections.credentials import is_configured, redirect_uri, remove_platform_app, save_platform_app
from connections.errors import ConsentFailed, PlatformError
from connections.forms import PlatformAppForm
from connections.models import Consent, PlatformApp, SocialConnection
from connections.platforms.base import Platform, platform_class, platforms
from connections.services import disconnect, sync_profile, validate_connection
from connections.tokens import refresh_connection
from connections.words import TONES

log = structlog.get_logger(__name__)

LOG_LENGTH = 40
CANCELLED_BY_DISCONNECTING = ("SCHEDULED", "PENDING_APPROVAL")


def _platform(name: str) -> type[Platform]:
    try:
        found = platform_class(name)
    except KeyError:
        raise Http404 from None
    if name != found.name.lower():
        raise Http404
    return found


def _connection(request: OrganizationRequest, connection_id: UUID) -> SocialConnection:
    rows = SocialConnection.objects.for_organization(request.organization).select_related("organization")
    return get_object_or_404(rows, pk=connection_id)


# --- the journey ------------------------------------------------------------------------------------------------------


@never_cache
@require_GET
@requires("connections.manage")
def start(request: OrganizationRequest, platform: str) -> HttpResponse:
    """Send the person to the platform's consent page. ``?server=`` names a Mastodon server, ``?connection=`` the account
    to reconnect."""
    cls = _platform(platform)
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        # Another site sent the browser here: with a server of its own, it would connect an account of its own.
        messages.info(request, _("Choose “Connect” here to start. Another site cannot start it for you."))
        return redirect("connections:list")
    reconnects = None
    if request.GET.get("connection"):
        try:
            reconnects = _connection(request, UUID(request.GET["connection"]))
        except ValueError:
            raise Http404 from None
        if reconnects.platform != cls.name:
            raise Http404
    try:
        address = start_consent(
            request.organization,
            cls,
            user=request.user,
            session=request.session,
            typed_server=request.GET.get("server", "").strip(),
            reconnects=reconnects,
        )
    except ConsentFailed as error:
        messages.error(request, str(error))
        return redirect("connections:list")
    return redirect(address)


@never_cache
@require_GET
@requires("connections.manage")
def callback(request: OrganizationRequest, platform: str) -> HttpResponse:
    """Where a platform sends the person back to. Every way it can go wrong ends on the connections page, in a
    sentence."""
    cls = _platform(platform)
    state, code, refusal = (request.GET.get(name, "") for name in ("state", "code", "error"))
    try:
        if refusal and not state:
            raise refuse_denied(cls, refusal, server_url="")
        consent = take_consent(cls, state=state, user=request.user, session=request.session)
        if refusal or not code:
            raise refuse_denied(cls, refusal, server_url=consent.server_url)
        membership = Membership.objects.for_organization(consent.organization).filter(user=request.user).first()
        if not may(membership, "connections.manage"):
            raise ConsentFailed(_("Your role no longer allows you to connect accounts."))
        outcome = complete_consent(consent, code=code, by=request.user)
    except ConsentFailed as error:
        messages.error(request, str(error))
        return redirect("connections:list")
    if outcome.choice is not None:
        return redirect("connections:choose", outcome.choice.pk)
    _say_connected(request, outcome.connected)
    return redirect("connections:list")


def _say_connected(request: HttpRequest, connected: tuple[SocialConnection, ...]) -> None:
    names = ", ".join(f"{one.account_name} ({one.platform_label})" for one in connected)
    messages.success(request, _("Connected: %(names)s.") % {"names": names})
    for connection in connected:
        broad = connection.platform_class.broad_scopes
        if broad and set(broad) <= set(connection.permissions):
            messages.info(
                request,
                _("The server of %(account)s knows only broad permissions: Parley has these there (%(scopes)s) and uses what it needs.")
                % {"account": connection, "scopes": ", ".join(broad)},
            )  # fmt: skip
        if connection.missing_permissions:
            messages.warning(
                request,
                _("%(account)s was connected without some permissions. Use “Grant permissions” on its card to add them.")
                % {"account": connection},
            )  # fmt: skip


@never_cache
@require_http_methods(["GET", "POST"])
@requires("connections.manage")
def choose(request: OrganizationRequest, consent_id: UUID) -> HttpResponse:
    """Which of the accounts that a consent opened to connect; several at once."""
    consent = get_object_or_404(
        Consent.objects.for_organization(request.organization).filter(user=request.user), pk=consent_id
    )
    problem = ""
    try:
        candidates = open_choice(consent, user=request.user, session=request.session)
        if request.method == "POST":
            try:
                connected = choose_accounts(
                    consent, request.POST.getlist("accounts"), by=request.user, session=request.session
                )
            except ConsentFailed as error:
                if error.field != "accounts":
                    raise
                problem = str(error)
            else:
                _say_connected(request, connected)
                return redirect("connections:list")
    except ConsentFailed as error:
        messages.error(request, str(error))
        return redirect("connections:list")
    context = {
        "consent": consent,
        "platform": platform_class(consent.platform),
        "candidates": candidates,
        "problem": problem,
    }
    return render(request, "connections/choose.html", context, status=422 if problem else 200)


def _said(request: HttpRequest) -> dict[str, Any]:
    """What just happened, for the page itself: a reason with a next step must not fade like a toast, nor stand twice."""
    return {"said": list(messages.get_messages(request)), "messages": []}


# --- pages ------------------------------------------------------------------------------------------------------------


@require_GET
@requires("connections.view")
def connection_list(request: OrganizationRequest) -> HttpResponse:
    now = timezone.now()
    rows = SocialConnection.objects.for_organization(request.organization).by_name()
    # What does not work comes first.
    cards = sorted((card_of(row, now) for row in rows), key=lambda card: not card.problem)
    apps = {app.platform: app for app in PlatformApp.objects.for_organization(request.organization)}
    known = platforms()
    table = capability_table(known)
    tiles = [
        tile_of(cls, apps.get(cls.name), is_configured=cls.name in apps or is_configured(request.organization, cls))
        for cls in known
    ]
    context = {
        "cards": [card for card in cards if card.connection.disconnected_at is None],
        "gone": [card for card in cards if card.connection.disconnected_at is not None],
        "tiles": tiles,
        "platforms": known,
        "supported": [row for row in table if row.is_supported],
        "unsupported": [row for row in table if not row.is_supported],
        "absences": [
            (cls, [row.cells[position] for row in table if row.cells[position].reason])
            for position, cls in enumerate(known)
        ],
    }
    context |= _said(request)
    return render(request, "connections/list.html", context)


@require_GET
@requires("connections.view")
def connection_detail(request: OrganizationRequest, connection_id: UUID) -> HttpResponse:
    connection = _connection(request, connection_id)
    events = AuditEvent.objects.for_organization(request.organization).filter(
        object_type="socialconnection", object_id=str(connection.pk)
    )
    cells = capabilities_of(connection)
    context = {
        "card": card_of(connection, timezone.now()),
        "connection": connection,
        "cells": [cell for cell in cells if cell.supports],
        "later": [cell for cell in cells if cell.offers and not cell.supports],
        "absent": [cell for cell in cells if not cell.offers],
        "limits": connection.effective_limits,
        "quotas": [(quota, _window(quota.window)) for quota in quotas(connection)] if connection.is_active else [],
        "events": [(event, _words(event)) for event in events[:LOG_LENGTH]],
    }
    context |= _said(request)
    return render(request, "connections/detail.html", context)


def _window(window: timedelta) -> str:
    """A budget's window in words: "15 minutes", "1 day"."""
    minutes = int(window.total_seconds() // 60)
    if minutes % 1440 == 0:
        return ngettext("%(count)d day", "%(count)d days", minutes // 1440) % {"count": minutes // 1440}
    if minutes % 60 == 0:
        return ngettext("%(count)d hour", "%(count)d hours", minutes // 60) % {"count": minutes // 60}
    return ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}


def _words(event: AuditEvent) -> tuple[str, str, str]:
    """An audit event of a connection as (sentence, detail, tone)."""
    sentence, tone = words_of_action(event.action), TONES.get(event.action, "")
    changes = event.changes
    if event.action == "connection.validated" and changes.get("is_valid") == [None, False]:
        sentence, tone = _("Access checked: no longer accepted"), "danger"
    detail = next(
        (str(changes[name][1]) for name in ("error_message", "reason") if (changes.get(name) or [0, 0])[1]), ""
    )
    return sentence, detail, tone


@require_GET
@requires("connections.view")
def avatar(request: OrganizationRequest, connection_id: UUID) -> HttpResponseBase:
    """Our copy of an account's picture."""
    connection = _connection(request, connection_id)
    if not connection.avatar:
        raise Http404
    try:
        body = connection.avatar.open("rb")
    except OSError:
        raise Http404 from None
    content_type = "image/png" if str(connection.avatar.name).endswith(".png") else "image/jpeg"
    return FileResponse(
        body,
        content_type=content_type,
        headers={"Cache-Control": "private, max-age=86400", "X-Content-Type-Options": "nosniff"},
    )


# --- what a person may do ---------------------------------------------------------------------------------------------


@require_POST
@requires("connections.manage")
def refresh(request: OrganizationRequest, connection_id: UUID) -> HttpResponse:
    connection = _connection(request, connection_id)
    try:
        refresh_connection(connection, by=request.user)
        messages.success(request, _("Access to %(account)s was renewed.") % {"account": connection})
    except DomainError as error:
        messages.error(request, str(error))
    return redirect("connections:detail", connection.pk)


@require_POST
@requires("connections.manage")
def validate(request: OrganizationRequest, connection_id: UUID) -> HttpResponse:
    connection = _connection(request, connection_id)
    try:
        validation = validate_connection(connection, by=request.user)
    except DomainError as error:
        messages.error(request, str(error))
    else:
        if validation.is_valid:
            messages.success(request, _("%(platform)s accepts the access.") % {"platform": connection.platform_label})
        else:
            messages.error(
                request, connection.error_message or _("The access is no longer accepted. Reconnect the account.")
            )
    return redirect("connections:detail", connection.pk)


@require_POST
@requires("connections.sync")
def sync(request: OrganizationRequest, connection_id: UUID) -> HttpResponse:
    connection = _connection(request, connection_id)
    try:
        sync_profile(connection, by=request.user)
        messages.success(request, _("The profile of %(account)s is up to date.") % {"account": connection})
    except DomainError as error:
        messages.error(request, str(error))
    return redirect("connections:detail", connection.pk)


@require_http_methods(["GET", "POST"])
@requires("connections.manage")
def disconnect_page(request: OrganizationRequest, connection_id: UUID) -> HttpResponse:
    """Asks first, and lists the posts that will be cancelled."""
    connection = _connection(request, connection_id)
    if connection.disconnected_at is not None:
        messages.info(request, _("%(account)s is already disconnected.") % {"account": connection})
        return redirect("connections:list")
    if request.method == "POST":
        reason = _("%(account)s was disconnected by %(person)s.") % {
            "account": connection.account_name, "person": request.user.display_name,
        }  # fmt: skip
        disconnect(connection, by=request.user, reason=reason)
        messages.success(
            request,
            _("%(account)s is disconnected. Its posts and their engagement stay here.") % {"account": connection},
        )
        return redirect("connections:list")
    waiting = list(connection.posts.filter(status__in=CANCELLED_BY_DISCONNECTING).order_by("scheduled_at"))
    context = {
        "connection": connection,
        "card": card_of(connection, timezone.now()),
        "posts": waiting,
        "summary": ngettext(
            "%(count)d scheduled post will be cancelled.", "%(count)d scheduled posts will be cancelled.", len(waiting)
        )
        % {"count": len(waiting)},
    }
    return render(request, "connections/disconnect.html", context)


@require_http_methods(["GET", "POST"])
@requires("connections.manage")
def platform_app(request: OrganizationRequest, platform: str) -> HttpResponse:
    """An organization's own app at a platform: tested on save, its secret never shown again."""
    cls = _platform(platform)
    if cls.needs_server:
        raise Http404
    own = PlatformApp.objects.for_organization(request.organization).filter(platform=cls.name, server_url="").first()
    form = PlatformAppForm(
        request.POST or None, initial={"client_id": own.client_id if own else ""}, has_secret=own is not None
    )
    if request.method == "POST" and form.is_valid():
        try:
            save_platform_app(
                request.organization,
                cls,
                client_id=form.cleaned_data["client_id"],
                client_secret=form.cleaned_data["client_secret"],
                by=request.user,
            )
        except PlatformError as error:
            form.add_error(None, _("Not saved: %(reason)s") % {"reason": error})
        else:
            messages.success(
                request, _("%(platform)s accepted the app. New connections use it.") % {"platform": cls.label}
            )
            return redirect("connections:list")
    context = {"platform": cls, "form": form, "own": own, "redirect_uri": redirect_uri(cls)}
    return render(request, "connections/platform_app.html", context, status=422 if form.errors else 200)


@require_POST
@requires("connections.manage")
def remove_app(request: OrganizationRequest, platform: str) -> HttpResponse:
    cls = _platform(platform)
    remove_platform_app(request.organization, cls, by=request.user)
    messages.success(request, _("The app of %(platform)s was removed.") % {"platform": cls.label})
    return redirect("connections:list")
