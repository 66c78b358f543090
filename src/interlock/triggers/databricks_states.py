"""What `runs/get` of Databricks says of a run: does it go on, and how did it end?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.domain.plain_text import one_line
from interlock.domain.run import FailureCategory, JobEnd, Outcome
from interlock.ports import TriggerError

_End = tuple[JobEnd, FailureCategory | None]
_SUCCESS: _End = (JobEnd.SUCCESS, None)
_FAILED: _End = (JobEnd.FAIL, None)  # the job's fault or its cluster's: Databricks does not say
_TIMED_OUT: _End = (JobEnd.TIMEOUT, FailureCategory.TIMEOUT)
_LASTS: _End = (JobEnd.FAIL, FailureCategory.PERMANENT)
_PASSES: _End = (JobEnd.FAIL, FailureCategory.TRANSIENT)

# RunLifeCycleState; RunLifecycleStateV2 adds WAITING. https://docs.databricks.com/api/workspace/jobs/getrun
_RUNNING = frozenset(
    {"BLOCKED", "PENDING", "QUEUED", "RUNNING", "TERMINATING", "WAITING", "WAITING_FOR_RETRY"}
)
_ENDED = frozenset({"TERMINATED", "SKIPPED", "INTERNAL_ERROR"})
# RunResultState; the last two are life cycle states that may come without a result.
_RESULTS: Mapping[str, _End] = {
    "SUCCESS": _SUCCESS,
    "SUCCESS_WITH_FAILURES": _SUCCESS,  # some task failed, and the job's own conditions allow it
    "FAILED": _FAILED,
    "TIMEDOUT": _TIMED_OUT,
    "CANCELED": _LASTS,  # by a person, whom starting it again would defy
    "MAXIMUM_CONCURRENT_RUNS_REACHED": _PASSES,  # it never ran: another run of the job did
    "EXCLUDED": _LASTS,  # it never ran: the job's own conditions were not met
    "UPSTREAM_FAILED": _FAILED,
    "UPSTREAM_CANCELED": _LASTS,
    "DISABLED": _LASTS,
    "SKIPPED": _PASSES,  # as MAXIMUM_CONCURRENT_RUNS_REACHED
    "INTERNAL_ERROR": _PASSES,  # the Jobs service failed
}
# TerminationCode of `status`, which is to replace `state`: those that say more than their type does.
_CODES: Mapping[str, _End] = {
    "SUCCESS": _SUCCESS,
    "SUCCESS_WITH_FAILURES": _SUCCESS,
    "USER_CANCELED": _LASTS,
    "CANCELED": _TIMED_OUT,  # by the platform, as when the longest duration is exceeded
    "SKIPPED": _LASTS,
    "RUN_EXECUTION_ERROR": _FAILED,
    "MAX_CONCURRENT_RUNS_EXCEEDED": _PASSES,
    "MAX_JOB_QUEUE_SIZE_EXCEEDED": _PASSES,
    "WORKSPACE_RUN_LIMIT_EXCEEDED": _PASSES,
    "CLUSTER_REQUEST_LIMIT_EXCEEDED": _PASSES,
}
# TerminationType, for the other codes: "additional codes might be introduced in future releases".
_TYPES: Mapping[str, _End] = {"INTERNAL_ERROR": _PASSES, "CLOUD_FAILURE": _PASSES, "CLIENT_ERROR": _LASTS}


def outcome_of(run: Mapping[str, Any]) -> Outcome | None:
    """None while the run goes on; raises for what nobody knows."""
    state = _mapping(run.get("state"))
    if state:
        return _by_state(state)
    return _by_status(_mapping(run.get("status")))


def _by_state(state: Mapping[str, Any]) -> Outcome | None:
    life, result = str(state.get("life_cycle_state")), str(state.get("result_state") or "")
    if life in _RUNNING:
        return None
    end = _RESULTS.get(result or life)
    # A success is one that came to its regular end.
    if life not in _ENDED or end is None or (end is _SUCCESS and life != "TERMINATED"):
        raise _unknown(f"{life} {result}".strip())
    return _outcome(end, result or life, state.get("state_message"))


def _by_status(status: Mapping[str, Any]) -> Outcome | None:
    state, details = str(status.get("state")), _mapping(status.get("termination_details"))
    if state in _RUNNING:
        return None
    code, kind = str(details.get("code")), str(details.get("type"))
    end = _CODES.get(code) or _TYPES.get(kind)
    if state != "TERMINATED" or end is None:
        raise _unknown(f"{state} {code if details else ''}".strip())
    return _outcome(end, code, details.get("message"))


def _outcome(end: _End, said: str, message: Any) -> Outcome:
    if end is _SUCCESS:
        return Outcome(JobEnd.SUCCESS)
    why = one_line(str(message or "no reason given"), 900)
    return Outcome(end[0], error=f"Databricks run {said}: {why}", category=end[1])


def _unknown(state: str) -> TriggerError:
    return TriggerError(f"Databricks reports the state {state[:60]!r}, which nobody knows", permanent=True)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
