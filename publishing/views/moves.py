"""Moving posts on the calendar: drops, the dialog "Move to…", and taking a move back."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import reswap, trigger_client_event

from accounts.errors import DomainError
from accounts.middleware import OrganizationRequest
from accounts.models import Organization
from accounts.permissions import may, requires
from publishing.calendar import ONE_DAY, default_time, drop_target
from publishing.cards import card_of, moment_of
from publishing.errors import InThePast
from publishing.models import PostStatus, SocialPost
from publishing.moves import Move, move_posts, move_to_tray, take_back
from publishing.states import short_time
from publishing.views.calendar_parts import (
    EARLIEST,
    LATEST,
    answer_change,
    answer_refusal,
    local_day,
    parts_after,
    query_of_page,
)
from publishing.warnings import warnings_of_post
from publishing.zones import AmbiguousTime

POSTS_MOST = 100
"""How many posts one request moves: more accounts than any idea goes to."""


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


def _posts(request: OrganizationRequest, post_id: UUID) -> list[SocialPost]:
    """The posts that are to be moved together: the one that is named, and those of its card that ``with`` names."""
    said = [*request.GET.getlist("with"), *request.POST.getlist("with")]
    try:
        wanted = {post_id, *map(UUID, said[:POSTS_MOST])}
    except ValueError as error:
        raise Http404 from error
    rows = SocialPost.objects.for_organization(request.organization).select_related("connection", "organization")
    found = list(rows.filter(pk__in=wanted).order_by("pk"))
    if len(found) < len(wanted):
        raise Http404
    return found


def _moved_text(move: Move, *, were_scheduled: bool, happens_twice: bool = False) -> str:
    number = len(move.posts)
    if move.post.status == PostStatus.DRAFT:
        return ngettext("Moved to drafts.", "%(number)d posts moved to drafts.", number) % {"number": number}
    assert move.post.scheduled_at is not None  # noqa: S101  a database constraint says so
    words = (
        ngettext("Moved to %(time)s.", "%(number)d posts moved to %(time)s.", number)
        if were_scheduled
        else ngettext("Scheduled for %(time)s.", "%(number)d posts scheduled for %(time)s.", number)
    )
    text = words % {"time": short_time(move.post.scheduled_at), "number": number}
    return f"{text} {_('This time happens twice that night; the first one was used.')}" if happens_twice else text


def _with_warnings(text: str, posts: Iterable[SocialPost]) -> str:
    """What was done, and what a person should know about the posts' new time."""
    said = [problem.message for post in posts for problem in warnings_of_post(post)]
    return " ".join([text, *dict.fromkeys(said)])


def _were_scheduled(posts: Iterable[SocialPost]) -> bool:
    return all(post.status == PostStatus.SCHEDULED for post in posts)


@require_POST
@requires("posts.edit")
def drop(request: OrganizationRequest, post_id: UUID) -> HttpResponse:
    """A drop of a card on the calendar, by pointer or by key. Answers with the days it touched: the card moved, or with
    422 back where it was and the reason as a toast.

    On a day the posts keep their own time of day; on an hour they take that hour. A time that happens twice means the
    first one, and the answer says so; one that does not exist is refused with the nearest ones that do.
    """
    posts = _posts(request, post_id)
    organization = request.organization
    form = DropForm(request.POST)
    here = [local_day(post, organization) for post in posts]
    if not form.is_valid():
        error = DomainError(
            " ".join(str(error) for error in form.non_field_errors()) or _("Posts cannot be moved there.")
        )
        return answer_refusal(request, error, here, post=posts[0])
    if form.cleaned_data["to"] != "tray" and not may(request.membership, "posts.publish"):
        raise PermissionDenied
    day, hour = form.cleaned_data["day"], form.cleaned_data["hour"]
    were_scheduled = _were_scheduled(posts)
    try:
        if form.cleaned_data["to"] == "tray":
            move = move_to_tray(posts, by=request.user)
            text = _moved_text(move, were_scheduled=were_scheduled)
        else:
            move, text = _drop_on(posts, day, hour, request=request, were_scheduled=were_scheduled)
            text = _with_warnings(text, move.posts)
    except DomainError as error:
        return answer_refusal(request, error, [*here, day], post=posts[0])
    return answer_change(request, text, [*here, local_day(move.post, organization)], post=move.post, undo=move.undo)


def _drop_on(
    posts: list[SocialPost], day: date, hour: int | None, *, request: OrganizationRequest, were_scheduled: bool
) -> tuple[Move, str]:
    zone, now = request.organization.zone, timezone.now()
    planned = posts[0].scheduled_at
    current = planned.astimezone(zone) if planned else None
    wanted = drop_target(day=day, hour=hour, current=current, now=now.astimezone(zone))
    if wanted is None:
        raise InThePast(_("Today has no full hour left. Choose a later day, or a time with “Move to…”."))
    try:
        move = move_posts(posts, wanted, zone=zone, by=request.user, now=now)
    except AmbiguousTime:
        move = move_posts(posts, wanted, zone=zone, by=request.user, now=now, fold=0)
        return move, _moved_text(move, were_scheduled=were_scheduled, happens_twice=True)
    return move, _moved_text(move, were_scheduled=were_scheduled)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("posts.publish")
def move(request: OrganizationRequest, post_id: UUID) -> HttpResponse:
    """The dialog "Move to…": a date and a time, for one post or for all of a card. GET shows it, POST moves or answers
    422 with what to change."""
    posts = _posts(request, post_id)
    organization = request.organization
    form = MoveForm(request.POST if request.method == "POST" else None, initial=_first_choice(posts[0], organization))
    were_scheduled = _were_scheduled(posts)
    if request.method == "POST" and form.is_valid():
        here = [local_day(post, organization) for post in posts]
        wanted = datetime.combine(form.cleaned_data["day"], form.cleaned_data["time"])
        try:
            moved = move_posts(posts, wanted, zone=organization.zone, by=request.user, fold=form.cleaned_data["fold"])
        except AmbiguousTime as error:
            form.add_error(None, str(error))
            form.ask_which(error, organization)
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            text = _with_warnings(_moved_text(moved, were_scheduled=were_scheduled), moved.posts)
            days = [*here, local_day(moved.post, organization)]
            return answer_change(request, text, days, post=moved.post, undo=moved.undo)
    context = {
        "card": card_of(posts, zone=organization.zone, now=timezone.now()), "post": posts[0], "form": form,
        "zone": organization.zone.key, "is_scheduled": were_scheduled,
    }  # fmt: skip
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
    """Take a move back, as long as nothing else happened to the posts since. It gives no time but the one that somebody
    who may publish gave them before, so it asks no more than unscheduling them did."""
    now = timezone.now()
    query = query_of_page(request, now)
    try:
        posts, left = take_back(request.organization, request.GET.get("move", ""), by=request.user)
    except DomainError as error:
        if query is None:
            messages.error(request, str(error))
            return HttpResponseRedirect(reverse("publishing:calendar"))
        response = HttpResponse(status=422)
        trigger_client_event(response, "toast", {"text": str(error), "tone": "danger"})
        trigger_client_event(response, "calendar:refresh")
        return reswap(response, "none")
    text, post = _("Put back into drafts."), posts[0]
    if (moment := moment_of(post)) is not None:
        text = _("Put back to %(time)s.") % {"time": short_time(moment)}
    if query is None:
        messages.success(request, text)
        return HttpResponseRedirect(reverse("publishing:post", args=[post.pk]))
    zone = query.span.zone
    days = [moment.astimezone(zone).date() if moment else None for moment in left]
    days += [local_day(post, request.organization) for post in posts]
    response = HttpResponse(parts_after(request, query, days, settled=post.pk))
    trigger_client_event(response, "toast", {"text": text, "tone": "ok"})
    return reswap(response, "none")
