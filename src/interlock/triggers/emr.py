"""Steps on EMR clusters. A start is made repeatable by the step's name: it ends in the run id, and is looked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from interlock.domain.run import Outcome
from interlock.ports import JobRequest, JobTrigger, StartedJob, TriggerError
from interlock.triggers.aws_refusal import AWS_ERRORS, code_of, look_up_failed, not_told, refusal
from interlock.triggers.emr_states import STEP_CAN_BE_CANCELLED, step_outcome
from interlock.triggers.job_config import required_text

if TYPE_CHECKING:
    from mypy_boto3_emr import EMRClient
    from mypy_boto3_emr.type_defs import HadoopJarStepConfigTypeDef, StepStatusTypeDef, StepSummaryTypeDef

    from interlock.triggers.outside import Outside

# A cluster takes 256 steps that have not ended: passes when one of them ends. Only the words tell it from other mistakes.
# https://docs.aws.amazon.com/emr/latest/ManagementGuide/AddMoreThan256Steps.html, https://github.com/gchq/sleeper/pull/4607
_FULL = "Maximum number of active steps"
_LONGEST_NAME = 256  # https://docs.aws.amazon.com/emr/latest/APIReference/API_StepConfig.html
# The steps come newest first, 50 to a page. https://docs.aws.amazon.com/emr/latest/APIReference/API_ListSteps.html
_PAGES = 20
_CLOCKS_DIFFER = timedelta(minutes=5)


class EmrTrigger(JobTrigger):
    """Config: `clusterId`, `stepName`, and `jar` with `args` or `command`. The placeholders alone tell a step its period."""

    publishes_end = True

    def __init__(self, outside: Outside) -> None:
        self._emr: EMRClient = outside.clients("emr")

    def start(self, request: JobRequest) -> StartedJob:
        cluster = required_text(request.config, "clusterId")
        try:
            added = self._emr.add_job_flow_steps(
                JobFlowId=cluster,
                Steps=[
                    {
                        "Name": _step_name(request),
                        "ActionOnFailure": "CONTINUE",  # the cluster and its other steps are not ours to end
                        "HadoopJarStep": _jar_step(request.config),
                    }
                ],
            )
        except AWS_ERRORS as error:
            passing = {code_of(error)} if _FULL in str(error) else ()
            raise refusal(f"EMR cluster {cluster}", error, passing=passing) from None
        return _started(cluster, added["StepIds"][0])

    def find(self, request: JobRequest) -> StartedJob | None:
        cluster = required_text(request.config, "clusterId")
        try:
            steps = self._steps_since(request.since, cluster, request.run_id)
            step_id = next((step["Id"] for step in steps if _bears(step, request.run_id)), None)
        except AWS_ERRORS as error:
            raise look_up_failed(f"EMR cluster {cluster}", error) from None
        return None if step_id is None else _started(cluster, step_id)

    def status(self, handle: Mapping[str, Any]) -> Outcome | None:
        status = self._status_of(handle)
        return step_outcome(str(status.get("State", "")), _reason(status))

    def cancel(self, handle: Mapping[str, Any]) -> None:
        refused = self._refused_cancel(handle)
        # A step that has ended or is being cancelled cannot be cancelled, which is as good.
        if refused is not None and self._status_of(handle).get("State") in STEP_CAN_BE_CANCELLED:
            raise refused

    def _refused_cancel(self, handle: Mapping[str, Any]) -> TriggerError | None:
        cluster, step_id = handle["clusterId"], handle["stepId"]
        try:
            answer = self._emr.cancel_steps(ClusterId=cluster, StepIds=[step_id])
        except AWS_ERRORS as error:
            refused = refusal(f"EMR cluster {cluster}", error)
            if not refused.permanent:
                raise refused from None
            return refused
        for told in answer.get("CancelStepsInfoList", []):
            if told.get("Status") == "FAILED":
                why = told.get("Reason") or "no reason given"
                message = f"EMR cluster {cluster}: step {step_id} was not cancelled: {why}"[:500]
                return TriggerError(message, permanent=False)
        return None

    def _status_of(self, handle: Mapping[str, Any]) -> StepStatusTypeDef:
        cluster, step_id = handle["clusterId"], handle["stepId"]
        try:
            return self._emr.describe_step(ClusterId=cluster, StepId=step_id)["Step"]["Status"]
        except AWS_ERRORS as error:
            raise not_told(f"EMR cluster {cluster}, step {step_id}", error) from None

    def _steps_since(self, since: datetime | None, cluster: str, run_id: str) -> Iterator[StepSummaryTypeDef]:
        """Newest first; raises when there are so many that what is sought may lie beyond."""
        more: Any = {}
        for _ in range(_PAGES):
            page = self._emr.list_steps(ClusterId=cluster, **more)
            for step in page.get("Steps", []):
                if since is not None and _created_before(step, since - _CLOCKS_DIFFER):
                    return
                yield step
            if not page.get("Marker"):
                return
            more = {"Marker": page["Marker"]}
        raise TriggerError(
            f"unknown outcome: EMR cluster {cluster} has too many steps to look through; is there one whose name "
            f"ends in {run_id}?",
            permanent=True,
            unknown_outcome=True,
        )


def _started(cluster: str, step_id: str) -> StartedJob:
    return StartedJob({"clusterId": cluster, "stepId": step_id}, remote_id=step_id)


def _step_name(request: JobRequest) -> str:
    name = request.config.get("stepName")
    if name is None:
        name = request.key.pipeline_id
    if not isinstance(name, str):
        raise TriggerError("job.config.stepName must be a text", permanent=True)
    return f"{name[: _LONGEST_NAME - 1 - len(request.run_id)]} {request.run_id}"


def _bears(step: StepSummaryTypeDef, run_id: str) -> bool:
    """Whatever stands before it: what the step's name is put together of may have changed since."""
    return step.get("Name", "").rpartition(" ")[2] == run_id


def _created_before(step: StepSummaryTypeDef, instant: datetime) -> bool:
    created = step.get("Status", {}).get("Timeline", {}).get("CreationDateTime")
    return created is not None and created < instant


def _jar_step(config: Mapping[str, Any]) -> HadoopJarStepConfigTypeDef:
    command = config.get("command")
    if command is None:
        return {"Jar": required_text(config, "jar"), "Args": _texts(config, "args")}
    argv = command.split() if isinstance(command, str) else _texts(config, "command")
    if not argv:
        raise TriggerError("job.config.command holds no command", permanent=True)
    # https://docs.aws.amazon.com/emr/latest/ReleaseGuide/emr-commandrunner.html
    return {"Jar": "command-runner.jar", "Args": argv}


def _texts(config: Mapping[str, Any], key: str) -> list[str]:
    value = config.get(key)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise TriggerError(f"job.config.{key} must be a list of texts", permanent=True)
    return value


def _reason(status: StepStatusTypeDef) -> str | None:
    failure = status.get("FailureDetails", {})
    parts = (failure.get("Reason"), failure.get("Message"), failure.get("LogFile"))
    told = ": ".join(part for part in parts if part)
    return told or status.get("StateChangeReason", {}).get("Message")
