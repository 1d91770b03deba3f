"""The calendar: month, week, day and list, what changed on it, and what its drawer shows."""

from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.dateparse import parse_date
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from accounts.middleware import OrganizationRequest
from accounts.permissions import may, requires
from publishing.calendar import ONE_DAY, Span, View, build_days, fold, monday_of, span_of
from publishing.cards import are_one_card, card_of
from publishing.filters import PostFilters
from publishing.models import SocialPost
from publishing.reads import posts_on
from publishing.views.calendar_filters import filter_context
from publishing.views.calendar_parts import (
    EARLIEST,
    LATEST,
    CalendarQuery,
    aside_context,
    card_context,
    query_of_page,
    render_aside,
    render_units,
)


def title_of(span: Span) -> str:
    """``December 2026``, ``7 – 13 December 2026`` or ``Wed 9 December 2026``."""
    if span.view == View.MONTH:
        return date_format(span.anchor, "F Y")
    if span.view == View.DAY:
        return date_format(span.anchor, "D j F Y")
    last = span.after - ONE_DAY
    if (span.first.year, span.first.month) == (last.year, last.month):
        return f"{span.first.day} – {date_format(last, 'j F Y')}"
    if span.first.year == last.year:
        return f"{date_format(span.first, 'j M')} – {date_format(last, 'j M Y')}"
    return f"{date_format(span.first, 'j M Y')} – {date_format(last, 'j M Y')}"


@require_safe
@requires("posts.view")
def calendar(request: OrganizationRequest) -> HttpResponse:
    """The page, or for htmx the part of it that another date, view or filter changes."""
    now = timezone.now()
    query = CalendarQuery.from_params(request.GET, request.organization, now)
    context = _grid_context(request, query, now) | aside_context(request, query.filters, now)
    is_part = bool(request.htmx) and not request.htmx.boosted
    if not is_part:
        context |= filter_context(request.organization, query.filters) | {"page_shortcuts": _shortcuts(request)}
    response = render(request, "publishing/_calendar_swap.html" if is_part else "publishing/calendar.html", context)
    if is_part:
        response["HX-Push-Url"] = query.url()
    patch_vary_headers(response, ["HX-Request"])
    return response


@require_safe
@requires("posts.view")
def changes(request: OrganizationRequest) -> HttpResponse:
    """What changed on a calendar that is open: the days whose version is not the one that the page shows.

    Takes the calendar's own parameters, ``versions`` (of its days, in order, joined by commas) and ``tray``. 204 when
    nothing changed.
    """
    now = timezone.now()
    query = CalendarQuery.from_params(request.GET, request.organization, now)
    days = build_days(
        query.span, posts_on(request.organization, query.span.days, query.span.zone, query.filters), now=now
    )
    shown = request.GET.get("versions", "").split(",")
    shown += [""] * (len(days) - len(shown))
    changed = [day for day, version in zip(days, shown, strict=False) if day.version != version]
    aside = aside_context(request, query.filters, now)
    tray_changed = request.GET.get("tray", "") != aside["tray_version"]
    if not changed and not tray_changed:
        return HttpResponse(status=204)
    return HttpResponse(render_units(request, query, changed) + (render_aside(request, aside) if tray_changed else ""))


@require_safe
@requires("posts.view")
def day_drawer(request: OrganizationRequest, day: str) -> HttpResponse:
    """All posts of one local day, for "+N more" and for Enter on a day."""
    chosen = _day(day)
    now = timezone.now()
    query = query_of_page(request, now) or CalendarQuery.from_params(request.GET, request.organization, now)
    span = span_of(View.DAY, chosen, request.organization.zone)
    if not request.htmx:
        return HttpResponseRedirect(query.url(view=View.DAY, anchor=chosen))
    built = build_days(span, posts_on(request.organization, [chosen], span.zone, query.filters), now=now)[0]
    context = {"day": built, "zone": span.zone.key, "day_url": query.url(view=View.DAY, anchor=chosen)}
    context |= card_context(View.LIST)
    return render(request, "publishing/_calendar_day_drawer.html", context)


@require_safe
@requires("posts.view")
def post_drawer(request: OrganizationRequest, post_id: UUID) -> HttpResponse:
    """One card for the drawer: the post with its actions, or the idea with the post of each account; with ``alone`` the
    one post in any case. Without htmx, the post's page."""
    if not request.htmx:
        return HttpResponseRedirect(reverse("publishing:post", args=[post_id]))
    rows = SocialPost.objects.for_organization(request.organization).with_card()
    post = get_object_or_404(rows, pk=post_id)
    now, zone = timezone.now(), request.organization.zone
    idea = list(rows.filter(group_id=post.group_id)) if post.group_id else [post]
    together = [other for other in idea if are_one_card([post, other])]
    card = card_of([post] if "alone" in request.GET else together, zone=zone, now=now)
    elsewhere = [card_of([other], zone=zone, now=now) for other in idea if other.pk not in card.ids]
    context = {
        "card": card,
        "elsewhere": sorted(elsewhere, key=lambda other: (other.at is None, other.at or now)),
        "media": list(card.post.attached_media.all()),
        "zone": zone.key,
    }
    return render(request, "publishing/_post_drawer.html", context)


def _shortcuts(request: OrganizationRequest) -> list[dict[str, Any]]:
    """What the help that ``?`` opens says about this page, to those who may move posts."""
    if not may(request.membership, "posts.publish"):
        return []
    keys: list[tuple[str, list[str]]] = [
        (_("Move by a day or a week"), ["Shift", "← ↑ → ↓"]),
        (_("Move to any date and time"), ["m"]),
        (_("Undo the last move"), ["z"]),
        (_("Today"), ["t"]),
        (_("Earlier, later"), ["PgUp", "PgDn"]),
    ]
    return [{"title": _("Moving posts"), "keys": [{"label": label, "keys": pressed} for label, pressed in keys]}]


def _grid_context(request: OrganizationRequest, query: CalendarQuery, now: datetime) -> dict[str, Any]:
    span = query.span
    days = build_days(span, posts_on(request.organization, span.days, span.zone, query.filters), now=now)
    today = now.astimezone(span.zone).date()
    count = sum(day.post_count for day in days)
    folded, shown = fold(span, days, today)
    labels = {View.MONTH: _("Month"), View.WEEK: _("Week"), View.DAY: _("Day"), View.LIST: _("List")}
    return {
        "query": query,
        "span": span,
        "days": shown,
        "folded": folded,
        "folded_count": sum(day.post_count for day in folded),
        "hours": list(zip(*(day.hours for day in days), strict=True)) if span.view in {View.WEEK, View.DAY} else [],
        "weekdays": [date_format(monday_of(span.first) + timedelta(days=number), "D") for number in range(7)],
        "title": title_of(span),
        "count": ngettext("%(count)s post", "%(count)s posts", count) % {"count": count},
        "is_empty": not count,
        "zone": span.zone.key,
        "today_url": query.url(anchor=today),
        "previous_url": query.url(anchor=span.previous),
        "next_url": query.url(anchor=span.next),
        "views": [(view.value, labels[view], query.url(view=view)) for view in View],
        "shows_today": today in span,
        "changes_url": reverse("publishing:calendar_changes") + "?" + urlsplit(query.url()).query,
        "clear_url": query.url(filters=PostFilters()),
        "can_edit": may(request.membership, "posts.edit"),
    } | card_context(span.view)


def _day(text: str) -> date:
    try:
        found = parse_date(text)
    except ValueError:
        found = None
    if found is None or not EARLIEST <= found <= LATEST:
        raise Http404
    return found
