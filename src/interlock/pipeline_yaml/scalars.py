"""The small texts of a pipeline file (durations, deadlines, dates, names) and what is made of each."""

from __future__ import annotations

import re
import zoneinfo
from datetime import date, time, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from interlock.domain.pipeline import Deadline
from interlock.pipeline_yaml.mistake import closest, shown

DURATION = r"^(?=.)([0-9]{1,4}d)?([0-9]{1,6}h)?([0-9]{1,7}m)?([0-9]{1,8}s)?$"
DEADLINE = r"^([01][0-9]|2[0-3])?:[0-5][0-9]$"
TIME = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
DATE = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
THRESHOLD = r"^[0-9]{1,18}(\.[0-9]{1,18})?%?$"
PIPELINE_ID = r"^[A-Za-z0-9._-]{1,128}$"
SENSOR_KEY = r"^[^#\u0000-\u001f\u007f-\u009f]+$"
ONE_LINE = r"^[^\u0000-\u001f\u007f-\u009f]+$"
# ISO 3166 country, its subdivision (ISO 3166-2), or an exchange's market identifier (ISO 10383).
HOLIDAYS = r"^([A-Z]{2}(-[A-Z0-9]{1,3})?|[A-Z]{4})$"

WORDS_FOR_PATTERN = {
    PIPELINE_ID: 'may hold only letters, digits, ".", "_" and "-", at most 128 of them',
    SENSOR_KEY: 'may hold neither "#" (which parts a key from its period) nor control characters',
    ONE_LINE: "must be one line without control characters",
    HOLIDAYS: 'must be a country, a region or an exchange, such as "US", "US-NY" or "XNYS"',
}

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_LONGEST_KEY_BYTES = 256  # a sort key has 1024, and the period is appended


def _text(value: Any, pattern: str, otherwise: str) -> re.Match[str]:
    found = re.match(pattern, value) if isinstance(value, str) and not value.endswith("\n") else None
    if found is None:
        raise ValueError(f"{otherwise}, not {shown(value)}")
    return found


def read_duration(value: Any) -> timedelta:
    """`90s`, `5m`, `1h30m`, `2d`."""
    found = _text(value, DURATION, "must be a duration such as 90s, 5m, 1h30m or 2d")
    days, hours, minutes, seconds = (int(part[:-1]) if part else 0 for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def duration_text(duration: timedelta) -> str:
    """`1h30m`: the way to write it."""
    left, text = int(duration.total_seconds()), ""
    for unit, seconds in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, left = divmod(left, seconds)
        text += f"{count}{unit}" if count else ""
    return text or "0s"


def between(shortest: str, longest: str) -> AfterValidator:
    """Bounds for a `Duration`."""
    low, high = read_duration(shortest), read_duration(longest)

    def check(value: timedelta) -> timedelta:
        if not low <= value <= high:
            raise ValueError(f"must be between {shortest} and {longest}, not {duration_text(value)}")
        return value

    return AfterValidator(check)


def read_deadline(value: Any) -> Deadline:
    """`HH:MM` or `:MM`."""
    _text(value, DEADLINE, 'must be a time such as "07:30", or ":45" for each hour')
    hour, minute = value.split(":")
    return Deadline(minute=int(minute), hour=int(hour) if hour else None)


def _read_time(value: Any) -> time:
    _text(value, TIME, 'must be a time such as "07:30"')
    return time.fromisoformat(value)


def _read_date(value: Any) -> date:
    _text(value, DATE, "must be a date such as 2026-12-25")
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise ValueError(f"{value} is no date; look at the calendar") from error


def _read_day(value: Any) -> int:
    word = value.lower() if isinstance(value, str) else ""
    for number, day in enumerate(_DAYS):
        if word in (day, day[:3]):
            return number
    raise ValueError(_not_one_of(value, _DAYS))


def read_threshold(value: Any) -> tuple[Decimal, bool]:
    """How much may change, and whether that is percent: `100`, `0.5`, `"5%"`."""
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        return Decimal(str(value)), False
    _text(value, THRESHOLD, 'must be a number of 0 or more, or a percentage such as "5%"')
    return Decimal(value.removesuffix("%")), value.endswith("%")


def _check_key(value: str) -> str:
    if len(value.encode()) > _LONGEST_KEY_BYTES:
        raise ValueError(f"is longer than {_LONGEST_KEY_BYTES} bytes; shorten it")
    return value


@cache
def _zones() -> frozenset[str]:
    # Not ZoneInfo(name): that also opens `localtime`, `posixrules` and zones with leap seconds.
    return frozenset(zoneinfo.available_timezones()) - {"localtime", "Factory"}


def _check_zone(value: str) -> str:
    if value in _zones():
        return value
    meant = closest(value, _zones())
    hint = f"did you mean {meant}?" if meant else "write one such as Europe/Berlin or UTC"
    raise ValueError(f"{shown(value)} is not an IANA timezone; {hint}")


def _not_one_of(value: Any, choices: tuple[str, ...]) -> str:
    meant = closest(value, choices) if isinstance(value, str) else None
    hint = f"did you mean {meant}?" if meant else f"use one of {', '.join(choices)}"
    return f"{shown(value)} is not known here; {hint}"


def one_of(kind: type[StrEnum], *, any_case: bool = False) -> BeforeValidator:
    """Reads a word of `kind`, with a suggestion when it is misspelt."""
    choices = tuple(str(choice) for choice in kind)

    def read(value: Any) -> StrEnum:
        for choice in kind:
            if isinstance(value, str) and (value == choice or (any_case and value.lower() == choice.lower())):
                return choice
        raise ValueError(_not_one_of(value, choices))

    return BeforeValidator(read)


def _as_text(kind: str, pattern: str, *examples: str) -> WithJsonSchema:
    return WithJsonSchema({"type": kind, "pattern": pattern, "examples": list(examples)})


Duration = Annotated[
    timedelta,
    BeforeValidator(read_duration),
    _as_text("string", DURATION, "90s", "5m", "1h30m", "2d"),
]
DeadlineText = Annotated[
    Deadline, BeforeValidator(read_deadline), _as_text("string", DEADLINE, "07:30", ":45")
]
TimeText = Annotated[time, BeforeValidator(_read_time), _as_text("string", TIME, "07:30")]
DateText = Annotated[date, BeforeValidator(_read_date), _as_text("string", DATE, "2026-12-25")]
Day = Annotated[
    int,
    BeforeValidator(_read_day),
    WithJsonSchema({"type": "string", "enum": [*_DAYS, *(day[:3] for day in _DAYS)]}),
]
Threshold = Annotated[
    tuple[Decimal, bool],
    BeforeValidator(read_threshold),
    WithJsonSchema(
        {
            "anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": THRESHOLD}],
            "examples": [100, "5%"],
        }
    ),
]
Timezone = Annotated[
    str, AfterValidator(_check_zone), WithJsonSchema({"type": "string", "examples": ["UTC", "Europe/Berlin"]})
]
SensorKey = Annotated[
    str, Field(min_length=1, max_length=256, pattern=SENSOR_KEY), AfterValidator(_check_key)
]
Name = Annotated[str, Field(pattern=PIPELINE_ID)]
Line = Annotated[str, Field(min_length=1, max_length=256, pattern=ONE_LINE)]
Prose = Annotated[str, Field(min_length=1, max_length=4000)]
