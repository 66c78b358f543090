"""A pipeline's cron in the form that EventBridge Scheduler takes. It may fire too often, never too seldom.

The stream-router asks `schedule.expected_fires` about each fire, so what AWS cannot say is widened, not refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_ANY = ("*", "?")
_LAST_DAYS = frozenset({28, 29, 30, 31})  # any of them may be a month's last


def aws_cron(cron: str) -> str:
    """`cron(minutes hours day-of-month month day-of-week year)`, at most 256 characters.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based
    """
    minute, hour, day, month, weekday = cron.lower().split()
    minutes, hours = _field(_values(minute, 0, 59), 0, 59), _field(_values(hour, 0, 23), 0, 23)
    months = _field(_values(month, 1, 12, _MONTHS), 1, 12)
    return f"cron({minutes} {hours} {_days(day, weekday).format(months=months)} *)"


def _days(day: str, weekday: str) -> str:
    """Day-of-month, month, day-of-week: AWS wants `?` in one of the two days."""
    if day in _ANY and weekday not in _ANY:
        # `5#2` and `L5` become every Friday: in a list, AWS would refuse them.
        return f"? {{months}} {_field(_weekdays(weekday), 0, 6, _WEEKDAYS).upper()}"
    if day not in _ANY and weekday in _ANY:
        return f"{'L' if day == 'l' else _field(_month_days(day), 1, 31)} {{months}} ?"
    # Both set: either is enough, which AWS cannot say.
    return "* {months} ?"


def _month_days(text: str) -> set[int]:
    items = text.split(",")
    last = _LAST_DAYS if "l" in items else frozenset[int]()
    numbers = ",".join(item for item in items if item != "l")
    return set(last) | (_values(numbers, 1, 31) if numbers else set())


def _weekdays(text: str) -> set[int]:
    plain = (item.split("#")[0].removeprefix("l") for item in text.split(","))
    return {value % 7 for value in _values(",".join(plain), 0, 7, _WEEKDAYS)}


def _values(text: str, low: int, high: int, names: Sequence[str] = ()) -> set[int]:
    return {value for item in text.split(",") for value in _item(item, low, high, names)}


def _item(item: str, low: int, high: int, names: Sequence[str]) -> Iterator[int]:
    span, _, step = item.partition("/")
    first, dash, last = span.partition("-")
    if first in _ANY:
        start, end = low, high
    else:
        start = _number(first, low, names)
        # A single value with a step begins there: 5/10 is 5, 15, 25 ...
        end = _number(last, low, names) if dash else (high if step else start)
    if start < end or not dash:
        yield from range(start, end + 1, int(step or 1))
    else:
        # 22-3 goes over midnight; to croniter, 5-5 goes all around. How a step counts on from there is its own.
        yield from (*range(start, high + 1), *range(low, end + 1))


def _number(text: str, low: int, names: Sequence[str]) -> int:
    return names.index(text) + low if text in names else int(text)


def _field(values: set[int], low: int, high: int, names: Sequence[str] = ()) -> str:
    """Lists and ranges: steps and wrapped ranges are spelled out."""
    if values.issuperset(range(low, high + 1)):
        return "*"
    ordered = sorted(values)
    starts = [ordered[0], *(later for earlier, later in pairwise(ordered) if later > earlier + 1)]
    ends = [*(earlier for earlier, later in pairwise(ordered) if later > earlier + 1), ordered[-1]]
    runs = zip(starts, ends, strict=True)
    return ",".join(_run(start, end, names) for start, end in runs)


def _run(start: int, end: int, names: Sequence[str]) -> str:
    first, last = (names[start], names[end]) if names else (str(start), str(end))
    return first if start == end else f"{first}-{last}"
