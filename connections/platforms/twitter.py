"""X: publishing, deleting and metrics of own posts. API v2: https://docs.x.com (OpenAPI 2.167, August 2026).

X knows no idempotency key; a lost answer is settled by reading the account's posts back, and by X's own refusal of
identical text.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urlencode

import regex
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from connections.clean import clean_id
from connections.errors import (
    ContentRejected,
    Duplicate,
    InvalidToken,
    MediaError,
    NotFound,
    OutcomeUnknown,
    PermissionMissing,
    PlatformError,
    RateLimited,
    TransientError,
)
from connections.http import Patience, PlatformHttp, api_base, auth_base, path_part, site_base
from connections.platforms.base import (
    Account,
    Budget,
    Can,
    Draft,
    DraftMedia,
    Journal,
    Json,
    Limits,
    Metrics,
    OwnPost,
    OwnPosts,
    Platform,
    Problem,
    Published,
    TokenGrant,
    TokenPolicy,
    Validation,
    register,
)
from connections.platforms.checks import common_problems, option_problem
from connections.platforms.read_back import Page, id_of, moment_of, posts_of, read_list
from connections.platforms.steps import (
    append_link,
    must_be_known,
    published_of,
    step_of,
    wait_until_ready,
)
from connections.platforms.text import INVALID, count_weighted, x_links, x_readings
from connections.times import expiry

API = "https://api.x.com"
SITE = "https://x.com"
SNOWFLAKE_EPOCH_MS = 1288834974657
PRIVATE_METRICS_FOR = timedelta(days=29)  # X tells clicks of own posts for 30 days
READ_BACK_BATCH = 100
TIMELINE_DEPTH = 3_000
"""X lists the latest 3,200 posts of an account and counts those that were deleted: a list that ends near there may be cut
off. Source: https://docs.x.com/x-api/posts/timelines/introduction"""
READ_BACK_PAGES = 33
REPLY_SETTINGS = frozenset({"following", "mentionedUsers", "subscribers", "verified"})
# What X charges on pay-per-use access, USD, August 2026: https://docs.x.com/x-api/getting-started/pricing
PRICE_HINTS = {"pay-per-use": "X charges $0.015 for a post, and $0.20 for a post with a link."}
_CASHTAG = regex.compile(r"(?<![\w$])\$[A-Za-z]{1,6}(?:[._][A-Za-z]{1,2})?(?!\w)")


@register
class Twitter(Platform):
    name = "TWITTER"
    label = "X"
    icon = "brand-x"
    capabilities = frozenset(
        {
            Can.PUBLISH_TEXT,
            Can.PUBLISH_LINK,
            Can.PUBLISH_IMAGE,
            Can.PUBLISH_IMAGES,
            Can.FIRST_COMMENT,
            Can.DELETE,
            Can.METRICS,
        }
    )
    absences: ClassVar[dict[Can, str]] = {
        Can.CHOOSE_ACCOUNTS: "An X sign-in opens exactly one account.",
        Can.PUBLISH_STORY: "X has no stories.",
        Can.LEAD_ADS: "X has no lead forms in its API.",
    }
    limits = Limits(
        characters=280,
        images=4,
        image_bytes=5_000_000,
        image_formats=frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"}),
        image_side_least=4,  # "Image dimensions must be >= 4x4 and <= 8192x8192", code 324
        image_side_most=8192,
        alt_text_characters=1000,
        characters_per_link=23,
    )
    token_policy = TokenPolicy.ROTATING
    scopes = ("tweet.read", "tweet.write", "users.read", "media.write", "offline.access")
    scopes_for: ClassVar[dict[Can, tuple[str, ...]]] = {
        Can.PUBLISH_TEXT: ("tweet.read", "tweet.write", "users.read"),
        Can.PUBLISH_LINK: ("tweet.read", "tweet.write", "users.read"),
        Can.PUBLISH_IMAGE: ("tweet.write", "media.write"),
        Can.PUBLISH_IMAGES: ("tweet.write", "media.write"),
        Can.FIRST_COMMENT: ("tweet.write",),
        Can.DELETE: ("tweet.write",),
        Can.METRICS: ("tweet.read", "users.read"),
    }
    refresh_ahead = timedelta(minutes=10)
    keep_alive_every = timedelta(days=1)
    absence_proof_after = timedelta(seconds=60)
    metrics_batch = 100
    budgets = (
        Budget("posts", 200, timedelta(minutes=15)),
        Budget("requests", 300, timedelta(minutes=15)),
        Budget("app_posts", 10_000, timedelta(hours=24)),
    )
    """The app's: https://docs.x.com/x-api/fundamentals/rate-limits (create posts, per app)."""
    price_hint = PRICE_HINTS.get(settings.TWITTER_ACCESS_LEVEL, "")

    http: PlatformHttp

    def make_http(self) -> PlatformHttp:
        return PlatformHttp(self.name, self.label, api_base(self.name, API), self.access_token, explain=self.explain)

    # --- text ---------------------------------------------------------------------------------------------------------

    @classmethod
    def count(cls, text: str, limits: Limits | None = None) -> int:
        return count_weighted(text)

    @classmethod
    def compose_text(cls, draft: Draft) -> str:
        return append_link(draft.text, draft.link_url)

    @classmethod
    def problems(cls, draft: Draft, limits: Limits | None = None) -> list[Problem]:
        return [*common_problems(cls, draft, limits or cls.limits), *cls._own_problems(draft)]

    @classmethod
    def _own_problems(cls, draft: Draft) -> Iterator[Problem]:
        text = cls.compose_text(draft)
        for field, said in (("content", text), ("first_comment", draft.first_comment)):
            if any(sign in said for sign in INVALID):
                message = _(
                    "The text contains an invisible character that X does not accept. Remove it or type the text again."
                )
                yield Problem("sign_refused", message, field)
        if settings.TWITTER_ACCESS_LEVEL != "enterprise" and len({tag.upper() for tag in _CASHTAG.findall(text)}) > 1:
            yield Problem("too_many_cashtags", _("A post can have only one cashtag ($NAME)."))
        if settings.TWITTER_ACCESS_LEVEL in PRICE_HINTS and x_links(text):
            yield Problem("link_price", _("A post with a link costs $0.20."), "link_url", blocking=False)
        if draft.media and draft.link_url:
            message = _("The link has no preview because the post has images.")
            yield Problem("link_without_preview", message, "link_url", blocking=False)
        for number, media in enumerate(draft.media, start=1):
            if media.is_animated and media.content_type == "image/gif":
                # A GIF that moves is a video to X: a category and an upload of their own.
                message = _("Image %(number)d is an animated GIF, which can't be sent to X yet. Use a still image.")
                yield Problem("animated_gif", message % {"number": number}, "media")
        yield from option_problem(draft, "reply_settings", REPLY_SETTINGS)

    # --- connecting ---------------------------------------------------------------------------------------------------

    def authorize_url(self, *, redirect_uri: str, state: str, challenge: str, again: bool = False) -> str:
        query = {
            "response_type": "code",
            "client_id": self.app.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(self.scopes),
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{auth_base(self.name, SITE)}/i/oauth2/authorize?{urlencode(query)}"

    def exchange_code(self, code: str, *, redirect_uri: str, verifier: str) -> TokenGrant:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        return self._ask_token(form, operation="exchange_code")

    def refresh(self, refresh_token: str) -> TokenGrant:
        """The next pair; X kills the refresh token that it is given. Raises InvalidToken on X's clear word, and
        TransientError when no answer came: the pair at hand may then still be good, and is tried again."""
        try:
            return self._ask_token({"grant_type": "refresh_token", "refresh_token": refresh_token}, operation="refresh")
        except OutcomeUnknown as error:
            raise TransientError(_("X did not answer the renewal of the sign-in."), detail=error.detail) from None

    def _ask_token(self, form: Json, *, operation: str) -> TokenGrant:
        body = self._post_as_app("/2/oauth2/token", form, operation=operation, patience=Patience.ONCE)
        token = body.get("access_token")
        if not isinstance(token, str) or not token:
            raise self.http.unreadable(Patience.ONCE)
        return TokenGrant(
            access_token=token,
            refresh_token=body.get("refresh_token") or None,
            expires_at=expiry(body.get("expires_in"), now=timezone.now()),
            permissions=tuple(str(body.get("scope", "")).split()),
        )

    def _post_as_app(self, path: str, form: Json, *, operation: str, patience: Patience) -> Json:
        """A call of the app itself: Basic for a confidential client, the id in the body for a public one."""
        is_public = not self.app.client_secret
        answer = self.http.post(
            path,
            operation=operation,
            patience=patience,
            form={**form, "client_id": self.app.client_id} if is_public else form,
            auth=None if is_public else (self.app.client_id, self.app.client_secret),
            signed=False,
            allow_empty=operation == "revoke",
        )
        return answer.object

    def accounts(self, grant: TokenGrant) -> Sequence[Account]:
        return [replace(self._me(self.http.with_token(grant.access_token)), grant=grant)]

    def revoke(self, token: str) -> None:
        try:
            self._post_as_app("/2/oauth2/revoke", {"token": token}, operation="revoke", patience=Patience.AGAIN)
        except InvalidToken:
            pass  # dead already

    def validate(self) -> Validation:
        try:
            account = self._me(self.http)
        except InvalidToken as error:
            return Validation(is_valid=False, reason=str(error))
        return Validation(is_valid=True, account_id=account.id)

    def profile(self) -> Account:
        return self._me(self.http)

    def _me(self, http: PlatformHttp) -> Account:
        fields = "id,name,username,profile_image_url,public_metrics,verified_type"
        user = http.get("/2/users/me", operation="me", params={"user.fields": fields}).object.get("data")
        if not isinstance(user, dict) or not clean_id(user.get("id")):
            raise http.unreadable(Patience.READ)
        handle = str(user.get("username", ""))
        return Account(
            id=str(user["id"]),
            name=str(user.get("name") or handle),
            handle=handle,
            avatar_url=str(user.get("profile_image_url") or "").replace("_normal.", "_400x400."),
            url=f"{site_base(self.name, SITE)}/{handle}",
            followers=(user.get("public_metrics") or {}).get("followers_count"),
        )

    def test_app(self) -> None:
        """X has no call to check an app. A renewal with a made-up token does: right credentials are told that the token
        is wrong, wrong ones that the client is."""
        form = {"grant_type": "refresh_token", "refresh_token": "parley-checks-the-credentials"}
        try:
            self._post_as_app("/2/oauth2/token", form, operation="test_app", patience=Patience.AGAIN)
        except InvalidToken:
            pass  # the made-up token was refused, so the app was not

    # --- publishing ---------------------------------------------------------------------------------------------------

    def publish(self, draft: Draft, journal: Journal) -> Published:
        media_ids = [
            str(journal.again(f"media:{number}", lambda media=media: self._upload(media))["id"])  # type: ignore[misc]
            for number, media in enumerate(draft.media)
        ]
        body: Json = {"text": self.compose_text(draft)} if self.compose_text(draft) else {}
        if media_ids:
            body["media"] = {"media_ids": media_ids}
        if draft.options.get("reply_settings"):
            body["reply_settings"] = draft.options["reply_settings"]
        published = published_of(journal.once("post", lambda: self._create(body, operation="create_post")))
        if draft.first_comment:
            must_be_known(published)
            reply = {"text": draft.first_comment, "reply": {"in_reply_to_tweet_id": published.id}}
            journal.once("comment", lambda: self._create(reply, operation="create_comment"))
        return published

    def _create(self, body: Json, *, operation: str) -> Json:
        answer = self.http.post("/2/tweets", operation=operation, patience=Patience.ONCE, json=body)
        post_id = (answer.object.get("data") or {}).get("id")
        if not post_id:
            raise self.http.unreadable(Patience.ONCE)
        return step_of(post_id, self._permalink(str(post_id)), timezone.now())

    def _upload(self, media: DraftMedia) -> Json:
        """One picture with its description; usable for a day. Source: https://docs.x.com/x-api/media/upload-media"""
        answer = self.http.post(
            "/2/media/upload",
            operation="upload",
            patience=Patience.AGAIN,
            form={"media_category": "tweet_image"},
            files={"media": ("picture", media.open, media.content_type)},
        )
        uploaded = answer.object.get("data") or {}
        if not clean_id(uploaded.get("id")):
            raise self.http.unreadable(Patience.AGAIN)
        media_id = str(uploaded["id"])
        if uploaded.get("processing_info"):
            wait_until_ready(lambda: self._is_ready(media_id), platform=self.label)
        if media.alt_text:
            self.http.post(
                "/2/media/metadata",
                operation="describe_media",
                patience=Patience.AGAIN,
                json={"id": media_id, "metadata": {"alt_text": {"text": media.alt_text}}},
                allow_empty=True,
            )
        return {"id": media_id}

    def _is_ready(self, media_id: str) -> bool:
        params = {"command": "STATUS", "media_id": media_id}
        answer = self.http.get("/2/media/upload", operation="upload_status", params=params)
        info = (answer.object.get("data") or {}).get("processing_info") or {"state": "succeeded"}
        if info.get("state") == "failed":
            said = (info.get("error") or {}).get("message") or ""
            raise MediaError(_("X could not process the image. %(said)s") % {"said": said}, platform_code="failed")
        return info.get("state") == "succeeded"

    def _permalink(self, post_id: str) -> str:
        return f"{site_base(self.name, SITE)}/{self.handle.lstrip('@') or 'i'}/status/{post_id}"

    def own_posts(self, *, since: datetime) -> OwnPosts:
        """Retweets stay in: X counts them among those that it lists at most, and its end must be told from ours.
        Source: https://docs.x.com/x-api/posts/timelines/introduction"""
        path = f"/2/users/{path_part(self.account_id)}/tweets"
        params = {
            "max_results": str(READ_BACK_BATCH),
            "start_time": (since - timedelta(seconds=60)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "post.fields": "created_at,entities,attachments,note_post,text",
        }
        listed = 0

        def read_page(cursor: str) -> Page:
            nonlocal listed
            if cursor:
                params["pagination_token"] = cursor
            body = self.http.get(path, operation="read_back", params=params).object
            posts, doubt = posts_of(body.get("data", []), self._own_post)
            listed += len(posts)
            meta = body["meta"] if isinstance(body.get("meta"), dict) else {}
            following = str(meta.get("next_token") or "")
            if meta.get("result_count") != len(posts) or "errors" in body:
                doubt = "a page is not as documented"
            elif not following and listed >= TIMELINE_DEPTH:
                doubt = f"X lists no more than {listed} posts"
            return Page(posts, following, doubt)

        return read_list(read_page, since=since, most_pages=READ_BACK_PAGES, newest_first=True)

    def _own_post(self, row: Json) -> OwnPost:
        long = row.get("note_post") or row.get("note_tweet") or {}
        text = str(long.get("text") or row.get("text") or "")
        urls = [*((long.get("entities") or {}).get("urls") or []), *((row.get("entities") or {}).get("urls") or [])]
        attached = (row.get("attachments") or {}).get("media_keys") or []
        post_id = id_of(row["id"])
        written, *also = x_readings(text, urls)
        return OwnPost(
            post_id,
            self._permalink(post_id),
            moment_of(row["created_at"]),
            written,
            also=tuple(also),
            pictures=len(attached),
        )

    def delete(self, post_id: str) -> None:
        try:
            self.http.delete(f"/2/tweets/{path_part(post_id)}", operation="delete_post")
        except NotFound:
            pass

    # --- metrics ------------------------------------------------------------------------------------------------------

    def metrics(self, post_ids: Sequence[str]) -> dict[str, Metrics]:
        """Public counts of all; clicks of posts of the last 29 days, where X tells them (one more call when it does
        not). Source: https://docs.x.com/x-api/fundamentals/metrics"""
        oldest = timezone.now() - PRIVATE_METRICS_FOR
        recent = [one for one in post_ids if (posted_at(one) or oldest) > oldest]
        found: dict[str, Metrics] = {}
        if recent:
            try:
                found = self._read_metrics(recent, "public_metrics,non_public_metrics")
            except (PermissionMissing, ContentRejected):
                found = {}
        rest = [one for one in post_ids if one not in found]
        return found | (self._read_metrics(rest, "public_metrics") if rest else {})

    def _read_metrics(self, post_ids: Sequence[str], fields: str) -> dict[str, Metrics]:
        params = {"ids": ",".join(post_ids), "post.fields": fields}
        body = self.http.get("/2/tweets", operation="metrics", params=params).object
        found = {
            str(post["id"]): _metrics_of(post)
            for post in body.get("data") or []
            if isinstance(post, dict) and post.get("id")
        }
        for error in body.get("errors") or []:
            if isinstance(error, dict) and str(error.get("type", "")).endswith("/resource-not-found"):
                gone = str(error.get("resource_id") or error.get("value") or "")
                if gone in post_ids and gone not in found:
                    found[gone] = Metrics(gone=True)
        return found

    # --- refusals -----------------------------------------------------------------------------------------------------

    def explain(self, status: int, body: Any, operation: str) -> PlatformError | None:
        """Source: https://docs.x.com/x-api/fundamentals/response-codes-and-errors"""
        if status < 300:
            return None
        if isinstance(body, dict) and isinstance(body.get("error"), str):
            return self._explain_oauth(status, body)
        if operation == "refresh" and status in {400, 401, 403, 404}:
            # Not the token endpoint's own words: nothing here says that the grant is gone.
            return TransientError(_("X did not renew the sign-in."), detail=f"HTTP {status}")
        if not isinstance(body, dict):
            return None
        first = next((one for one in body.get("errors") or [] if isinstance(one, dict)), {})
        said = str(first.get("message") or first.get("detail") or body.get("detail") or body.get("title") or "")
        kind = str(body.get("type") or first.get("type") or "").rpartition("/")[2]
        title = str(body.get("title") or "")
        code = str(first.get("code") or kind or title)
        lower = said.lower()
        match status:
            case 400 if "media" in lower:
                return MediaError(_("X did not accept an image: %(said)s") % {"said": said}, platform_code=code)
            case 400:
                return ContentRejected(_("X refused: %(said)s") % {"said": said}, platform_code=code)
            case 402:
                return RateLimited(
                    _("The X app has no credit left. Its owner can add credit in X's developer console."),
                    retry_at=timezone.now() + timedelta(hours=6), platform_code=title or "CreditsDepleted",
                )  # fmt: skip
            case 403:
                return self._explain_forbidden(body, said, code)
            case 404:
                return NotFound(_("X could not find it."), platform_code=code)
            case 429 if kind == "usage-capped" or title == "UsageCapExceeded":
                message = _("The X app has used up what its plan allows for this period.")
                return RateLimited(message, retry_at=_next_period(body), platform_code="UsageCapExceeded")
        return None

    def _explain_oauth(self, status: int, body: Json) -> PlatformError | None:
        code, said = str(body["error"]), str(body.get("error_description") or "")
        if code in {"invalid_client", "unauthorized_client"}:
            # Speaks of the app, not of the account: no account is disconnected for it.
            message = _("X does not accept the app's client id and secret.")
            return PermissionMissing(message, detail=said, platform_code=code)
        if status in {400, 401} and code in {"invalid_request", "invalid_grant"}:
            return InvalidToken(_("X no longer accepts this sign-in: %(said)s") % {"said": said}, platform_code=code)
        return None

    def _explain_forbidden(self, body: Json, said: str, code: str) -> PlatformError:
        lower = said.lower()
        if "duplicate content" in lower:
            return Duplicate(_("X already has a post with this text."), platform_code=code)
        if "deleted or not visible" in lower:
            return NotFound(_("The post you are replying to no longer exists."), platform_code=code)
        if "suspended" in lower or "locked" in lower or code in {"64", "326"}:
            return InvalidToken(
                _("X has locked or suspended this account: %(said)s") % {"said": said}, platform_code=code
            )
        if "video longer" in lower:
            return MediaError(said, platform_code=code)
        if "cashtag" in lower or "too long" in lower:
            return ContentRejected(_("X refused: %(said)s") % {"said": said}, platform_code=code)
        if body.get("reason") in {"client-not-enrolled", "user-not-enrolled"}:
            message = _("The X app is not part of a project or plan that allows this. Its owner can change that at X.")
            return PermissionMissing(message, platform_code=str(body["reason"]))
        scopes = tuple(scope for scope in (*self.scopes, "tweet.moderate.write") if scope in said)
        return PermissionMissing(
            _("X does not allow this: %(said)s") % {"said": said}, scopes=scopes, platform_code=code
        )


def posted_at(post_id: str) -> datetime | None:
    """When a post was made, out of its id (a snowflake: milliseconds since 2010-11-04 above 22 bits); None for an id
    that is none. Source: https://docs.x.com/fundamentals/x-ids"""
    if not post_id.isdigit() or not 0 < int(post_id) < 2**63:
        return None
    return datetime.fromtimestamp(((int(post_id) >> 22) + SNOWFLAKE_EPOCH_MS) / 1000, UTC)


def _metrics_of(post: Json) -> Metrics:
    public = post.get("public_metrics") or {}
    private = post.get("non_public_metrics") or {}
    reposts = public.get("repost_count", public.get("retweet_count"))
    shares = [count for count in (reposts, public.get("quote_count")) if isinstance(count, int)]
    return Metrics(
        likes=public.get("like_count"),
        comments=public.get("reply_count"),
        shares=sum(shares) if shares else None,
        impressions=public.get("impression_count"),
        clicks=private.get("url_link_clicks"),
    )


def _next_period(body: Json) -> datetime:
    """The start of the next UTC day, or month when the cap is monthly: X tells the period, not the moment."""
    midnight = timezone.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if str(body.get("period")) == "Monthly":
        return (midnight.replace(day=1) + timedelta(days=32)).replace(day=1)
    return midnight + timedelta(days=1)
