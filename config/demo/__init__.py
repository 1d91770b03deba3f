"""Fills an empty installation with the demonstration: two clubs, their accounts at the sandbox, a fortnight of posts.

It does what people would do, through the same services: accounts are connected with tokens that the sandbox grants,
past posts are published there by the real clients and then moved into the past, their counts are read at the ages at
which the ladder would have read them. So everything that a page shows can be followed to the platform. Running it again
adds what is missing and changes nothing else.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from io import BytesIO
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.files.base import File
from django.core.management.base import CommandError
from django.db import transaction
from django.utils import timezone

from accounts.audit import SYSTEM, as_of
from accounts.errors import DomainError
from accounts.models import Membership, Notification, Organization, User
from accounts.permissions import Role
from campaigns.models import Campaign
from config.demo.content import CLUBS, PASSWORD, Account, Club, Idea
from config.demo.pictures import paint
from connections.models import SocialConnection
from connections.platforms import platform_class
from connections.services import connect_with_tokens, validate_connection
from publishing.attempts import publish_post
from publishing.dispatch import claim_due_posts
from publishing.engagement import sync_connection_engagement
from publishing.media import describe_asset, store_upload
from publishing.models import MediaAsset, PostGroup, PostMetric, PostStatus, SocialPost
from publishing.services import MediaUse, PostInput, create_post, publish_now, schedule_post

WRITTEN_BEFORE = timedelta(days=2)
BEGUN_BEFORE = timedelta(days=10)
"""When the clubs connected their accounts."""
TOOK = timedelta(seconds=1)
LADDER_H = (1, 3, 6, 12, 24, 48, 96, 144)
"""Ages, in hours, at which the history of a post has a point."""


class Sandbox:
    """The sandbox's control interface, over HTTP like everything else that concerns it."""

    def __init__(self) -> None:
        self.address = urljoin(settings.APP_URL + "/", "sandbox/api/")

    def tell(self, path: str, order: dict[str, Any]) -> dict[str, Any]:
        """An order, and its answer. Raises CommandError when the sandbox does not answer or refuses."""
        try:
            answer = requests.post(self.address + path, json=order, timeout=20)
        except requests.RequestException as error:
            raise CommandError(
                f"Nothing answers at {self.address}. The web must run: `make run` does it all."
            ) from error
        if not answer.ok:
            raise CommandError(f"The sandbox refused {path}: {answer.text[:300]}")
        parsed: dict[str, Any] = answer.json()
        return parsed


def fill(now: datetime | None = None) -> list[str]:
    """Fill the database; what was left out, in sentences. Raises CommandError without the sandbox."""
    if not settings.SANDBOX:
        raise CommandError("The demonstration exists beside the sandbox alone: everybody in it has a known password.")
    now = now or timezone.now()
    sandbox = Sandbox()
    sandbox.tell("seed", {})
    fillers = [ClubFiller(club, sandbox, now) for club in CLUBS]
    for filler in fillers:
        filler.fill()
    return [sentence for filler in fillers for sentence in filler.left_out]


def why_not_here(platform: str) -> str:
    """Why a platform's accounts cannot be those of this sandbox, "" when they may be: what the sandbox grants must not be
    sent to anybody else."""
    address = settings.PLATFORM_API_URLS[platform]
    if urlsplit(address).path.rstrip("/") == f"/sandbox/{platform.lower()}":
        return ""
    return f"{platform}_API_URL leads elsewhere ({address})." if address else f"{platform}_API_URL is empty."


@dataclass
class ClubFiller:
    """Brings one club to what is planned for it."""

    club: Club
    sandbox: Sandbox
    now: datetime
    connections: dict[str, SocialConnection] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    def fill(self) -> None:
        self.people()
        for account in self.club.accounts:
            self.connect_or_leave_out(account)
        self.campaigns = {plan.key: self.campaign(plan.key) for plan in self.club.campaigns}
        self.pictures = {key: self.picture(key) for key in self.club.pictures}
        published = [post for idea in self.club.ideas for post in self.posts(idea)]
        self.history(published)
        self.troubles()

    # --- people and accounts ------------------------------------------------------------------------------------------

    @transaction.atomic
    def people(self) -> None:
        self.organization = Organization.objects.get_or_create(
            slug=self.club.slug, defaults={"name": self.club.name, "time_zone": self.club.zone}
        )[0]
        for person in self.club.people:
            user = User.objects.filter(email=person.email).first()
            if user is None:
                user = User.objects.create_user(person.email, PASSWORD, name=person.name)
            EmailAddress.objects.get_or_create(
                user=user, email=user.email, defaults={"verified": True, "primary": True}
            )
            Membership.objects.get_or_create(organization=self.organization, user=user, defaults={"role": person.role})
        self.owner = self.member(Role.OWNER)
        self.writer = self.member(Role.MARKETER) or self.owner

    def member(self, role: str) -> Any:
        membership = Membership.objects.filter(organization=self.organization, role=role).select_related("user").first()
        return membership.user if membership else None

    def connect_or_leave_out(self, account: Account) -> None:
        """Connect an account, or note why it is left out: an operator may have replaced its platform's address."""
        reason = why_not_here(account.platform)
        if not reason:
            try:
                self.connections[account.key] = self.connection(account)
            except DomainError as error:
                reason = str(error)
        if reason:
            label = platform_class(account.platform).label
            self.left_out.append(f"the {label} account of {self.club.name}: {reason}")

    def connection(self, account: Account) -> SocialConnection:
        """The connection of a sandbox account, made with tokens as after a consent when it is missing."""
        known = SocialConnection.objects.for_organization(self.organization).filter(
            platform=account.platform, platform_account_id=account.native_id
        )
        if connection := known.first():
            return connection
        order = {"platform": account.platform, "account": account.native_id} | account.grant
        grant = self.sandbox.tell("grants", order)
        page = next((page for page in grant["pages"] if page["id"] == account.native_id), None)
        begun_at = self.now - BEGUN_BEFORE
        with as_of(begun_at):
            made = self.connect(account, grant, page)
        SocialConnection.objects.filter(pk=made.pk).update(created_at=begun_at)
        return made

    def connect(self, account: Account, grant: dict[str, Any], page: dict[str, Any] | None) -> SocialConnection:
        return connect_with_tokens(
            self.organization,
            platform_class(account.platform),
            access_token=page["access_token"] if page else grant["access_token"],
            refresh_token=grant["refresh_token"] or "",
            expires_in_s=None if page else grant["expires_in"],
            permissions=grant["scopes"],
            server_url=account.server,
            by=self.owner,
        )

    # --- what they write ----------------------------------------------------------------------------------------------

    def campaign(self, key: str) -> Campaign:
        plan = next(plan for plan in self.club.campaigns if plan.key == key)
        today = self.now.astimezone(self.organization.zone).date()
        return Campaign.objects.get_or_create(
            organization=self.organization,
            name=plan.name,
            defaults={
                "goal": plan.goal, "colour": plan.colour, "owner": self.writer,
                "starts_on": today + timedelta(days=plan.starts_in_days),
                "ends_on": today + timedelta(days=plan.ends_in_days),
            },
        )[0]  # fmt: skip

    def picture(self, key: str) -> MediaAsset:
        picture = self.club.pictures[key]
        body = paint(picture.scene, picture.sky, f"{self.club.slug}:{key}")
        asset = store_upload(
            self.organization, File(BytesIO(body), name=picture.name), by=self.writer, name=picture.name
        )
        return describe_asset(asset, picture.alt_text, by=self.writer) if not asset.alt_text else asset

    def moment(self, idea: Idea) -> datetime | None:
        """When an idea goes out: its wall time in the club's zone."""
        if idea.day is None:
            return None
        zone = self.organization.zone
        day = self.now.astimezone(zone).date() + timedelta(days=idea.day)
        return datetime.combine(day, time.fromisoformat(idea.time), zone)

    def posts(self, idea: Idea) -> list[SocialPost]:
        """Make the posts of an idea that are missing, and bring each where its time says; those that went out."""
        group = None
        at = self.moment(idea)
        published = []
        keys = [key for key in idea.accounts if key in self.connections]
        for key in keys:
            connection, text = self.connections[key], idea.said.get(key, idea.text)
            if SocialPost.objects.filter(connection=connection, content=text).exists():
                continue
            if len(keys) > 1 and group is None:
                group = PostGroup.objects.create(
                    organization=self.organization, content=idea.text, created_by=self.writer
                )
            given = PostInput(
                content=text,
                link_url=idea.link,
                media=tuple(MediaUse(self.pictures[name]) for name in idea.pictures),
                campaign=self.campaigns.get(idea.campaign),
            )
            written_at = min(at or self.now, self.now) - WRITTEN_BEFORE
            with as_of(written_at):
                post = create_post(connection, given, by=self.writer, group=group)
                SocialPost.objects.filter(pk=post.pk).update(created_at=written_at)
                if at is not None and at > self.now + timedelta(minutes=2):
                    schedule_post(post, at=at, by=self.writer)
            if at is not None and at > self.now + timedelta(minutes=2):
                continue
            if at is not None:
                published += self.publish_in_the_past(post, at, refused=idea.refused)
        return published

    # --- what happened to it ------------------------------------------------------------------------------------------

    def publish_in_the_past(self, post: SocialPost, at: datetime, *, refused: bool) -> list[SocialPost]:
        """Publish now, then move everything that happened to its time."""
        if refused:
            fault = {"platform": post.connection.platform, "operation": "publish", "fault": "reject", "times": 1}
            self.sandbox.tell("faults", fault)
        with as_of(at):
            publish_now(post, by=self.writer)
        with as_of(at + TOOK):
            for post_id in claim_due_posts(timezone.now(), limit=100):
                publish_post(post_id)
        post.refresh_from_db()
        if post.status not in {PostStatus.PUBLISHED, PostStatus.FAILED}:
            return []  # a worker has it, or the sandbox was told to misbehave: it goes out as any other post
        move_into_past(post, at)
        if post.status != PostStatus.PUBLISHED:
            return []
        self.move_at_platform(post, at)
        return [post]

    def move_at_platform(self, post: SocialPost, at: datetime) -> None:
        order = {"platform": post.connection.platform, "id": post.platform_post_id, "created_at": at.isoformat()}
        self.sandbox.tell("posts", order)

    def history(self, posts: list[SocialPost]) -> None:
        """Read the counts of posts at each age of the ladder, and once at their true age."""
        for age_h in LADDER_H:
            age = timedelta(hours=age_h)
            old_enough = [post for post in posts if self.now - past(post) > age]
            for post in old_enough:
                self.move_at_platform(post, timezone.now() - age)
            self.read_counts(old_enough)
            for post in old_enough:
                latest = PostMetric.objects.filter(post=post).order_by("-at").first()
                if latest is not None:
                    PostMetric.objects.filter(pk=latest.pk).update(at=past(post) + age)
        for post in posts:
            self.move_at_platform(post, past(post))
        self.read_counts(posts)

    def read_counts(self, posts: Iterable[SocialPost]) -> None:
        posts = list(posts)
        now = timezone.now()
        SocialPost.objects.filter(pk__in=[post.pk for post in posts]).update(engagement_due_at=now)
        for connection_id in {post.connection_id for post in posts}:
            sync_connection_engagement(connection_id, now)

    def troubles(self) -> None:
        """An account whose people took the access back at the platform: its posts wait for a new consent."""
        broken = self.connections.get(self.club.broken)
        if broken is None:
            return
        broken.refresh_from_db()
        if broken.is_active:
            order = {"platform": broken.platform, "account": broken.platform_account_id, "action": "revoke"}
            self.sandbox.tell("tokens", order)
            validate_connection(broken, by=SYSTEM)


def past(post: SocialPost) -> datetime:
    """When a published post went out."""
    if post.published_at is None:
        raise ValueError(f"post {post.pk} is not published")
    return post.published_at


def move_into_past(post: SocialPost, at: datetime) -> None:
    """Move a settled post and its attempts from now to ``at``."""
    changes: dict[str, Any] = {"scheduled_at": at, "claimed_at": None}
    if post.status == PostStatus.PUBLISHED:
        changes["published_at"] = at + TOOK
    else:
        changes["settled_at"] = at + TOOK
    SocialPost.objects.filter(pk=post.pk).update(**changes)
    for attempt in post.attempts.all():
        attempt.steps.update(started_at=at, finished_at=at + TOOK)
        post.attempts.filter(pk=attempt.pk).update(started_at=at, finished_at=at + TOOK)
    Notification.objects.filter(key__endswith=str(post.pk)).update(created_at=at + TOOK)
    for name, value in changes.items():
        setattr(post, name, value)
    latest = (
        SocialPost.objects.filter(connection_id=post.connection_id, status=PostStatus.PUBLISHED)
        .order_by("-published_at").values_list("published_at", flat=True).first()
    )  # fmt: skip
    SocialConnection.objects.filter(pk=post.connection_id).update(last_post_at=latest)
