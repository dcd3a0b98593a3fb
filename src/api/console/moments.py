"""Moments in forms: there a clock on the wall of the tenant's zone tells them, as `2025-01-15T07:30`."""

import re
from contextlib import suppress
from datetime import date, datetime, tzinfo

from domain.gaming_day import GamingDays
from domain.instant import DATE, format_instant, parse_datetime

_ON_CLOCK = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?", re.ASCII)
_FINEST_IN_FORM_MICROS = 1_000


def in_utc(text: str, zone: tzinfo) -> str:
    """Write a moment as RFC 3339 in UTC: what a clock in a zone tells, or what says its offset.

    Dates stay, and so does what is no moment: the API says what is wrong with it.
    """
    with suppress(ValueError, OverflowError):
        if _ON_CLOCK.fullmatch(text):
            return format_instant(datetime.fromisoformat(text).replace(tzinfo=zone))
        return format_instant(_instant(text))
    return text


def on_clock(text: str, days: GamingDays, zone: tzinfo) -> str | None:
    """Write a moment as `<input type="datetime-local">` has it, a date as the beginning of that gaming day.

    None for what is no moment, or is finer than that field can tell.
    """
    if not text:
        return ""
    with suppress(ValueError, OverflowError):
        local = _local(text, days, zone)
        if local.microsecond % _FINEST_IN_FORM_MICROS == 0:
            return local.isoformat(timespec="milliseconds" if local.microsecond else "seconds")
    return None


def just_after(instant: str) -> str:
    """Write the first moment after an RFC 3339 time; what is none stays as it is."""
    with suppress(ValueError, OverflowError):
        return format_instant(parse_datetime(instant) + datetime.resolution)
    return instant


def _local(text: str, days: GamingDays, zone: tzinfo) -> datetime:
    if _ON_CLOCK.fullmatch(text):
        return datetime.fromisoformat(text)
    is_day = DATE.fullmatch(text)
    moment = days.begin(date.fromisoformat(text)) if is_day else _instant(text)
    return moment.astimezone(zone).replace(tzinfo=None)


def _instant(text: str) -> datetime:
    # In an address a `+` that was not encoded reads as a space.
    return parse_datetime(text.replace(" ", "+"))
