"""The composer's page and its parts: accounts, tabs, counters, problems, previews."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.middleware import OrganizationRequest
from accounts.models import Organization
from accounts.permissions import may
from campaigns.models import Campaign
from connections.models import SocialConnection
from connections.platforms.base import Can
from connections.platforms.text import is_blank
from publishing.allowances import Allowance, allowances
from publishing.composer import AccountCheck, Composition, check, obstacles
from publishing.drafts import MediaUse
from publishing.emoji import EMOJI
from publishing.forms import ALT_TEXT_LENGTH
from publishing.models import PostGroup, PostStatus, SocialPost
from publishing.states import standing_of
from publishing.versions import EditedMeanwhile, writer_beside
from publishing.views.composer_request import choosable, version_seen
from publishing.warnings import quota_warning, warnings_for
from publishing.when import When, submit_label, what_happens
from publishing.writing import (
    Desk,
    differences,
)

_KEEPS_UNFINISHED = timedelta(days=7)


@dataclass(frozen=True)
class AccountField:
    """One account on the page: its chip, its tab and its own text and pictures. ``detail`` tells it from another account
    of the same name: its handle, else its platform; "" where the name is enough."""

    connection: SocialConnection
    detail: str
    is_chosen: bool
    reason: str
    is_locked: bool
    has_own_text: bool
    text: str
    has_own_media: bool
    media: tuple[MediaUse, ...]

    @property
    def is_disabled(self) -> bool:
        """An account that cannot be chosen; one that is chosen already can still be taken out."""
        return bool(self.reason) and not self.is_chosen


def composer_page(
    request: OrganizationRequest,
    desk: Desk,
    *,
    composition: Composition,
    when: When,
    fields: dict[str, str],
    pointers: dict[str, str],
    refusal: str = "",
    conflict: EditedMeanwhile | None = None,
    status: int = 200,
) -> HttpResponse:
    now = timezone.now()
    connections = choosable(request.organization, desk)
    names = Counter(connection.account_name for connection in connections)
    accounts = [
        _account(connection, composition, desk, is_alone=names[connection.account_name] == 1)
        for connection in connections
    ]
    accounts.sort(key=lambda account: bool(account.reason))  # what can be chosen comes first
    context = (
        judged(request, desk, composition, when, now)
        | pointers
        | {
            "desk": desk,
            "title": _title(desk, pointers),
            "desk_name": desk_name(desk),
            "accounts": accounts,
            "composition": composition,
            "fields": fields,
            "refusal": refusal,
            "conflict": conflict,
            # Until the person has chosen, the page goes on from what it saw: no save of it may overwrite the rest.
            "version": version_seen(request) if conflict else desk.version,
            "differs": differences(desk.editable) if desk.post is None else [],
            "siblings": _siblings(desk),
            "campaigns": _campaigns(request.organization, composition),
            "emoji": EMOJI,
            "hours": [f"{hour:02d}" for hour in range(24)],
            "alt_text_length": ALT_TEXT_LENGTH,
            "can_comment": any(account.connection.can(Can.FIRST_COMMENT) for account in accounts),
            "commenters": [one.label for one in check(composition) if one.connection.can(Can.FIRST_COMMENT)],
            "takes_autosave": desk.takes_autosave,
            "has_drafts": any(post.status == PostStatus.DRAFT for post in desk.posts),
            "address": address_of(desk),
            "beside": "" if conflict else writer_beside(desk.posts, by=request.user, now=now),
            "unfinished": _unfinished(request, desk, now) if request.method == "GET" else None,
            "storage_scope": f"parley-composer:{request.organization.pk}:{request.user.pk}",
        }
    )
    return render(request, "publishing/compose.html", context, status=status)


def _title(desk: Desk, pointers: dict[str, str]) -> str:
    """A post that was begun on this page stays new until it is scheduled, whatever was saved of it meanwhile."""
    if any(post.status != PostStatus.DRAFT for post in desk.posts):
        return _("Edit post")
    return _("New post") if pointers["begun"] or not desk.posts else _("Edit draft")


def judged(
    request: OrganizationRequest, desk: Desk, composition: Composition, when: When, now: datetime
) -> dict[str, Any]:
    organization = request.organization
    checks = check(composition)
    left = _allowances(checks, desk, when, now)
    checks = _warned(checks, left, organization, desk, when, now)
    return {
        "checks": checks,
        "obstacles": obstacles(checks),
        "allowances": left,
        "when": when,
        "happening": what_happens(when, checks, zone=organization.zone, zone_name=organization.time_zone, now=now),
        "submit_label": submit_label(when, zone=organization.zone),
        "preview_time": (when.at or now).astimezone(organization.zone),
        "may_publish": may(request.membership, "posts.publish"),
        "tabs": _tabs(checks),
    }


def _allowances(checks: list[AccountCheck], desk: Desk, when: When, now: datetime) -> list[tuple[str, Allowance]]:
    """The chosen accounts' short names with what each may still publish at the chosen time."""
    labels = {one.connection.pk: one.label for one in checks}
    found = allowances(
        [one.connection for one in checks], at=when.at or now, now=now, besides=[post.pk for post in desk.posts]
    )
    return [(labels[one.connection.pk], one) for one in found]


def _warned(
    checks: list[AccountCheck],
    left: list[tuple[str, Allowance]],
    organization: Organization,
    desk: Desk,
    when: When,
    now: datetime,
) -> list[AccountCheck]:
    """The same with what a person should know about the chosen time and text, but may do all the same."""
    if when.kind == "draft" or when.problem:
        return checks
    quotas = {one.connection.pk: quota_warning(one) for _label, one in left}
    besides = [post.pk for post in desk.posts]
    found = []
    for one in checks:
        one.connection.organization = organization  # saves a query for each
        warnings = warnings_for(
            one.connection,
            one.given,
            when.at or now,
            besides=besides,
            now=now,
            is_now=when.at is None,
            with_budget=False,
        )
        quota = quotas.get(one.connection.pk)
        found.append(replace(one, problems=(*one.problems, *warnings, *([quota] if quota else []))))
    return found


def _tabs(checks: list[AccountCheck]) -> list[dict[str, Any]]:
    return [
        {
            "id": str(one.connection.pk),
            "label": one.label,
            "changed": one.is_own,
            "state": "over" if one.state == "over" else "problem" if one.is_blocked else "",
        }
        for one in checks
    ]


def _account(connection: SocialConnection, composition: Composition, desk: Desk, *, is_alone: bool) -> AccountField:
    post = desk.post_of(connection)
    reason, is_locked = "", False
    if post is not None and post in desk.closed:
        reason = standing_of(post, now=timezone.now()).label
    elif connection.disconnected_at is not None:
        reason = _("disconnected")
    elif not connection.is_active:
        reason = _("reconnect first")
    if desk.post is not None or (post is not None and post in desk.editable and post.status != PostStatus.DRAFT):
        is_locked = True
    own = composition.own_media.get(connection.pk)
    return AccountField(
        connection=connection,
        detail="" if is_alone else _handle(connection) or str(connection.platform_label),
        is_chosen=connection in composition.connections,
        reason=reason,
        is_locked=is_locked,
        has_own_text=connection.pk in composition.own_texts,
        text=composition.own_texts.get(connection.pk, composition.text),
        has_own_media=own is not None,
        media=own if own is not None else (),
    )


def _handle(connection: SocialConnection) -> str:
    return f"@{connection.account_handle.removeprefix('@')}" if connection.account_handle else ""


def _siblings(desk: Desk) -> int:
    """How many other posts share the idea of a post that is edited alone."""
    if desk.post is None or desk.post.group_id is None:
        return 0
    others = SocialPost.objects.for_organization(desk.organization).filter(group_id=desk.post.group_id)
    return others.exclude(pk=desk.post.pk).count()


def _campaigns(organization: Organization, composition: Composition) -> list[Campaign]:
    found = list(Campaign.objects.for_organization(organization).open())
    if composition.campaign and composition.campaign not in found:
        found.append(composition.campaign)
    return found


def _unfinished(request: OrganizationRequest, desk: Desk, now: datetime) -> PostGroup | None:
    """A text of this person that never found its account, when they come to write a new one."""
    if desk.group is not None or desk.post is not None:
        return None
    groups = PostGroup.objects.for_organization(request.organization).filter(
        created_by=request.user, posts__isnull=True
    )
    return groups.exclude(content="").filter(created_at__gte=now - _KEEPS_UNFINISHED).order_by("-created_at").first()


def closed_page(request: OrganizationRequest, desk: Desk, kept: Composition | None = None) -> HttpResponse:
    """What can no longer be changed, and why. ``kept``: what the person had just written, so that it is not lost."""
    now = timezone.now()
    posts = [(post, standing_of(post, now=now)) for post in desk.posts]
    context = {"posts": posts, "kept": kept, "written": texts_of(kept) if kept else []}
    return render(request, "publishing/compose_closed.html", context, status=409 if kept else 200)


def texts_of(composition: Composition) -> list[str]:
    return list(
        dict.fromkeys(text for text in (composition.text, *composition.own_texts.values()) if not is_blank(text))
    )


def desk_name(desk: Desk) -> str:
    return str(desk.post.pk if desk.post is not None else desk.group_id)


def address_of(desk: Desk) -> str:
    if desk.post is not None:
        return reverse("publishing:edit", args=[desk.post.pk])
    return f"{reverse('publishing:compose')}?group={desk.group_id}"
