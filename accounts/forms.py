"""What people type about themselves, their organization and its members."""

from datetime import date
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from allauth.core import context
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from PIL import Image, UnidentifiedImageError

from accounts import invitations, services
from accounts.models import Organization, User
from accounts.permissions import Role

if TYPE_CHECKING:
    _UserForm = forms.ModelForm[User]
    _OrganizationForm = forms.ModelForm[Organization]
else:
    _UserForm = _OrganizationForm = forms.ModelForm

PICTURE_MOST_BYTES = 2_000_000
PICTURE_MOST_PIXELS = 4000
_FORMATS = {"JPEG", "PNG", "WEBP"}


def zone_choices() -> list[tuple[str, str]]:
    """Every zone of the IANA database that names a place, and UTC."""
    names = sorted(name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "SystemV/")))
    return [("UTC", "UTC"), *((name, name.replace("_", " ")) for name in names)]


def language_choices() -> list[tuple[str, str]]:
    return [(code, str(label)) for code, label in settings.LANGUAGES]


class GuessedZoneField(forms.CharField):
    """The browser's time zone, put in by ``static/js/time-zone.js``; UTC when it said none or one we do not know."""

    def __init__(self) -> None:
        super().__init__(required=False, widget=forms.HiddenInput(attrs={"data-time-zone": ""}))

    def clean(self, value: Any) -> str:
        name = str(value or "")
        return name if name in available_timezones() else "UTC"


class SignupForm(forms.Form):
    """What sign-up asks beside address and password: allauth's own forms derive from this one."""

    name = forms.CharField(label=_("Your name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    organization_name = forms.CharField(
        label=_("Organization"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "organization"}),
        help_text=_("The club, brand or agency you will work for. You can add others later."),
    )  # fmt: skip
    time_zone = GuessedZoneField()

    field_order = ["name", "organization_name", "email", "password1", "password2", "time_zone"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.invitation = invitations.kept_in_session(context.request) if context.request else None
        if self.invitation:
            del self.fields["organization_name"]
            self.fields["email"].disabled = True
            self.initial["email"] = self.invitation.email

    def signup(self, request: HttpRequest, user: User) -> None:
        """Called by allauth once the person's row is there."""
        user.name = self.cleaned_data["name"].strip()
        user.save(update_fields=["name"])
        if self.invitation:
            invitations.accept_invitation(self.invitation, by=user)
            invitations.forget_in_session(request)
        else:
            services.create_organization(
                self.cleaned_data["organization_name"], time_zone=self.cleaned_data["time_zone"], by=user
            )


class StartForm(forms.Form):
    """A first or further organization."""

    name = forms.CharField(
        label=_("Name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "organization"})
    )
    time_zone = GuessedZoneField()


class PictureInput(forms.ClearableFileInput):
    """A file field without a link: pictures are behind a view, not at their storage's address."""

    template_name = "accounts/widgets/picture.html"


class PictureField(forms.ImageField):
    """A small picture, judged by its content."""

    widget = PictureInput

    def clean(self, data: Any, initial: Any = None) -> Any:
        picture = super().clean(data, initial)
        if isinstance(picture, UploadedFile):
            check_picture(picture)
        return picture


def check_picture(picture: "UploadedFile[Any]") -> None:
    """Refuse what is too large or no JPEG, PNG or WebP."""
    if (picture.size or 0) > PICTURE_MOST_BYTES:
        raise ValidationError(_("The picture is larger than 2 MB."))
    try:
        with Image.open(picture) as image:
            if image.format not in _FORMATS:
                raise ValidationError(_("Use a JPEG, PNG or WebP picture."))
            if max(image.size) > PICTURE_MOST_PIXELS:
                raise ValidationError(_("The picture is larger than 4000 pixels on a side."))
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError) as error:
        raise ValidationError(_("This is not a picture that can be read.")) from error
    picture.seek(0)


class ProfileForm(_UserForm):
    time_zone = forms.ChoiceField(
        label=_("Time zone"), required=False, help_text=_("For times in mails to you. Pages show the organization's.")
    )
    language = forms.ChoiceField(label=_("Language"), required=False)
    avatar = PictureField(label=_("Picture"), required=False, help_text=_("JPEG, PNG or WebP, at most 2 MB."))

    class Meta:
        model = User
        fields = ["name", "time_zone", "language", "avatar"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].required = True
        self.fields["time_zone"].choices = [("", _("As the organization")), *zone_choices()]  # type: ignore[attr-defined]
        self.fields["language"].choices = [("", _("As the browser")), *language_choices()]  # type: ignore[attr-defined]


class OrganizationForm(_OrganizationForm):
    time_zone = forms.ChoiceField(
        label=_("Time zone"), help_text=_("The calendar and all times on pages are in this zone.")
    )
    language = forms.ChoiceField(label=_("Language"))
    logo = PictureField(label=_("Logo"), required=False, help_text=_("JPEG, PNG or WebP, at most 2 MB."))

    class Meta:
        model = Organization
        fields = ["name", "slug", "time_zone", "language", "logo"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["slug"].help_text = _("Names the organization in the REST API. Letters, digits and hyphens.")
        self.fields["time_zone"].choices = zone_choices()  # type: ignore[attr-defined]
        self.fields["language"].choices = language_choices()  # type: ignore[attr-defined]


class RoleForm(forms.Form):
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)


class InviteForm(forms.Form):
    email = forms.EmailField(label=_("Email address"), widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, initial=Role.MARKETER)

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()


def _day_field(label: Any) -> forms.DateField:
    """A day that may be left out, far from the ends of the calendar."""
    plausible = [MinValueValidator(date(2000, 1, 1)), MaxValueValidator(date(2100, 12, 31))]
    return forms.DateField(
        label=label, required=False, widget=forms.DateInput(attrs={"type": "date"}), validators=plausible
    )


class AuditFilterForm(forms.Form):
    """The audit page's filters; every one may be left out."""

    actor = forms.CharField(label=_("Who"), required=False)
    action = forms.CharField(label=_("Action"), required=False)
    object = forms.CharField(label=_("What"), required=False)
    since = _day_field(_("From"))
    until = _day_field(_("To"))
