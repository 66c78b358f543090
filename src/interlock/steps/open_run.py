"""Open a run for one execution date, exactly once, and set its execution going; or reopen one that ended."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from interlock.domain import announcement
from interlock.domain.event import Announcement
from interlock.domain.pipeline import Pipeline
from interlock.domain.run import Run, RunKey, RunStatus, for_real, opened, reopened
from interlock.domain.schedule import Calendar, calendar_names, exclusion_reason, trigger_deadline
from interlock.ports import ControlTable, DueRun, Lost, StateMachine
from interlock.steps.run_log import fields
from interlock.steps.task import RunOver

log = logging.getLogger(__name__)

WAITS_FOR_READINESS = "readiness"
# By then the execution has looked by itself, or it needs help.
_FIRST_LOOK = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Opening:
    """The row of the asked-for run after the attempt to open it. `run` is None when its date is excluded or too late."""

    run: Run | None
    is_new: bool = False


def open_run(
    pipeline: Pipeline,
    key: RunKey,
    opened_by: str,
    why: str,
    control: ControlTable,
    machine: StateMachine,
    now: datetime,
    *,
    told: Announcement | None = None,
    door_open: bool = False,
    alarmed: bool = False,
) -> Opening:
    """One run for a date, however often it is asked for. Crashes anywhere are mended by the redelivery of what asked.

    `told` is announced beside its opening; `door_open`: although the trigger's deadline is over; `alarmed`: people
    were told that it was missed.
    """
    reason = exclusion_of(pipeline, key.date, control)
    if reason is not None:
        subject = f"PIPELINE_EXCLUDED#{key.schedule_id}#{key.date}"
        control.notice(
            pipeline.id, subject, reason, announcement.pipeline_excluded(pipeline, reason, now), key
        )
        return Opening(None)
    deadline = trigger_deadline(pipeline, key.date)
    run = opened(key, opened_by, now, pipeline.schedule.evaluation.window)
    events = (announcement.run_opened(run, why), *((told,) if told else ()))
    run = replace(run, dry_run=pipeline.dry_run, events=events, alerted=alarmed or told is not None)
    try:
        if deadline is not None and now > deadline and not door_open:
            return _found(control.run(key), control, machine, now)
        control.open_run(run)
    except Lost as lost:
        return _found(lost.current, control, machine, now)
    log.info("run opened", extra=fields(run, why=why))
    start_execution(run, control, machine, now)
    if run.dry_run:
        _look_once(run.key, pipeline, control, now)
    return Opening(run, is_new=True)


def _found(run: Run | None, control: ControlTable, machine: StateMachine, now: datetime) -> Opening:
    if run is not None:
        start_execution(run, control, machine, now)
    return Opening(run)


def start_execution(run: Run, control: ControlTable, machine: StateMachine, now: datetime) -> None:
    """Set the run's execution going unless it is known to be: the row says `confirmed` once the execution has slept.

    Repeatable: the name is the row's, and the input, made of what the row keeps, is the same each time.
    A dry run has none: it is watched over by its check row alone.
    """
    if run.status is not RunStatus.WAITING or run.confirmed:
        return
    # Whoever asks may give up (Lambda a cron's fire after three minutes) or find its config gone: from here on the
    # watchdog sees to the run.
    control.promise(DueRun(run.key, now + _FIRST_LOOK, WAITS_FOR_READINESS), run)
    if run.dry_run:
        from interlock.steps.dry_run import stay_watched

        stay_watched(run, control)
        return
    machine.start(
        run.execution_name,
        {
            "run": {
                "pipelineId": run.key.pipeline_id,
                "scheduleId": run.key.schedule_id,
                "date": run.key.date,
            },
            "windowEndsAt": run.window_ends_at.isoformat(),
        },
    )


def end_asleep(run: Run, why: str, machine: StateMachine) -> None:
    """The execution of a run that ended, should it sleep still. The token of the row as it stood then, and no other:
    a life that has begun since has one of its own.
    """
    if run.task_token:
        machine.fail(run.task_token, RunOver.__name__, why)


def revive_run(
    run: Run, pipeline: Pipeline, control: ControlTable, machine: StateMachine, now: datetime
) -> bool:
    """An expired run whose rules hold after all starts at once, outside every budget; before the trigger's deadline.

    For one whose pipeline only observes by now, nothing is started any more. False when it stays expired.
    """
    if pipeline.dry_run and not run.dry_run:
        return False
    deadline = trigger_deadline(pipeline, run.key.date)
    if deadline is not None and now > deadline:
        return False
    if exclusion_of(pipeline, run.key.date, control) is not None:
        return False
    # First: whoever closed the run may have died before he did, and the row will tell of the next life alone.
    end_asleep(run, "the run begins anew", machine)
    try:
        real = {} if pipeline.dry_run else for_real(run)
        revived = control.move(run, reopened(run, now, pipeline.schedule.evaluation.window, **real))
    except Lost as lost:
        # Another delivery revived it; if that one died before the execution started, this one starts it.
        if lost.current is not None:
            start_execution(lost.current, control, machine, now)
        return lost.current is not None
    log.info("run revived: its rules hold after its window", extra=fields(revived))
    start_execution(revived, control, machine, now)
    if revived.dry_run:
        _look_once(revived.key, pipeline, control, now)
    return True


def _look_once(key: RunKey, pipeline: Pipeline, control: ControlTable, now: datetime) -> None:
    from interlock.steps.dry_run import look_once  # few pipelines only observe

    look_once(key, pipeline, control, now)


def exclusion_of(pipeline: Pipeline, date: str, control: ControlTable) -> str | None:
    """Why this date is excluded, or None. Calendars are read only where the pipeline names one."""
    names = calendar_names(pipeline)
    calendars: Mapping[str, Calendar] = control.calendars(names) if names else {}
    return exclusion_reason(pipeline, date, calendars)
