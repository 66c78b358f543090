"""What a tick of the watchdog costs over ten thousand pipelines: quiet ones, five hundred that are due, and one sweep.

On the simulator's table, which counts read units as DynamoDB does. A call takes no time there: each is reckoned at eight
milliseconds, about what one takes from a Lambda.
"""

from __future__ import annotations

import logging
import time
import tracemalloc
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.figure import Figure
from costs.days import KINDS, day_of
from interlock.aws import keys
from interlock.aws.control_table import DynamoControlTable
from interlock.aws.event_store import DynamoEventStore
from interlock.aws.watchdog_memory import DynamoWatchdogMemory
from interlock.domain.announcement import config_loaded
from interlock.domain.event import Event
from interlock.domain.pipeline import Check, Deadline, Job, JobType, Pipeline, Rule, Schedule, Sla, Validation
from interlock.domain.pipeline_codec import encode_pipeline
from interlock.ports import DueRun, StoredConfig, SweepPass
from interlock.simulation.memory_table import MemoryTable
from interlock.steps.promise_ahead import promise_ahead
from interlock.steps.sweep_pipelines import sweep_pipelines
from interlock.steps.tick import tick
from interlock.steps.watchdog_ports import WatchdogPorts

PIPELINES, DUE = 10_000, 500
LOADED = datetime(2026, 3, 2, 0, 30, tzinfo=UTC)
QUIET = datetime(2026, 3, 2, 3, 1, tzinfo=UTC)  # no minute of a config sync
MISSED = datetime(2026, 3, 2, 6, 2, tzinfo=UTC)  # the fires of 06:00 have not come
MANY_MISSED = datetime(2026, 3, 2, 12, 52, tzinfo=UTC)  # nor have those from 12:00 to 12:50
_SECONDS_A_CALL = 0.008
_LAMBDA_SECONDS, _LAMBDA_MB = 60, 256


# ruff: noqa: ARG002  what the ports' and the table's protocols hand over and nobody here reads


class Meter:
    """`Calls`: how many, and what they read."""

    def __init__(self) -> None:
        self.calls, self.read_units = 0, 0.0

    def before(self, call: str, pipeline: str | None, target: str = "") -> None:
        self.calls += 1

    def after(
        self, call: str, pipeline: str | None, *, read_units: float = 0, write_units: float = 0
    ) -> None:
        self.read_units += read_units

    def seconds(self) -> float:
        return self.calls * _SECONDS_A_CALL


class Elsewhere:
    """A state machine, a bus and functions that take everything, each in one call."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self.opened: set[str] = set()

    def start(self, name: str, execution_input: Mapping[str, Any]) -> None:
        self._meter.calls += 1
        self.opened.add(name)

    def succeed(self, token: str) -> None: ...
    def fail(self, token: str, error: str, cause: str) -> None: ...
    def owns(self, state_machine_arn: str) -> bool:
        return False

    def publish(self, events: Sequence[Event]) -> None:
        self._meter.calls += 1

    def orchestrate(self, runs: Sequence[DueRun]) -> None:
        self._meter.calls += 1

    def sync_configs(self) -> None: ...
    def sweep(self) -> None:
        self._meter.calls += 1


class Bench:
    """Ten thousand pipelines that fire once a day with a deadline; the first five hundred at six o'clock."""

    def __init__(self) -> None:
        self.meter = Meter()
        self.elsewhere = Elsewhere(self.meter)
        self.table = MemoryTable("control", self.meter, lambda *_: None)
        events = MemoryTable("events", self.meter, lambda *_: None)
        control = DynamoControlTable(self.table)
        self.memory = DynamoWatchdogMemory(self.table)
        store = DynamoEventStore(events, timedelta(days=90))
        others = self.elsewhere
        self.ports = WatchdogPorts(
            control, others, others, self.memory, others, store, seconds=self.meter.seconds
        )
        for number in range(PIPELINES):
            self._load(_pipeline(number), control)
        # The event sink has stored what was said when the configs were loaded, and a sweep was made just now.
        self.memory.advance(None, SweepPass(QUIET, None))

    def _load(self, pipeline: Pipeline, control: DynamoControlTable) -> None:
        source = f"{pipeline.id}.yaml"
        stored = StoredConfig(pipeline.id, encode_pipeline(pipeline), source, "1", 1)
        control.put_config(stored, config_loaded(source, LOADED, []))
        promise_ahead(pipeline, LOADED, control, LOADED)
        partition, sort = keys.config_file_key(source)
        self.table.put({"PK": partition, "SK": sort, "source": source, "pipelineId": pipeline.id})

    def begin(self) -> None:
        self.meter.calls, self.meter.read_units = 0, 0.0


def _pipeline(number: int) -> Pipeline:
    hour = 6 if number < DUE else 12 + number % 10
    return Pipeline(
        id=f"pipeline-{number:05}",
        job=Job(JobType.GLUE, {"jobName": "etl"}),
        schedule=Schedule(cron=f"{0 if number < DUE else number % 60} {hour} * * *"),
        validation=Validation(rules=(Rule("rows", Check.GTE, "count", 1000),)),
        sla=Sla(deadline=Deadline(0, 23), expected_duration=timedelta(minutes=30)),
    )


def figures() -> list[Figure]:
    logging.disable(logging.WARNING)  # a line for each of the five hundred
    try:
        bench = Bench()
        return [*_quiet(bench), *_due(bench), *_swept(bench), *_hourly(), *_too_many(bench)]
    finally:
        logging.disable(logging.NOTSET)


def _quiet(bench: Bench) -> list[Figure]:
    bench.begin()
    done = tick(bench.ports, QUIET)
    return [
        Figure("a tick over 10,000 quiet pipelines reads", bench.meter.read_units, "units", at_most=20),
        Figure("... in one page of each shard, and its own memory", bench.meter.calls, "calls", at_most=10),
        Figure("... and looks at", done.promises + done.handed_on, "promises", at_most=0),
    ]


def _due(bench: Bench) -> list[Figure]:
    bench.begin()
    tracemalloc.start()
    began = time.process_time()
    handled = tick(bench.ports, MISSED).promises
    cpu, peak = time.process_time() - began, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    calls = bench.meter.calls
    return [
        Figure("of 500 missed fires one tick starts", handled, "runs", at_least=DUE, at_most=DUE),
        Figure("... with calls, reckoned at 8 ms each", calls, "calls"),
        Figure("... which take", calls * _SECONDS_A_CALL, "s", at_most=_LAMBDA_SECONDS),
        Figure("... beside its own work (CPU, memory traced)", cpu, "s", at_most=_LAMBDA_SECONDS),
        Figure("... at a peak of memory of its own", peak / 2**20, "MB", at_most=_LAMBDA_MB / 2),
    ]


def _swept(bench: Bench) -> list[Figure]:
    bench.begin()
    now, invocations, slowest, swept = MISSED + timedelta(hours=1), 0, 0.0, 0
    while True:
        before = bench.meter.calls
        pipelines = sweep_pipelines(bench.ports, now)
        if not pipelines:
            break
        slowest = max(slowest, (bench.meter.calls - before) * _SECONDS_A_CALL)
        swept, invocations, now = swept + pipelines, invocations + 1, now + timedelta(minutes=1)
    return [
        Figure("one sweep looks at", swept, "pipelines", at_least=PIPELINES, at_most=PIPELINES),
        Figure("... and reads", bench.meter.read_units, "units"),
        Figure("... that is, of each pipeline", bench.meter.read_units / swept, "units", at_most=10),
        Figure("... within the hour, a page a minute", invocations, "minutes", at_most=59),
        Figure("... of which the slowest page takes", slowest, "s", at_most=_LAMBDA_SECONDS),
    ]


def _hourly() -> list[Figure]:
    """Its 24 runs a day, and the events that they carry, are looked at all together."""
    sweeps = 24 * 60 // 55
    calls = float(day_of(KINDS[-1])["calls of sweeps"]) / sweeps
    return [Figure("... and of an hourly pipeline's day", calls, "calls", at_most=10)]


def _too_many(bench: Bench) -> list[Figure]:
    """More than one tick has time for."""
    bench.begin()
    opened = len(bench.elsewhere.opened)
    handled: list[int] = []
    seconds: list[float] = []
    while not handled or handled[-1]:
        before = bench.meter.calls
        handled.append(tick(bench.ports, MANY_MISSED + timedelta(seconds=len(handled))).promises)
        seconds.append((bench.meter.calls - before) * _SECONDS_A_CALL)
    started = len(bench.elsewhere.opened) - opened
    return [
        Figure("of the fires of another hour one tick starts", handled[0], "runs", at_least=DUE),
        Figure("... and stops after", max(seconds), "s", at_most=_LAMBDA_SECONDS),
        Figure("... what is left is taken up: there were", sum(handled), "runs", at_least=handled[0] + 1),
        Figure("... each of which is started", started, "runs", at_least=sum(handled), at_most=sum(handled)),
        Figure("... after", len(handled) - 1, "ticks", at_most=2),
    ]
