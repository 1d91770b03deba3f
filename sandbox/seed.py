"""The sandbox's inhabitants: the accounts of the two clubs of the demonstration, and the applications that may connect."""

from dataclasses import dataclass, field

from django.db import transaction

from sandbox.models import Account, OAuthClient, PlatformName

X, FACEBOOK, MASTODON = PlatformName.TWITTER, PlatformName.FACEBOOK, PlatformName.MASTODON
ALL_TASKS = ["ANALYZE", "ADVERTISE", "MODERATE", "CREATE_CONTENT", "MANAGE", "MESSAGING"]
READ_TASKS = ["ANALYZE"]

TWITTER_CLIENT = ("sandbox-x-client", "sandbox-x-secret")
FACEBOOK_APP = ("100000000000001", "sandbox-facebook-secret")


@dataclass(frozen=True)
class Inhabitant:
    """One account to make; ``manager`` is the native id of the person behind a Page."""

    platform: str
    native_id: str
    name: str
    group: str
    username: str = ""
    kind: str = Account.Kind.USER
    about: str = ""
    category: str = ""
    colour: str = "#2f5d50"
    followers: int = 1000
    manager: str = ""
    tasks: list[str] = field(default_factory=list)


INHABITANTS = [
    Inhabitant(
        X, "2244994945", "Riverside Golf Club", "riverside", "riversidegc", followers=4210,
        about="18 holes along the river. Tee times, events and the odd heron.",
    ),
    Inhabitant(
        X, "2244994946", "Riverside Pro Shop", "riverside", "riverside_proshop", colour="#8a5a2b", followers=930,
        about="Fittings, repairs and what is new in the shop at Riverside Golf Club.",
    ),
    Inhabitant(
        FACEBOOK, "10220000000000001", "Marta Nunes", "riverside", "marta.nunes", Account.Kind.PERSON,
        colour="#5a4a8a", followers=0,
    ),
    Inhabitant(
        FACEBOOK, "104000000000011", "Riverside Golf Club", "riverside", "riversidegolfclub", Account.Kind.PAGE,
        about="18 holes along the river.", category="Golf Course & Country Club", followers=6840,
        manager="10220000000000001", tasks=ALL_TASKS,
    ),
    Inhabitant(
        FACEBOOK, "104000000000012", "Riverside Junior Academy", "riverside", "riversidejunioracademy",
        Account.Kind.PAGE, about="Golf from six to eighteen.", category="Sports School", colour="#1f6f8b",
        followers=1290, manager="10220000000000001", tasks=ALL_TASKS,
    ),
    Inhabitant(
        FACEBOOK, "104000000000013", "Friends of the River Path", "riverside", "friendsoftheriverpath",
        Account.Kind.PAGE, about="Volunteers who look after the path.", category="Community", colour="#6b675f",
        followers=410, manager="10220000000000001", tasks=READ_TASKS,
    ),
    Inhabitant(
        MASTODON, "109348220000000001", "Riverside Golf Club", "riverside", "riverside", followers=860,
        about="18 holes along the river.",
    ),
    Inhabitant(
        X, "2244995001", "Hilltop Tennis Club", "hilltop", "hilltoptennis", colour="#9a3f2b", followers=2150,
        about="Clay, sun and good company.",
    ),
    Inhabitant(
        FACEBOOK, "10220000000000002", "Tom Baker", "hilltop", "tom.baker", Account.Kind.PERSON, colour="#44556b",
        followers=0,
    ),
    Inhabitant(
        FACEBOOK, "104000000000021", "Hilltop Tennis Club", "hilltop", "hilltoptennisclub", Account.Kind.PAGE,
        about="Clay, sun and good company.", category="Tennis Court", colour="#9a3f2b", followers=2980,
        manager="10220000000000002", tasks=ALL_TASKS,
    ),
    Inhabitant(
        MASTODON, "109348220000000002", "Hilltop Tennis Club", "hilltop", "hilltop", colour="#9a3f2b", followers=320,
        about="Clay, sun and good company.",
    ),
]  # fmt: skip


def make_account(one: Inhabitant) -> Account:
    """Create an account, or bring an existing one to what is described; its posts and counters stay."""
    manager = Account.objects.get(platform=one.platform, native_id=one.manager) if one.manager else None
    account, _ = Account.objects.update_or_create(
        platform=one.platform,
        native_id=one.native_id,
        defaults={
            "kind": one.kind, "username": one.username, "name": one.name, "about": one.about,
            "category": one.category, "colour": one.colour, "followers": one.followers, "manager": manager,
            "tasks": one.tasks, "group": one.group,
        },
    )  # fmt: skip
    return account


def make_clients() -> None:
    """The applications of X and Facebook whose ids and secrets the demonstration uses.

    Their callback is accepted on any loopback address; other addresses can be added in ``redirect_uris``.
    """
    for platform, (client_id, secret), path in (
        (X, TWITTER_CLIENT, "/api/social/twitter/callback"),
        (FACEBOOK, FACEBOOK_APP, "/api/social/facebook/callback"),
    ):
        OAuthClient.objects.get_or_create(
            platform=platform,
            client_id=client_id,
            defaults={"client_secret": secret, "name": "Parley", "loopback_callback": path},
        )


@transaction.atomic
def seed_demo() -> list[Account]:
    """Make every account and application of the demonstration; running it again changes nothing."""
    make_clients()
    return [make_account(one) for one in INHABITANTS]
