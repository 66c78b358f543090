"""One execution of a state machine: what the walker keeps while it runs, and the record that others read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

from interlock.simulation.asl_expressions import Scope
from interlock.simulation.clock import Timer


class ExecutionStatus(StrEnum):
    """https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html"""

    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    ABORTED = "ABORTED"


class Step(StrEnum):
    """What happened in a transition."""

    ENTERED = "entered"
    RETRIED = "retried"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed out"
    ABORTED = "aborted"


@dataclass(frozen=True, slots=True)
class Transition:
    """One line of an execution's history; the last four steps end it, in the state named here."""

    at: datetime
    execution: str
    step: Step
    state: str
    error: str | None = None  # why it was retried, or ended so


@dataclass(frozen=True, slots=True)
class ExecutionRecord:
    """An execution as DescribeExecution and its history show it."""

    name: str
    arn: str
    status: ExecutionStatus
    input: str
    output: str | None
    error: str | None
    cause: str | None
    started_at: datetime
    stopped_at: datetime | None
    entered: tuple[str, ...]  # states, in order
    retries: int

    @property
    def states_entered(self) -> int:
        return len(self.entered)

    @property
    def billed_transitions(self) -> int:
        """States entered and retries, and, as in AWS' own example, Start and End. https://aws.amazon.com/step-functions/pricing/"""
        ended = self.status is not ExecutionStatus.RUNNING
        return self.states_entered + self.retries + (2 if ended else 1)


class Attempt:
    """One try of a task; the first of answer, error, time limit and the execution's end closes it."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.open = True
        self.heartbeat_seconds: int | None = None
        self.deadline: Timer | None = None
        self.heartbeat: Timer | None = None

    def close(self) -> None:
        self.open = False
        for timer in (self.deadline, self.heartbeat):
            if timer is not None:
                timer.cancel()


@dataclass(slots=True)
class Execution:
    """What the walker keeps of an execution."""

    name: str
    arn: str
    input: str
    started_at: datetime
    facts: Mapping[str, Any]  # Execution and StateMachine of the context object
    status: ExecutionStatus = ExecutionStatus.RUNNING
    output: str | None = None
    error: str | None = None
    cause: str | None = None
    stopped_at: datetime | None = None
    entered: list[str] = field(default_factory=list)
    tries: int = 0  # of all tasks
    retries: int = 0
    variables: Mapping[str, Any] = field(default_factory=dict)
    state_input: Any = None
    entered_at: str = ""
    retries_of: dict[int, int] = field(default_factory=dict)  # in this state, by place of the retrier
    attempt: Attempt | None = None
    pause: Timer | None = None  # of a Wait, or before a retry
    deadline: Timer | None = None

    @property
    def running(self) -> bool:
        return self.status is ExecutionStatus.RUNNING

    @property
    def state(self) -> str:
        return self.entered[-1] if self.entered else ""

    @property
    def history_events(self) -> int:
        """About as many as Step Functions would write: two for a state, and three for a try of its task."""
        return 1 + 2 * len(self.entered) + 3 * self.tries

    def enter(self, state: str, state_input: Any, now: datetime) -> None:
        self.entered.append(state)
        self.state_input = state_input
        self.entered_at = timestamp(now)
        self.retries_of = {}
        self.attempt = None

    def new_attempt(self) -> Attempt:
        """With a token of its own: an answer to an earlier try must not end this one."""
        self.tries += 1
        which = f"{self.arn}/{self.started_at.isoformat()}/{len(self.entered)}/{self.retries}"
        self.attempt = Attempt(sha256(which.encode()).hexdigest())
        return self.attempt

    def close_attempt(self) -> None:
        if self.attempt is not None:
            self.attempt.close()

    def close(self, now: datetime) -> None:
        self.stopped_at = now
        self.close_attempt()
        for timer in (self.pause, self.deadline):
            if timer is not None:
                timer.cancel()

    def scope(self, now: datetime, token: str | None = None, **members: Any) -> Scope:
        """What an expression sees; `members` of $states: result or errorOutput, beside input and context."""
        state = {
            "Name": self.state,
            "EnteredTime": self.entered_at,
            "RetryCount": sum(self.retries_of.values()),
        }
        context = {**self.facts, "State": state, **({} if token is None else {"Task": {"Token": token}})}
        states = {"input": self.state_input, "context": context, **members}
        seed = f"{self.name}/{len(self.entered)}/{self.retries}"
        return Scope({**self.variables, "states": states}, now, seed)

    def record(self) -> ExecutionRecord:
        return ExecutionRecord(
            name=self.name,
            arn=self.arn,
            status=self.status,
            input=self.input,
            output=self.output,
            error=self.error,
            cause=self.cause,
            started_at=self.started_at,
            stopped_at=self.stopped_at,
            entered=tuple(self.entered),
            retries=self.retries,
        )


def timestamp(when: datetime) -> str:
    """As the context object writes it: fractions only where there are some."""
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z").replace(".000Z", "Z")
