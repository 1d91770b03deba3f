"""Parsing what the composer and the media library send."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from django import forms
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization
from campaigns.models import Campaign
from connections.models import SocialConnection
from publishing.composer import Composition, with_scheme
from publishing.drafts import MediaUse
from publishing.models import MediaAsset
from publishing.moment_fields import ClockField, DayField, day_in_words
from publishing.when import When, resolve_when

ALT_TEXT_LENGTH = 1500
WHEN_KINDS = (("now", _("Now")), ("at", _("Schedule")), ("draft", _("Save as draft")))


def plain_lines(text: str) -> str:
    """Forms send line ends as CR LF; platforms count and show one. NUL, which PostgreSQL does not take, is left out."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")


class ComposerForm(forms.Form):
    """Everything on the composer's page, readable at any moment: while a person types, half of it is not valid yet.

    Beside its fields it reads, per account, ``text-<id>`` (when ``own_text`` lists the account) and ``media-<id>`` with
    ``alt-<id>`` (when ``own_media`` lists it); ``media`` and ``alt`` are parallel lists, in the order of the pictures.
    """

    text = forms.CharField(required=False, strip=False)
    link_url = forms.CharField(required=False, max_length=2000)
    first_comment = forms.CharField(required=False, strip=False)
    campaign = forms.ModelChoiceField(queryset=Campaign.objects.none(), required=False)
    when = forms.ChoiceField(choices=WHEN_KINDS, required=False)
    date = DayField(required=False)
    time = ClockField(required=False)
    fold = forms.CharField(required=False)
    instead = forms.CharField(required=False)
    tab = forms.CharField(required=False)
    preview = forms.CharField(required=False)

    def __init__(
        self,
        sent: MultiValueDict[str, Any],
        *,
        organization: Organization,
        connections: Iterable[SocialConnection],
        options: Mapping[UUID, Mapping[str, Any]] | None = None,
    ) -> None:
        """``connections`` are those that may be chosen; ``options`` the platform options that stored posts have."""
        super().__init__(sent)
        self.sent = sent
        self.organization = organization
        self.connections = list(connections)
        self.options = dict(options or {})
        field = cast("forms.ModelChoiceField[Campaign]", self.fields["campaign"])
        field.queryset = Campaign.objects.for_organization(organization)
        self.full_clean()

    def clean_link_url(self) -> str:
        return with_scheme(self.cleaned_data["link_url"])

    def value(self, name: str, default: Any = "") -> Any:
        """A field's cleaned value, or the default while it is not valid."""
        found = self.cleaned_data.get(name)
        return default if found is None or found == "" else found

    def composition(self) -> Composition:
        chosen = set(self.sent.getlist("connections"))
        connections = tuple(connection for connection in self.connections if str(connection.pk) in chosen)
        text = plain_lines(self.value("text"))
        own_texts, own_media = set(self.sent.getlist("own_text")), set(self.sent.getlist("own_media"))
        lists = {"": self._media_ids("media")}
        for connection in self.connections:
            if str(connection.pk) in own_media:
                lists[str(connection.pk)] = self._media_ids(f"media-{connection.pk}")
        assets = self._assets({asset_id for ids in lists.values() for asset_id in ids})
        written = {
            connection.pk: plain_lines(self.sent.get(f"text-{connection.pk}", "") or "")
            for connection in self.connections
            if str(connection.pk) in own_texts
        }
        link = self.value("link_url") or (with_scheme(plain_lines(self.sent.get("link_url") or ""))[:2000])
        return Composition(
            connections=connections,
            text=text,
            own_texts={pk: own for pk, own in written.items() if own.strip() != text.strip()},
            link_url=link,
            first_comment=plain_lines(self.value("first_comment")),
            media=self._uses(lists[""], "alt", assets),
            own_media={
                connection.pk: self._uses(lists[str(connection.pk)], f"alt-{connection.pk}", assets)
                for connection in self.connections
                if str(connection.pk) in own_media
            },
            campaign=self.value("campaign", None),
            options=self.options,
        )

    def resolved_when(self, now: datetime) -> When:
        """The chosen moment. Without a choice: a draft."""
        day, clock = self.value("date", None), self.value("time", None)
        wanted = datetime.combine(day, clock.replace(second=0, microsecond=0)) if day and clock else None
        return resolve_when(
            self.value("when") or "draft", wanted, zone=self.organization.zone, now=now,
            fold=self.value("fold"), instead=self.value("instead"),
        )  # fmt: skip

    def when_fields(self) -> dict[str, str]:
        """The fields of "When" as the page shows them again: what could be read in our format, the rest as typed."""
        found = {name: str(self.sent.get(name) or "") for name in ("when", "date", "time", "fold", "instead")}
        if day := self.value("date", None):
            found["date"] = day_in_words(day)
        if clock := self.value("time", None):
            found["time"] = f"{clock:%H:%M}"
        return found

    def _media_ids(self, name: str) -> list[str]:
        return [str(value) for value in self.sent.getlist(name)]

    def _assets(self, ids: set[str]) -> dict[str, MediaAsset]:
        """The organization's own assets among the ids; anything else is as if it had not been sent."""
        valid = []
        for text in ids:
            try:
                valid.append(UUID(text))
            except ValueError:
                continue
        found = MediaAsset.objects.for_organization(self.organization).filter(pk__in=valid)
        return {str(asset.pk): asset for asset in found}

    def _uses(self, ids: list[str], alt_name: str, assets: Mapping[str, MediaAsset]) -> tuple[MediaUse, ...]:
        alts = [str(value) for value in self.sent.getlist(alt_name)]
        alts += [""] * (len(ids) - len(alts))
        return tuple(
            MediaUse(assets[asset_id], plain_lines(alt).strip()[:ALT_TEXT_LENGTH])
            for asset_id, alt in zip(ids, alts, strict=False)
            if asset_id in assets
        )


class AltTextForm(forms.ModelForm):  # type: ignore[type-arg]
    """The alternative text of a picture in the library."""

    class Meta:
        model = MediaAsset
        fields = ["alt_text"]
