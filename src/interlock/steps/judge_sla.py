"""Look at an SLA's promise: met, breached, at risk, or moved with its config. Each verdict is announced by the write that
settles its row, so whoever looks (a one-shot schedule, the watchdog, the run's success), it is said once.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from interlock.domain.bad_input import BadInput
from interlock.domain.event import Announcement
from interlock.domain.expectation import due_of
from interlock.domain.pipeline import Pipeline
from interlock.domain.promise import Promise, PromiseKind, changed, settled
from interlock.domain.readiness import RuleVerdict, trigger_holds
from interlock.domain.run import Run, RunKey, RunStatus, whole_milliseconds
from interlock.domain.schedule import Period, calendar_names, exclusion_reason, period_of
from interlock.domain.sensor import candidate_keys, select_reading
from interlock.domain.sla import SlaTimes, SlaVerdict, absolute_times, relative_times, sla_verdict
from interlock.domain.sla_wording import sla_breached, sla_met, sla_warning_given
from interlock.ports import ControlTable, Lost
from interlock.steps.promise_ahead import promise_next
from interlock.steps.read_readiness import read_readiness
from interlock.steps.run_log import fields

log = logging.getLogger(__name__)


def judge_slas(key: RunKey, pipeline: Pipeline, control: ControlTable, now: datetime) -> None:
    """The run has succeeded: its SLAs are met now, not when they would fall due."""
    sla = pipeline.sla
    configured = (
        (PromiseKind.SLA, sla is not None and sla.deadline is not None),
        (PromiseKind.RELATIVE_SLA, sla is not None and sla.max_duration is not None),
    )
    for kind in (kind for kind, is_configured in configured if is_configured):
        promise = control.promise_of(kind, key)
        if promise is not None:
            judge_sla(promise, pipeline, control, now)


def judge_sla(
    promise: Promise, pipeline: Pipeline | None, control: ControlTable, now: datetime
) -> Promise | None:
    """The row as it stands afterwards; None when it is gone. Without a pipeline nothing is promised.

    `Lost` when others change the row twice meanwhile: whoever asked asks again.
    """
    try:
        return _judge(promise, pipeline, control, now)
    except Lost as lost:
        return None if lost.current is None else _judge(lost.current, pipeline, control, now)


def _judge(
    promise: Promise, pipeline: Pipeline | None, control: ControlTable, now: datetime
) -> Promise | None:
    if promise.due_at is None:
        return promise
    times = None if pipeline is None else _times_by_now(promise, pipeline, control)
    if pipeline is None or times is None:
        _drop(promise, pipeline, control, now)
        return None
    run = _judged_run(promise, times, pipeline, control, now)
    verdict = sla_verdict(promise, times, run, now)
    if verdict is SlaVerdict.OPEN:
        due_at = whole_milliseconds(times.next_look(warned=promise.warned))
        return (
            promise
            if due_at == promise.due_at
            else _change(promise, changed(promise, due_at=due_at), control)
        )
    if verdict is not SlaVerdict.MET and _is_nobodys(promise, times, run, pipeline, control):
        _drop(promise, pipeline, control, now)
        return None
    _roll_on(promise, pipeline, control, now)
    after = _announced(promise, verdict, times, run, pipeline, control, now)
    log.info("SLA judged", extra=fields(promise.key, kind=str(promise.kind), verdict=str(verdict)))
    return _change(promise, after, control)


def _judged_run(
    promise: Promise, times: SlaTimes, pipeline: Pipeline, control: ControlTable, now: datetime
) -> Run | None:
    """Its run; of a day whose readings name hours, once it is time, the one of these that is furthest behind."""
    run = control.run(promise.key)
    if run is None and promise.kind is PromiseKind.SLA and now >= times.next_look(warned=promise.warned):
        run = max(runs_of_hours(promise.key, pipeline, control), key=_behind, default=None)
    # One of a time when the pipeline only observed has done nothing.
    return None if run is None or run.dry_run else run


def runs_of_hours(key: RunKey, pipeline: Pipeline, control: ControlTable) -> list[Run]:
    """What keeps the promises of a day on which nothing but the trigger's readings says that runs are of hours."""
    if pipeline.schedule.cron is not None or period_of(key.date) is not Period.DAILY:
        return []
    runs = control.runs_of_date(key.pipeline_id, key.schedule_id, key.date)
    return [run for run in runs if run.key != key]


def _behind(run: Run) -> tuple[bool, datetime]:
    done_at = None if run.dry_run else run.first_succeeded_at
    return done_at is None, done_at or run.updated_at


def _times_by_now(promise: Promise, pipeline: Pipeline, control: ControlTable) -> SlaTimes | None:
    """By the config and the calendars as they are now; None when they promise it no longer."""
    key, names = promise.key, calendar_names(pipeline)
    calendars = control.calendars(names) if names else {}
    if promise.kind is PromiseKind.SLA:
        if due_of(promise, pipeline, calendars) is None:
            return None
        return absolute_times(pipeline, key.date)
    with suppress(ValueError):  # somebody wrote a row of no execution date
        is_own = key.schedule_id == pipeline.schedule_id and promise.since is not None
        if is_own and promise.since and exclusion_reason(pipeline, key.date, calendars) is None:
            return relative_times(pipeline, promise.since)
    return None


def _is_nobodys(
    promise: Promise, times: SlaTimes, run: Run | None, pipeline: Pipeline, control: ControlTable
) -> bool:
    """Whether what looks like a breach is none: no run was ever to be done by then."""
    if promise.kind is PromiseKind.RELATIVE_SLA:
        return run is None and _dates_have_another_form(promise.key, control)
    if promise.due_at in (
        whole_milliseconds(times.deadline),
        times.warning and whole_milliseconds(times.warning),
    ):
        return False
    # The deadline moved: one that its config put before its own loading is nobody's promise.
    config = control.config(pipeline.id)
    return config is not None and config.loaded_at is not None and times.deadline <= config.loaded_at


def _dates_have_another_form(key: RunKey, control: ControlTable) -> bool:
    """A rule's reading of a whole day began the clock of a run that never comes, where each hour has its run; or
    one of an hour where the day has. Only the runs that the trigger opened tell the form of a sensor pipeline's dates.
    """
    runs = control.runs_of_date(key.pipeline_id, key.schedule_id, key.date[:10])
    return bool(runs) and all(period_of(run.key.date) is not period_of(key.date) for run in runs)


def _drop(promise: Promise, pipeline: Pipeline | None, control: ControlTable, now: datetime) -> None:
    if pipeline is not None:
        with suppress(ValueError):  # somebody wrote a row of no execution date
            _roll_on(promise, pipeline, control, now)
    control.drop_promise(promise)
    log.info("SLA no longer promised", extra=fields(promise.key, kind=str(promise.kind)))


def _roll_on(promise: Promise, pipeline: Pipeline, control: ControlTable, now: datetime) -> None:
    """First of all: if this dies half-way, the row of the next date is there."""
    if promise.kind is PromiseKind.SLA:
        with suppress(BadInput):  # somebody wrote over another date's row: told when that one is looked at
            promise_next(PromiseKind.SLA, pipeline, promise.key.date, control, now)


def _announced(
    promise: Promise,
    verdict: SlaVerdict,
    times: SlaTimes,
    run: Run | None,
    pipeline: Pipeline,
    control: ControlTable,
    now: datetime,
) -> Promise:
    told: Announcement
    if verdict is SlaVerdict.MET:
        told = sla_met(promise, times, run, pipeline, now)
        return settled(promise, str(verdict), [told])
    unmet = _unmet(run.key if run is not None else promise.key, run, pipeline, control, now)
    if verdict is SlaVerdict.BREACHED:
        told = sla_breached(promise, times, run, unmet, pipeline, now)
        return settled(promise, str(verdict), [told])
    told = sla_warning_given(promise, times, run, unmet, pipeline, now)
    return changed(promise, [told], warned=True, due_at=whole_milliseconds(times.deadline))


def _unmet(
    key: RunKey, run: Run | None, pipeline: Pipeline, control: ControlTable, now: datetime
) -> Sequence[RuleVerdict]:
    """What keeps the run from starting, as of now: its rules, before them the trigger that should have opened it."""
    if run is not None and run.status not in (RunStatus.WAITING, RunStatus.EXPIRED):
        return ()
    _, readiness = read_readiness(pipeline, key, control, now)
    trigger = pipeline.schedule.trigger
    if run is not None or trigger is None:
        return readiness.unmet
    _, found = control.snapshot(key, candidate_keys(trigger.rule.key, key.date))
    opens = trigger_holds(trigger.rule, select_reading(trigger.rule.key, key.date, found), now)
    return readiness.unmet if opens.holds else (opens, *readiness.unmet)


def _change(before: Promise, after: Promise, control: ControlTable) -> Promise:
    control.change_promise(before, after)
    return after
