"""Task tokens on the embedded stack: which tasks are out, and what SendTaskSuccess and its like answer.

Runs inside the emulator's process; `emulator_patches` puts the three calls in place of ministack's own.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import Future, InvalidStateError
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

states: Any = import_module("ministack.services.stepfunctions")

JsonObject = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]

# ministack's own, which still serve the tokens of activities
_success = states._send_task_success
_failure = states._send_task_failure
_heartbeat = states._send_task_heartbeat

CLOSED_TOKENS_KEPT = 10_000


@dataclass(frozen=True)
class Waiting:
    """A task that is out; whichever outcome comes first settles its reply."""

    execution: str  # ARN
    reply: Future[Any]


_waiting: dict[str, Waiting] = {}
_closed: OrderedDict[str, str] = OrderedDict()  # the execution of each


@contextmanager
def waiting(token: str, execution: str) -> Iterator[Future[Any]]:
    """Let a task wait under its token; afterwards the token is closed."""
    reply: Future[Any] = Future()
    _waiting[token] = Waiting(execution, reply)
    try:
        yield reply
    finally:
        _closed[token] = execution
        del _waiting[token]
        while len(_closed) > CLOSED_TOKENS_KEPT:
            _closed.popitem(last=False)


def machine_of(token: str) -> str | None:
    """The machine whose task got this token; None for one that nobody got."""
    task = _waiting.get(token)
    execution = task.execution if task else _closed.get(token)
    if execution is None:
        return None
    return execution.rpartition(":")[0].replace(":execution:", ":stateMachine:")


def settle(reply: Future[Any], outcome: Any) -> bool:
    """Give the task its outcome; False when it already has one."""
    try:
        if isinstance(outcome, BaseException):
            reply.set_exception(outcome)
        else:
            reply.set_result(outcome)
    except InvalidStateError:
        return False
    return True


def settle_all(execution: str, outcome: BaseException) -> None:
    """End every task of an execution."""
    for task in list(_waiting.values()):
        if task.execution == execution:
            settle(task.reply, outcome)


def send_task_success(data: JsonObject) -> Response:
    try:
        outcome = json.loads(data.get("output", "{}"))
    except ValueError:
        return refusal("InvalidOutput", "Invalid Output: the output is not valid JSON")
    return send(data, outcome, _success)


def send_task_failure(data: JsonObject) -> Response:
    name, cause = data.get("error", "States.TaskFailed"), data.get("cause", "")
    return send(data, states._ExecutionError(name, cause), _failure)


def send_task_heartbeat(data: JsonObject) -> Response:
    task = _waiting.get(data.get("taskToken", ""))
    if task is not None and not task.reply.done():
        return answer()
    return send(data, None, _heartbeat)


def send(data: JsonObject, outcome: Any, otherwise: Callable[[JsonObject], Response]) -> Response:
    """Settle the task of this token, once; a token that is no longer waited for has timed out."""
    token = data.get("taskToken", "")
    task = _waiting.get(token)
    if task is not None and settle(task.reply, outcome):
        return answer()
    if task is not None or token in _closed:
        return refusal("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")
    return otherwise(data)


def answer(**fields: Any) -> Response:
    response: Response = states.json_response(fields)
    return response


def refusal(code: str, message: str) -> Response:
    response: Response = states.error_response_json(code, message, 400)
    return response
