"""Step Functions on the embedded stack: how executions start and stop, how tasks wait, time out and retry.

Runs inside the emulator's process; `emulator_patches` puts these in place of ministack's own. Paths,
JSONata, choices, maps and the history stay ministack's.
"""

from __future__ import annotations

import contextvars
import inspect
import json
import random
import re
import secrets
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from importlib import import_module
from typing import Any

from interlock.local.emulator_deliveries import check_step
from interlock.local.emulator_tokens import (
    JsonObject,
    Response,
    answer,
    refusal,
    settle,
    settle_all,
    waiting,
)

states: Any = import_module("ministack.services.stepfunctions")

_start = states._start_execution
_stop = states._stop_execution
_fail = states._fail_execution

CALLBACK = ".waitForTaskToken"

# https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
EXECUTION_NAME = re.compile(r'[^\s<>{}\[\]?*"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]{1,80}')


def start_execution(data: JsonObject) -> Response:
    """StartExecution is idempotent while the execution runs: same name and input, same answer."""
    name, text = data.get("name"), data.get("input", "{}")
    if name is not None and not EXECUTION_NAME.fullmatch(name):
        return refusal("InvalidName", f"Invalid Name: '{name}'")
    try:
        json.loads(text)
    except ValueError:
        return refusal("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{text[:80]}'")
    machine = states._resolve_state_machine_arn(data.get("stateMachineArn", "")) or ""
    running = states._executions.get(f"{machine.replace(':stateMachine:', ':execution:')}:{name}")
    if running and running["status"] == "RUNNING" and running["input"] == text:
        return answer(executionArn=running["executionArn"], startDate=running["startDate"])
    response: Response = _start(data)
    return response


def without_pause(run_execution: Callable[[str], None]) -> Callable[[str], None]:
    """ministack's own walk, without the 150 ms that it sleeps before the first state: AWS has no such pause."""
    source = inspect.getsource(run_execution).replace("    time.sleep(0.15)\n", "", 1)
    changed: dict[str, Any] = {}
    exec(compile(source, states.__file__, "exec"), vars(states), changed)
    walk: Callable[[str], None] = changed[run_execution.__name__]
    return walk


def stop_execution(data: JsonObject) -> Response:
    """Stopping an execution ends its tasks too: their tokens are closed and no retry follows."""
    response: Response = _stop(data)
    if response[0] == 200:
        settle_all(data["executionArn"], stopped())
    return response


def fail_execution(execution: JsonObject, error: str, cause: str) -> None:
    """An execution that was stopped stays ABORTED, whatever its last task still does."""
    if execution["status"] == "RUNNING":
        _fail(execution, error, cause)


def execute_task(state: JsonObject, raw_input: Any, execution: JsonObject, context: JsonObject) -> Any:
    """One Task state: tried until it succeeds, no retrier is left, or the execution was stopped."""
    # A copy: the branches of a Parallel or Map share their context, and would swap state names and tokens.
    context = context | {"State": dict(context["State"])}
    retries: Counter[int] = Counter()
    while True:
        context["State"]["RetryCount"] = retries.total()
        try:
            result = attempt(state, raw_input, execution, context)
            return output(state, raw_input, context, result), states._next_or_end(state)
        except states._ExecutionError as error:
            if execution["status"] != "RUNNING":
                raise
            note(execution, "TaskTimedOut" if error.error == "States.Timeout" else "TaskFailed", state, error)
            retrier, index = states._find_matching_retrier(state.get("Retry", []), error.error, retries)
            if retrier is None:
                return caught(state, raw_input, context, error)
            states._scaled_sleep(delay_seconds(retrier, retries[index]))
            retries[index] += 1


def attempt(state: JsonObject, raw_input: Any, execution: JsonObject, context: JsonObject) -> Any:
    """Call the resource once and wait for its answer, or for its token, or for the time-out."""
    if execution["status"] != "RUNNING":
        raise stopped()
    resource: str = state["Resource"]
    token = secrets.token_urlsafe(384)  # each attempt has its own; AWS's are as long
    if CALLBACK in resource:
        context["Task"] = {"Token": token}
    arguments = task_arguments(state, raw_input, context)
    # The clock of an activity starts when a worker takes it up, which ministack does not model.
    timeout = None if ":activity:" in resource else timeout_seconds(state, raw_input, context)
    note(execution, "TaskScheduled", state)
    check_step(execution, resource, arguments)
    with waiting(token, execution["executionArn"]) as reply:
        run_in_background(call_resource, resource, arguments, reply)
        result = wait_for(reply, timeout)
    note(execution, "TaskSucceeded", state, output=json.dumps(result))
    return result


def call_resource(resource: str, arguments: Any, reply: Future[Any]) -> None:
    """Call; where a token is waited for only a failure is an outcome, and it fails the task at once."""
    try:
        result = states._invoke_resource(resource.replace(CALLBACK, ""), arguments)
    except states._ExecutionError as error:
        settle(reply, error)
    except Exception as error:  # noqa: BLE001 - a bug here must fail the task, not leave it waiting for ever
        settle(reply, states._ExecutionError("States.Runtime", repr(error)))
    else:
        if CALLBACK not in resource:
            settle(reply, result)


def wait_for(reply: Future[Any], timeout: float | None) -> Any:
    """The task's outcome. One that arrives together with the time-out counts: its sender was told so."""
    try:
        return reply.result(timeout)
    except TimeoutError:
        settle(reply, states._ExecutionError("States.Timeout", f"Task timed out after {timeout} seconds"))
        return reply.result()


def task_arguments(state: JsonObject, raw_input: Any, context: JsonObject) -> Any:
    if is_jsonata(state, context):
        return states._apply_jsonata_arguments(state, raw_input, context)
    selected = states._apply_input_path(state, raw_input, context)
    return states._apply_parameters(state, selected, context)


def timeout_seconds(state: JsonObject, raw_input: Any, context: JsonObject) -> float | None:
    """The task's own limit; a JSONata expression is evaluated anew for each attempt."""
    if "TimeoutSeconds" not in state:
        return None
    if not is_jsonata(state, context):
        return float(state["TimeoutSeconds"])
    seconds = states._jsonata_state_field(state, "TimeoutSeconds", "number", raw_input, context)
    if seconds < 1 or seconds != int(seconds):
        message = f"The TimeoutSeconds field must be a positive integer but was: {seconds}"
        raise states._ExecutionError("States.QueryEvaluationError", message)
    return float(seconds)


def output(state: JsonObject, raw_input: Any, context: JsonObject, result: Any) -> Any:
    if is_jsonata(state, context):
        value = states._apply_jsonata_output(state, raw_input, context, result=result, default=result)
        assign(state, raw_input, context, result=result)
        return value
    value = states._apply_result_path(state, raw_input, states._apply_result_selector(state, result))
    return states._apply_output_path(state, value, context)


def caught(state: JsonObject, raw_input: Any, context: JsonObject, error: Any) -> Any:
    catcher = states._find_matching_catcher(state.get("Catch", []), error.error)
    if catcher is None:
        raise error
    language = states._state_query_language(state, context)
    found = {"Error": error.error, "Cause": error.cause}
    return states._apply_catcher(catcher, raw_input, context, language, found), catcher["Next"]


def assign(state: JsonObject, raw_input: Any, context: JsonObject | None, **found: Any) -> None:
    """All variables are computed from the values before any of them changes.

    https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html
    """
    if context is None or not is_jsonata(state, context):
        return
    wanted = state.get("Assign", {})
    values = {
        name: states._apply_jsonata_template(wanted[name], raw_input, context, **found) for name in wanted
    }
    context.setdefault("variables", {}).update(values)


def delay_seconds(retrier: JsonObject, retries: int) -> float:
    """How long to wait before the next attempt. Defaults as in the Amazon States Language."""
    seconds = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** retries
    seconds = min(seconds, retrier.get("MaxDelaySeconds", seconds))
    return random.uniform(0, seconds) if retrier.get("JitterStrategy") == "FULL" else float(seconds)


def is_jsonata(state: JsonObject, context: JsonObject) -> bool:
    return bool(states._state_query_language(state, context) == "JSONata")


def stopped() -> BaseException:
    error: BaseException = states._ExecutionError("States.Aborted", "The execution was stopped")
    return error


def note(execution: JsonObject, event: str, state: JsonObject, error: Any = None, **details: str) -> None:
    """Write the execution's history."""
    details["resource"] = state["Resource"]
    details["resourceType"] = "lambda" if "lambda" in state["Resource"] else "states"
    if error is not None:
        details |= {"error": error.error, "cause": error.cause}
    states._add_event(execution, event, {f"{event[0].lower()}{event[1:]}EventDetails": details})


def run_in_background(function: Callable[..., None], *arguments: Any) -> None:
    """Account and region are context variables, so the thread takes the caller's along."""
    run = contextvars.copy_context().run
    threading.Thread(target=run, args=(function, *arguments), daemon=True).start()
