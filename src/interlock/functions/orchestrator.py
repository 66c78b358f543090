"""orchestrator: the state machine's steps, and the watchdog's checks, by the name in the payload."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from interlock.ports import DueRun
from interlock.steps.await_job import await_job
from interlock.steps.check_runs import check_runs
from interlock.steps.complete_run import complete_run, record_failure
from interlock.steps.evaluate_readiness import evaluate_readiness
from interlock.steps.start_job import start_job
from interlock.steps.task import BadTask, OrchestratorPorts, Task, read_key

Step = Callable[[Task, OrchestratorPorts, datetime], dict[str, Any] | None]

# The names of the state machine's Task states; a test holds the two together.
STEPS: Mapping[str, Step] = {
    "EvaluateReadiness": evaluate_readiness,
    "StartJob": start_job,
    "AwaitJob": await_job,
    "CompleteRun": complete_run,
    "RecordFailure": record_failure,
}
CHECK_RUNS = "CheckRuns"
# https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html
_LONGEST_TOKEN = 2048


def orchestrator(event: Mapping[str, Any], ports: OrchestratorPorts, now: datetime) -> dict[str, Any]:
    """What the state machine reads of a step's answer; an empty mapping for one that sleeps."""
    name = event.get("step")
    if name == CHECK_RUNS:
        _check_runs(event, ports, now)
        return {}
    step = STEPS.get(str(name))
    if step is None:
        raise BadTask(f"unknown step {str(name)[:80]!r}; known are {', '.join([*STEPS, CHECK_RUNS])}")
    return step(_task(event), ports, now) or {}


def _task(event: Mapping[str, Any]) -> Task:
    execution = event.get("executionName")
    if not isinstance(execution, str) or not isinstance(event.get("run"), Mapping):
        raise BadTask("a step needs `run` and `executionName`")
    error, tries, token = event.get("error"), event.get("tries"), event.get("taskToken")
    if not isinstance(token, str | None) or len(token or "") > _LONGEST_TOKEN:
        raise BadTask("`taskToken` is not one of Step Functions'")
    return Task(
        read_key(event["run"]),
        execution,
        token,
        None if error is None else str(error)[:1000],
        tries if isinstance(tries, int) else 0,
    )


def _check_runs(event: Mapping[str, Any], ports: OrchestratorPorts, now: datetime) -> None:
    """One that cannot be read keeps no other from being looked at."""
    runs = event.get("runs")
    if not isinstance(runs, list):
        raise BadTask("CheckRuns needs a list of `runs`")
    due: list[DueRun] = []
    unreadable: list[str] = []
    for run in runs:
        try:
            due.append(_due_run(run))
        except BadTask as error:
            unreadable.append(str(error))
    check_runs(due, ports, now)
    if unreadable:
        raise BadTask(f"{len(unreadable)} of {len(runs)} runs cannot be read: {unreadable[0]}")


def _due_run(run: Any) -> DueRun:
    key = read_key(run)
    tries = run.get("tries", 0)
    if not isinstance(tries, int):
        raise BadTask(f"`tries` is no whole number: {str(tries)[:40]!r}")
    return DueRun(key, datetime.fromtimestamp(0, UTC), str(run.get("waitsFor")), tries)
