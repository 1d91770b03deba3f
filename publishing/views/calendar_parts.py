"""The calendar that a request came from, and the parts of it that a change touches."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django_htmx.http import HttpResponseClientRedirect, reswap, trigger_client_event

from accounts.errors import DomainError
from accounts.middleware import OrganizationRequest
from accounts.models import Organization
from accounts.permissions import may
from publishing.calendar import Day, Span, View, build_days, span_of, tray_version
from publishing.cards import card_of, moment_of, tray_cards
from publishing.filters import ATTENTION, PostFilters
from publishing.models import SocialPost
from publishing.reads import attention_of, posts_on, tray_of

EARLIEST, LATEST = date(2000, 1, 1), date(2100, 1, 1)
WAITING_SHOWN = 3
_TEXT = {View.MONTH: 120, View.WEEK: 160, View.LIST: 300, View.DAY: 600}
"""How many characters of a text each view sends; style sheets cut it to the room that there is."""


@dataclass(frozen=True)
class CalendarQuery:
    """What an address of the calendar asks for."""

    span: Span
    filters: PostFilters

    @classmethod
    def from_params(cls, params: QueryDict, organization: Organization, now: datetime) -> Self:
        """Anything that makes no sense falls back: an unknown view to the month, an unreadable date to today."""
        zone = organization.zone
        today = now.astimezone(zone).date()
        view = View(str(params["view"])) if params.get("view") in set(View) else View.MONTH
        try:
            anchor = parse_date(params.get("date", "")) or today
        except ValueError:
            anchor = today
        anchor = min(max(anchor, EARLIEST), LATEST)
        return cls(span_of(view, anchor, zone), PostFilters.from_params(params))

    def url(self, *, view: View | None = None, anchor: date | None = None, filters: PostFilters | None = None) -> str:
        """The address of the same calendar, or of one that differs by what is named."""
        pairs = [("view", view or self.span.view), ("date", f"{anchor or self.span.anchor:%Y-%m-%d}")]
        return reverse("publishing:calendar") + "?" + urlencode([*pairs, *(filters or self.filters).pairs()])


def aside_context(request: OrganizationRequest, filters: PostFilters, now: datetime) -> dict[str, Any]:
    """What stands beside the calendar: whatever needs a person, and the drafts without a time, one for each idea."""
    zone = request.organization.zone
    waiting, waiting_count = attention_of(request.organization, filters, limit=WAITING_SHOWN)
    waiting_cards = [card_of([post], zone=zone, now=now) for post in waiting]
    drafts = tray_cards(tray_of(request.organization, filters), zone=zone, now=now)
    return {
        "drafts": drafts,
        "waiting": waiting_cards,
        "waiting_count": waiting_count,
        "waiting_url": reverse("publishing:posts") + f"?status={ATTENTION}",
        "tray_version": tray_version([*drafts, *waiting_cards]),
        "can_edit": may(request.membership, "posts.edit"),
    }


def query_of_page(request: OrganizationRequest, now: datetime) -> CalendarQuery | None:
    """The calendar that an htmx request came from; None when it came from another page."""
    try:
        address = urlsplit(request.htmx.current_url or "")
    except ValueError:
        return None
    if not request.htmx or address.path != reverse("publishing:calendar"):
        return None
    return CalendarQuery.from_params(QueryDict(address.query), request.organization, now)


def card_context(view: View) -> dict[str, Any]:
    """What the days and cards of a view need beside themselves: how much of a text they show, whether accounts are named,
    and the addresses that stand on each."""
    return {
        "view": view.value, "text_slice": f":{_TEXT[view]}", "names": view in {View.DAY, View.LIST},
        "calendar_url": reverse("publishing:calendar"), "compose_url": reverse("publishing:compose"),
    }  # fmt: skip


def render_units(request: HttpRequest, query: CalendarQuery, days: Iterable[Day], **marks: Any) -> str:
    """The markup of whole days, to be swapped out of band. ``marks``: ``settled`` or ``refused``, a post's id."""
    membership = getattr(request, "membership", None)
    context = {
        "days": list(days), "oob": True, "can_edit": may(membership, "posts.edit"), "query": query,
    } | card_context(query.span.view) | marks  # fmt: skip
    return render_to_string("publishing/_calendar_units.html", context, request)


def render_aside(request: HttpRequest, context: dict[str, Any]) -> str:
    return render_to_string("publishing/_calendar_aside.html", context | {"oob": True}, request)


def parts_after(request: OrganizationRequest, query: CalendarQuery, days: Iterable[date | None], **marks: Any) -> str:
    """The parts of an open calendar that a change on the given local days touches: those days, the tray, the count."""
    now = timezone.now()
    span = query.span
    touched = [day for day in days if day is not None and day in span]
    built: Sequence[Day] = []
    if touched:
        posts = posts_on(request.organization, touched, span.zone, query.filters)
        built = [day for day in build_days(span, posts, now=now) if day.date in touched]
    return render_units(request, query, built, **marks) + render_aside(
        request, aside_context(request, query.filters, now)
    )


def local_day(post: SocialPost, organization: Organization) -> date | None:
    """The local day on which a post stands; None in the tray."""
    moment = moment_of(post)
    return moment.astimezone(organization.zone).date() if moment else None


def answer_change(
    request: OrganizationRequest,
    text: str,
    days: Iterable[date | None],
    *,
    post: SocialPost,
    undo: str = "",
    back_to: str = "",
) -> HttpResponse:
    """Say that a change was made: on an open calendar by its parts and a toast, elsewhere by a message on the page.

    ``days`` are the local days that it touched, ``undo`` the word that takes a move back.
    """  # fmt: skip
    query = query_of_page(request, timezone.now())
    if query is None:
        messages.success(request, text)
        to = back_to or reverse("publishing:post", args=[post.pk])
        if request.htmx:
            return HttpResponseClientRedirect(back_to or request.htmx.current_url_abs_path or to)
        return HttpResponseRedirect(to)
    toast = {"text": text, "tone": "ok"}
    if undo:
        toast["undo_url"] = reverse("publishing:calendar_undo") + "?" + urlencode({"move": undo})
    response = HttpResponse(parts_after(request, query, days, settled=post.pk))
    trigger_client_event(response, "closeDialog", after="settle")
    trigger_client_event(response, "toast", toast)
    return reswap(response, "none")


def answer_refusal(
    request: OrganizationRequest,
    error: DomainError,
    days: Iterable[date | None],
    *,
    post: SocialPost,
    back_to: str = "",
) -> HttpResponse:
    """Say why nothing was changed; on an open calendar with the card where it was."""
    query = query_of_page(request, timezone.now())
    if query is None:
        messages.error(request, str(error))
        to = back_to or reverse("publishing:post", args=[post.pk])
        if request.htmx:
            return HttpResponseClientRedirect(request.htmx.current_url_abs_path or to)
        return HttpResponseRedirect(to)
    response = HttpResponse(parts_after(request, query, days, refused=post.pk), status=422)
    trigger_client_event(response, "toast", {"text": str(error), "tone": "danger"})
    return reswap(response, "none")
