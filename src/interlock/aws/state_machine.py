"""`StateMachine` on Step Functions."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from interlock.aws.errors import calling
from interlock.ports import CallFailed

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

log = logging.getLogger(__name__)

# The task timed out, was woken before, or its execution is over. An invalid token is one of another machine's life.
# https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html
_LOST_RACES = frozenset({"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"})
_LONGEST_ERROR, _LONGEST_CAUSE = 256, 32768


class StepFunctionsMachine:
    """The one state machine that all runs go through."""

    def __init__(self, client: SFNClient, arn: str) -> None:
        self._client, self._arn = client, arn

    def start(self, name: str, execution_input: Mapping[str, Any]) -> None:
        """Names stay taken for 90 days, so a repeated start is refused rather than run twice."""
        with _expecting("stepfunctions.StartExecution", {"ExecutionAlreadyExists"}, execution=name):
            self._client.start_execution(
                stateMachineArn=self._arn, name=name, input=json.dumps(execution_input)
            )

    def succeed(self, token: str) -> None:
        with _expecting("stepfunctions.SendTaskSuccess", _LOST_RACES):
            self._client.send_task_success(taskToken=token, output="{}")

    def fail(self, token: str, error: str, cause: str) -> None:
        with _expecting("stepfunctions.SendTaskFailure", _LOST_RACES):
            self._client.send_task_failure(
                taskToken=token, error=error[:_LONGEST_ERROR], cause=cause[:_LONGEST_CAUSE]
            )

    def owns(self, state_machine_arn: str) -> bool:
        return state_machine_arn == self._arn


@contextmanager
def _expecting(call: str, outcomes: set[str] | frozenset[str], **fields: str) -> Iterator[None]:
    """These codes are outcomes of a race that somebody else won, and no errors."""
    try:
        with calling(call):
            yield
    except CallFailed as failed:
        if failed.code not in outcomes:
            raise
        log.info("another worker was first", extra={"call": call, "code": failed.code, **fields})
