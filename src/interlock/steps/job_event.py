"""A job service published that a job ended: find the run it belongs to, and settle it."""

from __future__ import annotations

import logging
from datetime import datetime

from interlock.domain.job_record import JobRecord
from interlock.domain.run import Outcome
from interlock.ports import ControlTable, JobLog, StateMachine
from interlock.steps.job_end import settle

log = logging.getLogger(__name__)


def job_ended(
    job_type: str,
    remote_id: str,
    outcome: Outcome,
    at: datetime,
    control: ControlTable,
    joblog: JobLog,
    machine: StateMachine,
) -> None:
    """Write the `JOB#` record and settle it at once, without another hop; its own stream record then changes nothing.

    A job that nobody of ours started is somebody else's. One whose id is not remembered yet is asked by AwaitJob.
    """
    found = joblog.run_of_remote(job_type, remote_id)
    if found is None:
        log.info("job event ignored: not a job of ours", extra={"job_type": job_type, "job_id": remote_id})
        return
    key, attempt = found
    record = JobRecord(key, attempt, at, outcome, remote_id)
    joblog.put(record)
    settle(record, control, machine, at)
