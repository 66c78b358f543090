"""A stream record of the control or joblog table as what it means; `BadInput` when it cannot be read."""

from __future__ import annotations

import hashlib

from interlock.aws import keys
from interlock.aws.job_log import read_job_record
from interlock.aws.outbox import events_of
from interlock.aws.run_item import parse_instant_text, plain
from interlock.domain.bad_input import BadInput
from interlock.domain.change import Change, ChangeKind, Image
from interlock.domain.event import EventType
from interlock.domain.promise import PromiseKind
from interlock.domain.routing import (
    Announced,
    ConfigRemoved,
    DeadlineMoved,
    Fact,
    JobReported,
    RerunRequested,
    RunMoved,
    SensorWritten,
    SlotsFreed,
)
from interlock.domain.run import RunStatus, attempt_mark, epoch_ms
from interlock.domain.schedule import period_of

_ANNOUNCING = frozenset(
    (
        keys.RowKind.RUN,
        keys.RowKind.NOTICE,
        keys.RowKind.CONFIG,
        keys.RowKind.CONFIG_FILE,
        keys.RowKind.DUE,
        keys.RowKind.WATCHDOG,
    )
)
# Behind EventBridge Scheduler, which is more exact than a tick.
_SCHEDULED = frozenset((PromiseKind.SLA, PromiseKind.RELATIVE_SLA))
_OPEN = (RunStatus.WAITING, RunStatus.RUNNING)
_STATUSES = frozenset(RunStatus)
_ONE_ATTEMPT = ("createdAt", "executionCount", "attempt")
_TRUE = frozenset(("true", "1", "yes"))


def read_change(change: Change) -> tuple[Fact, ...]:
    """Nothing for a change that concerns nobody: no config is read for it. What it announces comes first."""
    parsed = keys.parse_key(change.partition_key, change.sort_key)
    if parsed is None:
        return ()
    events = events_of(change) if parsed.kind in _ANNOUNCING and change.kind is not ChangeKind.REMOVE else []
    announced = (Announced(tuple(events)),) if events else ()
    fact = _fact(change, parsed)
    freed = _slots_freed(change) if parsed.kind is keys.RowKind.RUN else None
    return (*announced, *(each for each in (freed, fact) if each is not None))


def _fact(change: Change, parsed: keys.ParsedKey) -> Fact | None:
    removed = change.kind is ChangeKind.REMOVE or change.new is None
    if parsed.kind is keys.RowKind.SENSOR:
        return SensorWritten(parsed.pipeline_id, parsed.rest, None if removed else change.new, change.at)
    if parsed.kind is keys.RowKind.DUE:
        return _deadline_moved(change)
    if removed:
        # Deleting a rerun request or a job record asks for nothing.
        return ConfigRemoved(parsed.pipeline_id) if parsed.kind is keys.RowKind.CONFIG else None
    if parsed.kind is keys.RowKind.RUN and change.new is not None:
        return _run_moved(change, change.new)
    if parsed.kind is keys.RowKind.JOB and change.new is not None:
        return JobReported(read_job_record(change.new))
    if parsed.kind is keys.RowKind.RERUN_REQUEST:
        return _rerun_request(change)
    return None


def _run_moved(change: Change, new: Image) -> RunMoved | None:
    """None for bookkeeping, which leaves the version as it was, and for what is only said of a run, which stays."""
    old = change.old or {}
    if old.get("version") == new.get("version") or old.get("status") == new.get("status"):
        return None
    key = keys.parse_run_key(change.partition_key, change.sort_key)
    try:
        status, attempt = RunStatus(new["status"]), int(new["attempt"])
        told = [str(event["type"]) for event in new.get("events", ())]
        # The stream's own times are whole seconds: a success and the rerun after it may share one.
        at = parse_instant_text(new["updatedAt"])
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise BadInput(f"{change.sort_key[:200]!r} is not a run's row: {str(error)[:200]}") from error
    return RunMoved(key, status, attempt, EventType.RERUN_ACCEPTED in told, at)


def _slots_freed(change: Change) -> SlotsFreed | None:
    """The row told of an attempt with slots, and tells of it no more."""
    old, new = change.old or {}, change.new or {}
    pools = old.get("pools")
    if not isinstance(pools, list) or not pools or old.get("status") not in _OPEN:
        return None
    if new and new.get("status") not in _STATUSES:
        return None  # somebody wrote over it: its job may run on
    if new.get("status") in _OPEN and all(old.get(name) == new.get(name) for name in _ONE_ATTEMPT):
        return None
    key = keys.parse_run_key(change.partition_key, change.sort_key)
    try:
        created_ms = epoch_ms(parse_instant_text(old["createdAt"]))
        mark = attempt_mark(created_ms, int(old["executionCount"]), int(old["attempt"]))
        return SlotsFreed(key, mark, int(old.get("slotTurn", 0)), tuple(str(name) for name in pools))
    except (KeyError, TypeError, ValueError, ArithmeticError):
        # Somebody had written over it, which was told then. What the new row says is heard all the same; the slots are
        # found by a run that waits for them.
        return None


def _deadline_moved(change: Change) -> DeadlineMoved | None:
    if change.sort_key.startswith(keys.DUE_RUN):
        return None
    kind, key = keys.parse_promise_key(change.partition_key, change.sort_key)
    if kind not in _SCHEDULED or _promised_for(change.old) == _promised_for(change.new):
        return None
    return DeadlineMoved(kind, key)


def _promised_for(row: Image | None) -> object:
    """Not until when the watchdog put it off: the time of its schedule is over."""
    return (row or {}).get("promisedFor", (row or {}).get("dueAt"))


def _rerun_request(change: Change) -> RerunRequested:
    attributes = plain(change.new or {})
    key = keys.parse_run_key(change.partition_key, change.sort_key)
    try:
        period_of(key.date)
    except ValueError as error:
        raise BadInput(f"{change.sort_key[:200]!r}: {error}") from error
    identity = f"{change.sequence_number}\0{change.at.isoformat()}"
    force = attributes.get("force")
    return RerunRequested(
        key=key,
        request_id=hashlib.sha256(identity.encode()).hexdigest()[:16],
        attributes=change.new or {},
        reason=str(attributes.get("reason") or "")[:300],
        requested_by=str(attributes.get("requestedBy") or "")[:100],
        force=force if isinstance(force, bool) else str(force).strip().lower() in _TRUE,
    )
