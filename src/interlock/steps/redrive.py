"""Put what was dead-lettered back through the front door: each letter at most once a call, deleted only when it went well."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Protocol

from interlock.domain.bad_input import BadInput
from interlock.domain.dead_letter import DeadLetter, Errand, Found, Invoke, Redriven, SendAlert, Waiting
from interlock.ports import CallFailed

# What a queue says of its length is up to a minute old: so many letters are looked for whatever it says.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html
FEWEST_TAKEN = 10


# The two ports that only a person at a command line needs: no function's start pays for them.
class DeadLetters(Protocol):
    """One dead-letter queue."""

    def waiting(self) -> Waiting: ...
    def take(self) -> DeadLetter | None:
        """One that nobody has, hidden for longer than its way back takes; None when there is none."""

    def read(self, letter: DeadLetter) -> Errand:
        """What it tells of and where it belongs; a call when its content lies elsewhere.

        `BadInput` for what nobody can read, and what does not belong to this environment.
        """

    def delete(self, letter: DeadLetter) -> None: ...
    def put_back(self, letter: DeadLetter) -> None:
        """Others see it at once."""


class FrontDoor(Protocol):
    """Where events come in, for what was turned away once."""

    def invoke(self, function_arn: str, payload: str) -> str | None:
        """Waits for the function's end. None when it did all of its work, else what it says."""

    def send_alert(self, body: str) -> None: ...


Handle = Callable[[DeadLetter, Redriven], Redriven]


def redrive(letters: DeadLetters, door: FrontDoor, limit: int | None = None) -> Redriven:
    """At most `limit` letters, of those that are there now. What fails again stays in the queue, with its reason.

    A crash after the front door took a letter and before it is deleted brings it again, to functions that bear
    a repetition. Raises `CallFailed` when the queue cannot even be asked.
    """

    def handle(letter: DeadLetter, so_far: Redriven) -> Redriven:
        return _bring_back(letter, letters, door, so_far)

    return _each(letters, limit, handle)


def look(letters: DeadLetters, limit: int | None = None) -> Redriven:
    """What `redrive` would find. It takes letters as well, a queue shows them in no other way; and puts all back."""

    def handle(letter: DeadLetter, so_far: Redriven) -> Redriven:
        try:
            seen = Found(letter.id, letter.sent_at, letters.read(letter).contents)
        except (BadInput, CallFailed) as error:
            seen = Found(letter.id, letter.sent_at, None, str(error))
        return replace(so_far, left=(*so_far.left, seen))

    return _each(letters, limit, handle)


def _each(letters: DeadLetters, limit: int | None, handle: Handle) -> Redriven:
    """Letters stay hidden until the last one is done: what is left does not come again in the same call."""
    waiting = letters.waiting()
    most = max(waiting.free, FEWEST_TAKEN) if limit is None else limit
    so_far = Redriven(in_other_hands=waiting.in_other_hands)
    hidden: dict[str, DeadLetter] = {}
    seen: set[str] = set()
    try:
        # Bounded by takes, not by letters: one whose time is over is taken a second time.
        for _ in range(most):
            letter = letters.take()
            if letter is None:
                return so_far
            hidden[letter.id] = letter
            if letter.id in seen:
                continue
            seen.add(letter.id)
            done = handle(letter, replace(so_far, found=so_far.found + 1))
            if len(done.left) == len(so_far.left):
                del hidden[letter.id]
            so_far = done
    except CallFailed as error:
        so_far = replace(so_far, stopped=str(error))
    finally:  # also at Ctrl-C
        for letter in hidden.values():
            with suppress(CallFailed):  # then it comes back by itself
                letters.put_back(letter)
    return replace(so_far, not_looked_at=max(0, waiting.free - so_far.found))


def _bring_back(letter: DeadLetter, letters: DeadLetters, door: FrontDoor, so_far: Redriven) -> Redriven:
    def left(errand: Errand | None, why: str) -> Redriven:
        contents = errand.contents if errand else None
        return replace(so_far, left=(*so_far.left, Found(letter.id, letter.sent_at, contents, why)))

    try:
        errand = letters.read(letter)
    except (BadInput, CallFailed) as error:
        return left(None, str(error))
    why = _deliver(errand, door)
    if why is not None:
        return left(errand, why)
    try:
        letters.delete(letter)
    except CallFailed as error:
        return left(
            errand, f"it went back, but could not be deleted ({error}): to redrive it again is harmless"
        )
    return replace(so_far, went_back=so_far.went_back + 1)


def _deliver(errand: Errand, door: FrontDoor) -> str | None:
    """None once it is back; else why not."""
    way_back = errand.way_back
    try:
        match way_back:
            case Invoke():
                return door.invoke(way_back.function_arn, way_back.payload)
            case SendAlert():
                door.send_alert(way_back.body)
    except CallFailed as error:
        if error.unknown_outcome:
            return f"no answer was read ({error}): it may have worked, and to redrive it again is harmless"
        return str(error)
    return None
