"""Whether what a person writes builds on what is stored, and who changed what meanwhile.

A page of the composer carries a version: short hashes of every part of every post as they were when the page was made or
last saved. What is stored now is compared part by part, so that a conflict is named, and so that what our own workers
write to a post (errors, times of retries) is nobody's edit.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.errors import Conflict
from accounts.models import AuditEvent, Organization, User
from publishing.composer import Composition
from publishing.drafts import PostInput, input_of
from publishing.models import PostStatus, SocialPost
from publishing.states import may_be_moved, short_time

PARTS: dict[str, Promise] = {
    "text": gettext_lazy("the text"),
    "link": gettext_lazy("the link"),
    "comment": gettext_lazy("the first comment"),
    "media": gettext_lazy("the images"),
    "campaign": gettext_lazy("the campaign"),
    "time": gettext_lazy("the time"),
}
_WRITING = ("post.created", "post.edited")
_DEEDS = (
    *_WRITING, "post.deleted", "post.scheduled", "post.sent_now", "post.unscheduled", "post.cancelled", "post.move_undone",
)  # fmt: skip
BESIDE = timedelta(minutes=5)
"""For so long after a save its writer may well be at the draft still."""
_HASH, _ID = 8, 32
_MOST = 20_000
"""Characters of a version that are looked at: more than any number of accounts takes."""


@dataclass(frozen=True)
class Change:
    """What happened to one post since a version. ``kind`` is changed, added, deleted or shared (the text of a group
    that has no post of its own for it); ``theirs`` the text as it is stored now, where that changed; ``planned`` what is
    said of its time now, where that changed."""

    kind: str
    account: str
    parts: tuple[str, ...] = ()
    theirs: str = ""
    planned: str = ""
    who: str = ""
    is_own: bool = False
    at: datetime | None = None

    @property
    def clock(self) -> str:
        return f", {clock_of(self.at)}" if self.at else ""

    @property
    def words(self) -> str:
        return ", ".join(str(PARTS[part]) for part in self.parts)


class EditedMeanwhile(Conflict):
    """Somebody else saved since the page was made. ``changes`` says what, ``version`` is that of what is stored now."""

    code = "edited_meanwhile"

    def __init__(self, changes: tuple[Change, ...], version: str) -> None:
        self.changes, self.version = changes, version
        latest = max((one for one in changes if one.at), key=lambda one: one.at or timezone.now(), default=None)
        at = clock_of(latest.at) if latest is not None and latest.at else ""
        names = list(dict.fromkeys(one.who for one in changes if one.who and not one.is_own))
        if not names and any(one.is_own for one in changes):
            super().__init__(_("You changed this in another window at %(time)s.") % {"time": at})
        elif names and at:
            said = {"names": ", ".join(names), "time": at}
            super().__init__(_("%(names)s changed this at %(time)s, while you were writing.") % said)
        else:
            super().__init__(_("This was changed while you were writing."))


class DraftGone(Conflict):
    """The draft that was being written was deleted."""

    code = "draft_gone"


def clock_of(moment: datetime) -> str:
    """``10:32``; with the day when that is not today."""
    local = timezone.localtime(moment)
    return date_format(local, "H:i") if local.date() == timezone.localdate() else short_time(moment)


# --- versions ---------------------------------------------------------------------------------------------------------


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=_HASH // 2).hexdigest()


def _time_of(post: SocialPost) -> str:
    """What a person decided about its time. That it failed or waits is no decision."""
    if post.status in {PostStatus.DRAFT, PostStatus.CANCELLED} or post.scheduled_at is None:
        return post.status
    return _moment(post.scheduled_at)


def _moment(at: datetime) -> str:
    return str(int(at.timestamp()))


def _parts(given: PostInput, time: str) -> dict[str, str]:
    return {
        "text": given.content.strip(),
        "link": given.link_url,
        "comment": given.first_comment.strip(),
        "media": "\n".join(f"{use.asset.pk} {use.alt_text}" for use in given.media),
        "campaign": str(given.campaign.pk) if given.campaign else "",
        "time": time,
    }


def version_of(posts: tuple[SocialPost, ...], shared: str = "") -> str:
    """The version of posts with their group's shared text. Reads their pictures."""
    chunks = [
        post.pk.hex + "".join(_hash(part) for part in _parts(input_of(post), _time_of(post)).values()) for post in posts
    ]
    return ".".join([_hash(shared.strip()), *sorted(chunks)])


def _seen(version: str) -> tuple[str, dict[str, dict[str, str]]]:
    """The shared text's hash, and per post's id its parts' hashes. What makes no sense there was not seen."""
    shared, *chunks = version[:_MOST].split(".")
    posts = {}
    for chunk in chunks:
        hashes = [chunk[start : start + _HASH] for start in range(_ID, len(chunk), _HASH)]
        if len(hashes) == len(PARTS):
            posts[chunk[:_ID]] = dict(zip(PARTS, hashes, strict=True))
    return shared, posts


# --- comparing --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wanted:
    """What a save would make of the posts. ``time`` is None when it leaves times as they are, else what
    ``wanted_time`` says; ``deletes_others``: drafts of accounts that are not chosen go."""

    composition: Composition
    time: str | None = None
    deletes_others: bool = True


def wanted_time(kind: str, at: datetime | None) -> str:
    """The time that a save gives: "draft", a moment, or now."""
    return str(PostStatus.DRAFT) if kind == "draft" else _moment(at) if at else "now"


def changes_since(
    version: str,
    organization: Organization,
    posts: tuple[SocialPost, ...],
    wanted: Wanted | None,
    *,
    shared: str = "",
    by: User,
) -> tuple[Change, ...]:
    """What others did since ``version`` that the save would undo; empty when it may go ahead.

    Equal changes on both sides are no conflict: a save whose answer was lost may be repeated. ``wanted`` None: the save
    deletes everything, so that any change counts.
    """
    seen_shared, seen = _seen(version)
    found = [change for post in posts if (change := _change_of(post, seen.get(post.pk.hex), wanted)) is not None]
    here = {post.pk.hex for post in posts}
    gone = [post_id for post_id in seen if post_id not in here]
    deeds = _latest_deeds(organization, [*(post.pk.hex for post, _change in found), *gone])
    changes = [_signed(change, deeds.get(post.pk.hex), by, post) for post, change in found]
    if wanted is not None and gone:
        changes += _deletions(gone, posts, wanted, deeds, by)
    text = shared.strip()
    mine = wanted.composition.text.strip() if wanted is not None and not posts else text
    if not changes and mine != text and _hash(text) != seen_shared:
        changes = [Change("shared", "", ("text",), theirs=text)]
    return tuple(changes)


def _change_of(
    post: SocialPost, seen: Mapping[str, str] | None, wanted: Wanted | None
) -> tuple[SocialPost, Change] | None:
    if not may_be_moved(post):
        return None  # no save touches it
    now = _parts(input_of(post), _time_of(post))
    changed = [part for part in PARTS if seen is None or seen[part] != _hash(now[part])]
    if wanted is not None:
        chosen = post.connection in wanted.composition.connections
        if not chosen and not (wanted.deletes_others and post.status == PostStatus.DRAFT):
            return None
        if chosen:
            mine = _parts(wanted.composition.input_for(post.connection), wanted.time or now["time"])
            changed = [part for part in changed if mine[part] != now[part]]
    if not changed:
        return None
    return post, Change(
        "added" if seen is None else "changed",
        str(post.connection),
        tuple(changed),
        theirs=post.content if "text" in changed else "",
        planned=_planned(post) if "time" in changed else "",
    )


def _planned(post: SocialPost) -> str:
    if post.status == PostStatus.DRAFT or post.scheduled_at is None:
        return _("a draft without a time")
    if post.status == PostStatus.CANCELLED:
        return _("cancelled")
    return short_time(post.scheduled_at)


def _deletions(
    gone: list[str], posts: tuple[SocialPost, ...], wanted: Wanted, deeds: Mapping[str, AuditEvent], by: User
) -> list[Change]:
    """Drafts that somebody deleted and that the save would write anew."""
    there = {post.connection_id for post in posts}
    anew = [connection for connection in wanted.composition.connections if connection.pk not in there]
    if not anew:
        return []
    account = ", ".join(str(connection) for connection in anew)
    deed = max((deeds[one] for one in gone if one in deeds), key=lambda event: event.at, default=None)
    return [_signed(Change("deleted", account), deed, by)]


def _latest_deeds(organization: Organization, ids: list[str]) -> dict[str, AuditEvent]:
    """Per post's id the latest thing that a person did to it: one query."""
    found: dict[str, AuditEvent] = {}
    if not ids:
        return found
    events = AuditEvent.objects.for_organization(organization).filter(
        object_type="socialpost", object_id__in=[str(UUID(one)) for one in ids if _is_id(one)], action__in=_DEEDS
    )
    for event in events.select_related("actor").order_by("at", "pk"):
        found[UUID(event.object_id).hex] = event
    return found


def last_deed(post: SocialPost) -> AuditEvent | None:
    """The latest thing that a person did to a post."""
    return (
        AuditEvent.objects.for_organization(post.organization)
        .filter(object_type="socialpost", object_id=str(post.pk), action__in=_DEEDS)
        .select_related("actor")
        .first()
    )


def _is_id(text: str) -> bool:
    try:
        return UUID(text).hex == text
    except ValueError:
        return False


def _signed(change: Change, deed: AuditEvent | None, by: User, post: SocialPost | None = None) -> Change:
    """The same with who did it and when. Several saves of one sitting leave one event: the post knows the last."""
    if deed is None:
        return change
    at = post.updated_at if post is not None and deed.action in _WRITING else deed.at
    who = deed.actor.display_name if deed.actor else ""
    return Change(
        change.kind, change.account, change.parts, change.theirs, change.planned, who, deed.actor_id == by.pk, at
    )


def writer_beside(posts: tuple[SocialPost, ...], *, by: User, now: datetime) -> str:
    """The first name of somebody else who wrote at a draft among the posts within the last minutes; "" when nobody did."""
    drafts = {post.pk.hex: post for post in posts if post.status == PostStatus.DRAFT}
    if not drafts:
        return ""
    deeds = _latest_deeds(next(iter(drafts.values())).organization, list(drafts))
    for post_id, event in deeds.items():
        is_fresh = now - drafts[post_id].updated_at < BESIDE
        if is_fresh and event.action in _WRITING and event.actor is not None and event.actor_id != by.pk:
            return event.actor.first_name
    return ""


def deletion_of(organization: Organization, post_id: UUID, *, by: User) -> str:
    """Who deleted a draft and when, as a sentence; "" when no such draft was deleted here."""
    event = (
        AuditEvent.objects.for_organization(organization)
        .filter(object_type="socialpost", object_id=str(post_id), action="post.deleted")
        .select_related("actor")
        .first()
    )
    if event is None:
        return ""
    said = {"name": event.actor.display_name if event.actor else event.actor_label, "time": clock_of(event.at)}
    if event.actor_id == by.pk:
        return _("You deleted this draft at %(time)s.") % said
    return _("%(name)s deleted this draft at %(time)s.") % said
