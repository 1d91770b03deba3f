"""A stored post as the platforms see it, and what they would say of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast
from uuid import NAMESPACE_URL, uuid5

from campaigns.models import Campaign
from connections.models import SocialConnection
from connections.platforms.base import Draft, DraftMedia, Problem
from connections.platforms.text import is_blank
from publishing.models import MediaAsset, SocialPost


@dataclass(frozen=True)
class MediaUse:
    """A media asset in a post; ``alt_text`` replaces the asset's own for this post."""

    asset: MediaAsset
    alt_text: str = ""


@dataclass(frozen=True)
class PostInput:
    """What a person wrote for one connection."""

    content: str = ""
    link_url: str = ""
    first_comment: str = ""
    media: tuple[MediaUse, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    campaign: Campaign | None = None


def _media(use: MediaUse) -> DraftMedia:
    asset = use.asset

    def open_file() -> BinaryIO:
        return cast(BinaryIO, asset.file.storage.open(str(asset.file.name), "rb"))

    return DraftMedia(
        id=str(asset.pk),
        content_type=asset.content_type,
        size_bytes=asset.size_bytes,
        width=asset.width,
        height=asset.height,
        alt_text=use.alt_text or asset.alt_text,
        open=open_file,
        is_animated=asset.is_animated,
    )


def _visible(text: str) -> str:
    """The text; "" when there is nothing to see of it."""
    return "" if is_blank(text) else text


def draft_of_input(given: PostInput, *, key: str = "") -> Draft:
    return Draft(
        text=_visible(given.content),
        link_url=given.link_url,
        media=tuple(_media(use) for use in given.media),
        first_comment=_visible(given.first_comment),
        options=dict(given.options),
        key=key,
    )


def input_of(post: SocialPost) -> PostInput:
    """What a stored post says, as a person would have given it."""
    attached = post.attached_media.all()
    if "attached_media" not in getattr(post, "_prefetched_objects_cache", {}):
        attached = attached.select_related("asset")
    uses = tuple(MediaUse(use.asset, use.alt_text) for use in attached)
    return PostInput(post.content, post.link_url, post.first_comment, uses, post.options, post.campaign)


def draft_of(post: SocialPost) -> Draft:
    """A stored post, ready for its platform.

    The key depends on the post and on what it says: every try at the same copy carries the same key, so that a
    platform that knows such keys refuses a second copy, and an edited post is a new copy.
    """
    given = input_of(post)
    said = "\x1f".join(
        [given.content, given.link_url, given.first_comment, *(str(use.asset.pk) for use in given.media)]
    )
    return draft_of_input(given, key=str(uuid5(NAMESPACE_URL, f"parley:{post.pk}:{said}")))


def problems_of_input(connection: SocialConnection, given: PostInput) -> list[Problem]:
    """What stands between a text and its platform: blocking problems and warnings; empty when it can go out."""
    return connection.platform_class.problems(draft_of_input(given), connection.effective_limits)


def problems_of_post(post: SocialPost) -> list[Problem]:
    return problems_of_input(post.connection, input_of(post))
