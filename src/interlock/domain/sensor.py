"""What an outside process says about data: one reading, the period it belongs to, and which run may see it.

Everything here comes from strangers: whatever cannot be read is an `InvalidReading`, never another exception.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from interlock.domain.bad_input import BadInput
from interlock.domain.pipeline import Pipeline
from interlock.domain.schedule import Period, cron_form, current_date, execution_date, period_of, period_start
from interlock.domain.sensor_value import as_number, parse_instant, shown


class InvalidReading(BadInput):
    """A reading that cannot be placed or read: says what is wrong and what to write instead."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of a sensor at one time."""

    key: str  # as the pipeline's config names it
    period: str | None  # the execution date it belongs to; None: to every one
    values: Mapping[str, Any]
    updated_at: datetime | None  # None also when `updatedAt` is there but unreadable
    source: str  # the sensor's own key, suffix included


@dataclass(frozen=True, slots=True)
class Unseen:
    """A sensor that a run has nothing from, and why."""

    key: str
    reason: str  # a full sentence
    period: str | None = None  # that its row was written for instead


_TABLE_ATTRIBUTES = frozenset({"PK", "SK", "ttl"})


def split_key(sensor_key: str, configured_keys: Iterable[str]) -> tuple[str, str | None] | None:
    """The configured key that a sensor key means, and its suffix: the whole key, or `<key>#` before it."""
    best: tuple[str, str | None] | None = None
    for key in configured_keys:
        if best is not None and len(key) <= len(best[0]):
            continue
        if sensor_key == key:
            best = key, None
        elif sensor_key.startswith(key + "#"):
            best = key, sensor_key[len(key) + 1 :]
    return best


def parse_reading(sensor_key: str, configured_key: str, attributes: Mapping[str, Any]) -> Reading:
    """The reading in an item. Raises `InvalidReading`."""
    name = sensor_key if sensor_key.isprintable() and len(sensor_key) <= 120 else shown(sensor_key)
    values = _values(name, attributes)
    suffix = sensor_key[len(configured_key) + 1 :] if sensor_key != configured_key else None
    return Reading(
        key=configured_key,
        period=_period(name, suffix, values),
        values=values,
        updated_at=parse_instant(values.get("updatedAt")),
        source=sensor_key,
    )


def _values(name: str, attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    # Both forms mean the same, so a mixed item means both: a `date` beside the map must not go unseen.
    flat = {field: value for field, value in attributes.items() if field not in _TABLE_ATTRIBUTES}
    if "data" not in flat:
        return flat
    data = flat.pop("data")
    if not isinstance(data, Mapping):
        raise InvalidReading(
            f"{name}: `data` is {shown(data)}; write a map of values, or the values beside PK and SK"
        )
    return flat | {field: value for field, value in data.items() if field not in _TABLE_ATTRIBUTES}


def _period(name: str, suffix: str | None, values: Mapping[str, Any]) -> str | None:
    from_key = None if suffix is None else _suffix_period(name, suffix)
    day = _written_day(name, values["date"]) if "date" in values else None
    hour = _written_hour(name, values["hour"]) if "hour" in values else None
    if day is None:
        if hour is None:
            return from_key
        if from_key is None:
            # Today's hour would be a guess: an hour written after midnight may well be yesterday's.
            raise InvalidReading(f"{name}: `hour` is {hour} without a `date`; write both, or neither")
        day = from_key[:10]
    within = day if hour is None else f"{day}T{hour}"
    # One may be finer than the other (a key per day, an hour inside): the finer one places the reading.
    if from_key is None or reading_covers(from_key, within):
        return within
    if reading_covers(within, from_key):
        return from_key
    raise InvalidReading(
        f"{name}: the key says {from_key}, `date` and `hour` say {within}; write one period in both"
    )


_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{8}"
_PERIOD = re.compile(rf"({_DAY})(T[0-9]{{2}}(?::[0-9]{{2}})?)?")


def _canonical_period(text: str) -> str | None:
    found = _PERIOD.fullmatch(text)
    if found is None:
        return None
    day = found[1] if "-" in found[1] else f"{found[1][:4]}-{found[1][4:6]}-{found[1][6:]}"
    period = day + (found[2] or "")
    try:
        period_start(period)
    except ValueError:
        return None
    return period


def _suffix_period(name: str, suffix: str) -> str:
    period = _canonical_period(suffix)
    if period is None:
        raise InvalidReading(
            f"{name}: {shown(suffix)} is not a period; "
            "after `#` write 2026-03-04, 20260304, 2026-03-04T10 or 20260304T10"
        )
    return period


def _written_day(name: str, value: Any) -> str:
    number = _whole_number(value)
    text = value if number is None else str(number)
    day = _canonical_period(text) if isinstance(text, str) else None
    if day is None or period_of(day) is not Period.DAILY:
        raise InvalidReading(f"{name}: `date` is {shown(value)}; write 2026-03-04 or 20260304")
    return day


def _written_hour(name: str, value: Any) -> str:
    hour = _whole_number(value)
    if hour is None and isinstance(value, str) and re.fullmatch("[0-9]{1,2}", value):
        hour = int(value)
    if hour is None or hour > 23:
        raise InvalidReading(f"{name}: `hour` is {shown(value)}; write 00 to 23")
    return f"{hour:02}"


def _whole_number(value: Any) -> int | None:
    number = None if isinstance(value, str) else as_number(value)
    if number is None or not 0 <= number <= 99_999_999 or number != int(number):
        return None
    return int(number)


def candidate_keys(configured_key: str, run_date: str) -> tuple[str, ...]:
    """The sensor keys that a run of this date may see, the first that exists and covers it is the one."""
    periods = [run_date[:length] for length in (16, 13, 10) if length <= len(run_date)]
    suffixes = (form for period in periods for form in (period, period.replace("-", "")))
    return (*(f"{configured_key}#{suffix}" for suffix in suffixes), configured_key)


def select_reading(
    configured_key: str, run_date: str, found: Mapping[str, Mapping[str, Any]]
) -> Reading | Unseen:
    """The reading that a run of this date sees; `found` holds those of `candidate_keys` that exist."""
    others = []
    for sensor_key in candidate_keys(configured_key, run_date):
        if sensor_key not in found:
            continue
        try:
            reading = parse_reading(sensor_key, configured_key, found[sensor_key])
        except InvalidReading as invalid:
            # A wider or older reading is no substitute: what was written for this period is not known.
            return Unseen(configured_key, f"{configured_key} has an invalid reading: {invalid}")
        if reading_covers(reading.period, run_date):
            return reading
        others.append(reading.period)
    if others:
        return Unseen(
            configured_key, f"{configured_key} was reported for {others[0]}, not for {run_date}", others[0]
        )
    return Unseen(configured_key, f"{configured_key} was never reported")


def reading_covers(period: str | None, run_date: str) -> bool:
    """Whether a run of this date sees a reading of that period: its own, a wider one, or none at all."""
    return period is None or run_date == period or run_date.startswith((f"{period}T", f"{period}:"))


def reading_run_date(reading: Reading, pipeline: Pipeline, written_at: datetime) -> str:
    """The execution date that a trigger's reading opens. Raises `InvalidReading` when it cannot tell.

    Without a period of its own: what the instant of the write (not of its processing) belongs to in the
    schedule's timezone. With a cron, dates take the cron's form, so that fire and trigger meet in one run.
    """
    if reading.period is None:
        return current_date(pipeline, written_at)
    if pipeline.schedule.cron is None:
        return reading.period
    form, finest = cron_form(pipeline), list(Period)
    if finest.index(period_of(reading.period)) < finest.index(form):
        raise InvalidReading(
            f"{reading.source}: {reading.period} names no single run, the cron is {form}; {_ADVICE[form]}"
        )
    return execution_date(period_start(reading.period), form)


_ADVICE = {
    Period.HOURLY: "write `hour` beside `date`, or no `date` for the current hour",
    Period.MINUTE: "end the key with #2026-03-04T18:15, or write no `date` for the current period",
}
