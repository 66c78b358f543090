"""What a stranger's value means to a rule, worked out a second time: numbers, truths, instants, and which are the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from math import isfinite
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS_BELOW = 10**11  # a larger number is an epoch in milliseconds
_LONGEST_NUMBER, _LONGEST_INSTANT = 100, 64  # characters
_NUMERIC = frozenset("0123456789.eE+-")
_KEPT_WHOLE = 200  # characters of a text: a baseline keeps a digest of a longer one


def number_of(value: Any) -> Fraction | None:
    """Numbers, and text that writes one; never a boolean."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str):
        return _written_number(value)
    if isinstance(value, float):
        # As it is written: 0.1 means a tenth.
        return Fraction(repr(value)) if isfinite(value) else None
    if isinstance(value, Decimal):
        return Fraction(value) if value.is_finite() else None
    return Fraction(value) if isinstance(value, int) else None


def _written_number(text: str) -> Fraction | None:
    bare = text.strip()
    if len(text) > _LONGEST_NUMBER or not bare or not set(bare) <= _NUMERIC:
        return None
    exponent = bare.lower().partition("e")[2].lstrip("+-")
    if len(exponent) > 3:
        return None
    try:
        return Fraction(Decimal(bare))
    except (InvalidOperation, ValueError):
        return None


def truth_of(value: Any) -> bool | None:
    """true and false, and the text that writes them."""
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else None


def same(value: Any, wanted: Any) -> bool:
    """Whether `equals` takes a value for the wanted one."""
    number = number_of(wanted)
    if number is not None:
        return number_of(value) == number
    truth = truth_of(wanted)
    if truth is not None:
        return truth_of(value) is truth
    return isinstance(wanted, str) and isinstance(value, str) and value == wanted


def can_be_compared(value: Any) -> bool:
    return isinstance(value, (str, bool)) or number_of(value) is not None


def instant_of(value: Any) -> datetime | None:
    """ISO 8601, UTC unless it says otherwise, or an epoch in seconds or milliseconds. Eight digits of text are a date."""
    number = number_of(value)
    if isinstance(value, str) and (number is None or len(value) == 8):
        if len(value) > _LONGEST_INSTANT:
            return None
        with suppress(ValueError, OverflowError):
            read = datetime.fromisoformat(value.strip())
            return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
        return None
    if number is None or not 0 <= number < 1000 * _SECONDS_BELOW:
        return None
    milliseconds = number * 1000 if number < _SECONDS_BELOW else number
    return _EPOCH + timedelta(milliseconds=float(milliseconds))


def field_of(values: Mapping[str, Any], name: str) -> Any:
    """The field of that whole name, else along its dots into maps; None when there is none."""
    found: Any = values.get(name)
    if found is None and "." in name:
        found = values
        for part in name.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    return found


def mark_of(value: Any) -> tuple[str, Any] | None:
    """Equal for values that are the same to a rule. None where there is no value, or one that a baseline keeps no whole of."""
    number = number_of(value)
    if number is not None:
        return "number", number
    truth = truth_of(value)
    if truth is not None:
        return "truth", truth
    if isinstance(value, str) and len(value) <= _KEPT_WHOLE and value.isprintable():
        return "text", value
    return None


def canonical(value: Any) -> str:
    """Text that is the same for equal values, to tell one change of a field from the next."""
    mark = mark_of(value)
    return repr(mark) if mark else json.dumps(value, sort_keys=True, default=repr)
