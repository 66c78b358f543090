"""Runs one definition on the walker and on the embedded stack, and tells what each did, for comparison.

A function is plain Python, given the event and an `Outside`; its source is run in both places, so it may use
only what it defines or imports itself, and keeps nothing between calls (each may run in a container of its own).
What it raises is an error by its class's name, there and here.
"""

from __future__ import annotations

import inspect
import json
import textwrap
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from interlock.local.emulator import Emulator
from interlock.simulation.asl import StateMachineWalker
from interlock.simulation.asl_errors import FunctionError
from interlock.simulation.clock import VirtualClock
from local.emulator_kit import deploy, finished, make_machine, make_table, start

EXECUTION = "parity"


class Outside(Protocol):
    """What a function may do beside answering."""

    def succeed(self, token: str, output: Any) -> None: ...

    def fail(self, token: str, error: str) -> None: ...

    def sleep(self, seconds: float) -> None: ...

    def count(self, what: str) -> int:
        """How often this has been counted by now, this time included."""
        ...


Function = Callable[[Any, Outside], Any]


@dataclass(frozen=True)
class Trace:
    """What a state machine did, as far as both sides can know it."""

    entered: tuple[str, ...]
    status: str
    output: Any = None
    error: str | None = None


def on_walker(definition: Mapping[str, Any], given: Any, functions: Mapping[str, Function]) -> Trace:
    """A year of virtual time is enough for everything that ends."""
    clock = VirtualClock(datetime.now(UTC))
    handlers = {name: _freshly_loaded(function) for name, function in functions.items()}

    def invoke(name: str, payload: Any) -> Any:
        try:
            return handlers[name](payload, outside)
        except Exception as error:
            raise FunctionError(type(error).__name__, str(error)) from error

    walker = StateMachineWalker(definition, clock, invoke, lambda _: None)
    outside = _WalkerOutside(walker, clock)
    walker.start(EXECUTION, json.dumps(given))
    clock.run_until(clock.now() + timedelta(days=365))
    record = walker.describe(EXECUTION)
    output = json.loads(record.output) if record.output is not None else None
    return Trace(record.entered, record.status, _comparable(output), record.error)


def on_emulator(
    emulator: Emulator, definition: Mapping[str, Any], given: Any, functions: Mapping[str, Function]
) -> Trace:
    """Each function becomes a Lambda function; its name in the definition is replaced by the deployed one."""
    text = json.dumps(definition)
    counts, _ = make_table(emulator)
    for name, function in functions.items():
        deployed = deploy(emulator, _as_lambda(function), Environment={"Variables": {"COUNTS": counts}})
        text = text.replace(json.dumps(name), json.dumps(deployed))
    arn = start(emulator, make_machine(emulator, json.loads(text)), given, name=EXECUTION)
    ended = finished(emulator, arn, seconds=60)
    pages = emulator.client("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=arn)
    events = [event for page in pages for event in page["events"]]
    entered = tuple(
        e["stateEnteredEventDetails"]["name"] for e in events if e["type"].endswith("StateEntered")
    )
    if ended["status"] == "SUCCEEDED":
        return Trace(entered, "SUCCEEDED", _comparable(json.loads(ended["output"])))
    return Trace(entered, ended["status"], None, ended.get("error"))


def _comparable(output: Any) -> Any:
    """An Error Output without its cause, which each side puts in words of its own."""
    if isinstance(output, dict) and output.keys() == {"Error", "Cause"}:
        return {"Error": output["Error"]}
    return output


@dataclass(frozen=True)
class _WalkerOutside:
    walker: StateMachineWalker
    clock: VirtualClock
    counts: Counter[str] = field(default_factory=Counter)

    def succeed(self, token: str, output: Any) -> None:
        self.walker.send_task_success(token, json.dumps(output))

    def fail(self, token: str, error: str) -> None:
        self.walker.send_task_failure(token, error)

    def sleep(self, seconds: float) -> None:
        self.clock.block_until(self.clock.now() + timedelta(seconds=seconds))

    def count(self, what: str) -> int:
        self.counts[what] += 1
        return self.counts[what]


_LAMBDA = """
import json, os, time, boto3

class Outside:
    states = boto3.client("stepfunctions")
    table = boto3.client("dynamodb")

    def succeed(self, token, output):
        self.states.send_task_success(taskToken=token, output=json.dumps(output))

    def fail(self, token, error):
        self.states.send_task_failure(taskToken=token, error=error)

    def sleep(self, seconds):
        time.sleep(seconds)

    def count(self, what):
        counted = self.table.update_item(
            TableName=os.environ["COUNTS"],
            Key={"PK": {"S": what}, "SK": {"S": "COUNT"}},
            UpdateExpression="ADD times :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
            ReturnValues="UPDATED_NEW",
        )
        return int(counted["Attributes"]["times"]["N"])

def handler(event, context):
    return {name}(event, Outside())
"""


def _source(function: Function) -> str:
    return textwrap.dedent(inspect.getsource(function))


def _as_lambda(function: Function) -> str:
    # Annotations name what only this module knows.
    name = function.__name__
    return f"from __future__ import annotations\n{_source(function)}\n{_LAMBDA.replace('{name}', name)}"


def _freshly_loaded(function: Function) -> Function:
    """From its source alone, as a container has it."""
    namespace: dict[str, Any] = {}
    exec(f"from __future__ import annotations\n{_source(function)}", namespace)
    loaded: Function = namespace[function.__name__]
    return loaded
