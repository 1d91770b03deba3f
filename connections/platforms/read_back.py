"""Reading an account's posts back, and recognising copies of drafts among them.

After a lost answer nobody here knows whether a post is out; its platform's list does. Reading that list gives one of
three answers for a draft: it is there; it is certainly not there (the list was read back to the moment of sending,
through all its pages, and the platform documents that it lists everything); or it cannot be told. Only the second may
lead to sending again.
"""

from collections.abc import Callable, Collection, Hashable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from connections.platforms.base import Copy, Json, OwnPost, OwnPosts
from connections.platforms.text import fingerprint
from connections.times import parse_time

SAME_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Page:
    """One page of a list. ``cursor`` leads to the next one, "" when the platform says that this is the last. ``doubt``:
    why what is not on the list may exist all the same, "" when there is no reason to think so."""

    posts: tuple[OwnPost, ...]
    cursor: str = ""
    doubt: str = ""


def posts_of(rows: Any, make: Callable[[Json], OwnPost]) -> tuple[tuple[OwnPost, ...], str]:
    """The posts of a page's rows, and the doubt when it has any that cannot be read: a row that is not as documented may
    be the very post that is looked for."""
    posts: list[OwnPost] = []
    if not isinstance(rows, list):
        return (), "a page is no list"
    doubt = ""
    for row in rows:
        try:
            posts.append(make(row))
        except (AttributeError, KeyError, TypeError, ValueError):
            doubt = "a post on it cannot be read"
    return tuple(posts), doubt


def id_of(value: Any) -> str:
    """A post's id. Raises ValueError when there is none."""
    if not value:
        raise ValueError("no id")
    return str(value)


def moment_of(value: Any) -> datetime:
    """A time of an answer as aware UTC. Raises ValueError for anything else."""
    moment = parse_time(value)
    if moment is None:
        raise ValueError("no time")
    return moment


def read_list(read_page: Callable[[str], Page], *, since: datetime, most_pages: int, newest_first: bool) -> OwnPosts:
    """Read pages until the list ends or, where the platform lists the newest first, is older than ``since``.

    ``read_page`` gets the cursor, "" for the first page. A list that goes on beyond ``most_pages`` or leads in circles
    is whole only as far back as it was read in order. Raises PlatformError.
    """
    found: dict[str, OwnPost] = {}
    doubt, gap, cursor = "", "", ""
    seen = {cursor}
    oldest_wanted = since.replace(microsecond=0)  # some platforms tell whole seconds
    for _number in range(most_pages):
        page = read_page(cursor)
        found |= {post.id: post for post in page.posts}
        doubt = doubt or page.doubt
        if newest_first and page.posts and page.posts[-1].at < oldest_wanted:
            break
        cursor = page.cursor
        if not cursor:
            break
        if cursor in seen:
            gap = "its pages lead in a circle"
            break
        seen.add(cursor)
    else:
        gap = f"it goes on after {most_pages} pages"
    posts = tuple(found.values())
    whole = OwnPosts(posts, whole_since=since)
    if doubt:
        return replace(whole, whole_since=None, gap=doubt)
    if gap:
        # Others of the second of the last one may stand on the page that was not read.
        read_to = min(post.at for post in posts) + SAME_SECOND if newest_first and posts else None
        return replace(whole, whole_since=read_to, gap=gap)
    return whole


@dataclass(frozen=True)
class Wanted[K: Hashable]:
    """A copy to be looked for, made at or after ``since`` (aware UTC). ``key`` names it to the caller."""

    key: K
    copy: Copy
    since: datetime


def match_copies[K: Hashable](
    wanted: Iterable[Wanted[K]], posts: Iterable[OwnPost], *, taken: Collection[str] = ()
) -> dict[K, OwnPost]:
    """Which post is whose copy: key -> post, for those that are found.

    A post belongs to one copy at most; those whose ids are ``taken`` belong to none of these. Among equal copies as many
    as possible get one: who was sent last takes the latest, so that the earlier ones are left to those sent before.
    """
    free: dict[Hashable, list[OwnPost]] = {}
    for post in sorted(posts, key=lambda one: one.at):
        if post.id and post.id not in taken:
            for mark in {_mark(text, post.pictures) for text in (post.text, *post.also)}:
                free.setdefault(mark, []).append(post)
    found: dict[K, OwnPost] = {}
    used: set[str] = set()
    for one in sorted(wanted, key=lambda one: one.since, reverse=True):
        alike = free.get(mark_of(one.copy), [])
        since = one.since.replace(microsecond=0)  # as above
        fitting = [post for post in alike if post.id not in used and post.at >= since and _has_link(post, one.copy)]
        if fitting:
            found[one.key] = fitting[-1]
            used.add(fitting[-1].id)
    return found


def mark_of(copy: Copy) -> Hashable:
    """What two copies that cannot be told apart have in common."""
    return _mark(copy.text, copy.pictures)


def _mark(text: str, pictures: int) -> Hashable:
    return fingerprint(text), pictures


def _has_link(post: OwnPost, copy: Copy) -> bool:
    """Whether a post that has nothing but its link has the right one. Beside a text links are not compared: platforms
    replace them by where they lead."""
    if copy.text or copy.pictures or not copy.link:
        return bool(copy.text or copy.pictures)
    return fingerprint(copy.link) in map(fingerprint, post.links)
