"""One session, several tabs: a page that was made for one organization must not act in another.

The organization that a person works in is kept in the session. Who switches it in one tab leaves pages of the former
organization open in the others, and their forms would act in the new one. So every page says which organization it was
made for, in a header of scripted requests and in a field of every form (``{% csrf_token %}`` writes it), and what does
not fit is refused before any view runs. A page that says nothing (one from before an upgrade) is let through.
"""

import json
from urllib.parse import quote
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _

from accounts.api.problems import problem_json
from accounts.models import Membership

HEADER = "X-Organization"
FIELD = "_organization"
BACK_FIELD = "_switch_back"
"""In a form that is sent again from the page that refused it: switch back to the page's organization first."""
ANSWER_HEADER = "X-Organization-Switched"
"""On a refusal, for scripts: JSON in percent encoding, ``now`` and ``before`` (names), ``id`` of the one before; the last
two are "" when the person is no longer a member there."""

_NOT_REPEATED = ("password", "secret", "token")
SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def organization_of_page(request: HttpRequest) -> str | None:
    """The organization that the page which sends this was made for, as it says; None when it says none.

    A whole page that is fetched by a script (boosted, or from the history) takes the place of the one that asks.
    """
    if told := request.headers.get(HEADER):
        htmx = getattr(request, "htmx", None)
        is_whole_page = bool(htmx and (htmx.boosted or htmx.history_restore_request))
        return None if is_whole_page and request.method in SAFE else told
    return None if request.method in SAFE else request.POST.get(FIELD)


def membership_of_page(request: HttpRequest, told: str) -> Membership | None:
    """The person's membership in the organization that a page was made for."""
    try:
        organization_id = UUID(told)
    except ValueError:
        return None
    return Membership.objects.of(request.user).filter(organization_id=organization_id).first()


def refuse_page(request: HttpRequest, before: Membership | None) -> HttpResponseBase:
    """409: an empty answer that scripts explain (static/js/organization.js), a page for a plain form. That page carries
    what was typed, so that it can be sent again after switching back."""
    now = request.organization.name  # type: ignore[attr-defined]
    if request.headers.get(HEADER):
        told = {"now": now, "before": before.organization.name if before else "", "id": ""}
        if before:
            told["id"] = str(before.organization_id)
        answer = (
            HttpResponse(status=409)
            if getattr(request, "htmx", False)
            else problem_json(
                409, "organization_switched", _("You switched to %(name)s in another tab.") % {"name": now}
            )
        )
        answer[ANSWER_HEADER] = quote(json.dumps(told))
        return answer
    typed = [
        (name, value)
        for name, values in request.POST.lists()
        for value in values
        if name not in {FIELD, BACK_FIELD, "csrfmiddlewaretoken"} and not any(word in name for word in _NOT_REPEATED)
    ]
    context = {"before": before.organization if before else None, "typed": typed, "has_files": bool(request.FILES)}
    page = render(request, "accounts/switched.html", context, status=409)
    page["Cache-Control"] = "no-store"
    return page
