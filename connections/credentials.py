"""Which app registration speaks for an organization at a platform: its own, the installation's, or one made on the fly."""

from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.audit import SYSTEM, Actor, record_audit
from accounts.crypto import reveal, seal_into
from accounts.models import Organization
from connections.errors import SCOPE_REFUSED, NotConfigured, PermissionMissing
from connections.models import PlatformApp, SocialConnection
from connections.platforms.base import AppCredentials, Platform


def redirect_uri(platform: type[Platform]) -> str:
    """The address that a platform sends the person back to: exactly what must be registered there."""
    return settings.APP_URL + reverse("connections:callback", args=[platform.name.lower()])


def settings_of(platform: type[Platform]) -> tuple[str, str]:
    """The names of the installation's two settings, ("", "") for a platform that needs none."""
    names: tuple[str, str] = settings.PLATFORM_SETTINGS.get(platform.name, ("", ""))
    return names


def _of_row(row: PlatformApp) -> AppCredentials:
    return AppCredentials(row.client_id, reveal(row, "client_secret"), row.server_url, tuple(row.scopes.split()))


def _known(organization: Organization, platform: type[Platform], server_url: str) -> list[AppCredentials]:
    """Every registration at hand, the one for new consents first."""
    if platform.needs_server:
        rows = PlatformApp.objects.filter(organization=None, platform=platform.name, server_url=server_url)
        return [_of_row(row) for row in rows]
    own = PlatformApp.objects.for_organization(organization).filter(platform=platform.name, server_url="")
    found = [_of_row(row) for row in own]
    installed = settings.PLATFORM_APPS.get(platform.name, {})
    if installed.get("client_id"):
        found.append(AppCredentials(installed["client_id"], installed.get("client_secret", "")))
    return found


def is_configured(organization: Organization, platform: type[Platform]) -> bool:
    """Whether a consent could start now."""
    return platform.needs_server or bool(_known(organization, platform, ""))


def credentials_for(organization: Organization, platform: type[Platform], server_url: str = "") -> AppCredentials:
    """The registration for a new consent: the organization's own before the installation's.

    Where the person names a server, Parley is registered there on the fly and the registration is remembered; it is
    made again when the installation's address has changed. Raises NotConfigured, and what registering raises:
    UnsafeAddress, PlatformError.
    """
    if platform.needs_server:
        return _registered_at(platform, server_url)
    found = _known(organization, platform, "")
    if not found:
        client_id, client_secret = settings_of(platform)
        raise NotConfigured(
            _(
                "%(platform)s is not set up yet. Enter your own app under Connections, or ask your operator to set "
                "%(id)s and %(secret)s."
            )
            % {"platform": platform.label, "id": client_id, "secret": client_secret}
        )
    return found[0]


def credentials_of(connection: SocialConnection) -> AppCredentials:
    """The registration that a connection's tokens were given to, else the one at hand; empty when there is none:
    tokens that were handed in can be used, though not renewed, without one."""
    return credentials_named(
        connection.organization, connection.platform_class, connection.server_url, connection.app_client_id
    )


def credentials_named(
    organization: Organization, platform: type[Platform], server_url: str, client_id: str
) -> AppCredentials:
    """As ``credentials_of``, for tokens whose connection may be gone."""
    found = _known(organization, platform, server_url)
    named = [credentials for credentials in found if client_id and credentials.client_id == client_id]
    return (named or found or [AppCredentials("", "", server_url)])[0]


def _registered_at(platform: type[Platform], server_url: str) -> AppCredentials:
    wanted = redirect_uri(platform)
    row = PlatformApp.objects.filter(organization=None, platform=platform.name, server_url=server_url).first()
    if row is not None and row.redirect_uri == wanted:
        return _of_row(row)
    # The call happens outside of any transaction; two people at once register twice and the later row counts.
    scopes = tuple(row.scopes.split()) if row is not None else ()
    try:
        made = platform.register_app(server_url, redirect_uri=wanted, scopes=scopes)
    except PermissionMissing as error:
        if error.platform_code != SCOPE_REFUSED or scopes or not platform.broad_scopes:
            raise
        made = platform.register_app(server_url, redirect_uri=wanted, scopes=platform.broad_scopes)
    with transaction.atomic():
        row = PlatformApp.objects.get_or_create(organization=None, platform=platform.name, server_url=server_url)[0]
        row.client_id = made.client_id
        row.redirect_uri = wanted
        row.scopes = " ".join(made.scopes)
        row.tested_at = timezone.now()
        seal_into(row, "client_secret", made.client_secret)
        row.save(update_fields=["client_id", "redirect_uri", "scopes", "tested_at", "client_secret", "updated_at"])
        record_audit("platform_app.registered", row, by=SYSTEM, changes={"scopes": ["", row.scopes]})
    return _of_row(row)


def ask_broadly(platform: type[Platform], server_url: str) -> bool:
    """Have Parley register anew with a server, for broad scopes; False where it did so before or there are none."""
    if not platform.broad_scopes:
        return False
    scopes = " ".join(platform.broad_scopes)
    rows = PlatformApp.objects.filter(organization=None, platform=platform.name, server_url=server_url)
    # Without its address a registration counts as one to be made again.
    return rows.exclude(scopes=scopes).update(scopes=scopes, redirect_uri="", updated_at=timezone.now()) == 1


def forget_registration(platform: type[Platform], server_url: str) -> None:
    """Drop a registration that its server no longer knows; the next consent makes a new one."""
    for row in PlatformApp.objects.filter(organization=None, platform=platform.name, server_url=server_url):
        record_audit("platform_app.forgotten", row, by=SYSTEM)
        row.delete()


def save_platform_app(
    organization: Organization, platform: type[Platform], *, client_id: str, client_secret: str, by: Actor
) -> PlatformApp:
    """Store an organization's own app after the platform has accepted it. An empty ``client_secret`` keeps the stored
    one. Raises PlatformError when the platform refuses the app or cannot be asked."""
    row = PlatformApp.objects.for_organization(organization).filter(platform=platform.name, server_url="").first()
    before: list[Any] = [row.client_id if row else "", client_id]
    secret = client_secret or (reveal(row, "client_secret") if row else "")
    platform(app=AppCredentials(client_id, secret)).test_app()
    with transaction.atomic():
        row = PlatformApp.objects.get_or_create(organization=organization, platform=platform.name, server_url="")[0]
        row.client_id = client_id
        row.redirect_uri = redirect_uri(platform)
        row.tested_at = timezone.now()
        seal_into(row, "client_secret", secret)
        row.save(update_fields=["client_id", "redirect_uri", "tested_at", "client_secret", "updated_at"])
        record_audit("platform_app.saved", row, by=by, changes={"client_id": before, "client_secret": ["", secret]})
    return row


def remove_platform_app(organization: Organization, platform: type[Platform], *, by: Actor) -> None:
    """Remove an organization's own app; new consents use the installation's again."""
    with transaction.atomic():
        for row in PlatformApp.objects.for_organization(organization).filter(platform=platform.name, server_url=""):
            record_audit("platform_app.removed", row, by=by, changes={"client_id": [row.client_id, ""]})
            row.delete()
