"""Runs one Python function on the embedded stack as Lambda's own runtime would: this is a function's process.

The emulator copies this file out and starts it as a script, so it imports the standard library alone. One
JSON line comes in per invocation, one goes out; everything the function prints is its log.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import queue
import sys
import threading
import time
import traceback
from importlib.machinery import BuiltinImporter, FrozenImporter, ModuleSpec, PathFinder
from typing import Any

END_OF_LOG = "\x00end of log"
FUNCTION_ERROR = "\x00function error"  # the only key of an answer that is an error
SESSION = "function:"  # what a function's session token begins with; its name follows
# Names a Python file, for tests that hurt functions from within: `install(function)` of it is called before a function
# is loaded, while the emulator's environment is still to be seen. No function sees the variable.
HOOK = "INTERLOCK_WORKER_HOOK"

# What Lambda's runtime has beside the standard library. Anything else that a function imports has to be in
# its zip, or it fails here as it would on AWS. https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html
RUNTIME_PACKAGES = frozenset({"boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3"})

RUNTIME_VARIABLES = frozenset({"HOME", "LANG", "LAMBDA_TASK_ROOT", "PATH", "TMPDIR", "TZ"})


class RuntimePackages:
    """Finds the runtime's own packages among the emulator's, and nothing else there."""

    def __init__(self, folders: list[str]) -> None:
        self._folders = folders

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if path is None and name in RUNTIME_PACKAGES:
            return PathFinder.find_spec(name, self._folders, target)
        return None


class Context:
    """What a handler gets as its second argument."""

    identity = None
    client_context = None

    def __init__(self, init: dict[str, Any], call: dict[str, Any]) -> None:
        self.function_name = init["function_name"]
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        self.memory_limit_in_mb = init["memory"]
        self.invoked_function_arn = call["invoked_function_arn"]
        self.aws_request_id = call["request_id"]
        self.log_group_name = f"/aws/lambda/{self.function_name}"
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME", "")
        self._deadline = time.monotonic() + call["timeout_ms"] / 1000

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._deadline - time.monotonic()) * 1000))


def is_standard_library(folder: str) -> bool:
    library = os.path.dirname(os.__file__)
    return folder in (library, os.path.join(library, "lib-dynload")) or folder.endswith(".zip")


def confine_imports(code: str, layers: list[str]) -> None:
    """Leave the function its zip, its layers, the standard library and the runtime's packages."""
    standard = [folder for folder in sys.path if is_standard_library(folder)]
    others = [folder for folder in sys.path if folder not in standard]
    in_layers = [
        os.path.join(layer, "python", below)
        for layer in reversed(layers)  # a later layer overwrites an earlier one's files
        for below in (f"lib/python3.{sys.version_info.minor}/site-packages", "")
    ]
    sys.path[:] = [code, *filter(os.path.isdir, in_layers), *standard]
    sys.meta_path[:] = [BuiltinImporter, FrozenImporter, PathFinder, RuntimePackages(others)]


def confine_environment(name: str, function: dict[str, str]) -> None:
    """Keep what Lambda sets and what the function was configured with; the server's own settings go."""
    for variable in list(os.environ):
        if (
            not variable.startswith(("AWS_", "_LAMBDA_"))
            and variable not in RUNTIME_VARIABLES | function.keys()
        ):
            del os.environ[variable]
    os.environ["AWS_EXECUTION_ENV"] = f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}"
    # A session of the function's role, as on AWS; here it also says of every call whose it is.
    os.environ["AWS_SESSION_TOKEN"] = SESSION + name


def describe(error: BaseException, request_id: str) -> dict[str, Any]:
    """An exception as Lambda reports it; the type is the bare class name, which Retry and Catch match."""
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "requestId": request_id,
        "stackTrace": traceback.format_list(own_frames(error)),
    }


def own_frames(error: BaseException) -> list[traceback.FrameSummary]:
    """The function's part of the stack, without ours and the import machinery's."""
    frames = traceback.extract_tb(error.__traceback__)
    others = (__file__, importlib.__file__, "<frozen")
    return [frame for frame in frames if not frame.filename.startswith(others)]


def log_error(report: dict[str, Any]) -> None:
    trace = "".join(report["stackTrace"])
    print(f"[ERROR] {report['errorType']}: {report['errorMessage']}\n{trace}", file=sys.stderr)


def load_handler(module_name: str, handler_name: str) -> tuple[Any, dict[str, Any] | None]:
    """The handler, or why there is none; the error names are those of AWS."""
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        report = describe(error, "") | {"errorType": "Runtime.ImportModuleError"}
        return None, report | {"errorMessage": f"Unable to import module '{module_name}': {error}"}
    except Exception as error:  # noqa: BLE001 - whatever a module raises at import is the function's error
        return None, describe(error, "")
    if not hasattr(module, handler_name):
        message = f"Handler '{handler_name}' missing on module '{module_name}'"
        return None, {"errorMessage": message, "errorType": "Runtime.HandlerNotFound", "stackTrace": []}
    return getattr(module, handler_name), None


def plain(value: Any) -> Any:
    """DynamoDB numbers are Decimals, which Lambda's runtime serialises."""
    if type(value).__name__ == "Decimal":
        return int(value) if value == int(value) else float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def invoke(handler: Any, event: Any, context: Context) -> str:
    """The handler's answer as JSON. An exit (`SystemExit`) is not caught: it ends the process, as on AWS."""
    try:
        result = handler(event, context)
    except Exception as error:  # noqa: BLE001 - the boundary: any exception is the invocation's answer
        report = describe(error, context.aws_request_id)
    else:
        try:
            return json.dumps(result, default=plain)
        except (TypeError, ValueError) as error:
            report = describe(error, context.aws_request_id) | {
                "errorType": "Runtime.MarshalError",
                "errorMessage": f"Unable to marshal response: {error}",
                "stackTrace": [],
            }
    log_error(report)
    return json.dumps({FUNCTION_ERROR: report})


def call_hook(function: str) -> None:
    """Have the hook's file, if there is one, do what it wants to this process."""
    if file := os.environ.get(HOOK):
        spec = importlib.util.spec_from_file_location("interlock_worker_hook", file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.install(function)


def read_lines(lines: queue.SimpleQueue[str]) -> None:
    """Feed the queue; end the process, even in mid-invocation, when the emulator is gone."""
    for line in sys.stdin:
        lines.put(line)
    os._exit(0)


def take_over_stdout() -> Any:
    """Keep the real stdout for answers; what the function or its children print there becomes log."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return answers


def serve() -> None:
    answers = take_over_stdout()
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=read_lines, args=(lines,), daemon=True).start()
    init = json.loads(lines.get())
    layers = [layer for layer in os.environ.get("_LAMBDA_LAYERS_DIRS", "").split(os.pathsep) if layer]
    call_hook(init["function_name"])
    confine_environment(init["function_name"], init["env"])
    confine_imports(init["code_dir"], layers)
    handler, problem = load_handler(init["module"], init["handler"])
    if problem:
        log_error(problem)
        answers.write(json.dumps({"status": "error", "error": json.dumps(problem)}) + "\n")
        return
    answers.write(json.dumps({"status": "ready", "cold": True}) + "\n")
    while True:
        message = json.loads(lines.get())
        call = message["ctx"]
        os.environ["_X_AMZN_TRACE_ID"] = call["trace_id"] or ""
        answer = invoke(handler, message["event"], Context(init, call))
        sys.stderr.write(END_OF_LOG + "\n")
        sys.stderr.flush()
        answers.write(f'{{"status": "ok", "result": {answer}}}\n')


if __name__ == "__main__":
    serve()
