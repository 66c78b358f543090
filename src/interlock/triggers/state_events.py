"""AWS tells on the default bus when a job ends. Whose job, and how did it end?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from interlock.domain.run import Outcome
from interlock.ports import TriggerError
from interlock.triggers import execution_states, glue_states
from interlock.triggers.emr_states import job_run_outcome, step_outcome


class InvalidStateEvent(ValueError):
    """A state-change event that does not say what AWS documents; the message names what is wrong."""


@dataclass(frozen=True, slots=True)
class RemoteEnd:
    """A remote job that has ended."""

    job_type: str
    remote_id: str  # as in `StartedJob.remote_id`
    outcome: Outcome


def remote_end(event: Mapping[str, Any]) -> RemoteEnd | None:
    """None for what is not an end: other events, and jobs that go on."""
    source, kind, detail = event.get("source"), event.get("detail-type"), event.get("detail")
    reader = _READERS.get((source, kind)) if isinstance(source, str) and isinstance(kind, str) else None
    if reader is None:
        return None
    if not isinstance(detail, Mapping):
        raise InvalidStateEvent(f"{kind}: detail is not a mapping")
    try:
        return reader(detail)
    except TriggerError as error:
        raise InvalidStateEvent(f"{kind}: {error}") from None


def _glue(detail: Mapping[str, Any]) -> RemoteEnd | None:
    run_id = _text(detail, "jobRunId")
    outcome = glue_states.outcome_of(_text(detail, "state"), _optional_text(detail, "message"))
    return None if outcome is None else RemoteEnd("glue", run_id, outcome)


def _emr(detail: Mapping[str, Any]) -> RemoteEnd | None:
    step_id = _text(detail, "stepId")
    outcome = step_outcome(_text(detail, "state"), _optional_text(detail, "message"))
    return None if outcome is None else RemoteEnd("emr", step_id, outcome)


def _emr_serverless(detail: Mapping[str, Any]) -> RemoteEnd | None:
    run_id = _text(detail, "jobRunId")
    # The event does not carry the reason: it says where to look for it.
    where = f"see job run {run_id} of application {_optional_text(detail, 'applicationId')}"
    outcome = job_run_outcome(_text(detail, "state"), where)
    return None if outcome is None else RemoteEnd("emr-serverless", run_id, outcome)


def _step_function(detail: Mapping[str, Any]) -> RemoteEnd | None:
    execution = _text(detail, "executionArn")
    outcome = execution_states.outcome_of(
        _text(detail, "status"), _optional_text(detail, "error"), _optional_text(detail, "cause")
    )
    return None if outcome is None else RemoteEnd("step-function", execution, outcome)


def _optional_text(detail: Mapping[str, Any], key: str) -> str | None:
    value = detail.get(key)
    return value if isinstance(value, str) else None


def _text(detail: Mapping[str, Any], key: str) -> str:
    value = detail.get(key)
    if not isinstance(value, str) or not value:
        raise InvalidStateEvent(f"detail.{key} is not a text")
    return value


_READERS: Mapping[tuple[str, str], Callable[[Mapping[str, Any]], RemoteEnd | None]] = {
    # https://docs.aws.amazon.com/glue/latest/dg/automating-awsglue-with-cloudwatch-events.html
    ("aws.glue", "Glue Job State Change"): _glue,
    # https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-service-limits-cloudwatch-events.html
    ("aws.emr", "EMR Step Status Change"): _emr,
    # https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/using-eventbridge.html
    ("aws.emr-serverless", "EMR Serverless Job Run State Change"): _emr_serverless,
    # https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
    ("aws.states", "Step Functions Execution Status Change"): _step_function,
}
