"""The forms of the sandbox's pages."""

from typing import TYPE_CHECKING

from django import forms

from sandbox.models import Account, Event, Fault, PlatformName

if TYPE_CHECKING:
    _AccountField = forms.ModelChoiceField[Account]
else:
    _AccountField = forms.ModelChoiceField


class AccountField(_AccountField):
    """Accounts told apart by their platform: a club has the same name on each."""

    def label_from_instance(self, obj: Account) -> str:
        return f"{obj} ({obj.get_platform_display()})"


class FaultForm(forms.Form):
    """An order to misbehave."""

    platform = forms.ChoiceField(choices=[(Fault.ANY_PLATFORM, "Any platform"), *PlatformName.choices])
    operation = forms.ChoiceField(
        choices=[
            ("any", "Any call"),
            ("publish", "Publish: make, edit or delete a post"),
            ("media", "Media: upload, alt text, processing"),
            ("token", "Token: exchange, refresh, revoke"),
            ("read", "Read: account, posts, mentions"),
            ("metrics", "Metrics: counters of posts"),
            ("engage", "Engage: comment"),
        ]
    )
    fault = forms.ChoiceField(choices=Fault.Kind.choices)
    times = forms.IntegerField(
        required=False, min_value=0, initial=1, help_text="How many calls it hits; 0: every one until it is removed."
    )
    probability = forms.FloatField(
        required=False, min_value=0, max_value=1, help_text="0 to 1; empty: every fitting call."
    )
    value = forms.FloatField(
        required=False, min_value=0, help_text="Milliseconds, seconds or a status, as the fault says."
    )


class EventForm(forms.Form):
    """Something that the outside world does."""

    kind = forms.ChoiceField(choices=Event.Kind.choices)
    account = AccountField(queryset=Account.objects.exclude(kind=Account.Kind.PERSON), empty_label=None, label="To")
    author_name = forms.CharField(initial="Joe Almeida", max_length=100, label="From")
    author_username = forms.CharField(initial="joe_almeida", max_length=30, label="Handle")
    text = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), max_length=2000)
