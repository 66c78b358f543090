"""State CompleteRun: judge the attempt that ended: success, another attempt, or failure. And RecordFailure, for what broke."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime
from typing import Any

from interlock.domain import announcement, drift_wording
from interlock.domain.bad_input import BadInput
from interlock.domain.event import Announcement
from interlock.domain.overdue import start_may_be_under_way
from interlock.domain.pipeline import Pipeline
from interlock.domain.retry import JobLeft, RetryDecision, decide_retry
from interlock.domain.run import FailureCategory, JobEnd, Outcome, Run, RunStatus, moved, next_attempt
from interlock.ports import CallFailed, Lost
from interlock.steps.capture_baseline import capture_baseline
from interlock.steps.job_end import end_in_log
from interlock.steps.open_run import exclusion_of
from interlock.steps.people_alarmed import people_were_alarmed
from interlock.steps.remote_job import Asked, ask_job, cancel_unless_left, cross_checked
from interlock.steps.run_log import fields
from interlock.steps.started_job import with_its_job
from interlock.steps.task import OrchestratorPorts, RunOver, Task

log = logging.getLogger(__name__)

# Ten minutes of RecordFailure's retries. A job that cannot be stopped by then must not keep its run open for ever.
_MOST_CANCELS = 8
# Half a minute of CompleteRun's retries. A success is not held back for longer by what is compared with it later.
_MOST_CAPTURES = 5
_UNKNOWN = "unknown error"
# By these nobody knows what became of the function: it may be calling the job service yet.
# https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
FUNCTION_MAY_LIVE = frozenset(
    {
        "Lambda.ClientExecutionTimeoutException",
        "Lambda.ServiceException",
        "Lambda.AWSLambdaException",
        "Lambda.SdkClientException",
    }
)


class StartMayTakePlace(Exception):
    """A job that is not found may be started yet: the state is tried again until nobody can."""


def complete_run(task: Task, ports: OrchestratorPorts, now: datetime) -> dict[str, Any]:
    """Where the state machine goes next. Said of the row as it stands, so that a repeat after a crash says the same."""
    run = ports.control.run(task.key)
    if run is None or run.execution_name != task.execution:
        raise RunOver("the run has moved on")
    if run.status is RunStatus.RUNNING:
        pipeline = ports.control.pipeline(task.key.pipeline_id)
        if run.outcome is None and run.job_ends_by is not None and now < run.job_ends_by:
            return _next(run, now)
        run = _with_outcome(run, ports)
        if run.status is RunStatus.RUNNING and run.outcome is not None:
            outcome = cross_checked(run, run.outcome, ports.triggers)
            left = _cancelled(run, pipeline, ports) if outcome.may_live else None
            at_last = task.tries >= _MOST_CAPTURES
            kept = _baseline(run, pipeline, outcome, ports, now, at_last=at_last)
            run = _close(run, pipeline, outcome, left, kept, ports, now)
    return _next(run, now)


def _with_outcome(run: Run, ports: OrchestratorPorts) -> Run:
    """Stored before the job is cancelled: the end that a cancelled job reports is not what judges its attempt."""
    if run.outcome is not None:
        return run
    try:
        return ports.control.record_outcome(run, _end_of_window(run, ports))
    except Lost as lost:
        if lost.current is None:
            raise RunOver("the run's row was deleted") from None
        current: Run = lost.current  # somebody reported the end just now
        return current


def _end_of_window(run: Run, ports: OrchestratorPorts) -> Outcome:
    """Nobody woke the run: whatever was reported counts, else the service is asked once more."""
    reported = end_in_log(run, ports.joblog)
    if reported is not None:
        return reported
    asked = ask_job(run, ports.triggers, ports.secrets)
    return asked.outcome or poll_window_over(asked)


def poll_window_over(asked: Asked) -> Outcome:
    """The outcome of a job whose end nobody learnt in time."""
    said = "the job did not end within jobPollWindowSeconds"
    if asked.unheard is not None:
        said = f"{said}, and could not be asked: {asked.unheard}"[:1000]
    return Outcome(JobEnd.TIMEOUT, said, FailureCategory.TIMEOUT, exhausted=True, may_live=True)


def _cancelled(
    run: Run, pipeline: Pipeline | None, ports: OrchestratorPorts, *, at_last: bool = False
) -> JobLeft:
    return cancel_unless_left(run, pipeline, ports.triggers, ports.secrets, at_last=at_last)


def _baseline(
    run: Run,
    pipeline: Pipeline | None,
    outcome: Outcome,
    ports: OrchestratorPorts,
    now: datetime,
    *,
    at_last: bool,
) -> list[Announcement]:
    """What a success is told with. A table that fails for now is raised, for the state machine to try again."""
    if pipeline is None or outcome.end is not JobEnd.SUCCESS:
        return []
    try:
        captured = capture_baseline(run, pipeline, ports.control, now)
    except CallFailed as error:
        if not at_last:
            raise
        return [drift_wording.baseline_capture_failed(run, pipeline, str(error), now)]
    return [captured] if captured is not None else []


def _close(
    run: Run,
    pipeline: Pipeline | None,
    outcome: Outcome,
    left: JobLeft | None,
    kept: list[Announcement],
    ports: OrchestratorPorts,
    now: datetime,
) -> Run:
    if outcome.end is JobEnd.SUCCESS:
        alarmed = replace(run, alerted=run.alerted or people_were_alarmed(run, pipeline, ports.control))
        done = announcement.job_completed(alarmed, pipeline, outcome, now)
        after = moved(
            alarmed, RunStatus.SUCCEEDED, now, [done, *kept], outcome=outcome, task_token=None, token_for=None
        )
    else:
        decision = decide_retry(run, outcome, pipeline.job if pipeline else None, now, left=left)
        if decision.again and pipeline is not None:
            # Its calendar may have changed since the run began; only a retry that would be made looks at it.
            excluded = exclusion_of(pipeline, run.key.date, ports.control)
            decision = decide_retry(run, outcome, pipeline.job, now, left=left, excluded=excluded)
        after = _after_failure(run, pipeline, outcome, decision, left, now)
    try:
        after = ports.control.move(run, after)
    except Lost as lost:
        if lost.current is None:
            raise RunOver("the run's row was deleted") from None
        # Only a repeat of this very step moves a RUNNING row of this execution: its answer is ours.
        current: Run = lost.current
        return current
    log.info("attempt ended", extra=fields(run, became=str(after.status), error=outcome.error))
    if after.status is not RunStatus.WAITING:
        ports.control.keep(run.key)
    return after


def _after_failure(
    run: Run,
    pipeline: Pipeline | None,
    outcome: Outcome,
    decision: RetryDecision,
    left: JobLeft | None,
    now: datetime,
) -> Run:
    events = announcement.job_ended_badly(run, pipeline, outcome, decision, now, left)
    counts = {"retries": decision.retries, "code_retries": decision.code_retries}
    if decision.again and decision.retry_at is not None and pipeline is not None:
        window_ends_at = decision.retry_at + pipeline.schedule.evaluation.window
        return next_attempt(
            run, now, events, retry_at=decision.retry_at, window_ends_at=window_ends_at, **counts
        )
    return moved(
        run, RunStatus.FAILED, now, events, outcome=outcome, task_token=None, token_for=None, **counts
    )


def _next(run: Run, now: datetime) -> dict[str, Any]:
    """The row's status as the state machine's Choice reads it."""
    answer: dict[str, Any] = {"status": str(run.status), "windowEndsAt": run.window_ends_at.isoformat()}
    if run.status is RunStatus.RUNNING and run.job_ends_by is not None:
        answer["jobEndsBy"] = run.job_ends_by.isoformat()
    if run.status is RunStatus.WAITING:
        answer["retryAt"] = (run.retry_at or now).isoformat()
    return answer


def record_failure(task: Task, ports: OrchestratorPorts, now: datetime) -> dict[str, Any]:
    """A step failed for good: a recorded failure, never a stuck row. A waiting run stays open to revival."""
    run = ports.control.run(task.key)
    if run is None or run.execution_name != task.execution:
        raise RunOver("the run has moved on")
    error = task.error or _UNKNOWN
    try:
        pipeline = ports.control.pipeline(task.key.pipeline_id)
    except BadInput:
        pipeline = None  # perhaps that is the failure; it is recorded all the same
    unknown = ""
    if run.status is RunStatus.WAITING:
        at_last = task.tries >= _MOST_CANCELS
        run, unknown = with_its_job(run, pipeline, ports, now, at_last=at_last)
    if run.status is RunStatus.WAITING:
        if error in FUNCTION_MAY_LIVE and start_may_be_under_way(run, now):
            raise StartMayTakePlace(f"after {error}")
        what = "the run's workflow failed while it waited"
        told = announcement.infra_failure(run, pipeline, what, f"{error}{unknown}", now)
        after = moved(run, RunStatus.EXPIRED, now, [told], task_token=None, token_for=None)
    elif run.status is RunStatus.RUNNING:
        told = announcement.infra_failure(
            run, pipeline, "the run's workflow failed while its job ran", error, now
        )
        broken = Outcome(JobEnd.FAIL, f"workflow failure: {error}"[:1000], FailureCategory.TRANSIENT)
        at_last = task.tries >= _MOST_CANCELS
        after = end_with_its_workflow(run, pipeline, told, broken, ports, now, at_last=at_last)
    else:
        return _next(run, now)
    run = ports.control.move(run, after)
    log.error("workflow failed", extra=fields(run, error=error))
    ports.control.keep(run.key)
    return _next(run, now)


def end_with_its_workflow(
    run: Run,
    pipeline: Pipeline | None,
    told: Announcement,
    otherwise: Outcome,
    ports: OrchestratorPorts,
    now: datetime,
    *,
    at_last: bool,
) -> Run:
    """The run after the end of a workflow that judged nothing: by the outcome that is known, else by `otherwise`."""
    outcome = cross_checked(run, run.outcome or otherwise, ports.triggers)
    if outcome.end is JobEnd.SUCCESS:
        # The data is there; whoever reads of the failure reads of that too.
        run = replace(run, outcome=outcome)
        done = announcement.job_completed(replace(run, alerted=True), pipeline, outcome, now)
        kept = _baseline(run, pipeline, outcome, ports, now, at_last=True)
        return moved(run, RunStatus.SUCCEEDED, now, [told, done, *kept], task_token=None, token_for=None)
    decision = RetryDecision(False, "its workflow failed", retries=run.retries, code_retries=run.code_retries)
    may_live = outcome.may_live or run.outcome is None
    left = _cancelled(run, pipeline, ports, at_last=at_last) if may_live else None
    ended = announcement.job_ended_badly(run, pipeline, outcome, decision, now, left)
    return moved(run, RunStatus.FAILED, now, [told, *ended], outcome=outcome, task_token=None, token_for=None)
