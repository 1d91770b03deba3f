"""The calendar."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.middleware import OrganizationRequest
from accounts.permissions import requires


@require_safe
@requires("posts.view")
def calendar(request: OrganizationRequest) -> HttpResponse:
    return render(request, "publishing/calendar.html", {})
