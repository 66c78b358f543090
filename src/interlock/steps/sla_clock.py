"""The clock of a relative SLA: it begins with the first reading for a date, and anew with each rerun."""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import datetime

from interlock.domain.pipeline import Pipeline
from interlock.domain.promise import Promise, PromiseKind, changed, promised
from interlock.domain.routing import SensorWritten
from interlock.domain.run import RunKey, RunStatus, whole_milliseconds
from interlock.domain.sensor import Reading
from interlock.domain.sla import SlaTimes, clock_date, relative_times
from interlock.ports import ControlTable, Lost
from interlock.steps.judge_sla import judge_sla
from interlock.steps.open_run import exclusion_of
from interlock.steps.run_log import fields

log = logging.getLogger(__name__)

_OVER = (RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED)


def begin_clock(
    written: SensorWritten, reading: Reading, pipeline: Pipeline, control: ControlTable, now: datetime
) -> None:
    """One read for each further reading of the date; nothing for a pipeline without `maxDuration`."""
    since = whole_milliseconds(written.at)
    times = relative_times(pipeline, since)
    date = None if times is None else clock_date(reading, pipeline, written.at)
    if times is None or date is None or written.attributes is None:
        return
    key = RunKey(pipeline.id, pipeline.schedule_id, date)
    if control.promise_of(PromiseKind.RELATIVE_SLA, key) is not None:
        return
    if exclusion_of(pipeline, date, control) is not None or _was_over_by(key, since, control):
        return
    with suppress(Lost):  # another reading of the date began it just now
        control.make_promise(_ticking(key, since, times, now))
        log.info("SLA clock began", extra=fields(key, sensor=written.key))


def _was_over_by(key: RunKey, written_at: datetime, control: ControlTable) -> bool:
    """Then the write is a heartbeat. A run that ended since is judged like any other: its record was slow."""
    run = control.run(key)
    return run is not None and run.status in _OVER and run.updated_at < written_at


def restart_clock(
    key: RunKey, accepted_at: datetime, pipeline: Pipeline, control: ControlTable, now: datetime
) -> None:
    """A rerun was accepted then: it has the whole of `maxDuration`, whatever became of the SLA before it.

    `Lost` when others change the row twice meanwhile: the record is delivered again.
    """
    since = whole_milliseconds(accepted_at)
    times = relative_times(pipeline, since)
    if times is None:
        return
    promise = control.promise_of(PromiseKind.RELATIVE_SLA, key)
    try:
        if promise is None:
            control.make_promise(_ticking(key, since, times, now))
        else:
            _replace(promise, since, times, pipeline, control, now)
    except Lost as lost:
        if lost.current is not None:
            _replace(lost.current, since, times, pipeline, control, now)


def _replace(
    promise: Promise,
    since: datetime,
    times: SlaTimes,
    pipeline: Pipeline,
    control: ControlTable,
    now: datetime,
) -> None:
    if promise.since is not None and promise.since >= since:
        return  # delivered again
    before: Promise | None = promise
    if promise.due_at is not None and promise.due_at <= since:
        # Nobody has looked yet: the verdict of the clock before must not be lost with it.
        before = judge_sla(promise, pipeline, control, now)
    if before is None:
        control.make_promise(_ticking(promise.key, since, times, now))
        return
    due_at = whole_milliseconds(times.next_look(warned=False))
    again = changed(before, due_at=due_at, since=since, warned=False, verdict=None)
    control.change_promise(before, again)
    log.info("SLA clock began anew", extra=fields(promise.key))


def _ticking(key: RunKey, since: datetime, times: SlaTimes, now: datetime) -> Promise:
    return promised(PromiseKind.RELATIVE_SLA, key, times.next_look(warned=False), now, since=since)
