"""The calendar: month, week, day and list, and everything that a drop, a key or a menu does to a post there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Self
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.dateparse import parse_date
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect, reswap, trigger_client_event

from accounts.errors import DomainError
from accounts.middleware import OrganizationRequest
from accounts.models import Membership, Organization
from accounts.permissions import may, requires
from campaigns.models import Campaign
from connections.models import SocialConnection
from publishing.calendar import (
    ONE_DAY,
    Day,
    Span,
    View,
    build_days,
    default_time,
    drop_target,
    moment_of,
    monday_of,
    span_of,
    tray_version,
)
from publishing.errors import InThePast
from publishing.filters import ATTENTION, PostFilters
from publishing.models import PostStatus, SocialPost
from publishing.moves import Move, move_post, move_to_tray, take_back
from publishing.reads import attention_of, posts_on, tray_of
from publishing.states import short_time, standing_of
from publishing.warnings import warnings_of_post
from publishing.zones import AmbiguousTime

EARLIEST, LATEST = date(2000, 1, 1), date(2100, 1, 1)


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


# --- reading ----------------------------------------------------------------------------------------------------------


@require_safe
@requires("posts.view")
def calendar(request: OrganizationRequest) -> HttpResponse:
    """The page, or for htmx the part of it that another date, view or filter changes."""
    now = timezone.now()
    query = CalendarQuery.from_params(request.GET, request.organization, now)
    context = _grid_context(request, query, now) | _aside_context(request, query.filters, now)
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
    aside = _aside_context(request, query.filters, now)
    tray_changed = request.GET.get("tray", "") != aside["tray_version"]
    if not changed and not tray_changed:
        return HttpResponse(status=204)
    return HttpResponse(_units(request, query, changed) + (_aside(request, aside) if tray_changed else ""))


@require_safe
@requires("posts.view")
def day_drawer(request: OrganizationRequest, day: str) -> HttpResponse:
    """All posts of one local day, for "+N more" and for Enter on a day."""
    chosen = _day(day)
    now = timezone.now()
    query = _query_of_page(request, now) or CalendarQuery.from_params(request.GET, request.organization, now)
    span = span_of(View.DAY, chosen, request.organization.zone)
    if not request.htmx:
        return HttpResponseRedirect(query.url(view=View.DAY, anchor=chosen))
    built = build_days(span, posts_on(request.organization, [chosen], span.zone, query.filters), now=now)[0]
    context = {"day": built, "zone": span.zone.key, "day_url": query.url(view=View.DAY, anchor=chosen)}
    return render(request, "publishing/_calendar_day_drawer.html", context)


@require_safe
@requires("posts.view")
def post_drawer(request: OrganizationRequest, post_id: UUID) -> HttpResponse:
    """One post with its actions, for the drawer; without htmx, its page."""
    if not request.htmx:
        return HttpResponseRedirect(reverse("publishing:post", args=[post_id]))
    rows = SocialPost.objects.for_organization(request.organization).with_card()
    post = get_object_or_404(rows, pk=post_id)
    now = timezone.now()
    moment = moment_of(post)
    context = {
        "post": post,
        "at": moment.astimezone(request.organization.zone) if moment else None,
        "standing": standing_of(post, now=now),
        "media": list(post.attached_media.all()),
        "zone": request.organization.zone.key,
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
    count = sum(len(day.cards) for day in days)
    labels = {View.MONTH: _("Month"), View.WEEK: _("Week"), View.DAY: _("Day"), View.LIST: _("List")}
    return {
        "query": query,
        "span": span,
        "view": span.view.value,
        "days": days,
        "weeks": [days[start : start + 7] for start in range(0, len(days), 7)] if span.view == View.MONTH else [],
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
    }


def _aside_context(request: OrganizationRequest, filters: PostFilters, now: datetime) -> dict[str, Any]:
    drafts = tray_of(request.organization, filters)
    waiting, waiting_count = attention_of(request.organization, filters)
    return {
        "drafts": drafts,
        "waiting": [(post, standing_of(post, now=now)) for post in waiting],
        "waiting_count": waiting_count,
        "waiting_url": reverse("publishing:posts") + f"?status={ATTENTION}",
        "tray_version": tray_version([*drafts, *waiting], now=now),
        "can_edit": may(request.membership, "posts.edit"),
    }


def filter_context(organization: Organization, filters: PostFilters) -> dict[str, Any]:
    """The choices of the filter bar, each with whether it is on."""
    connections = list(SocialConnection.objects.for_organization(organization).in_use().by_name())
    by_platform: dict[str, list[SocialConnection]] = {}
    for connection in connections:
        by_platform.setdefault(connection.platform, []).append(connection)
    statuses = [(ATTENTION, _("Needs attention")), *PostStatus.choices]
    members = Membership.objects.for_organization(organization).select_related("user").order_by("user__name")
    return {
        "filters": filters,
        "platform_choices": [
            (platform, rows[0].platform_label, len(rows), platform in filters.platforms)
            for platform, rows in by_platform.items()
        ],
        "filter_menus": [
            ("connection", _("Account"), [
                (str(row.pk), f"{row.account_name} · {row.platform_label}", row.pk in filters.connections)
                for row in connections
            ], len(filters.connections)),
            ("campaign", _("Campaign"), [
                (str(row.pk), row.name, row.pk in filters.campaigns)
                for row in Campaign.objects.for_organization(organization).open()
            ], len(filters.campaigns)),
            ("status", _("Status"), [(value, label, value in filters.statuses) for value, label in statuses],
             len(filters.statuses)),
            ("author", _("Author"), [
                (str(row.user_id), row.user.display_name, row.user_id in filters.authors) for row in members
            ], len(filters.authors)),
        ],
    }  # fmt: skip


def _day(text: str) -> date:
    try:
        found = parse_date(text)
    except ValueError:
        found = None
    if found is None or not EARLIEST <= found <= LATEST:
        raise Http404
    return found


# --- the page that asked, and the parts of it that a change touches ---------------------------------------------------


def _query_of_page(request: OrganizationRequest, now: datetime) -> CalendarQuery | None:
    """The calendar that an htmx request came from; None when it came from another page."""
    try:
        address = urlsplit(request.htmx.current_url or "")
    except ValueError:
        return None
    if not request.htmx or address.path != reverse("publishing:calendar"):
        return None
    return CalendarQuery.from_params(QueryDict(address.query), request.organization, now)


def _units(request: HttpRequest, query: CalendarQuery, days: Iterable[Day], **marks: Any) -> str:
    """The markup of whole days, to be swapped out of band. ``marks``: ``settled`` or ``refused``, a post's id."""
    membership = getattr(request, "membership", None)
    context = {
        "days": list(days), "view": query.span.view.value, "oob": True, "can_edit": may(membership, "posts.edit"),
        "query": query,
    } | marks  # fmt: skip
    return render_to_string("publishing/_calendar_units.html", context, request)


def _aside(request: HttpRequest, context: dict[str, Any]) -> str:
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
    return _units(request, query, built, **marks) + _aside(request, _aside_context(request, query.filters, now))


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
    query = _query_of_page(request, timezone.now())
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
    query = _query_of_page(request, timezone.now())
    if query is None:
        messages.error(request, str(error))
        to = back_to or reverse("publishing:post", args=[post.pk])
        if request.htmx:
            return HttpResponseClientRedirect(request.htmx.current_url_abs_path or to)
        return HttpResponseRedirect(to)
    response = HttpResponse(parts_after(request, query, days, refused=post.pk), status=422)
    trigger_client_event(response, "toast", {"text": str(error), "tone": "danger"})
    return reswap(response, "none")


# --- moving -----------------------------------------------------------------------------------------------------------


class DropForm(forms.Form):
    """Where a card was dropped: on a day, on an hour of a day, or in the tray."""

    to = forms.ChoiceField(choices=[("day", "day"), ("tray", "tray")], required=False)
    day = forms.DateField(required=False)
    hour = forms.IntegerField(min_value=0, max_value=23, required=False)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("to") != "tray" and not cleaned.get("day"):
            raise forms.ValidationError(_("Say which day to move the post to."))
        if (day := cleaned.get("day")) and not EARLIEST <= day <= LATEST:
            raise forms.ValidationError(_("The calendar does not reach that far."))
        return cleaned


class MoveForm(forms.Form):
    """A date and a time of day in the organization's zone. ``fold`` appears when that time happens twice."""

    day = forms.DateField(label=gettext_lazy("Date"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    time = forms.TimeField(label=gettext_lazy("Time"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    fold = forms.TypedChoiceField(
        label=gettext_lazy("This time happens twice that night"), coerce=int, empty_value=None, required=False,
        widget=forms.RadioSelect, choices=(),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["fold"]
        assert isinstance(choice, forms.TypedChoiceField)  # noqa: S101  for the type checker
        choice.choices = [("0", _("the first time")), ("1", _("the second time"))]
        if not self.data.get("fold"):
            choice.widget = forms.MultipleHiddenInput()

    def ask_which(self, twice: AmbiguousTime, organization: Organization) -> None:
        """Offer both moments of a time that happens twice, each with its distance from UTC."""
        choice = self.fields["fold"]
        assert isinstance(choice, forms.TypedChoiceField)  # noqa: S101  for the type checker
        moments = (twice.first, twice.second)
        choice.widget = forms.RadioSelect()
        choice.choices = [
            (str(number), f"{moment.astimezone(organization.zone):%H:%M (UTC%z)}")
            for number, moment in enumerate(moments)
        ]

    def clean_day(self) -> date:
        day: date = self.cleaned_data["day"]
        if not EARLIEST <= day <= LATEST:
            raise forms.ValidationError(_("The calendar does not reach that far."))
        return day


def _post(request: OrganizationRequest, post_id: UUID) -> SocialPost:
    rows = SocialPost.objects.for_organization(request.organization).select_related("connection", "organization")
    return get_object_or_404(rows, pk=post_id)


def _moved_text(move: Move, *, was_scheduled: bool, happens_twice: bool = False) -> str:
    if move.post.status == PostStatus.DRAFT:
        return _("Back among the drafts, without a time.")
    assert move.post.scheduled_at is not None  # noqa: S101  a database constraint says so
    words = _("Moved to %(time)s.") if was_scheduled else _("Scheduled for %(time)s.")
    text = words % {"time": short_time(move.post.scheduled_at)}
    return f"{text} {_('This time happens twice that night: the first one was taken.')}" if happens_twice else text


def _with_warnings(text: str, post: SocialPost) -> str:
    """What was done, and what a person should know about the post's new time."""
    return " ".join([text, *(problem.message for problem in warnings_of_post(post))])


@require_POST
@requires("posts.edit")
def drop(request: OrganizationRequest, post_id: UUID) -> HttpResponse:
    """A drop on the calendar, by pointer or by key. Answers with the days it touched: the card moved, or with 422 back
    where it was and the reason as a toast.

    On a day the post keeps its own time of day; on an hour it takes that hour. A time that happens twice means the
    first one, and the answer says so; one that does not exist is refused with the nearest ones that do.
    """
    post = _post(request, post_id)
    organization = request.organization
    form = DropForm(request.POST)
    here = local_day(post, organization)
    if not form.is_valid():
        error = DomainError(
            " ".join(str(error) for error in form.non_field_errors()) or _("That is no place on the calendar.")
        )
        return answer_refusal(request, error, [here], post=post)
    if form.cleaned_data["to"] != "tray" and not may(request.membership, "posts.publish"):
        raise PermissionDenied
    day, hour = form.cleaned_data["day"], form.cleaned_data["hour"]
    was_scheduled = post.status == PostStatus.SCHEDULED
    try:
        if form.cleaned_data["to"] == "tray":
            move = move_to_tray(post, by=request.user)
            text = _moved_text(move, was_scheduled=was_scheduled)
        else:
            move, text = _drop_on(post, day, hour, request=request, was_scheduled=was_scheduled)
            text = _with_warnings(text, move.post)
    except DomainError as error:
        return answer_refusal(request, error, [here, day], post=post)
    return answer_change(request, text, [here, local_day(move.post, organization)], post=move.post, undo=move.undo)


def _drop_on(
    post: SocialPost, day: date, hour: int | None, *, request: OrganizationRequest, was_scheduled: bool
) -> tuple[Move, str]:
    zone, now = request.organization.zone, timezone.now()
    current = post.scheduled_at.astimezone(zone) if post.scheduled_at else None
    wanted = drop_target(day=day, hour=hour, current=current, now=now.astimezone(zone))
    if wanted is None:
        raise InThePast(_("Today has no full hour left. Choose a later day, or a time with “Move to…”."))
    try:
        move = move_post(post, wanted, zone=zone, by=request.user, now=now)
    except AmbiguousTime:
        move = move_post(post, wanted, zone=zone, by=request.user, now=now, fold=0)
        return move, _moved_text(move, was_scheduled=was_scheduled, happens_twice=True)
    return move, _moved_text(move, was_scheduled=was_scheduled)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("posts.publish")
def move(request: OrganizationRequest, post_id: UUID) -> HttpResponse:
    """The dialog "Move to…": a date and a time. GET shows it, POST moves or answers 422 with what to change."""
    post = _post(request, post_id)
    organization = request.organization
    form = MoveForm(request.POST if request.method == "POST" else None, initial=_first_choice(post, organization))
    if request.method == "POST" and form.is_valid():
        here, was_scheduled = local_day(post, organization), post.status == PostStatus.SCHEDULED
        wanted = datetime.combine(form.cleaned_data["day"], form.cleaned_data["time"])
        try:
            moved = move_post(post, wanted, zone=organization.zone, by=request.user, fold=form.cleaned_data["fold"])
        except AmbiguousTime as error:
            form.add_error(None, str(error))
            form.ask_which(error, organization)
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            text = _with_warnings(_moved_text(moved, was_scheduled=was_scheduled), moved.post)
            days = [here, local_day(moved.post, organization)]
            return answer_change(request, text, days, post=moved.post, undo=moved.undo)
    context = {"post": post, "form": form, "zone": organization.zone.key, "is_scheduled": post.status == "SCHEDULED"}
    name = "publishing/_post_move.html" if request.htmx else "publishing/post_move.html"
    return render(request, name, context, status=422 if form.errors else 200)


def _first_choice(post: SocialPost, organization: Organization) -> dict[str, Any]:
    """What the dialog proposes: the post's own time, or the next free default."""
    zone = organization.zone
    if post.scheduled_at:
        local = post.scheduled_at.astimezone(zone)
        return {"day": local.date(), "time": local.time()}
    now = timezone.now().astimezone(zone)
    for day in (now.date(), now.date() + ONE_DAY):
        if chosen := default_time(day, now):
            return {"day": day, "time": chosen}
    raise AssertionError("tomorrow always has a time")


@require_POST
@requires("posts.edit")
def undo(request: OrganizationRequest) -> HttpResponse:
    """Take a move back, as long as nothing else happened to the post since. It gives no time but the one that somebody
    who may publish gave it before, so it asks no more than taking that time away did."""
    now = timezone.now()
    query = _query_of_page(request, now)
    try:
        post, left = take_back(request.organization, request.GET.get("move", ""), by=request.user)
    except DomainError as error:
        if query is None:
            messages.error(request, str(error))
            return HttpResponseRedirect(reverse("publishing:calendar"))
        response = HttpResponse(status=422)
        trigger_client_event(response, "toast", {"text": str(error), "tone": "danger"})
        trigger_client_event(response, "calendar:refresh")
        return reswap(response, "none")
    text = _("Put back among the drafts.")
    if (moment := moment_of(post)) is not None:
        text = _("Put back to %(time)s.") % {"time": short_time(moment)}
    if query is None:
        messages.success(request, text)
        return HttpResponseRedirect(reverse("publishing:post", args=[post.pk]))
    days = [left.astimezone(query.span.zone).date() if left else None, local_day(post, request.organization)]
    response = HttpResponse(parts_after(request, query, days, settled=post.pk))
    trigger_client_event(response, "toast", {"text": text, "tone": "ok"})
    return reswap(response, "none")
