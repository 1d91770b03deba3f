"""Saving and scheduling what the composer holds: one group, one post per account, all or none."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.audit import record_audit
from accounts.errors import Conflict, DomainError
from accounts.models import Organization, User
from connections.models import SocialConnection
from connections.platforms.base import Can
from publishing.composer import Composition
from publishing.drafts import input_of
from publishing.models import PostGroup, PostStatus, SocialPost
from publishing.services import create_post, delete_draft, publish_now, schedule_post, unschedule_post, update_post
from publishing.states import may_be_moved
from publishing.versions import DraftGone, EditedMeanwhile, Wanted, changes_since, version_of, wanted_time


class NotADraft(Conflict):
    """What is being written is scheduled or out meanwhile: only a deliberate save may change it."""

    code = "not_a_draft"


class AccountRefused(DomainError):
    """One account's post cannot be scheduled; ``connection`` says whose, ``str()`` why."""

    def __init__(self, connection: SocialConnection, error: DomainError) -> None:
        super().__init__(str(error), field=error.field)
        self.connection = connection
        self.code, self.http_status = error.code, error.http_status


@dataclass(frozen=True)
class Desk:
    """What lies before a person who writes: a group (new, or with its posts), or one post alone.

    ``group_id`` is chosen before the group exists, so that a save that is sent twice makes one draft.
    """

    organization: Organization
    group_id: UUID
    group: PostGroup | None = None
    post: SocialPost | None = None
    posts: tuple[SocialPost, ...] = ()

    @property
    def editable(self) -> list[SocialPost]:
        return [post for post in self.posts if may_be_moved(post)]

    @property
    def closed(self) -> list[SocialPost]:
        """Posts that can no longer be changed from here: going out, out, or of unknown outcome."""
        return [post for post in self.posts if not may_be_moved(post)]

    @property
    def is_closed(self) -> bool:
        return bool(self.posts) and not self.editable

    @property
    def takes_autosave(self) -> bool:
        """Whether a save without a person's word is harmless: a half-typed sentence must never go out on time."""
        return all(post.status == PostStatus.DRAFT for post in self.posts)

    @property
    def shared_text(self) -> str:
        return self.group.content if self.group is not None and self.post is None else ""

    @property
    def version(self) -> str:
        """What a page that shows this desk sends along, so that it overwrites nothing that it has not seen."""
        return version_of(self.posts, self.shared_text)

    def post_of(self, connection: SocialConnection) -> SocialPost | None:
        return next((post for post in self.posts if post.connection_id == connection.pk), None)


def open_desk(organization: Organization, group_id: UUID, *, lock: bool = False) -> Desk:
    """The desk of a group; an empty one for an id that is nobody's. Raises PostGroup.DoesNotExist for a stranger's."""
    groups = PostGroup.objects.select_for_update() if lock else PostGroup.objects
    group = groups.filter(pk=group_id).first()
    if group is not None and group.organization_id != organization.pk:
        raise PostGroup.DoesNotExist
    posts = (
        SocialPost.objects.for_organization(organization).filter(group=group).with_card()
        if group
        else SocialPost.objects.none()
    )
    return Desk(
        organization,
        group_id,
        group,
        posts=tuple(posts.order_by("connection__platform", "connection__account_name", "created_at")),
    )


def open_post(post: SocialPost) -> Desk:
    return Desk(post.organization, post.group_id or post.pk, post=post, posts=(post,))


def _current(desk: Desk) -> Desk:
    """The same desk as it is now, locked for this transaction. Raises DraftGone when its one post was deleted."""
    if desk.post is not None:
        if SocialPost.objects.select_for_update().filter(pk=desk.post.pk).first() is None:
            raise DraftGone("This draft was deleted while you were writing.")
        return open_post(SocialPost.objects.for_organization(desk.organization).with_card().get(pk=desk.post.pk))
    PostGroup.objects.get_or_create(pk=desk.group_id, defaults={"organization": desk.organization, "content": ""})
    return open_desk(desk.organization, desk.group_id, lock=True)


@transaction.atomic
def save_composition(
    desk: Desk,
    composition: Composition,
    *,
    by: User,
    only_drafts: bool = False,
    version: str | None = None,
    time: str | None = None,
) -> Desk:
    """Write a composition into its drafts: made, changed, and deleted where an account was taken out.

    SCHEDULED posts are left alone here: what they say changes together with when they go (``send_composition``).
    ``version`` is that of the desk which the person saw (None: it does not matter), ``time`` what they are about to
    choose (``versions.wanted_time``). Raises NotADraft when ``only_drafts`` and some post is more than a draft,
    EditedMeanwhile when somebody else's change would be lost, DraftGone, PostNotEditable.
    """
    desk = _current(desk)
    if only_drafts and not desk.takes_autosave:
        raise NotADraft("This is no longer a draft. Changes to it are saved when you say so.")
    _must_be_seen(desk, version, Wanted(composition, time, deletes_others=desk.post is None), by)
    _keep_shared_text(desk, composition, by)
    for connection in composition.connections:
        given = composition.input_for(connection)
        post = desk.post_of(connection)
        if post is None:
            create_post(connection, given, by=by, group=desk.group)
        elif post.status != PostStatus.SCHEDULED and may_be_moved(post) and input_of(post) != given:
            update_post(post, given, by=by)
    if desk.post is None:
        chosen = {connection.pk for connection in composition.connections}
        for post in desk.posts:
            if post.status == PostStatus.DRAFT and post.connection_id not in chosen:
                delete_draft(post, by=by)
    return _current(desk)


def _must_be_seen(desk: Desk, version: str | None, wanted: Wanted | None, by: User) -> None:
    if version is None:
        return
    changes = changes_since(version, desk.organization, desk.posts, wanted, shared=desk.shared_text, by=by)
    if changes:
        raise EditedMeanwhile(changes, desk.version)


def _keep_shared_text(desk: Desk, composition: Composition, by: User) -> None:
    group = desk.group
    if group is None or desk.post is not None:
        return
    text = composition.text.strip()
    if group.content != text or group.created_by_id is None:
        group.content = text
        group.created_by = group.created_by or by
        group.save(update_fields=["content", "created_by"])


@transaction.atomic
def send_composition(
    desk: Desk, composition: Composition, *, kind: str, at: datetime | None, by: User, now: datetime
) -> list[SocialPost]:
    """Give every chosen account's post its time, or none: the first refusal takes all of them back.

    ``kind`` is "now", "at" (then ``at`` is aware) or "draft", which takes posts off the calendar. The desk is as the
    person's own save left it: what others did since raises EditedMeanwhile. Raises AccountRefused, DraftGone.
    """
    seen, desk = desk.version, _current(desk)
    _must_be_seen(desk, seen, Wanted(composition, wanted_time(kind, at), deletes_others=False), by)
    sent = []
    for connection in composition.connections:
        post = desk.post_of(connection)
        if post is None or post in desk.closed:
            continue
        given = composition.input_for(connection)
        try:
            if kind == "draft":
                if post.status != PostStatus.DRAFT:
                    post = unschedule_post(post, by=by)
                post = update_post(post, given, by=by) if input_of(post) != given else post
            else:
                if input_of(post) != given:
                    post = update_post(post, given, by=by)
                post = publish_now(post, by=by) if at is None else schedule_post(post, at=at, by=by, now=now)
        except DomainError as error:
            raise AccountRefused(connection, error) from error
        sent.append(post)
    return sent


@transaction.atomic
def discard_drafts(desk: Desk, *, by: User, version: str | None = None) -> int:
    """Delete a group's drafts, and the group when nothing else is in it; how many posts went.

    Raises EditedMeanwhile when somebody changed them since ``version``, DraftGone.
    """
    desk = _current(desk)
    _must_be_seen(desk, version, None, by)
    drafts = [post for post in desk.posts if post.status == PostStatus.DRAFT]
    for post in drafts:
        delete_draft(post, by=by)
    if desk.group is not None and desk.post is None and len(drafts) == len(desk.posts):
        record_audit("post_group.discarded", desk.group, by=by, changes={"content": [desk.group.content, ""]})
        desk.group.delete()
    return len(drafts)


def discard_empty(desk: Desk, *, by: User, version: str | None = None) -> Desk:
    """Let go of the drafts of a desk on which nothing is written any more; the desk as it is then. Raises as
    ``discard_drafts``."""
    if desk.group is not None or desk.posts:
        discard_drafts(desk, by=by, version=version)
    return Desk(desk.organization, desk.group_id)


def composition_of(desk: Desk, connections: Iterable[SocialConnection] = ()) -> Composition:
    """What the desk's editable posts say, as the composer shows it. ``connections`` are chosen when there is no post."""
    posts = desk.editable
    if not posts:
        return Composition(connections=tuple(connections), text=desk.group.content if desk.group else "")
    inputs = {post: input_of(post) for post in posts}
    first = inputs[posts[0]]
    text = desk.group.content if desk.group is not None else first.content
    return Composition(
        connections=tuple(post.connection for post in posts),
        text=text,
        own_texts={post.connection_id: given.content for post, given in inputs.items() if given.content != text},
        link_url=first.link_url,
        first_comment=next((given.first_comment for given in inputs.values() if given.first_comment), ""),
        media=first.media,
        own_media={post.connection_id: given.media for post, given in inputs.items() if given.media != first.media},
        campaign=first.campaign,
        options={post.connection_id: given.options for post, given in inputs.items()},
    )


def differences(posts: Sequence[SocialPost]) -> list[str]:
    """What the composer shows once though the posts of a group have it differently: names of fields."""
    talking = [post for post in posts if post.connection.can(Can.FIRST_COMMENT)]
    concerned = {"link_url": posts, "campaign_id": posts, "scheduled_at": posts, "first_comment": talking}
    return [name for name, some in concerned.items() if len({getattr(post, name) for post in some}) > 1]
