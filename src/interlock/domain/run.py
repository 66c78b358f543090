"""A run: our execution for one date of one pipeline, its statuses and the only moves between them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from interlock.domain.event import Announcement, Severity, severity_of
from interlock.domain.readiness import RuleVerdict


@dataclass(frozen=True, slots=True, order=True)
class RunKey:
    """Which run: unique in the control table, and the root of every deterministic name."""

    pipeline_id: str
    schedule_id: str  # `cron` or `stream`
    date: str  # the execution date: 2026-03-01, 2026-03-01T18 or 2026-03-01T18:15


class RunStatus(StrEnum):
    """Where a run stands."""

    WAITING = "WAITING"  # for its rules, for a back-off, or for a job service that refuses for now
    RUNNING = "RUNNING"  # its job was started; the handle is in the row
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"  # its window closed before the rules held
    CANCELLED = "CANCELLED"  # its config was removed while it waited


MOVES: Mapping[RunStatus, frozenset[RunStatus]] = {
    # EXPIRED also when its own machinery failed for good: unlike FAILED, the next write at which the rules hold revives it.
    RunStatus.WAITING: frozenset({RunStatus.RUNNING, RunStatus.EXPIRED, RunStatus.CANCELLED}),
    # To WAITING by a retry, with the next attempt. A refused start passes through RUNNING, so that an attempt ends one way.
    RunStatus.RUNNING: frozenset({RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.WAITING}),
    # To WAITING by a rerun, late data or drift, within its budget.
    RunStatus.SUCCEEDED: frozenset({RunStatus.WAITING}),
    RunStatus.FAILED: frozenset({RunStatus.WAITING}),
    # To WAITING by a write at which the rules hold (no budget), or by a rerun.
    RunStatus.EXPIRED: frozenset({RunStatus.WAITING}),
    RunStatus.CANCELLED: frozenset({RunStatus.WAITING}),
}


class MoveNotAllowed(ValueError):
    """A move that the table does not have: a mistake of ours, never a race."""


def check_move(before: RunStatus, after: RunStatus) -> None:
    """Raise `MoveNotAllowed` unless the table has this move."""
    if after not in MOVES[before]:
        raise MoveNotAllowed(f"a run never goes from {before} to {after}")


class FailureCategory(StrEnum):
    """Decides which retry budget a failure uses."""

    TRANSIENT = "TRANSIENT"
    PERMANENT = "PERMANENT"
    TIMEOUT = "TIMEOUT"


class JobEnd(StrEnum):
    """How a job ended, as a `JOB#` record says it."""

    SUCCESS = "success"
    FAIL = "fail"
    TIMEOUT = "timeout"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one attempt's job, as learnt from whoever noticed it first."""

    end: JobEnd
    error: str | None = None
    category: FailureCategory | None = None  # None counts as TRANSIENT
    report: Mapping[str, Any] = field(default_factory=dict)  # recordsProcessed, durationSeconds, metrics
    exhausted: bool = False  # nobody said: the poll window is over
    may_live: bool = False  # the job is perhaps still there: it is cancelled before the attempt is judged
    start_unknown: bool = False  # nobody knows whether the job was started: no other attempt starts it


@dataclass(frozen=True, slots=True)
class StartIntent:
    """Written before the job service is called: a later try sees that an earlier one may have started the job.

    With what it was asked for: the config may change or go before that try, and it must look for the same job.
    """

    attempt: int
    at: datetime
    job_type: str
    config: str  # job.config as it is written, placeholders and all: canonical JSON


@dataclass(frozen=True, slots=True)
class Run:
    """The row `RUN#`, read into memory. Instants are aware UTC."""

    key: RunKey
    status: RunStatus
    attempt: int  # from 1
    version: int  # grows by one with each move
    created_at: datetime
    updated_at: datetime
    execution_count: int  # how many executions this row has had, from 1
    execution_name: str
    confirmed: bool  # StartExecution is known to have been accepted
    window_ends_at: datetime  # of this attempt's wait
    opened_by: str  # `cron`, `trigger`, `rerun` ...
    task_token: str | None = None  # of the task the execution sleeps on
    token_for: str | None = None  # `readiness` or `job`
    verdicts: tuple[RuleVerdict, ...] = ()
    intent: StartIntent | None = None
    refused_since: datetime | None = None  # the first transient refusal of this attempt's start
    refusal: str | None = None
    job_type: str | None = None  # of the job this attempt started: the config may have changed or gone since
    handle: Mapping[str, Any] | None = None  # of the running job; JSON-safe, no secrets
    asked_with: Mapping[str, Any] = field(
        default_factory=dict
    )  # of job.config as written, to ask and stop it with
    # The job of the attempt before, as long as its service may still be stopping it: jobType, handle, askedWith.
    stopping: Mapping[str, Any] = field(default_factory=dict)
    remote_id: str | None = None  # what the job service calls it
    pools: tuple[str, ...] = ()  # whose slots this attempt asked for; given back at its end
    slot_turn: int = 0  # how often it gave them back before its end, because its rules no longer held
    slots_at: datetime | None = None  # since when it may start as far as they go
    synchronous: bool = False  # its answer is its end: nobody can be asked for it later
    started_at: datetime | None = None
    job_ends_by: datetime | None = None  # when the poll window is over
    outcome: Outcome | None = None
    seen: Mapping[str, Any] = field(default_factory=dict)  # what the rules read when this attempt started
    retries: int = 0  # of maxRetries used
    code_retries: int = 0  # of maxCodeRetries used
    manual_reruns: int = 0  # of maxManualReruns used
    drift_reruns: int = 0  # of maxDriftReruns used, by late data and drift alike
    last_request: str | None = (
        None  # id of the rerun request that opened it last: its redelivery is no second one
    )
    retry_at: datetime | None = None  # end of the back-off
    alerted: bool = False  # some event of this run was a warning or worse
    succeeded_at: datetime | None = None  # the last success; not the end of an attempt that followed it
    first_succeeded_at: datetime | None = (
        None  # what an absolute SLA is judged by, whatever is rerun afterwards
    )
    told: tuple[str, ...] = ()  # facts of this attempt's data that were announced: each is told once
    post_run_verdict: str | None = None  # `passed` or `failed`, as announced last
    dry_run: bool = False  # it only observes: no execution, no job. As its pipeline was when it (re)opened
    events: tuple[Announcement, ...] = ()  # what the last move means

    @property
    def is_known_by_its_run_id(self) -> bool:
        """There is, or may be, a job that its service gave no id, or none that we know."""
        may_be = self.handle is not None or (self.outcome is not None and self.outcome.start_unknown)
        return may_be and not self.remote_id

    @property
    def run_id(self) -> str:
        """The idempotency key of this attempt, passed to the job as `${RUN_ID}`."""
        return attempt_name(self.key, self.attempt, self.created_at)

    @property
    def is_open(self) -> bool:
        """It has not ended."""
        return self.status in (RunStatus.WAITING, RunStatus.RUNNING)

    @property
    def may_have_started(self) -> bool:
        """The service was called for this attempt, and its answer is not known to us: the job may exist."""
        return self.intent is not None and self.intent.attempt == self.attempt


def opened(key: RunKey, opened_by: str, now: datetime, window: timedelta) -> Run:
    """A run that nobody has heard of yet; announce it before it is stored."""
    created_at = whole_milliseconds(now)
    return Run(
        key=key,
        status=RunStatus.WAITING,
        attempt=1,
        version=1,
        created_at=created_at,
        updated_at=created_at,
        execution_count=1,
        execution_name=execution_name(key, 1, created_at),
        confirmed=False,
        window_ends_at=created_at + window,
        opened_by=opened_by,
    )


def moved(run: Run, to: RunStatus, at: datetime, events: Sequence[Announcement] = (), **changes: Any) -> Run:
    """The run after one move of the table, with what the move announces."""
    check_move(run.status, to)
    if to is RunStatus.SUCCEEDED:
        now = whole_milliseconds(at)
        changes = {"succeeded_at": now, "first_succeeded_at": run.first_succeeded_at or now} | changes
    return announcing(run, events, status=to, updated_at=whole_milliseconds(at), **changes)


def announcing(run: Run, events: Sequence[Announcement], *facts: str, **changes: Any) -> Run:
    """The run with something to say about it. `facts` are remembered, the latest 100, so that each is said once."""
    if facts:
        changes["told"] = (*run.told, *facts)[-_MOST_TOLD:]
    return replace(
        run,
        version=run.version + 1,
        events=tuple(events),
        alerted=run.alerted or any(severity_of(event.type) is not Severity.INFO for event in events),
        **changes,
    )


_MOST_TOLD = 100
_NEXT_ATTEMPT: Mapping[str, Any] = {
    # Nothing of the attempt before may judge the next one.
    "task_token": None,
    "token_for": None,
    "verdicts": (),
    "intent": None,
    "refused_since": None,
    "refusal": None,
    "job_type": None,
    "handle": None,
    "asked_with": {},
    "remote_id": None,
    "pools": (),
    "slot_turn": 0,
    "slots_at": None,
    "synchronous": False,
    "started_at": None,
    "job_ends_by": None,
    "outcome": None,
    "seen": {},
    "told": (),
    "post_run_verdict": None,
}


def next_attempt(run: Run, at: datetime, events: Sequence[Announcement], **changes: Any) -> Run:
    """The run waiting for its next attempt, in the execution it has."""
    fresh = {**_NEXT_ATTEMPT, "attempt": run.attempt + 1, "stopping": _stopping(run)}
    return moved(run, RunStatus.WAITING, at, events, **{**fresh, **changes})


def _stopping(run: Run) -> Mapping[str, Any]:
    if run.handle and run.outcome is not None and run.outcome.may_live:
        return {"jobType": run.job_type, "handle": run.handle, "askedWith": run.asked_with}
    return run.stopping  # it never started itself


def reopened(
    run: Run, at: datetime, window: timedelta, events: Sequence[Announcement] = (), **changes: Any
) -> Run:
    """A finished run waiting again, in an execution of its own. An attempt that never started keeps its number.

    And its intent, should its workflow have broken in the middle of the start: then the job is looked for first.
    """
    count = run.execution_count + 1
    never_started = run.dry_run or run.status in (RunStatus.EXPIRED, RunStatus.CANCELLED)
    fresh = {
        **_NEXT_ATTEMPT,
        "attempt": run.attempt if never_started else run.attempt + 1,
        "intent": run.intent if never_started else None,
        "stopping": run.stopping if never_started else {},
        "execution_count": count,
        "execution_name": execution_name(run.key, count, run.created_at),
        "confirmed": False,
        "window_ends_at": whole_milliseconds(at) + window,
        "retry_at": None,
    }
    return moved(run, RunStatus.WAITING, at, events, **{**fresh, **changes})


def for_real(run: Run) -> Mapping[str, Any]:
    """What changes with the reopening of a run that only observed: nothing of that judges the real one."""
    if not run.dry_run:
        return {}
    budgets = ("retries", "code_retries", "manual_reruns", "drift_reruns")
    return {
        "dry_run": False,
        "succeeded_at": None,
        "first_succeeded_at": None,
        **dict.fromkeys(budgets, 0),
    }


def whole_milliseconds(at: datetime) -> datetime:
    """Rows keep milliseconds; what is computed from an instant must not change when it is read back."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def epoch_ms(at: datetime) -> int:
    """Whole milliseconds."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def attempt_mark(created_ms: int, execution_count: int, attempt: int) -> str:
    """Which attempt of which life of a run's row: `Ticket.attempt` in a pool."""
    return f"{created_ms:x}.{execution_count}.{attempt}"


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")


def _name(key: RunKey, number: int, created_at: datetime, longest: int) -> str:
    # The creation instant keeps a row that was deleted and made anew from adopting its former life's execution or job:
    # Step Functions keeps names for 90 days, https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
    generation = format(epoch_ms(created_at), "x")
    plain = f"{key.pipeline_id}-{key.schedule_id}-{key.date}"
    name = f"{_UNSAFE.sub('-', plain)}-{number}.{generation}"
    if len(name) <= longest and not _UNSAFE.search(key.pipeline_id):
        return name
    digest = hashlib.sha256(f"{key.pipeline_id}\0{plain}".encode()).hexdigest()[:12]
    tail = f"-{digest}-{number}.{generation}"
    return _UNSAFE.sub("-", plain)[: longest - len(tail)] + tail


def execution_name(key: RunKey, count: int, created_at: datetime) -> str:
    """The Step Functions execution's name: `<id>-<schedule>-<date>-<n>`, safe characters, at most 80."""
    return _name(key, count, created_at, 80)


def attempt_name(key: RunKey, attempt: int, created_at: datetime) -> str:
    """One attempt's idempotency key, at most 64 characters: the tightest limit of the services that take one."""
    return _name(key, attempt, created_at, 64)
