"""What a person narrows the calendar and the lists to. It lives in the address alone, so it can be bookmarked."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Q
from django.http import QueryDict

from publishing.models import PostStatus, SocialPostQuerySet
from publishing.states import attention

ATTENTION = "ATTENTION"
"""In place of a status: whatever waits for a person."""


@dataclass(frozen=True)
class PostFilters:
    """Several values of one name mean any of them; different names must all hold. Empty means no limit."""

    platforms: tuple[str, ...] = ()
    connections: tuple[UUID, ...] = ()
    campaigns: tuple[UUID, ...] = ()
    statuses: tuple[str, ...] = ()
    authors: tuple[UUID, ...] = ()
    text: str = ""

    @classmethod
    def from_params(cls, params: QueryDict) -> Self:
        """Read an address. What makes no sense there is left out, as if it had not been said."""
        known = {*PostStatus.values, ATTENTION}
        return cls(
            platforms=tuple(sorted({name.upper() for name in params.getlist("platform") if name.isalnum()})),
            connections=_ids(params.getlist("connection")),
            campaigns=_ids(params.getlist("campaign")),
            statuses=tuple(sorted({status for status in params.getlist("status") if status in known})),
            authors=_ids(params.getlist("author")),
            text=params.get("q", "").replace("\x00", "").strip()[:100],  # PostgreSQL takes no NUL
        )

    def pairs(self) -> list[tuple[str, str]]:
        """The same as parameters of an address, always in the same order."""
        named: list[tuple[str, Iterable[object]]] = [
            ("platform", self.platforms), ("connection", self.connections), ("campaign", self.campaigns),
            ("status", self.statuses), ("author", self.authors), ("q", (self.text,) if self.text else ()),
        ]  # fmt: skip
        return [(name, str(value)) for name, values in named for value in values]

    def query(self) -> str:
        return urlencode(self.pairs())

    @property
    def is_empty(self) -> bool:
        return not self.pairs()

    def without_status(self) -> Self:
        return replace(self, statuses=())

    def apply(self, posts: SocialPostQuerySet) -> SocialPostQuerySet:
        if self.platforms:
            posts = posts.filter(connection__platform__in=self.platforms)
        if self.connections:
            posts = posts.filter(connection_id__in=self.connections)
        if self.campaigns:
            posts = posts.filter(campaign_id__in=self.campaigns)
        if self.authors:
            posts = posts.filter(created_by_id__in=self.authors)
        if self.text:
            posts = posts.filter(Q(content__icontains=self.text) | Q(link_url__icontains=self.text))
        if self.statuses:
            wanted = Q(status__in=[status for status in self.statuses if status != ATTENTION])
            posts = posts.filter(wanted | attention() if ATTENTION in self.statuses else wanted)
        return posts


def _ids(texts: Iterable[str]) -> tuple[UUID, ...]:
    found = set()
    for text in texts:
        try:
            found.add(UUID(text))
        except ValueError:
            continue
    return tuple(sorted(found))
