"""Were the postRun sensors written after the success? Their promise in the ledger, and what it says when it is due."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from interlock.domain import drift_wording
from interlock.domain.late_data import written_mark
from interlock.domain.pipeline import Pipeline, post_run_sensors
from interlock.domain.post_run import missing_sensors
from interlock.domain.promise import Promise, PromiseKind, changed, promised, settled
from interlock.domain.routing import SensorWritten, awaited_keys, belongs_to
from interlock.domain.run import Run, RunStatus, whole_milliseconds
from interlock.domain.sensor import Reading
from interlock.ports import ControlTable, Lost
from interlock.steps.read_sensors import read_sensors
from interlock.steps.run_log import fields

log = logging.getLogger(__name__)

_STREAM_CLOCK = timedelta(seconds=1)  # a stream record tells its second


def promise_post_run(run: Run, pipeline: Pipeline, control: ControlTable, now: datetime) -> None:
    """Every postRun sensor is to be written within `sensorTimeout` of this success. May be repeated."""
    due_at = _due_at(run, pipeline)
    if due_at is None or not _unwritten(run, pipeline):
        return
    promise = control.promise_of(PromiseKind.POST_RUN, run.key)
    try:
        if promise is None:
            new = promised(PromiseKind.POST_RUN, run.key, due_at, now, since=run.succeeded_at)
            control.make_promise(new)
        elif promise.since != run.succeeded_at or (promise.due_at not in (None, due_at)):
            # A success after another begins anew, also where the earlier one's was settled.
            control.change_promise(
                promise, changed(promise, due_at=due_at, since=run.succeeded_at, verdict=None)
            )
    except Lost as lost:
        # Made by another delivery of this success: well. Changed by whoever found the earlier one due: once more.
        if lost.current is None or lost.current.since != run.succeeded_at:
            raise


def note_written(
    run: Run, written: SensorWritten, reading: Reading, pipeline: Pipeline, control: ControlTable
) -> Run:
    """Remember that this postRun sensor was written after the success; the promise goes with the last of them."""
    mark, due_at = written_mark(reading.key), _due_at(run, pipeline)
    if due_at is None or mark in run.told or not is_after_success(written, run):
        return run
    # A dateless one of after midnight is the one that this run's promise waits for, while it waits.
    if not belongs_to(pipeline, reading, run.key.date, written.at) and written.at > due_at:
        return run
    try:
        run = control.note(run, replace(run, told=(*run.told, mark)))
    except Lost as lost:
        if lost.current is not None and lost.current.told != run.told:
            return note_written(
                lost.current, written, reading, pipeline, control
            )  # something else was just noted
        return lost.current or run
    if not _unwritten(run, pipeline):
        promise = control.promise_of(PromiseKind.POST_RUN, run.key)
        if promise is not None and promise.due_at is not None:
            control.drop_promise(promise)
    return run


def still_waits_for(run: Run, reading: Reading, pipeline: Pipeline, at: datetime) -> bool:
    """Whether a dateless reading of after midnight is what this run's promise waits for, and not the next run's.

    One that the rules read, too, may be that.
    """
    due_at = _due_at(run, pipeline)
    is_of_no_rule = reading.period is None and reading.key not in awaited_keys(pipeline)
    return is_of_no_rule and due_at is not None and at <= due_at


def is_after_success(written: SensorWritten, run: Run) -> bool:
    """A record of before that is delivered late, or again, is no write after the success."""
    return run.succeeded_at is not None and written.at + _STREAM_CLOCK > run.succeeded_at


def post_run_due(promise: Promise, pipeline: Pipeline | None, control: ControlTable, now: datetime) -> None:
    """The time is over: name the sensors that nothing wrote, once. Decided by the run and the config as they are now."""
    if promise.due_at is None:
        return  # settled before
    sensors = post_run_sensors(pipeline) if pipeline is not None else ()
    run, readings = read_sensors(promise.key, sensors, control)
    due_at = _due_at(run, pipeline) if run is not None and pipeline is not None else None
    if run is None or pipeline is None or due_at is None:
        control.drop_promise(promise)  # open again, or no longer asked for; the next success makes its own
        return
    missing = missing_sensors(run, sensors, readings, now)
    if not missing:
        control.drop_promise(promise)
        return
    if promise.since != run.succeeded_at or now < due_at:
        with suppress(Lost):  # the success itself sees to it
            control.change_promise(promise, changed(promise, due_at=due_at, since=run.succeeded_at))
        return
    assert pipeline.post_run is not None
    told = drift_wording.post_run_sensor_missing(
        run, pipeline, missing, pipeline.post_run.sensor_timeout, now
    )
    with suppress(Lost):
        control.change_promise(promise, settled(promise, "missing", [told]))
        log.info("post-run sensor missing", extra=fields(run, sensors=missing))


def _due_at(run: Run, pipeline: Pipeline) -> datetime | None:
    """None where nothing is promised: of a run that has not succeeded, or was only observed."""
    if run.status is not RunStatus.SUCCEEDED or run.succeeded_at is None:
        return None
    if not post_run_sensors(pipeline) or pipeline.post_run is None or run.dry_run or pipeline.dry_run:
        return None
    return whole_milliseconds(run.succeeded_at + pipeline.post_run.sensor_timeout)


def _unwritten(run: Run, pipeline: Pipeline) -> bool:
    return any(written_mark(sensor) not in run.told for sensor in post_run_sensors(pipeline))
