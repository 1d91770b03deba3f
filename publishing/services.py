"""What people may do with posts. Each verb is one transaction, leaves an audit event and names its actor."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.audit import Actor, record_audit
from accounts.models import AuditEvent, Organization, User
from connections.errors import ConnectionInactive, NotFound
from connections.hurry import hurry
from connections.models import SocialConnection
from connections.platforms.base import Can, Platform
from connections.platforms.checks import is_web_address
from connections.tokens import call_with_fresh_token
from publishing.drafts import (
    MediaUse,
    PostInput,
    draft_of,
    draft_of_input,
    input_of,
    problems_of_input,
    problems_of_post,
)
from publishing.errors import IllegalTransition, InThePast, PostHasProblems, PostNotEditable, UndecidedOutcome
from publishing.models import Hold, PostGroup, PostMedia, PostStatus, PublishStep, SocialPost, allowed
from publishing.zones import YEARS, ImplausibleTime

__all__ = [
    "MediaUse", "PostInput", "cancel_post", "create_post", "create_post_group", "delete_at_platform", "delete_draft",
    "draft_of", "draft_of_input", "input_of", "move_status", "problems_of_input", "problems_of_post", "publish_now",
    "resolve_unknown", "retry_post", "schedule_post", "unschedule_post", "update_post",
]  # fmt: skip

SITTING = timedelta(minutes=10)
"""For so long after an event of writing, further writing of the same person at the same draft is part of it."""
_WRITING = frozenset({"post.created", "post.edited"})
UNCLAIMED: dict[str, Any] = {"claimed_by": "", "claimed_at": None, "lease_until": None}
_FRESH: dict[str, Any] = {
    "next_attempt_at": None, "hold_reason": Hold.NONE, "error_code": "", "error_message": None, "retry_count": 0,
    "paced_until": None, "pacing_waived": False,
} | UNCLAIMED  # fmt: skip


def move_status(
    post: SocialPost,
    to: str,
    *,
    expect: Iterable[str],
    by: Actor,
    action: str,
    now: datetime | None = None,
    **changes: Any,
) -> SocialPost:
    """The one way in which a post's status changes: a conditional UPDATE that names the status it expects.

    Of two writers one wins. Raises IllegalTransition for the other, and for a change that the table does not allow.
    """
    sources = [status for status in expect if status == to or allowed(status, to)]
    now = now or timezone.now()
    changed = {"status": to, "updated_at": now, **changes}
    # No savepoint of its own: what is raised inside means that the whole transaction failed.
    with transaction.atomic(savepoint=False):
        done, before = _change(post, sources, changed)
        if done:
            record_audit(action, post, by=by, changes=_diff(before, changed))
    if not done:
        raise IllegalTransition(_refusal(before["status"], to))
    for name, value in changes.items():
        setattr(post, name, value)
    post.status, post.updated_at = to, now
    return post


def _change(post: SocialPost, sources: Iterable[str], changed: dict[str, Any]) -> tuple[bool, dict[str, Any]]:
    """Whether the post was in one of these states and is changed now, and its status and time before."""
    rows = SocialPost.objects.filter(pk=post.pk)
    # Mostly it is as it was read, and then one statement does it.
    if "scheduled_at" not in changed and post.status in sources and rows.filter(status=post.status).update(**changed):
        return True, {"status": post.status}
    before: dict[str, Any] = {"status": ""}
    # Only a row that fits is locked: who has the account's row must not wait for a post that a worker is ending.
    for row in rows.filter(status__in=sources).select_for_update().values("status", "scheduled_at"):
        return bool(rows.filter(status__in=sources).update(**changed)), before | row
    for row in rows.values("status", "scheduled_at"):
        before.update(row)
    return False, before


def _diff(before: dict[str, Any], changed: dict[str, Any]) -> dict[str, Any]:
    diff: dict[str, Any] = {}
    if before["status"] != changed["status"]:
        diff["status"] = [before["status"], changed["status"]]
    if "scheduled_at" in changed and before["scheduled_at"] != changed["scheduled_at"]:
        diff["scheduled_at"] = [_iso(before["scheduled_at"]), _iso(changed["scheduled_at"])]
    for name in ("error_code", "error_message", "hold_reason", "permalink"):
        if changed.get(name):
            diff[name] = ["", str(changed[name])]
    return diff


def _iso(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""


def _refusal(before: str, to: str) -> str:
    if not before:
        return "This post no longer exists."
    if before == PostStatus.PUBLISHING:
        return "This post is being published right now."
    if before == PostStatus.PUBLISHED:
        return "This post is already published."
    return f"A post that is {PostStatus(before).label.lower()} cannot become {PostStatus(to).label.lower()}."


# --- writing ----------------------------------------------------------------------------------------------------------


def _fields(given: PostInput) -> dict[str, Any]:
    return {
        "content": given.content,
        "link_url": given.link_url,
        "first_comment": given.first_comment,
        "options": dict(given.options),
        "campaign": given.campaign,
    }


def _attach(post: SocialPost, uses: Iterable[MediaUse]) -> None:
    post.attached_media.all().delete()
    PostMedia.objects.bulk_create(
        PostMedia(post=post, asset=use.asset, position=position, alt_text=use.alt_text)
        for position, use in enumerate(uses)
    )


def _same_house(organization: Organization, given: PostInput) -> None:
    strangers = [use for use in given.media if use.asset.organization_id != organization.pk]
    if strangers or (given.campaign and given.campaign.organization_id != organization.pk):
        raise ValueError("media and campaign must belong to the post's organization")


@transaction.atomic
def create_post(
    connection: SocialConnection, given: PostInput, *, by: User, group: PostGroup | None = None
) -> SocialPost:
    """A new DRAFT for one connection."""
    _same_house(connection.organization, given)
    post = SocialPost.objects.create(
        organization=connection.organization, connection=connection, group=group, created_by=by, **_fields(given)
    )
    _attach(post, given.media)
    record_audit("post.created", post, by=by)
    return post


@transaction.atomic
def create_post_group(
    organization: Organization, given: Mapping[SocialConnection, PostInput], *, by: User, content: str = ""
) -> PostGroup:
    """The same idea for several connections: one DRAFT each, tied together. ``content`` is the shared text."""
    group = PostGroup.objects.create(organization=organization, content=content, created_by=by)
    for connection, said in given.items():
        if connection.organization_id != organization.pk:
            raise ValueError("a connection of another organization")
        create_post(connection, said, by=by, group=group)
    return group


@transaction.atomic
def update_post(post: SocialPost, given: PostInput, *, by: User) -> SocialPost:
    """Replace what a post says. A SCHEDULED post must still pass its platform's checks.

    Raises PostNotEditable once it was claimed, PostHasProblems.
    """
    current = SocialPost.objects.select_for_update().select_related("connection", "organization").get(pk=post.pk)
    _same_house(current.organization, given)
    if not current.is_editable:
        raise PostNotEditable(_refusal(current.status, PostStatus.DRAFT))
    if current.status == PostStatus.SCHEDULED:
        _check(current.connection, given)
    before = {"content": current.content, "link_url": current.link_url, "first_comment": current.first_comment}
    fields = _fields(given)
    for name, value in fields.items():
        setattr(current, name, value)
    current.save(update_fields=[*fields, "updated_at"])
    _attach(current, given.media)
    changes = {name: [old, fields[name]] for name, old in before.items() if old != fields[name]}
    if current.status != PostStatus.DRAFT or not _is_same_sitting(current, by):
        record_audit("post.edited", current, by=by, changes=changes)
    return current


def _is_same_sitting(draft: SocialPost, by: User) -> bool:
    """Whether the last thing that happened to a draft is that the same person wrote at it, less than ten minutes ago.

    The composer saves every few seconds; the trail says who wrote when, and with what each sitting began. What a draft
    says in the end stands in its row, in the first event of whatever changes it later, and in that of its deletion.
    """
    last = AuditEvent.objects.filter(object_type="socialpost", object_id=str(draft.pk)).order_by("-at", "-pk").first()
    return (
        last is not None and last.action in _WRITING and last.actor_id == by.pk and timezone.now() - last.at < SITTING
    )


def _check(connection: SocialConnection, given: PostInput) -> None:
    problems = problems_of_input(connection, given)
    if any(problem.blocking for problem in problems):
        raise PostHasProblems(problems)


@transaction.atomic
def delete_draft(post: SocialPost, *, by: User) -> None:
    """Delete a post that never went anywhere. Raises PostNotEditable for any other."""
    current = SocialPost.objects.select_for_update().get(pk=post.pk)
    if current.status != PostStatus.DRAFT:
        raise PostNotEditable("Only a draft can be deleted. Cancel a scheduled post instead.")
    record_audit("post.deleted", current, by=by, changes={"content": [current.content, ""]})
    current.delete()


# --- scheduling -------------------------------------------------------------------------------------------------------

_SCHEDULABLE = (
    PostStatus.DRAFT, PostStatus.PENDING_APPROVAL, PostStatus.SCHEDULED, PostStatus.FAILED, PostStatus.CANCELLED,
)  # fmt: skip


def _schedule(
    post: SocialPost, *, at: datetime, by: Actor, action: str, now: datetime, waive_pacing: bool = False
) -> SocialPost:
    _must_be_usable(post.connection)
    _must_be_decided(post)
    _check(post.connection, input_of(post))
    return move_status(
        post, PostStatus.SCHEDULED, expect=_SCHEDULABLE, by=by, action=action, now=now, scheduled_at=at,
        **(_FRESH | {"pacing_waived": waive_pacing}),
    )  # fmt: skip


def _must_be_decided(post: SocialPost) -> None:
    if post.status == PostStatus.FAILED and post.error_code == "OUTCOME_UNKNOWN":
        raise UndecidedOutcome("It is not known whether this post was published. Say what happened on its page first.")


def _must_be_usable(connection: SocialConnection) -> None:
    if connection.disconnected_at is not None:
        raise ConnectionInactive(f"{connection.account_name} is no longer connected.")
    if not connection.is_active:
        raise ConnectionInactive(
            f"{connection.account_name} must be reconnected before anything can be scheduled on it."
        )


def schedule_post(post: SocialPost, *, at: datetime, by: Actor, now: datetime | None = None) -> SocialPost:
    """Plan a post for a moment (aware). Also moves a SCHEDULED one, and revives a FAILED or CANCELLED one.

    Raises InThePast, ImplausibleTime, ConnectionInactive, PostHasProblems, UndecidedOutcome, IllegalTransition.
    """
    now = now or timezone.now()
    if at.year not in YEARS:
        raise ImplausibleTime
    if at <= now:
        raise InThePast("This time has passed. Choose a later one, or publish now.", field="at")
    return _schedule(post, at=at, by=by, action="post.scheduled", now=now)


def publish_now(post: SocialPost, *, by: Actor) -> SocialPost:
    """Make a post due at once, also in quiet hours and whatever the gap between posts: a person says so.

    Raises ConnectionInactive, PostHasProblems, UndecidedOutcome, IllegalTransition.
    """
    now = timezone.now()
    with transaction.atomic():
        post = _schedule(post, at=now, by=by, action="post.sent_now", now=now, waive_pacing=True)
        transaction.on_commit(partial(hurry, "publishing.tasks.dispatch_due_posts_task"), robust=True)
    return post


def unschedule_post(post: SocialPost, *, by: Actor) -> SocialPost:
    """Back to the drafts' tray, without a time. Raises UndecidedOutcome, IllegalTransition."""
    _must_be_decided(post)
    return move_status(
        post,
        PostStatus.DRAFT,
        expect=(PostStatus.SCHEDULED, PostStatus.PENDING_APPROVAL, PostStatus.FAILED, PostStatus.CANCELLED),
        by=by,
        action="post.unscheduled",
        scheduled_at=None,
        **_FRESH,
    )


def cancel_post(post: SocialPost, *, by: Actor, reason: str = "") -> SocialPost:
    """Call a waiting post off; it keeps its text. ``reason`` is a sentence for its page."""
    now = timezone.now()
    return move_status(
        post,
        PostStatus.CANCELLED,
        expect=(PostStatus.DRAFT, PostStatus.PENDING_APPROVAL, PostStatus.SCHEDULED, PostStatus.FAILED),
        by=by,
        action="post.cancelled",
        now=now,
        settled_at=now,
        next_attempt_at=None,
        hold_reason=Hold.NONE,
        error_code="CANCELLED" if reason else "",
        error_message=reason or None,
        **UNCLAIMED,
    )


def retry_post(post: SocialPost, *, by: Actor) -> SocialPost:
    """Send a FAILED post again, now. Raises UndecidedOutcome, ConnectionInactive, PostHasProblems, IllegalTransition."""
    if post.status != PostStatus.FAILED:
        raise IllegalTransition("Only a failed post can be retried.")
    return publish_now(post, by=by)


def resolve_unknown(post: SocialPost, *, decision: str, by: User, link: str = "") -> SocialPost:
    """A person's word on a post of unknown outcome.

    ``decision``: "published" (it is out; ``link`` is its address there), "resend" (send it again; the platform is
    looked at once more before) or "drop" (leave it).
    """
    if post.status != PostStatus.FAILED or post.error_code != "OUTCOME_UNKNOWN":
        raise IllegalTransition("This post no longer needs a decision.")
    now = timezone.now()
    if decision == "published":
        link = link.strip()
        if link and not is_web_address(link):
            raise IllegalTransition("Paste the full address of the post, starting with https://.", field="link")
        platform_post_id = post.connection.platform_class.post_id_from_link(link)
        others = SocialPost.objects.filter(connection_id=post.connection_id, platform_post_id=platform_post_id)
        if platform_post_id and others.exclude(pk=post.pk).exists():
            raise IllegalTransition("This address belongs to another post of this account.", field="link")
        return move_status(
            post, PostStatus.PUBLISHED, expect=(PostStatus.FAILED,), by=by, action="post.confirmed", now=now,
            published_at=post.scheduled_at or now, permalink=link[:500], error_code="", error_message=None,
            platform_post_id=platform_post_id, engagement_due_at=now if platform_post_id else None,
        )  # fmt: skip
    if decision == "resend":
        _must_be_usable(post.connection)
        with transaction.atomic():
            post = move_status(
                post, PostStatus.SCHEDULED, expect=(PostStatus.FAILED,), by=by, action="post.resent", now=now,
                scheduled_at=now, **(_FRESH | {"pacing_waived": True}),
            )  # fmt: skip
            transaction.on_commit(partial(hurry, "publishing.tasks.dispatch_due_posts_task"), robust=True)
        return post
    if decision == "drop":
        return cancel_post(post, by=by, reason="Left unchanged: it is not known whether it was published.")
    raise ValueError(f"unknown decision: {decision}")


def delete_at_platform(post: SocialPost, *, with_comment: bool = False, by: Actor) -> SocialPost:
    """Take a published post off its platform. It stays here with its history, marked as gone.

    ``with_comment``: its first comment too, where that is a post of its own. It goes first: when the post then cannot be
    deleted, both can be tried again. Raises IllegalTransition when it is not out, the platform cannot or the comment is
    not known; PlatformError.
    """
    if post.status != PostStatus.PUBLISHED or not post.platform_post_id or post.deleted_at:
        raise IllegalTransition("Only a published post can be deleted from its platform.")
    if not post.connection.can(Can.DELETE):
        raise IllegalTransition(f"{post.connection.platform_label} offers no way to delete this post from here.")
    gone = [post.platform_post_id]
    if with_comment and not post.connection.platform_class.comments_go_with_post:
        gone.insert(0, _first_comment_id(post))

    def delete(platform: Platform) -> None:
        for post_id in gone:
            try:
                platform.delete(post_id)
            except NotFound:
                pass  # gone already: what was asked for

    call_with_fresh_token(post.connection, delete)
    now = timezone.now()
    with transaction.atomic():
        SocialPost.objects.filter(pk=post.pk).update(deleted_at=now, engagement_due_at=None, updated_at=now)
        changes = {"permalink": [post.permalink, ""]}
        if with_comment:
            changes["first_comment"] = [post.first_comment, ""]
        record_audit("post.deleted_at_platform", post, by=by, changes=changes)
    post.deleted_at = now
    return post


def _first_comment_id(post: SocialPost) -> str:
    """The id at the platform of the comment that went out with a post. Raises IllegalTransition when it is not known."""
    steps = PublishStep.objects.filter(attempt__post=post, name="comment", finished_at__isnull=False)
    comment_id = next((str(step.result["id"]) for step in steps if step.result.get("id")), "")
    if not comment_id:
        raise IllegalTransition(
            "Its first comment is not known. Delete the post alone, and the comment at its platform."
        )
    return comment_id
