"""Is this a cron that a pipeline can have, and does its zone change clocks?"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from interlock.domain.fires import croniters
from interlock.pipeline_yaml.mistake import shown

_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_DAYS = "sun|mon|tue|wed|thu|fri|sat"
# Name, smallest, largest, names. croniter alone would read more than cron knows: H, R (chance), W (ignored).
_FIELDS = (
    ("minute", 0, 59, ""),
    ("hour", 0, 23, ""),
    ("day of month", 1, 31, ""),
    ("month", 1, 12, _MONTHS),
    ("weekday", 0, 7, _DAYS),
)
_ITEM = r"(?:\*|(?P<first>{one})(?:-(?P<last>{one}))?)(?:/(?P<step>[0-9]{{1,4}}))?"
_SPECIAL = {"day of month": r"\?|l", "weekday": rf"\?|l(?:[0-7]|{_DAYS})|(?:[0-7]|{_DAYS})#[1-5]"}
_SOME_YEAR = datetime(2024, 1, 1)  # a leap year, so that 29 February is found  # noqa: DTZ001  # cron has no zone


def check_cron(cron: str) -> str:
    """`cron` itself; raises `ValueError` with what is wrong in which field."""
    fields = cron.split()
    if len(fields) != len(_FIELDS):
        raise ValueError(
            f"{shown(cron)} has {len(fields)} fields, not 5; "
            'write minute, hour, day of month, month, weekday, such as "0 6 * * 1-5"'
        )
    for text, (name, low, high, names) in zip(fields, _FIELDS, strict=True):
        for item in text.lower().split(","):
            _check_item(item, name, low, high, names)
    _check_fires(cron, weekday=fields[4])
    return " ".join(fields)


def _check_fires(cron: str, weekday: str) -> None:
    try:
        # As the domain will read it, which is not always as croniter alone would.
        first, *_ = croniters(cron, _SOME_YEAR)
    except ValueError as error:
        raise ValueError(
            f"{shown(cron)} is no cron ({error}); write plain numbers, ranges, lists or steps"
        ) from error
    if weekday not in ("*", "?"):
        return  # either day is enough, and each weekday comes
    try:
        first.get_next()
    except ValueError as error:
        raise ValueError(f"{shown(cron)} never fires; look at day and month") from error


def _check_item(item: str, name: str, low: int, high: int, names: str) -> None:
    special = _SPECIAL.get(name)
    if special and re.fullmatch(special, item):
        return
    one = f"[0-9]{{1,4}}|{names}" if names else "[0-9]{1,4}"
    found = re.fullmatch(_ITEM.format(one=one), item)
    if found is None:
        raise ValueError(
            f"{shown(item)} is no {name}; use {low}-{high}, ranges, lists, steps"
            + (" or names" if names else "")
        )
    for number in (found["first"], found["last"]):
        if number and number.isdigit() and not low <= int(number) <= high:
            raise ValueError(f"{name} {number} is out of range; use {low}-{high}")
    if found["step"] and not 1 <= int(found["step"]) <= high:
        raise ValueError(f"a step of {found['step']} does not fit {name}; use 1-{high}")


def has_summer_time(timezone: str) -> bool:
    """Whether clocks in `timezone` change within a year."""
    # Far enough ahead that a zone which has given it up since (Mexico, Turkey) counts as steady.
    year = datetime(2035, 1, 1, tzinfo=UTC)
    zone = ZoneInfo(timezone)
    return len({(year + timedelta(days=day)).astimezone(zone).utcoffset() for day in range(0, 365, 7)}) > 1
