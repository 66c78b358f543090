"""A scenario as values: what the outside world does, and what is expected of us. Built by `scenario_yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from interlock.domain.event import EventType
from interlock.domain.run import FailureCategory, JobEnd
from interlock.pipeline_yaml import Checked, NamedCalendar

DEFAULT_ERROR = "ThrottlingException"
ONE_SECOND = timedelta(seconds=1)


# ---- what the outside world does


@dataclass(frozen=True, slots=True)
class ConfigText:
    """One config file as the bucket holds it."""

    name: str
    text: bytes
    pipeline_id: str
    checked: Checked | None = None  # of a copy: what reading it would give
    calendars: tuple[NamedCalendar, ...] = ()  # that it names


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """A named calendar; `days` are weekdays by name."""

    name: str
    dates: tuple[str, ...]
    days: tuple[str, ...]


class JobResult(StrEnum):
    """How a played job ends."""

    SUCCEED = "succeed"
    FAIL = "fail"
    NEVER = "never"


class SparkPart(StrEnum):
    """What of Spark's work can fail; it tries the smaller ones again by itself."""

    JOB = "job"
    STAGE = "stage"
    TASK = "task"


@dataclass(frozen=True, slots=True)
class Insight:
    """What the job run insights of a Glue run record, however the run ends."""

    failed: SparkPart
    reason: str


@dataclass(frozen=True, slots=True)
class JobPlay:
    """What the job service does with one start."""

    result: JobResult = JobResult.SUCCEED
    after: timedelta = timedelta(minutes=10)
    category: FailureCategory | None = None
    error: str | None = None
    report: Mapping[str, Any] = field(default_factory=dict)  # recordsProcessed, durationSeconds, metrics
    sends_event: bool = True
    state: str | None = None  # a state that nobody knows, from `after` on
    answer: Mapping[str, Any] | None = None  # of a synchronous target
    refuse: str | None = None  # the start call itself fails with this error
    insight: Insight | None = None  # of Glue


@dataclass(frozen=True, slots=True)
class Sensor:
    """A `PutItem` of a reading."""

    pipeline_id: str
    key: str
    data: Mapping[str, Any]
    flat: bool = False


@dataclass(frozen=True, slots=True)
class RemoveSensor:
    pipeline_id: str
    key: str


@dataclass(frozen=True, slots=True)
class Rerun:
    """A `RERUN_REQUEST#` put; `schedule_id` None is the pipeline's own."""

    pipeline_id: str
    date: str
    schedule_id: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)  # reason, requestedBy, force


@dataclass(frozen=True, slots=True)
class RemoveRerunRequest:
    pipeline_id: str
    date: str
    schedule_id: str | None = None


@dataclass(frozen=True, slots=True)
class StopExecution:
    """Somebody stops the workflow of a run by hand."""

    pipeline_id: str
    date: str
    schedule_id: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """A `JOB#` put from outside; `attempt` None is the run's current one."""

    pipeline_id: str
    date: str
    end: JobEnd
    schedule_id: str | None = None
    attempt: int | None = None
    run_id: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)  # error, category, recordsProcessed ...


@dataclass(frozen=True, slots=True)
class PutConfig:
    """A config file is written; without a name it is the file that holds `pipeline_id`."""

    text: bytes
    name: str | None
    pipeline_id: str | None


@dataclass(frozen=True, slots=True)
class RemoveConfig:
    pipeline_id: str


@dataclass(frozen=True, slots=True)
class Raw:
    """Any item at all."""

    table: str  # `control`, `joblog` or `rerun`
    item: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """From now on the next `times` calls of this name fail."""

    call: str
    error: str = DEFAULT_ERROR
    after: bool = False  # the call takes effect, then fails
    times: int = 1
    pipeline_id: str | None = None
    function: str | None = None  # of ours, that calls
    skip: int = 0  # matching calls that pass first
    lasts: timedelta | None = None  # what is not used by then is gone
    stalls_for: timedelta = timedelta(0)  # of `stall`: how long the function is frozen there


@dataclass(frozen=True, slots=True)
class Redeliver:
    """The stream delivers its last records again; `last` None is all of them."""

    last: int | None
    reverse: bool = False


@dataclass(frozen=True, slots=True)
class Drop:
    """The next records, or job state-change events, never arrive."""

    next: int
    job_events: bool = False


class Channel(StrEnum):
    """A way from one service to the next, on which deliveries may come late or twice."""

    STREAM = "stream"  # of a table to stream-router
    BUS = "bus"  # our events to event-sink, and to the queue of alerts
    QUEUE = "queue"  # of alerts to alert-dispatcher
    SCHEDULER = "scheduler"  # fires of EventBridge Scheduler
    INVOCATION = "invocation"  # of a function of ours that nobody waits for
    JOB_EVENT = "job_event"  # state changes that AWS services tell on the default bus


@dataclass(frozen=True, slots=True)
class Delay:
    """The next deliveries come later."""

    what: Channel
    by: timedelta
    next: int = 1
    pipeline_id: str | None = None


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The next deliveries come twice."""

    what: Channel
    next: int = 1
    after: timedelta = timedelta(0)  # the first time, the second
    pipeline_id: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """From now on streams deliver no more records at a time."""

    size: int


@dataclass(frozen=True, slots=True)
class Redrive:
    """All dead letters so far are put back."""


@dataclass(frozen=True, slots=True)
class Pause:
    """The watchdog's ticks or EventBridge Scheduler stop, or go on."""

    what: str  # `watchdog` or `scheduler`
    paused: bool


@dataclass(frozen=True, slots=True)
class SetSecrets:
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SetEnv:
    values: Mapping[str, str]


Action = (
    Sensor
    | RemoveSensor
    | Rerun
    | RemoveRerunRequest
    | StopExecution
    | Report
    | PutConfig
    | RemoveConfig
    | Raw
    | Fault
    | Redeliver
    | Drop
    | Delay
    | Duplicate
    | Batch
    | Redrive
    | Pause
    | SetSecrets
    | SetEnv
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happens, and when."""

    at: datetime
    action: Action


# ---- what is expected


@dataclass(frozen=True, slots=True)
class Bound:
    """What a count must be."""

    operator: str  # == != < <= > >=
    number: Decimal

    def holds(self, count: Decimal | int) -> bool:
        """Whether `count` is within the bound."""
        return {
            "==": count == self.number,
            "!=": count != self.number,
            "<": count < self.number,
            "<=": count <= self.number,
            ">": count > self.number,
            ">=": count >= self.number,
        }[self.operator]

    def __str__(self) -> str:
        return str(self.number) if self.operator == "==" else f"{self.operator} {self.number}"


@dataclass(frozen=True, slots=True)
class Around:
    """An instant and how far off is still right, both ways, inclusive."""

    at: datetime
    within: timedelta = ONE_SECOND

    def holds(self, instant: datetime) -> bool:
        """Whether `instant` is near enough."""
        return abs(instant - self.at) <= self.within


@dataclass(frozen=True, slots=True)
class EventPattern:
    """Fields that are None match anything."""

    type: EventType | None = None
    pipeline_id: str | None = None
    schedule_id: str | None = None
    date: str | None = None
    attempt: int | None = None
    severity: str | None = None
    message: str | None = None  # the whole of it
    contains: str | None = None  # in the message or the detail
    detail: Mapping[str, Any] = field(default_factory=dict)  # these fields of the event's detail
    around: Around | None = None


@dataclass(frozen=True, slots=True)
class AlertPattern:
    """A message in the alert channel."""

    type: EventType | None = None
    pipeline_id: str | None = None
    contains: str | None = None
    around: Around | None = None


@dataclass(frozen=True, slots=True)
class RunPattern:
    """What a run's row must say at the end; `status` NONE: there is no such row."""

    pipeline_id: str
    date: str
    schedule_id: str | None = None
    status: str | None = None
    attempts: Bound | None = None


@dataclass(frozen=True, slots=True)
class ReasonPattern:
    """What the last verdict of a rule must say."""

    pipeline_id: str
    date: str
    rule: str
    contains: str
    schedule_id: str | None = None


@dataclass(frozen=True, slots=True)
class LastEvent:
    pipeline_id: str
    type: EventType


@dataclass(frozen=True, slots=True)
class StartedPattern:
    """A real start, and what the job was given."""

    pipeline_id: str
    around: Around | None = None
    config: Mapping[str, Any] = field(default_factory=dict)  # path to value


@dataclass(frozen=True, slots=True)
class Expect:
    """Everything that must be true when the scenario is over."""

    events: tuple[EventPattern, ...] = ()
    never: tuple[EventPattern, ...] = ()
    count: Mapping[EventType, Bound] = field(default_factory=dict)
    jobs: Mapping[str, Bound] = field(default_factory=dict)
    runs: tuple[RunPattern, ...] = ()
    alerts: tuple[AlertPattern, ...] = ()
    alerts_never: tuple[AlertPattern, ...] = ()
    alerts_count: Mapping[str, Bound] = field(default_factory=dict)  # by type, or `total`
    threads: Mapping[str, Bound] = field(default_factory=dict)
    cancelled: Mapping[str, Bound] = field(default_factory=dict)
    running: Mapping[str, Bound] = field(default_factory=dict)
    reasons: tuple[ReasonPattern, ...] = ()
    last_event: tuple[LastEvent, ...] = ()
    started: tuple[StartedPattern, ...] = ()
    cost: Mapping[str, Bound] = field(default_factory=dict)
    promises: bool = False  # all that `promises` checks are kept
    harmless: str | None = None  # every other pipeline's timeline is the same without this one


@dataclass(frozen=True, slots=True)
class Scenario:
    """One file."""

    name: str
    start: datetime
    until: datetime
    configs: tuple[ConfigText, ...]
    calendars: tuple[CalendarEntry, ...]
    jobs: Mapping[str, tuple[JobPlay, ...]]
    timeline: tuple[Entry, ...]  # in the order in which they happen
    expect: Expect
