"""What the sandbox can be told: grant access, end tokens, plant faults and events. Pages and REST both come here."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from sandbox import oauth
from sandbox.facebook.sign_in import LONG_LIFE_S, page_token
from sandbox.facebook.sign_in import SCOPES as FACEBOOK_SCOPES
from sandbox.models import (
    Account,
    Event,
    Fault,
    Grant,
    OAuthClient,
    PlatformName,
    Post,
    Token,
    new_native_id,
    new_secret,
)
from sandbox.seed import FACEBOOK_APP, TWITTER_CLIENT
from sandbox.twitter.sign_in import ACCESS_LIFE_S, REFRESH_LIFE_S

TWITTER_SCOPES = (
    "tweet.read tweet.write users.read media.write tweet.moderate.write like.read follows.read dm.read dm.write "
    "offline.access"
)
MASTODON_SCOPES = "read write push"


class BadOrder(ValueError):
    """An order that cannot be carried out; ``str()`` says why."""


def find_account(platform: str, name: str) -> Account:
    """An account by native id, username (with or without @) or name."""
    accounts = Account.objects.filter(platform=platform)
    word = str(name).strip()
    found = accounts.filter(Q(native_id=word) | Q(username__iexact=word.removeprefix("@"))).first()
    found = found or accounts.filter(name__iexact=word).order_by("kind", "id").first()
    if found is None:
        raise BadOrder(f"There is no account {word or '(empty)'} on {platform}.")
    return found


def check_platform(platform: Any, *, any_allowed: bool = False) -> str:
    word = str(platform or "").upper()
    if word in PlatformName.values or (any_allowed and word == Fault.ANY_PLATFORM):
        return word
    allowed = [*PlatformName.values, *([Fault.ANY_PLATFORM] if any_allowed else [])]
    raise BadOrder(f"platform must be one of {', '.join(allowed)}.")


def plant_fault(
    *,
    platform: Any,
    operation: Any,
    fault: Any,
    times: Any = None,
    value: Any = None,
    probability: Any = None,
) -> Fault:
    """Make the next fitting calls fail.

    Without ``times`` and ``probability`` it hits once; with a probability (0 to 1) alone, until it is removed;
    ``times`` 0 also means until removed. ``value``: ms for latency, s for slow_body, rate_limit and appear_late, a
    status for server_error, error_after and html.
    """
    name = check_platform(platform, any_allowed=True)
    if operation not in Fault.Operation.values:
        raise BadOrder(f"operation must be one of {', '.join(Fault.Operation.values)}.")
    if fault not in Fault.Kind.values:
        raise BadOrder(f"fault must be one of {', '.join(Fault.Kind.values)}.")
    if fault == Fault.Kind.STUCK and operation not in {Fault.Operation.MEDIA, Fault.Operation.ANY}:
        raise BadOrder("stuck is a fault of media.")
    if fault == Fault.Kind.STUCK and name == PlatformName.FACEBOOK:
        raise BadOrder("Facebook's photos have no processing state that could get stuck.")
    if fault == Fault.Kind.APPEAR_LATE and operation != Fault.Operation.PUBLISH:
        raise BadOrder("appear_late is a fault of publish.")
    chance = read_number(probability, "probability", low=0, high=1)
    amount = read_number(value, "value", low=0, high=86400)
    is_status = fault in {Fault.Kind.SERVER_ERROR, Fault.Kind.ERROR_AFTER, Fault.Kind.HTML}
    if is_status and amount is not None and not 400 <= amount <= 599:
        raise BadOrder("value must be a status from 400 to 599.")
    count = read_number(times, "times", low=0, high=1_000_000)
    if count is None:
        count = 1 if chance is None else 0
    return Fault.objects.create(
        platform=name, operation=operation, fault=fault, times=int(count) or None, probability=chance, value=amount
    )


def read_number(value: Any, name: str, *, low: float, high: float) -> float | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise BadOrder(f"{name} must be a number from {low} to {high}.")
    return float(value)


def plant_event(
    *,
    platform: Any,
    kind: Any,
    account: Any,
    text: Any = "",
    author_name: Any = "",
    author_username: Any = "",
    post: Any = "",
    fields: Any = None,
) -> Event:
    """Let somebody mention, comment, write to or leave a lead with an account.

    ``post`` is the native id of the account's post which a comment belongs to; without it, its latest.
    """
    name = check_platform(platform)
    if kind not in Event.Kind.values:
        raise BadOrder(f"kind must be one of {', '.join(Event.Kind.values)}.")
    if kind == Event.Kind.LEAD and name != PlatformName.FACEBOOK:
        raise BadOrder("Leads exist on Facebook only.")
    target = find_account(name, account)
    if target.kind == Account.Kind.PERSON:
        raise BadOrder("Events concern a Page, not the person behind it.")
    where = None
    if post or kind == Event.Kind.COMMENT:
        posts = Post.objects.filter(account=target, deleted_at=None)
        where = posts.filter(native_id=str(post)).first() if post else posts.order_by("-id").first()
        if where is None:
            raise BadOrder("There is no such post of this account to comment on.")
    username = str(author_username or "joe_almeida").removeprefix("@")
    native_id = new_native_id(name)
    if name == PlatformName.FACEBOOK and where is not None:
        native_id = f"{where.native_id.partition('_')[2]}_{native_id}"
    said = str(text or "")
    if kind == Event.Kind.MENTION and name != PlatformName.FACEBOOK and f"@{target.username}" not in said:
        said = f"@{target.username} {said}".strip()
    if fields is not None and not isinstance(fields, dict):
        raise BadOrder("fields must be an object.")
    return Event.objects.create(
        platform=name, kind=kind, account=target, post=where, native_id=native_id, text=said,
        author_id=str(sum(ord(sign) * 31**place for place, sign in enumerate(username[:10]))),
        author_name=str(author_name or "Joe Almeida"), author_username=username, fields=fields or {},
    )  # fmt: skip


def move_post(*, platform: Any, id: Any, created_at: Any) -> Post:
    """Let a post have been taken at another moment in the past (ISO 8601 with a zone): it then has the life of that age."""
    post = Post.objects.filter(platform=check_platform(platform), native_id=str(id)).first()
    if post is None:
        raise BadOrder("There is no such post.")
    try:
        moment = datetime.fromisoformat(str(created_at))
    except ValueError as problem:
        raise BadOrder("created_at must be a moment such as 2026-11-14T09:30:00Z.") from problem
    if moment.tzinfo is None or moment > timezone.now():
        raise BadOrder("created_at must have a zone and lie in the past.")
    post.created_at = post.publish_at = moment
    post.save(update_fields=["created_at", "publish_at"])
    return post


def end_tokens(*, platform: Any, account: Any, action: Any, now: datetime | None = None) -> int:
    """Let the access tokens of an account expire, or revoke everything; how many tokens it hit.

    ``expire`` leaves refresh tokens alive. ``revoke`` is what happens when the person removes the application. For
    a Page it concerns the Page's tokens, for a person also those of the Pages.
    """
    target = find_account(check_platform(platform), account)
    moment = now or timezone.now()
    tokens = Token.objects.filter(Q(account=target) | Q(grant__account=target), revoked_at=None)
    if action == "expire":
        return tokens.filter(kind__in=[Token.Kind.ACCESS, Token.Kind.PAGE]).update(expires_at=moment)
    if action == "revoke":
        if target.kind != Account.Kind.PAGE:
            Grant.objects.filter(account=target, revoked_at=None).update(revoked_at=moment)
        return tokens.update(revoked_at=moment)
    raise BadOrder("action must be expire or revoke.")


def grant_access(
    *, platform: Any, account: Any, client_id: Any = "", scopes: Any = None, expires_in: Any = None
) -> dict[str, Any]:
    """Tokens as after a consent, for programs that cannot click: what each platform would have answered.

    ``expires_in``: another life of the access token, in seconds, where the platform's tokens end at all.

    Without ``client_id``: the seeded application; on Mastodon an application of its own. ``account`` on Facebook is
    the person; a Page's name means the person behind it.
    """
    name = check_platform(platform)
    target = find_account(name, account)
    if target.kind == Account.Kind.PAGE and target.manager is not None:
        target = target.manager
    client = find_client(name, str(client_id or ""))
    wanted = scopes.split() if isinstance(scopes, str) else [str(one) for one in scopes or []]
    defaults = {
        PlatformName.TWITTER: TWITTER_SCOPES.split(),
        PlatformName.FACEBOOK: [one for one in FACEBOOK_SCOPES if not one.startswith("instagram_")],
        PlatformName.MASTODON: MASTODON_SCOPES.split(),
    }
    pages = list(target.pages.order_by("id"))
    grant = Grant.objects.create(
        client=client, account=target, scopes=wanted or defaults[PlatformName(name)],
        page_ids=[page.native_id for page in pages],
    )  # fmt: skip
    life_s = {PlatformName.TWITTER: ACCESS_LIFE_S, PlatformName.FACEBOOK: LONG_LIFE_S}.get(PlatformName(name))
    asked_s = read_number(expires_in, "expires_in", low=1, high=LONG_LIFE_S)
    life_s = int(asked_s) if asked_s and life_s else life_s
    answer: dict[str, Any] = {
        "platform": name,
        "account": {"id": target.native_id, "username": target.username, "name": target.name},
        "client_id": client.client_id,
        "client_secret": client.client_secret,
        "scopes": grant.scopes,
        "access_token": oauth.issue_token(grant, Token.Kind.ACCESS, life_s=life_s),
        "refresh_token": None,
        "expires_in": life_s,
        "expires_at": None,
        "pages": [
            {
                "id": page.native_id,
                "name": page.name,
                "username": page.username,
                "tasks": page.tasks,
                "access_token": page_token(grant, page, expires_at=None),
            }
            for page in pages
        ],
    }
    if life_s is not None:
        answer["expires_at"] = (timezone.now() + timedelta(seconds=life_s)).isoformat()
    if name == PlatformName.TWITTER and "offline.access" in grant.scopes:
        answer["refresh_token"] = oauth.issue_token(grant, Token.Kind.REFRESH, life_s=REFRESH_LIFE_S)
    return answer


def find_client(platform: str, client_id: str) -> OAuthClient:
    seeded = {PlatformName.TWITTER: TWITTER_CLIENT[0], PlatformName.FACEBOOK: FACEBOOK_APP[0]}
    if not client_id and platform == PlatformName.MASTODON:
        defaults = {"client_secret": new_secret(), "name": "Parley", "scopes": MASTODON_SCOPES.split()}
        client, _ = OAuthClient.objects.get_or_create(platform=platform, client_id="sandbox", defaults=defaults)
        return client
    found = oauth.find_client(platform, client_id or seeded[PlatformName(platform)])
    if found is None:
        raise BadOrder("There is no such application. POST /sandbox/api/seed makes the seeded ones.")
    return found
