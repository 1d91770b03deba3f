"""The benches' own rows, made in the environment of the product or of the sandbox. Called by tools/bench.py.

bench_rows.py sandbox  <accounts> <platforms>      in the sandbox's database: accounts with tokens, in turns; prints JSON
bench_rows.py product  <posts> <file of accounts>  in the product's: connections and DRAFT posts, one text each
bench_rows.py schedule <epoch seconds>             makes all of them due at one second
"""

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


def fill_sandbox(count: int, platforms: list[str]) -> list[dict[str, Any]]:
    """Accounts with what a connection of the product needs to know of each."""
    from sandbox.seed import make_clients

    make_clients()
    return [make_account(platforms[number % len(platforms)], number) for number in range(count)]


def make_account(platform: str, number: int) -> dict[str, Any]:
    from sandbox.models import Account
    from sandbox.orders import grant_access

    name = f"bench{number}"
    person = Account.objects.create(
        platform=platform, native_id=str(900_000 + number), username=name, name=f"Bench {number}",
        kind=Account.Kind.PERSON if platform == "FACEBOOK" else Account.Kind.USER,
    )  # fmt: skip
    if platform == "FACEBOOK":
        Account.objects.create(
            platform=platform, native_id=str(800_000 + number), username=f"{name}page", name=f"Bench Page {number}",
            kind=Account.Kind.PAGE, manager=person, tasks=["CREATE_CONTENT", "MODERATE", "ANALYZE"],
        )  # fmt: skip
    granted = grant_access(platform=platform, account=name)
    shown = granted["pages"][0] if platform == "FACEBOOK" else granted | granted["account"]
    return {"platform": platform, "scopes": granted["scopes"]} | {
        key: shown[key] for key in ("id", "username", "name", "access_token")
    }


def fill_product(posts: int, accounts: list[dict[str, Any]]) -> None:
    from accounts.crypto import seal_into
    from accounts.models import Organization
    from connections.models import ConnectionToken, PlatformApp, SocialConnection, TokenKind
    from publishing.models import PostStatus, SocialPost

    server = os.environ["MASTODON_API_URL"]
    organizations = [Organization.objects.create(name=f"Bench {n}", slug=f"bench-{n}") for n in range(5)]
    app = PlatformApp(platform="MASTODON", server_url=server, client_id="bench")
    seal_into(app, "client_secret", "bench")
    app.save()
    connections = []
    for number, account in enumerate(accounts):
        connection = SocialConnection.objects.create(
            organization=organizations[number % 5], platform=account["platform"],
            server_url=server if account["platform"] == "MASTODON" else "", platform_account_id=account["id"],
            account_name=account["name"], account_handle=account["username"], permissions=account["scopes"],
        )  # fmt: skip
        token = ConnectionToken(connection=connection, kind=TokenKind.ACCESS)
        seal_into(token, "secret", account["access_token"])
        token.save()
        connections.append(connection)
    SocialPost.objects.bulk_create(
        SocialPost(
            organization_id=connections[number % len(connections)].organization_id,
            connection=connections[number % len(connections)], content=f"Bench post {number}", status=PostStatus.DRAFT,
        )
        for number in range(posts)
    )  # fmt: skip


def main() -> None:
    import django

    django.setup()
    from publishing.models import SocialPost

    command, *rest = sys.argv[1:]
    if command == "sandbox":
        print(json.dumps(fill_sandbox(int(rest[0]), rest[1].split(","))))
    elif command == "product":
        fill_product(int(rest[0]), json.loads(Path(rest[1]).read_text()))
    elif command == "schedule":
        due = datetime.fromtimestamp(float(rest[0]), UTC)
        SocialPost.objects.filter(status="DRAFT").update(status="SCHEDULED", scheduled_at=due)


if __name__ == "__main__":
    main()
