"""A job's end, from whoever noticed it first: into the log and the row, and the run that sleeps on it is woken."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from interlock.domain.job_record import JobRecord, applies_to
from interlock.domain.run import Outcome, Run, RunStatus
from interlock.ports import CallFailed, ControlTable, JobLog, Lost, StateMachine
from interlock.steps.run_log import fields

log = logging.getLogger(__name__)

WAITS_FOR_JOB = "job"
WAITS_FOR_JUDGEMENT = "judgement"  # the job has ended; `tries` is then the attempt
_CLOCKS_DIFFER = timedelta(minutes=5)  # ours and a reporter's, at most


def record_end(run: Run, outcome: Outcome, control: ControlTable, joblog: JobLog, now: datetime) -> Run:
    """The job's end, in the log and in the row; whoever reported it first counts.

    Either is enough, for a record of the log settles the run: nobody can be asked again for a synchronous answer.
    """
    logged = True
    try:
        joblog.put(JobRecord(run.key, run.attempt, now, outcome, run.run_id))
    except CallFailed:
        logged = False
    try:
        return control.record_outcome(run, outcome)
    except Lost as lost:
        return lost.current or run
    except CallFailed:
        if not logged:
            raise
        return run


def settle(record: JobRecord, control: ControlTable, machine: StateMachine, now: datetime) -> None:
    """A `JOB#` record, from whoever wrote it: store what it says in the row of its attempt, and wake the run.

    A dry run has no job: the record tells of somebody else's.
    """
    run = control.run(record.key)
    if run is not None and run.dry_run:
        from interlock.steps.dry_run import hear_from_outside  # few pipelines only observe

        hear_from_outside(record, run, control, now)
        return
    if run is None or not applies_to(record, run, run.remote_id):
        log.info(
            "job record ignored: it tells of no open attempt",
            extra=fields(run or record.key, told=record.attempt),
        )
        return
    if run.outcome is None:
        try:
            run = control.record_outcome(run, record.outcome)
        except Lost as lost:
            run = lost.current
    if run is not None and run.attempt == record.attempt:
        wake_if_ended(run, machine)


def end_in_log(run: Run, joblog: JobLog) -> Outcome | None:
    """What was reported of the attempt, should the stream have lost the record that told so. One call."""
    # A row that was deleted and made anew counts its attempts anew, and the log still has those of its former life.
    since = (run.started_at or run.created_at) - _CLOCKS_DIFFER
    records = [record for record in joblog.of_attempt(run.key, run.attempt) if record.at >= since]
    return next((record.outcome for record in records if applies_to(record, run, run.remote_id)), None)


def wake_if_ended(run: Run, machine: StateMachine) -> None:
    """Wake the execution that sleeps on the job, once the outcome is in the row."""
    asleep = run.status is RunStatus.RUNNING and run.token_for == WAITS_FOR_JOB
    if asleep and run.outcome is not None and run.task_token:
        machine.succeed(run.task_token)
