"""A dry run: it opens and waits like any run, and where a job would start it says so and ends.

No execution and no task token: it is woken by sensor writes, and by its check row, which stands until it has ended.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from interlock.domain import drift_wording, dry_run_wording
from interlock.domain.event import Announcement
from interlock.domain.job_record import JobRecord
from interlock.domain.pipeline import Pipeline
from interlock.domain.readiness import Readiness
from interlock.domain.retry import decide_retry
from interlock.domain.run import JobEnd, Run, RunKey, RunStatus, announcing, moved
from interlock.domain.sla_projection import project_sla
from interlock.ports import CallFailed, ControlTable, Lost
from interlock.steps.capture_baseline import capture_baseline
from interlock.steps.read_readiness import note_verdicts, read_readiness
from interlock.steps.run_log import fields

log = logging.getLogger(__name__)

# A table that fails for longer does not keep the run from ending.
_BASELINE_PATIENCE = timedelta(minutes=10)


def look_once(key: RunKey, pipeline: Pipeline, control: ControlTable, now: datetime) -> None:
    """It was opened or reopened just now, and no execution looks at its rules. Its check row stands already."""
    run, readiness = read_readiness(pipeline, key, control, now)
    if run is None or not run.dry_run or run.status is not RunStatus.WAITING:
        return
    if readiness.ready:
        see_through(run, pipeline, readiness, control, now)
    else:
        note_verdicts(run, readiness, control)


def see_through(
    run: Run, pipeline: Pipeline, readiness: Readiness, control: ControlTable, now: datetime
) -> None:
    """Its rules hold: say that it would start, and end it. Who dies in between leaves its check row to go on from."""
    told = [dry_run_wording.would_trigger(run, pipeline, readiness, now)]
    projection = project_sla(pipeline, run, now)
    if projection is not None:
        told.append(dry_run_wording.sla_projection(run, projection, now))
    seen = {"started_at": now, "seen": readiness.seen, "verdicts": readiness.verdicts}
    try:
        run = control.move(run, moved(run, RunStatus.RUNNING, now, told, **seen))
    except Lost:
        return  # whoever was first ends it too
    log.info("dry run: the job would start", extra=fields(run))
    complete_dry_run(run, pipeline, control, now)


def complete_dry_run(run: Run, pipeline: Pipeline | None, control: ControlTable, now: datetime) -> None:
    """Repeatable: of those who end it one does. `pipeline` is None when its config was removed meanwhile."""
    if run.status is not RunStatus.RUNNING or not run.dry_run:
        return
    told = [dry_run_wording.completed(run, now), *_baseline(run, pipeline, control, now)]
    with suppress(Lost):
        control.move(run, moved(run, RunStatus.SUCCEEDED, now, told))
    control.keep(run.key)


def _baseline(
    run: Run, pipeline: Pipeline | None, control: ControlTable, now: datetime
) -> list[Announcement]:
    if pipeline is None:
        return []
    try:
        captured = capture_baseline(run, pipeline, control, now)
    except CallFailed as error:
        if now - (run.started_at or now) < _BASELINE_PATIENCE:
            raise  # the record is delivered again, and the check row stands
        return [drift_wording.baseline_capture_failed(run, pipeline, str(error), now)]
    return [captured] if captured is not None else []


def stay_watched(run: Run, control: ControlTable) -> None:
    """Its check row is there. One that is not confirmed gets a row from whoever asks for it next."""
    with suppress(Lost):
        control.note(run, replace(run, confirmed=True))


def hear_from_outside(record: JobRecord, run: Run, control: ControlTable, now: datetime) -> None:
    """Somebody's own job for this date ended: say what Interlock would have done about a failure. Each record once.

    A failure before the rules held says nothing, also when its record comes late: Interlock would not have started
    that job.
    """
    if run.started_at is not None and record.at < run.started_at:
        return
    fact = f"job {record.at.isoformat()} {record.attempt}"
    if run.status is not RunStatus.SUCCEEDED or record.outcome.end is JobEnd.SUCCESS or fact in run.told:
        return
    pipeline = control.pipeline(run.key.pipeline_id)
    if pipeline is None:
        return
    decision = decide_retry(run, record.outcome, pipeline.job, now)
    if decision.again:
        told = dry_run_wording.would_retry(run, record, decision, now)
        counts = {"retries": decision.retries, "code_retries": decision.code_retries}
        control.move(run, announcing(run, [told], fact, **counts))
        return
    # A run that has failed for good has no further failures; one that would be run again has fresh budgets.
    exhausted = f"retries exhausted {run.manual_reruns} {run.drift_reruns}"
    if decision.budget_used_up and exhausted not in run.told:
        told = dry_run_wording.retry_exhausted(run, record, decision, now)
        control.move(run, announcing(run, [told], fact, exhausted))
