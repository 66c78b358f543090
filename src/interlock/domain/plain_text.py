"""Values from outside as one line that is safe to show: bounded, no breaks, no controls, nothing hidden."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

# Cc: bells and escape sequences. Zl, Zp: line breaks to some clients.
_BREAKS = frozenset({"Cc", "Zl", "Zp"})


def one_line(text: str, longest: int) -> str:
    """Cut with an ellipsis. Right-to-left overrides and zero-width characters could fake a text: they go."""
    window = text[: longest * 4]  # a value may have 400 KB; what lies beyond is not shown anyway
    words = " ".join("".join(_visible(character) for character in window).split())
    if len(words) <= longest and len(window) == len(text):
        return words
    return words[: longest - 1].rstrip() + "…"


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category in _BREAKS:
        return " "
    if category == "Cf":
        return ""
    return "\ufffd" if category == "Cs" else character  # half a surrogate pair cannot be encoded


def shown(value: Any, longest: int = 200) -> str:
    """Any value as text: the way JSON has it, None as `nothing`. Never raises."""
    match value:
        case None:
            return "nothing"
        case str():
            return one_line(value, longest)
        case datetime():
            return instant(value)
    try:
        is_data = isinstance(value, (bool, Mapping, list, tuple))
        text = json.dumps(value, ensure_ascii=False, default=str) if is_data else str(value)
    except (
        RecursionError,
        TypeError,
        ValueError,
    ):  # nested too deeply, keys that JSON has not, digits without end
        return "(something too odd to show)"
    return one_line(text, longest)


def parse_instant(value: Any) -> datetime | None:
    """An instant that an event's detail carries as ISO 8601; without an offset it is UTC."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value[:40])
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    if value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    try:
        return value.astimezone(UTC)
    except OverflowError:  # the year 1 or 9999, moved over the edge by its offset
        return None


def instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")


def clock(at: datetime, seen_from: datetime) -> str:
    """To the minute, without the date when it is that of `seen_from`."""
    return at.strftime("%H:%M UTC" if at.date() == seen_from.date() else "%Y-%m-%d %H:%M UTC")


def duration(length: timedelta) -> str:
    """`45s`, `12m`, `1h 5m`, `2d 3h`: two units at most, rounded down."""
    seconds = max(0, int(length.total_seconds()))
    if seconds < 60:
        return f"{seconds}s"
    for size, unit, part, part_unit in ((86400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s")):
        if seconds >= size:
            whole, rest = seconds // size, seconds % size // part
            return f"{whole}{unit} {rest}{part_unit}" if rest else f"{whole}{unit}"
    raise AssertionError("one of the sizes fits from a minute on")


def budget_spent(setting: str, most: int) -> str:
    """A budget that allows no more."""
    if not most:
        return f"{setting} is 0"
    return f"{most} of {most} {setting} {'is' if most == 1 else 'are'} used"
