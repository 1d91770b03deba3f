"""The control interface under ``/sandbox/api/``: what was taken, faults, events, tokens.

No sign-in: it exists on loopback installations only. Orders must be sent as JSON, which other websites cannot do to
this address from a visitor's browser.
"""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from sandbox import orders
from sandbox.models import Account, Call, Event, Fault, Post
from sandbox.seed import seed_demo

View = Callable[..., HttpResponse]


class NotJson(orders.BadOrder):
    """An order in another encoding, such as a form of another website could send."""


def control(view: View) -> View:
    """An address of the control interface: no sign-in, no CSRF token; a bad order is 400 with a sentence."""

    @csrf_exempt
    @login_not_required
    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except NotJson as problem:
            return JsonResponse({"error": str(problem)}, status=415)
        except orders.BadOrder as problem:
            return JsonResponse({"error": str(problem)}, status=400)

    return answer


def read_order(request: HttpRequest, *names: str) -> dict[str, Any]:
    """The JSON object of an order; refuses other content types and names that it does not have."""
    if request.content_type != "application/json":
        raise NotJson("Send JSON (Content-Type: application/json).")
    try:
        body = json.loads(request.body or b"{}")
    except ValueError as problem:
        raise orders.BadOrder("The body is not valid JSON.") from problem
    if not isinstance(body, dict):
        raise orders.BadOrder("The body must be a JSON object.")
    unknown = sorted(set(body) - set(names))
    if unknown:
        raise orders.BadOrder(f"Unknown: {', '.join(unknown)}. Known: {', '.join(names)}.")
    return body


def show_post(post: Post) -> dict[str, Any]:
    media = list(post.media.all())
    return {
        "platform": post.platform,
        "account": post.account.username or post.account.native_id,
        "id": post.native_id,
        "text": post.text,
        "media_count": len(media),
        "created_at": post.created_at.isoformat().replace("+00:00", "Z"),
        "account_id": post.account.native_id,
        "alt_texts": [one.alt_text for one in media],
        "link": post.link,
        "in_reply_to": post.in_reply_to,
        "idempotency_key": post.idempotency_key,
        "deleted": post.deleted_at is not None,
    }


def filter_platform(rows: QuerySet[Any], request: HttpRequest) -> QuerySet[Any]:
    platform = request.GET.get("platform", "")
    return rows.filter(platform=orders.check_platform(platform)) if platform not in {"", "*"} else rows


@control
@require_http_methods(["GET", "POST"])
def posts(request: HttpRequest) -> HttpResponse:
    """Every post taken, oldest first, those deleted since and both of a pair sent twice included.

    ``POST {platform, id, created_at}`` moves one in time, for a demonstration that has a past.
    """
    if request.method == "POST":
        order = {"platform": None, "id": "", "created_at": ""} | read_order(request, "platform", "id", "created_at")
        return JsonResponse(show_post(orders.move_post(**order)))
    rows = filter_platform(Post.objects.select_related("account").prefetch_related("media"), request)
    return JsonResponse({"results": [show_post(post) for post in rows]})


def show_fault(fault: Fault) -> dict[str, Any]:
    return {
        "id": fault.pk,
        "platform": fault.platform,
        "operation": fault.operation,
        "fault": fault.fault,
        "times": fault.times,
        "probability": fault.probability,
        "value": fault.value,
        "hits": fault.hits,
    }


@control
@require_http_methods(["GET", "POST", "DELETE"])
def faults(request: HttpRequest) -> HttpResponse:
    """Plant (201), list and remove faults; ``DELETE ?id=`` removes one, without it all."""
    if request.method == "POST":
        order = read_order(request, "platform", "operation", "fault", "times", "value", "probability")
        order = {"platform": None, "operation": None, "fault": None} | order
        return JsonResponse(show_fault(orders.plant_fault(**order)), status=201)
    if request.method == "DELETE":
        rows = Fault.objects.all()
        if "id" in request.GET:
            raw = request.GET["id"]
            rows = rows.filter(pk=int(raw)) if raw.isdecimal() else rows.none()
        return JsonResponse({"deleted": rows.delete()[0]})
    return JsonResponse({"results": [show_fault(fault) for fault in Fault.objects.all()]})


def show_event(event: Event) -> dict[str, Any]:
    return {
        "id": event.native_id,
        "platform": event.platform,
        "kind": event.kind,
        "account": event.account.username or event.account.native_id,
        "post": event.post.native_id if event.post else None,
        "author_name": event.author_name,
        "author_username": event.author_username,
        "text": event.text,
        "fields": event.fields,
        "created_at": event.created_at.isoformat().replace("+00:00", "Z"),
    }


@control
@require_http_methods(["GET", "POST"])
def events(request: HttpRequest) -> HttpResponse:
    """Plant (201) and list what the outside world did."""
    if request.method == "POST":
        order = read_order(
            request, "platform", "kind", "account", "text", "author_name", "author_username", "post", "fields"
        )
        order = {"platform": None, "kind": None, "account": ""} | order
        return JsonResponse(show_event(orders.plant_event(**order)), status=201)
    rows = filter_platform(Event.objects.select_related("account", "post"), request)
    return JsonResponse({"results": [show_event(event) for event in rows]})


@control
@require_POST
def tokens(request: HttpRequest) -> HttpResponse:
    """``{platform, account, action: expire | revoke}``."""
    order = {"platform": None, "account": "", "action": None} | read_order(request, "platform", "account", "action")
    return JsonResponse({"tokens": orders.end_tokens(**order)})


@control
@require_POST
def grants(request: HttpRequest) -> HttpResponse:
    """``{platform, account}`` -> tokens as after a consent (201)."""
    order = read_order(request, "platform", "account", "client_id", "scopes", "expires_in")
    order = {"platform": None, "account": ""} | order
    answer = orders.grant_access(**order)
    if answer["platform"] == "MASTODON":
        answer["server"] = request.build_absolute_uri(reverse("sandbox:mastodon_home")).rstrip("/")
    return JsonResponse(answer, status=201)


def show_account(account: Account) -> dict[str, Any]:
    return {
        "platform": account.platform,
        "kind": account.kind,
        "id": account.native_id,
        "username": account.username,
        "name": account.name,
        "group": account.group,
        "manager": account.manager.native_id if account.manager else None,
        "tasks": account.tasks,
    }


@control
@require_GET
def accounts(request: HttpRequest) -> HttpResponse:
    rows = filter_platform(Account.objects.select_related("manager"), request)
    return JsonResponse({"results": [show_account(account) for account in rows]})


@control
@require_POST
def seed(request: HttpRequest) -> HttpResponse:
    """Make the accounts and applications of the demonstration; again changes nothing."""
    return JsonResponse({"results": [show_account(account) for account in seed_demo()]})


@control
@require_http_methods(["GET", "DELETE"])
def calls(request: HttpRequest) -> HttpResponse:
    """The last 1,000 calls at the platforms, oldest first; ``?platform=&operation=&endpoint=``. DELETE forgets them."""
    rows = filter_platform(Call.objects.all(), request)
    if request.method == "DELETE":
        return JsonResponse({"deleted": rows.delete()[0]})
    for name in ("operation", "endpoint"):
        if name in request.GET:
            rows = rows.filter(**{name: request.GET[name]})
    results = [
        {
            "platform": call.platform,
            "operation": call.operation,
            "endpoint": call.endpoint,
            "method": call.method,
            "account_id": call.subject,
            "status": call.status,
            "fault": call.fault,
            "created_at": call.created_at.isoformat().replace("+00:00", "Z"),
        }
        for call in rows.order_by("-id")[:1000]
    ]
    return JsonResponse({"results": results[::-1]})
