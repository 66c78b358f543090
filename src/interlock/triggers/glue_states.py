"""The states of Glue's job runs: does it go on, and if not, how did it end? For the adapter, and for stream-router."""

from __future__ import annotations

from collections.abc import Mapping

from interlock.domain.run import FailureCategory, JobEnd, Outcome
from interlock.ports import TriggerError

# https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-jobs-runs.html and, for what the states mean,
# https://docs.aws.amazon.com/glue/latest/dg/job-run-statuses.html
RUNNING = frozenset({"STARTING", "RUNNING", "STOPPING", "WAITING"})
ENDED: Mapping[str, tuple[JobEnd, FailureCategory | None]] = {
    "SUCCEEDED": (JobEnd.SUCCESS, None),
    "FAILED": (JobEnd.FAIL, None),  # the script's fault or the cluster's: Glue does not say
    "TIMEOUT": (JobEnd.TIMEOUT, FailureCategory.TIMEOUT),
    "STOPPED": (JobEnd.FAIL, FailureCategory.PERMANENT),  # by a person, whom starting it again would defy
    "ERROR": (JobEnd.FAIL, FailureCategory.PERMANENT),  # the job was deleted
    "EXPIRED": (JobEnd.FAIL, FailureCategory.TRANSIENT),  # a streaming job's maintenance window
}


def outcome_of(state: str, error: str | None) -> Outcome | None:
    """None while the run goes on."""
    if state in RUNNING:
        return None
    if state not in ENDED:
        raise TriggerError(f"Glue reports the state {state[:60]!r}, which nobody knows", permanent=True)
    end, category = ENDED[state]
    if end is JobEnd.SUCCESS:
        return Outcome(end)
    return Outcome(end, error=f"Glue run {state}: {error or 'no reason given'}"[:1000], category=category)
