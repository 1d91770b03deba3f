"""What the sidebar shows, and to whom."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.permissions import may
from connections.breaker import paused
from connections.models import SocialConnection
from publishing.models import PostStatus, SocialPost

_ALSO_UNDER = {"accounts:organization": ("/members/",)}
"""Pages that belong to an entry although their address does not begin with its own."""


def navigation(request: HttpRequest) -> dict[str, Any]:
    """``navigation``: groups of {label, url, icon, badge, badge_tone, active} for the current organization's member;
    ``troubles``: paused platforms on which the organization has accounts."""
    organization = getattr(request, "organization", None)
    membership = getattr(request, "membership", None)
    if organization is None or (getattr(request, "htmx", False) and not request.htmx.boosted):  # type: ignore[attr-defined]
        return {"navigation": [], "troubles": []}
    failed = SocialPost.objects.for_organization(organization).filter(status=PostStatus.FAILED).count()
    broken = SocialConnection.objects.for_organization(organization).in_use().filter(is_active=False).count()
    entries: list[list[tuple[str, str, str, str, int, str]]] = [
        [
            (_("Home"), "home", "home", "posts.view", 0, ""),
            (_("Calendar"), "publishing:calendar", "calendar", "posts.view", 0, ""),
            (_("Posts"), "publishing:posts", "edit", "posts.view", failed, "danger"),
            (_("Media"), "publishing:media", "photo", "posts.view", 0, ""),
        ],
        [
            (_("Campaigns"), "campaigns:list", "flag", "campaigns.view", 0, ""),
            (_("Connections"), "connections:list", "plug-connected", "connections.view", broken, "danger"),
        ],
        [
            (_("Settings"), "accounts:organization", "settings", "organization.view", 0, ""),
            (_("Health"), "health", "activity-heartbeat", "organization.manage", 0, ""),
            (_("Admin"), "admin:index", "tool", "admin.enter", 0, ""),
        ],
    ]
    groups = []
    for entry_group in entries:
        group = []
        for label, name, icon, permission, badge, tone in entry_group:
            if not may(membership, permission):
                continue
            url = reverse(name)
            active = request.path == url if url == "/" else request.path.startswith((url, *_ALSO_UNDER.get(name, ())))
            group.append(
                {"label": label, "url": url, "icon": icon, "badge": badge, "badge_tone": tone, "active": active}
            )
        if group:
            groups.append(group)
    troubles = paused()
    if troubles:
        accounts = SocialConnection.objects.for_organization(organization).in_use()
        ours = set(accounts.values_list("platform", "server_url"))
        troubles = [trouble for trouble in troubles if (trouble.platform, trouble.server_url) in ours]
    return {"navigation": groups, "troubles": troubles}
