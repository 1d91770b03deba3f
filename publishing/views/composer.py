"""The composer: one idea, several accounts, and what each platform would say of it."""

from dataclasses import replace
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.errors import DomainError, PictureRefused
from accounts.middleware import OrganizationRequest
from accounts.models import Organization
from accounts.permissions import may, requires
from connections.models import SocialConnection
from publishing.composer import Composition, check, summary
from publishing.drafts import MediaUse
from publishing.forms import ComposerForm
from publishing.media import store_upload
from publishing.models import SocialPost
from publishing.versions import EditedMeanwhile, deletion_of, wanted_time
from publishing.views.composer_page import address_of, closed_page, composer_page, desk_name, judged, texts_of
from publishing.views.composer_request import (
    desk_of_form,
    desk_of_group,
    first_look,
    form_of,
    pointers_of,
    version_seen,
)
from publishing.when import When
from publishing.writing import (
    AccountRefused,
    Desk,
    NotADraft,
    discard_drafts,
    discard_empty,
    open_desk,
    open_post,
    save_composition,
    send_composition,
)

SENT_COOKIE = "composed"
"""Names what was just saved by hand, so that the browser lets go of its own copy of it."""


# --- pages ------------------------------------------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("posts.edit")
def compose(request: OrganizationRequest) -> HttpResponse:
    """A new idea, or with ``?group=`` all the posts of one. Also takes ``?at=``, ``?connection=`` (repeatable) and
    ``?copy=``, a post to begin with."""
    desk = desk_of_group(request.organization, request.POST.get("group") or request.GET.get("group", ""))
    if request.method == "POST":
        return _submit(request, desk)
    if desk.is_closed:
        return closed_page(request, desk)
    return composer_page(request, desk, **first_look(request, desk))


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
        return closed_page(request, desk)
    return composer_page(request, desk, **first_look(request, desk))


@require_POST
@requires("posts.edit")
def check_composition(request: OrganizationRequest) -> HttpResponse:
    """What stands beside the text while a person types: counters, problems, tabs, time in words, previews. ``refused`` is
    the refusal that the page shows."""
    desk = desk_of_form(request)
    form = form_of(request, desk)
    now = timezone.now()
    composition, when = form.composition(), form.resolved_when(now)
    context = judged(request, desk, composition, when, now) | pointers_of(form.sent) | {"is_update": True}
    if refused := request.POST.get("refused"):
        # The refusal on the page goes, or says what is left, as soon as that has changed.
        refusal = _obstacle(composition, when)
        context |= {"refusal": refusal, "is_refusal_old": refusal == refused}
    return render(request, "publishing/_compose_check.html", context)


@require_POST
@requires("posts.edit")
def autosave(request: OrganizationRequest) -> JsonResponse:
    """Keep what is on the page as drafts. Answers ``state``: saved or empty (with ``version``), kept (in the browser only),
    conflict (with ``html``: who changed what) or closed. ``leaving`` is sent when a page goes that holds nothing."""
    if gone := _gone(request):
        return JsonResponse({"state": "closed", "text": gone})
    desk = desk_of_form(request)
    composition = form_of(request, desk).composition()
    is_left = desk.post is None or "leaving" in request.POST
    try:
        if composition.is_empty and desk.takes_autosave and is_left:
            # What was emptied is no draft any more. A page of one post alone stays until it is left.
            desk = discard_empty(desk, by=request.user, version=version_seen(request))
            return JsonResponse({"state": "empty", "version": desk.version})
        desk = save_composition(desk, composition, by=request.user, only_drafts=True, version=version_seen(request))
    except EditedMeanwhile as error:
        context = {"conflict": error, "is_autosave": True, "address": address_of(desk)}
        html = render_to_string("publishing/_compose_conflict.html", context, request)
        return JsonResponse({"state": "conflict", "text": str(error), "html": html})
    except NotADraft as error:
        state = "closed" if desk.is_closed else "kept"
        return JsonResponse({"state": state, "text": str(error)})
    except DomainError as error:
        return JsonResponse({"state": "closed", "text": str(error)})
    saved_at = date_format(timezone.localtime(), "H:i")
    text = (
        _("Draft saved %(time)s") if desk.posts else _("Text saved %(time)s. Choose an account to keep it as a draft.")
    )
    return JsonResponse({
        "state": "saved", "text": text % {"time": saved_at}, "url": address_of(desk), "version": desk.version,
    })  # fmt: skip


@require_POST
@requires("posts.delete")
def discard(request: OrganizationRequest) -> HttpResponse:
    """Delete the drafts of this page."""
    desk = desk_of_form(request)
    try:
        count = discard_drafts(desk, by=request.user, version=version_seen(request))
    except DomainError as error:
        messages.error(request, _("%(reason)s Look at it before you delete it.") % {"reason": error})
        return redirect(address_of(desk))
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
    form = form_of(request, desk)
    now = timezone.now()
    composition, when = form.composition(), form.resolved_when(now)
    if when.kind != "draft" and not may(request.membership, "posts.publish"):
        raise PermissionDenied
    if desk.is_closed:
        return closed_page(request, desk, kept=composition)
    composition, refused = _with_files(request, composition)
    if composition.is_empty:
        return _refuse(request, desk, composition, when, form, _("Write something or add an image first."))
    time = wanted_time(when.kind, when.at)
    try:
        desk = save_composition(desk, composition, by=request.user, version=version_seen(request), time=time)
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
        return "" if composition.connections else _("Your text is saved. Choose an account to keep it as a draft.")
    if not composition.connections:
        return _("Choose at least one account. Your text is saved.")
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
        return closed_page(request, desk, kept=composition)
    return composer_page(
        request, desk, composition=composition, when=when, fields=form.when_fields(), pointers=pointers_of(form.sent),
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
        return ngettext("Publishing your post.", "Publishing %(count)d posts.", len(posts)) % count
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
        SENT_COOKIE, ".".join([*known, desk_name(desk)]), max_age=14 * 24 * 3600, path="/", samesite="Lax",
        secure=request.is_secure(),
    )  # fmt: skip
    return response


# --- posts that are gone ----------------------------------------------------------------------------------------------


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
    context = {"posts": [], "deleted": sentence, "kept": kept, "written": texts_of(kept)}
    return render(request, "publishing/compose_closed.html", context, status=409)
