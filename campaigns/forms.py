"""Forms of campaigns."""

from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, User
from campaigns.models import Campaign


class CampaignForm(forms.ModelForm):  # type: ignore[type-arg]
    """A campaign's name, goal, dates, owner and colour."""

    class Meta:
        model = Campaign
        fields = ["name", "goal", "starts_on", "ends_on", "owner", "colour"]
        widgets = {
            "starts_on": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            "ends_on": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            "colour": forms.TextInput(attrs={"type": "color"}),
        }
        help_texts = {
            "goal": _("What you want to achieve, in one sentence: “40 seats sold for the winter dinner”."),
            "colour": _("Shown as a dot beside the campaign's name."),
        }

    def __init__(self, *args: Any, organization: Organization, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.organization = organization
        owner = cast("forms.ModelChoiceField[User]", self.fields["owner"])
        owner.queryset = User.objects.filter(memberships__organization=organization, is_active=True).order_by(
            "name", "email"
        )
        owner.empty_label = str(_("No owner"))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        starts, ends = cleaned.get("starts_on"), cleaned.get("ends_on")
        if starts and ends and ends < starts:
            self.add_error("ends_on", _("The campaign ends before it starts."))
        name = cleaned.get("name")
        others = Campaign.objects.for_organization(self.organization).exclude(pk=self.instance.pk)
        if name and others.filter(name=name).exists():
            self.add_error("name", _("Another campaign has this name."))
        return cleaned
