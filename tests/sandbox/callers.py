"""Applications that talk to the sandbox: the OAuth steps of each platform, and calls with the token they gave."""

import base64
import hashlib
import io
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from django.test import Client
from PIL import Image

VERIFIER = "verifier-" + "v" * 40
X_CALLBACK = "http://127.0.0.1:8000/api/social/twitter/callback"
FACEBOOK_CALLBACK = "http://127.0.0.1:8000/api/social/facebook/callback"
MASTODON_CALLBACK = "http://127.0.0.1:8000/api/social/mastodon/callback"
X_CLIENT, X_SECRET = "sandbox-x-client", "sandbox-x-secret"
FACEBOOK_APP, FACEBOOK_SECRET = "100000000000001", "sandbox-facebook-secret"
RIVERSIDE_X, MARTA, RIVERSIDE_MASTODON = "2244994945", "10220000000000001", "109348220000000001"
RIVERSIDE_PAGE, ACADEMY_PAGE, FRIENDS_PAGE = "104000000000011", "104000000000012", "104000000000013"
X_SCOPES = "tweet.read tweet.write users.read media.write offline.access"
FACEBOOK_SCOPES = [
    "pages_show_list",
    "pages_manage_posts",
    "pages_read_engagement",
    "pages_read_user_content",
    "pages_manage_engagement",
    "read_insights",
]


def challenge_of(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def picture(kind: str = "PNG", size: tuple[int, int] = (64, 48), colour: str = "green") -> io.BytesIO:
    """A picture file as a form sends it."""
    content = io.BytesIO()
    Image.new("RGB", size, colour).save(content, kind)
    content.seek(0)
    content.name = f"picture.{kind.lower()}"
    return content


def query_of(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


@dataclass
class Caller:
    """An application with a token: calls below ``base`` as a Bearer."""

    client: Client
    base: str
    token: str
    extra: dict[str, Any] = field(default_factory=dict)

    def _headers(self, headers: dict[str, str] | None) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", **(headers or {})}

    def get(self, path: str, query: dict[str, Any] | None = None) -> Any:
        return self.client.get(self.base + path, query or {}, headers=self._headers(None))

    def json(self, path: str, body: Any, headers: dict[str, str] | None = None) -> Any:
        return self.client.post(self.base + path, body, content_type="application/json", headers=self._headers(headers))

    def form(self, path: str, fields: dict[str, Any]) -> Any:
        return self.client.post(self.base + path, fields, headers=self._headers(None))

    def delete(self, path: str) -> Any:
        return self.client.delete(self.base + path, headers=self._headers(None))


# --- X


def x_request(**changes: Any) -> str:
    """The address of X's consent page; None leaves a parameter out."""
    query = {
        "response_type": "code",
        "client_id": X_CLIENT,
        "redirect_uri": X_CALLBACK,
        "scope": X_SCOPES,
        "state": "s-t_a.te",
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
    } | changes
    kept = {name: value for name, value in query.items() if value is not None}
    return "/sandbox/twitter/i/oauth2/authorize?" + urlencode(kept)


def approve(client: Client, address: str, **fields: Any) -> dict[str, str]:
    """Press the button of a consent page; what came back to the application."""
    answer = client.post(address, {"decision": "approve", **fields})
    assert answer.status_code == 302, answer.content
    return query_of(answer.headers["Location"])


def x_token(client: Client, form: dict[str, str], *, basic: str | None = f"{X_CLIENT}:{X_SECRET}") -> Any:
    headers = {"Authorization": "Basic " + base64.b64encode(basic.encode()).decode()} if basic else {}
    return client.post(
        "/sandbox/twitter/2/oauth2/token",
        urlencode(form),
        content_type="application/x-www-form-urlencoded",
        headers=headers,
    )


def x_code_form(code: str, **changes: str) -> dict[str, str]:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": X_CALLBACK, "code_verifier": VERIFIER}
    return form | changes


def connect_x(client: Client, account: str = RIVERSIDE_X, **changes: Any) -> Caller:
    code = approve(client, x_request(**changes), account=account)["code"]
    answer = x_token(client, x_code_form(code)).json()
    return Caller(client, "/sandbox/twitter", answer["access_token"], answer)


# --- Facebook


def facebook_request(**changes: Any) -> str:
    query = {
        "client_id": FACEBOOK_APP,
        "redirect_uri": FACEBOOK_CALLBACK,
        "state": "st",
        "response_type": "code",
        "scope": ",".join(FACEBOOK_SCOPES),
    } | changes
    return "/sandbox/facebook/v26.0/dialog/oauth?" + urlencode(query)


def facebook_token(client: Client, **query: str) -> Any:
    secrets = {"client_id": FACEBOOK_APP, "client_secret": FACEBOOK_SECRET}
    return client.get("/sandbox/facebook/v26.0/oauth/access_token", secrets | query)


def connect_person(
    client: Client, pages: list[str] | None = None, permissions: list[str] | None = None, *, long: bool = True
) -> Caller:
    """A person's token, long-lived unless told otherwise."""
    code = approve(
        client,
        facebook_request(),
        account=MARTA,
        page=[RIVERSIDE_PAGE] if pages is None else pages,
        permission=FACEBOOK_SCOPES if permissions is None else permissions,
    )["code"]
    token = facebook_token(client, code=code, redirect_uri=FACEBOOK_CALLBACK).json()["access_token"]
    if long:
        token = facebook_token(client, grant_type="fb_exchange_token", fb_exchange_token=token).json()["access_token"]
    return Caller(client, "/sandbox/facebook/v26.0", token)


def connect_facebook(
    client: Client, page: str = RIVERSIDE_PAGE, permissions: list[str] | None = None, *, long: bool = True
) -> Caller:
    """A Page's token."""
    person = connect_person(client, [page], permissions, long=long)
    token = person.get("/me/accounts").json()["data"][0]["access_token"]
    return Caller(client, "/sandbox/facebook/v26.0", token, {"person": person})


# --- Mastodon


def register(client: Client, **changes: Any) -> Any:
    form = {"client_name": "Parley", "redirect_uris": MASTODON_CALLBACK, "scopes": "read write push"} | changes
    return client.post("/sandbox/mastodon/api/v1/apps", form)


def mastodon_request(app: dict[str, Any], **changes: Any) -> str:
    query = {
        "response_type": "code",
        "client_id": app["client_id"],
        "redirect_uri": MASTODON_CALLBACK,
        "scope": "read write",
        "state": "st",
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
    } | changes
    kept = {name: value for name, value in query.items() if value is not None}
    return "/sandbox/mastodon/oauth/authorize?" + urlencode(kept)


def mastodon_token(client: Client, app: dict[str, Any], **form: str) -> Any:
    secrets = {"client_id": app["client_id"], "client_secret": app["client_secret"]}
    return client.post("/sandbox/mastodon/oauth/token", secrets | form)


def connect_mastodon(client: Client, account: str = RIVERSIDE_MASTODON, scope: str = "read write") -> Caller:
    app = register(client).json()
    code = approve(client, mastodon_request(app, scope=scope), account=account)["code"]
    answer = mastodon_token(
        client,
        app,
        grant_type="authorization_code",
        code=code,
        redirect_uri=MASTODON_CALLBACK,
        code_verifier=VERIFIER,
    ).json()
    return Caller(client, "/sandbox/mastodon", answer["access_token"], {"app": app, **answer})


def status_of(page: str) -> str:
    """The text of a page without its markup, for looking for a sentence."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
