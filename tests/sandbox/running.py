"""The sandbox over real HTTP, as its clients and as the product meet it."""

from typing import Any

import requests

from accounts.models import Organization
from connections.models import SocialConnection
from sandbox.seed import seed_demo
from tests import factories

PLATFORMS = ["TWITTER", "FACEBOOK", "MASTODON"]


class Server:
    """The sandbox over real HTTP, with a token for each platform's Riverside account."""

    def __init__(self, url: str) -> None:
        seed_demo()
        self.url = f"{url}/sandbox"
        self.tokens = {
            "TWITTER": self.grant("TWITTER", "riversidegc")["access_token"],
            "MASTODON": self.grant("MASTODON", "riverside")["access_token"],
            "FACEBOOK": self.grant("FACEBOOK", "Marta Nunes")["pages"][0]["access_token"],
        }

    def grant(self, platform: str, account: str) -> Any:
        order = {"platform": platform, "account": account}
        return requests.post(f"{self.url}/api/grants", json=order, timeout=10).json()

    def order(self, fault: str, platform: str = "*", operation: str = "publish", **more: Any) -> None:
        body = {"platform": platform, "operation": operation, "fault": fault, **more}
        answer = requests.post(f"{self.url}/api/faults", json=body, timeout=10)
        assert answer.status_code == 201, answer.text

    def publish(self, platform: str, text: str) -> requests.Response:
        path, field = {
            "TWITTER": ("twitter/2/tweets", "text"),
            "FACEBOOK": ("facebook/v26.0/104000000000011/feed", "message"),
            "MASTODON": ("mastodon/api/v1/statuses", "status"),
        }[platform]
        bearer = {"Authorization": f"Bearer {self.tokens[platform]}"}
        return requests.post(f"{self.url}/{path}", json={field: text}, headers=bearer, timeout=10)

    def taken(self, platform: str) -> list[str]:
        posts = requests.get(f"{self.url}/api/posts", {"platform": platform}, timeout=10).json()["results"]
        return [post["text"] for post in posts]

    def read(self, platform: str, path: str, query: dict[str, str] | None = None) -> requests.Response:
        bearer = {"Authorization": f"Bearer {self.tokens[platform]}"}
        return requests.get(f"{self.url}/{path}", query, headers=bearer, timeout=10)

    def listed(self, platform: str) -> list[str]:
        """The texts on the account's own list, newest first (its first page), as its platform gives them."""
        path, field = {
            "TWITTER": ("twitter/2/users/2244994945/tweets", "text"),
            "FACEBOOK": ("facebook/v26.0/104000000000011/published_posts", "message"),
            "MASTODON": ("mastodon/api/v1/accounts/109348220000000001/statuses", "content"),
        }[platform]
        body = self.read(platform, path).json()
        rows = body if platform == "MASTODON" else body.get("data", [])
        return [row[field].removeprefix("<p>").removesuffix("</p>") for row in rows]

    def finds(self, platform: str, native_id: str) -> bool:
        """Whether the platform gives the post when asked by its id."""
        path = {"TWITTER": "twitter/2/tweets", "FACEBOOK": "facebook/v26.0", "MASTODON": "mastodon/api/v1/statuses"}
        answer = self.read(platform, f"{path[platform]}/{native_id}")
        return answer.ok and "errors" not in answer.json()

    def calls(self, operation: str = "publish") -> list[tuple[int, str]]:
        """Status (0: cut) and fault of each call that was answered, oldest first."""
        rows = requests.get(f"{self.url}/api/calls", {"operation": operation}, timeout=10).json()["results"]
        return [(row["status"], row["fault"]) for row in rows]


def connect(server: Server, club: Organization, platform: str, settings: Any, *, at: str = "") -> SocialConnection:
    """A connection of the product to the platform's Riverside account; ``at`` is another address of the sandbox."""
    base = f"{at}/sandbox" if at else server.url
    settings.PLATFORM_API_URLS = {name: f"{base}/{name.lower()}" for name in ("TWITTER", "FACEBOOK")}
    settings.OUTBOUND_ALLOW = [base.removeprefix("http://").partition("/")[0]]
    name = {"TWITTER": "riversidegc", "FACEBOOK": "Marta Nunes", "MASTODON": "riverside"}[platform]
    given = server.grant(platform, name)
    account = given["pages"][0] if platform == "FACEBOOK" else given
    more = {"server_url": f"{base}/mastodon"} if platform == "MASTODON" else {}
    return factories.make_connection(
        club, platform, access=account["access_token"], refresh=given["refresh_token"] or "",
        expires_in_s=given["expires_in"] if platform == "TWITTER" else None, account_name="Riverside Golf Club",
        platform_account_id=account["id"] if platform == "FACEBOOK" else given["account"]["id"], **more,
    )  # fmt: skip
