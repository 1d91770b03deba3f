"""Facebook: the Graph API's one door. Every path below a version is an object or an edge of it."""

import base64
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from sandbox.facebook import publish
from sandbox.facebook.answers import (
    PLATFORM,
    VERSIONS,
    VOICE,
    authenticate,
    bad_parameter,
    error,
    is_true,
    missing_object,
    read_parameters,
    refused,
    require_scope,
)
from sandbox.facebook.fields import Field, parse_fields
from sandbox.facebook.nodes import render_comment, render_page, render_person, render_photo, render_post
from sandbox.facebook.sign_in import is_long_lived, page_token
from sandbox.faults import Visit, imitate
from sandbox.life import Counters, count_engagement
from sandbox.models import Account, Event, Media, Post, Token
from sandbox.oauth import bearer_of
from sandbox.paging import Mark, cut

MOST_LISTED = 600  # ranked posts a year that a feed gives back at most

POST_METRICS: dict[str, Callable[[Counters], Any]] = {
    "post_media_view": lambda counters: counters.impressions,
    "post_total_media_view_unique": lambda counters: counters.reach,
    "post_clicks": lambda counters: counters.clicks,
    "post_reactions_like_total": lambda counters: int(counters.likes * 0.72),
    "post_reactions_love_total": lambda counters: int(counters.likes * 0.18),
    "post_reactions_by_type_total": lambda counters: {
        "like": int(counters.likes * 0.72),
        "love": int(counters.likes * 0.18),
    },
    "post_clicks_by_type": lambda counters: {"link clicks": counters.clicks},
}
PAGE_METRICS = {
    "page_media_view", "page_total_media_view_unique", "page_follows", "page_daily_follows", "page_post_engagements",
    "page_views_total",
}  # fmt: skip


def choose_operation(request: HttpRequest, version: str, path: str = "") -> str:
    """Which kind of call a path is, for faults and the record."""
    first, _, edge = path.strip("/").partition("/")
    if edge.startswith("permissions"):
        return "token" if request.method == "DELETE" else "read"
    if request.method in {"POST", "DELETE"}:
        if edge == "comments":
            return "engage"
        if edge == "photos" and not is_published(request):
            return "media"
        return "publish"
    if edge == "insights" or (not edge and ("_" in first or "ids" in request.GET)):
        return "metrics"
    return "read"


def is_published(request: HttpRequest) -> bool:
    value: Any = request.POST.get("published", request.GET.get("published"))
    if value is None and request.content_type == "application/json":
        try:
            value = json.loads(request.body).get("published")
        except (ValueError, AttributeError):
            value = None
    return is_true(value, default=True)


@imitate(PLATFORM, VOICE, choose_operation, methods="GET POST DELETE", name="graph")
def graph(request: HttpRequest, visit: Visit, version: str, path: str = "") -> HttpResponse:
    """Any object or edge: checks the version and the token, then goes where the path says."""
    if version not in VERSIONS:
        return error(2500, f"Unknown path components: /v{version}")
    parameters = read_parameters(request)
    token = authenticate(request, visit, parameters)
    first, _, edge = path.strip("/").partition("/")
    if not first:
        return read_many(request, token, parameters)
    native_id = token.account.native_id if first == "me" and token.account else first
    if edge.partition("/")[0] == "permissions":
        if request.method == "DELETE":
            return publish.delete_permissions(token, native_id, edge.partition("/")[2])
        return read_permissions(token, native_id)
    if request.method == "DELETE" and not edge:
        return publish.delete_object(request, token, native_id)
    if request.method == "POST":
        return write(request, visit, token, native_id, edge, parameters)
    if request.method == "GET":
        return read(request, token, native_id, edge, parameters)
    raise missing_object(native_id, str(request.method))


def write(
    request: HttpRequest, visit: Visit, token: Token, native_id: str, edge: str, parameters: dict[str, Any]
) -> HttpResponse:
    own = token.account
    page = own if own is not None and own.native_id == native_id else find_account(native_id)
    if page is not None and page.kind == Account.Kind.PAGE:
        if edge == "feed":
            return publish.publish_feed(request, visit, token, page, parameters)
        if edge == "photos":
            return publish.publish_photo(request, visit, token, page, parameters)
    if (post := find_post(token, native_id, to_write=True)) is not None:
        if edge == "comments":
            return publish.comment(token, post, parameters)
        if not edge:
            return publish.edit_post(token, post, parameters)
    raise missing_object(native_id, "POST")


def find_account(native_id: str) -> Account | None:
    return Account.objects.filter(platform=PLATFORM, native_id=native_id).first()


def may_see(token: Token, page: Account) -> bool:
    """True for the Page's own token, and for a person's token when the Page was chosen in the dialog."""
    if token.account_id == page.pk:
        return True
    chosen = token.grant.page_ids if token.grant else []
    return token.kind == Token.Kind.ACCESS and page.native_id in chosen


def find_post(token: Token, native_id: str, *, to_write: bool = False) -> Post | None:
    """A post that is there and that the caller may see; ``to_write`` also one that reads do not show yet."""
    posts = Post.objects.kept(PLATFORM) if to_write else Post.objects.live(PLATFORM)
    post = posts.filter(native_id=native_id).first()
    return post if post is not None and may_see(token, post.account) else None


def token_of_page(token: Token, page: Account) -> str | None:
    """The Page token which this caller may have; None when the Page is not theirs."""
    if token.grant is None or not may_see(token, page):
        return None
    return page_token(token.grant, page, expires_at=None if is_long_lived(token) else token.expires_at)


def read_node(request: HttpRequest, token: Token, native_id: str, wanted: list[Field]) -> dict[str, Any]:
    """One object with the fields asked for; refuses what does not exist or is not the caller's (100/33)."""
    now = timezone.now()
    account = find_account(native_id)
    if account is not None and account.kind == Account.Kind.PERSON:
        if token.grant is not None and token.grant.account_id == account.pk:
            return render_person(request, account, wanted)
        raise missing_object(native_id, "GET")
    if account is not None:
        if not may_see(token, account):
            raise missing_object(native_id, "GET")
        secret = token_of_page(token, account) if any(one.name == "access_token" for one in wanted) else "shown"
        return render_page(request, account, wanted, token=secret, now=now)
    if (post := find_post(token, native_id)) is not None:
        require_scope(token, "pages_read_engagement")
        return render_post(request, post, wanted, now=now)
    media = Media.objects.filter(platform=PLATFORM, native_id=native_id).select_related("account", "post").first()
    if media is not None and may_see(token, media.account):
        return render_photo(request, media, wanted)
    event = Event.objects.filter(platform=PLATFORM, native_id=native_id).select_related("account", "post").first()
    if event is not None and may_see(token, event.account):
        return render_comment(request, event, wanted)
    raise missing_object(native_id, "GET")


def read_many(request: HttpRequest, token: Token, parameters: dict[str, Any]) -> HttpResponse:
    """``GET /?ids=a,b``: up to 50 objects by id; one that is not there refuses the whole call (803)."""
    ids = [native_id for native_id in str(parameters.get("ids", "")).split(",") if native_id]
    if not ids:
        return error(100, "Unsupported get request. Please read the Graph API documentation", subcode=33)
    if len(ids) > 50:
        raise bad_parameter(f"Too many IDs. Maximum: 50. Provided: {len(ids)}.")
    wanted = parse_fields(str(parameters.get("fields", "")))
    nodes = {}
    for native_id in ids:
        known = find_account(native_id) or find_post(token, native_id)
        if known is None:
            raise refused(803, f"(#803) Some of the aliases you requested do not exist: {native_id}", status=404)
        nodes[native_id] = read_node(request, token, native_id, wanted)
    return JsonResponse(nodes)


def read_permissions(token: Token, native_id: str) -> HttpResponse:
    grant = token.grant
    if grant is None or grant.account.native_id != native_id:
        raise missing_object(native_id, "GET")
    rows = [{"permission": scope, "status": "granted"} for scope in grant.scopes]
    rows += [{"permission": scope, "status": "declined"} for scope in grant.declined]
    return JsonResponse({"data": rows})


def read(request: HttpRequest, token: Token, native_id: str, edge: str, parameters: dict[str, Any]) -> HttpResponse:
    wanted = parse_fields(str(parameters.get("fields", "")))
    if not edge:
        return JsonResponse(read_node(request, token, native_id, wanted))
    account, post = find_account(native_id), find_post(token, native_id)
    if account is not None and account.kind == Account.Kind.PERSON and edge == "accounts":
        return read_pages(request, token, account, wanted, parameters)
    if account is not None and account.kind == Account.Kind.PAGE and may_see(token, account):
        if edge in {"published_posts", "posts", "feed", "scheduled_posts"}:
            return read_posts(request, token, account, edge, wanted, parameters)
        if edge in {"tagged", "visitor_posts"}:
            require_scope(token, "pages_read_user_content")
            events = Event.objects.filter(account=account, kind=Event.Kind.MENTION)
            kept = events if edge == "tagged" else events.none()
            return page_comments(request, kept, wanted, parameters, newest_first=True)
        if edge == "insights":
            return read_page_insights(token, account, parameters)
    if post is not None and edge == "insights":
        return read_insights(token, post, parameters)
    if post is not None and edge == "comments":
        require_scope(token, "pages_read_user_content")
        comments = Event.objects.filter(post=post, kind=Event.Kind.COMMENT)
        newest_first = parameters.get("order") == "reverse_chronological"
        return page_comments(request, comments, wanted, parameters, newest_first=newest_first)
    raise missing_object(f"{native_id}/{edge}", "GET")


def read_limit(parameters: dict[str, Any]) -> int:
    raw = str(parameters.get("limit", "25"))
    if not raw.isdecimal() or not 0 < int(raw) <= 100:
        raise bad_parameter("Param limit must be a number between 1 and 100")
    return int(raw)


def write_cursor(mark: Mark) -> str:
    return base64.urlsafe_b64encode(str(mark).encode()).decode()


def read_cursor(parameters: dict[str, Any], name: str) -> Mark | None:
    """What a page follows (``after``) or precedes (``before``); refuses with code 100 what Facebook did not write."""
    raw = str(parameters.get(name) or "")
    try:
        return Mark.read(base64.urlsafe_b64decode(raw).decode()) if raw else None
    except ValueError as problem:
        raise bad_parameter(f"Invalid cursors values: {raw}") from problem


def page_rows(
    request: HttpRequest,
    marks: list[Mark],
    render: Callable[[list[int]], list[dict[str, Any]]],
    parameters: dict[str, Any],
    *,
    newest_first: bool = True,
) -> HttpResponse:
    """A page by cursors, rendered from its primary keys. A full page has a ``next``, even when nothing follows: then
    that one is empty and ends the list. The links hold the token of the call, as on the real platform.
    """
    limit = read_limit(parameters)
    first, last = read_cursor(parameters, "after"), read_cursor(parameters, "before")
    page = cut(marks, limit, after=first, before=last, newest_first=newest_first)
    if page.first is None or page.last is None:
        return JsonResponse({"data": []})
    before, after = write_cursor(page.first), write_cursor(page.last)

    def link(name: str, cursor: str) -> str:
        query = request.GET.copy()
        query.pop("after", None)
        query.pop("before", None)
        query["access_token"] = bearer_of(request) or str(parameters.get("access_token"))
        query["limit"] = str(limit)
        query[name] = cursor
        return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")

    paging: dict[str, Any] = {"cursors": {"before": before, "after": after}}
    if page.has_next or len(page.pks) == limit:
        paging["next"] = link("after", after)
    if page.has_previous:
        paging["previous"] = link("before", before)
    return JsonResponse({"data": render(page.pks), "paging": paging})


def page_comments(
    request: HttpRequest,
    events: QuerySet[Event],
    wanted: list[Field],
    parameters: dict[str, Any],
    *,
    newest_first: bool,
) -> HttpResponse:
    marks = [Mark(at, pk) for at, pk in events.values_list("created_at", "pk")]

    def render(pks: list[int]) -> list[dict[str, Any]]:
        found = Event.objects.select_related("account", "post").in_bulk(pks)
        return [render_comment(request, found[pk], wanted) for pk in pks]

    return page_rows(request, marks, render, parameters, newest_first=newest_first)


def read_pages(
    request: HttpRequest, token: Token, person: Account, wanted: list[Field], parameters: dict[str, Any]
) -> HttpResponse:
    """``GET /me/accounts``: the Pages chosen in the dialog, with their tokens."""
    grant = token.grant
    if grant is None or grant.account_id != person.pk or token.kind != Token.Kind.ACCESS:
        raise missing_object(f"{person.native_id}/accounts", "GET")
    if "pages_show_list" not in token.scopes:
        return JsonResponse({"data": []})
    names = [Field(name) for name in ("access_token", "category", "category_list", "name", "tasks")]
    now = timezone.now()
    pages = {page.pk: page for page in person.pages.filter(native_id__in=grant.page_ids)}

    def render(pks: list[int]) -> list[dict[str, Any]]:
        shown = [pages[pk] for pk in pks]
        return [render_page(request, one, wanted or names, token=token_of_page(token, one), now=now) for one in shown]

    marks = [Mark(page.created_at, page.pk) for page in pages.values()]
    return page_rows(request, marks, render, parameters, newest_first=False)


def read_time(parameters: dict[str, Any], name: str) -> Q:
    """The condition of ``since`` or ``until``: Unix time or ISO 8601."""
    raw = parameters.get(name)
    if raw is None:
        return Q()
    try:
        if str(raw).isdecimal():
            moment = datetime.fromtimestamp(int(str(raw)), tz=timezone.get_current_timezone())
        else:
            found = parse_datetime(str(raw))
            if found is None:
                raise ValueError(raw)
            moment = found if found.tzinfo else timezone.make_aware(found)
    except (ValueError, OverflowError, OSError) as problem:
        raise bad_parameter(f"Param {name} must be a valid time") from problem
    return Q(publish_at__gte=moment) if name == "since" else Q(publish_at__lte=moment)


def read_posts(
    request: HttpRequest, token: Token, page: Account, edge: str, wanted: list[Field], parameters: dict[str, Any]
) -> HttpResponse:
    require_scope(token, "pages_read_engagement")
    now = timezone.now()
    posts = Post.objects.readable(PLATFORM).filter(account=page)
    posts = posts.filter(publish_at__gt=now) if edge == "scheduled_posts" else posts.filter(publish_at__lte=now)
    if edge != "scheduled_posts":
        posts = posts.exclude(options__has_key="unpublished")
    posts = posts.filter(read_time(parameters, "since"), read_time(parameters, "until")).order_by("-publish_at", "-pk")
    marks = [Mark(at, pk) for at, pk in posts.values_list("publish_at", "pk")[:MOST_LISTED]]

    def render(pks: list[int]) -> list[dict[str, Any]]:
        found = Post.objects.with_card().in_bulk(pks)
        return [render_post(request, found[pk], wanted, now=now) for pk in pks]

    return page_rows(request, marks, render, parameters)


def read_metric_names(parameters: dict[str, Any], known: set[str]) -> list[str]:
    """The metrics of an insights call. Refuses none (3001) and, for the whole call, a dead or unknown one (100)."""
    names = [name for name in str(parameters.get("metric", "")).split(",") if name]
    if not names:
        raise refused(
            3001, "(#3001) no metric was specified to be fetched. Please specify one or more metrics.", subcode=1504028
        )
    if any(name not in known for name in names):
        raise bad_parameter("The value must be a valid insights metric")
    return names


def read_insights(token: Token, post: Post, parameters: dict[str, Any]) -> HttpResponse:
    """``GET /{post}/insights?metric=``: lifetime totals."""
    require_scope(token, "read_insights")
    require_scope(token, "pages_read_engagement")
    counters = count_engagement(post, now=timezone.now())
    rows = [
        {
            "name": name,
            "period": "lifetime",
            "values": [{"value": POST_METRICS[name](counters)}],
            "title": name.replace("_", " ").capitalize(),
            "description": "",
            "id": f"{post.native_id}/insights/{name}/lifetime",
        }
        for name in read_metric_names(parameters, set(POST_METRICS))
    ]
    return JsonResponse({"data": rows, "paging": {}})


def read_page_insights(token: Token, page: Account, parameters: dict[str, Any]) -> HttpResponse:
    """``GET /{page}/insights?metric=&period=day``: yesterday's values."""
    require_scope(token, "read_insights")
    require_scope(token, "pages_read_engagement")
    names = read_metric_names(parameters, PAGE_METRICS)
    if parameters.get("period", "day") not in {"day", "week", "days_28", "lifetime", "total_over_range"}:
        raise bad_parameter("period must be one of: day, week, days_28, lifetime, total_over_range")
    now = timezone.now()
    end = now.replace(hour=8, minute=0, second=0, microsecond=0)
    since = end - timedelta(days=1)
    posts = Post.objects.live(PLATFORM).filter(account=page)
    gained = [
        (count_engagement(post, now=end), count_engagement(post, now=since)) for post in posts.order_by("-id")[:100]
    ]
    values = {
        "page_media_view": sum(new.impressions - old.impressions for new, old in gained),
        "page_total_media_view_unique": sum(new.reach - old.reach for new, old in gained),
        "page_post_engagements": sum(new.engagements - old.engagements for new, old in gained),
        "page_follows": page.followers,
        "page_daily_follows": 3,
        "page_views_total": page.followers // 25,
    }
    period = str(parameters.get("period", "day"))
    rows = [
        {
            "name": name,
            "period": period,
            "values": [{"value": values[name], "end_time": end.strftime("%Y-%m-%dT%H:%M:%S+0000")}],
            "title": name.replace("_", " ").capitalize(),
            "description": "",
            "id": f"{page.native_id}/insights/{name}/{period}",
        }
        for name in names
    ]
    return JsonResponse({"data": rows, "paging": {}})
