"""What the job services of AWS say of a job: its state in their words, a refusal, an event on the default bus."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from interlock.domain.run import FailureCategory
from interlock.simulation.aws_clients import refusal
from interlock.simulation.faults import SERVER_ERRORS
from interlock.simulation.job_services import Job, Refused
from interlock.simulation.scenario import JobResult

# Of an event on the default bus: source, detail-type, detail.
Publish = Callable[[str, str, Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Words:
    """How a service calls what became of a job."""

    stopped: str
    timeout: str
    lasting: str  # a failure that trying again does not mend
    succeeded: str = "SUCCEEDED"


def state_of(job: Job, now: datetime, words: Words) -> str:
    """What the service says of the job."""
    if job.stopped:
        return words.stopped
    if not job.has_ended(now):
        return "RUNNING"
    if job.play.state is not None:
        return job.play.state
    if job.play.result is JobResult.SUCCEED:
        return words.succeeded
    if job.play.category is FailureCategory.TIMEOUT:
        return words.timeout
    # A job that can still speak says itself that its failure will last; of a silent one only the state can tell.
    silent = not job.play.sends_event and job.play.category is FailureCategory.PERMANENT
    return words.lasting if silent else "FAILED"


def pipeline_of(job: Job | None) -> str | None:
    """Whose job a call is about."""
    return None if job is None else job.record.pipeline_id


def begun(operation: str, begin: Callable[[], Job]) -> Job:
    """The job that starts, unless the scenario has its service refuse it."""
    try:
        return begin()
    except Refused as refused:
        raise client_error(operation, str(refused)) from None


def client_error(operation: str, code: str) -> ClientError:
    """A refusal as boto3 raises it."""
    status = 500 if code in SERVER_ERRORS else 400
    return refusal(operation, code, "the scenario refuses this call", status)
