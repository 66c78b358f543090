"""Keep the one-shot schedule of an SLA in step with its promise's row, and look at the promise when it fires.

The row is the truth: whatever is lost here, the watchdog looks at the row when it is due.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from interlock.domain.promise import Promise, PromiseKind
from interlock.domain.run import RunKey
from interlock.ports import ControlTable, Deadlines
from interlock.steps.judge_sla import judge_sla
from interlock.steps.run_log import fields

log = logging.getLogger(__name__)

# A one-shot that is asked for at its very second may come too late to fire.
_SOONEST = timedelta(seconds=2)
_MOST_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class SlaMonitorPorts:
    control: ControlTable
    deadlines: Deadlines


class DeadlineKeepsMoving(Exception):
    """The row changed at each look; the invocation is repeated."""


def mirror_deadline(kind: PromiseKind, key: RunKey, ports: SlaMonitorPorts, now: datetime) -> None:
    """The row changed. A promise that is due by now, or kept already (its run was faster than its row), is judged."""
    promise = ports.control.promise_of(kind, key)
    if promise is not None:
        promise = _judged(promise, ports, now)
    _mirror(promise, kind, key, ports, now)


def deadline_fired(kind: PromiseKind, key: RunKey, ports: SlaMonitorPorts, now: datetime) -> None:
    """A one-shot fired: time to look. What that changes in the row comes back as a change to mirror."""
    promise = ports.control.promise_of(kind, key)
    if promise is None or promise.due_at is None:
        return
    after = _judged(promise, ports, now)
    if after is not None and after.version == promise.version:
        # It fired for a time that the row no longer has, or by a clock that is ahead of ours.
        _mirror(after, kind, key, ports, now)


def _judged(promise: Promise, ports: SlaMonitorPorts, now: datetime) -> Promise | None:
    if promise.due_at is None:
        return promise
    return judge_sla(promise, ports.control.pipeline(promise.key.pipeline_id), ports.control, now)


def _mirror(
    promise: Promise | None, kind: PromiseKind, key: RunKey, ports: SlaMonitorPorts, now: datetime
) -> None:
    """Until the row still says what the schedule says: of two workers, the slower one sees the newer row."""
    for _ in range(_MOST_ROUNDS):
        if promise is None or promise.due_at is None:
            ports.deadlines.remove(kind, key)
        else:
            ports.deadlines.put(promise, max(_next_second(promise.due_at), _next_second(now) + _SOONEST))
        shown = _look(promise)
        promise = ports.control.promise_of(kind, key)
        if _look(promise) == shown:
            log.info("SLA schedule in step", extra=fields(key, kind=str(kind), due_at=str(shown[0])))
            return
    raise DeadlineKeepsMoving(f"{kind} of {key}")


def _look(promise: Promise | None) -> tuple[datetime | None, bool]:
    """What a schedule shows of a row."""
    if promise is None or promise.due_at is None:
        return None, False
    return promise.due_at, promise.warned


def _next_second(at: datetime) -> datetime:
    """Schedules know no fractions: never before the time, or the look would come to nothing."""
    whole = at.replace(microsecond=0)
    return whole if whole == at else whole + timedelta(seconds=1)
