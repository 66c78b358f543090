"""The slow look at every pipeline, in pages: the rows that it should have, the run of a trigger that is met, events that
nobody stored. It finds what was lost on the way; what is due is the tick's.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta

from interlock.domain.bad_input import BadInput
from interlock.domain.event import Event
from interlock.domain.execution_date import instant_of, local_of, period_start, zone_of
from interlock.domain.pipeline import Pipeline
from interlock.domain.pipeline_codec import StoredPipelineUnreadable, decode_pipeline
from interlock.domain.promise import PromiseKind
from interlock.domain.run import Run, RunKey, RunStatus
from interlock.domain.schedule import current_date
from interlock.ports import DueRun, Lost, RecentRows, StoredConfig, SweepPass
from interlock.steps.find_met_trigger import WAITS_FOR_RECORD, find_met_trigger, recover_trigger
from interlock.steps.job_end import WAITS_FOR_JOB
from interlock.steps.judge_post_run import promise_post_run
from interlock.steps.open_run import WAITS_FOR_READINESS
from interlock.steps.promise_ahead import promise_ahead
from interlock.steps.route_change import report_bad_input
from interlock.steps.run_log import fields
from interlock.steps.tell_degraded import tell_degraded
from interlock.steps.watchdog_ports import WatchdogPorts

log = logging.getLogger(__name__)

PAGE = 200  # pipelines
_SECONDS = 40.0  # of a Lambda's minute
# A pass takes a page each minute; every pipeline's turn comes again within the hour.
_BETWEEN_PASSES = timedelta(minutes=55)
# With more than 6000 pipelines a page a minute would not do.
_LATE = timedelta(minutes=30)
# A stream keeps its records for 24 hours: what was not published by then never will be.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
_LOOKED_BACK = timedelta(hours=26)
_ON_ITS_WAY = timedelta(minutes=10)
_RECORD_ON_ITS_WAY = timedelta(minutes=2)
_PART = "sweep"
_NOBODY = "-"  # events that belong to no pipeline


def is_due(latest: SweepPass | None, now: datetime) -> bool:
    """Whether a pass is under way, or should begin; also when the clock went backwards."""
    if latest is None or latest.cursor is not None:
        return True
    return not latest.started_at <= now < latest.started_at + _BETWEEN_PASSES


def sweep_pipelines(ports: WatchdogPorts, now: datetime) -> int:
    """The next page of pipelines, more if the pass is late; how many. Two at once look at the same, which harms nobody.

    The cursor moves last: a page that dies is looked at again.
    """
    until, looked_at = ports.seconds() + _SECONDS, 0
    while True:
        latest = ports.memory.sweep_pass()
        if not is_due(latest, now):
            return looked_at
        current = latest if latest is not None and latest.cursor is not None else SweepPass(now)
        failed: dict[str, str] = {}
        after, pipelines = _page(current, ports, failed, until, now)
        with suppress(Lost):
            ports.memory.advance(latest, after)
        looked_at += pipelines
        is_clean = after.cursor is None and not after.failed
        tell_degraded(failed, {_PART} if is_clean else (), ports.memory, now)
        is_late = now >= current.started_at + _LATE
        if after.cursor is None or not is_late or ports.seconds() > until:
            return looked_at


def _page(
    current: SweepPass, ports: WatchdogPorts, failed: dict[str, str], until: float, now: datetime
) -> tuple[SweepPass, int]:
    """How far the pass has come, and by how many pipelines."""
    cursor, looked_at = current.cursor or "", 0
    files = ports.memory.config_files_after(cursor, PAGE)
    if not cursor:
        with _guarded(_NOBODY, ports, failed, now):
            _publish_lost(ports.memory.events_of_nobody(), ports, now)
    for name, pipeline_id in files:
        if pipeline_id is not None:
            with _guarded(pipeline_id, ports, failed, now):
                _look_at(pipeline_id, ports, now)
            looked_at += 1
        cursor = name
        if ports.seconds() > until:
            break
    is_over = len(files) < PAGE and (not files or cursor == files[-1][0])
    return replace(
        current, cursor=None if is_over else cursor, failed=current.failed or bool(failed)
    ), looked_at


@contextmanager
def _guarded(pipeline_id: str, ports: WatchdogPorts, failed: dict[str, str], now: datetime) -> Iterator[None]:
    """One bad neighbour harms nobody."""
    try:
        yield
    except BadInput as problem:
        with suppress(Exception):  # it is told by whoever reads it next
            report_bad_input(pipeline_id, "the config", problem, ports.control, now)
    except Exception as error:
        log.exception("pipeline could not be swept", extra={"pipeline": pipeline_id})
        failed.setdefault(_PART, f"{pipeline_id}: {type(error).__name__}: {error}")


def _look_at(pipeline_id: str, ports: WatchdogPorts, now: datetime) -> None:
    control = ports.control
    stored = control.config(pipeline_id)
    if stored is None:
        return
    pipeline, loaded_at = _read(stored), stored.loaded_at or now
    day_before = local_of(now - _LOOKED_BACK, zone_of(pipeline)).date() - timedelta(days=1)
    rows = control.recent_rows(pipeline_id, pipeline.schedule_id, f"{day_before}~")
    promise_ahead(pipeline, loaded_at, control, now, rows.promises)
    for run in rows.runs:
        _see_that_it_is_watched(run, rows, ports, now)
        _promise_post_run(run, pipeline, loaded_at, rows, ports, now)
    _open_triggered(pipeline, loaded_at, {run.key for run in rows.runs} | rows.watched, ports, now)
    _publish_lost(rows.events, ports, now)


def _read(stored: StoredConfig) -> Pipeline:
    try:
        return decode_pipeline(stored.text)
    except StoredPipelineUnreadable as error:
        raise BadInput(f"the stored config is not one of ours: {str(error)[:300]}; sync it anew") from error


def _see_that_it_is_watched(run: Run, rows: RecentRows, ports: WatchdogPorts, now: datetime) -> None:
    """Without its check row nobody would look at it again."""
    if run.key in rows.watched or run.status not in (RunStatus.WAITING, RunStatus.RUNNING):
        return
    waits_for = WAITS_FOR_JOB if run.status is RunStatus.RUNNING else WAITS_FOR_READINESS
    ports.control.promise(DueRun(run.key, now, waits_for))
    log.warning("open run had no check row", extra=fields(run))


def _promise_post_run(
    run: Run,
    pipeline: Pipeline,
    loaded_at: datetime,
    rows: RecentRows,
    ports: WatchdogPorts,
    now: datetime,
) -> None:
    """The record of its success was lost, and nobody waits for its postRun sensors."""
    at = run.succeeded_at
    # A config that came later promised nothing of it.
    if at is None or not loaded_at <= at <= now - _RECORD_ON_ITS_WAY:
        return
    of_this = (row for row in rows.promises if row.kind is PromiseKind.POST_RUN and row.key == run.key)
    if all(row.since != at for row in of_this):
        promise_post_run(run, pipeline, ports.control, now)


def _open_triggered(
    pipeline: Pipeline, loaded_at: datetime, known: set[RunKey], ports: WatchdogPorts, now: datetime
) -> None:
    """The trigger of this period, or of the one that ended last, is met and has no run: its record was lost."""
    if pipeline.schedule.trigger is None:
        return
    zone = zone_of(pipeline)
    current = current_date(pipeline, now)
    began = instant_of(period_start(current), zone)
    previous = current_date(pipeline, began - timedelta(milliseconds=1))
    # Of a period that was over when the config came nothing was lost.
    dates = [current] if began <= loaded_at else [previous, current]
    for key in (RunKey(pipeline.id, pipeline.schedule_id, date) for date in dates):
        if key in known:
            continue
        seen = find_met_trigger(pipeline, key, ports.control, now)
        if seen.met and seen.written_at is None:
            ports.control.promise(DueRun(key, now + _RECORD_ON_ITS_WAY, WAITS_FOR_RECORD))
        elif seen.met and seen.written_at is not None and seen.written_at <= now - _RECORD_ON_ITS_WAY:
            recover_trigger(pipeline, key, seen, ports.control, ports.machine, now)


def _publish_lost(events: Iterable[Event], ports: WatchdogPorts, now: datetime) -> None:
    """With their own ids: one that was only late, or not yet seen by a read that is not consistent, is stored once all
    the same, and told once by a channel that remembers its id.
    """
    recent = (event for event in events if now - _LOOKED_BACK <= event.at <= now - _ON_ITS_WAY)
    for event in ports.store.not_stored(recent):
        ports.bus.publish([event])
        log.warning("lost event published", extra={"event": event.type, "pipeline": event.pipeline_id})
