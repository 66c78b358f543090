"""What really happened while a world played, for whoever judges it: every change of a row, every real start, every invocation.

A promise is checked against these facts, never against what our functions say of themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from interlock.aws.table import Item, Key
from interlock.simulation.history import History
from interlock.simulation.our_calls import Invocation, invocation_or_none

if TYPE_CHECKING:
    from interlock.simulation.deliveries import DeadLetter
    from interlock.simulation.job_services import Job


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """One write that changed a row. The images are shared with others: nobody changes them."""

    order: int  # among everything that happens: the instant alone does not tell what came first
    at: datetime
    table: str  # `control`, `joblog`, `rerun` or `events`
    key: Key
    old: Item | None  # None: there was no row
    new: Item | None  # None: it was deleted
    by: Invocation | None  # the function that wrote it; None: somebody outside, or the world's own hand


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """One job that a service has really started."""

    order: int
    at: datetime
    pipeline_id: str
    schedule_id: str
    date: str
    attempt: int
    run_id: str  # of which attempt of which life of the run: its idempotency key
    service: str  # `glue`, `emr` ...: who started it
    number: int  # the place of its record in `history.jobs`, from 0
    by: Invocation | None


@dataclass(slots=True)
class Witness:
    """Everything in the order in which it happened."""

    history: History
    changes: list[Change] = field(default_factory=list)
    starts: list[Start] = field(default_factory=list)
    invocations: list[Invocation] = field(
        default_factory=list
    )  # ticks that were known to find nothing excepted

    def on_start(self, job: Job) -> None:
        """A service has accepted a start."""
        key, request = job.request.key, job.request
        self.starts.append(
            Start(
                order=self.history.stamp(),
                at=self.history.now(),
                pipeline_id=key.pipeline_id,
                schedule_id=key.schedule_id,
                date=key.date,
                attempt=request.attempt,
                run_id=request.run_id,
                service=job.service,
                number=len(self.history.jobs) - 1,
                by=invocation_or_none(),
            )
        )

    def on_change(self, table: str, key: Key, old: Item | None, new: Item | None) -> None:
        """A row was written. As `MemoryTable` tells it."""
        by = invocation_or_none()
        self.changes.append(Change(self.history.stamp(), self.history.now(), table, key, old, new, by))


@dataclass(frozen=True, slots=True)
class Execution:
    """One execution of the state machine, as it stands."""

    name: str
    status: str  # RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED
    pipeline_id: str | None
    state: str  # the one it entered last
    token: str | None  # of the task that it sleeps on


@dataclass(frozen=True, slots=True)
class Rest:
    """The world after its last instant."""

    at: datetime
    tables: Mapping[str, Mapping[Key, Item]]  # by name, as `Change.table`
    executions: tuple[Execution, ...]
    schedules: Mapping[
        str, Mapping[str, object]
    ]  # EventBridge Scheduler's, by name, as CreateSchedule got them
    config_files: Mapping[str, bytes]  # in the bucket
    on_their_way: int  # stream records and alerts that nobody has dealt with yet
    dead_letters: tuple[DeadLetter, ...]  # that nobody has put back
