"""Facebook Pages: publishing, comments, deleting and metrics of own posts. Graph API v26.0:
https://developers.facebook.com/docs/pages-api

Pages publish with their own tokens. One that was read with a long-lived user token has no end. There is no idempotency
key, and the list of posts is no proof of absence: a lost answer that cannot be found is a question to a person.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

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
    Copy,
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
from connections.platforms.checks import common_problems, format_size
from connections.platforms.read_back import Page, id_of, moment_of, posts_of, read_list
from connections.platforms.steps import (
    append_link,
    must_be_known,
    published_of,
    step_of,
    twice_on_media_error,
)
from connections.platforms.text import facebook_readings
from connections.times import expiry

API = "https://graph.facebook.com"
SITE = "https://www.facebook.com"
SAFE_PHOTO_BYTES = 4_000_000
SAFE_PNG_BYTES = 1_000_000
PAGES_LISTED = 10
READ_BACK_BATCH = 50
LISTED_A_YEAR = 600
"""Facebook lists about so many posts of a Page and year. Source: .../docs/graph-api/reference/page/feed"""
READ_BACK_PAGES = 20
# Metric of the post -> our name. Dead names refuse the whole call, so new ones are asked for one by one after a refusal.
POST_INSIGHTS = {
    "post_media_view": "impressions",
    "post_total_media_view_unique": "reach",
    "post_clicks": "clicks",
}
THROTTLED = {4, 17, 32, 341, 613, 80001, 80005, 80006, 1349125}
MEDIA_CODES = {324, 382, 389, 6000, 6001, 1609008}
MEDIA_SUBCODES = {1366046, 1363040, 1363127, 1363128, 1363129, 2069019}
UNSETTLED = {"create_post", "create_comment"}

_SCOPE = re.compile(r"\b(?:pages_[a-z_]+|read_insights|business_management|publish_video)\b")
_dead_insights: set[str] = set()


@register
class Facebook(Platform):
    name = "FACEBOOK"
    label = "Facebook"
    icon = "brand-facebook"
    capabilities = frozenset(
        {
            Can.CHOOSE_ACCOUNTS,
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
        Can.PUBLISH_THREAD: "Facebook has no threads.",
    }
    limits = Limits(
        characters=63206,
        images=10,
        image_bytes=10_000_000,
        image_formats=frozenset({"image/jpeg", "image/png", "image/gif"}),
        alt_text_characters=1000,
    )
    token_policy = TokenPolicy.EXTENDING
    refresh_ahead = timedelta(days=7)
    scopes = (
        "pages_show_list",
        "pages_manage_posts",
        "pages_read_engagement",
        "pages_read_user_content",
        "pages_manage_engagement",
        "read_insights",
    )
    scopes_for: ClassVar[dict[Can, tuple[str, ...]]] = {
        Can.CHOOSE_ACCOUNTS: ("pages_show_list",),
        Can.PUBLISH_TEXT: ("pages_manage_posts", "pages_read_engagement"),
        Can.PUBLISH_LINK: ("pages_manage_posts", "pages_read_engagement"),
        Can.PUBLISH_IMAGE: ("pages_manage_posts", "pages_read_engagement"),
        Can.PUBLISH_IMAGES: ("pages_manage_posts", "pages_read_engagement"),
        Can.FIRST_COMMENT: ("pages_manage_engagement",),
        Can.DELETE: ("pages_manage_posts",),
        Can.METRICS: ("pages_read_engagement", "read_insights"),
    }
    shares_tokens = True  # a token can only be withdrawn by ending the person's whole consent
    uses_pkce = False  # Meta documents PKCE for its OpenID flow alone; the server's secret protects the exchange
    absence_proof_after = None
    comments_go_with_post = True
    metrics_batch = 25
    budgets = (Budget("posts", 200, timedelta(hours=24)),)

    http: PlatformHttp

    def make_http(self) -> PlatformHttp:
        return PlatformHttp(self.name, self.label, api_base(self.name, API), self.access_token, explain=self.explain)

    # --- calls --------------------------------------------------------------------------------------------------------

    def _get(self, path: str, params: Mapping[str, Any], *, operation: str, http: PlatformHttp | None = None) -> Json:
        http = http or self.http
        signed = {**params, **self._proof(http.token)}
        return http.get(self._path(path), operation=operation, params=signed).object

    def _post(
        self, path: str, form: Mapping[str, Any], *, operation: str, patience: Patience,
        files: Mapping[str, Any] | None = None,
    ) -> Json:  # fmt: skip
        signed = {**form, **self._proof(self.http.token)}
        return self.http.post(self._path(path), operation=operation, patience=patience, form=signed, files=files).object

    def _path(self, path: str) -> str:
        return f"/{settings.FACEBOOK_GRAPH_VERSION}{path}"

    def _proof(self, token: str) -> dict[str, str]:
        """Proof that the caller knows the app's secret: mandatory for apps that say so, harmless for others. An app
        token holds the secret itself. Source: https://developers.facebook.com/docs/graph-api/guides/secure-requests"""
        if not token or not self.app.client_secret or "|" in token:
            return {}
        proof = hmac.new(self.app.client_secret.encode(), token.encode(), hashlib.sha256).hexdigest()
        return {"appsecret_proof": proof}

    def _as_app(self) -> PlatformHttp:
        return self.http.with_token(f"{self.app.client_id}|{self.app.client_secret}")

    # --- text ---------------------------------------------------------------------------------------------------------

    @classmethod
    def compose_text(cls, draft: Draft) -> str:
        """The message; beside pictures there is no link field, so the link stands in the text then."""
        return append_link(draft.text, draft.link_url) if draft.media else draft.text

    @classmethod
    def problems(cls, draft: Draft, limits: Limits | None = None) -> list[Problem]:
        return [*common_problems(cls, draft, limits or cls.limits), *cls._own_problems(draft)]

    @classmethod
    def _own_problems(cls, draft: Draft) -> Iterator[Problem]:
        for number, media in enumerate(draft.media, start=1):
            most = SAFE_PNG_BYTES if media.content_type == "image/png" else SAFE_PHOTO_BYTES
            if most < media.size_bytes <= cls.limits.image_bytes:
                message = _("Image %(number)d is %(size)s and may look blurred: Facebook recommends at most %(most)s.")
                sizes = {"number": number, "size": format_size(media.size_bytes), "most": format_size(most)}
                yield Problem("image_large", message % sizes, "media", blocking=False)
        if draft.media and draft.link_url:
            message = _("The link has no preview because the post has images.")
            yield Problem("link_without_preview", message, "link_url", blocking=False)

    # --- connecting ---------------------------------------------------------------------------------------------------

    def authorize_url(self, *, redirect_uri: str, state: str, challenge: str, again: bool = False) -> str:
        query = {
            "client_id": self.app.client_id,
            "redirect_uri": redirect_uri,
            "state": state,
            "response_type": "code",
            "scope": ",".join(self.scopes),
        }
        if again:
            query["auth_type"] = "rerequest"
        return f"{auth_base(self.name, SITE)}{self._path('/dialog/oauth')}?{urlencode(query)}"

    def exchange_code(self, code: str, *, redirect_uri: str, verifier: str) -> TokenGrant:
        """The short-lived token of the person."""
        params = {"redirect_uri": redirect_uri, "code": code}
        return self._ask_token(params, operation="exchange_code", patience=Patience.ONCE)

    def lengthen(self, grant: TokenGrant) -> TokenGrant:
        """The long-lived token of the person, with the granted permissions."""
        return self._lengthen(grant.access_token)

    def _lengthen(self, token: str) -> TokenGrant:
        params = {"grant_type": "fb_exchange_token", "fb_exchange_token": token}
        grant = self._ask_token(params, operation="lengthen_token", patience=Patience.READ)
        return TokenGrant(
            access_token=grant.access_token, expires_at=grant.expires_at, permissions=self._granted(grant.access_token)
        )

    def _ask_token(self, params: Json, *, operation: str, patience: Patience) -> TokenGrant:
        credentials = {"client_id": self.app.client_id, "client_secret": self.app.client_secret}
        answer = self.http.call(
            "GET", self._path("/oauth/access_token"), operation=operation, patience=patience,
            params={**credentials, **params}, signed=False,
        )  # fmt: skip
        token = answer.object.get("access_token")
        if not isinstance(token, str) or not token:
            raise self.http.unreadable(patience)
        return TokenGrant(access_token=token, expires_at=expiry(answer.object.get("expires_in"), now=timezone.now()))

    def _granted(self, user_token: str) -> tuple[str, ...]:
        body = self._get("/me/permissions", {}, operation="permissions", http=self.http.with_token(user_token))
        rows = [row for row in body.get("data") or [] if isinstance(row, dict)]
        return tuple(str(row["permission"]) for row in rows if row.get("status") == "granted" and row.get("permission"))

    def accounts(self, grant: TokenGrant) -> Sequence[Account]:
        """The Pages that the person chose in the dialog, each with its own token, which has no end."""
        http = self.http.with_token(grant.access_token)
        fields = "id,name,username,access_token,tasks,picture{url},followers_count,fan_count,link"
        params = {"fields": fields, "limit": "100"}
        found: list[Account] = []
        for _page in range(PAGES_LISTED):
            body = self._get("/me/accounts", params, operation="pages", http=http)
            rows = [row for row in body.get("data") or [] if isinstance(row, dict)]
            found += [self._account(row, grant) for row in rows if clean_id(row.get("id"))]
            paging = body.get("paging") or {}
            after = (paging.get("cursors") or {}).get("after")
            if not paging.get("next") or not after:
                break
            params["after"] = str(after)
        return found

    def _account(self, row: Json, grant: TokenGrant | None) -> Account:
        picture = ((row.get("picture") or {}).get("data") or {}).get("url") or ""
        token, tasks = row.get("access_token"), row.get("tasks")
        unavailable = ""
        if grant is not None and not token:
            unavailable = _("Facebook gave no access to this Page.")
        elif grant is not None and isinstance(tasks, list) and "CREATE_CONTENT" not in tasks:
            unavailable = _("Your role on this Page does not allow posting.")
        page_grant = TokenGrant(access_token=str(token), permissions=grant.permissions) if grant and token else None
        return Account(
            id=str(row.get("id", "")),
            name=str(row.get("name") or row.get("username") or row.get("id")),
            handle=str(row.get("username") or ""),
            kind="page",
            avatar_url=str(picture),
            url=str(row.get("link") or f"{site_base(self.name, SITE)}/{row.get('id', '')}"),
            followers=row.get("followers_count", row.get("fan_count")),
            grant=page_grant,
            unavailable=unavailable,
        )

    def refresh(self, refresh_token: str) -> TokenGrant:
        """A longer life for a user token, while it is still valid; a token without end comes back as it is."""
        state = self._inspect(refresh_token)
        if not state.is_valid:
            raise InvalidToken(state.reason, platform_code="190")
        if state.expires_at is None:
            return TokenGrant(access_token=refresh_token, permissions=state.permissions)
        return self._lengthen(refresh_token)

    def revoke(self, token: str) -> None:
        """Withdraw a person's consent. Facebook cannot withdraw the token of one Page: ending the consent behind it
        would cut off every other Page that the same person connected, so a Page's token is only forgotten here."""
        found = self._debug(token)
        if found.get("type") != "USER" or not found.get("is_valid"):
            return
        user = path_part(str(found.get("user_id") or "me"))
        http = self.http.with_token(token)
        try:
            http.delete(self._path(f"/{user}/permissions"), operation="revoke", params=self._proof(token))
        except (InvalidToken, NotFound):
            pass  # dead already

    def validate(self) -> Validation:
        return self._inspect(self.access_token)

    def _debug(self, token: str) -> Json:
        data = self._get("/debug_token", {"input_token": token}, operation="validate", http=self._as_app()).get("data")
        if not isinstance(data, dict):
            raise self.http.unreadable(Patience.READ)
        return data

    def _inspect(self, token: str) -> Validation:
        """What /debug_token says. ``expires_at`` 0 stands for never."""
        found = self._debug(token)
        expires, error = found.get("expires_at"), found.get("error") or {}
        is_valid = found.get("is_valid") is True
        return Validation(
            is_valid=is_valid,
            account_id=str(found.get("profile_id") or found.get("user_id") or ""),
            expires_at=_moment(expires),
            permissions=tuple(str(scope) for scope in found.get("scopes") or []),
            reason="" if is_valid else str(error.get("message") or _("Facebook no longer accepts the access.")),
        )

    def profile(self) -> Account:
        fields = "id,name,username,picture{url},followers_count,fan_count,link"
        row = self._get(f"/{path_part(self.account_id)}", {"fields": fields}, operation="profile")
        if not clean_id(row.get("id")):
            raise self.http.unreadable(Patience.READ)
        return self._account(row, None)

    def test_app(self) -> None:
        self._ask_token({"grant_type": "client_credentials"}, operation="test_app", patience=Patience.READ)

    # --- publishing ---------------------------------------------------------------------------------------------------

    def publish(self, draft: Draft, journal: Journal) -> Published:
        """Pictures go up unpublished and are attached, so that there is exactly one public call.
        Source: https://developers.facebook.com/docs/pages-api/posts"""
        photos = [
            str(journal.again(f"media:{number}", lambda media=media: self._upload(media))["id"])  # type: ignore[misc]
            for number, media in enumerate(draft.media)
        ]
        form: dict[str, str] = {}
        if text := self.compose_text(draft):
            form["message"] = text
        if draft.link_url and not photos:
            form["link"] = draft.link_url
        for number, photo in enumerate(photos):
            form[f"attached_media[{number}]"] = json.dumps({"media_fbid": photo})
        published = published_of(journal.once("post", lambda: self._create(form)))
        if draft.first_comment:
            must_be_known(published)
            journal.once("comment", lambda: self._comment(published.id, draft.first_comment))
        return published

    def _create(self, form: Mapping[str, str]) -> Json:
        path = f"/{path_part(self.account_id)}/feed"
        body = self._post(path, form, operation="create_post", patience=Patience.ONCE)
        post_id = str(body.get("post_id") or body.get("id") or "")
        if not post_id:
            raise self.http.unreadable(Patience.ONCE)
        return step_of(post_id, f"{site_base(self.name, SITE)}/{post_id}", timezone.now())

    def _comment(self, post_id: str, text: str) -> Json:
        path = f"/{path_part(post_id)}/comments"
        body = self._post(path, {"message": text}, operation="create_comment", patience=Patience.ONCE)
        return {"id": clean_id(body.get("id"))}

    def _upload(self, media: DraftMedia) -> Json:
        form = {"published": "false"}
        if media.alt_text:
            form["alt_text_custom"] = media.alt_text
        files = {"source": ("picture", media.open, media.content_type)}
        path = f"/{path_part(self.account_id)}/photos"
        body = twice_on_media_error(
            lambda: self._post(path, form, operation="upload", patience=Patience.AGAIN, files=files)
        )
        if not clean_id(body.get("id")):
            raise self.http.unreadable(Patience.AGAIN)
        return {"id": str(body["id"])}

    def own_posts(self, *, since: datetime) -> OwnPosts:
        """The order of the list is Facebook's own, and a post that it is checking is missing for a while: what is on the
        list is out, and what is not proves nothing (``absence_proof_after``)."""
        path = f"/{path_part(self.account_id)}/published_posts"
        params = {
            "fields": "id,message,created_time,permalink_url,attachments{media_type,url,subattachments}",
            "since": str(int(since.timestamp())),
            "limit": str(READ_BACK_BATCH),
        }
        listed = 0

        def read_page(cursor: str) -> Page:
            nonlocal listed
            body = self._get(path, params | dict(parse_qsl(cursor)), operation="read_back")
            posts, doubt = posts_of(body.get("data"), self._own_post)
            listed += len(posts)
            paging = body["paging"] if isinstance(body.get("paging"), dict) else {}
            following = _next_cursor(paging)
            if paging.get("next") and not following:
                doubt = "a page is not as documented"
            elif not following and listed >= LISTED_A_YEAR:
                doubt = f"Facebook lists no more than {listed} posts"
            return Page(posts, following, doubt)

        return read_list(read_page, since=since, most_pages=READ_BACK_PAGES, newest_first=False)

    def _own_post(self, row: Json) -> OwnPost:
        post_id = id_of(row["id"])
        attachments = [one for one in (row.get("attachments") or {}).get("data") or [] if isinstance(one, dict)]
        links = tuple(link for one in attachments for link in _links_of(one.get("url")))
        message, *also = facebook_readings(str(row.get("message") or ""), links)
        return OwnPost(
            post_id,
            str(row.get("permalink_url") or f"{site_base(self.name, SITE)}/{post_id}"),
            moment_of(row["created_time"]),
            message,
            also=tuple(also),
            pictures=sum(_count_pictures(one) for one in attachments),
            links=links,
        )

    @classmethod
    def copy_of(cls, draft: Draft) -> Copy:
        return Copy(text=cls.compose_text(draft), pictures=len(draft.media), link=draft.link_url)

    def delete(self, post_id: str) -> None:
        try:
            self.http.delete(
                self._path(f"/{path_part(post_id)}"), operation="delete_post", params=self._proof(self.http.token)
            )
        except NotFound:
            pass

    # --- metrics ------------------------------------------------------------------------------------------------------

    def metrics(self, post_ids: Sequence[str]) -> dict[str, Metrics]:
        """Reactions, comments and shares from the posts, views, reach and clicks from their insights. Facebook updates
        insights about daily and tells none for small Pages. Source: .../docs/platforminsights/page"""
        fields = "id,shares,reactions.summary(total_count).limit(0),comments.summary(total_count).limit(0)"
        nodes: dict[str, Json | None]
        try:
            body = self._get("/", {"ids": ",".join(post_ids), "fields": fields}, operation="metrics")
            nodes = {post_id: body.get(post_id) for post_id in post_ids}
        except (NotFound, ContentRejected, PermissionMissing):
            # One post that is gone refuses the call for all of them.
            nodes = {post_id: self._read_post(post_id, fields) for post_id in post_ids}
        found: dict[str, Metrics] = {}
        may_read_insights = True
        for post_id, node in nodes.items():
            if node is None:
                continue
            if node.get("gone"):
                found[post_id] = Metrics(gone=True)
                continue
            insights: dict[str, int] = {}
            if may_read_insights:
                try:
                    insights = self._read_insights(post_id)
                except PermissionMissing:
                    may_read_insights = False
                except (NotFound, ContentRejected):
                    pass
            found[post_id] = _metrics_of(node, insights)
        return found

    def _read_post(self, post_id: str, fields: str) -> Json | None:
        """The node; {"gone": True} when it is not there while its Page can be read; None when nothing can be said."""
        try:
            return self._get(f"/{path_part(post_id)}", {"fields": fields}, operation="metrics_one")
        except NotFound:
            try:
                self._get(f"/{path_part(self.account_id)}", {"fields": "id"}, operation="profile")
            except (NotFound, PermissionMissing, ContentRejected):
                return None
            return {"gone": True}
        except (ContentRejected, PermissionMissing):
            return None

    def _read_insights(self, post_id: str) -> dict[str, int]:
        """Our name -> value. One metric that Facebook has retired refuses the whole call: then each is asked alone, and
        what is refused while others answer is not asked again by this process."""
        names = [name for name in POST_INSIGHTS if name not in _dead_insights]
        try:
            return self._ask_insights(post_id, names)
        except ContentRejected:
            found: dict[str, int] = {}
            refused: list[str] = []
            for name in names:
                try:
                    found |= self._ask_insights(post_id, [name])
                except ContentRejected:
                    refused.append(name)
            if len(refused) < len(names):
                _dead_insights.update(refused)
            return found

    def _ask_insights(self, post_id: str, names: Sequence[str]) -> dict[str, int]:
        path = f"/{path_part(post_id)}/insights"
        rows = self._get(path, {"metric": ",".join(names)}, operation="insights").get("data") or []
        found: dict[str, int] = {}
        for row in rows:
            values = row.get("values") or []
            value = values[-1].get("value") if values and isinstance(values[-1], dict) else None
            if row.get("name") in POST_INSIGHTS and isinstance(value, int):
                found[POST_INSIGHTS[row["name"]]] = value
        return found

    # --- refusals -----------------------------------------------------------------------------------------------------

    def explain(self, status: int, body: Any, operation: str) -> PlatformError | None:
        """By the error's code; the HTTP status says little here. Source: .../docs/graph-api/guides/error-handling"""
        error = body.get("error") if isinstance(body, dict) else None
        if not isinstance(error, dict):
            if status in {400, 401, 403, 404}:
                # Not Facebook's own words (a proxy's page): no reason to give up on the account.
                return TransientError(
                    _("Facebook answered in an unexpected way."), detail=f"HTTP {status} without error"
                )
            return None
        code, sub = _whole(error.get("code")), _whole(error.get("error_subcode"))
        said = str(error.get("error_user_msg") or error.get("message") or "").strip()
        facts: dict[str, Any] = {"detail": f"{error.get('type', '')} {error.get('fbtrace_id', '')}".strip(),
                                 "platform_code": f"{code}/{sub}" if sub else str(code)}  # fmt: skip
        refused = _("Facebook refused: %(said)s") % {"said": said}
        if code in {190, 102}:
            return InvalidToken(_("Facebook no longer accepts the access: %(said)s") % {"said": said}, **facts)
        if code == 101 or "validating client secret" in said or "validating application" in said:
            return PermissionMissing(_("Facebook does not accept the app's id and secret."), **facts)
        if (code == 100 and sub in {36007, 36008, 36009}) or (operation == "exchange_code" and code in {1, 100, 191}):
            return InvalidToken(_("The Facebook sign-in has expired or has already been used. Try again."), **facts)
        if code in THROTTLED:
            return RateLimited(_("Facebook is receiving too many requests. Try again later."), **facts)
        if code == 506:
            return Duplicate(_("Facebook already has a post with this text."), **facts)
        if code in MEDIA_CODES or sub in MEDIA_SUBCODES:
            return MediaError(_("Facebook did not accept an image: %(said)s") % {"said": said}, **facts)
        if (code == 100 and sub in {33, 2018001, 2018218}) or code == 803:
            return NotFound(_("Facebook could not find it."), **facts)
        if code in {3, 10, 551, 1705, 1363005} or 200 <= code <= 299:
            scopes = tuple(dict.fromkeys(_SCOPE.findall(said)))
            return PermissionMissing(
                _("Facebook does not allow this: %(said)s") % {"said": said}, scopes=scopes, **facts
            )
        if code in {368, 1609005}:
            return ContentRejected(refused, **facts)
        if code == 1 and operation in UNSETTLED and not error.get("is_transient"):
            # "An unknown error occurred" has been seen with posts that were there afterwards.
            return OutcomeUnknown(_("Facebook had an unknown error."), **facts)
        if error.get("is_transient") or code in {1, 2, 1363021} or sub == 1545133:
            # With any status: its own says little.
            trouble = TransientError(_("Facebook is having trouble right now."), **facts)
            trouble.was_sent = operation in UNSETTLED
            return trouble
        if status >= 500:
            return None
        return ContentRejected(refused, **facts)


def _metrics_of(node: Json, insights: Mapping[str, int]) -> Metrics:
    def total(edge: str) -> int | None:
        count = ((node.get(edge) or {}).get("summary") or {}).get("total_count")
        return count if isinstance(count, int) else None

    shares = (node.get("shares") or {}).get("count", 0)  # absent stands for none
    return Metrics(
        likes=total("reactions"),
        comments=total("comments"),
        shares=shares if isinstance(shares, int) else None,
        reach=insights.get("reach"),
        impressions=insights.get("impressions"),
        clicks=insights.get("clicks"),
    )


def _count_pictures(attachment: Json) -> int:
    parts = (attachment.get("subattachments") or {}).get("data")
    if isinstance(parts, list) and parts:
        return sum(_count_pictures(part) for part in parts if isinstance(part, dict))
    return 1 if attachment.get("media_type") in {"photo", "image"} else 0


def _links_of(address: Any) -> Iterator[str]:
    """An attachment's address, and where it leads when it is one of Facebook's own (l.php)."""
    if isinstance(address, str) and address:
        yield address
        yield from parse_qs(urlsplit(address).query).get("u", [])


def _next_cursor(paging: Json) -> str:
    """What leads to the next page, as a query string; "" on the last one, which is the one without a link ("next"). Only
    the cursors are taken out of the link, never the address: it holds the token, and may lead anywhere."""
    following = paging.get("next")
    if not following:
        return ""
    asked = dict(parse_qsl(urlsplit(str(following)).query))
    return urlencode([(name, asked[name]) for name in ("after", "until", "__paging_token") if name in asked])


def _moment(seconds: Any) -> datetime | None:
    """Epoch seconds as a moment; None for 0, and for what is no time of this millennium."""
    return datetime.fromtimestamp(seconds, UTC) if type(seconds) is int and 0 < seconds < 32_503_680_000 else None


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else int(value) if isinstance(value, str) and value.isdigit() else 0
