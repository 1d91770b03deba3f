"""The first page after sign-in."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.middleware import OrganizationRequest
from accounts.permissions import requires


@require_safe
@requires("posts.view")
def home(request: OrganizationRequest) -> HttpResponse:
    return render(request, "home.html", {})
