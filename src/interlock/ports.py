"""What the steps need from the outside, one page. `aws/`, `triggers/`, `alerts/` implement it; `simulation/` in memory.

Every call may raise `CallFailed`; a conditional write may raise `Lost`. One method is one AWS call unless it says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from interlock.domain.baseline import Baseline
from interlock.domain.event import Announcement, Event
from interlock.domain.job_record import JobRecord
from interlock.domain.pipeline import Pipeline
from interlock.domain.promise import Promise, PromiseKind
from interlock.domain.run import Outcome, Run, RunKey, RunStatus
from interlock.domain.schedule import Calendar

if TYPE_CHECKING:  # a hot function's start does not pay for what only some of them use
    from interlock.domain.message import Alert
    from interlock.domain.pool import Pool
    from interlock.domain.upstream_outcome import RunSeen

Attributes = Mapping[str, Any]


class CallFailed(Exception):
    """A call to a service failed. `unknown_outcome`: it may have taken effect (a time-out, a broken connection)."""

    def __init__(self, call: str, code: str, message: str = "", *, unknown_outcome: bool = False) -> None:
        super().__init__(f"{call}: {code}{': ' + message if message else ''}")
        self.call, self.code, self.unknown_outcome = call, code, unknown_outcome


class Lost(Exception):
    """A conditional write found another state than expected: a normal outcome. `current` is what stands there now."""

    def __init__(self, current: Any) -> None:
        super().__init__("the row has moved on")
        self.current = current


# ---------------------------------------------------------------- tables


@dataclass(frozen=True, slots=True)
class DueRun:
    """A run that wants to be looked at: its row in the ledger of promises."""

    key: RunKey
    due_at: datetime
    waits_for: str  # `readiness` or `job`
    tries: int = 0  # fallback polls so far; they grow


@dataclass(frozen=True, slots=True)
class DuePromise:
    """A promise whose time has come: its row must be read to know it."""

    kind: PromiseKind
    key: RunKey
    due_at: datetime


@dataclass(frozen=True, slots=True)
class RecentRows:
    """What stands in a pipeline's partition of the last hours."""

    runs: Sequence[Run]
    watched: frozenset[RunKey]  # the runs that have a check row
    promises: Sequence[Promise]
    events: Sequence[Event]  # those that its rows carry, however old


class ControlTable(Protocol):
    """The control table: configs, sensors, runs, notices and the ledger of promises."""

    def pipeline(self, pipeline_id: str) -> Pipeline | None: ...
    def calendars(self, names: Iterable[str]) -> Mapping[str, Calendar]:
        """One call for each name."""

    def run(self, key: RunKey) -> Run | None: ...
    def runs_of_date(self, pipeline_id: str, schedule_id: str, date_prefix: str) -> list[Run]:
        """The runs whose date begins with `date_prefix` (a day's hours)."""

    def snapshot(
        self, key: RunKey, sensor_keys: Sequence[str]
    ) -> tuple[Run | None, Mapping[str, Attributes]]:
        """The run and those of its sensors that exist, all as they stood at one instant, consistent.

        One transaction; more where a transaction's limits (100 items, 4 MB) are exceeded.
        """

    def snapshot_with_runs(
        self, key: RunKey, sensor_keys: Sequence[str], others: Iterable[RunKey]
    ) -> tuple[Run | None, Mapping[str, Attributes], Mapping[RunKey, RunSeen]]:
        """As `snapshot`, with those of the other pipelines' runs that have a row, at the same instant."""

    def open_run(self, run: Run) -> None:
        """Put the row unless there is one; else `Lost(current run)`."""

    def move(self, before: Run, after: Run) -> Run:
        """Write what differs if status, attempt, version and intent are those of `before`; else `Lost(current or None)`."""

    def note(self, before: Run, after: Run) -> Run:
        """Bookkeeping: write what differs, no event, if status, attempt and execution are those of `before`; else `Lost`.

        Intent and slots only while the slots' turn is that of `before`, and the turn only while the intent is, too.
        """

    def register_token(
        self, key: RunKey, execution: str, status: RunStatus, token: str, waits_for: str
    ) -> Run:
        """The execution falls asleep on `token`: the newest counts. `Lost(current or None)` for another execution or status."""

    def record_outcome(self, run: Run, outcome: Outcome) -> Run:
        """Store the attempt's outcome unless it has one; else `Lost(current)`."""

    def due_runs_of(self, pipeline_id: str) -> list[DueRun]: ...
    def due(self, shard: int, now: datetime, limit: int) -> list[DueRun | DuePromise]:
        """What is due by now, oldest first; eventually consistent."""

    def promise(self, due: DueRun, of: Run | None = None) -> None:
        """Replace the run's check row. With `of`, one that says that this execution of the run has ended stays."""

    def keep(self, key: RunKey) -> None:
        """The run needs no more looking at."""

    def promise_of(self, kind: PromiseKind, key: RunKey) -> Promise | None: ...
    def promises_of(self, pipeline_id: str, kind: PromiseKind | None = None) -> list[Promise]:
        """Open and settled ones of a kind, or of all, in the order of their dates."""

    def make_promise(self, promise: Promise) -> None:
        """Put the row unless there is one; else `Lost(current promise)`."""

    def change_promise(self, before: Promise, after: Promise) -> None:
        """Replace the row of that version; else `Lost(current or None)`. A settled one leaves the index and goes in time."""

    def put_off(self, due: DuePromise, until: datetime) -> None:
        """Whatever the row holds, it is due then; nothing if it has moved since."""

    def drop_promise(self, promise: Promise) -> None:
        """It is kept, or no longer made. A row that has changed since stays."""

    def recent_rows(self, pipeline_id: str, schedule_id: str, after_date: str) -> RecentRows:
        """Runs of dates later than `after_date`; promises and notices all. Three calls. What is unreadable is left out."""

    def baseline(self, key: RunKey) -> Baseline | None: ...
    def put_baseline(self, baseline: Baseline) -> None: ...

    def notice(
        self,
        pipeline_id: str,
        subject: str,
        fingerprint: str,
        announcement: Announcement,
        key: RunKey | None = None,
    ) -> None:
        """Announce a fact that no run carries, once for each new `fingerprint` of its `subject`. Two calls at most."""

    def was_noticed(self, pipeline_id: str, subject: str, fingerprint: str) -> bool: ...

    def rerun_request(self, key: RunKey) -> Attributes | None: ...
    def forget_rerun_request(self, key: RunKey, decided: Attributes) -> None:
        """Delete the request that was decided; a newer one in its place stays."""

    def dependents_of(self, pipeline_id: str) -> list[str]:
        """The pipelines whose rules read this one's outcome; one whose config changed since may be among them."""

    def add_dependent(self, pipeline_id: str, dependent_id: str) -> None: ...
    def remove_dependent(self, pipeline_id: str, dependent_id: str) -> None: ...
    def pool(self, name: str) -> Pool:
        """An empty one if it has no row."""

    def change_pool(self, before: Pool, after: Pool, now: datetime) -> None:
        """Replace the row of that version; else `Lost(current pool)`. An empty one goes in time."""

    def config(self, pipeline_id: str) -> StoredConfig | None: ...
    def put_config(self, config: StoredConfig, announcement: Announcement) -> None:
        """Replace the last good config; the announcement rides on the row."""

    def remove_config(self, pipeline_id: str) -> None: ...


@dataclass(frozen=True, slots=True)
class StoredConfig:
    """The row `CONFIG`."""

    pipeline_id: str
    text: str  # canonical JSON
    source: str  # the file it came from
    etag: str
    version: int = 0
    # When it was put; None for a row that somebody wrote over.
    loaded_at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class FailingParts:
    """Which parts of the watchdog's work fail, and why when it was told."""

    errors: Mapping[str, str] = field(default_factory=dict)
    version: int = 0
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SweepPass:
    """One look at all pipelines, in pages. Over when `cursor` is None."""

    started_at: datetime
    cursor: str | None = ""  # the config file that was looked at last
    failed: bool = False  # some pipeline could not be looked at
    version: int = 1


class WatchdogMemory(Protocol):
    """What a tick must know of earlier ones."""

    def failing(self) -> FailingParts: ...
    def remember_failing(
        self, before: FailingParts, errors: Mapping[str, str], told: Announcement | None, now: datetime
    ) -> None:
        """The announcement rides on the row. `Lost` when another tick was first."""

    def sweep_pass(self) -> SweepPass | None: ...
    def advance(self, before: SweepPass | None, after: SweepPass) -> None:
        """`Lost` when another sweep was first."""

    def events_of_nobody(self) -> list[Event]:
        """Those on the rows that belong to no pipeline: the first of these two, and notices. Two calls."""

    def config_files_after(self, source: str, limit: int) -> list[tuple[str, str | None]]:
        """The next files in the order of their names: each name, and the pipeline that it defines."""


# What a check row waits for whose execution has ended, by the status of that; its `tries` is then which execution.
WORKFLOW_ENDED = {status: f"workflow {status}" for status in ("FAILED", "TIMED_OUT", "ABORTED", "SUCCEEDED")}
DUE_SHARDS = 8  # partitions of the due index: a tick asks each once


class JobLog(Protocol):
    """The joblog table: what jobs reported, and which run a remote job belongs to."""

    def put(self, record: JobRecord) -> None:
        """Idempotent: the same record again is the same row."""

    def of_attempt(self, key: RunKey, attempt: int) -> list[JobRecord]:
        """What was reported of it, in the order of the times reported; what cannot be read is left out. One call."""

    def remember_remote(
        self, job_type: str, remote_id: str, key: RunKey, attempt: int, now: datetime
    ) -> None: ...
    def run_of_remote(self, job_type: str, remote_id: str) -> tuple[RunKey, int] | None: ...


class RerunLog(Protocol):
    """The rerun table: who had which partition run again, and why."""

    def put(
        self, key: RunKey, number: int, source: str, reason: str, requested_by: str, at: datetime
    ) -> None: ...


class EventStore(Protocol):
    """The events table."""

    def record(self, event: Event) -> bool:
        """Store it once; False when it was there already."""

    def not_stored(self, events: Iterable[Event]) -> list[Event]:
        """Those that are not there; eventually consistent. One call for each pipeline, and for each MB of what it has
        stored between the first and the last of them.
        """

    def thread(self, thread: str, pipeline_id: str | None) -> ThreadState: ...
    def claim_thread(
        self, thread: str, pipeline_id: str | None, now: datetime, until: datetime
    ) -> ThreadState:
        """Only one worker at a time writes in a thread; `Lost` for the others until `until`. How the thread stands then."""

    def release_thread(self, thread: str, pipeline_id: str | None, until: datetime) -> None:
        """Give back the claim that ends at `until`; one that somebody else holds by now stays theirs."""

    def mark_delivered(
        self, thread: str, pipeline_id: str | None, event_id: str, reference: str, now: datetime
    ) -> None:
        """With that the claim is given back, too."""


@dataclass(frozen=True, slots=True)
class ThreadState:
    """What the alert channel knows of one run."""

    reference: str | None = None  # the channel's own: Slack's `ts` of the first message
    delivered: frozenset[str] = frozenset()  # event ids


# ---------------------------------------------------------------- services


class StateMachine(Protocol):
    """The workflow service."""

    def start(self, name: str, execution_input: Mapping[str, Any]) -> None:
        """Repeatable: a name that is taken is success."""

    def succeed(self, token: str) -> None:
        """Wake the task; a token that is closed or unknown is a lost race, not an error."""

    def fail(self, token: str, error: str, cause: str) -> None: ...
    def owns(self, state_machine_arn: str) -> bool:
        """Whether that is the machine that our runs go through. No call."""


class EventBus(Protocol):
    def publish(self, events: Sequence[Event]) -> None:
        """All or `CallFailed`."""


class Functions(Protocol):
    """Other functions of ours, invoked without waiting."""

    def orchestrate(self, runs: Sequence[DueRun]) -> None: ...
    def sync_configs(self) -> None: ...
    def sweep(self) -> None: ...


class SlaMonitor(Protocol):
    """sla-monitor, invoked without waiting."""

    def mirror_deadline(self, kind: PromiseKind, key: RunKey) -> None:
        """The row of that promise has another due time, or none: its one-shot schedule follows."""


class Deadlines(Protocol):
    """One-shots of EventBridge Scheduler: each has sla-monitor look at a promise, once."""

    def put(self, promise: Promise, at: datetime) -> None:
        """At that second, which must lie ahead; what was asked for before goes. Two calls at most."""

    def remove(self, kind: PromiseKind, key: RunKey) -> None:
        """Nobody needs to look any more. Two calls."""


class AlertChannel(Protocol):
    """Where people read alerts; `alerts/` has one file for each kind."""

    def send(self, alert: Alert, thread: str | None) -> str:
        """Returns the reference that later messages of the thread need. Raises `DeliveryError`."""


class AlertQueue(Protocol):
    """The queue that alerts wait in."""

    def postpone(self, receipt: str, seconds: int) -> None:
        """A message that was received and not dealt with comes back in `seconds` from now."""


class DeliveryError(Exception):
    """The channel did not take the message. `permanent`: trying again cannot help."""

    def __init__(self, message: str, *, permanent: bool, retry_after_seconds: int | None = None) -> None:
        super().__init__(message)
        self.permanent, self.retry_after_seconds = permanent, retry_after_seconds


# ---------------------------------------------------------------- jobs


@dataclass(frozen=True, slots=True)
class JobRequest:
    """What an adapter is asked to start: the config is expanded, secrets included; never log or store it."""

    key: RunKey
    attempt: int
    run_id: str  # the idempotency key of this attempt
    config: Mapping[str, Any]
    values: Mapping[str, str] = field(
        default_factory=dict
    )  # DATE, HOUR, PAR_DAY, PAR_HOUR, PIPELINE, ATTEMPT, RUN_ID
    idempotent: bool = False  # the user says that the target can take one start twice
    since: datetime | None = None  # `find` alone: the earlier try called the service at this time or after it


@dataclass(frozen=True, slots=True)
class StartedJob:
    """A job that the service has accepted."""

    handle: Mapping[str, Any]  # JSON-safe, no secrets; enough for `status` and `cancel`
    remote_id: str | None = None  # what state-change events call it
    answer: Callable[[], Outcome] | None = (
        None  # a synchronous target: blocks until it answers; may raise TriggerError
    )


class TriggerError(Exception):
    """A start, status or cancel that did not work. `permanent`: trying again cannot help.

    `unknown_outcome`: the job may have been started, and nobody could be asked just now, or ever.
    """

    def __init__(self, message: str, *, permanent: bool, unknown_outcome: bool = False) -> None:
        super().__init__(message)
        self.permanent, self.unknown_outcome = permanent, unknown_outcome


class OnlyRepeatingTells(TriggerError):
    """`find` cannot say whether the job exists; the same start made again can: the service recognises it."""

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=False, unknown_outcome=True)


class JobTrigger(Protocol):
    """An adapter that starts jobs of one type; `triggers/` has one file for each."""

    publishes_end: bool = False  # AWS publishes a state-change event when such a job ends
    can_be_asked: bool = True  # `status` answers; else only a callback or the answer tells
    # Keys of job.config that `status` and `cancel` need beside the handle: addresses and credentials. The run keeps them
    # as they are written, and they are expanded anew for each call: no secret is stored, and one that rotates is followed.
    asked_with: tuple[str, ...] = ()

    def find(self, request: JobRequest) -> StartedJob | None:
        """The job that an earlier try of this attempt may have started; None when there certainly is none.

        A target that cannot be asked: `TriggerError` (unknown outcome), or None if it can take one start twice.
        """

    def start(self, request: JobRequest) -> StartedJob: ...
    def status(self, handle: Mapping[str, Any]) -> Outcome | None:
        """None while it runs. An unknown remote state raises: it is never `running`.

        `handle` is the one of `StartedJob`, with the keys of `asked_with` beside it.
        """

    def cancel(self, handle: Mapping[str, Any]) -> None:
        """A job that has ended already is no error. `handle` as in `status`."""

    def disproof(self, handle: Mapping[str, Any]) -> str | None:  # noqa: ARG002  most services mean what they say
        """Why a job that its service calls a success failed all the same; None when nothing speaks against it.

        `handle` alone, without credentials. `TriggerError` when nobody can look.
        """
        return None


class Triggers(Protocol):
    def of_type(self, job_type: str) -> JobTrigger:
        """`TriggerError` (permanent) for a type that cannot be started here."""


class Secrets(Protocol):
    def secret(self, name: str) -> str: ...
    def variable(self, name: str) -> str | None:
        """An environment variable whose name begins with INTERLOCK_."""
