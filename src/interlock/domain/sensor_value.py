"""What a stranger's value means (a number, an instant) and how it is shown, stored and compared later.

A reading may hold anything of any size: nothing here raises, and everything shown or stored is bounded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from math import isfinite
from reprlib import Repr
from typing import Any

LONGEST_VALUE = 200  # characters of one value in a verdict or baseline

_NUMBER = re.compile(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?\s*")


def as_number(value: Any) -> int | Decimal | None:
    """The exact finite number that a value is or, as text, writes; None for everything else, booleans too."""
    kind = type(value)
    if kind is int:
        return value  # type: ignore[no-any-return]
    if kind is Decimal:
        return value if value.is_finite() else None
    if kind is float:
        # Through the shortest text: 0.1 is meant as a tenth, and equals the table's Decimal("0.1").
        return Decimal(repr(value)) if isfinite(value) else None
    if kind is str and len(value) <= 100 and _NUMBER.fullmatch(value):
        return Decimal(value)
    return None


# Larger numbers are milliseconds: as seconds they would lie after the year 5138.
_MILLISECONDS_FROM = 10**11
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_instant(value: Any) -> datetime | None:
    """The instant that ISO 8601 text (UTC unless it has an offset) or an epoch (s, ms) means, else None."""
    number = as_number(value)
    # Eight digits as text are a date, as everywhere here.
    if isinstance(value, str) and (number is None or len(value) == 8):
        return _iso_instant(value)
    if number is None or not 0 <= number < 1000 * _MILLISECONDS_FROM:
        return None
    milliseconds = number * 1000 if number < _MILLISECONDS_FROM else number
    return _EPOCH + timedelta(milliseconds=float(milliseconds))


def _iso_instant(text: str) -> datetime | None:
    if len(text) > 64:
        return None
    try:
        read = datetime.fromisoformat(text.strip())
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


class _Bounded(Repr):
    """Python's bounded repr: values of any depth and size, in a few dozen characters."""

    def repr_Decimal(self, value: Decimal, _level: int) -> str:
        return number_text(value)

    def repr_int(self, value: int, _level: int) -> str:
        return number_text(value)


_bounded = _Bounded()
_bounded.maxlevel = 3


def number_text(value: int | float | Decimal) -> str:
    """A number as people write it: 1000000, 0.5; in the exponent's form only when it is huge."""
    if isinstance(value, int) and abs(value) >= 10**40:
        return f"a number of {value.bit_length()} bits"
    if isinstance(value, Decimal) and value.is_finite() and abs(value.adjusted()) < 40:
        return format(value, "f")
    return str(value)


def shown(value: Any, longest: int = 80) -> str:
    """A stranger's value as one short line of text, safe to print: control characters escaped."""
    if isinstance(value, str):
        text = json.dumps(value[: longest + 1], ensure_ascii=False)
    elif value is None or isinstance(value, bool):
        text = json.dumps(value)
    elif isinstance(value, (int, float, Decimal)):
        text = number_text(value)
    else:
        text = _bounded.repr(value)
    return shortened(text, longest)


def shortened(text: str, longest: int) -> str:
    """At most `longest` characters, encodable."""
    if len(text) <= longest and text.isascii():
        return text
    text = text[: longest + 1].encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= longest else text[: longest - 1] + "…"


def duration_text(duration: timedelta) -> str:
    """A duration as the YAML writes it: 1h30m."""
    left, text = duration, ""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, left = divmod(left, timedelta(seconds=size))
        text += f"{count}{unit}" if count else ""
    return text or "0s"


# DynamoDB keeps 38 digits, from 1E-130.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
_LARGEST, _SMALLEST = 10**38, 1e-128


def json_safe(value: Any) -> Any:
    """The value as JSON and DynamoDB both carry it, text where they cannot; at most 200 characters."""
    if value is None or type(value) is bool:
        return value
    if isinstance(value, str):
        return shortened(value, LONGEST_VALUE)
    if isinstance(value, timedelta):
        return duration_text(value)
    number = as_number(value)
    if number is not None and -_LARGEST < number < _LARGEST:
        if number == int(number):
            return int(number)
        if Decimal(repr(float(number))) == number and abs(float(number)) > _SMALLEST:
            return float(number)
    return shown(value, LONGEST_VALUE)


_DIGEST = "sha256:"


def kept_shown(value: Any) -> str:
    """What the baseline keeps of a value, for people: a digest tells them nothing."""
    if isinstance(value, str) and value.startswith(_DIGEST):
        return "a value too long to show"
    return shown(value)


def baseline_value(value: Any) -> Any:
    """What the baseline keeps of a value: the value, or its digest where it is too long to keep."""
    if isinstance(value, str) and len(value) <= LONGEST_VALUE:
        return json_safe(value)
    if value is None or type(value) is bool or as_number(value) is not None:
        return json_safe(value)
    return _DIGEST + sha256(_canonical(value, 40).encode("utf-8", "backslashreplace")).hexdigest()


def _canonical(value: Any, depth: int) -> str:
    # DynamoDB nests 32 levels deep and keeps neither the order of a map nor of a set.
    if depth == 0:
        return "…"
    if isinstance(value, Mapping):
        members = sorted(f"{shown(name)}:{_canonical(member, depth - 1)}" for name, member in value.items())
        return "{" + ",".join(members) + "}"
    if isinstance(value, (set, frozenset)):
        return "{" + ",".join(sorted(_canonical(member, depth - 1) for member in value)) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(_canonical(member, depth - 1) for member in value) + "]"
    if isinstance(value, str):
        return json.dumps(value)
    number = as_number(value)
    return repr(value) if number is None else number_text(number)
