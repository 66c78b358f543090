"""A dead-letter queue and a front door in memory, as SQS and Lambda behave; time passes when a test says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from interlock.domain.dead_letter import DeadLetter, Errand, Waiting
from interlock.ports import CallFailed

SENT_AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
HIDDEN_SECONDS = 60


@dataclass
class _Message:
    letter: DeadLetter
    hidden_until: float = 0
    receives: int = 0


@dataclass
class DeadLetterBox:
    """A standard queue: a letter that is taken is hidden for a minute, then anybody's again."""

    reading: Callable[[DeadLetter], Errand]
    seconds: float = 1  # by the clock
    takes: int = 0
    fails: dict[str, CallFailed] = field(default_factory=dict)  # by the method whose next call it fails
    _messages: list[_Message] = field(default_factory=list)

    def add(self, *bodies: str, **attributes: str) -> None:
        for body in bodies:
            name = f"m{len(self._messages) + 1}"
            self._messages.append(_Message(DeadLetter(name, "", SENT_AT, body, attributes)))

    @property
    def bodies(self) -> list[str]:
        """Of all letters, hidden ones included."""
        return [message.letter.body for message in self._messages]

    def waiting(self) -> Waiting:
        self._maybe_fail("waiting")
        free = sum(self._is_free(message) for message in self._messages)
        return Waiting(free, len(self._messages) - free)

    def take(self) -> DeadLetter | None:
        self._maybe_fail("take")
        self.takes += 1
        message = next(filter(self._is_free, self._messages), None)
        if message is None:
            return None
        message.hidden_until = self.seconds + HIDDEN_SECONDS
        message.receives += 1
        message.letter = replace(message.letter, receipt=f"{message.letter.id} {message.receives}")
        return message.letter

    def read(self, letter: DeadLetter) -> Errand:
        return self.reading(letter)

    def delete(self, letter: DeadLetter) -> None:
        self._maybe_fail("delete")
        self._messages.remove(self._taken(letter))

    def put_back(self, letter: DeadLetter) -> None:
        self._maybe_fail("put_back")
        self._taken(letter).hidden_until = 0

    def _taken(self, letter: DeadLetter) -> _Message:
        for message in self._messages:
            if message.letter.receipt == letter.receipt:
                return message
        raise CallFailed("sqs", "ReceiptHandleIsInvalid")

    def _is_free(self, message: _Message) -> bool:
        return message.hidden_until <= self.seconds

    def _maybe_fail(self, method: str) -> None:
        if method in self.fails:
            raise self.fails.pop(method)


@dataclass
class RecordingDoor:
    """What came in by the front door; `answers` says what comes of a payload or an alert."""

    answers: Callable[[str], str | None] = lambda _: None
    came_in: list[tuple[str, str]] = field(default_factory=list)

    def invoke(self, function_arn: str, payload: str) -> str | None:
        answer = self.answers(payload)
        self.came_in.append((function_arn, payload))
        return answer

    def send_alert(self, body: str) -> None:
        self.answers(body)
        self.came_in.append(("alerts", body))
