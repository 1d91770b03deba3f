"""When a composition goes out: what a person chose, as a moment and in words."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from publishing.composer import AccountCheck, listed
from publishing.moment_fields import day_in_words
from publishing.zones import AmbiguousTime, ImplausibleTime, NonexistentTime, local_to_utc


@dataclass(frozen=True)
class Choice:
    """One way to read a time that the clocks skip or pass twice: a field's name and value, and the words beside it."""

    name: str
    value: str
    label: str
    is_chosen: bool = False


@dataclass(frozen=True)
class When:
    """A person's choice of time. ``kind`` is now, at or draft; ``at`` aware UTC, None unless ``kind`` is "at" and the
    time can be used; ``problem`` a sentence when it cannot; ``choices`` what to choose between on a clock change."""

    kind: str
    at: datetime | None = None
    problem: str = ""
    note: str = ""
    choices: tuple[Choice, ...] = ()


def resolve_when(
    kind: str, wanted: datetime | None, *, zone: ZoneInfo, now: datetime, fold: str = "", instead: str = ""
) -> When:
    """Turn the form's fields into a moment.

    ``wanted`` is naive wall time, None when date or time are missing or unreadable. ``fold`` ("0" or "1") decides a time
    that happens twice, ``instead`` (ISO wall time) replaces one that does not exist.
    """
    if kind != "at":
        return When(kind)
    if wanted is None:
        return When(
            kind,
            problem=_("Enter a date such as %(day)s and a time such as 09:00.")
            % {"day": day_in_words(now.astimezone(zone).date())},
        )
    choices: tuple[Choice, ...] = ()
    note = ""
    try:
        at = local_to_utc(wanted, zone)
    except AmbiguousTime as error:
        choices = tuple(
            Choice("fold", value, _("%(time)s, %(which)s (%(offset)s)") % {
                "time": f"{wanted:%H:%M}", "which": words, "offset": offset_name(moment, zone),
            }, fold == value)
            for value, words, moment in (("0", _("the first time"), error.first), ("1", _("the second time"), error.second))
        )  # fmt: skip
        if fold not in {"0", "1"}:
            return When(kind, problem=str(error), choices=choices)
        at, note = (error.second if fold == "1" else error.first), str(error)
    except ImplausibleTime as error:
        return When(kind, problem=str(error))
    except NonexistentTime as error:
        options = {f"{moment:%Y-%m-%dT%H:%M}": moment for moment in (error.before, error.after)}
        choices = tuple(
            Choice(
                "instead", value, f"{moment:%H:%M} ({offset_name(local_to_utc(moment, zone), zone)})", instead == value
            )
            for value, moment in options.items()
        )
        if instead not in options:
            return When(kind, problem=str(error), choices=choices)
        at, note = local_to_utc(options[instead], zone), str(error)
    if at <= now:
        local = at.astimezone(zone)
        return When(
            kind,
            problem=_("%(time)s is in the past (it is %(now)s now). Choose a later time, or “Now”.")
            % {"time": date_format(local, "j F Y, H:i"), "now": date_format(now.astimezone(zone), "H:i")},
            choices=choices,
        )
    return When(kind, at=at, note=note, choices=choices)


def offset_name(moment: datetime, zone: ZoneInfo) -> str:
    """``UTC+1`` or ``UTC+5:30``."""
    seconds = int((moment.astimezone(zone).utcoffset() or timedelta()).total_seconds())
    sign, minutes = ("-" if seconds < 0 else "+"), abs(seconds) // 60
    rest = f":{minutes % 60:02d}" if minutes % 60 else ""
    return f"UTC{sign}{minutes // 60}{rest}"


def what_happens(when: When, checks: list[AccountCheck], *, zone: ZoneInfo, zone_name: str, now: datetime) -> str:
    """The "When" row in words: who gets it, on which day, in which zone, how long from now."""
    if when.problem:
        return ""
    if when.kind == "draft":
        return _("Saved as a draft. It won't be published until you schedule it.")
    if not checks:
        return _("Choose at least one account.")
    names = listed([one.label for one in checks])
    if when.at is None:
        return _("Publishes to %(names)s within seconds.") % {"names": names}
    local = when.at.astimezone(zone)
    return _("Publishes to %(names)s on %(day)s at %(time)s (%(zone)s, %(offset)s), %(distance)s.") % {
        "names": names,
        "day": date_format(local, "l j F Y"),
        "time": date_format(local, "H:i"),
        "zone": zone_name,
        "offset": offset_name(when.at, zone),
        "distance": _distance(when.at, now, zone),
    }


def _distance(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    minutes = int((at - now).total_seconds() // 60)
    days = (at.astimezone(zone).date() - now.astimezone(zone).date()).days
    if minutes < 1:
        return _("in less than a minute")
    if minutes < 60:
        return ngettext("in %(n)d minute", "in %(n)d minutes", minutes) % {"n": minutes}
    if days == 0:
        return _("today")
    if days == 1:
        return _("tomorrow")
    return _("in %(n)d days") % {"n": days}


def submit_label(when: When, *, zone: ZoneInfo) -> str:
    """The words on the one button that acts."""
    if when.kind == "draft":
        return _("Save draft")
    if when.kind == "now":
        return _("Publish now")
    if when.at is None:
        return _("Schedule")
    return _("Schedule · %(time)s") % {"time": date_format(when.at.astimezone(zone), "D j M, H:i")}
