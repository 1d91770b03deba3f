"""What people type about themselves, their organization and its members."""

from datetime import date
from typing import TYPE_CHECKING, Any, cast
from zoneinfo import ZoneInfo

from allauth.core import context
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts import invitations, services
from accounts.errors import PictureRefused
from accounts.ids import new_id
from accounts.models import Invitation, Organization, User
from accounts.notifications import kinds, wants_mail
from accounts.permissions import Role
from accounts.pictures.reading import COPY_SUFFIX, FORMATS, read_picture
from accounts.preferences import GAP_MOST_MINUTES, publishing_rules
from accounts.zones import known_zones, zone_choices

if TYPE_CHECKING:
    _UserForm = forms.ModelForm[User]
    _OrganizationForm = forms.ModelForm[Organization]
else:
    _UserForm = _OrganizationForm = forms.ModelForm

KEEP_MOMENT, KEEP_WALL_TIME = "keep_moment", "keep_wall_time"
"""What scheduled posts do when their organization gets another zone."""
PICTURE_MOST_BYTES = 2_000_000
PICTURE_SIDE = 512
"""Pixels: as large as any page shows a profile picture or a logo, on a screen with doubled pixels."""


def stored_text(model: type[models.Model], name: str, **options: Any) -> forms.Field:
    """A form's field for a column, with the column's own limits and validators; ``options`` as forms' fields take them.

    For plain forms, whose fields would otherwise repeat those limits, and one day differ from them.
    """
    column = cast("models.Field[Any, Any]", model._meta.get_field(name))
    field = cast(forms.Field, column.formfield(**options))
    field.validators += [one for one in column.validators if one not in field.validators]
    return field


def language_choices() -> list[tuple[str, str]]:
    return [(code, str(label)) for code, label in settings.LANGUAGES]


class GuessedZoneField(forms.CharField):
    """The browser's time zone, put in by ``static/js/time-zone.js``; UTC when it said none or one we do not know."""

    def __init__(self) -> None:
        super().__init__(required=False, widget=forms.HiddenInput(attrs={"data-time-zone": ""}))

    def clean(self, value: Any) -> str:
        name = str(value or "")
        return name if name in known_zones() else "UTC"


class SignupForm(forms.Form):
    """What sign-up asks beside address and password: allauth's own forms derive from this one."""

    name = stored_text(
        User, "name", label=_("Your name"), required=True, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    organization_name = stored_text(
        Organization, "name", label=_("Organization"), widget=forms.TextInput(attrs={"autocomplete": "organization"}),
        help_text=_("The club, brand or agency you work for. You can add more later."),
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

    name = stored_text(
        Organization, "name", label=_("Name"), widget=forms.TextInput(attrs={"autocomplete": "organization"})
    )
    time_zone = GuessedZoneField()


class PictureInput(forms.ClearableFileInput):
    """A file field without a link: pictures are behind a view, not at their storage's address."""

    template_name = "accounts/widgets/picture.html"


class PictureField(forms.FileField):
    """A profile picture or a logo: read as posts' pictures are, and kept as a small copy with a name of our own."""

    widget = PictureInput

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {**super().widget_attrs(widget), "accept": ",".join(kind for kind, _suffix in FORMATS.values())}

    def clean(self, data: Any, initial: Any = None) -> Any:
        file = super().clean(data, initial)
        return small_picture(file) if isinstance(file, UploadedFile) else file


def small_picture(file: "UploadedFile[Any]") -> "ContentFile[bytes]":
    """The copy that is kept of a profile picture or a logo. Raises ValidationError with what to do."""
    if (file.size or 0) > PICTURE_MOST_BYTES:
        raise ValidationError(_("The image is larger than 2 MB. Save it smaller and try again."))
    try:
        picture = read_picture(file.read(), file.name or "")
    except PictureRefused as error:
        raise ValidationError(str(error)) from error
    return ContentFile(picture.small(PICTURE_SIDE), f"{new_id()}{COPY_SUFFIX}")


class ProfileForm(_UserForm):
    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        required=False,
        help_text=_("Used in emails to you. Pages use the organization's time zone."),
    )
    language = forms.ChoiceField(label=_("Language"), required=False)
    avatar = PictureField(label=_("Profile image"), required=False, help_text=_("JPEG, PNG, GIF or WebP, up to 2 MB."))

    class Meta:
        model = User
        fields = ["name", "time_zone", "language", "avatar"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].required = True
        self.fields["time_zone"].choices = [("", _("Same as organization")), *zone_choices(self.instance.time_zone)]  # type: ignore[attr-defined]
        self.fields["language"].choices = [("", _("Same as browser")), *language_choices()]  # type: ignore[attr-defined]


class OrganizationForm(_OrganizationForm):
    """With another zone it asks what scheduled posts keep, when there are any: their moments or their times of day."""

    time_zone = forms.ChoiceField(label=_("Time zone"), help_text=_("Used for the calendar and all times on pages."))
    scheduled_posts = forms.ChoiceField(
        widget=forms.RadioSelect, error_messages={"required": _("Choose when they are published.")}
    )
    language = forms.ChoiceField(label=_("Language"))
    logo = PictureField(label=_("Logo"), required=False, help_text=_("JPEG, PNG, GIF or WebP, up to 2 MB."))

    class Meta:
        model = Organization
        fields = ["name", "slug", "time_zone", "language", "logo"]

    field_order = ["name", "slug", "time_zone", "scheduled_posts"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._ask_about_posts(self.data.get("time_zone", ""))
        self.fields["slug"].help_text = _(
            "Identifies the organization in the REST API. Letters, digits and hyphens only."
        )
        self.fields["time_zone"].choices = zone_choices(self.instance.time_zone)  # type: ignore[attr-defined]
        self.fields["language"].choices = language_choices()  # type: ignore[attr-defined]

    def _ask_about_posts(self, zone: str) -> None:
        moments = services.moments_shown_anew(self.instance, zone) if zone in known_zones() else []
        if not moments:
            del self.fields["scheduled_posts"]
            return
        now, then = moments[0].astimezone(self.instance.zone), moments[0].astimezone(ZoneInfo(zone))
        words = {"now": f"{now:%H:%M}", "then": f"{then:%H:%M}", "before": self.instance.time_zone, "after": zone}
        field = self.fields["scheduled_posts"]
        field.label = ngettext(
            "%(count)d scheduled post has a different time of day there",
            "%(count)d scheduled posts have a different time of day there",
            len(moments),
        ) % {"count": len(moments)}
        field.choices = [  # type: ignore[attr-defined]
            (KEEP_MOMENT, _("Publish at the same moment: %(now)s in %(before)s is %(then)s in %(after)s") % words),
            (KEEP_WALL_TIME, _("Publish at the same time of day: %(now)s in %(after)s") % words),
        ]


class PublishingRulesForm(forms.Form):
    """The gap between posts of one account, and the hours in which nothing goes out."""

    gap_minutes = forms.IntegerField(
        label=_("Minimum minutes between posts on one account"), min_value=0, max_value=GAP_MOST_MINUTES,
        help_text=_("0 for none. Posts due sooner wait. “Publish now” ignores this."),
    )  # fmt: skip
    quiet_from = forms.TimeField(
        label=_("Quiet hours start"), required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    quiet_to = forms.TimeField(
        label=_("Quiet hours end"), required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        help_text=_("In the organization's time zone. Can run past midnight. Leave both empty for no quiet hours."),
    )  # fmt: skip

    @classmethod
    def of(cls, organization: Organization) -> "PublishingRulesForm":
        rules = publishing_rules(organization)
        quiet = {"quiet_from": rules.quiet.start, "quiet_to": rules.quiet.end} if rules.quiet else {}
        return cls(initial={"gap_minutes": rules.gap_minutes, **quiet})

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        start, end = cleaned.get("quiet_from"), cleaned.get("quiet_to")
        if (start is None) != (end is None) and not self.errors:
            raise ValidationError(_("Quiet hours need both a start and an end."))
        if start is not None and start == end:
            raise ValidationError(_("Quiet hours must start and end at different times."))
        return cleaned


class NotificationMailForm(forms.Form):
    """A box for each kind of notification that can be mailed. ``choices`` are kind -> whether it is mailed."""

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields_of = {f"kind_{number}": kind for number, kind in enumerate(kinds())}
        for name, kind in self.fields_of.items():
            on = user.pk in wants_mail([user.pk], kind.name)
            self.fields[name] = forms.BooleanField(label=str(kind.label), required=False, initial=on)

    @property
    def choices(self) -> dict[str, bool]:
        return {kind.name: bool(self.cleaned_data[name]) for name, kind in self.fields_of.items()}


class RoleForm(forms.Form):
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)


class InviteForm(forms.Form):
    email = stored_text(
        Invitation, "email", label=_("Email address"), widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
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
