"""Forms of the connection pages."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.forms import stored_text
from accounts.text import PRINTABLE_ASCII
from connections.models import PlatformApp


class PlatformAppForm(forms.Form):
    """An organization's own app at a platform. The stored secret is never shown: empty means keep it."""

    client_id = stored_text(
        PlatformApp,
        "client_id",
        label=_("Client ID"),
        validators=[PRINTABLE_ASCII],
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    client_secret = forms.CharField(
        label=_("Client secret"),
        validators=[PRINTABLE_ASCII],
        max_length=500,
        required=False,
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, has_secret: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if has_secret:
            self.fields["client_secret"].help_text = _("Leave empty to keep the current secret.")
        else:
            self.fields["client_secret"].required = True
