"""The statuses of executions: does it go on, and if not, how did it end? For the adapter, and for stream-router."""

from __future__ import annotations

from collections.abc import Mapping

from interlock.domain.run import FailureCategory, JobEnd, Outcome
from interlock.ports import TriggerError

# https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html
RUNNING = frozenset({"RUNNING", "PENDING_REDRIVE"})
ENDED: Mapping[str, tuple[JobEnd, FailureCategory | None]] = {
    "SUCCEEDED": (JobEnd.SUCCESS, None),
    "FAILED": (JobEnd.FAIL, None),
    "TIMED_OUT": (JobEnd.TIMEOUT, FailureCategory.TIMEOUT),
    "ABORTED": (JobEnd.FAIL, FailureCategory.PERMANENT),  # by a person, whom starting it again would defy
}


def outcome_of(status: str, error: str | None, cause: str | None) -> Outcome | None:
    """None while the execution goes on."""
    if status in RUNNING:
        return None
    if status not in ENDED:
        raise TriggerError(
            f"Step Functions reports the status {status[:60]!r}, which nobody knows", permanent=True
        )
    end, category = ENDED[status]
    if end is JobEnd.SUCCESS:
        return Outcome(end)
    why = ": ".join(part for part in (error, cause) if part) or "no reason given"
    return Outcome(end, error=f"execution {status}: {why}"[:1000], category=category)
