"""X, Facebook and a Mastodon server as connecting meets them, over ``responses``: answers as their documentation shows."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import responses
from requests import PreparedRequest

X_TOKEN = "https://api.x.com/2/oauth2/token"
X_ME = "https://api.x.com/2/users/me"
X_REVOKE = "https://api.x.com/2/oauth2/revoke"
GRAPH = "https://graph.facebook.com/v26.0"
MASTODON = "https://mastodon.example"
X_SCOPES = "tweet.read tweet.write users.read media.write offline.access"


def x_gives_tokens(
    http: responses.RequestsMock,
    access: str = "x-access-1",
    refresh: str | None = "x-refresh-1",
    *,
    scope: str = X_SCOPES,
) -> None:
    body: dict[str, Any] = {"token_type": "bearer", "expires_in": 7200, "access_token": access, "scope": scope}
    if refresh is not None:
        body["refresh_token"] = refresh
    http.post(X_TOKEN, json=body)


def x_refuses_the_grant(http: responses.RequestsMock) -> None:
    said = "Value passed for the token was invalid."
    http.post(X_TOKEN, status=400, json={"error": "invalid_request", "error_description": said})


def x_knows(
    http: responses.RequestsMock,
    account_id: str = "2244994945",
    name: str = "Riverside GC",
    handle: str = "riversidegc",
) -> None:
    user = {"id": account_id, "name": name, "username": handle, "public_metrics": {"followers_count": 4210}}
    http.get(X_ME, json={"data": user})


def x_refuses_the_token(http: responses.RequestsMock) -> None:
    http.get(
        X_ME, status=401, json={"title": "Unauthorized", "type": "about:blank", "status": 401, "detail": "Unauthorized"}
    )


def facebook_gives_pages(http: responses.RequestsMock, *pages: dict[str, Any]) -> None:
    """A code for a short token, that for a long one, and the Pages behind it."""
    http.get(
        f"{GRAPH}/oauth/access_token", json={"access_token": "fb-user", "token_type": "bearer", "expires_in": 5183944}
    )
    granted = [
        "pages_show_list", "pages_manage_posts", "pages_read_engagement", "pages_read_user_content",
        "pages_manage_engagement", "read_insights",
    ]  # fmt: skip
    http.get(f"{GRAPH}/me/permissions", json={"data": [{"permission": name, "status": "granted"} for name in granted]})
    inspected = {"is_valid": True, "type": "USER", "expires_at": 0, "scopes": granted, "user_id": "7"}
    http.get(f"{GRAPH}/debug_token", json={"data": inspected})
    http.get(f"{GRAPH}/me/accounts", json={"data": list(pages)})


def page(page_id: str, name: str, *, token: str = "", tasks: tuple[str, ...] = ("CREATE_CONTENT",)) -> dict[str, Any]:
    return {
        "id": page_id, "name": name, "username": name.lower().replace(" ", ""), "tasks": list(tasks),
        "access_token": token or f"page-token-{page_id}", "followers_count": 12, "link": f"https://facebook.com/{page_id}",
    }  # fmt: skip


def sent_form(request: PreparedRequest) -> dict[str, str]:
    """The fields of a form that was sent."""
    body = request.body.decode() if isinstance(request.body, bytes) else str(request.body or "")
    return {name: values[0] for name, values in parse_qs(body).items()}


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def calls_to(http: responses.RequestsMock, url: str) -> int:
    return sum(1 for call in http.calls if str(call.request.url).partition("?")[0] == url)
