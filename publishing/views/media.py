"""The media library, uploads, and the pictures themselves: only ever to members of their organization."""

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.errors import DomainError, PictureRefused
from accounts.middleware import OrganizationRequest
from accounts.permissions import requires
from accounts.pictures.reading import COPY_TYPE
from connections.platforms.checks import FORMAT_NAMES
from publishing.forms import ALT_TEXT_LENGTH, AltTextForm
from publishing.media import conversion_note, delete_asset, describe_asset, file_name, posts_using, store_upload
from publishing.media_filters import ORDERS, TYPES, USES, MediaFilters, assets_of
from publishing.models import MediaAsset
from publishing.states import standing_of

PAGE_SIZE = 48
PICK_SIZE = 24
POSTS_SHOWN = 20
# A picture's bytes never change under its id; "private" keeps it out of shared caches.
_CACHE_CONTROL = "private, max-age=31536000, immutable"


@require_safe
@requires("media.view")
def library(request: OrganizationRequest) -> HttpResponse:
    """All pictures, the newest first; ``?q=`` searches names and alternative texts, the rest is ``MediaFilters``."""
    filters = MediaFilters.from_params(request.GET)
    page = Paginator(filters.apply(assets_of(request.organization)), PAGE_SIZE).get_page(request.GET.get("page"))
    is_part = bool(request.htmx) and not request.htmx.boosted
    template = "publishing/_media_grid.html" if is_part else "publishing/media.html"
    context = {"page": page, "filters": filters, "types": TYPES, "uses": USES, "orders": ORDERS}
    response = render(request, template, context)
    patch_vary_headers(response, ["HX-Request"])
    return response


@require_safe
@requires("media.view")
def detail(request: OrganizationRequest, asset_id: UUID) -> HttpResponse:
    """One picture: large, with its facts, its alternative text and the posts that use it. For htmx the dialog's part."""
    asset = get_object_or_404(assets_of(request.organization), pk=asset_id)
    return _detail(request, asset)


def _detail(
    request: OrganizationRequest, asset: MediaAsset, *, error: str = "", saved: bool = False, text: str | None = None
) -> HttpResponse:
    now = timezone.now()
    context = {
        "asset": asset,
        "format": FORMAT_NAMES.get(asset.content_type, asset.content_type),
        "file_name": file_name(asset),
        "posts": [(post, standing_of(post, now=now)) for post in posts_using(asset)[:POSTS_SHOWN]],
        "alt_text": asset.alt_text if text is None else text,
        "alt_text_length": ALT_TEXT_LENGTH,
        "error": error,
        "saved": saved,
    }
    is_part = bool(request.htmx) and not request.htmx.boosted
    template = "publishing/_media_detail.html" if is_part else "publishing/media_detail.html"
    response = render(request, template, context, status=422 if error else 200)
    patch_vary_headers(response, ["HX-Request"])
    return response


@require_safe
@requires("media.view")
def pick(request: OrganizationRequest) -> HttpResponse:
    """The library as the composer offers it."""
    filters = MediaFilters.from_params(request.GET)
    assets = filters.apply(assets_of(request.organization))[:PICK_SIZE]
    return render(request, "publishing/_media_pick.html", {"assets": assets, "wanted": filters.text})


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
    return JsonResponse(
        {"assets": [asset_json(asset) for asset in assets], "problems": problems}, status=200 if assets else 422
    )


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
    """Set a picture's alternative text; answers with its details."""
    asset = get_object_or_404(assets_of(request.organization), pk=asset_id)
    form = AltTextForm(request.POST, instance=MediaAsset(alt_text=asset.alt_text))
    if form.is_valid():
        asset = describe_asset(asset, form.cleaned_data["alt_text"], by=request.user)
        if not request.htmx:
            messages.success(request, _("Alt text saved."))
            return redirect("publishing:media_detail", asset.pk)
        return _detail(request, asset, saved=True)
    error = " ".join(str(text) for text in form.errors.get("alt_text", []))
    return _detail(request, asset, error=error, text=request.POST.get("alt_text", ""))


@require_POST
@requires("media.edit")
def delete(request: OrganizationRequest, asset_id: UUID) -> HttpResponse:
    """Delete a picture that nothing uses; else its details say where it is used."""
    asset = get_object_or_404(assets_of(request.organization), pk=asset_id)
    try:
        delete_asset(asset, by=request.user)
    except DomainError as error:
        return _detail(request, asset, error=str(error))
    if request.htmx:
        return HttpResponse("", headers={"HX-Trigger": "closeDialog, mediaRemoved"})
    messages.success(request, _("Image deleted."))
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
        filename=file_name(asset),
        headers={"X-Content-Type-Options": "nosniff", "Cache-Control": _CACHE_CONTROL},
    )
