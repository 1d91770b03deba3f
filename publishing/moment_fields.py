"""Days and times as people type them, whatever their browser would have made of them.

A browser writes dates in its own language beside ours, which are in the organization's. These fields show ours.
"""

import re
from datetime import date, time
from typing import Any

from django import forms
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

DAY_FORMAT = "j M Y"
"""``29 Nov 2026``, in the language of the page."""

_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_NUMBERS = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})")
_CLOCK = re.compile(r"(\d{1,2})(?:[:.h]?(\d{2}))?(?::\d{2})?\s*(am|pm)?", re.IGNORECASE)


def day_in_words(day: date) -> str:
    return date_format(day, DAY_FORMAT)


def parse_day(text: str) -> date | None:
    """``29 Nov 2026`` and its like in the page's language, with or without a weekday; ISO; day, month and year in numbers.
    None for anything else."""
    text = text.strip().lower()
    if found := _ISO.fullmatch(text):
        year, month, day = map(int, found.groups())
    elif found := _NUMBERS.fullmatch(text):
        day, month, year = map(int, found.groups())
    else:
        numbers = [int(part) for part in re.findall(r"\d+", text)]
        months = {number for word in re.findall(r"[^\W\d_]+", text) if (number := _month(word))}
        if len(numbers) != 2 or len(months) != 1:
            return None
        (day, year), month = sorted(numbers), months.pop()
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _month(word: str) -> int | None:
    """The month whose name begins with these (at least three) letters."""
    for number in range(1, 13):
        names = {date_format(date(2000, number, 1), form).lower() for form in ("F", "M", "N")}
        if any(len(word) >= 3 and name.startswith(word) for name in names):
            return number
    return None


def parse_clock(text: str) -> time | None:
    """``9:00``, ``09:00``, ``9.30``, ``0930``, ``9``, ``9 pm``. None for anything else."""
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        return None
    hour, minute, half = int(found[1]), int(found[2] or 0), (found[3] or "").lower()
    if half and not 1 <= hour <= 12:
        return None
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None


class DayField(forms.Field):
    default_error_messages = {"invalid": _("Enter a date such as 29 Nov 2026.")}

    def clean(self, value: Any) -> date | None:
        text = super().clean(value) or ""
        found = parse_day(text)
        if text.strip() and found is None:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return found


class ClockField(forms.Field):
    default_error_messages = {"invalid": _("Enter a time such as 09:00.")}

    def clean(self, value: Any) -> time | None:
        text = super().clean(value) or ""
        found = parse_clock(text)
        if text.strip() and found is None:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return found
