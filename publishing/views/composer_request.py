"""What the composer's addresses and forms mean: which desk they are about, and what it shows before anything is typed."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from accounts.ids import new_id
from accounts.middleware import OrganizationRequest
from accounts.models import Organization
from campaigns.models import Campaign
from connections.models import SocialConnection
from publishing.composer import Composition
from publishing.drafts import input_of
from publishing.forms import ComposerForm
from publishing.models import PostGroup, PostStatus, SocialPost
from publishing.moment_fields import day_in_words
from publishing.when import resolve_when
from publishing.writing import (
    Desk,
    composition_of,
    open_desk,
    open_post,
)
from publishing.zones import YEARS

DEFAULT_TIME = time(9)


def desk_of_group(organization: Organization, text: str) -> Desk:
    try:
        group_id = UUID(text) if text else new_id()
        return open_desk(organization, group_id)
    except (ValueError, PostGroup.DoesNotExist) as error:
        raise Http404("no such post group") from error


def desk_of_form(request: OrganizationRequest) -> Desk:
    """The desk that a form belongs to: its ``post`` field, else its ``group``."""
    if named := request.POST.get("post"):
        posts = SocialPost.objects.for_organization(request.organization).with_card()
        try:
            return open_post(posts.get(pk=UUID(named)))
        except (ValueError, SocialPost.DoesNotExist) as error:
            raise Http404("no such post") from error
    return desk_of_group(request.organization, request.POST.get("group", ""))


def version_seen(request: HttpRequest) -> str | None:
    """What the page showed when it was made or last saved. A button that was pressed comes after the hidden field."""
    return request.POST.get("version")


def choosable(organization: Organization, desk: Desk) -> list[SocialConnection]:
    if desk.post is not None:
        return [desk.post.connection]
    found = list(SocialConnection.objects.for_organization(organization).in_use().by_name())
    known = {connection.pk for connection in found}
    return found + [post.connection for post in desk.posts if post.connection_id not in known]


def form_of(request: OrganizationRequest, desk: Desk) -> ComposerForm:
    """The form as it was sent. Accounts whose post is closed or waits in the queue cannot be taken out of it here."""
    sent: QueryDict = request.POST.copy()
    closed = {str(post.connection_id) for post in desk.closed}
    fixed = [
        str(post.connection_id) for post in desk.editable if desk.post is not None or post.status != PostStatus.DRAFT
    ]
    sent.setlist(
        "connections", list(dict.fromkeys([*(c for c in sent.getlist("connections") if c not in closed), *fixed]))
    )
    return ComposerForm(
        sent,
        organization=request.organization,
        connections=choosable(request.organization, desk),
        options={post.connection_id: post.options for post in desk.editable},
    )


def first_look(request: OrganizationRequest, desk: Desk) -> dict[str, Any]:
    """What the page shows before anything was typed."""
    zone, now = request.organization.zone, timezone.now()
    usable = SocialConnection.objects.for_organization(request.organization).active().by_name()
    wanted = set(request.GET.getlist("connection"))
    chosen = [connection for connection in usable if str(connection.pk) in wanted]
    if not wanted and not desk.posts:
        chosen = list(usable[:2])
        chosen = chosen if len(chosen) == 1 else []
    composition = composition_of(desk, chosen)
    if copied := _copied(request, desk):
        said = input_of(copied)
        composition = replace(
            composition, text=said.content, link_url=said.link_url, first_comment=said.first_comment, media=said.media,
            campaign=said.campaign,
        )  # fmt: skip
    campaign = request.GET.get("campaign", "")
    if campaign and not desk.posts:
        composition = _in_campaign(composition, request.organization, campaign)
    stored = next((post.scheduled_at for post in desk.editable if post.scheduled_at), None)
    at = stored or _asked_for(request.GET.get("at", ""), request.organization, now)
    statuses = {post.status for post in desk.editable}
    kind = "at" if at or not statuses or statuses != {PostStatus.DRAFT} else "draft"
    local = (at or _proposal(now, request.organization)).astimezone(zone)
    fields = {
        "when": kind,
        "date": day_in_words(local.date()),
        "time": f"{local:%H:%M}",
        "fold": str(local.fold),
        "instead": "",
    }
    when = resolve_when(kind, local.replace(tzinfo=None, fold=0), zone=zone, now=now, fold=fields["fold"])
    return {
        "composition": composition,
        "when": when,
        "fields": fields,
        "pointers": {"tab": "", "preview": "", "begun": "" if desk.posts else "new"},
    }


def _copied(request: OrganizationRequest, desk: Desk) -> SocialPost | None:
    """The post that ``?copy=`` names, for a page that holds none yet."""
    try:
        wanted = UUID(request.GET.get("copy", ""))
    except ValueError:
        return None
    return None if desk.posts else SocialPost.objects.for_organization(request.organization).filter(pk=wanted).first()


def _in_campaign(composition: Composition, organization: Organization, campaign_id: str) -> Composition:
    try:
        campaign = Campaign.objects.for_organization(organization).open().filter(pk=UUID(campaign_id)).first()
    except ValueError:
        return composition
    return replace(composition, campaign=campaign)


def _asked_for(text: str, organization: Organization, now: datetime) -> datetime | None:
    """``?at=`` as a moment: ISO with an offset, local wall time, or a day alone (then nine o'clock, or the next full hour
    when that is over). None for what makes no sense."""
    try:
        day = parse_date(text)
        moment = None if day else parse_datetime(text)
    except ValueError:
        return None
    if (day or moment or now).year not in YEARS:
        return None
    if day is not None:
        proposal = datetime.combine(day, DEFAULT_TIME, organization.zone)
        return proposal if proposal > now else max(_next_hour(now, organization), proposal)
    if moment is None:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=organization.zone)


def _next_hour(now: datetime, organization: Organization) -> datetime:
    local = (now + timedelta(minutes=70)).astimezone(UTC).astimezone(organization.zone)
    return local.replace(minute=0, second=0, microsecond=0)


def _proposal(now: datetime, organization: Organization) -> datetime:
    """Tomorrow at nine."""
    tomorrow: date = now.astimezone(organization.zone).date() + timedelta(days=1)
    return datetime.combine(tomorrow, DEFAULT_TIME, organization.zone)


def pointers_of(sent: Any) -> dict[str, str]:
    """Which variant and which preview are open, and whether the page began without a draft ("new"): it keeps them while
    parts of it are replaced, and when it comes back with a refusal."""
    return {name: str(sent.get(name) or "") for name in ("tab", "preview", "begun")}
