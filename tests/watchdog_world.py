"""The watchdog's ports in memory: what it hands on, publishes and has swept; and a clock for its own time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aws.tables import a_memory_table
from builders import at
from interlock.aws import keys
from interlock.aws.event_store import DynamoEventStore
from interlock.aws.watchdog_memory import DynamoWatchdogMemory
from interlock.domain.event import Announcement, Event, EventType
from interlock.domain.pipeline import Pipeline
from interlock.domain.pipeline_codec import encode_pipeline
from interlock.domain.promise import Promise, PromiseKind
from interlock.domain.run import RunKey
from interlock.ports import CallFailed, DueRun, StoredConfig
from interlock.steps.sweep_pipelines import sweep_pipelines
from interlock.steps.tick import Ticked, tick
from interlock.steps.watchdog_ports import WatchdogPorts
from world_builder import World

LOADED = at("2026-03-02T00:30")


@dataclass
class Invoked:
    """`Functions`: the batches that were handed over, how often configs were synced and a sweep was asked for."""

    batches: list[list[DueRun]] = field(default_factory=list)
    syncs: int = 0
    sweeps: int = 0
    refusals: list[CallFailed] = field(default_factory=list)

    def orchestrate(self, runs: Sequence[DueRun]) -> None:
        self._perhaps_refuse()
        self.batches.append(list(runs))

    def sync_configs(self) -> None:
        self._perhaps_refuse()
        self.syncs += 1

    def sweep(self) -> None:
        self._perhaps_refuse()
        self.sweeps += 1

    def _perhaps_refuse(self) -> None:
        if self.refusals:
            raise self.refusals.pop(0)

    @property
    def dates(self) -> list[str]:
        return [due.key.date for batch in self.batches for due in batch]


@dataclass
class Bus:
    """`EventBus`."""

    published: list[Event] = field(default_factory=list)

    def publish(self, events: Sequence[Event]) -> None:
        self.published += events


class WatchdogWorld(World):
    """A world whose clock stands at `now` unless a call says otherwise; its pipelines were loaded at 00:30."""

    def __init__(self, *pipelines: Pipeline) -> None:
        super().__init__(None)
        self.functions, self.bus = Invoked(), Bus()
        self.events_table = a_memory_table(self.calls)
        self.seconds = 0.0
        self.seconds_a_look = 0.0
        for number, pipeline in enumerate(pipelines):
            self.load(pipeline, f"{number:03}.yaml")
        self.events.clear()

    def load(self, pipeline: Pipeline, source: str = "p.yaml", loaded_at: datetime = LOADED) -> None:
        """Its config and the record of its file; its promises are not made yet."""
        told = Announcement(EventType.CONFIG_LOADED, "loaded", loaded_at)
        self.outside.put_config(StoredConfig(pipeline.id, encode_pipeline(pipeline), source, "e", 1), told)
        partition, sort = keys.config_file_key(source)
        row = {"PK": partition, "SK": sort, "pipelineId": pipeline.id}
        self.table.from_outside().put(row)

    @property
    def ports(self) -> WatchdogPorts:
        return WatchdogPorts(
            control=self.control,
            functions=self.functions,
            machine=self.machine,
            memory=DynamoWatchdogMemory(self.table),
            bus=self.bus,
            store=DynamoEventStore(self.events_table, timedelta(days=90)),
            seconds=self._tell_seconds,
        )

    def _tell_seconds(self) -> float:
        self.seconds += self.seconds_a_look
        return self.seconds

    def tick(self, now: datetime) -> Ticked:
        return tick(self.ports, now)

    def sweep(self, now: datetime) -> int:
        return sweep_pipelines(self.ports, now)

    # -- what is there afterwards

    def open_promises(self, pipeline_id: str = "gold-revenue") -> list[tuple[str, str, str]]:
        """Kind, date and due time of what is still to be looked at."""
        return [
            (str(row.kind), row.key.date, row.due_at.isoformat()[:16])
            for row in self.outside.promises_of(pipeline_id)
            if row.due_at is not None
        ]

    def verdict(self, kind: PromiseKind, key: RunKey) -> str | None:
        row: Promise | None = self.outside.promise_of(kind, key)
        return None if row is None else row.verdict

    def told_of(self, event_type: str) -> list[Any]:
        """The dates that events of that type are of."""
        return [event.date for event in self.events if event.type == event_type]
