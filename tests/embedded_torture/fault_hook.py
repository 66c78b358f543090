"""Runs in a function's process on the embedded stack: hurts the AWS calls that a plan names, by botocore's `before-send`.

The worker loads this file by its path before the function's own code; the function itself sees nothing of it.
"""

from __future__ import annotations

import io
import json
import os
import re
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

FOLDER = (
    "INTERLOCK_FAULTS"  # environment: where the plan is, where hits are counted and strikes are written down
)
PLAN, STRIKES = "plan.json", "strikes.jsonl"
OURS = "local-interlock-"  # what our functions' names begin with; jobs that are functions are left alone
_WORLD = re.compile(rb"(?<![A-Za-z0-9])w(\d{4,6})-[a-z]")  # a pipeline of a world; its file, its job

Fault = dict[str, Any]


def install(function: str) -> None:
    """Every client that this process makes asks the plan before it sends."""
    folder = os.environ.get(FOLDER)
    if not folder or not function.startswith(OURS):
        return
    from botocore.session import Session

    striker = Striker(folder, function.removeprefix(OURS))
    create = Session.create_client

    def create_hooked(self: Any, service_name: str, *given: Any, **named: Any) -> Any:
        client = create(self, service_name, *given, **named)
        client.meta.events.register("before-send", Hook(striker, service_name, client))
        return client

    Session.create_client = create_hooked  # type: ignore[method-assign]


class Hook:
    """`before-send` of one client: None lets a request go, an answer stands for the service's, an exception for the line's."""

    def __init__(self, striker: Striker, service: str, client: Any) -> None:
        self._striker, self._service, self._client = striker, service, client

    def __call__(self, request: Any, event_name: str, **_: Any) -> Any:
        call = f"{self._service}.{event_name.rpartition('.')[2]}"
        fault = self._striker.fault_for(call, request)
        return None if fault is None else self._strike(fault, call, request)

    def _strike(self, fault: Fault, call: str, request: Any) -> Any:
        from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

        self._striker.note(fault, call)
        after = fault["when"] == "after"
        answer = self._client._endpoint.http_session.send(request) if after else None
        match fault["kind"]:
            case "crash":
                os._exit(1)
            case "time-out" if after:
                raise ReadTimeoutError(endpoint_url=request.url)
            case "time-out":
                raise ConnectTimeoutError(endpoint_url=request.url)
            case "throttle":
                return throttled(self._service, request.url)
            case "stall":
                time.sleep(fault["seconds"])
        return answer


class Striker:
    """Which calls are hit. Calls of a world are counted over all processes: each counter is a file that grows by a byte."""

    def __init__(self, folder: str, function: str) -> None:
        with open(os.path.join(folder, PLAN), encoding="utf-8") as plan:
            faults: list[Fault] = json.load(plan)
        self._folder, self._function = folder, function
        self._faults: dict[str, list[Fault]] = {}
        for fault in faults:
            if fault["function"] == function:
                self._faults.setdefault(fault["world"], []).append(fault)
        self._memory = threading.local()

    def fault_for(self, call: str, request: Any) -> Fault | None:
        """The SDK's repeats of one call count once; whether they are hit too is the fault's `tries`."""
        invocation = request.headers.get("amz-sdk-invocation-id")
        if invocation is not None and invocation == getattr(self._memory, "invocation", None):
            fault: Fault | None = self._memory.fault
            return fault if fault and fault["tries"] == "all" else None
        self._memory.invocation = invocation
        hit = self._memory.fault = self._first_hit(call, self._world_of(request))
        return hit

    def _world_of(self, request: Any) -> str | None:
        """A request that names no pipeline (a task token, a receipt) is about whom the one before was about."""
        named = _WORLD.search(request.url.encode()) or _WORLD.search(as_bytes(request.body))
        if named:
            self._memory.world = named[1].decode()
        world: str | None = getattr(self._memory, "world", None)
        return world

    def _first_hit(self, call: str, world: str | None) -> Fault | None:
        hit = None
        for fault in self._faults.get(world or "", []):
            if fault["call"] in (None, call) and self._ordinal(fault) == fault["nth"]:
                hit = hit or fault
        return hit

    def _ordinal(self, fault: Fault) -> int:
        """Which of the calls that this fault counts this one is, from 1."""
        counter = os.path.join(self._folder, f"hits-{fault['id']}")
        opened = os.open(counter, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(opened, b".")
            return os.lseek(opened, 0, os.SEEK_CUR)  # where this byte ended, whoever else writes
        finally:
            os.close(opened)

    def note(self, fault: Fault, call: str) -> None:
        line = {"fault": fault["id"], "at": time.time(), "did": call}
        opened = os.open(os.path.join(self._folder, STRIKES), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(opened, (json.dumps(line) + "\n").encode())
        finally:
            os.close(opened)


def as_bytes(body: Any) -> bytes:
    if isinstance(body, str):
        return body.encode()
    return bytes(body) if isinstance(body, (bytes, bytearray)) else b""


class Body(io.BytesIO):
    """What botocore reads an answer from."""

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self.read()


# Each in the words of its service. https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
_THROTTLED: Mapping[str, tuple[int, str]] = {
    "dynamodb": (400, "ProvisionedThroughputExceededException"),
    "lambda": (429, "TooManyRequestsException"),
    "s3": (503, "SlowDown"),
}


def throttled(service: str, url: str) -> Any:
    """A service's refusal, which has no effect."""
    from botocore.awsrequest import AWSResponse
    from botocore.compat import HTTPHeaders

    status, code = _THROTTLED.get(service, (400, "ThrottlingException"))
    told = json.dumps({"__type": code, "message": "Rate exceeded"})
    if service == "s3":
        told = f"<Error><Code>{code}</Code><Message>Reduce your request rate.</Message></Error>"
    headers = HTTPHeaders.from_dict({"x-amzn-errortype": code})
    return AWSResponse(url, status, headers, Body(told.encode()))
