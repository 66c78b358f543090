"""How functions fail on the embedded stack: as on Lambda, where ministack knows one error for everything.

Runs inside the emulator's process; `emulator_patches` puts these in place of ministack's own.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import time
from collections import defaultdict
from contextvars import ContextVar
from importlib import import_module
from threading import Semaphore
from typing import Any

from interlock.local.emulator_functions import count_invocation
from interlock.local.emulator_worker import END_OF_LOG, FUNCTION_ERROR

lambdas: Any = import_module("ministack.services.lambda_svc")

log = logging.getLogger("interlock.emulator")

LOG_WAIT_SECONDS = 0.25

_run_warm = lambdas._execute_function_warm
_throttled = lambdas._throttle_response

# Nobody waits for an event's delivery. At once, a burst of them would start a process for each.
EVENTS_AT_ONCE = max(2, os.cpu_count() or 2)
_queued: ContextVar[bool] = ContextVar("queued", default=False)
_turns: defaultdict[str, Semaphore] = defaultdict(lambda: Semaphore(EVENTS_AT_ONCE))  # by function

INIT_FAILED = "Worker init failed: "  # followed by what emulator_worker wrote
EXITED = "Worker process exited immediately"  # died before it was ready


def run_function(function: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
    """One invocation of a Python function, its failure told as Lambda tells it."""
    name = (function.get("config") or function)["FunctionName"]
    with _turns[name] if _queued.get() else contextlib.nullcontext():
        count_invocation(name)
        result: dict[str, Any] = _run_warm(function, event, request_id)
    body = result.get("body")
    if not isinstance(body, dict) or result.get("throttle"):
        return result
    if FUNCTION_ERROR in body:
        return result | {"body": body[FUNCTION_ERROR], "error": True}
    if result.get("error"):
        return result | {"body": runtime_error(body, request_id)}
    return result


def runtime_error(body: dict[str, Any], request_id: str) -> dict[str, Any]:
    """What Lambda answers for a function that could not be loaded, ran out of time or died."""
    message = body["errorMessage"]
    if message.startswith(INIT_FAILED):
        loaded: dict[str, Any] = json.loads(message.removeprefix(INIT_FAILED))
        return loaded
    if body["errorType"] == "Sandbox.Timedout":
        return body | {"errorMessage": f"RequestId: {request_id} Error: {message}"}
    # The worker reports its handler's exceptions itself, so what is left under this name is a dead process.
    if body["errorType"] == "Runtime.HandlerError" or message.startswith(EXITED):
        text = f"RequestId: {request_id} Error: Runtime exited without providing a reason"
        return {"errorType": "Runtime.ExitError", "errorMessage": text}
    return body


def throttled(reason_code: str, msg: str, retry_after: int = 1) -> dict[str, Any]:
    """A throttle carries the name that Step Functions retries on."""
    response: dict[str, Any] = _throttled(reason_code=reason_code, msg=msg, retry_after=retry_after)
    response["body"]["errorType"] = "Lambda.TooManyRequestsException"
    return response


def read_log(worker: Any) -> None:
    """Queue one process's log lines; a function may print bytes that are no text."""
    lines, stream = worker._stderr_queue, worker._proc.stderr.buffer  # the next process has others
    with contextlib.suppress(OSError, ValueError):  # closed under us when the worker is ended
        for line in stream:
            lines.put(line.decode(errors="replace").rstrip("\n"))
    lines.put(END_OF_LOG)


def drain_log(worker: Any) -> str:
    """The lines of one invocation: up to the worker's mark, instead of up to a pause in them."""
    lines: list[str] = []
    deadline = time.monotonic() + LOG_WAIT_SECONDS
    while (left := deadline - time.monotonic()) > 0:
        try:
            line = worker._stderr_queue.get(timeout=left)
        except queue.Empty:
            break
        if line == END_OF_LOG:
            break
        lines.append(line)
    return "\n".join(lines)


def deliver_to_function(arn: str, payload: str) -> None:
    """A rule's or schedule's event to a function: asynchronous, so Lambda tries it up to three times.

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
    """
    function, config, _ = lambdas._get_func_record_for_ref(arn)
    if not function or not config:
        log.warning("no function %s: its event is lost", arn)
        return
    record = lambdas._execution_record_for_config(function, config)
    before = _queued.set(True)  # the thread that is started here takes a copy along
    lambdas.invoke_async_with_retry(record, json.loads(payload))
    _queued.reset(before)
