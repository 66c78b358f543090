"""State StartJob: read the rules once more at one instant, and start the job of this attempt exactly once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from interlock.domain import announcement
from interlock.domain.event import Announcement
from interlock.domain.expansion import ExpansionError
from interlock.domain.overdue import REFUSALS_LAST
from interlock.domain.pipeline import Pipeline
from interlock.domain.readiness import Readiness
from interlock.domain.retry import JobLeft
from interlock.domain.run import FailureCategory, JobEnd, Outcome, Run, RunStatus, announcing
from interlock.ports import Lost, OnlyRepeatingTells, TriggerError
from interlock.steps.evaluate_readiness import CONFIG_REMOVED, cancel_waiting
from interlock.steps.give_back_slots import give_back_for_now
from interlock.steps.job_end import record_end
from interlock.steps.job_request import Expansion
from interlock.steps.open_run import start_execution
from interlock.steps.read_readiness import note_verdicts, read_start
from interlock.steps.remote_job import cancel_unless_left, refuse_beside
from interlock.steps.run_log import fields
from interlock.steps.slots import claim_slots, has_slots
from interlock.steps.started_job import (
    StartedAs,
    adopt_job,
    find_earlier,
    intent_of,
    remember,
    repeat_earlier,
    running,
    started_as,
    takes_it_twice,
    triggered,
)
from interlock.steps.task import NoLongerReady, OrchestratorPorts, RunOver, StartRefused, Task

log = logging.getLogger(__name__)


def start_job(task: Task, ports: OrchestratorPorts, now: datetime) -> dict[str, Any]:
    """What AwaitJob needs; raises `NoLongerReady`, `StartRefused` or `RunOver`."""
    pipeline = ports.control.pipeline(task.key.pipeline_id)
    if pipeline is None:
        run, readiness = ports.control.run(task.key), None
    else:
        run, readiness = read_start(pipeline, task.key, ports.control, now)
    if run is None or run.execution_name != task.execution:
        if run is not None:
            start_execution(run, ports.control, ports.machine, now)
        raise RunOver("the run has moved on")
    if run.status is RunStatus.RUNNING:
        return _already_started(run, pipeline, ports, now)
    if run.status is not RunStatus.WAITING:
        raise RunOver(f"the run is {run.status}")
    if pipeline is None or readiness is None:
        return _without_config(run, ports, now)
    return _start(run, pipeline, readiness, ports, now)


def _without_config(run: Run, ports: OrchestratorPorts, now: datetime) -> dict[str, Any]:
    """Its config was removed. A job that was started all the same is seen to its end, as any that runs."""
    expansion = Expansion(ports.secrets)
    try:
        adopted = adopt_job(run, None, expansion, ports, now)
    except TriggerError as error:
        return _refused(run, None, None, expansion.quoting_no_secret(error), ports, now)
    if adopted is not None:
        return _awaited(adopted)
    if run.may_have_started:
        run = ports.control.note(run, replace(run, intent=None))
    cancel_waiting(run, ports.control, ports.machine, now)
    raise RunOver(CONFIG_REMOVED)


def _start(
    run: Run, pipeline: Pipeline, readiness: Readiness, ports: OrchestratorPorts, now: datetime
) -> dict[str, Any]:
    expansion = Expansion(ports.secrets)
    try:
        job = _earlier_start(run, pipeline, readiness, expansion, ports)
        if job is None:
            # Told by its placeholders before anything is written: a config that cannot be expanded starts nothing.
            request = expansion.request(run, pipeline)
            if not readiness.ready:
                _back_to_waiting(run, readiness, ports, now)
            run = _with_slots(run, pipeline, ports, now)
            refuse_beside(run, ports.triggers, ports.secrets)
            # Written before the call: a later try of this attempt then knows that a job may exist already.
            run = ports.control.note(run, replace(run, intent=intent_of(run, pipeline, now)))
            job = started_as(run, ports.triggers.of_type(pipeline.job.type).start(request), ports)
        elif pipeline.job.is_limited and run.slots_at is None:
            run = claim_slots(run, pipeline, ports.control, now)
    except ExpansionError as error:
        return _refused_for_good(run, pipeline, readiness, str(error), ports, now)
    except TriggerError as error:
        return _refused(run, pipeline, readiness, expansion.quoting_no_secret(error), ports, now)
    return _record_start(run, pipeline, readiness, job, expansion, ports, now)


def _earlier_start(
    run: Run, pipeline: Pipeline, readiness: Readiness, expansion: Expansion, ports: OrchestratorPorts
) -> StartedAs | None:
    """The job of an earlier try that called the service and did not live to tell: it is found, not started again."""
    try:
        return find_earlier(run, pipeline, expansion, ports)
    except OnlyRepeatingTells:
        if not readiness.ready:
            raise
    try:
        return repeat_earlier(run, pipeline, expansion, ports)
    except TriggerError as error:
        # A refusal of the repeat says nothing of the earlier try.
        raise TriggerError(str(error), permanent=error.permanent, unknown_outcome=True) from None


def _refused(
    run: Run,
    pipeline: Pipeline | None,
    readiness: Readiness | None,
    error: TriggerError,
    ports: OrchestratorPorts,
    now: datetime,
) -> dict[str, Any]:
    if error.permanent:
        unknown = error.unknown_outcome
        return _refused_for_good(run, pipeline, readiness, str(error), ports, now, start_unknown=unknown)
    return _refused_for_now(run, pipeline, readiness, error, ports, now)


def _answer_of(answer: Callable[[], Outcome], expansion: Expansion) -> Outcome:
    """How a synchronous job ended; a call that failed is a job that failed."""
    try:
        outcome = answer()
    except TriggerError as error:
        category = FailureCategory.PERMANENT if error.permanent else FailureCategory.TRANSIENT
        # Where it is not permanent, the target takes one start twice.
        unknown = error.permanent and error.unknown_outcome
        outcome = Outcome(JobEnd.FAIL, error=str(error), category=category, start_unknown=unknown)
    return replace(outcome, error=outcome.error and expansion.hidden(outcome.error))


def _with_slots(run: Run, pipeline: Pipeline, ports: OrchestratorPorts, now: datetime) -> Run:
    """It has them, or it would not have been woken; unless its config was given limits since."""
    if not pipeline.job.is_limited and not run.pools:
        return run
    if run.intent is not None:
        # No job came of it, or it would have been found: a run that waits for a slot sleeps like any other.
        run = ports.control.note(run, replace(run, intent=None))
    held = has_slots(run, pipeline, ports.control, now)
    if held is None:
        raise NoLongerReady("it waits for a slot")
    return held


def _back_to_waiting(run: Run, readiness: Readiness, ports: OrchestratorPorts, now: datetime) -> None:
    fresh = replace(run, intent=None, refused_since=None, refusal=None)
    if run != fresh:
        run = ports.control.note(run, fresh)
    note_verdicts(run, readiness, ports.control)
    give_back_for_now(run, ports.control, ports.machine, now)
    raise NoLongerReady(readiness.reason)


def _record_start(
    run: Run,
    pipeline: Pipeline,
    readiness: Readiness,
    job: StartedAs,
    expansion: Expansion,
    ports: OrchestratorPorts,
    now: datetime,
) -> dict[str, Any]:
    started = job.started
    remember(run, job, ports, now)
    after = running(run, pipeline, readiness, now, [triggered(run, job, now)], job)
    try:
        after = ports.control.move(run, after)
    except Lost as lost:
        current = lost.current
        if current is not None and current.status is RunStatus.RUNNING and current.attempt == run.attempt:
            return _awaited(current)
        if current is not None and current.run_id == run.run_id and _looks_for_it(current):
            raise RunOver("the run moved on while its job was being started, and finds it") from None
        # Another end than this one's own was written meanwhile: nobody waits for the job.
        left = cancel_unless_left(after, pipeline, ports.triggers, ports.secrets, at_last=True)
        log.warning(
            "run moved on while its job was being started", extra=fields(current or run, job=left.words)
        )
        if current is not None:
            _tell_of_stray(current, pipeline, after, left, ports, now)
        raise RunOver(f"the run moved on while its job was being started; {left}") from None
    log.info("job started", extra=fields(after, job_type=job.job_type, job_id=started.remote_id))
    if started.answer is not None:
        # The answer of a synchronous target is the job's end.
        record_end(after, _answer_of(started.answer, expansion), ports.control, ports.joblog, now)
    return _awaited(after)


def _looks_for_it(revived: Run) -> bool:
    """Expired and revived, it is the same attempt, and finds the job of its earlier try before it starts one."""
    return revived.status is RunStatus.WAITING and revived.may_have_started


def _tell_of_stray(
    run: Run, pipeline: Pipeline, stray: Run, left: JobLeft, ports: OrchestratorPorts, now: datetime
) -> None:
    """A job that no attempt will be judged by, and what became of it. `stray`: the run as it would have become."""
    what = f"the run ended while its job was being started; {left}"
    name = stray.remote_id or f"of the run id {stray.run_id}"
    error = f"nobody waits for the {stray.job_type} job {name}"
    told = announcement.infra_failure(run, pipeline, what, error, now, left)
    with suppress(Lost):  # the run moves on still; the log has it
        ports.control.move(run, announcing(run, [told]))


def _refused_for_good(
    run: Run,
    pipeline: Pipeline | None,
    readiness: Readiness | None,
    error: str,
    ports: OrchestratorPorts,
    now: datetime,
    *,
    start_unknown: bool = False,
) -> dict[str, Any]:
    """The attempt ends as any other: it passes through RUNNING, with its failure known already."""
    outcome = Outcome(
        JobEnd.FAIL, error=error[:1000], category=FailureCategory.PERMANENT, start_unknown=start_unknown
    )
    return _failed_start(run, pipeline, readiness, outcome, [], ports, now)


def _refused_for_now(
    run: Run,
    pipeline: Pipeline | None,
    readiness: Readiness | None,
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
    said = f"{what}: {error}"[:1000]
    outcome = Outcome(JobEnd.FAIL, error=said, category=category, start_unknown=error.unknown_outcome)
    told = announcement.infra_failure(run, pipeline, what, str(error), now)
    return _failed_start(run, pipeline, readiness, outcome, [told], ports, now)


def _failed_start(
    run: Run,
    pipeline: Pipeline | None,
    readiness: Readiness | None,
    outcome: Outcome,
    events: list[Announcement],
    ports: OrchestratorPorts,
    now: datetime,
) -> dict[str, Any]:
    after = ports.control.move(run, running(run, pipeline, readiness, now, events, outcome=outcome))
    log.warning("job was not started", extra=fields(after, error=outcome.error))
    return _awaited(after)


def _already_started(
    run: Run, pipeline: Pipeline | None, ports: OrchestratorPorts, now: datetime
) -> dict[str, Any]:
    """An earlier try stored the handle and died. A synchronous answer died with it: nobody can be asked for it now."""
    if run.synchronous and run.outcome is None:
        ended = (
            _lost_answer(run)
            if pipeline is None or not takes_it_twice(run, pipeline)
            else _asked_again(run, pipeline, ports)
        )
        record_end(run, ended, ports.control, ports.joblog, now)
    return _awaited(run)


def _lost_answer(run: Run) -> Outcome:
    error = (
        f"unknown outcome: the {run.job_type} job was started, and its answer was lost; check how run {run.run_id} "
        "ended, then ask for a rerun"
    )
    return Outcome(JobEnd.FAIL, error=error, category=FailureCategory.PERMANENT, start_unknown=True)


def _asked_again(run: Run, pipeline: Pipeline, ports: OrchestratorPorts) -> Outcome:
    """The target can take one start twice."""
    expansion = Expansion(ports.secrets)

    def again() -> Outcome:
        answer = repeat_earlier(run, pipeline, expansion, ports).started.answer
        return answer() if answer is not None else _lost_answer(run)

    return _answer_of(again, expansion)


def _awaited(run: Run) -> dict[str, Any]:
    assert run.job_ends_by is not None
    return {"jobEndsBy": run.job_ends_by.isoformat()}
