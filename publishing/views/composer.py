"""The composer: one idea, several accounts, and what each platform would say of it."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.errors import DomainError, PictureRefused
from accounts.ids import new_id
from accounts.middleware import OrganizationRequest
from accounts.models import Organization
from accounts.permissions import may, requires
from campaigns.models import Campaign
from connections.models import SocialConnection
from connections.platforms.base import Can
from publishing.allowances import Allowance, allowances
from publishing.composer import (
    EMOJI,
    AccountCheck,
    Composition,
    When,
    check,
    obstacles,
    resolve_when,
    submit_label,
    summary,
    what_happens,
)
from publishing.drafts import MediaUse
from publishing.forms import ALT_TEXT_LENGTH, ComposerForm
from publishing.media import store_upload
from publishing.models import PostGroup, PostStatus, SocialPost
from publishing.states import standing_of
from publishing.versions import EditedMeanwhile, deletion_of, wanted_time, writer_beside
from publishing.warnings import quota_warning, warnings_for
from publishing.writing import (
    AccountRefused,
    Desk,
    NotADraft,
    composition_of,
    differences,
    discard_drafts,
    discard_empty,
    open_desk,
    open_post,
    save_composition,
    send_composition,
)
from publishing.zones import YEARS

DEFAULT_TIME = time(9)
SENT_COOKIE = "composed"
"""Names what was just saved by hand, so that the browser lets go of its own copy of it."""
_KEEPS_UNFINISHED = timedelta(days=7)


@dataclass(frozen=True)
class AccountField:
    """One account on the page: its chip, its tab and its own text and pictures."""

    connection: SocialConnection
    is_chosen: bool
    reason: str
    is_locked: bool
    has_own_text: bool
    text: str
    has_own_media: bool
    media: tuple[MediaUse, ...]

    @property
    def is_disabled(self) -> bool:
        """An account that cannot be chosen; one that is chosen already can still be taken out."""
        return bool(self.reason) and not self.is_chosen


# --- pages ------------------------------------------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("posts.edit")
def compose(request: OrganizationRequest) -> HttpResponse:
    """A new idea, or with ``?group=`` all the posts of one. Also takes ``?at=`` and ``?connection=`` (repeatable)."""
    desk = _group_desk(request.organization, request.POST.get("group") or request.GET.get("group", ""))
    if request.method == "POST":
        return _submit(request, desk)
    if desk.is_closed:
        return _closed(request, desk)
    return _page(request, desk, **_first_look(request, desk))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("posts.edit")
def edit(request: OrganizationRequest, post_id: UUID) -> HttpResponse:
    """One post alone, with its own text, pictures and time."""
    post = SocialPost.objects.for_organization(request.organization).with_card().filter(pk=post_id).first()
    if post is None:
        return _deleted(request, post_id)
    desk = open_post(post)
    if request.method == "POST":
        return _submit(request, desk)
    if desk.is_closed:
        return _closed(request, desk)
    return _page(request, desk, **_first_look(request, desk))


@require_POST
@requires("posts.edit")
def check_composition(request: OrganizationRequest) -> HttpResponse:
    """What stands beside the text while a person types: counters, problems, tabs, time in words, previews."""
    desk = _desk_of(request)
    form = _form(request, desk)
    now = timezone.now()
    context = (
        _judged(request, desk, form.composition(), form.resolved_when(now), now)
        | _pointers(form.sent)
        | {"is_update": True}
    )
    return render(request, "publishing/_compose_check.html", context)


@require_POST
@requires("posts.edit")
def autosave(request: OrganizationRequest) -> JsonResponse:
    """Keep what is on the page as drafts. Answers ``state``: saved or empty (with ``version``), kept (in the browser only),
    conflict (with ``html``: who changed what) or closed. ``leaving`` is sent when a page goes that holds nothing."""
    if gone := _gone(request):
        return JsonResponse({"state": "closed", "text": gone})
    desk = _desk_of(request)
    composition = _form(request, desk).composition()
    is_left = desk.post is None or "leaving" in request.POST
    try:
        if composition.is_empty and desk.takes_autosave and is_left:
            # What was emptied is no draft any more. A page of one post alone stays until it is left.
            desk = discard_empty(desk, by=request.user, version=_version(request))
            return JsonResponse({"state": "empty", "version": desk.version})
        desk = save_composition(desk, composition, by=request.user, only_drafts=True, version=_version(request))
    except EditedMeanwhile as error:
        context = {"conflict": error, "is_autosave": True, "address": _address(desk)}
        html = render_to_string("publishing/_compose_conflict.html", context, request)
        return JsonResponse({"state": "conflict", "text": str(error), "html": html})
    except NotADraft as error:
        state = "closed" if desk.is_closed else "kept"
        return JsonResponse({"state": state, "text": str(error)})
    except DomainError as error:
        return JsonResponse({"state": "closed", "text": str(error)})
    saved_at = date_format(timezone.localtime(), "H:i")
    text = _("Draft saved %(time)s") if desk.posts else _("Text saved %(time)s. Choose an account to make it a draft.")
    return JsonResponse({
        "state": "saved", "text": text % {"time": saved_at}, "url": _address(desk), "version": desk.version,
    })  # fmt: skip


@require_POST
@requires("posts.delete")
def discard(request: OrganizationRequest) -> HttpResponse:
    """Delete the drafts of this page."""
    desk = _desk_of(request)
    try:
        count = discard_drafts(desk, by=request.user, version=_version(request))
    except DomainError as error:
        messages.error(request, _("%(reason)s Look at it before you delete it.") % {"reason": error})
        return redirect(_address(desk))
    text = (
        ngettext("%(count)d draft deleted.", "%(count)d drafts deleted.", count) % {"count": count}
        if count
        else _("Discarded.")
    )
    messages.success(request, text)
    return _forget(redirect("publishing:calendar"), request, desk)


# --- saving -----------------------------------------------------------------------------------------------------------


def _submit(request: OrganizationRequest, desk: Desk) -> HttpResponse:
    """Save, then schedule all accounts or none. Whatever is refused, the text stays, saved and on the page."""
    form = _form(request, desk)
    now = timezone.now()
    composition, when = form.composition(), form.resolved_when(now)
    if when.kind != "draft" and not may(request.membership, "posts.publish"):
        raise PermissionDenied
    if desk.is_closed:
        return _closed(request, desk, kept=composition)
    composition, refused = _with_files(request, composition)
    if composition.is_empty:
        return _refuse(
            request, desk, composition, when, form, _("There is nothing to save yet: write something or add a picture.")
        )
    time = wanted_time(when.kind, when.at)
    try:
        desk = save_composition(desk, composition, by=request.user, version=_version(request), time=time)
    except EditedMeanwhile as error:
        return _refuse(request, _reread(desk), composition, when, form, "", conflict=error)
    except DomainError as error:
        return _refuse(request, desk, composition, when, form, str(error))
    sentence = refused or _obstacle(composition, when)
    if sentence:
        return _refuse(request, desk, composition, when, form, sentence)
    try:
        posts = send_composition(desk, composition, kind=when.kind, at=when.at, by=request.user, now=now)
    except EditedMeanwhile as error:
        return _refuse(request, _reread(desk), composition, when, form, "", conflict=error)
    except AccountRefused as error:
        text = _("Nothing was scheduled. %(account)s: %(reason)s") % {"account": error.connection, "reason": error}
        return _refuse(request, _reread(desk), composition, when, form, text)
    messages.success(request, _done(when, posts, request.organization))
    return _forget(redirect(_after(when, request.organization)), request, desk)


def _obstacle(composition: Composition, when: When) -> str:
    if when.kind == "draft":
        return "" if composition.connections else _("The text is saved. Choose an account to make it a draft.")
    if not composition.connections:
        return _("Choose at least one account. The text is saved.")
    found = summary(check(composition))
    if when.problem:
        found = f"{found} {when.problem}".strip()
    return found


def _with_files(request: OrganizationRequest, composition: Composition) -> tuple[Composition, str]:
    """Pictures that came with the form itself (a browser without scripts), and why some were not taken."""
    media, refused = list(composition.media), []
    for file in request.FILES.getlist("files"):
        if not may(request.membership, "media.edit"):
            raise PermissionDenied
        try:
            asset = store_upload(request.organization, file, by=request.user)
        except PictureRefused as error:
            refused.append(str(error))
        else:
            media.append(MediaUse(asset, asset.alt_text))
    return replace(composition, media=tuple(media)), " ".join(refused)


def _refuse(
    request: OrganizationRequest,
    desk: Desk,
    composition: Composition,
    when: When,
    form: ComposerForm,
    sentence: str,
    conflict: EditedMeanwhile | None = None,
) -> HttpResponse:
    if desk.is_closed:
        return _closed(request, desk, kept=composition)
    return _page(
        request, desk, composition=composition, when=when, fields=_when_fields(form.sent), pointers=_pointers(form.sent),
        refusal=sentence, conflict=conflict, status=409 if conflict else 422,
    )  # fmt: skip


def _reread(desk: Desk) -> Desk:
    if desk.post is not None:
        return open_post(SocialPost.objects.for_organization(desk.organization).with_card().get(pk=desk.post.pk))
    return open_desk(desk.organization, desk.group_id)


def _done(when: When, posts: list[SocialPost], organization: Organization) -> str:
    count = {"count": len(posts)}
    if when.kind == "draft":
        return ngettext("Saved as a draft.", "%(count)d drafts saved.", len(posts)) % count
    if when.at is None:
        return ngettext("The post is on its way.", "%(count)d posts are on their way.", len(posts)) % count
    moment = date_format(when.at.astimezone(organization.zone), "D j M Y, H:i")
    return ngettext("Scheduled for %(time)s.", "%(count)d posts scheduled for %(time)s.", len(posts)) % (
        count | {"time": moment}
    )


def _after(when: When, organization: Organization) -> str:
    calendar = reverse("publishing:calendar")
    return f"{calendar}?date={when.at.astimezone(organization.zone):%Y-%m-%d}" if when.at else calendar


def _forget(response: HttpResponse, request: HttpRequest, desk: Desk) -> HttpResponse:
    """Name what was saved in a cookie that scripts may read: its copy in the browser is not needed any more."""
    known = [name for name in request.COOKIES.get(SENT_COOKIE, "").split(".") if name][-4:]
    response.set_cookie(
        SENT_COOKIE, ".".join([*known, _desk_name(desk)]), max_age=14 * 24 * 3600, path="/", samesite="Lax",
        secure=request.is_secure(),
    )  # fmt: skip
    return response


# --- reading the request ----------------------------------------------------------------------------------------------


def _group_desk(organization: Organization, text: str) -> Desk:
    try:
        group_id = UUID(text) if text else new_id()
        return open_desk(organization, group_id)
    except (ValueError, PostGroup.DoesNotExist) as error:
        raise Http404("no such post group") from error


def _desk_of(request: OrganizationRequest) -> Desk:
    """The desk that a form belongs to: its ``post`` field, else its ``group``."""
    if named := request.POST.get("post"):
        posts = SocialPost.objects.for_organization(request.organization).with_card()
        try:
            return open_post(posts.get(pk=UUID(named)))
        except (ValueError, SocialPost.DoesNotExist) as error:
            raise Http404("no such post") from error
    return _group_desk(request.organization, request.POST.get("group", ""))


def _version(request: HttpRequest) -> str | None:
    """What the page showed when it was made or last saved. A button that was pressed comes after the hidden field."""
    return request.POST.get("version")


def _gone(request: OrganizationRequest) -> str:
    """Who deleted the post that a form is about, when that happened; else ""."""
    try:
        post_id = UUID(request.POST.get("post", ""))
    except ValueError:
        return ""
    if SocialPost.objects.for_organization(request.organization).filter(pk=post_id).exists():
        return ""
    return deletion_of(request.organization, post_id, by=request.user)


def _deleted(request: OrganizationRequest, post_id: UUID) -> HttpResponse:
    """Someone writes at a post that is not there: with what they wrote when it was deleted, else 404."""
    sentence = deletion_of(request.organization, post_id, by=request.user)
    if request.method != "POST" or not sentence:
        raise Http404("no such post")
    chosen = SocialConnection.objects.for_organization(request.organization).in_use()
    kept = ComposerForm(request.POST, organization=request.organization, connections=chosen).composition()
    context = {"posts": [], "deleted": sentence, "kept": kept, "written": _written(kept)}
    return render(request, "publishing/compose_closed.html", context, status=409)


def _choosable(organization: Organization, desk: Desk) -> list[SocialConnection]:
    if desk.post is not None:
        return [desk.post.connection]
    found = list(SocialConnection.objects.for_organization(organization).in_use().by_name())
    known = {connection.pk for connection in found}
    return found + [post.connection for post in desk.posts if post.connection_id not in known]


def _form(request: OrganizationRequest, desk: Desk) -> ComposerForm:
    """The form as it was sent. Accounts whose post is closed or waits in the queue cannot be taken out of it here."""
    sent: QueryDict = request.POST.copy()
    closed = {str(post.connection_id) for post in desk.closed}
    fixed = [
        str(post.connection_id) for post in desk.editable if desk.post is not None or post.status != PostStatus.DRAFT
    ]
    sent.setlist(
        "connections", list(dict.fromkeys([*(c for c in sent.getlist("connections") if c not in closed), *fixed]))
    )
    return ComposerForm(
        sent,
        organization=request.organization,
        connections=_choosable(request.organization, desk),
        options={post.connection_id: post.options for post in desk.editable},
    )


def _first_look(request: OrganizationRequest, desk: Desk) -> dict[str, Any]:
    """What the page shows before anything was typed."""
    zone, now = request.organization.zone, timezone.now()
    usable = SocialConnection.objects.for_organization(request.organization).active().by_name()
    wanted = set(request.GET.getlist("connection"))
    chosen = [connection for connection in usable if str(connection.pk) in wanted]
    if not wanted and not desk.posts:
        chosen = list(usable[:2])
        chosen = chosen if len(chosen) == 1 else []
    composition = composition_of(desk, chosen)
    campaign = request.GET.get("campaign", "")
    if campaign and not desk.posts:
        composition = _in_campaign(composition, request.organization, campaign)
    stored = next((post.scheduled_at for post in desk.editable if post.scheduled_at), None)
    at = stored or _asked_for(request.GET.get("at", ""), request.organization, now)
    statuses = {post.status for post in desk.editable}
    kind = "at" if at or not statuses or statuses != {PostStatus.DRAFT} else "draft"
    local = (at or _proposal(now, request.organization)).astimezone(zone)
    fields = {
        "when": kind,
        "date": f"{local:%Y-%m-%d}",
        "time": f"{local:%H:%M}",
        "fold": str(local.fold),
        "instead": "",
    }
    when = resolve_when(kind, local.replace(tzinfo=None, fold=0), zone=zone, now=now, fold=fields["fold"])
    return {"composition": composition, "when": when, "fields": fields, "pointers": {"tab": "", "preview": ""}}


def _in_campaign(composition: Composition, organization: Organization, campaign_id: str) -> Composition:
    try:
        campaign = Campaign.objects.for_organization(organization).open().filter(pk=UUID(campaign_id)).first()
    except ValueError:
        return composition
    return replace(composition, campaign=campaign)


def _asked_for(text: str, organization: Organization, now: datetime) -> datetime | None:
    """``?at=`` as a moment: ISO with an offset, local wall time, or a day alone (then nine o'clock, or the next full hour
    when that is over). None for what makes no sense."""
    try:
        day = parse_date(text)
        moment = None if day else parse_datetime(text)
    except ValueError:
        return None
    if (day or moment or now).year not in YEARS:
        return None
    if day is not None:
        proposal = datetime.combine(day, DEFAULT_TIME, organization.zone)
        return proposal if proposal > now else max(_next_hour(now, organization), proposal)
    if moment is None:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=organization.zone)


def _next_hour(now: datetime, organization: Organization) -> datetime:
    local = (now + timedelta(minutes=70)).astimezone(UTC).astimezone(organization.zone)
    return local.replace(minute=0, second=0, microsecond=0)


def _proposal(now: datetime, organization: Organization) -> datetime:
    """Tomorrow at nine."""
    tomorrow: date = now.astimezone(organization.zone).date() + timedelta(days=1)
    return datetime.combine(tomorrow, DEFAULT_TIME, organization.zone)


def _when_fields(sent: Any) -> dict[str, str]:
    return {name: str(sent.get(name) or "") for name in ("when", "date", "time", "fold", "instead")}


def _pointers(sent: Any) -> dict[str, str]:
    """Which variant and which preview are open; the page keeps them while parts of it are replaced."""
    return {name: str(sent.get(name) or "") for name in ("tab", "preview")}


# --- showing ----------------------------------------------------------------------------------------------------------


def _page(
    request: OrganizationRequest,
    desk: Desk,
    *,
    composition: Composition,
    when: When,
    fields: dict[str, str],
    pointers: dict[str, str],
    refusal: str = "",
    conflict: EditedMeanwhile | None = None,
    status: int = 200,
) -> HttpResponse:
    now = timezone.now()
    accounts = [_account(connection, composition, desk) for connection in _choosable(request.organization, desk)]
    accounts.sort(key=lambda account: bool(account.reason))  # what can be chosen comes first
    context = (
        _judged(request, desk, composition, when, now)
        | pointers
        | {
            "desk": desk,
            "desk_name": _desk_name(desk),
            "accounts": accounts,
            "composition": composition,
            "fields": fields,
            "refusal": refusal,
            "conflict": conflict,
            # Until the person has chosen, the page goes on from what it saw: no save of it may overwrite the rest.
            "version": _version(request) if conflict else desk.version,
            "differs": differences(desk.editable) if desk.post is None else [],
            "siblings": _siblings(desk),
            "campaigns": _campaigns(request.organization, composition),
            "emoji": EMOJI,
            "alt_text_length": ALT_TEXT_LENGTH,
            "can_comment": any(account.connection.can(Can.FIRST_COMMENT) for account in accounts),
            "commenters": [one.label for one in check(composition) if one.connection.can(Can.FIRST_COMMENT)],
            "takes_autosave": desk.takes_autosave,
            "has_drafts": any(post.status == PostStatus.DRAFT for post in desk.posts),
            "address": _address(desk),
            "beside": "" if conflict else writer_beside(desk.posts, by=request.user, now=now),
            "unfinished": _unfinished(request, desk, now) if request.method == "GET" else None,
            "storage_scope": f"parley-composer:{request.organization.pk}:{request.user.pk}",
        }
    )
    return render(request, "publishing/compose.html", context, status=status)


def _judged(
    request: OrganizationRequest, desk: Desk, composition: Composition, when: When, now: datetime
) -> dict[str, Any]:
    organization = request.organization
    checks = check(composition)
    left = _allowances(checks, desk, when, now)
    checks = _warned(checks, left, organization, desk, when, now)
    return {
        "checks": checks,
        "obstacles": obstacles(checks),
        "allowances": left,
        "when": when,
        "happening": what_happens(when, checks, zone=organization.zone, zone_name=organization.time_zone, now=now),
        "submit_label": submit_label(when, zone=organization.zone),
        "preview_time": (when.at or now).astimezone(organization.zone),
        "may_publish": may(request.membership, "posts.publish"),
        "tabs": _tabs(checks),
    }


def _allowances(checks: list[AccountCheck], desk: Desk, when: When, now: datetime) -> list[tuple[str, Allowance]]:
    """The chosen accounts' short names with what each may still publish at the chosen time."""
    labels = {one.connection.pk: one.label for one in checks}
    found = allowances(
        [one.connection for one in checks], at=when.at or now, now=now, besides=[post.pk for post in desk.posts]
    )
    return [(labels[one.connection.pk], one) for one in found]


def _warned(
    checks: list[AccountCheck],
    left: list[tuple[str, Allowance]],
    organization: Organization,
    desk: Desk,
    when: When,
    now: datetime,
) -> list[AccountCheck]:
    """The same with what a person should know about the chosen time and text, but may do all the same."""
    if when.kind == "draft" or when.problem:
        return checks
    quotas = {one.connection.pk: quota_warning(one) for _label, one in left}
    besides = [post.pk for post in desk.posts]
    found = []
    for one in checks:
        one.connection.organization = organization  # saves a query for each
        warnings = warnings_for(
            one.connection,
            one.given,
            when.at or now,
            besides=besides,
            now=now,
            is_now=when.at is None,
            with_budget=False,
        )
        quota = quotas.get(one.connection.pk)
        found.append(replace(one, problems=(*one.problems, *warnings, *([quota] if quota else []))))
    return found


def _tabs(checks: list[AccountCheck]) -> list[dict[str, Any]]:
    return [
        {
            "id": str(one.connection.pk),
            "label": one.label,
            "changed": one.is_own,
            "state": "over" if one.state == "over" else "problem" if one.is_blocked else "",
        }
        for one in checks
    ]


def _account(connection: SocialConnection, composition: Composition, desk: Desk) -> AccountField:
    post = desk.post_of(connection)
    reason, is_locked = "", False
    if post is not None and post in desk.closed:
        reason = standing_of(post, now=timezone.now()).label
    elif connection.disconnected_at is not None:
        reason = _("disconnected")
    elif not connection.is_active:
        reason = _("reconnect it first")
    if desk.post is not None or (post is not None and post in desk.editable and post.status != PostStatus.DRAFT):
        is_locked = True
    own = composition.own_media.get(connection.pk)
    return AccountField(
        connection=connection,
        is_chosen=connection in composition.connections,
        reason=reason,
        is_locked=is_locked,
        has_own_text=connection.pk in composition.own_texts,
        text=composition.own_texts.get(connection.pk, composition.text),
        has_own_media=own is not None,
        media=own if own is not None else (),
    )


def _siblings(desk: Desk) -> int:
    """How many other posts share the idea of a post that is edited alone."""
    if desk.post is None or desk.post.group_id is None:
        return 0
    others = SocialPost.objects.for_organization(desk.organization).filter(group_id=desk.post.group_id)
    return others.exclude(pk=desk.post.pk).count()


def _campaigns(organization: Organization, composition: Composition) -> list[Campaign]:
    found = list(Campaign.objects.for_organization(organization).open())
    if composition.campaign and composition.campaign not in found:
        found.append(composition.campaign)
    return found


def _unfinished(request: OrganizationRequest, desk: Desk, now: datetime) -> PostGroup | None:
    """A text of this person that never found its account, when they come to write a new one."""
    if desk.group is not None or desk.post is not None:
        return None
    groups = PostGroup.objects.for_organization(request.organization).filter(
        created_by=request.user, posts__isnull=True
    )
    return groups.exclude(content="").filter(created_at__gte=now - _KEEPS_UNFINISHED).order_by("-created_at").first()


def _closed(request: OrganizationRequest, desk: Desk, kept: Composition | None = None) -> HttpResponse:
    """What can no longer be changed, and why. ``kept``: what the person had just written, so that it is not lost."""
    now = timezone.now()
    posts = [(post, standing_of(post, now=now)) for post in desk.posts]
    context = {"posts": posts, "kept": kept, "written": _written(kept) if kept else []}
    return render(request, "publishing/compose_closed.html", context, status=409 if kept else 200)


def _written(composition: Composition) -> list[str]:
    return list(dict.fromkeys(text for text in (composition.text, *composition.own_texts.values()) if text.strip()))


def _desk_name(desk: Desk) -> str:
    return str(desk.post.pk if desk.post is not None else desk.group_id)


def _address(desk: Desk) -> str:
    if desk.post is not None:
        return reverse("publishing:edit", args=[desk.post.pk])
    return f"{reverse('publishing:compose')}?group={desk.group_id}"
