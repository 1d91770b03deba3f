"""Valid rows in one call each. What a test does not name does not matter to it."""

import hashlib
from datetime import timedelta
from io import BytesIO
from itertools import count
from typing import Any

from django.core.files.base import ContentFile
from django.utils import timezone
from PIL import Image

from accounts.crypto import seal_into
from accounts.models import Membership, Organization, User
from accounts.permissions import Role
from campaigns.models import Campaign
from connections.models import ConnectionToken, SocialConnection, TokenKind
from publishing.models import MediaAsset, PostMedia, PostStatus, SocialPost

_numbers = count(1)
PASSWORD = "a long enough password"


def make_organization(name: str = "", **fields: Any) -> Organization:
    number = next(_numbers)
    name = name or f"Club {number}"
    return Organization.objects.create(
        name=name, slug=fields.pop("slug", f"club-{number}"), **{"time_zone": "Europe/Lisbon"} | fields
    )


def make_user(email: str = "", **fields: Any) -> User:
    """A person whose address is verified, with ``PASSWORD``."""
    from allauth.account.models import EmailAddress

    email = email or f"person{next(_numbers)}@example.org"
    user = User.objects.create_user(email, PASSWORD, **fields)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def make_member(organization: Organization, role: str = Role.MARKETER, user: User | None = None) -> Membership:
    return Membership.objects.create(organization=organization, user=user or make_user(), role=role)


def make_connection(
    organization: Organization,
    platform: str = "TWITTER",
    *,
    access: str = "access-token-of-test",
    refresh: str = "refresh-token-of-test",
    expires_in_s: int | None = 7200,
    **fields: Any,
) -> SocialConnection:
    """An active connection with its tokens. ``expires_in_s`` None: a token without end; ``refresh`` "": none."""
    from connections.platforms import platform_class

    number = next(_numbers)
    expires = timezone.now() + timedelta(seconds=expires_in_s) if expires_in_s is not None else None
    cls = platform_class(platform)
    scopes = {scope for scopes in cls.scopes_for.values() for scope in scopes} | set(cls.scopes)
    defaults: dict[str, Any] = {
        "platform_account_id": str(1000 + number),
        "account_name": f"Account {number}",
        "account_handle": f"@account{number}",
        "permissions": sorted(scopes),
        "token_expires_at": expires,
        "server_url": "https://mastodon.example" if cls.needs_server else "",
    }
    connection = SocialConnection.objects.create(organization=organization, platform=platform, **defaults | fields)
    for kind, secret in ((TokenKind.ACCESS, access), (TokenKind.REFRESH, refresh)):
        if secret:
            token = ConnectionToken(connection=connection, kind=kind, expires_at=expires if kind == "ACCESS" else None)
            seal_into(token, "secret", secret)
            token.save()
    return connection


def make_post(connection: SocialConnection, **fields: Any) -> SocialPost:
    """A post scheduled in an hour, unless told otherwise."""
    status = fields.pop("status", PostStatus.SCHEDULED)
    now = timezone.now()
    defaults: dict[str, Any] = {"content": f"Twilight tee times from four. No. {next(_numbers)}"}
    if status != PostStatus.DRAFT:
        defaults["scheduled_at"] = now + timedelta(hours=1)
    if status == PostStatus.PUBLISHED:
        defaults |= {
            "scheduled_at": now - timedelta(hours=2),
            "published_at": now - timedelta(hours=2),
            "platform_post_id": str(5000 + next(_numbers)),
            "permalink": "https://platform.example/post",
        }
    if status == PostStatus.FAILED:
        defaults |= {
            "scheduled_at": now - timedelta(hours=2),
            "error_code": "CONTENT_REJECTED",
            "error_message": "The platform refused this post.",
            "settled_at": now - timedelta(hours=2),
        }
    return SocialPost.objects.create(
        organization=connection.organization, connection=connection, status=status, **defaults | fields
    )


def picture(width: int = 640, height: int = 480, form: str = "PNG", colour: str = "#2f5d50") -> bytes:
    """A real picture's bytes."""
    stream = BytesIO()
    Image.new("RGB", (width, height), colour).save(stream, form)
    return stream.getvalue()


def jpeg_from_a_phone(*, orientation: int = 6) -> bytes:
    """Landscape pixels, a tag that says "turn me", and the place where it was taken."""
    image = Image.new("RGB", (400, 300), "#2f5d50")
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "PhoneMaker"
    exif.get_ifd(0x8825).update({1: "N", 2: (38.0, 43.0, 0.0), 3: "W", 4: (9.0, 8.0, 0.0)})
    stream = BytesIO()
    image.save(stream, "JPEG", exif=exif)
    return stream.getvalue()


def make_asset(organization: Organization, **fields: Any) -> MediaAsset:
    body = picture()
    number = next(_numbers)
    asset = MediaAsset(
        organization=organization,
        **{
            "name": f"green-{number}.png", "content_type": "image/png", "size_bytes": len(body), "width": 640,
            "height": 480, "sha256": hashlib.sha256(body).hexdigest(), "alt_text": "A green at dusk",
        } | fields,
    )  # fmt: skip
    asset.file.save(f"green-{number}.png", ContentFile(body), save=False)
    asset.save()
    return asset


def attach(post: SocialPost, *assets: MediaAsset) -> None:
    for position, asset in enumerate(assets):
        PostMedia.objects.create(post=post, asset=asset, position=position, alt_text=asset.alt_text)


def make_campaign(organization: Organization, **fields: Any) -> Campaign:
    return Campaign.objects.create(organization=organization, **{"name": f"Campaign {next(_numbers)}"} | fields)
