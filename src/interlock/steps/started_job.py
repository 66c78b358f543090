"""A job that was started: how its run becomes RUNNING, also when whoever started it did not live to say so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from interlock.domain import announcement
from interlock.domain.event import Announcement
from interlock.domain.expansion import ExpansionError
from interlock.domain.pipeline import DEFAULT_POLL_WINDOW, Pipeline
from interlock.domain.readiness import Readiness
from interlock.domain.run import Run, RunStatus, StartIntent, moved
from interlock.ports import CallFailed, JobRequest, StartedJob, TriggerError
from interlock.steps.job_request import Expansion
from interlock.steps.task import OrchestratorPorts


@dataclass(frozen=True, slots=True)
class StartedAs:
    """A job, and what it was asked for."""

    job_type: str
    asked_with: Mapping[str, Any]  # of job.config as written
    started: StartedJob


def intent_of(run: Run, pipeline: Pipeline, now: datetime) -> StartIntent:
    """What this try is about to ask for."""
    config = json.dumps(pipeline.job.config, sort_keys=True, separators=(",", ":"))
    return StartIntent(run.attempt, now, str(pipeline.job.type), config)


def takes_it_twice(run: Run, pipeline: Pipeline) -> bool:
    """`idempotent: true`, said of what the earlier try asked for: a config that names another job says nothing of that."""
    return (
        pipeline.job.idempotent
        and run.intent is not None
        and run.intent == intent_of(run, pipeline, run.intent.at)
    )


def started_as(run: Run, started: StartedJob, ports: OrchestratorPorts) -> StartedAs:
    """The job that the run's intent asked for."""
    assert run.intent is not None, "the intent is written before the job service is called"
    job_type, config = run.intent.job_type, json.loads(run.intent.config)
    needed = ports.triggers.of_type(job_type).asked_with
    return StartedAs(job_type, {key: config[key] for key in needed if key in config}, started)


def find_earlier(
    run: Run, pipeline: Pipeline | None, expansion: Expansion, ports: OrchestratorPorts
) -> StartedAs | None:
    """The job of an earlier try of this attempt; None when there is none. Raises what `find` raises."""
    intent = run.intent if run.may_have_started else None
    if run.outcome is not None:
        # Whoever reported its end has shown that there was one: also where nobody else can be asked, and where the
        # service has said that it started none.
        if intent is not None:
            return StartedAs(intent.job_type, {}, StartedJob({}))
        return None if pipeline is None else StartedAs(str(pipeline.job.type), {}, StartedJob({}))
    if intent is None:
        return None
    request = _earlier_request(run, intent, pipeline, expansion)
    found = ports.triggers.of_type(intent.job_type).find(request)
    return None if found is None else started_as(run, found, ports)


def repeat_earlier(run: Run, pipeline: Pipeline, expansion: Expansion, ports: OrchestratorPorts) -> StartedAs:
    """The same start made again, at a service that recognises it."""
    assert run.intent is not None, "there was an earlier try"
    request = _earlier_request(run, run.intent, pipeline, expansion)
    return started_as(run, ports.triggers.of_type(run.intent.job_type).start(request), ports)


def _earlier_request(
    run: Run, intent: StartIntent, pipeline: Pipeline | None, expansion: Expansion
) -> JobRequest:
    idempotent = pipeline is not None and takes_it_twice(run, pipeline)
    try:
        return expansion.request_of(run, json.loads(intent.config), idempotent=idempotent, since=intent.at)
    except (ExpansionError, TriggerError, CallFailed) as error:
        said = f"unknown outcome: the job that an earlier try may have started cannot be looked for: {error}"
        # A vault that is busy is asked again, as any service that refuses for now.
        passes = isinstance(error, CallFailed)
        raise TriggerError(said, permanent=not passes, unknown_outcome=True) from None


def adopt_job(
    run: Run, pipeline: Pipeline | None, expansion: Expansion, ports: OrchestratorPorts, now: datetime
) -> Run | None:
    """A job that an earlier try started, and whose run is about to end without it, gets its run RUNNING.

    None when there is none. Raises what `find` raises.
    """
    job = find_earlier(run, pipeline, expansion, ports)
    if job is None:
        return None
    remember(run, job, ports, now)
    return ports.control.move(run, running(run, pipeline, None, now, [triggered(run, job, now)], job))


def remember(run: Run, job: StartedAs, ports: OrchestratorPorts, now: datetime) -> None:
    """Before the move: the event that tells of the end names the job only by its remote id."""
    remote_id = job.started.remote_id
    if remote_id and ports.triggers.of_type(job.job_type).publishes_end:
        ports.joblog.remember_remote(job.job_type, remote_id, run.key, run.attempt, now)


def triggered(run: Run, job: StartedAs, now: datetime) -> Announcement:
    return announcement.job_triggered(run, now, job.job_type, job.started.remote_id)


def running(
    run: Run,
    pipeline: Pipeline | None,
    readiness: Readiness | None,
    now: datetime,
    events: list[Announcement],
    job: StartedAs | None = None,
    **changes: Any,
) -> Run:
    """Without a config and what its rules read when nobody knows them any more."""
    poll_window = pipeline.job.poll_window if pipeline is not None else DEFAULT_POLL_WINDOW
    known: dict[str, Any] = {
        "job_type": str(pipeline.job.type) if pipeline is not None else None,
        "started_at": now,
        "job_ends_by": now + poll_window,
        "task_token": None,
        "token_for": None,
    }
    if readiness is not None:
        events = [announcement.validation_passed(run, readiness, now), *events]
        known |= {"verdicts": readiness.verdicts, "seen": readiness.seen}
    if job is not None:
        known |= {
            "job_type": job.job_type,
            "handle": job.started.handle,
            "asked_with": job.asked_with,
            "stopping": {},
            "remote_id": job.started.remote_id,
            "synchronous": job.started.answer is not None,
        }
    return moved(run, RunStatus.RUNNING, now, events, **(known | changes))


def with_its_job(
    run: Run, pipeline: Pipeline | None, ports: OrchestratorPorts, now: datetime, *, at_last: bool
) -> tuple[Run, str]:
    """A run that ends without having started: RUNNING if its job exists all the same, and what is not known of that.

    An error that may pass is raised, for another try; `at_last` it is told as well.
    """
    expansion = Expansion(ports.secrets)
    try:
        adopted = adopt_job(run, pipeline, expansion, ports, now)
    except TriggerError as error:
        told = expansion.quoting_no_secret(error)
        if not error.permanent and not at_last:
            raise told from None
        return run, f"; whether its job was started is not known: {told}"
    intent = run.intent if run.may_have_started else None
    if adopted is None and intent is not None and not ports.triggers.of_type(intent.job_type).can_be_asked:
        # It takes one start twice, so no start of it is looked for; a run that ends here makes no second one.
        return run, "; its job may have been started, and nobody can be asked"
    return adopted or run, ""
