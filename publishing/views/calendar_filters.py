"""The choices of the filter bar, of the calendar and of the list of posts."""

from typing import Any

from django.utils.translation import gettext as _

from accounts.models import Membership, Organization
from campaigns.models import Campaign
from connections.models import SocialConnection
from publishing.filters import ATTENTION, PostFilters
from publishing.models import PostStatus


def filter_context(organization: Organization, filters: PostFilters) -> dict[str, Any]:
    """The choices of the filter bar, each with whether it is on."""
    connections = list(SocialConnection.objects.for_organization(organization).in_use().by_name())
    by_platform: dict[str, list[SocialConnection]] = {}
    for connection in connections:
        by_platform.setdefault(connection.platform, []).append(connection)
    statuses = [(ATTENTION, _("Needs attention")), *PostStatus.choices]
    members = Membership.objects.for_organization(organization).select_related("user").order_by("user__name")
    return {
        "filters": filters,
        "platform_choices": [
            (platform, rows[0].platform_label, len(rows), platform in filters.platforms)
            for platform, rows in by_platform.items()
        ],
        "filter_menus": [
            ("connection", _("Account"), [
                (str(row.pk), f"{row.account_name} · {row.platform_label}", row.pk in filters.connections)
                for row in connections
            ], len(filters.connections)),
            ("campaign", _("Campaign"), [
                (str(row.pk), row.name, row.pk in filters.campaigns)
                for row in Campaign.objects.for_organization(organization).open()
            ], len(filters.campaigns)),
            ("status", _("Status"), [(value, label, value in filters.statuses) for value, label in statuses],
             len(filters.statuses)),
            ("author", _("Author"), [
                (str(row.user_id), row.user.display_name, row.user_id in filters.authors) for row in members
            ], len(filters.authors)),
        ],
    }  # fmt: skip
