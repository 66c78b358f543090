"""What functions on the embedded stack do, seen from outside them: their AWS calls and invocations, counted; and their death.

Runs inside the emulator's process, at its gateway.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Mapping
from importlib import import_module

_calls: Counter[str] = Counter()
_invocations: Counter[str] = Counter()


def counts() -> Mapping[str, Mapping[str, int]]:
    """So far: calls by `<boto3 service>.<Operation>`, invocations by function."""
    return {"calls": dict(_calls), "invocations": dict(_invocations)}


def count_invocation(function: str) -> None:
    _invocations[function] += 1


def count_call(call: str) -> None:
    """One HTTP request of a function. A repeat by the SDK counts again, as AWS bills it."""
    _calls[call] += 1


def kill_busy(function: str) -> int:
    """End every process of the function that is in the middle of an invocation, at once; how many."""
    runtime = import_module("ministack.core.lambda_runtime")
    with runtime._lock:
        workers = [worker for pool in runtime._workers.values() for worker in pool]
    busy = [worker for worker in workers if worker.func_name == function and worker.in_use and worker._proc]
    for worker in busy:
        os.kill(worker._proc.pid, signal.SIGKILL)
    return len(busy)
