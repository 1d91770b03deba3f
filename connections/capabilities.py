"""What platforms can do, in words: the capability table, an account's permissions, and the reasons for absences."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from connections.models import SocialConnection
from connections.platforms.base import Can, Platform

LABELS: dict[Can, Promise] = {
    Can.CHOOSE_ACCOUNTS: gettext_lazy("Several accounts at once"),
    Can.PUBLISH_TEXT: gettext_lazy("Text"),
    Can.PUBLISH_LINK: gettext_lazy("Links"),
    Can.PUBLISH_IMAGE: gettext_lazy("One image"),
    Can.PUBLISH_IMAGES: gettext_lazy("Several images"),
    Can.PUBLISH_VIDEO: gettext_lazy("Video"),
    Can.PUBLISH_STORY: gettext_lazy("Stories"),
    Can.PUBLISH_THREAD: gettext_lazy("Threads"),
    Can.FIRST_COMMENT: gettext_lazy("First comment"),
    Can.DELETE: gettext_lazy("Delete posts"),
    Can.METRICS: gettext_lazy("Post metrics"),
    Can.ACCOUNT_STATISTICS: gettext_lazy("Account statistics"),
    Can.MENTIONS: gettext_lazy("Mentions"),
    Can.COMMENTS: gettext_lazy("Comments"),
    Can.MESSAGES: gettext_lazy("Direct messages"),
    Can.REPLY: gettext_lazy("Replies"),
    Can.PROFILE_LOOKUP: gettext_lazy("Profile lookup"),
    Can.LEAD_ADS: gettext_lazy("Lead ads"),
    Can.WEBHOOKS: gettext_lazy("Webhooks"),
    Can.QUOTA: gettext_lazy("Remaining quota"),
}


@dataclass(frozen=True)
class Cell:
    """One capability of one platform: whether the platform ``offers`` it, and whether Parley ``supports`` it there.
    ``reason`` says why the platform does not; ``missing`` are scopes that an account did not grant."""

    can: Can
    label: str
    offers: bool
    supports: bool
    reason: str = ""
    missing: tuple[str, ...] = ()

    @property
    def works(self) -> bool:
        return self.supports and not self.missing


@dataclass(frozen=True)
class Row:
    """One capability over all platforms."""

    label: str
    cells: tuple[Cell, ...]

    @property
    def is_supported(self) -> bool:
        """Whether Parley supports it on any platform."""
        return any(cell.supports for cell in self.cells)


def label_of(can: Can) -> str:
    return str(LABELS[can])


def capability_table(platforms: list[type[Platform]]) -> list[Row]:
    """A row per capability in the order in which they are declared, with a cell per platform."""
    return [Row(label_of(can), tuple(_cell(platform, can) for platform in platforms)) for can in Can]


def capabilities_of(connection: SocialConnection) -> list[Cell]:
    """Every capability as it is for one account, with the scopes that were not granted."""
    platform = connection.platform_class
    missing = platform.missing_permissions(connection.permissions)
    return [_cell(platform, can, missing.get(can, ())) for can in Can]


def _cell(platform: type[Platform], can: Can, missing: tuple[str, ...] = ()) -> Cell:
    reason = str(platform.absences.get(can, ""))
    return Cell(can, label_of(can), not reason, can in platform.capabilities, reason, missing)
