"""An open run whose workflow is gone: end it with its reason, and stop its job, for nobody else will."""

from __future__ import annotations

import json
import logging
from datetime import datetime, timedelta

from interlock.domain.absence_wording import workflow_gone
from interlock.domain.bad_input import BadInput
from interlock.domain.overdue import start_may_be_under_way, why_overdue
from interlock.domain.run import FailureCategory, JobEnd, Outcome, Run, RunStatus, moved
from interlock.ports import WORKFLOW_ENDED, ControlTable, DueRun, Lost
from interlock.steps.complete_run import end_with_its_workflow, poll_window_over
from interlock.steps.evaluate_readiness import let_go
from interlock.steps.job_end import WAITS_FOR_JUDGEMENT, end_in_log
from interlock.steps.remote_job import ask_job
from interlock.steps.run_log import fields
from interlock.steps.started_job import with_its_job
from interlock.steps.task import BadTask, OrchestratorPorts, read_key

log = logging.getLogger(__name__)

# After so long a job that cannot be cancelled does not keep its run open any more.
_CANCELLING_MAY_TAKE = timedelta(hours=1)
_OPEN = (RunStatus.WAITING, RunStatus.RUNNING)


def execution_ended(
    name: str, status: str, execution_input: str, control: ControlTable, now: datetime
) -> None:
    """One of our own executions ended and was not done: if its run is still open, the next tick has it closed."""
    try:
        key = read_key(json.loads(execution_input)["run"])
    except (BadTask, KeyError, TypeError, ValueError):
        log.warning("execution ended, of no run of ours", extra={"execution": name, "status": status})
        return
    run = control.run(key)
    if run is not None and run.execution_name == name and run.status in _OPEN and status in WORKFLOW_ENDED:
        control.promise(DueRun(key, now, WORKFLOW_ENDED[status], run.execution_count))


def why_stale(run: Run, due: DueRun, now: datetime) -> str | None:
    """Why the run's workflow must be gone; None while it may go on."""
    ended = [status for status, waits_for in WORKFLOW_ENDED.items() if waits_for == due.waits_for]
    if ended and due.tries == run.execution_count:
        return f"its execution ended {ended[0]}"
    if due.waits_for == WAITS_FOR_JUDGEMENT and due.tries == run.attempt and run.outcome is not None:
        return "its job has ended, and nobody judged it"
    return why_overdue(run, now)


def close_stale_run(run: Run, why: str, ports: OrchestratorPorts, now: datetime) -> None:
    """Repeatable. A run that moves meanwhile has a workflow after all."""
    try:
        pipeline = ports.control.pipeline(run.key.pipeline_id)
    except BadInput:
        pipeline = None  # it is closed all the same
    at_last = now >= (run.job_ends_by or run.updated_at) + _CANCELLING_MAY_TAKE
    unknown = ""
    if run.status is RunStatus.WAITING:
        run, unknown = with_its_job(run, pipeline, ports, now, at_last=at_last)
        if run.status is RunStatus.WAITING and start_may_be_under_way(run, now):
            log.info("its start may be under way still", extra=fields(run, why=why))
            return  # the check row stands, so each tick looks for its job, until nobody can start it any more
    why += unknown
    told = workflow_gone(run, pipeline, why, now, start_unknown=bool(unknown))
    if run.status is RunStatus.RUNNING:
        outcome = _what_became_of_it(run, why, ports, now)
        after = end_with_its_workflow(run, pipeline, told, outcome, ports, now, at_last=at_last)
    else:
        after = moved(run, RunStatus.EXPIRED, now, [told])
    try:
        run = ports.control.move(run, after)
    except Lost:
        return
    log.error("stale run closed", extra=fields(run, why=why))
    if after.status is RunStatus.EXPIRED:
        # Should its execution sleep after all, it must not wake into a run that is over.
        let_go(run, "the run was taken to have lost its workflow", ports.control, ports.machine)
    else:
        ports.control.keep(run.key)


def _what_became_of_it(run: Run, why: str, ports: OrchestratorPorts, now: datetime) -> Outcome:
    """What was reported, or its service says of its job by now; else it is given up."""
    known = run.outcome or end_in_log(run, ports.joblog)
    if known is not None:
        return known
    asked = ask_job(run, ports.triggers, ports.secrets)
    if asked.outcome is not None:
        return asked.outcome
    if run.job_ends_by is not None and now >= run.job_ends_by:
        return poll_window_over(asked)
    return Outcome(JobEnd.FAIL, f"its workflow is gone: {why}", FailureCategory.TRANSIENT, may_live=True)
