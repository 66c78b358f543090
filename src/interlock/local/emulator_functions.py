"""What functions on the embedded stack do, seen from outside them: their AWS calls and invocations, counted; and their death.

Runs inside the emulator's process, at its gateway.
"""

from __future__ import annotations

import os
import re
import signal
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any
from urllib.parse import parse_qs

# botocore says in its User-Agent where it runs: what Lambda sets as AWS_EXECUTION_ENV, and so does `emulator_worker`.
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
_IN_LAMBDA = b"exec-env/AWS_Lambda_"
_SERVICE = re.compile(rb"Credential=[^/]+/\d+/[^/]+/([a-z0-9-]+)/aws4_request")
_BOTO3_NAMES = {"states": "stepfunctions"}  # where a signature names a service otherwise

_calls: Counter[str] = Counter()
_invocations: Counter[str] = Counter()


def counts() -> Mapping[str, Mapping[str, int]]:
    """So far: calls by `<boto3 service>.<Operation>`, invocations by function."""
    return {"calls": dict(_calls), "invocations": dict(_invocations)}


def count_invocation(function: str) -> None:
    _invocations[function] += 1


def count_request(scope: Mapping[str, Any]) -> None:
    """One HTTP request at the gateway; only functions' count. A repeat by the SDK counts again, as AWS bills it."""
    headers = dict(scope["headers"])
    if _IN_LAMBDA in headers.get(b"user-agent", b""):
        _calls[_name(scope["method"], scope["path"], scope["query_string"].decode(), headers)] += 1


def _name(method: str, path: str, query: str, headers: Mapping[bytes, bytes]) -> str:
    signed = _SERVICE.search(headers.get(b"authorization", b""))
    service = signed[1].decode() if signed else "unsigned"
    service = _BOTO3_NAMES.get(service, service)
    target = headers.get(b"x-amz-target", b"").decode()
    if target:
        return f"{service}.{target.rpartition('.')[2]}"
    asked = parse_qs(query, keep_blank_values=True).keys() | {name.decode().lower() for name in headers}
    # The operation of a REST request, by the routes that botocore itself makes requests from.
    for route in _routes(service):
        if route.method == method and route.path.fullmatch(path) and route.needs <= asked:
            return f"{service}.{route.operation}"
    return f"{service}.{method} {path}"


@dataclass(frozen=True)
class _Route:
    operation: str
    method: str
    path: re.Pattern[str]
    needs: frozenset[str]  # names in the query and headers


@cache
def _routes(service: str) -> list[_Route]:
    """Those that need more, or name more of the path, first."""
    session = import_module("botocore.session").Session()
    if service not in session.get_available_services():
        return []
    model = session.get_service_model(service)
    routes = [_route(model.operation_model(name)) for name in model.operation_names]
    return sorted(routes, key=lambda route: (-len(route.needs), -route.path.pattern.count("/")))


def _route(operation: Any) -> _Route:
    path, _, query = operation.http["requestUri"].partition("?")
    pattern = re.sub(r"\\\{\w+\\\+\\\}", ".+", re.escape(path))  # {Key+} may have slashes
    pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", pattern)
    asked = (pair.partition("=")[0] for pair in query.split("&") if pair)
    needs = frozenset(asked) | frozenset(_required(operation.input_shape))
    return _Route(operation.name, operation.http["method"], re.compile(f"{pattern}/?"), needs)


def _required(shape: Any) -> Iterator[str]:
    for name in shape.required_members if shape else ():
        place = shape.members[name].serialization
        if place.get("location") in ("header", "querystring"):
            yield place["name"].lower() if place["location"] == "header" else place["name"]


def kill_busy(function: str) -> int:
    """End every process of the function that is in the middle of an invocation, at once; how many."""
    runtime = import_module("ministack.core.lambda_runtime")
    with runtime._lock:
        workers = [worker for pool in runtime._workers.values() for worker in pool]
    busy = [worker for worker in workers if worker.func_name == function and worker.in_use and worker._proc]
    for worker in busy:
        os.kill(worker._proc.pid, signal.SIGKILL)
    return len(busy)
