"""What waits in a dead-letter queue: what it tells of, and by which front door it goes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class DeadLetterQueue(StrEnum):
    """In the order in which they are redriven: what a batch of records brings about may be told by an alert."""

    STREAM_FAILURES = "stream-failures"
    INVOCATION_FAILURES = "invocation-failures"
    RULE_FAILURES = "rule-failures"
    ALERTS = "alerts"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message of a dead-letter queue, hidden from others while somebody works on it."""

    id: str
    receipt: str
    sent_at: datetime
    body: str
    attributes: Mapping[str, str]  # of the message, its sender's


@dataclass(frozen=True, slots=True)
class Contents:
    """What a letter tells of, each as one short line."""

    what: str  # an event's type, a function's task, records
    pipeline: str | None = None
    date: str | None = None
    error: str = ""  # why it was given up, where the letter says so


@dataclass(frozen=True, slots=True)
class Invoke:
    """Call one of our functions."""

    function_arn: str
    payload: str


@dataclass(frozen=True, slots=True)
class SendAlert:
    """Put the event into the queue that alerts wait in."""

    body: str


@dataclass(frozen=True, slots=True)
class Errand:
    """A letter that was read."""

    contents: Contents
    way_back: Invoke | SendAlert


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many letters a queue has, as far as it knows: within a minute it does."""

    free: int
    in_other_hands: int  # taken by somebody, and neither deleted nor put back yet


@dataclass(frozen=True, slots=True)
class Found:
    """A letter as a person is told of it."""

    id: str
    since: datetime
    contents: Contents | None  # None when nobody can read it
    why: str = ""  # it is still there


@dataclass(frozen=True, slots=True)
class Redriven:
    """What became of a queue's letters."""

    found: int = 0
    went_back: int = 0
    left: tuple[Found, ...] = ()
    not_looked_at: int = 0
    in_other_hands: int = 0
    stopped: str = ""  # why, when it could not go on

    @property
    def empty(self) -> bool:
        """Nothing waits any more."""
        return not (self.left or self.not_looked_at or self.in_other_hands or self.stopped)
