"""Posts: list and page."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts.middleware import OrganizationRequest
from accounts.permissions import requires
from publishing.models import SocialPost


@require_safe
@requires("posts.view")
def posts(request: OrganizationRequest) -> HttpResponse:
    return render(request, "publishing/posts.html", {})


@require_safe
@requires("posts.view")
def post(request: OrganizationRequest, post_id: UUID) -> HttpResponse:
    found = get_object_or_404(SocialPost.objects.for_organization(request.organization), pk=post_id)
    return render(request, "publishing/post.html", {"post": found})
