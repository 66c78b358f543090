"""What can go wrong in a state machine: errors inside an execution, and refusals of the Step Functions API.

Error names and who may catch them: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
"""

from __future__ import annotations

from collections.abc import Collection

ALL = "States.ALL"
TASK_FAILED = "States.TaskFailed"
TIMEOUT = "States.Timeout"
HEARTBEAT_TIMEOUT = "States.HeartbeatTimeout"
DATA_LIMIT_EXCEEDED = "States.DataLimitExceeded"
RUNTIME = "States.Runtime"
QUERY_EVALUATION_ERROR = "States.QueryEvaluationError"


class DefinitionError(Exception):
    """The definition is wrong, or uses what the walker does not cover; it names the state and the field."""


class FunctionError(Exception):
    """Raised by `invoke`: the Lambda function failed, with an error of this type."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(f"{error_type}: {message}")
        self.error_type = error_type
        self.message = message


class StateError(Exception):
    """A state failed; Retry and Catch look at its name."""

    def __init__(self, error: str, cause: str | None = None) -> None:
        super().__init__(f"{error}: {cause}")
        self.error = error
        self.cause = cause

    def output(self) -> dict[str, str]:
        """The Error Output, `$states.errorOutput`; both fields are always there."""
        return {"Error": self.error, "Cause": self.cause or ""}


class ExecutionAlreadyExists(Exception):
    """The name is taken, by another input or by an execution that is closed."""


class ExecutionDoesNotExist(Exception):
    """No execution has that name."""


class InvalidExecutionInput(Exception):
    """The input is not JSON."""


class InvalidName(Exception):
    """Too long, or a character that Step Functions refuses."""


class InvalidOutput(Exception):
    """The output sent with a task token is not JSON."""


class InvalidToken(Exception):
    """No task was ever given this token."""


class TaskTimedOut(Exception):
    """The token is known, its task is closed."""


def catches(error_equals: Collection[str], error: str) -> bool:
    """Whether a retrier or catcher with this `ErrorEquals` applies to the error."""
    if error == RUNTIME:
        return False  # "isn't retriable, and will always cause the execution to fail"
    if error in error_equals:
        return True
    if error == DATA_LIMIT_EXCEEDED:
        return False  # terminal: no wildcard reaches it
    # A missed heartbeat is reported as a Timeout too, so what waits for one sees both.
    timed_out = error in (TIMEOUT, HEARTBEAT_TIMEOUT)
    return ALL in error_equals or (TIMEOUT if timed_out else TASK_FAILED) in error_equals
