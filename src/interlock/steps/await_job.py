"""State AwaitJob: fall asleep until the job's end is known; and the polls that ask for it where nobody tells."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from interlock.domain.overdue import GRACE, JUDGING_MAY_TAKE
from interlock.domain.run import Run, RunStatus
from interlock.ports import DueRun, JobTrigger, Lost
from interlock.steps.job_end import WAITS_FOR_JOB, WAITS_FOR_JUDGEMENT, record_end, wake_if_ended
from interlock.steps.remote_job import Asked, ask_job
from interlock.steps.task import OrchestratorPorts, RunOver, Task

log = logging.getLogger(__name__)

# Where AWS publishes the end, the poll only covers for a lost event; elsewhere it is how the end is learnt.
_POLL_BESIDE_EVENTS = timedelta(minutes=15)
_FIRST_POLL, _SLOWEST_POLL, _POLL_GROWTH = timedelta(seconds=60), timedelta(minutes=5), 1.5


def await_job(task: Task, ports: OrchestratorPorts, now: datetime) -> None:
    """Returns while the run sleeps; wakes itself when the end is known already."""
    try:
        run = ports.control.register_token(
            task.key, task.execution, RunStatus.RUNNING, task.token or "", WAITS_FOR_JOB
        )
    except Lost:
        raise RunOver("the run has moved on") from None
    if run.outcome is None and run.handle is not None:
        trigger = ports.triggers.of_type(run.job_type or "")
        ports.control.promise(next_poll(run, trigger, 0, now), run)
        # An event that came before the remote id was remembered told nobody.
        asked = ask_job(run, ports.triggers, ports.secrets) if trigger.publishes_end else Asked()
        # What is odd about a job that was started just now may pass: not each service knows it everywhere at once.
        # https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html
        if asked.outcome is not None and not asked.outcome.may_live:
            run = record_end(run, asked.outcome, ports.control, ports.joblog, now)
    if run.outcome is not None:
        ports.machine.succeed(task.token or "")


def next_poll(run: Run, trigger: JobTrigger, polls: int, now: datetime) -> DueRun:
    """The fallback poll: a row of the ledger, not a state. Never later than the end of the poll window."""
    growing = min(_FIRST_POLL * _POLL_GROWTH ** min(polls, 10), _SLOWEST_POLL)
    delay = _POLL_BESIDE_EVENTS if trigger.publishes_end else growing
    due_at = now + delay if trigger.can_be_asked else run.job_ends_by or now
    for instant in (run.job_ends_by, run.job_ends_by and run.job_ends_by + GRACE):
        if instant is not None and now < instant:
            due_at = min(due_at, instant)
    return DueRun(run.key, due_at, WAITS_FOR_JOB, polls + 1)


def poll_job(run: Run, polls: int, ports: OrchestratorPorts, now: datetime) -> None:
    """The watchdog's turn: ask the service, record the end if there is one, else look again later."""
    if run.outcome is not None:
        wake_if_ended(run, ports.machine)
        ports.control.promise(DueRun(run.key, now + JUDGING_MAY_TAKE, WAITS_FOR_JUDGEMENT, run.attempt), run)
        return
    if run.handle is None:
        return
    trigger = ports.triggers.of_type(run.job_type or "")
    ended = ask_job(run, ports.triggers, ports.secrets).outcome
    if ended is not None:
        wake_if_ended(record_end(run, ended, ports.control, ports.joblog, now), ports.machine)
    ports.control.promise(next_poll(run, trigger, polls, now), run)
