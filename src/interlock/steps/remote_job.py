"""The job of a run that is under way: how it goes, by its service, and its end by our will. Each call carries credentials."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from interlock.domain.expansion import ExpansionError
from interlock.domain.pipeline import OnTimeout, Pipeline
from interlock.domain.retry import JobLeft
from interlock.domain.run import FailureCategory, JobEnd, Outcome, Run
from interlock.ports import CallFailed, Secrets, TriggerError, Triggers
from interlock.steps.job_request import Expansion
from interlock.steps.run_log import fields

log = logging.getLogger(__name__)

_LEFT_RUNNING = JobLeft("the job was left running", may_live=True)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the service said."""

    outcome: Outcome | None = None  # None: it runs, or the service cannot be asked just now
    unheard: str | None = None  # why it could not be asked


def ask_job(run: Run, triggers: Triggers, secrets: Secrets) -> Asked:
    """A state that nobody knows is a failure, never `running`."""
    if not run.handle:
        return Asked()
    expansion = Expansion(secrets)
    try:
        trigger = triggers.of_type(run.job_type or "")
        handle = _with_access(run, expansion)
    except (ExpansionError, TriggerError, CallFailed) as error:
        # Credentials that are missing for now, or a type that a version before this one knew, say nothing of the job.
        return _unheard(run, str(error))
    if not trigger.can_be_asked:
        return Asked()
    try:
        outcome = trigger.status(handle)
        return Asked(outcome and replace(outcome, error=outcome.error and expansion.hidden(outcome.error)))
    except TriggerError as error:
        said = expansion.hidden(str(error))
        if error.permanent:
            return Asked(Outcome(JobEnd.FAIL, said[:1000], FailureCategory.PERMANENT, may_live=True))
        return _unheard(run, said)


def cancel_unless_left(
    run: Run, pipeline: Pipeline | None, triggers: Triggers, secrets: Secrets, *, at_last: bool = False
) -> JobLeft:
    """As `cancel_job`, but for `onTimeout: leave`."""
    if pipeline is not None and pipeline.job.on_timeout is OnTimeout.LEAVE:
        return _LEFT_RUNNING
    return cancel_job(run, triggers, secrets, at_last=at_last)


def cancel_job(run: Run, triggers: Triggers, secrets: Secrets, *, at_last: bool = False) -> JobLeft:
    """What became of the remote job.

    An error that may pass is raised, for the state machine to try again; `at_last` it is told as well.
    """
    if run.handle is None:
        return JobLeft("no job was started", may_live=False)
    if not run.handle:
        return JobLeft(
            "the job has ended", may_live=False
        )  # which is all that is known of it: somebody reported its end
    expansion = Expansion(secrets)
    try:
        triggers.of_type(run.job_type or "").cancel(_with_access(run, expansion))
    except ExpansionError as error:
        return _not_cancelled(str(error))
    except CallFailed as error:
        if not at_last:
            raise
        return _not_cancelled(str(error))
    except TriggerError as error:
        told = expansion.quoting_no_secret(error)
        if not error.permanent and not at_last:
            raise told from None
        return _not_cancelled(str(told))
    return JobLeft("the job was cancelled", may_live=False)


def refuse_beside(run: Run, triggers: Triggers, secrets: Secrets) -> None:
    """Most services take their time to stop a job: the next attempt's is not started beside it, but tried again.

    Raises `TriggerError` (transient, certain) until the job of the attempt before has ended.
    """
    if not run.stopping:
        return
    job_type, handle = run.stopping["jobType"], run.stopping["handle"]
    before = replace(run, job_type=job_type, handle=handle, asked_with=run.stopping.get("askedWith") or {})
    if not triggers.of_type(job_type).can_be_asked:
        return  # it was stopped, or there would be no next attempt
    asked = ask_job(before, triggers, secrets)
    if asked.outcome is None:
        why = f": {asked.unheard}" if asked.unheard else ""
        raise TriggerError(f"the job of the attempt before is still being stopped{why}", permanent=False)


def cross_checked(run: Run, outcome: Outcome, triggers: Triggers) -> Outcome:
    """A success that the job's own records disprove is a failure; whoever reported it, and however often it is asked."""
    if outcome.end is not JobEnd.SUCCESS or not run.handle:
        return outcome
    try:
        why = triggers.of_type(run.job_type or "").disproof(run.handle)
    except TriggerError as error:
        # Nothing disproves it as long as nobody can look: its service has called it a success.
        log.warning(
            "success not cross-checked: the service's word counts", extra=fields(run, reason=str(error))
        )
        return outcome
    return outcome if why is None else Outcome(JobEnd.FAIL, why[:1000], report=outcome.report)


def _with_access(run: Run, expansion: Expansion) -> Mapping[str, Any]:
    return {**(run.handle or {}), **expansion.expanded(run, run.asked_with)}


def _unheard(run: Run, why: str) -> Asked:
    log.warning("job could not be asked", extra=fields(run, error=why))
    return Asked(unheard=why)


def _not_cancelled(why: str) -> JobLeft:
    return JobLeft(f"the job could not be cancelled: {why}"[:500], may_live=True)
