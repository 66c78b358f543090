"""Executions of other state machines (STANDARD ones). A start is repeatable by its name: the run id, taken for 90 days."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from interlock.domain.run import Outcome
from interlock.ports import JobRequest, JobTrigger, StartedJob, TriggerError
from interlock.triggers.aws_refusal import AWS_ERRORS, code_of, look_up_failed, not_told, refusal
from interlock.triggers.execution_states import outcome_of
from interlock.triggers.job_config import required_text, text_or_json

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

    from interlock.triggers.outside import Outside

# The account has too many open executions: passes when one of them ends.
# https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
_PASSING = frozenset({"ExecutionLimitExceeded"})


class StepFunctionTrigger(JobTrigger):
    """Config: `stateMachineArn` (also of a version or alias), `input`."""

    publishes_end = True

    def __init__(self, outside: Outside) -> None:
        self._states: SFNClient = outside.clients("stepfunctions")

    def start(self, request: JobRequest) -> StartedJob:
        machine = required_text(request.config, "stateMachineArn")
        execution = execution_arn(machine, request.run_id)
        try:
            started = self._states.start_execution(
                stateMachineArn=machine, name=request.run_id, input=text_or_json(request, "input")
            )
        except AWS_ERRORS as error:
            # An earlier try started it, with other input perhaps, and it may have ended since.
            if code_of(error) != "ExecutionAlreadyExists":
                raise refusal(f"state machine {machine}", error, passing=_PASSING) from None
        else:
            _refuse_express(started["executionArn"], machine)
        return StartedJob({"executionArn": execution}, remote_id=execution)

    def find(self, request: JobRequest) -> StartedJob | None:
        execution = execution_arn(required_text(request.config, "stateMachineArn"), request.run_id)
        try:
            self._states.describe_execution(executionArn=execution)
        except AWS_ERRORS as error:
            if code_of(error) == "ExecutionDoesNotExist":
                return None
            raise look_up_failed(f"execution {execution}", error) from None
        return StartedJob({"executionArn": execution}, remote_id=execution)

    def status(self, handle: Mapping[str, Any]) -> Outcome | None:
        try:
            execution = self._states.describe_execution(executionArn=handle["executionArn"])
        except AWS_ERRORS as error:
            raise not_told(f"execution {handle['executionArn']}", error) from None
        return outcome_of(execution["status"], execution.get("error"), execution.get("cause"))

    def cancel(self, handle: Mapping[str, Any]) -> None:
        try:
            self._states.stop_execution(executionArn=handle["executionArn"], cause="cancelled by Interlock")
        except AWS_ERRORS as error:
            # Known for 90 days after its end.
            if code_of(error) != "ExecutionDoesNotExist":
                raise refusal(f"execution {handle['executionArn']}", error) from None


def execution_arn(machine: str, name: str) -> str:
    """The ARN of an execution that bears this name. Executions of a version or an alias are named without it."""
    # https://docs.aws.amazon.com/step-functions/latest/dg/execution-alias-version-associate.html
    parts = machine.split(":")
    if len(parts) not in (7, 8) or parts[2] != "states" or parts[5] != "stateMachine":
        raise TriggerError("job.config.stateMachineArn is not the ARN of a state machine", permanent=True)
    return ":".join([*parts[:5], "execution", parts[6], name])


def _refuse_express(execution: str, machine: str) -> None:
    # Two executions of an EXPRESS machine may bear one name, and none can be asked for its status.
    # https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html
    if execution.split(":")[5] == "express":
        raise TriggerError(
            f"unknown outcome: {machine} is an EXPRESS state machine; its execution was started, but nobody can see "
            "its end: use a STANDARD one",
            permanent=True,
            unknown_outcome=True,
        )
