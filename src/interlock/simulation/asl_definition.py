"""A state machine as values: the states the walker goes through, with their expressions made ready.

The language, of which JSONata states only: `asl_parsing` builds them.
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from interlock.simulation.asl_expressions import Template


@dataclass(frozen=True, slots=True)
class Exit:
    """How a state is left: by its end, by a choice, or by an error that is caught."""

    next: str | None  # None ends the execution
    assign: Mapping[str, Template]
    output: Template | None  # None: what the state gives by itself


@dataclass(frozen=True, slots=True)
class Retrier:
    """https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html#error-handling-retrying-after-an-error"""

    error_equals: tuple[str, ...]
    interval_seconds: int
    max_attempts: int
    backoff_rate: float
    max_delay_seconds: float
    full_jitter: bool

    def delay_seconds(self, retries_so_far: int) -> float:
        """Before jitter. A rate to the power of a thousand is past every float, and past every cap."""
        try:
            grown = self.interval_seconds * self.backoff_rate**retries_so_far
        except OverflowError:
            return self.max_delay_seconds
        return min(grown, self.max_delay_seconds)


@dataclass(frozen=True, slots=True)
class Catcher:
    """Where the execution goes on when no retry helped."""

    error_equals: tuple[str, ...]
    exit: Exit


@dataclass(frozen=True, slots=True)
class Task:
    """One call of a Lambda function, and for `.waitForTaskToken` the answer that comes later."""

    name: str
    arguments: Template
    waits_for_token: bool
    timeout_seconds: Template | None
    heartbeat_seconds: Template | None
    retriers: tuple[Retrier, ...]
    catchers: tuple[Catcher, ...]
    exit: Exit


@dataclass(frozen=True, slots=True)
class Choice:
    """The first rule that holds decides; a state's own Assign and Output belong to its Default alone."""

    name: str
    rules: tuple[tuple[Template, Exit], ...]
    default: Exit | None


@dataclass(frozen=True, slots=True)
class Wait:
    """One of the two is set."""

    name: str
    seconds: Template | None
    timestamp: Template | None
    exit: Exit


@dataclass(frozen=True, slots=True)
class Pass:
    """Pass, and Succeed too, which is a Pass that ends."""

    name: str
    exit: Exit


@dataclass(frozen=True, slots=True)
class Fail:
    """Ends the execution with an error."""

    name: str
    error: Template | None
    cause: Template | None


State = Task | Choice | Wait | Pass | Fail


@dataclass(frozen=True, slots=True)
class Machine:
    """A whole definition."""

    start_at: str
    states: Mapping[str, State]
    timeout_seconds: int | None
