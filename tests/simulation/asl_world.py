"""A state machine on a virtual clock, for tests: definitions in a line, functions as Python, everything recorded."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from interlock.simulation.asl import StateMachineWalker
from interlock.simulation.asl_execution import ExecutionRecord, Transition
from interlock.simulation.clock import VirtualClock

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
INVOKE = "arn:aws:states:::lambda:invoke"
WAIT_FOR_TOKEN = f"{INVOKE}.waitForTaskToken"

Function = Callable[[Any], Any]


def a_machine(states: Mapping[str, Any], **top: Any) -> dict[str, Any]:
    """The first state named is where it starts."""
    return {"QueryLanguage": "JSONata", "StartAt": next(iter(states)), "States": dict(states), **top}


def a_task(*, token: bool = False, function: str = "f", **fields: Any) -> dict[str, Any]:
    """A call of one function, ending there unless told `Next`."""
    payload: dict[str, Any] = (
        {"token": "{% $states.context.Task.Token %}"} if token else {"given": "{% $states.input %}"}
    )
    leads = {} if "Next" in fields else {"End": True}
    return {
        "Type": "Task",
        "Resource": WAIT_FOR_TOKEN if token else INVOKE,
        "Arguments": {"FunctionName": function, "Payload": payload},
        **leads,
        **fields,
    }


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def failing(*errors: BaseException | None) -> Function:
    """A function that fails with each of these in turn (None: does not) and answers "done" from then on."""
    left = list(errors)

    def answer(_payload: Any) -> Any:
        error = left.pop(0) if left else None
        if error is not None:
            raise error
        return "done"

    return answer


class AslWorld:
    """One machine and what happened to it."""

    def __init__(self, definition: Mapping[str, Any], function: Function | None = None, **how: Any) -> None:
        self.clock = VirtualClock(NOW)
        self.calls: list[tuple[float, Any]] = []  # seconds since NOW, payload
        self.transitions: list[Transition] = []
        self.function = function or (lambda payload: payload)
        self.walker = StateMachineWalker(definition, self.clock, self._invoke, self.transitions.append, **how)

    def run(self, given: Any = None, *, seconds: float = 86_400) -> ExecutionRecord:
        """One execution named `run`, and time passing."""
        self.walker.start("run", json.dumps({} if given is None else given))
        return self.run_on(seconds=seconds)

    def run_on(self, *, seconds: float) -> ExecutionRecord:
        """More time for the execution of `run`."""
        self.clock.run_until(after(seconds))
        return self.walker.describe("run")

    def at(self, seconds: float, action: Callable[[], None]) -> None:
        self.clock.at(after(seconds), 0, action)

    def succeed_at(self, seconds: float, output: Any = None, *, call: int = -1) -> None:
        """Answer the token of that call (the latest by then) with a result."""
        self.at(seconds, lambda: self.walker.send_task_success(self.token(call), json.dumps(output)))

    def fail_at(self, seconds: float, error: str, cause: str | None = None, *, call: int = -1) -> None:
        self.at(seconds, lambda: self.walker.send_task_failure(self.token(call), error, cause))

    def token(self, call: int = -1) -> str:
        """The token that call of the function was given."""
        return str(self.calls[call][1]["token"])

    @property
    def call_times(self) -> list[float]:
        return [seconds for seconds, _ in self.calls]

    def _invoke(self, _function: str, payload: Any) -> Any:
        self.calls.append(((self.clock.now() - NOW).total_seconds(), payload))
        return self.function(payload)


def output_of(record: ExecutionRecord) -> Any:
    """What the execution succeeded with."""
    assert record.output is not None, record
    return json.loads(record.output)
