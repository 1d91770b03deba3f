"""Mastodon and servers that speak its API: publishing, replies and metrics.
API: https://docs.joinmastodon.org/methods/ (4.6); tolerant of GoToSocial, Pleroma, Pixelfed and others.

Every post is sent with an Idempotency-Key, but some servers ignore it: a lost answer is settled by reading back first.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlencode, urlsplit

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from requests.utils import parse_header_links

from connections.clean import COUNT_MOST, ID_MOST, clean_address, clean_id
from connections.errors import (
    SCOPE_REFUSED,
    ConsentFailed,
    ContentRejected,
    InvalidToken,
    MediaError,
    NotFound,
    PermissionMissing,
    PlatformError,
    TransientError,
)
from connections.guard import check_address, is_exempt, is_local_name
from connections.http import Answer, Patience, PlatformHttp, api_base, auth_base, path_part
from connections.platforms.base import (
    Account,
    AppCredentials,
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
from connections.platforms.checks import common_problems, is_web_address, option_problem
from connections.platforms.read_back import Page, id_of, moment_of, posts_of, read_list
from connections.platforms.steps import (
    append_link,
    must_be_known,
    published_of,
    step_of,
    twice_on_media_error,
    wait_until_ready,
)
from connections.platforms.text import (
    Link,
    count_graphemes,
    count_mastodon,
    html_to_text,
    mastodon_links,
    shorten_mentions,
)
from connections.times import parse_time

VISIBILITIES = frozenset({"public", "unlisted", "private", "direct"})
READ_BACK_PAGES = 50
APP_OPERATIONS = {"register_app", "app_token", "exchange_code", "revoke"}
CLIENT_NAME = "Parley"


@register
class Mastodon(Platform):
    name = "MASTODON"
    label = "Mastodon"
    icon = "brand-mastodon"
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
        Can.CHOOSE_ACCOUNTS: "A Mastodon sign-in opens exactly one account.",
        Can.PUBLISH_STORY: "Mastodon has no stories.",
        Can.LEAD_ADS: "Mastodon has no advertising.",
        Can.WEBHOOKS: "Mastodon sends webhooks to the server's administrators only.",
    }
    limits = Limits(  # mastodon.social's; every server states its own, read when an account is connected
        characters=500,
        images=4,
        image_bytes=16_777_216,
        image_formats=frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"}),
        animated_formats=frozenset({"image/gif"}),  # it becomes a video that loops; PNG and WebP keep one frame
        image_pixels=33_177_600,
        gif_pixels=921_600,  # 1280 x 720, moving or not: server code, GIF_MATRIX_LIMIT; no server states it
        alt_text_characters=1500,
        characters_per_link=23,
    )
    token_policy = TokenPolicy.PERMANENT
    shares_tokens = True  # a second consent gives the first one's token: server code, Doorkeeper's reuse_access_token
    needs_server = True
    scopes = ("read:accounts", "read:statuses", "write:statuses", "write:media")
    scopes_for: ClassVar[dict[Can, tuple[str, ...]]] = {
        Can.PUBLISH_TEXT: ("write:statuses",),
        Can.PUBLISH_LINK: ("write:statuses",),
        Can.PUBLISH_IMAGE: ("write:statuses", "write:media"),
        Can.PUBLISH_IMAGES: ("write:statuses", "write:media"),
        Can.FIRST_COMMENT: ("write:statuses",),
        Can.DELETE: ("write:statuses",),
        Can.METRICS: ("read:statuses",),
    }
    broad_scopes = ("read", "write")
    absence_proof_after = timedelta(seconds=15)
    metrics_batch = 20
    # Of a stock server; others may differ, and say so in their answers.
    budgets = (Budget("posts", 300, timedelta(hours=3)), Budget("requests", 300, timedelta(minutes=5)))

    http: PlatformHttp

    def make_http(self) -> PlatformHttp:
        return _http_to(self.server_url, self.access_token, self)

    # --- text ---------------------------------------------------------------------------------------------------------

    @classmethod
    def count(cls, text: str, limits: Limits | None = None) -> int:
        return count_mastodon(text, per_link=(limits or cls.limits).characters_per_link or 23)

    @classmethod
    def links(cls, text: str) -> list[Link]:
        return mastodon_links(text)

    @classmethod
    def compose_text(cls, draft: Draft) -> str:
        return append_link(draft.text, draft.link_url)

    @classmethod
    def problems(cls, draft: Draft, limits: Limits | None = None) -> list[Problem]:
        limits = limits or cls.limits
        return [*common_problems(cls, draft, limits), *cls._own_problems(draft, limits)]

    @classmethod
    def _own_problems(cls, draft: Draft, limits: Limits) -> Iterator[Problem]:
        warning = str(draft.options.get("spoiler_text") or "")
        if warning:
            text = cls.count(cls.compose_text(draft), limits)
            over = text + count_graphemes(warning) - limits.characters
            if text <= limits.characters and over > 0:
                message = _("Text and content warning together are %(over)d over the limit of %(most)d characters.")
                yield Problem("too_long", message % {"over": over, "most": limits.characters}, "options.spoiler_text")
        if draft.media and cls.links(cls.compose_text(draft)):
            message = _("The link has no preview because the post has images.")
            yield Problem("link_without_preview", message, "link_url", blocking=False)
        yield from option_problem(draft, "visibility", VISIBILITIES)

    @classmethod
    def missing_permissions(cls, granted: Any) -> dict[Can, tuple[str, ...]]:
        """A broad scope holds what lies below it: "write" covers "write:statuses"."""
        have = set(granted)
        covered = {scope for scope in {*cls.scopes, *sum(cls.scopes_for.values(), ())} if scope.split(":")[0] in have}
        return super().missing_permissions(have | covered)

    # --- connecting ---------------------------------------------------------------------------------------------------

    @classmethod
    def normalize_server(cls, typed: str) -> str:
        """The server's address from "example.social", "@me@example.social" or a pasted profile address. A path is kept
        and plain http allowed only for hosts that the operator exempted (``OUTBOUND_ALLOW``)."""
        text = typed.strip()
        if "://" not in text:
            text = "https://" + text.rpartition("@")[2]
        try:
            parts = urlsplit(text)
            host, port = parts.hostname or "", parts.port
            host = host if ":" in host else host.encode("idna").decode("ascii")
        except (ValueError, UnicodeError):
            host, port = "", None
        shown = f"[{host}]" if ":" in host else host
        netloc = f"{shown}:{port}" if port else shown
        exempt = bool(host) and (is_exempt(f"https://{netloc}") or is_exempt(f"http://{netloc}"))
        if not host or (not exempt and ("." not in host and ":" not in host)) or any(sign.isspace() for sign in text):
            raise ConsentFailed(_("Enter your server's address, such as mastodon.social."))
        scheme = "https"
        if exempt and (typed.strip().startswith("http://") or ("://" not in typed and is_local_name(host))):
            scheme = "http"
        path = parts.path.rstrip("/") if exempt and not parts.path.startswith("/@") else ""
        return f"{scheme}://{netloc}{path}"

    @classmethod
    def register_app(cls, server_url: str, *, redirect_uri: str, scopes: tuple[str, ...] = ()) -> AppCredentials:
        """Source: https://docs.joinmastodon.org/methods/apps/#create. Raises UnsafeAddress and PlatformError."""
        if not settings.PLATFORM_API_URLS.get(cls.name):
            check_address(server_url)
        platform = cls(app=AppCredentials("", "", server_url), server_url=server_url)
        form = {
            "client_name": CLIENT_NAME,
            "redirect_uris": redirect_uri,
            "scopes": " ".join(scopes or cls.scopes),
            "website": settings.APP_URL,
        }
        host = urlsplit(server_url).hostname or server_url
        no_server = NotFound(_("%(host)s does not look like a Mastodon server.") % {"host": host})
        try:
            answer = platform.http.post(
                "/api/v1/apps", operation="register_app", patience=Patience.AGAIN, form=form, signed=False
            ).object
        except NotFound:
            raise no_server from None
        if not answer.get("client_id") or not answer.get("client_secret"):
            raise no_server
        if len(str(answer["client_id"])) > ID_MOST:
            raise no_server
        app = AppCredentials(str(answer["client_id"]), str(answer["client_secret"]), server_url, scopes)
        # Servers before 4.3 delete registrations that never had a token.
        try:
            cls(app=app, server_url=server_url)._app_token()
        except PlatformError:
            pass
        return app

    @property
    def _asked_scopes(self) -> tuple[str, ...]:
        return self.app.scopes or self.scopes

    def _app_token(self) -> str:
        """A token of the app itself; only a right id and secret get one."""
        form = {"grant_type": "client_credentials", "scope": " ".join(self._asked_scopes)}
        token = self._post_as_app("/oauth/token", form, operation="app_token").get("access_token")
        if not isinstance(token, str) or not token:
            raise self.http.unreadable(Patience.AGAIN)
        return token

    def _post_as_app(self, path: str, form: Json, *, operation: str, patience: Patience = Patience.AGAIN) -> Json:
        credentials = {"client_id": self.app.client_id, "client_secret": self.app.client_secret}
        answer = self.http.post(
            path, operation=operation, patience=patience, form={**credentials, **form}, signed=False,
            allow_empty=operation == "revoke",
        )  # fmt: skip
        return answer.object

    def authorize_url(self, *, redirect_uri: str, state: str, challenge: str, again: bool = False) -> str:
        query = {
            "response_type": "code",
            "client_id": self.app.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(self._asked_scopes),
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        if again:
            query["force_login"] = "true"
        return f"{auth_base(self.name, self.server_url)}/oauth/authorize?{urlencode(query)}"

    def exchange_code(self, code: str, *, redirect_uri: str, verifier: str) -> TokenGrant:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
            "scope": " ".join(self._asked_scopes),
        }
        body = self._post_as_app("/oauth/token", form, operation="exchange_code", patience=Patience.ONCE)
        token = body.get("access_token")
        if not isinstance(token, str) or not token:
            raise self.http.unreadable(Patience.ONCE)
        granted = str(body.get("scope") or "").split()
        return TokenGrant(access_token=token, permissions=tuple(granted or self._asked_scopes))

    def accounts(self, grant: TokenGrant) -> Sequence[Account]:
        """The one account, with the limits that its server states."""
        instance = self._read_instance()
        account = self._me(self.http.with_token(grant.access_token), domain=_domain_of(instance))
        return [replace(account, grant=grant, limits=limits_of(instance))]

    def refresh(self, refresh_token: str) -> TokenGrant:
        """Mastodon's tokens have no end; one that the server still knows comes back as it is."""
        self._me(self.http.with_token(refresh_token), domain="")
        return TokenGrant(access_token=refresh_token)

    def revoke(self, token: str) -> None:
        try:
            self._post_as_app("/oauth/revoke", {"token": token}, operation="revoke")
        except InvalidToken:
            pass  # dead already

    def validate(self) -> Validation:
        try:
            account = self._me(self.http, domain="")
        except InvalidToken as error:
            return Validation(is_valid=False, reason=str(error))
        return Validation(is_valid=True, account_id=account.id)

    def profile(self) -> Account:
        instance = self._read_instance()
        return replace(self._me(self.http, domain=_domain_of(instance)), limits=limits_of(instance))

    def _me(self, http: PlatformHttp, *, domain: str) -> Account:
        row = http.get("/api/v1/accounts/verify_credentials", operation="verify_credentials").object
        if not clean_id(row.get("id")):
            raise http.unreadable(Patience.READ)
        name = str(row.get("username") or row.get("acct") or "")
        host = domain or urlsplit(self.server_url).hostname or ""
        return Account(
            id=str(row["id"]),
            name=str(row.get("display_name") or name),
            handle=f"{name}@{host}",
            avatar_url=str(row.get("avatar_static") or row.get("avatar") or ""),
            url=_web_address(row.get("url")),
            followers=row.get("followers_count"),
        )

    def _read_instance(self) -> Json:
        """The instance document, v2 or else v1; empty when the server gives neither: its limits are then unknown and
        ours stand."""
        for path in ("/api/v2/instance", "/api/v1/instance"):
            try:
                found = self.http.get(path, operation="instance", signed=False).object
            except PlatformError:
                continue
            if found:
                return found
        return {}

    def test_app(self) -> None:
        self._app_token()

    # --- publishing ---------------------------------------------------------------------------------------------------

    def publish(self, draft: Draft, journal: Journal) -> Published:
        """Source: https://docs.joinmastodon.org/methods/statuses/#create"""
        media_ids = [
            str(journal.again(f"media:{number}", lambda media=media: self._upload(media))["id"])  # type: ignore[misc]
            for number, media in enumerate(draft.media)
        ]
        body: Json = {"status": self.compose_text(draft), **self._options(draft)}
        if media_ids:
            body["media_ids"] = media_ids
        key = draft.key
        published = published_of(journal.once("post", lambda: self._create(body, key=key, operation="create_post")))
        if draft.first_comment:
            must_be_known(published)
            reply: Json = {"status": draft.first_comment, "in_reply_to_id": published.id}
            if visibility := body.get("visibility"):
                reply["visibility"] = visibility
            comment_key = f"{key}-comment" if key else ""
            journal.once("comment", lambda: self._create(reply, key=comment_key, operation="create_comment"))
        return published

    def _options(self, draft: Draft) -> Json:
        wanted: Json = {}
        for name in ("visibility", "spoiler_text", "language"):
            if draft.options.get(name):
                wanted[name] = str(draft.options[name])
        if draft.options.get("sensitive"):
            wanted["sensitive"] = True
        return wanted

    def _create(self, body: Json, *, key: str, operation: str) -> Json:
        headers = {"Idempotency-Key": key} if key else {}
        status = self.http.post(
            "/api/v1/statuses", operation=operation, patience=Patience.ONCE, json=body, headers=headers
        ).object
        if not status.get("id"):
            raise self.http.unreadable(Patience.ONCE)
        return step_of(status["id"], self._permalink(status), parse_time(status.get("created_at")) or timezone.now())

    def _permalink(self, status: Json) -> str:
        status_id = clean_id(status.get("id"))
        own = f"{self.server_url}/web/statuses/{path_part(status_id)}" if status_id else ""
        told = (_web_address(status.get("url")), _web_address(status.get("uri")), own)
        return next(filter(None, map(clean_address, told)), "")

    def _upload(self, media: DraftMedia) -> Json:
        """One picture, processed: attaching earlier is refused. Source: .../methods/media/#v2"""
        form = {"description": media.alt_text} if media.alt_text else {}
        files = {"file": ("picture", media.open, media.content_type)}
        answers: list[Answer] = []

        def send() -> Json:
            answers.append(
                self.http.post("/api/v2/media", operation="upload", patience=Patience.AGAIN, form=form, files=files)
            )
            return answers[-1].object

        uploaded = twice_on_media_error(send)
        if not clean_id(uploaded.get("id")):
            raise self.http.unreadable(Patience.AGAIN)
        media_id = str(uploaded["id"])
        if answers[-1].status == 202:
            wait_until_ready(lambda: self._is_ready(media_id), platform=self.label)
        return {"id": media_id}

    def _is_ready(self, media_id: str) -> bool:
        return self.http.get(f"/api/v1/media/{path_part(media_id)}", operation="media_status").status != 206

    def own_posts(self, *, since: datetime) -> OwnPosts:
        """Newest first, paged by the server's links. Some servers give none, and some fewer posts a page than asked for:
        where no link leads on and nothing older was seen, the end is a page without posts."""
        path = f"/api/v1/accounts/{path_part(self.account_id)}/statuses"
        params = {"limit": "40", "exclude_reblogs": "true"}

        def read_page(cursor: str) -> Page:
            answer = self.http.get(path, operation="read_back", params=params | ({"max_id": cursor} if cursor else {}))
            if not isinstance(answer.body, list):
                raise self.http.unreadable(Patience.READ)
            posts, doubt = posts_of(answer.body, self._own_post)
            following = _next_max_id(answer.headers.get("link", ""))
            return Page(posts, following or (posts[-1].id if posts else ""), doubt)

        return read_list(read_page, since=since, most_pages=READ_BACK_PAGES, newest_first=True)

    def _own_post(self, status: Json) -> OwnPost:
        return OwnPost(
            id_of(status["id"]),
            self._permalink(status),
            moment_of(status["created_at"]),
            html_to_text(str(status.get("content") or "")),
            pictures=len(status.get("media_attachments") or []),
        )

    @classmethod
    def copy_of(cls, draft: Draft) -> Copy:
        return Copy(text=shorten_mentions(cls.compose_text(draft)), pictures=len(draft.media))

    def delete(self, post_id: str) -> None:
        try:
            self.http.delete(f"/api/v1/statuses/{path_part(post_id)}", operation="delete_post")
        except NotFound:
            pass

    # --- metrics ------------------------------------------------------------------------------------------------------

    def metrics(self, post_ids: Sequence[str]) -> dict[str, Metrics]:
        """Several in one call where the server knows that (4.3), else one by one. Mastodon counts no views."""
        rows: dict[str, Json] = {}
        if len(post_ids) > 1:
            try:
                params = [("id[]", post_id) for post_id in post_ids]
                answer = self.http.get("/api/v1/statuses", operation="metrics", params=params)
                rows = {str(row.get("id")): row for row in answer.items}
            except (NotFound, ContentRejected, PermissionMissing):
                rows = {}
        found: dict[str, Metrics] = {}
        for post_id in post_ids:
            try:
                row = (
                    rows.get(post_id)
                    or self.http.get(f"/api/v1/statuses/{path_part(post_id)}", operation="metrics_one").object
                )
            except NotFound:
                found[post_id] = Metrics(gone=True)
            else:
                found[post_id] = _metrics_of(row)
        return found

    # --- refusals -----------------------------------------------------------------------------------------------------

    def explain(self, status: int, body: Any, operation: str) -> PlatformError | None:
        """By status class first: servers word their refusals differently, and proxies answer HTML."""
        code, said = _words_of(body)
        host = urlsplit(self.server_url).hostname or self.label
        facts: dict[str, Any] = {"detail": f"HTTP {status}", "platform_code": code[:60]}
        if code in {"invalid_client", "unauthorized_client"}:
            # Speaks of the registration, not of the account.
            return PermissionMissing(_("%(host)s no longer recognizes this Parley.") % {"host": host}, **facts)
        if _speaks_of_scopes(said):
            facts["platform_code"] = SCOPE_REFUSED
        if code == "invalid_scope" or (operation == "register_app" and facts["platform_code"] == SCOPE_REFUSED):
            return PermissionMissing(
                _("%(host)s does not know a permission that Parley asks for.") % {"host": host}, **facts
            )
        if status == 400 and code == "invalid_grant":
            return InvalidToken(_("The sign-in has expired or has already been used. Try again."), **facts)
        if status == 401:
            words = said or _("the access is not valid")
            return InvalidToken(
                _("%(host)s no longer accepts the sign-in: %(said)s") % {"host": host, "said": words}, **facts
            )
        if status == 400 and not said:
            return self._explain_bare_400(operation, host)
        if status == 403 and said:
            return PermissionMissing(
                _("%(host)s does not allow this: %(said)s") % {"host": host, "said": said}, **facts
            )
        if status == 422:
            return _explain_422(said or _("it gave no reason"), host, facts)
        if status == 500 and "thumbnail" in said.lower():
            return MediaError(_("%(host)s could not process the image.") % {"host": host}, **facts)
        if 400 <= status < 500 and status not in {403, 404, 408, 409, 410, 413, 415, 425, 429} and said:
            return ContentRejected(_("%(host)s refused: %(said)s") % {"host": host, "said": said}, **facts)
        return None

    def _explain_bare_400(self, operation: str, host: str) -> PlatformError | None:
        """Some servers answer a dead token with 400 and a page of HTML: only the server itself can tell."""
        refused = InvalidToken(_("%(host)s no longer accepts the sign-in.") % {"host": host}, detail="HTTP 400")
        if operation == "verify_credentials":
            return refused
        if operation in APP_OPERATIONS or not self.http.token:
            return None
        try:
            self._me(self.http, domain="")
        except InvalidToken:
            return refused
        except PlatformError:
            return TransientError(_("%(host)s answered in an unexpected way.") % {"host": host}, detail="HTTP 400")
        return None


def _speaks_of_scopes(said: str) -> bool:
    """Whether a refusal is about scopes: "This action is outside the authorized scopes" (Mastodon), "Scopes doesn't match
    configured on the server" (its registrations), "out_of_scope_for_token" (Takahe), "insufficient scope" (GoToSocial),
    "Insufficient permissions: read:accounts." (Pleroma)."""
    lower = said.lower()
    return "scope" in lower or "insufficient permissions" in lower


def _web_address(told: Any) -> str:
    """An address that a server told, "" unless a browser may be sent there: anybody runs a server, and pages link to it."""
    return told if isinstance(told, str) and is_web_address(told) else ""


def _http_to(server_url: str, token: str, platform: Mastodon) -> PlatformHttp:
    """Calls go to the operator's replacement when there is one, else to the server, guarded: a person gave it."""
    is_replaced = bool(settings.PLATFORM_API_URLS.get(platform.name))
    return PlatformHttp(
        platform.name, urlsplit(server_url).hostname or platform.label, api_base(platform.name, server_url), token,
        guarded=not is_replaced, explain=platform.explain,
    )  # fmt: skip


def _explain_422(said: str, host: str, facts: dict[str, Any]) -> PlatformError:
    lower = said.lower()
    message = _("%(host)s refused: %(said)s") % {"host": host, "said": said}
    if "not finished processing" in lower:
        return TransientError(_("%(host)s is still processing an image.") % {"host": host}, **facts)
    if any(word in lower for word in ("file", "media", "attach", "image", "description is too long")):
        return MediaError(message, **facts)
    return ContentRejected(message, **facts)


def _words_of(body: Any) -> tuple[str, str]:
    """The error's code and its words; ``error`` may be a string or an object."""
    if not isinstance(body, dict):
        return "", ""
    error = body.get("error")
    if isinstance(error, dict):
        return str(error.get("code") or ""), str(error.get("message") or error.get("description") or "")[:300]
    code = error if isinstance(error, str) else ""
    return code, str(body.get("error_description") or code)[:300]


def limits_of(instance: Json) -> Json:
    """What a server states about itself, under the names of our ``Limits``; only what is plausible.
    Source: https://docs.joinmastodon.org/entities/Instance/"""
    configuration = _object(instance.get("configuration"))
    statuses, media = _object(configuration.get("statuses")), _object(configuration.get("media_attachments"))
    stated = {
        "characters": statuses.get("max_characters") or instance.get("max_toot_chars"),
        "images": statuses.get("max_media_attachments"),
        "characters_per_link": statuses.get("characters_reserved_per_url"),
        "alt_text_characters": media.get("description_limit"),
        "image_bytes": media.get("image_size_limit"),
        "image_pixels": media.get("image_matrix_limit"),
    }
    limits: Json = {name: value for name, value in stated.items() if type(value) is int and 0 < value <= COUNT_MOST}
    kinds = media.get("supported_mime_types")
    pictures = (
        sorted(kind for kind in map(clean_id, kinds) if kind.startswith("image/")) if isinstance(kinds, list) else []
    )
    if pictures:
        limits["image_formats"] = pictures
    return limits


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _domain_of(instance: Json) -> str:
    domain = instance.get("domain") or instance.get("uri") or ""
    return str(urlsplit(str(domain)).hostname or "" if "://" in str(domain) else domain)


def _metrics_of(status: Json) -> Metrics:
    def count(name: str) -> int | None:
        value = status.get(name)
        return value if isinstance(value, int) else None

    shares = [value for value in (count("reblogs_count"), count("quotes_count")) if value is not None]
    return Metrics(
        likes=count("favourites_count"), comments=count("replies_count"), shares=sum(shares) if shares else None
    )


def _next_max_id(link: str) -> str:
    """``max_id`` of a Link header's rel="next"; only the id is taken, never the address."""
    for entry in parse_header_links(link) if link else []:
        if entry.get("rel") == "next":
            return parse_qs(urlsplit(entry.get("url", "")).query).get("max_id", [""])[0]
    return ""
