"""Do a pipeline's rules hold on these rows? A second opinion, that shares nothing with the one that starts jobs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from interlock.aws import keys
from interlock.aws.table import Item, Key
from interlock.domain.pipeline import (
    AllOf,
    AnyOf,
    AtLeast,
    Check,
    Match,
    Not,
    Pipeline,
    Rule,
    RuleNode,
    UpstreamRule,
)
from interlock.domain.run import RunKey
from interlock.simulation.promises.field_values import can_be_compared, field_of, instant_of, number_of, same
from interlock.simulation.promises.upstreams import upstream_succeeded

Rows = Callable[[Key], Item | None]

CLOCK_TOLERANCE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Reading:
    """One row of a sensor, understood."""

    period: str | None  # None: of any
    values: Mapping[str, Any]

    def is_seen_by(self, run_date: str) -> bool:
        """Its own period's run, and those within it, see it; without a period everybody does."""
        if self.period is None or self.period == run_date:
            return True
        return run_date.startswith(self.period) and run_date[len(self.period)] in "T:"


class Unplaceable(Exception):
    """Nobody can say what such a row means; a run that should see it sees nothing."""


def rules_hold(pipeline: Pipeline, key: RunKey, rows: Rows, now: datetime) -> bool:
    """Whether a run of this key may start, by what `rows` gives for each key at that instant."""
    run = rows(keys.run_key(key))
    observes = bool(run.get("dryRun")) if run is not None else pipeline.dry_run

    def holds(node: RuleNode) -> bool:
        match node:
            case Rule():
                return rule_holds(node, reading_of(node.key, key, rows), now)
            case UpstreamRule():
                return upstream_succeeded(node, pipeline, key.date, rows, to_dry_run=observes)
            case AllOf(rules=members):
                return all([holds(member) for member in members])
            case AnyOf(rules=members):
                return any([holds(member) for member in members])
            case AtLeast(count=count, rules=members):
                return sum([holds(member) for member in members]) >= count
            case Not(rule=member):
                return not holds(member)

    members = [holds(rule) for rule in pipeline.validation.rules]
    return all(members) if pipeline.validation.match is Match.ALL else any(members)


def reading_of(sensor: str, key: RunKey, rows: Rows) -> Reading | None:
    """What a run sees of a sensor: the row of its own period, else of a wider one, else the plain one."""
    for name in names_of(sensor, key.date):
        row = rows(keys.sensor_key(key.pipeline_id, name))
        if row is None:
            continue
        try:
            reading = read(row, name[len(sensor) + 1 :] or None)
        except Unplaceable:
            return None  # what was written for this period is not known, and nothing wider stands in for it
        if reading.is_seen_by(key.date):
            return reading
    return None


def names_of(sensor: str, run_date: str) -> Iterator[str]:
    """The keys under which a run of this date looks, in that order."""
    for length in (16, 13, 10):
        if len(run_date) >= length:
            yield f"{sensor}#{run_date[:length]}"
            yield f"{sensor}#{run_date[:length].replace('-', '')}"
    yield sensor


def read(row: Mapping[str, Any], suffix: str | None) -> Reading:
    """Raises `Unplaceable`."""
    values = {name: value for name, value in row.items() if name not in ("PK", "SK", "ttl", "data")}
    data = row.get("data", {})
    if not isinstance(data, Mapping):
        raise Unplaceable("data is no map")
    values |= {name: value for name, value in data.items() if name not in ("PK", "SK", "ttl")}
    return Reading(_period(suffix, values), values)


def _period(suffix: str | None, values: Mapping[str, Any]) -> str | None:
    by_key = None if suffix is None else _read_period(suffix)
    day = _day(values["date"]) if "date" in values else None
    hour = _hour(values["hour"]) if "hour" in values else None
    if day is None and hour is not None:
        if by_key is None:
            raise Unplaceable("an hour of no day")
        day = by_key[:10]
    inside = day if hour is None else f"{day}T{hour}"
    if by_key is None or inside is None:
        return by_key or inside
    # The finer of the two, when one lies within the other.
    wide, fine = sorted((by_key, inside), key=len)
    if fine != wide and not fine.startswith((f"{wide}T", f"{wide}:")):
        raise Unplaceable("the key and the reading name two periods")
    return fine


_PERIOD = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})(T\d{2}(?::\d{2})?)?", re.ASCII)


def _read_period(text: str) -> str:
    found = _PERIOD.fullmatch(text)
    if found is None or text[:10].count("-") not in (0, 2):
        raise Unplaceable("no period")
    year, month, day, rest = found.groups()
    with suppress(ValueError):
        date(int(year), int(month), int(day))
        hour, _, minute = (rest or "T00")[1:].partition(":")
        if 1900 <= int(year) < 3000 and int(hour) < 24 and int(minute or 0) < 60:
            return f"{year}-{month}-{day}{rest or ''}"
    raise Unplaceable("no such day or time")


def _day(value: Any) -> str:
    number = None if isinstance(value, str) else number_of(value)
    text = str(number) if number is not None else value
    if not isinstance(text, str) or len(text) not in (8, 10):
        raise Unplaceable("no day")
    return _read_period(text)


def _hour(value: Any) -> str:
    if isinstance(value, str) and not re.fullmatch("[0-9]{1,2}", value):
        raise Unplaceable("no hour")
    number = number_of(value)
    if number is None or number != int(number) or not 0 <= number < 24:
        raise Unplaceable("no hour")
    return f"{int(number):02}"


def rule_holds(rule: Rule, reading: Reading | None, now: datetime) -> bool:
    """Whether one rule on one sensor holds; of nothing none does."""
    if reading is None:
        return False
    if rule.check in (Check.AGE_LT, Check.AGE_GT):
        return _age_holds(rule, reading, now)
    if rule.field is None:
        return rule.check is Check.EXISTS
    return _value_holds(rule, field_of(reading.values, rule.field))


def _age_holds(rule: Rule, reading: Reading, now: datetime) -> bool:
    written = reading.values.get("updatedAt") if rule.field is None else field_of(reading.values, rule.field)
    instant = instant_of(written)
    if instant is None or not isinstance(rule.value, timedelta) or now - instant < -CLOCK_TOLERANCE:
        return False
    return now - instant < rule.value if rule.check is Check.AGE_LT else now - instant > rule.value


def _value_holds(rule: Rule, value: Any) -> bool:
    if value is None:
        return False
    match rule.check:
        case Check.EXISTS:
            return True
        case Check.EQUALS:
            return same(value, rule.value)
        case Check.NOT_EQUALS:
            return can_be_compared(value) and not same(value, rule.value)
        case Check.IN:
            options = rule.value if isinstance(rule.value, tuple) else (rule.value,)
            return any(same(value, option) for option in options)
    number, limit = number_of(value), number_of(rule.value)
    if number is None or limit is None:
        return False
    return {
        Check.GT: number > limit,
        Check.GTE: number >= limit,
        Check.LT: number < limit,
        Check.LTE: number <= limit,
    }[rule.check]
