"""What a person narrows the media library to. It lives in the address alone."""

from dataclasses import dataclass
from typing import Any, Self

from django.db.models import Count, Q, QuerySet
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization
from accounts.pictures.reading import FORMATS
from publishing.models import MediaAsset

ANIMATED = "animated"
TYPES: dict[str, str | Promise] = {
    "": _("All types"), "jpeg": "JPEG", "png": "PNG", "gif": "GIF", "webp": "WebP", ANIMATED: _("Animated"),
}  # fmt: skip
USES: dict[str, str | Promise] = {"": _("All"), "used": _("Used"), "unused": _("Unused")}
ORDERS: dict[str, str | Promise] = {"": _("Newest first"), "oldest": _("Oldest first")}


@dataclass(frozen=True)
class MediaFilters:
    """``kind``, ``use`` and ``order`` are keys of the tables above; "" is no limit, and the newest first."""

    text: str = ""
    kind: str = ""
    use: str = ""
    order: str = ""
    without_alt: bool = False

    @classmethod
    def from_params(cls, params: QueryDict) -> Self:
        """Read an address. What makes no sense there is left out, as if it had not been said."""

        def one_of(table: dict[str, str | Promise], name: str) -> str:
            value = params.get(name, "")
            return value if value in table else ""

        return cls(
            text=params.get("q", "").replace("\x00", "").strip()[:100],  # PostgreSQL takes no NUL
            kind=one_of(TYPES, "type"),
            use=one_of(USES, "use"),
            order=one_of(ORDERS, "order"),
            without_alt=params.get("alt") == "missing",
        )

    @property
    def is_empty(self) -> bool:
        return not (self.text or self.kind or self.use or self.without_alt)

    def apply(self, assets: QuerySet[Any]) -> QuerySet[Any]:
        """To rows that have ``use_count``."""
        if self.text:
            assets = assets.filter(Q(name__icontains=self.text) | Q(alt_text__icontains=self.text))
        if self.kind == ANIMATED:
            assets = assets.filter(is_animated=True)
        elif self.kind:
            assets = assets.filter(content_type=FORMATS[self.kind.upper()][0])
        if self.use:
            assets = assets.filter(use_count__gt=0) if self.use == "used" else assets.filter(use_count=0)
        if self.without_alt:
            assets = assets.filter(alt_text="")
        return assets.order_by("created_at", "pk") if self.order else assets.order_by("-created_at", "pk")


def assets_of(organization: Organization) -> QuerySet[MediaAsset]:
    """An organization's pictures, the newest first, each with ``use_count``, the number of posts that have it."""
    return (
        MediaAsset.objects.for_organization(organization)
        .annotate(use_count=Count("uses__post", distinct=True))
        .order_by("-created_at", "pk")
    )
