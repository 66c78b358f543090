"""Named calendars, and whether a pipeline runs on a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from interlock.domain.execution_date import calendar_date
from interlock.domain.pipeline import Pipeline

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
HOLIDAYS = "holidays:"  # begins the name of a computed calendar; no user's calendar may hold a colon


@dataclass(frozen=True, slots=True)
class Calendar:
    """A named set of days."""

    name: str
    dates: frozenset[date] = frozenset()
    days: frozenset[int] = frozenset()  # 0 is Monday, as in date.weekday()

    def __contains__(self, day: date) -> bool:
        return day in self.dates or day.weekday() in self.days

    @classmethod
    def from_mapping(cls, name: str, written: Mapping[str, Any]) -> Calendar:
        """From `{dates: ["2026-12-25"], days: [sunday]}`. `ValueError` names what is unreadable."""
        return cls(
            name,
            frozenset(_written_date(name, text) for text in _written_list(name, written, "dates")),
            frozenset(_written_day(name, text) for text in _written_list(name, written, "days")),
        )


def _written_list(name: str, written: Mapping[str, Any], attribute: str) -> list[Any]:
    values = written.get(attribute, [])
    if not isinstance(values, (list, tuple)):
        raise ValueError(f"calendar {name}: {attribute} is not a list")
    return list(values)


def _written_date(name: str, text: Any) -> date:
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError):
        raise ValueError(f"calendar {name}: {str(text)[:40]!r} is not a date; write 2026-12-25") from None


def _written_day(name: str, text: Any) -> int:
    if isinstance(text, str) and text.lower() in WEEKDAYS:
        return WEEKDAYS.index(text.lower())
    raise ValueError(f"calendar {name}: {str(text)[:40]!r} is not a weekday; write sunday")


def exclusion_reason(pipeline: Pipeline, run_date: str, calendars: Mapping[str, Calendar]) -> str | None:
    """Why there is no run for this date, or None. `calendars` holds those that exist of `calendar_names`."""
    day = calendar_date(run_date)
    return excluded_by(pipeline, day, calendars) or _not_included(pipeline, day, calendars)


def calendar_names(pipeline: Pipeline) -> tuple[str, ...]:
    """The calendars that `exclusion_reason` looks into; `holidays:US` is the computed one of that code."""
    include, exclude = pipeline.schedule.include, pipeline.schedule.exclude
    holidays = exclude and exclude.holidays
    names = (
        include and include.calendar,
        exclude and exclude.calendar,
        f"{HOLIDAYS}{holidays}" if holidays else None,
    )
    return tuple(name for name in names if name)


def excluded_by(pipeline: Pipeline, day: date, calendars: Mapping[str, Calendar]) -> str | None:
    """What of `schedule.exclude` names this day, whatever `include` says of it."""
    exclude = pipeline.schedule.exclude
    if exclude is None:
        return None
    weekday = WEEKDAYS[day.weekday()].capitalize()
    if exclude.weekends and day.weekday() >= 5:
        return f"{day} is a {weekday}, and weekends are excluded"
    if day.weekday() in exclude.days:
        return f"{day} is a {weekday}, and {weekday}s are excluded"
    if day in exclude.dates:
        return f"{day} is an excluded date"
    if exclude.calendar and day in calendars.get(exclude.calendar, ()):
        return f"{day} is excluded by the calendar {exclude.calendar}"
    if exclude.holidays and day in calendars.get(f"{HOLIDAYS}{exclude.holidays}", ()):
        return f"{day} is a holiday ({exclude.holidays})"
    return None


def _not_included(pipeline: Pipeline, day: date, calendars: Mapping[str, Calendar]) -> str | None:
    include = pipeline.schedule.include
    if include is None or day in include.dates:
        return None
    if include.calendar is None:
        return f"{day} is not one of the dates that schedule.include lists"
    if include.calendar not in calendars:
        return f"{day} is not included: there is no calendar {include.calendar}"
    if day in calendars[include.calendar]:
        return None
    return f"{day} is not in the calendar {include.calendar} that schedule.include names"
