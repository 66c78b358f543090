"""What happened in a scenario, in order: every event, move, call and message, with its virtual instant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from interlock.domain.event import Event, EventType

if TYPE_CHECKING:
    from interlock.simulation.our_calls import Invocation


class Kind(StrEnum):
    """What a line of the history tells of."""

    OUTSIDE = "outside"  # the scenario's own doing
    CALL = "call"
    FAULT = "fault"
    FUNCTION = "function"
    STATE = "state"  # of an execution
    RUN = "run"
    EVENT = "event"
    JOB = "job"
    MESSAGE = "message"
    LOST = "lost"  # dropped or dead-lettered


class Line(
    NamedTuple
):  # one for each call of each tick: as a frozen dataclass it would take four times as long
    """One thing that happened."""

    at: datetime
    order: int
    kind: Kind
    text: str
    pipeline_id: str | None = None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Published:
    """An event as the bus carried it."""

    at: datetime  # when it reached the bus
    order: int
    event: Event


@dataclass(frozen=True, slots=True)
class Posted:
    """A message as the alert channel holds it."""

    at: datetime
    thread: str
    type: EventType
    pipeline_id: str | None
    text: str
    event_id: str
    order: int
    by: Invocation


@dataclass(slots=True)
class RemoteJob:
    """One real start at a job service."""

    pipeline_id: str
    started_at: datetime
    config: Mapping[str, Any]  # as the service received it, after expansion
    ended_at: datetime | None = None
    cancelled: bool = False
    succeeded: bool = False  # its service says so from `ended_at` on
    announced: bool = False  # whoever listens was told of its end


@dataclass(slots=True)
class History:
    """Everything that happened, as it happens."""

    now: Callable[[], datetime]
    lines: list[Line] = field(default_factory=list)
    published: list[Published] = field(default_factory=list)
    posted: list[Posted] = field(default_factory=list)
    jobs: list[RemoteJob] = field(default_factory=list)
    most_alive: dict[str, int] = field(default_factory=dict)  # remote jobs at once, by pipeline
    faults: Counter[str] = field(default_factory=Counter)  # that struck, by kind
    # Which calls of which functions they struck, and when: `orchestrator glue.StartJobRun before`.
    strikes: Counter[str] = field(default_factory=Counter)
    _order: int = 0

    def stamp(self) -> int:
        """The next place in the order of everything that happens."""
        self._order += 1
        return self._order

    def line(
        self, kind: Kind, text: str, pipeline_id: str | None = None, reasons: tuple[str, ...] = ()
    ) -> Line:
        """A line for this instant, not yet added: an invocation that proves idle leaves none behind."""
        return Line(self.now(), self.stamp(), kind, text, pipeline_id, reasons)

    def add(
        self, kind: Kind, text: str, pipeline_id: str | None = None, reasons: tuple[str, ...] = ()
    ) -> None:
        """Something happens now."""
        self.lines.append(self.line(kind, text, pipeline_id, reasons))

    def publish(self, event: Event) -> None:
        """The bus takes an event."""
        told = " ".join(
            str(part)
            for part in (event.type, event.date, event.attempt and f"attempt {event.attempt}")
            if part
        )
        self.add(Kind.EVENT, f"{told}: {event.message}", event.pipeline_id)
        self.published.append(Published(self.now(), self._order, event))

    def started(self, job: RemoteJob) -> None:
        """A job service has accepted a start."""
        self.jobs.append(job)
        alive = sum(other.pipeline_id == job.pipeline_id and other.ended_at is None for other in self.jobs)
        self.most_alive[job.pipeline_id] = max(alive, self.most_alive.get(job.pipeline_id, 0))

    def in_order(self) -> list[Line]:
        """The lines by instant, and within one in the order in which they happened."""
        return sorted(self.lines, key=lambda line: (line.at, line.order))
