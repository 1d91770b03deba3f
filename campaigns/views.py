"""Pages of campaigns: the list, one campaign with its posts and totals, making, changing, archiving."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet, Sum
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.errors import Conflict
from accounts.middleware import OrganizationRequest
from accounts.models import Organization
from accounts.permissions import requires
from campaigns.forms import CampaignForm
from campaigns.models import Campaign
from campaigns.services import create_campaign, update_campaign

POSTS_PER_PAGE = 30
_STUCK = (
    ~Q(posts__hold_reason="")
    | Q(posts__connection__is_active=False)
    | Q(posts__connection__disconnected_at__isnull=False)
)
"""Of posts: they wait for a person, as ``publishing.states.attention`` has it."""
_ENGAGEMENT = ("likes", "comments", "shares", "reach", "impressions", "clicks")


def _campaigns(organization: Organization) -> QuerySet[Campaign]:
    """With ``post_count``, ``published_count``, ``waiting_count`` (scheduled, nothing in the way), ``attention_count`` and
    ``engagement_count``."""
    return Campaign.objects.for_organization(organization).select_related("owner").annotate(
        post_count=Count("posts", distinct=True),
        published_count=Count("posts", filter=Q(posts__status="PUBLISHED"), distinct=True),
        waiting_count=Count("posts", filter=Q(posts__status="SCHEDULED") & ~_STUCK, distinct=True),
        attention_count=Count("posts", filter=Q(posts__status="FAILED") | Q(posts__status="SCHEDULED") & _STUCK, distinct=True),
        engagement_count=Sum("posts__likes", default=0) + Sum("posts__comments", default=0) + Sum("posts__shares", default=0),
    )  # fmt: skip


@require_safe
@requires("campaigns.view")
def campaign_list(request: OrganizationRequest) -> HttpResponse:
    """Running and coming campaigns; ``?archived=1`` shows those that were put away."""
    archived = bool(request.GET.get("archived"))
    every = Campaign.objects.for_organization(request.organization)
    context = {
        "campaigns": _campaigns(request.organization).filter(is_archived=archived).order_by("name"),
        "archived": archived,
        "archived_count": every.filter(is_archived=True).count(),
    }
    return render(request, "campaigns/campaign_list.html", context)


@require_safe
@requires("campaigns.view")
def campaign_detail(request: OrganizationRequest, campaign_id: UUID) -> HttpResponse:
    campaign = get_object_or_404(_campaigns(request.organization), pk=campaign_id)
    posts: Any = campaign.posts.with_card().order_by("-scheduled_at", "-created_at")
    totals = posts.aggregate(**{name: Sum(name) for name in _ENGAGEMENT})
    context = {
        "campaign": campaign,
        "page": Paginator(posts, POSTS_PER_PAGE).get_page(request.GET.get("page")),
        "totals": totals,
    }
    return render(request, "campaigns/campaign_detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("campaigns.edit")
def campaign_create(request: OrganizationRequest) -> HttpResponse:
    initial = {"owner": request.user.pk}
    form = CampaignForm(request.POST or None, organization=request.organization, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            campaign = create_campaign(request.organization, by=request.user, **form.cleaned_data)
        except Conflict as error:
            form.add_error(error.field, str(error))
        else:
            messages.success(request, _("“%(name)s” was created. Write its first post.") % {"name": campaign.name})
            return redirect("campaigns:detail", campaign.pk)
    return render(
        request, "campaigns/campaign_form.html", {"form": form, "campaign": None}, status=422 if form.errors else 200
    )


@require_http_methods(["GET", "HEAD", "POST"])
@requires("campaigns.edit")
def campaign_edit(request: OrganizationRequest, campaign_id: UUID) -> HttpResponse:
    campaign = get_object_or_404(Campaign.objects.for_organization(request.organization), pk=campaign_id)
    form = CampaignForm(request.POST or None, organization=request.organization, instance=campaign)
    if request.method == "POST" and form.is_valid():
        try:
            update_campaign(campaign, by=request.user, **form.cleaned_data)
        except Conflict as error:
            form.add_error(error.field, str(error))
        else:
            messages.success(request, _("Saved."))
            return redirect("campaigns:detail", campaign.pk)
    return render(
        request,
        "campaigns/campaign_form.html",
        {"form": form, "campaign": campaign},
        status=422 if form.errors else 200,
    )


@require_POST
@requires("campaigns.edit")
def campaign_archive(request: OrganizationRequest, campaign_id: UUID) -> HttpResponse:
    """Put a campaign away, or with ``restore`` bring it back. Its posts stay as they are."""
    campaign = get_object_or_404(Campaign.objects.for_organization(request.organization), pk=campaign_id)
    restore = "restore" in request.POST
    update_campaign(campaign, by=request.user, is_archived=not restore)
    text = _("“%(name)s” was restored.") if restore else _("“%(name)s” was archived. Its posts are not affected.")
    messages.success(request, text % {"name": campaign.name})
    return redirect("campaigns:detail", campaign.pk) if restore else redirect("campaigns:list")
