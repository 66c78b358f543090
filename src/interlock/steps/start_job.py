"""State StartJob: read the rules once more at one instant, and start the job of this attempt exactly once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from interlock.domain import announcement
from interlock.domain.event import Announcement
from interlock.domain.expansion import ExpansionError, expand, job_values, without_secrets
from interlock.domain.overdue import REFUSALS_LAST
from interlock.domain.pipeline import Pipeline
from interlock.domain.readiness import Readiness
from interlock.domain.run import FailureCategory, JobEnd, Outcome, Run, RunStatus, StartIntent, moved
from interlock.ports import CallFailed, JobRequest, JobTrigger, Lost, Secrets, StartedJob, TriggerError
from interlock.steps.await_job import record_end
from interlock.steps.evaluate_readiness import cancel_waiting
from interlock.steps.open_run import start_execution
from interlock.steps.read_readiness import note_verdicts, read_start
from interlock.steps.run_log import fields
from interlock.steps.task import NoLongerReady, OrchestratorPorts, RunOver, StartRefused, Task

log = logging.getLogger(__name__)

# Waiting does not mend these. https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
_NO_SUCH_SECRET = frozenset(
    {
        "ResourceNotFoundException",
        "AccessDeniedException",
        "InvalidRequestException",
        "DecryptionFailure",
        "BinarySecret",
    }
)


def start_job(task: Task, ports: OrchestratorPorts, now: datetime) -> dict[str, Any]:
    """What AwaitJob needs; raises `NoLongerReady`, `StartRefused` or `RunOver`."""
    pipeline = ports.control.pipeline(task.key.pipeline_id)
    if pipeline is None:
        run = ports.control.run(task.key)
        if run is not None and run.status is RunStatus.WAITING:
            cancel_waiting(run, ports.control, ports.machine, now)
            raise RunOver("the pipeline's config was removed")
        readiness = None
    else:
        run, readiness = read_start(pipeline, task.key, ports.control, now)
    if run is None or run.execution_name != task.execution:
        if run is not None:
            start_execution(run, ports.control, ports.machine, now)
        raise RunOver("the run has moved on")
    if run.status is RunStatus.RUNNING:
        return _already_started(run, pipeline, ports, now)
    if run.status is not RunStatus.WAITING or pipeline is None or readiness is None:
        raise RunOver(f"the run is {run.status}")
    return _start(run, pipeline, readiness, ports, now)


def _start(
    run: Run, pipeline: Pipeline, readiness: Readiness, ports: OrchestratorPorts, now: datetime
) -> dict[str, Any]:
    secrets: list[str] = []  # that the job is given: a service may quote them in its errors
    try:
        trigger = ports.triggers.of_type(pipeline.job.type)
        request = _request(run, pipeline, ports, secrets)
        started = _started_before(run, trigger, request)
        if started is None:
            if not readiness.ready:
                _back_to_waiting(run, readiness, ports)
            # Written before the call: a later try of this attempt then knows that a job may exist already.
            run = ports.control.note(run, replace(run, intent=StartIntent(run.attempt, now)))
            started = trigger.start(request)
    except ExpansionError as error:
        return _refused_for_good(run, pipeline, readiness, str(error), ports, now)
    except TriggerError as error:
        error = _quoting_no_secret(error, secrets)
        if error.permanent:
            return _refused_for_good(run, pipeline, readiness, str(error), ports, now)
        return _refused_for_now(run, pipeline, readiness, error, ports, now)
    started = replace(started, answer=started.answer and partial(_answer_of, started.answer, secrets))
    return _record_start(run, pipeline, readiness, trigger, started, ports, now)


def _started_before(run: Run, trigger: JobTrigger, request: JobRequest) -> StartedJob | None:
    """The job of an earlier try that called the service and did not live to tell: it is found, not started again."""
    if not run.may_have_started:
        return None
    # Whoever reported its end has shown that there was one, also where nobody else can be asked.
    return StartedJob({}) if run.outcome is not None else trigger.find(request)


def _quoting_no_secret(error: TriggerError, secrets: list[str]) -> TriggerError:
    text = without_secrets(str(error), secrets)
    return TriggerError(text, permanent=error.permanent, unknown_outcome=error.unknown_outcome)


def _answer_of(answer: Callable[[], Outcome], secrets: list[str]) -> Outcome:
    """How a synchronous job ended; a call that failed is a job that failed."""
    try:
        outcome = answer()
    except TriggerError as error:
        category = FailureCategory.PERMANENT if error.permanent else FailureCategory.TRANSIENT
        outcome = Outcome(JobEnd.FAIL, error=str(error), category=category)
    return replace(outcome, error=outcome.error and without_secrets(outcome.error, secrets))


def _back_to_waiting(run: Run, readiness: Readiness, ports: OrchestratorPorts) -> None:
    fresh = replace(run, intent=None, refused_since=None, refusal=None)
    if run != fresh:
        run = ports.control.note(run, fresh)
    note_verdicts(run, readiness, ports.control)
    raise NoLongerReady(readiness.reason)


def _request(run: Run, pipeline: Pipeline, ports: OrchestratorPorts, told: list[str]) -> JobRequest:
    values = job_values(run.key, run.attempt, run.run_id)
    return JobRequest(
        key=run.key,
        attempt=run.attempt,
        run_id=run.run_id,
        config=expand(
            pipeline.job.config, values, partial(_secret, ports.secrets, told), ports.secrets.variable
        ),
        values=values,
        idempotent=pipeline.job.idempotent,
    )


def _secret(secrets: Secrets, told: list[str], name: str) -> str:
    try:
        told.append(secrets.secret(name))
        return told[-1]
    except CallFailed as error:
        if error.code in _NO_SUCH_SECRET:
            raise TriggerError(f"the secret {name} cannot be read: {error.code}", permanent=True) from None
        raise


def _record_start(
    run: Run,
    pipeline: Pipeline,
    readiness: Readiness,
    trigger: JobTrigger,
    started: StartedJob,
    ports: OrchestratorPorts,
    now: datetime,
) -> dict[str, Any]:
    job_type = str(pipeline.job.type)
    if trigger.publishes_end and started.remote_id:
        # Before the move: the event that tells of the end names the job only by this id.
        ports.joblog.remember_remote(job_type, started.remote_id, run.key, run.attempt, now)
    after = _running(
        run,
        pipeline,
        readiness,
        now,
        [announcement.job_triggered(run, now, job_type, started.remote_id)],
        handle=started.handle,
        remote_id=started.remote_id,
        synchronous=started.answer is not None,
    )
    try:
        after = ports.control.move(run, after)
    except Lost as lost:
        current = lost.current
        if current is not None and current.status is RunStatus.RUNNING and current.attempt == run.attempt:
            return _awaited(current)
        left = _cancel(trigger, started)
        log.warning("run moved on while its job was being started", extra=fields(current or run, job=left))
        raise RunOver(f"the run moved on while its job was being started; {left}") from None
    log.info("job started", extra=fields(after, job_type=job_type, job_id=started.remote_id))
    if started.answer is not None:
        # The answer of a synchronous target is the job's end.
        record_end(after, started.answer(), ports.control, ports.joblog, now)
    return _awaited(after)


def _cancel(trigger: JobTrigger, started: StartedJob) -> str:
    if not started.handle:
        return "its job has ended"
    try:
        trigger.cancel(started.handle)
    except TriggerError as error:
        return f"its job could not be cancelled: {error}"
    return "its job was cancelled"


def _running(
    run: Run,
    pipeline: Pipeline,
    readiness: Readiness,
    now: datetime,
    events: list[Announcement],
    **changes: Any,
) -> Run:
    passed = announcement.validation_passed(run, readiness, now)
    known: dict[str, Any] = {
        "job_type": str(pipeline.job.type),
        "started_at": now,
        "job_ends_by": now + pipeline.job.poll_window,
        "verdicts": readiness.verdicts,
        "seen": readiness.seen,
        "task_token": None,
        "token_for": None,
    }
    return moved(run, RunStatus.RUNNING, now, [passed, *events], **(known | changes))


def _refused_for_good(
    run: Run, pipeline: Pipeline, readiness: Readiness, error: str, ports: OrchestratorPorts, now: datetime
) -> dict[str, Any]:
    """The attempt ends as any other: it passes through RUNNING, with its failure known already."""
    outcome = Outcome(JobEnd.FAIL, error=error[:1000], category=FailureCategory.PERMANENT)
    return _failed_start(run, pipeline, readiness, outcome, [], ports, now)


def _refused_for_now(
    run: Run,
    pipeline: Pipeline,
    readiness: Readiness,
    error: TriggerError,
    ports: OrchestratorPorts,
    now: datetime,
) -> dict[str, Any]:
    since = run.refused_since or now
    if now - since < REFUSALS_LAST:
        # A refusal that was heard means that no job exists; one that was not heard leaves the intent standing.
        intent = run.intent if error.unknown_outcome else None
        ports.control.note(run, replace(run, refused_since=since, refusal=str(error)[:1000], intent=intent))
        raise StartRefused(str(error)[:1000])
    what = f"the job service has refused to start the job for {REFUSALS_LAST.seconds // 60} minutes"
    # A job that may exist all the same is not followed by another attempt's.
    category = FailureCategory.PERMANENT if error.unknown_outcome else FailureCategory.TRANSIENT
    outcome = Outcome(JobEnd.FAIL, error=f"{what}: {error}"[:1000], category=category)
    told = announcement.infra_failure(run, pipeline, what, str(error), now)
    return _failed_start(run, pipeline, readiness, outcome, [told], ports, now)


def _failed_start(
    run: Run,
    pipeline: Pipeline,
    readiness: Readiness,
    outcome: Outcome,
    events: list[Announcement],
    ports: OrchestratorPorts,
    now: datetime,
) -> dict[str, Any]:
    after = ports.control.move(run, _running(run, pipeline, readiness, now, events, outcome=outcome))
    log.warning("job was not started", extra=fields(after, error=outcome.error))
    return _awaited(after)


def _already_started(
    run: Run, pipeline: Pipeline | None, ports: OrchestratorPorts, now: datetime
) -> dict[str, Any]:
    """An earlier try stored the handle and died. A synchronous answer died with it: nobody can be asked for it now."""
    if run.synchronous and run.outcome is None:
        ended = (
            _lost_answer()
            if pipeline is None or not pipeline.job.idempotent
            else _asked_again(run, pipeline, ports)
        )
        record_end(run, ended, ports.control, ports.joblog, now)
    return _awaited(run)


def _lost_answer() -> Outcome:
    error = "unknown outcome: the answer was lost after the job was started; check the target, then ask for a rerun"
    return Outcome(JobEnd.FAIL, error=error, category=FailureCategory.PERMANENT)


def _asked_again(run: Run, pipeline: Pipeline, ports: OrchestratorPorts) -> Outcome:
    """The target can take one start twice."""
    secrets: list[str] = []

    def again() -> Outcome:
        request = _request(run, pipeline, ports, secrets)
        answer = ports.triggers.of_type(pipeline.job.type).start(request).answer
        return answer() if answer is not None else _lost_answer()

    return _answer_of(again, secrets)


def _awaited(run: Run) -> dict[str, Any]:
    assert run.job_ends_by is not None
    return {"jobEndsBy": run.job_ends_by.isoformat()}
