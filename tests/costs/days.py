"""What a day of a typical pipeline takes, in counts: played by the simulator, from one midnight to the next.

The third day is taken: on the first, what a day in the middle of a year finds made (promises, schedules) is made anew.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from interlock.aws.attribute_value import as_stored
from interlock.aws.event_bus import detail_text
from interlock.aws.event_store import DynamoEventStore
from interlock.aws.run_item import run_item
from interlock.domain.run import Run
from interlock.simulation.calls import OutsideCalls
from interlock.simulation.item_size import item_size, write_units
from interlock.simulation.memory_rows import Rows
from interlock.simulation.memory_table import MemoryTable
from interlock.simulation.play import play
from interlock.simulation.played import Played
from interlock.simulation.scenario import Scenario
from interlock.simulation.scenario_yaml import read_scenario

Counts = Mapping[str, Decimal]  # of things by name
METRIC = "metric "  # how the names of those begin

_START = datetime(2026, 3, 2, tzinfo=UTC)
_DAYS = 3
# CloudWatch adds so much to each line. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
LINE_BYTES = 26
_ENVELOPE_BYTES = 300  # that EventBridge puts around an event's detail; assumed
_KEPT = timedelta(days=90)


def together(*many: Counts) -> Counts:
    """All of them."""
    names = dict.fromkeys(name for counts in many for name in counts)
    return {name: sum((counts.get(name, Decimal(0)) for counts in many), Decimal(0)) for name in names}


def times(counts: Counts, factor: Decimal | int) -> Counts:
    """The same, so many times."""
    return {name: count * factor for name, count in counts.items()}


@dataclass(frozen=True, eq=False)
class Kind:
    """A pipeline as there are many, and what its days are like."""

    name: str
    what: str
    runs: int  # a day
    config: Mapping[str, Any]
    writes: tuple[tuple[timedelta, str, Mapping[str, Any]], ...] = ()  # each day: when, sensor, reading
    jobs: tuple[Mapping[str, Any], ...] = ()  # each day; none: they succeed after ten minutes


def _pipeline(name: str, **settings: Any) -> Mapping[str, Any]:
    return {
        "pipeline": {"id": name, "owner": "data-platform"},
        "schedule": {
            "trigger": {"key": "upstream", "check": "equals", "field": "status", "value": "done"},
            "evaluation": {"window": settings.pop("window")},
        },
        "validation": {
            "rules": [
                {"key": "orders", "check": "gte", "field": "count", "value": 1000},
                {"key": "customers", "check": "exists"},
            ]
        },
        "job": {"type": "glue", "config": {"jobName": "load"}},
        **settings,
    }


def _minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def _readings(
    at: timedelta, period: Mapping[str, str], enough_at: timedelta
) -> Iterator[tuple[timedelta, str, Mapping[str, Any]]]:
    """What upstream jobs write for one run: orders come every five minutes until there are enough of them."""
    yield at, "customers", {**period, "count": 200}
    yield at + _minutes(1), "upstream", {**period, "status": "done"}
    late = at + _minutes(5)
    while late < enough_at:
        yield late, "orders", {**period, "count": int(late.total_seconds()) % 1000}
        late += _minutes(5)
    yield enough_at, "orders", {**period, "count": 1200}


# The data of yesterday, at three in the morning.
_AT = timedelta(hours=3)
_DAILY = {"window": "2h", "sla": {"deadline": "06:00", "expectedDuration": "30m"}}
_YESTERDAY = {"date": "yesterday"}
_FAILED_ONCE = ({"outcome": "fail", "after": "5m"}, {"outcome": "succeed"})
_WAITING, _RETRIED = (6, 18), 12  # hours of the hourly pipeline's day


def _hourly_writes() -> Iterator[tuple[timedelta, str, Mapping[str, Any]]]:
    for hour in range(24):
        at = timedelta(hours=hour) + _minutes(2)
        before = {"date": "yesterday" if hour == 0 else "today", "hour": f"{(hour - 1) % 24:02}"}
        yield from _readings(at, before, at + _minutes(30 if hour in _WAITING else 0))


KINDS = (
    Kind(
        "ready",
        "daily, its rules hold when its trigger comes",
        1,
        _pipeline("ready", **_DAILY),
        tuple(_readings(_AT, _YESTERDAY, _AT)),
    ),
    Kind(
        "waits",
        "daily, waits an hour for its rules, while one sensor is written twelve times",
        1,
        _pipeline("waits", **_DAILY),
        tuple(_readings(_AT, _YESTERDAY, _AT + _minutes(60))),
    ),
    Kind(
        "retried",
        "daily, its job fails once and is retried: two messages in Slack",
        1,
        _pipeline("retried", **_DAILY),
        tuple(_readings(_AT, _YESTERDAY, _AT)),
        _FAILED_ONCE,
    ),
    Kind(
        "hourly",
        "hourly; of its 24 runs two wait for half an hour, and one is retried",
        24,
        _pipeline("hourly", window="45m", sla={"deadline": ":55", "expectedDuration": "5m"}),
        tuple(_hourly_writes()),
        (*[{"outcome": "succeed"}] * _RETRIED, *_FAILED_ONCE, *[{"outcome": "succeed"}] * (23 - _RETRIED)),
    ),
)


@cache
def day_of(kind: Kind) -> Counts:
    """What one pipeline of the kind adds to a day without any; the writes of its sensors, by others, are in it."""
    sensors = {"dynamodb_write_units": Decimal(len(kind.writes))}
    return together(_a_day(kind), sensors, times(empty_day(), -1))


@cache
def empty_day() -> Counts:
    """What a day takes that nothing happens on, with no pipeline at all."""
    return _a_day(None)


@cache
def of_a_file() -> Counts:
    """What each config file adds to the look at all of them, every five minutes of a day: a share of pages."""
    files = 400
    config = {**KINDS[0].config, "repeat": files}
    # Six looks, while no sweep is under way: the ticks between cost the same with no pipeline.
    since, until = _minutes(16), _minutes(46)
    counts = [_difference(configs, since, until) for configs in ([config], [])]
    return times(together(counts[0], times(counts[1], -1)), Decimal(2 * 24) / files)


def _a_day(kind: Kind | None) -> Counts:
    until = timedelta(days=_DAYS)
    return _difference([kind.config] if kind else [], until - timedelta(days=1), until, kind)


def _difference(
    configs: Sequence[Mapping[str, Any]], since: timedelta, until: timedelta, kind: Kind | None = None
) -> Counts:
    jobs = {kind.name: [*kind.jobs * _DAYS]} if kind and kind.jobs else {}
    text = json.dumps(
        {
            "scenario": kind.what if kind else "nothing happens",
            "start": _START.isoformat(),
            "configs": configs,
            "jobs": jobs,
            "timeline": [] if kind is None else list(_timeline(kind)),
            "until": (_START + until).isoformat(),
        }
    )
    whole = read_scenario(text, "tests/costs/days.py", Path())
    early = replace(whole, until=_START + since)
    return together(_counted(whole), times(_counted(early), -1))


def _timeline(kind: Kind) -> Iterator[Mapping[str, Any]]:
    for day in range(_DAYS):
        today = _START + timedelta(days=day)
        dates = {"today": f"{today:%Y-%m-%d}", "yesterday": f"{today - timedelta(days=1):%Y-%m-%d}"}
        for at, key, reading in kind.writes:
            data = {**reading, "date": dates[reading["date"]]}
            sensor = {"pipeline": kind.name, "key": key, "data": data}
            yield {"at": (today + at).isoformat(), "sensor": sensor}


def _counted(scenario: Scenario) -> Counts:
    with _log_bytes() as logged:
        played = play(scenario)
    tallies = (played.cost, played.background)
    reported = together(*(tally.costs() for tally in tallies))
    invocations = together(
        *(
            {f"invocations of {name}": Decimal(count) for name, count in tally.invocations.items()}
            for tally in tallies
        )
    )
    calls = together(*({name: Decimal(count) for name, count in tally.calls.items()} for tally in tallies))
    kept = _kept(played)
    return {
        **reported,
        **invocations,
        **calls,
        "AWS calls": sum(
            (count for name, count in calls.items() if not name.startswith("slack.")), Decimal(0)
        ),
        # By ticks and sweeps that found nothing: a sweep makes many.
        "calls that only looked": Decimal(played.background.calls.total()),
        "calls of sweeps": Decimal(_of_sweeps(played)),
        "log bytes": Decimal(logged.bytes),
        "messages": Decimal(len(played.history.posted)),
        **_metrics(played),
        **kept,
    }


def _of_sweeps(played: Played) -> int:
    """Each is an invocation of its own."""
    sweeps = (invocation for invocation in played.witness.invocations if "sweep" in invocation.event)
    return sum(invocation.tally.calls.total() for invocation in sweeps)


def _metrics(played: Played) -> Counts:
    """A metric is paid for by the hours in which it was sent, and each type of events is one: which, in which hours."""
    sent = Counter(
        f"{METRIC}{published.event.type} at {published.event.at.hour:02}"
        for published in played.history.published
    )
    return {name: Decimal(count) for name, count in sent.items()}


def _kept(played: Played) -> Counts:
    """Rows that stay, in bytes; and what the simulator does not count: the events table's index, the archive."""
    rows = Rows()
    store = DynamoEventStore(MemoryTable("events", OutsideCalls(), lambda *_: None, rows), _KEPT)
    events = [published.event for published in played.events()]
    for event in events:
        store.record(event)
    sizes = [row.size for row in rows.by_key.values()]
    return {
        "event row bytes": Decimal(sum(sizes)),
        "index write units": Decimal(sum(map(write_units, sizes))),
        "archived bytes": Decimal(sum(len(detail_text(event)) + _ENVELOPE_BYTES for event in events)),
        "run row bytes": Decimal(sum(map(_row_bytes, played.runs.values()))),
    }


def _row_bytes(run: Run) -> int:
    return item_size({name: as_stored(value) for name, value in run_item(run).items()})


@dataclass
class _Logged(logging.Handler):
    """Counts the bytes of what our functions log, as they are written on AWS."""

    bytes: int = 0
    written_as: LambdaPowertoolsFormatter = field(
        default_factory=lambda: LambdaPowertoolsFormatter(service="stream-router", utc=True)
    )

    def __post_init__(self) -> None:
        super().__init__(logging.INFO)

    def emit(self, record: logging.LogRecord) -> None:
        if (
            record.name != "interlock.metrics"
        ):  # one line a tick, counted by the ticks: quiet ones are not played
            self.bytes += len(self.written_as.format(record).encode()) + LINE_BYTES

    __hash__ = logging.Handler.__hash__


@contextmanager
def _log_bytes() -> Iterator[_Logged]:
    ours, logged = logging.getLogger("interlock"), _Logged()
    level, propagates = ours.level, ours.propagate
    ours.setLevel(logging.INFO)
    ours.propagate = False
    ours.addHandler(logged)
    try:
        yield logged
    finally:
        ours.removeHandler(logged)
        ours.setLevel(level)
        ours.propagate = propagates
