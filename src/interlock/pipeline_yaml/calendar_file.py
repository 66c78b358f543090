"""A user's calendar file (`calendar: {name, dates, days}`) to a `Calendar`, or to every mistake in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml
from pydantic import Field, ValidationError

from interlock.domain.calendar import Calendar
from interlock.pipeline_yaml.agreements import empty_values
from interlock.pipeline_yaml.document import compose, read_node
from interlock.pipeline_yaml.explain import explain
from interlock.pipeline_yaml.mistake import Mistake, PipelineInvalid, YamlPath, closest
from interlock.pipeline_yaml.model import Dates
from interlock.pipeline_yaml.rules import Section
from interlock.pipeline_yaml.scalars import Day, Name

_MOST_SHOWN = 20
# Perhaps at the top; an editor may have put a byte order mark before it.
_PERHAPS = re.compile(rb"""^(\xef\xbb\xbf)?[\s{]*["']?calendar["']?\s*:""", re.MULTILINE)


class CalendarSection(Section):
    """A named set of days."""

    name: Name = Field(description="What pipelines call it in include.calendar and exclude.calendar.")
    dates: Dates = Field(default=[], description="Dates, YYYY-MM-DD.")
    days: list[Day] = Field(default=[], max_length=100, description="Weekdays by name: each of them.")


class CalendarFile(Section):
    """An Interlock calendar."""

    calendar: CalendarSection = Field(description="Which days, and what they are called together.")


@dataclass(frozen=True, slots=True)
class CheckedCalendar:
    """A valid calendar, and what its author may want to think about."""

    calendar: Calendar
    warnings: tuple[Mistake, ...] = ()
    line: int = 1  # of `calendar.name`


@dataclass(frozen=True, slots=True)
class NamedCalendar:
    """Where a pipeline file names a calendar."""

    name: str
    at: Mistake  # without a message

    def missing(self, known: Iterable[str]) -> Mistake:
        """It is none of `known`: what to do about that."""
        names = sorted(known)
        meant = closest(self.name, names)
        if meant:
            hint = f"did you mean {meant}?"
        else:
            hint = f"add a file with calendar: {{name: {self.name}, dates: [...]}}"
            hint += f", or name one of {', '.join(names[:_MOST_SHOWN])}" if names else ""
        message = f"there is no calendar {self.name}; {hint}"
        return Mistake(self.at.file, self.at.line, self.at.path, message)


def is_calendar_file(text: bytes) -> bool:
    """Whether it has `calendar` at its top, and no `pipeline`. A text that is no YAML is not known to be one."""
    if not _PERHAPS.search(text):
        return False  # spares most files the second parsing
    try:
        node = compose(text, "")
    except PipelineInvalid:
        return False
    keys = {key.value for key, _ in node.value} if isinstance(node, yaml.MappingNode) else set()
    return "calendar" in keys and "pipeline" not in keys


def check_calendar(text: str | bytes, file: str) -> CheckedCalendar:
    """The calendar that `text` describes; raises `PipelineInvalid`. `file` is what mistakes call it."""
    document = read_node(compose(text, file), file)
    found = [
        document.mistake(path, message)
        for path, message in _findings(document.data)
        if path not in document.unreadable
    ]
    if document.mistakes or found:
        raise PipelineInvalid(document.mistakes + found)
    section = CalendarFile.model_validate(document.data).calendar
    calendar = Calendar(section.name, frozenset(section.dates), frozenset(section.days))
    warnings = []
    if not (calendar.dates or calendar.days):
        warnings.append(document.mistake(("calendar",), "holds no day; add dates or days"))
    return CheckedCalendar(calendar, tuple(warnings), document.line(("calendar", "name")))


def _findings(data: Any) -> Iterator[tuple[YamlPath, str]]:
    empty = dict(empty_values(data))
    yield from empty.items()
    try:
        CalendarFile.model_validate(data)
    except ValidationError as error:
        yield from ((path, message) for path, message in explain(error, CalendarFile) if path not in empty)
