"""The states of EMR's steps and of EMR Serverless's job runs: does it go on, and if not, how did it end?

Read by the adapters, and by stream-router, which hears of ends and calls neither service.
"""

from __future__ import annotations

from collections.abc import Mapping

from interlock.domain.run import FailureCategory, JobEnd, Outcome
from interlock.ports import TriggerError

_Ends = Mapping[str, tuple[JobEnd, FailureCategory | None]]

# https://docs.aws.amazon.com/emr/latest/APIReference/API_StepStatus.html and, for what the states mean,
# https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-overview.html
STEP_CAN_BE_CANCELLED = frozenset({"PENDING", "RUNNING"})
_STEP_GOES_ON = STEP_CAN_BE_CANCELLED | {"CANCEL_PENDING"}
_STEP_ENDED: _Ends = {
    "COMPLETED": (JobEnd.SUCCESS, None),
    "FAILED": (JobEnd.FAIL, None),  # an exit code that is not zero: the program's fault or the cluster's
    # By a person, whom starting it again would defy; or with its cluster, where nothing can be started again.
    "CANCELLED": (JobEnd.FAIL, FailureCategory.PERMANENT),
    "INTERRUPTED": (JobEnd.FAIL, None),  # by what, EMR does not say
}
# https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/job-states.html
JOB_RUN_CAN_BE_CANCELLED = frozenset({"SUBMITTED", "QUEUED", "PENDING", "SCHEDULED", "RUNNING"})
_JOB_RUN_GOES_ON = JOB_RUN_CAN_BE_CANCELLED | {"CANCELLING"}
_JOB_RUN_ENDED: _Ends = {
    "SUCCESS": (JobEnd.SUCCESS, None),
    "FAILED": (JobEnd.FAIL, None),  # the program's fault, the application's or the account's limits
    # By a person, whom starting it again would defy, or when its own executionTimeoutMinutes were over.
    "CANCELLED": (JobEnd.FAIL, FailureCategory.PERMANENT),
}


def step_outcome(state: str, reason: str | None) -> Outcome | None:
    """None while the step goes on."""
    return None if state in _STEP_GOES_ON else _outcome("EMR", "step", state, _STEP_ENDED, reason)


def job_run_outcome(state: str, reason: str | None) -> Outcome | None:
    """None while the job run goes on."""
    if state in _JOB_RUN_GOES_ON:
        return None
    return _outcome("EMR Serverless", "run", state, _JOB_RUN_ENDED, reason)


def _outcome(service: str, job: str, state: str, ends: _Ends, reason: str | None) -> Outcome:
    if state not in ends:
        raise TriggerError(f"{service} reports the state {state[:60]!r}, which nobody knows", permanent=True)
    end, category = ends[state]
    if end is JobEnd.SUCCESS:
        return Outcome(end)
    error = f"{service} {job} {state}: {reason or 'no reason given'}"
    return Outcome(end, error=error[:1000], category=category)
