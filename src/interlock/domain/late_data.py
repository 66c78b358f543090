"""Late data: does what a sensor says now differ, as rules compare values, from what the run read?"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any

from interlock.domain.rule_check import field_value
from interlock.domain.sensor import Reading, Unseen
from interlock.domain.sensor_value import as_number, baseline_value

# sensor -> field -> value in its kept form; None: looked at, and there was none.
Values = Mapping[str, Mapping[str, Any]]
Readings = Mapping[str, Reading | Unseen]

_EXACT = Context(prec=200)  # more digits than a number may have here


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that has another value than the run read."""

    sensor: str
    field: str
    before: Any  # None: the run found none
    value: Any

    @property
    def fact(self) -> str:
        """Names the difference in `run.told`: each is told once."""
        return f"late:{fact_digest(self.sensor, self.field, self.value)}"


def differences(read: Values, fields: Mapping[str, Sequence[str]], readings: Readings) -> list[Difference]:
    """Of `fields`, those that the run looked at. A value that is gone is no difference, one that is new is."""
    found = []
    for sensor, reading in readings.items():
        if isinstance(reading, Unseen):
            continue
        for field in fields.get(sensor, ()):
            known = read.get(sensor, {})
            value = value_of(reading, field)
            # A field that nobody looked at is one of a later config: what it was then is not known.
            if value is None or field not in known or value_mark(known[field]) == value_mark(value):
                continue
            found.append(Difference(sensor, field, known[field], value))
    return found


def value_of(reading: Reading | Unseen | None, field: str) -> Any:
    """A field's value in the form in which rows keep it; None when there is none."""
    if not isinstance(reading, Reading):
        return None
    value = field_value(reading, field)
    return None if value is None else baseline_value(value)


def value_mark(value: Any) -> str | None:
    """The same text for values that `equals` takes for the same: 10, 10.0 and "10"; true and "true"."""
    if value is None:
        return None
    number = as_number(value)
    if number is not None:
        return f"number {Decimal(number).normalize(_EXACT)}"
    text = str(value).lower() if isinstance(value, (bool, str)) else None
    return f"truth {text}" if text in ("true", "false") else f"text {value}"


def fact_digest(sensor: str, field: str, value: Any) -> str:
    """`<field>.<value>`, short and of fixed length: a run's row remembers many."""
    return f"{_digest(sensor, field)[:10]}.{_digest(str(value_mark(value)))[:14]}"


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


REJECTED = "rerun-rejected"
_WRITTEN = "written:"
_MOST_VALUES = 100


def written_mark(sensor: str) -> str:
    """In `run.told`: somebody wrote this postRun sensor after the success."""
    return f"{_WRITTEN}{sensor}"


def remembered(told: Sequence[str], *facts: str) -> tuple[str, ...]:
    """What a run was told of, and these; so that a source that never rests fills no row, of values the latest 100.

    And the last of each field: the next look at all of them finds nothing to be told again, however many they are.
    """
    whole = tuple(dict.fromkeys((*told, *facts)))
    marks = tuple(fact for fact in whole if fact == REJECTED or fact.startswith(_WRITTEN))
    values = tuple(fact for fact in whole if fact not in marks)
    last_of_field = {fact.partition(".")[0]: fact for fact in values}
    kept = {*last_of_field.values(), *values[-_MOST_VALUES:]}
    return (*marks, *(fact for fact in values if fact in kept))
