"""Amazon EMR as its API speaks (AWS JSON 1.1): the steps of clusters that are always up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from interlock.local.job_services import JobRun, JobRuns, RunState, TooManyRuns
from interlock.local.stand_in import Answer, Asked, Event, aws_operation, aws_refusal

# https://docs.aws.amazon.com/emr/latest/APIReference/API_StepStatus.html
_STATES: Mapping[RunState, str] = {
    RunState.RUNNING: "RUNNING",
    RunState.SUCCEEDED: "COMPLETED",
    RunState.FAILED: "FAILED",
    RunState.STOPPED: "CANCELLED",
}
_SEVERITIES = {RunState.FAILED: "ERROR", RunState.STOPPED: "WARN"}
_PAGE = 50  # https://docs.aws.amazon.com/emr/latest/APIReference/API_ListSteps.html


class Emr:
    """`Dialect`. A job is known by its cluster's id: every step of a cluster does the same work."""

    service = "emr"

    def operation(self, asked: Asked) -> str:
        return aws_operation(asked)

    def answer(self, operation: str, asked: Asked, runs: JobRuns) -> Answer:
        known = {
            "AddJobFlowSteps": _add,
            "ListSteps": _list,
            "DescribeStep": _describe,
            "CancelSteps": _cancel,
        }
        if operation not in known:
            knows = ", ".join(known)
            return aws_refusal("InvalidRequestException", f"this stand-in knows {knows}, not {operation}")
        cluster = str(asked.body.get("JobFlowId") or asked.body.get("ClusterId"))
        if not runs.knows(cluster):
            if operation == "AddJobFlowSteps":
                return aws_refusal("ValidationException", "Specified job flow ID does not exist.")
            return aws_refusal("InvalidRequestException", f"Cluster id '{cluster}' is not valid.")
        return known[operation](cluster, asked.body, runs)

    def end_event(self, run: JobRun) -> Event:
        # https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-manage-cloudwatch-events.html
        name = run.arguments["Name"]
        ended = datetime.fromtimestamp(run.ended_at or run.started_at, UTC)
        how = {RunState.SUCCEEDED: "completed execution", RunState.STOPPED: "was cancelled"}
        detail = {
            "severity": _SEVERITIES.get(run.state, "INFO"),
            "actionOnFailure": run.arguments.get("ActionOnFailure", "TERMINATE_CLUSTER"),
            "stepId": run.id,
            "name": name,
            "clusterId": run.job,
            "state": _STATES[run.state],
            "message": f"Step {run.id} ({name}) in Amazon EMR cluster {run.job} "
            f"{how.get(run.state, 'failed')} at {ended:%Y-%m-%d %H:%M} UTC.",
        }
        return Event("aws.emr", "EMR Step Status Change", detail)


def _add(cluster: str, request: Mapping[str, Any], runs: JobRuns) -> Answer:
    try:
        steps = [
            runs.begin(cluster, dict(step), lambda number: f"s-{number:013d}").run
            for step in request.get("Steps") or []
        ]
    except TooManyRuns:
        # https://docs.aws.amazon.com/emr/latest/ManagementGuide/AddMoreThan256Steps.html
        full = (
            "Maximum number of active steps(State = Running, Pending or Cancel Pending) for cluster exceeded."
        )
        return aws_refusal("ValidationException", full)
    return Answer(200, {"StepIds": [step.id for step in steps]}, starts_job=True)


def _list(cluster: str, request: Mapping[str, Any], runs: JobRuns) -> Answer:
    ids, states = request.get("StepIds"), request.get("StepStates")
    found = [
        run
        for run in reversed(runs.of(cluster))
        if (not ids or run.id in ids) and (not states or _STATES[run.state] in states)
    ]
    first = int(request.get("Marker") or 0)
    page = {"Steps": [_described(run) for run in found[first : first + _PAGE]]}
    more = {"Marker": str(first + _PAGE)} if len(found) > first + _PAGE else {}
    return Answer(200, page | more)


def _describe(cluster: str, request: Mapping[str, Any], runs: JobRuns) -> Answer:
    run = runs.find(str(request.get("StepId")), cluster)
    if run is None:
        return aws_refusal("InvalidRequestException", f"Step id '{request.get('StepId')}' is not valid.")
    return Answer(200, {"Step": _described(run)})


def _cancel(cluster: str, request: Mapping[str, Any], runs: JobRuns) -> Answer:
    told = []
    for step_id in request.get("StepIds") or []:
        run = runs.find(step_id, cluster)
        if run is None or not run.is_alive:
            told.append({"StepId": step_id, "Status": "FAILED", "Reason": "the step has ended or is unknown"})
            continue
        run.stop.set()
        told.append({"StepId": step_id, "Status": "SUBMITTED"})
    return Answer(200, {"CancelStepsInfoList": told})


def _described(run: JobRun) -> dict[str, Any]:
    timeline = {"CreationDateTime": run.started_at, "StartDateTime": run.started_at}
    timeline |= {"EndDateTime": run.ended_at} if run.ended_at else {}
    failure = {"FailureDetails": {"Reason": "Unknown Error.", "Message": run.error}}
    status = {"State": _STATES[run.state], "StateChangeReason": {}, "Timeline": timeline}
    return {
        "Id": run.id,
        "Name": run.arguments["Name"],
        "ActionOnFailure": run.arguments.get("ActionOnFailure", "TERMINATE_CLUSTER"),
        "Config": run.arguments["HadoopJarStep"],
        "Status": status | (failure if run.state is RunState.FAILED else {}),
    }
