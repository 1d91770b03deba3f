"""Posts: the list with its bulk actions, the page of one post, and what a button there does."""

from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Case, Count, DateTimeField, F, IntegerChoices, IntegerField, Q, Value, When
from django.db.models.functions import Coalesce
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect, trigger_client_event

from accounts.errors import DomainError
from accounts.middleware import OrganizationRequest
from accounts.models import User
from accounts.permissions import may, requires
from connections.cards import avatar_url_of
from publishing import services
from publishing.charts import line_chart
from publishing.copies import duplicate_post
from publishing.engagement import sync_post_engagement, why_unread
from publishing.filters import ATTENTION, PostFilters
from publishing.history import history_of
from publishing.models import PostStatus, SocialPost, SocialPostQuerySet
from publishing.moves import call_off, move_to_tray
from publishing.reads import drafts_by_idea, one_draft_per_idea
from publishing.states import Standing, attention, standing_of
from publishing.views.calendar_filters import filter_context
from publishing.views.calendar_parts import answer_change, answer_refusal, local_day

PER_PAGE = 50
BULK_LIMIT = 200

_TABS = [
    "", ATTENTION, PostStatus.DRAFT, PostStatus.SCHEDULED, PostStatus.PUBLISHED, PostStatus.FAILED, PostStatus.CANCELLED,
]  # fmt: skip


class Block(IntegerChoices):
    """What stands together in the list of all posts."""

    FAILED = 0, gettext_lazy("Failed")
    PLANNED = 1, gettext_lazy("Upcoming")
    DRAFTS = 2, gettext_lazy("Drafts")
    OVER = 3, gettext_lazy("Published and cancelled")


# --- the list ---------------------------------------------------------------------------------------------------------


@require_safe
@requires("posts.view")
def posts(request: OrganizationRequest) -> HttpResponse:
    """All posts by status, failed first, the drafts of one idea in one row; for htmx the list alone."""
    now = timezone.now()
    filters = PostFilters.from_params(request.GET)
    everything = SocialPost.objects.for_organization(request.organization)
    tab = filters.statuses[0] if len(filters.statuses) == 1 else ""
    matching = filters.apply(everything)
    ideas = _in_order(one_draft_per_idea(matching).with_card())
    page = Paginator(ideas, PER_PAGE).get_page(request.GET.get("page"))
    drafts = drafts_by_idea(matching, page.object_list)
    context: dict[str, Any] = {
        "rows": [
            (
                post,
                standing_of(post, now=now),
                _heading(post) if not tab else "",
                drafts.get(post.group_id, [post]) if post.status == PostStatus.DRAFT else [post],
            )
            for post in page.object_list
        ],
        "page": page,
        "tabs": _tabs(everything, filters, tab),
        "tab": tab,
        "filters": filters,
        "zone": request.organization.zone.key,
        "has_posts": bool(page.paginator.count) or not filters.is_empty,
        "clear_url": reverse("publishing:posts"),
        "list_url": request.get_full_path(),
    }
    is_part = bool(request.htmx) and not request.htmx.boosted
    if not is_part:
        context |= filter_context(request.organization, filters)
        context["filter_menus"] = [menu for menu in context["filter_menus"] if menu[0] != "status"]
    response = render(request, "publishing/_post_rows.html" if is_part else "publishing/posts.html", context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _heading(post: SocialPost) -> str:
    return str(Block(post.block).label)  # type: ignore[attr-defined]  # annotated by _in_order


def _in_order(posts: SocialPostQuerySet) -> SocialPostQuerySet:
    """In blocks, as ``block`` on each row: what failed, the latest first; what is planned, the next one first; drafts and
    then what is over, the latest first."""
    planned = [PostStatus.PENDING_APPROVAL, PostStatus.SCHEDULED, PostStatus.PUBLISHING]
    block = Case(
        When(status=PostStatus.FAILED, then=Value(Block.FAILED)),
        When(status__in=planned, then=Value(Block.PLANNED)),
        When(status=PostStatus.DRAFT, then=Value(Block.DRAFTS)),
        default=Value(Block.OVER),
        output_field=IntegerField(),
    )
    soonest = Case(When(status__in=planned, then=F("scheduled_at")), default=Value(None), output_field=DateTimeField())
    return posts.annotate(
        block=block, soonest=soonest, moment=Coalesce(F("published_at"), F("scheduled_at"), F("created_at"))
    ).order_by("block", F("soonest").asc(nulls_last=True), "-moment", "-pk")


def _tabs(everything: SocialPostQuerySet, filters: PostFilters, tab: str) -> list[dict[str, Any]]:
    """Every status with its number of posts (of drafts: of ideas) under the other filters, in one query."""
    others = filters.without_status()
    counted = others.apply(everything).aggregate(
        ideas=Count(Coalesce("group_id", "pk"), filter=Q(status=PostStatus.DRAFT), distinct=True),
        others=Count("pk", filter=~Q(status=PostStatus.DRAFT)),
        **{f"n_{ATTENTION}": Count("pk", filter=attention())},
        **{f"n_{status}": Count("pk", filter=Q(status=status)) for status in PostStatus.values},
    )
    counted |= {"all": counted["others"] + counted["ideas"], f"n_{PostStatus.DRAFT}": counted["ideas"]}
    labels = {"": _("All"), ATTENTION: _("Needs attention"), PostStatus.DRAFT: _("Drafts")}
    tabs = []
    for value in _TABS:
        number = counted[f"n_{value}"] if value else counted["all"]
        pairs = others.pairs() + ([("status", str(value))] if value else [])
        tone = "danger" if number and value in {ATTENTION, PostStatus.FAILED} else "muted"
        tabs.append({
            "label": labels.get(value) or PostStatus(value).label, "count": number, "is_current": value == tab,
            "url": reverse("publishing:posts") + ("?" + urlencode(pairs) if pairs else ""), "tone": tone,
            "value": str(value),
        })  # fmt: skip
    return tabs


_BULK_PERMISSIONS = {"cancel": "posts.edit", "retry": "posts.publish", "delete": "posts.delete"}
"""Beside ``posts.edit``, what each action over many posts asks: the same as over one."""


class BulkForm(forms.Form):
    action = forms.ChoiceField(choices=[(name, name) for name in _BULK_PERMISSIONS])
    posts = forms.TypedMultipleChoiceField(coerce=UUID)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sent = self.data.getlist("posts")[:BULK_LIMIT] if isinstance(self.data, QueryDict) else []
        chooser = self.fields["posts"]
        assert isinstance(chooser, forms.TypedMultipleChoiceField)  # noqa: S101  for the type checker
        chooser.choices = [(value, value) for value in sent]


@require_POST
@requires("posts.edit")
def bulk(request: OrganizationRequest) -> HttpResponse:
    """Cancel, retry or delete the ticked posts, as one by one: with the same permission, each by itself, and what was
    refused is said with its reason."""
    sent = request.POST.copy()
    sent.setlist(
        "posts", [one for row in sent.getlist("posts") for one in row.split(",")]
    )  # a row may be several drafts
    form = BulkForm(sent)
    back = _back(request, reverse("publishing:posts"))
    if not form.is_valid():
        messages.error(request, _("Select posts first, then choose an action."))
        return HttpResponseRedirect(back)
    verbs: dict[str, Callable[[SocialPost], object]] = {
        "cancel": lambda post: services.cancel_post(post, by=request.user),
        "retry": lambda post: services.retry_post(post, by=request.user),
        "delete": lambda post: services.delete_draft(post, by=request.user),
    }
    action = form.cleaned_data["action"]
    if not may(request.membership, _BULK_PERMISSIONS[action]):
        raise PermissionDenied
    rows = SocialPost.objects.for_organization(request.organization).select_related("connection", "organization")
    done, refused = 0, []
    for post in rows.filter(pk__in=form.cleaned_data["posts"]):
        try:
            verbs[action](post)
        except DomainError as error:
            refused.append(str(error))
        else:
            done += 1
    if done:
        messages.success(request, _bulk_words(action, done))
    if refused:
        reasons = " ".join(dict.fromkeys(refused))
        text = ngettext("%(count)s post was not changed.", "%(count)s posts were not changed.", len(refused))
        messages.warning(request, f"{text % {'count': len(refused)}} {reasons}"[:500])
    return HttpResponseRedirect(back)


def _bulk_words(action: str, count: int) -> str:
    texts = {
        "cancel": ngettext("%(count)s post cancelled.", "%(count)s posts cancelled.", count),
        "retry": ngettext("Sending %(count)s post again.", "Sending %(count)s posts again.", count),
        "delete": ngettext("%(count)s draft deleted.", "%(count)s drafts deleted.", count),
    }
    return texts[action] % {"count": count}


def _back(request: OrganizationRequest, fallback: str) -> str:
    """The address in ``next`` when it is one of ours."""
    wanted = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(wanted, allowed_hosts=None):
        return wanted
    return fallback


# --- the page of one post ---------------------------------------------------------------------------------------------

_METRICS = [
    ("likes", "heart"), ("comments", "message-circle"), ("shares", "share"), ("reach", "users"), ("impressions", "eye"),
    ("clicks", "link"),
]  # fmt: skip


@require_safe
@requires("posts.view")
def post(request: OrganizationRequest, post_id: UUID) -> HttpResponse:
    """Everything about one post: text, state and next step, engagement over time, attempts."""
    now = timezone.now()
    rows = SocialPost.objects.for_organization(request.organization).with_card().select_related("group")
    found = get_object_or_404(rows, pk=post_id)
    siblings = []
    if found.group_id:
        others = SocialPost.objects.for_organization(request.organization).filter(group_id=found.group_id)
        siblings = [
            (other, standing_of(other, now=now)) for other in others.exclude(pk=found.pk).select_related("connection")
        ]
    standing = standing_of(found, now=now)
    state = _state(found, standing, siblings)
    context = {
        "post": found,
        "standing": standing,
        "siblings": siblings,
        "zone": request.organization.zone.key,
        "state": state,
        "look_again_s": _look_again_s(found, siblings, now=now),
    }
    is_part = bool(request.htmx) and not request.htmx.boosted
    if is_part and request.GET.get("state") == state:
        response = HttpResponse(status=204)
    else:
        context |= {
            "avatar_url": avatar_url_of(found.connection),
            "media": list(found.attached_media.all()),
            "history": history_of(found),
            "unread": why_unread(found) if found.status == PostStatus.PUBLISHED and not found.deleted_at else "",
        } | _metrics(found)
        template = "publishing/_post_page.html" if is_part else "publishing/post.html"
        response = render(request, template, context | {"is_part": is_part})
        if is_part:
            trigger_client_event(response, "announce", {"text": standing.label})
    patch_vary_headers(response, ["HX-Request"])
    return response


Siblings = list[tuple[SocialPost, Standing]]
SOON = timedelta(seconds=90)


def _state(post: SocialPost, standing: Standing, siblings: Siblings) -> str:
    """A digest of what the page shows of a post: equal while there is nothing new to show."""
    shown = [
        standing, post.status, post.scheduled_at, post.published_at, post.permalink, post.deleted_at,
        post.engagement_synced_at, [state.label for _other, state in siblings],
    ]  # fmt: skip
    return sha256(repr(shown).encode()).hexdigest()[:16]


def _look_again_s(post: SocialPost, siblings: Siblings, *, now: datetime) -> int:
    """After how many seconds an open page asks again; 0 when nothing will happen by itself any more."""

    def wait(one: SocialPost) -> int:
        if one.status == PostStatus.PUBLISHING:
            return 2
        if one.status == PostStatus.SCHEDULED:
            due = max(filter(None, (one.scheduled_at, one.next_attempt_at, one.paced_until)), default=None)
            return 2 if due and due < now + SOON and one.connection.can_be_used and not one.hold_reason else 20
        if one.status == PostStatus.FAILED and one.error_code == "OUTCOME_UNKNOWN":
            return 20
        return 0

    counts_soon = (
        post.status == PostStatus.PUBLISHED and post.engagement_due_at and post.engagement_due_at < now + SOON * 2
    )
    waits = [20] if counts_soon else []
    waits += [found for found in (wait(one) for one in (post, *(other for other, _state in siblings))) if found]
    return min(waits, default=0)


def _metrics(post: SocialPost) -> dict[str, Any]:
    """Tiles of the totals that the platform tells, and the chart of all engagement over time."""
    if post.status != PostStatus.PUBLISHED:
        return {"tiles": [], "chart": None, "points": []}
    labels = {
        "likes": _("Likes"), "comments": _("Comments"), "shares": _("Shares"), "reach": _("Reach"),
        "impressions": _("Impressions"), "clicks": _("Clicks"),
    }  # fmt: skip
    tiles = [(labels[name], getattr(post, name), icon) for name, icon in _METRICS if getattr(post, name) is not None]
    points: list[tuple[datetime, int]] = []
    for point in post.metric_points.all():
        points.append((point.at, (point.likes or 0) + (point.comments or 0) + (point.shares or 0)))
    if points and post.published_at and post.published_at < points[0][0]:
        points.insert(0, (post.published_at, 0))
    return {"tiles": tiles, "chart": line_chart(points), "points": points[::-1][:100]}


# --- buttons ----------------------------------------------------------------------------------------------------------

Verb = Callable[[SocialPost, User], SocialPost]


def _act(request: OrganizationRequest, post_id: UUID, verb: Verb, text: str) -> HttpResponse:
    """Do one thing to one post and say what came of it."""
    post = _found(request, post_id)
    before = local_day(post, request.organization)
    try:
        changed = verb(post, request.user)
    except DomainError as error:
        return answer_refusal(request, error, [before], post=post, back_to=_back(request, ""))
    days = [before, local_day(changed, request.organization)]
    return answer_change(request, text, days, post=changed, back_to=_back(request, ""))


def _found(request: OrganizationRequest, post_id: UUID) -> SocialPost:
    rows = SocialPost.objects.for_organization(request.organization).select_related("connection", "organization")
    return get_object_or_404(rows, pk=post_id)


@require_POST
@requires("posts.publish")
def publish_now(request: OrganizationRequest, post_id: UUID) -> HttpResponse:
    return _act(request, post_id, lambda post, user: services.publish_now(post, by=user), _("Publishing now."))


@require_POST
@requires("posts.publish")
def release(request: OrganizationRequest, post_id: UUID) -> HttpResponse:
    """A held post goes out after all."""
    return _act(request, post_id, lambda post, user: services.publish_now(post, by=user), _("Publishing now."))


@require_POST
@requires("posts.publish")
def retry(request: OrganizationRequest, post_id: UUID) -> HttpResponse:
    return _act(request, post_id, lambda post, user: services.retry_post(post, by=user), _("Trying again now."))


@require_POST
@requires("posts.edit")
def cancel(request: OrganizationRequest, post_id: UUID) -> HttpResponse:
    post = _found(request, post_id)
    day, can_return = local_day(post, request.organization), post.status == PostStatus.SCHEDULED
    try:
        made = call_off(post, by=request.user)
    except DomainError as error:
        return answer_refusal(request, error, [day], post=post, back_to=_back(request, ""))
    undo = made.undo if can_return else ""
    text = _("Cancelled. It will not be published.")
    return answer_change(request, text, [day], post=made.post, undo=undo, back_to=_back(request, ""))


@require_POST
@requires("posts.edit")
def unschedule(request: OrganizationRequest, post_id: UUID) -> HttpResponse:
    post = _found(request, post_id)
    day = local_day(post, request.organization)
    try:
        made = move_to_tray([post], by=request.user)
    except DomainError as error:
        return answer_refusal(request, error, [day], post=post, back_to=_back(request, ""))
    text = _("Moved to drafts.")
    return answer_change(request, text, [day], post=made.post, undo=made.undo, back_to=_back(request, ""))


@require_POST
@requires("posts.edit")
def duplicate(request: OrganizationRequest, post_id: UUID) -> HttpResponse:
    """A draft with the same content, opened for writing; of an account that is gone, a new post for others."""
    post = _found(request, post_id)
    if post.connection.disconnected_at is not None:
        messages.info(request, _("Choose social accounts for this copy."))
        return HttpResponseRedirect(f"{reverse('publishing:compose')}?copy={post.pk}")
    try:
        copy = duplicate_post(post, by=request.user)
    except DomainError as error:
        return answer_refusal(request, error, [], post=post)
    messages.success(request, _("This is a copy. It stays a draft until you give it a time."))
    return HttpResponseRedirect(reverse("publishing:edit", args=[copy.pk]))


@require_POST
@requires("posts.delete")
def delete(request: OrganizationRequest, post_id: UUID) -> HttpResponse:
    """Delete a draft."""
    post = _found(request, post_id)
    day = local_day(post, request.organization)
    try:
        services.delete_draft(post, by=request.user)
    except DomainError as error:
        return answer_refusal(request, error, [day], post=post)
    post.pk = post_id  # the row is gone; its id still names what the page has to take away
    return answer_change(
        request, _("Draft deleted."), [day], post=post, back_to=_back(request, reverse("publishing:posts"))
    )


@require_POST
@requires("posts.delete")
def delete_at_platform(request: OrganizationRequest, post_id: UUID) -> HttpResponse:
    def verb(post: SocialPost, user: User) -> SocialPost:
        return services.delete_at_platform(post, by=user)

    return _act(request, post_id, verb, _("Deleted from the platform. Its history stays here."))


@require_POST
@requires("posts.delete")
def delete_with_comment(request: OrganizationRequest, post_id: UUID) -> HttpResponse:
    """The same, and its first comment where that would stay."""

    def verb(post: SocialPost, user: User) -> SocialPost:
        return services.delete_at_platform(post, with_comment=True, by=user)

    return _act(request, post_id, verb, _("Deleted from the platform with its first comment. The history stays here."))


@require_POST
@requires("connections.sync")
def sync(request: OrganizationRequest, post_id: UUID) -> HttpResponse:
    """Read the engagement of one post now."""

    def verb(post: SocialPost, user: User) -> SocialPost:
        return sync_post_engagement(post, by=user)

    return _act(request, post_id, verb, _("Engagement is up to date."))


class ResolveForm(forms.Form):
    decision = forms.ChoiceField(choices=[("published", "published"), ("resend", "resend"), ("drop", "drop")])
    link = forms.CharField(max_length=500, required=False)


@require_POST
@requires("posts.publish")
def resolve(request: OrganizationRequest, post_id: UUID) -> HttpResponse:
    """A person's word on a post of which nobody knows whether it went out."""
    form = ResolveForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose an answer."))
        to = reverse("publishing:post", args=[_found(request, post_id).pk])
        return HttpResponseClientRedirect(to) if request.htmx else HttpResponseRedirect(to)
    texts = {
        "published": _("Marked as published."),
        "resend": _("Parley checks the platform once more, then sends it again."),
        "drop": _("Cancelled. It will not be sent again."),
    }

    def verb(post: SocialPost, user: User) -> SocialPost:
        decision = form.cleaned_data["decision"]
        return services.resolve_unknown(post, decision=decision, link=form.cleaned_data["link"], by=user)

    return _act(request, post_id, verb, texts[form.cleaned_data["decision"]])
