"""The media library, uploads, and the pictures themselves: only ever to members of their organization."""

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.errors import DomainError, PictureRefused
from accounts.middleware import OrganizationRequest
from accounts.models import Organization
from accounts.permissions import requires
from accounts.pictures.reading import COPY_TYPE
from publishing.forms import AltTextForm
from publishing.media import conversion_note, delete_asset, describe_asset, store_upload
from publishing.models import MediaAsset

PAGE_SIZE = 48
PICK_SIZE = 24
# A picture's bytes never change under its id; "private" keeps it out of shared caches.
_CACHE_CONTROL = "private, max-age=31536000, immutable"


def _assets(organization: Organization, wanted: str) -> QuerySet[MediaAsset]:
    found = (
        MediaAsset.objects.for_organization(organization)
        .annotate(use_count=Count("uses__post", distinct=True))
        .order_by("-created_at", "pk")
    )
    return found.filter(Q(name__icontains=wanted) | Q(alt_text__icontains=wanted)) if wanted else found


@require_safe
@requires("media.view")
def library(request: OrganizationRequest) -> HttpResponse:
    """All pictures, newest first; ``?q=`` searches names and alternative texts."""
    wanted = request.GET.get("q", "").replace("\x00", "").strip()  # PostgreSQL takes no NUL
    page = Paginator(_assets(request.organization, wanted), PAGE_SIZE).get_page(request.GET.get("page"))
    is_part = bool(request.htmx) and not request.htmx.boosted
    template = "publishing/_media_grid.html" if is_part else "publishing/media.html"
    response = render(request, template, {"page": page, "wanted": wanted})
    patch_vary_headers(response, ["HX-Request"])
    return response


@require_safe
@requires("media.view")
def pick(request: OrganizationRequest) -> HttpResponse:
    """The library as the composer offers it."""
    wanted = request.GET.get("q", "").replace("\x00", "").strip()  # PostgreSQL takes no NUL
    return render(
        request,
        "publishing/_media_pick.html",
        {"assets": _assets(request.organization, wanted)[:PICK_SIZE], "wanted": wanted},
    )


@require_POST
@requires("media.edit")
def upload(request: OrganizationRequest) -> HttpResponse:
    """Take one or several files (``files``). Scripts get JSON, a plain form is sent back to the library.

    JSON: ``{"assets": [...], "problems": [sentence]}``, 422 when nothing was taken.
    """
    assets, problems = [], []
    for file in request.FILES.getlist("files"):
        try:
            assets.append(store_upload(request.organization, file, by=request.user))
        except PictureRefused as error:
            problems.append(str(error))
    if not assets and not problems:
        problems.append(_("No file was uploaded. Choose an image and try again."))
    if request.headers.get("X-Requested-With") != "fetch":
        for problem in problems:
            messages.error(request, problem)
        if assets:
            text = ngettext("%(count)d image added.", "%(count)d images added.", len(assets))
            messages.success(request, text % {"count": len(assets)})
            for note in filter(None, map(conversion_note, assets)):
                messages.info(request, note)
        return redirect("publishing:media")
    found = _assets(request.organization, "").filter(pk__in=[asset.pk for asset in assets])
    shown = [
        asset_json(asset) | {"card": render_to_string("publishing/_media_card.html", {"asset": asset}, request)}
        for asset in found
    ]
    return JsonResponse({"assets": shown, "problems": problems}, status=200 if assets else 422)


def asset_json(asset: MediaAsset) -> dict[str, str]:
    return {
        "id": str(asset.pk),
        "name": asset.name,
        "alt": asset.alt_text,
        "thumbnail": reverse("publishing:media_thumbnail", args=[asset.pk]),
        "file": reverse("publishing:media_file", args=[asset.pk]),
        "note": conversion_note(asset),
    }


@require_POST
@requires("media.edit")
def describe(request: OrganizationRequest, asset_id: UUID) -> HttpResponse:
    """Set a picture's alternative text; answers with its card."""
    asset = get_object_or_404(_assets(request.organization, ""), pk=asset_id)
    form = AltTextForm(request.POST, instance=MediaAsset(alt_text=asset.alt_text))
    error = ""
    if form.is_valid():
        asset = describe_asset(asset, form.cleaned_data["alt_text"], by=request.user)
    else:
        error = " ".join(str(text) for text in form.errors.get("alt_text", []))
    if not request.htmx:
        (messages.error if error else messages.success)(request, error or _("Description saved."))
        return redirect("publishing:media")
    context = {"asset": asset, "saved": not error, "error": error}
    return render(request, "publishing/_media_card.html", context, status=422 if error else 200)


@require_POST
@requires("media.edit")
def delete(request: OrganizationRequest, asset_id: UUID) -> HttpResponse:
    """Delete a picture that nothing uses; else its card says where it is used."""
    asset = get_object_or_404(_assets(request.organization, ""), pk=asset_id)
    try:
        delete_asset(asset, by=request.user)
    except DomainError as error:
        if request.htmx:
            return render(request, "publishing/_media_card.html", {"asset": asset, "error": str(error)}, status=422)
        messages.error(request, str(error))
    else:
        if request.htmx:
            return HttpResponse("", headers={"HX-Trigger": "mediaRemoved"})
        messages.success(request, _("The picture is deleted."))
    return redirect("publishing:media")


@require_safe
@requires("media.view")
def file(request: OrganizationRequest, asset_id: UUID) -> HttpResponseBase:
    asset = get_object_or_404(MediaAsset.objects.for_organization(request.organization), pk=asset_id)
    return _serve(asset, asset.file.name or "", asset.content_type)


@require_safe
@requires("media.view")
def thumbnail(request: OrganizationRequest, asset_id: UUID) -> HttpResponseBase:
    """The small copy; the picture itself for one that has none."""
    asset = get_object_or_404(MediaAsset.objects.for_organization(request.organization), pk=asset_id)
    if asset.thumbnail:
        return _serve(asset, asset.thumbnail.name or "", COPY_TYPE)
    return _serve(asset, asset.file.name or "", asset.content_type)


def _serve(asset: MediaAsset, path: str, content_type: str) -> HttpResponseBase:
    try:
        stream = asset.file.storage.open(path, "rb")
    except FileNotFoundError as error:
        raise Http404("the file is gone from the disk") from error
    return FileResponse(
        stream,
        content_type=content_type,
        filename=asset.name,
        headers={"X-Content-Type-Options": "nosniff", "Cache-Control": _CACHE_CONTROL},
    )
