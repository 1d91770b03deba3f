"""What platforms can do, in words: the capability table, an account's permissions, and the reasons for absences."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from connections.models import SocialConnection
from connections.platforms.base import Can, Platform

LABELS: dict[Can, Promise] = {
    Can.CHOOSE_ACCOUNTS: gettext_lazy("Several accounts per sign-in"),
    Can.PUBLISH_TEXT: gettext_lazy("Text"),
    Can.PUBLISH_LINK: gettext_lazy("Links"),
    Can.PUBLISH_IMAGE: gettext_lazy("One picture"),
    Can.PUBLISH_IMAGES: gettext_lazy("Several pictures"),
    Can.PUBLISH_VIDEO: gettext_lazy("Video"),
    Can.PUBLISH_STORY: gettext_lazy("Stories"),
    Can.PUBLISH_THREAD: gettext_lazy("Threads of posts"),
    Can.FIRST_COMMENT: gettext_lazy("First comment"),
    Can.DELETE: gettext_lazy("Delete posts"),
    Can.METRICS: gettext_lazy("Metrics of posts"),
    Can.ACCOUNT_STATISTICS: gettext_lazy("Account statistics"),
    Can.MENTIONS: gettext_lazy("Mentions"),
    Can.COMMENTS: gettext_lazy("Comments"),
    Can.MESSAGES: gettext_lazy("Direct messages"),
    Can.REPLY: gettext_lazy("Replies"),
    Can.PROFILE_LOOKUP: gettext_lazy("Profile look-up"),
    Can.LEAD_ADS: gettext_lazy("Lead ads"),
    Can.WEBHOOKS: gettext_lazy("Webhooks"),
    Can.QUOTA: gettext_lazy("Quota told by the platform"),
}


@dataclass(frozen=True)
class Cell:
    """One capability of one platform; ``reason`` says why it is absent."""

    can: Can
    label: str
    offered: bool
    reason: str = ""
    missing: tuple[str, ...] = ()

    @property
    def works(self) -> bool:
        return self.offered and not self.missing


def label_of(can: Can) -> str:
    return str(LABELS[can])


def capability_table(platforms: list[type[Platform]]) -> list[tuple[str, list[Cell]]]:
    """Rows of (capability's label, a cell per platform), in the order in which they are declared."""
    return [(label_of(can), [_cell(platform, can) for platform in platforms]) for can in Can]


def capabilities_of(connection: SocialConnection) -> list[Cell]:
    """Every capability as it is for one account: offered or not, and the scopes that were not granted."""
    platform = connection.platform_class
    missing = platform.missing_permissions(connection.permissions)
    return [_cell(platform, can, missing.get(can, ())) for can in Can]


def _cell(platform: type[Platform], can: Can, missing: tuple[str, ...] = ()) -> Cell:
    if can in platform.capabilities:
        return Cell(can, label_of(can), offered=True, missing=missing)
    reason = platform.absences.get(can) or _("Parley does not do this on %(platform)s.") % {"platform": platform.label}
    return Cell(can, label_of(can), offered=False, reason=reason)
