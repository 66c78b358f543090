"""The upstream jobs: threads that write a story's readings, with so many pipelines under way at a time and no more."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from boto3.dynamodb.types import TypeSerializer

from interlock.aws import keys
from interlock.domain.run import RunKey
from interlock.local.session import Session
from load.story import Again, Await, Heard, Part, Step, Write
from load.stream import Stream

WRITERS = 4
LOOK_SECONDS = 0.25  # between looks whether awaited runs have succeeded
_TELL_SECONDS = 30.0
_MOST_GIVEN_UP = 20  # pipelines
_MOST_KEYS = 100  # of a BatchGetItem
_wire = TypeSerializer().serialize


@dataclass(frozen=True, slots=True)
class Pace:
    """Closed loop: a pipeline begins when another one is through."""

    at_once: int  # pipelines
    seconds: float  # after which no other begins
    patience: float  # seconds that a run may take


class NothingHappened(RuntimeError):
    """So many pipelines stand still that there is no point in going on."""


@dataclass
class Cast:
    """A pipeline under way."""

    part: Part
    steps: Iterator[Step]
    last: dict[str, Any] = field(default_factory=dict)  # the item of its last write, as it went over the wire
    changes: int = 0  # writes so far of which the stream tells
    awaits: Await | Heard | None = None
    since: float = 0.0  # when it began to wait


class Upstream:
    """Plays a story to its end, or as far as there is time for."""

    def __init__(
        self,
        session: Session,
        parts: Sequence[Part],
        pace: Pace,
        stream: Stream,
        tell: Callable[[str], None],
    ) -> None:
        self._stream, self._tell, self._pace = stream, tell, pace
        self._table = session.stack.table("control")
        self._dynamodb = session.emulator.client("dynamodb")
        self._ready: queue.SimpleQueue[Cast | None] = queue.SimpleQueue()
        self._waiting: list[Cast] = []
        self._lock = threading.Lock()
        self._idle = iter(parts)
        self.begun: list[Part] = []
        self.given_up: list[str] = []
        self._through = 0
        self._problems: list[BaseException] = []
        self.needed_at: dict[tuple[str, str], float] = {}
        self.writes = 0
        self.done = threading.Event()

    def play(self) -> None:
        """Returns when every pipeline is through; raises what a writer raised, or `NothingHappened`."""
        self._until = time.monotonic() + self._pace.seconds
        for _ in range(self._pace.at_once):
            self._begin_next()
        if not self.begun:
            return
        writers = [threading.Thread(target=self._write_on, daemon=True) for _ in range(WRITERS)]
        for writer in writers:
            writer.start()
        try:
            told_at = time.monotonic()
            while not self.done.wait(LOOK_SECONDS):
                self._look()
                if time.monotonic() - told_at > _TELL_SECONDS:
                    told_at = time.monotonic()
                    self._tell(f"{self.writes:,} written, {self._through:,} pipelines are through")
        finally:
            for _ in writers:
                self._ready.put(None)
            for writer in writers:
                writer.join()
        if self._problems:
            raise self._problems[0]

    def _begin_next(self) -> None:
        part = next(self._idle, None) if time.monotonic() < self._until else None
        if part is not None:
            self.begun.append(part)
            self._ready.put(Cast(part, iter(part.steps)))

    def _write_on(self) -> None:
        while (cast := self._ready.get()) is not None:
            try:
                self._go_on(cast)
            except BaseException as problem:  # noqa: BLE001  it is raised where `play` was called
                self._problems.append(problem)
                self.done.set()
                return

    def _go_on(self, cast: Cast) -> None:
        """Its writes, up to where it has to wait."""
        for step in cast.steps:
            if isinstance(step, Await | Heard):
                cast.awaits, cast.since = step, time.monotonic()
                with self._lock:
                    self._waiting.append(cast)
                return
            self._write(cast, step)
        self._end()

    def _end(self) -> None:
        with self._lock:
            self._through += 1
            self._begin_next()
            if self._through == len(self.begun):
                self.done.set()

    def _write(self, cast: Cast, step: Write | Again) -> None:
        if isinstance(step, Write):
            cast.last = _item(cast.part, step)
            cast.changes += 1
            if step.is_needed:
                self.needed_at[cast.part.id, step.date] = time.time()
        self._dynamodb.put_item(TableName=self._table, Item=cast.last)
        with self._lock:
            self.writes += 1

    def _look(self) -> None:
        """One read for up to a hundred runs: the emulator has enough to do."""
        with self._lock:
            waiting = self._waiting[:]
        asked = [(cast, cast.awaits) for cast in waiting if isinstance(cast.awaits, Await)]
        rows: dict[tuple[str, str], Mapping[str, Any]] = {}
        for start in range(0, len(asked), _MOST_KEYS):
            rows |= self._rows(asked[start : start + _MOST_KEYS])
        for cast in waiting:
            if isinstance(cast.awaits, Await):
                row = rows.get((cast.part.id, cast.awaits.date), {})
                happened = _has_succeeded(row, cast.awaits.attempt)
            else:
                row, happened = {}, self._stream.sensor_records[cast.part.id] >= cast.changes
            if happened:
                with self._lock:
                    self._waiting.remove(cast)
                self._ready.put(cast)
            elif time.monotonic() - cast.since > self._pace.patience:
                self._give_up(cast, row)

    def _give_up(self, cast: Cast, row: Mapping[str, Any]) -> None:
        """The others go on: what has not come is named when everything is over."""
        said = f"{cast.part.id} waited {self._pace.patience:.0f} s in vain for {cast.awaits}; its row: {row or 'none'}"
        self._tell(said)
        self.given_up.append(said)
        if len(self.given_up) > _MOST_GIVEN_UP:
            raise NothingHappened(f"{said}; and {_MOST_GIVEN_UP} others before it")
        with self._lock:
            self._waiting.remove(cast)
        self._end()

    def _rows(self, asked_for: Sequence[tuple[Cast, Await]]) -> dict[tuple[str, str], Mapping[str, Any]]:
        rows = [keys.run_key(RunKey(cast.part.id, "stream", awaits.date)) for cast, awaits in asked_for]
        wanted = [{"PK": _wire(partition), "SK": _wire(sort)} for partition, sort in rows]
        asked = {
            "Keys": wanted,
            "ProjectionExpression": "PK, SK, #s, attempt",
            "ExpressionAttributeNames": {"#s": "status"},
            "ConsistentRead": True,
        }
        answer = self._dynamodb.batch_get_item(RequestItems={self._table: asked})
        found = answer["Responses"][self._table]
        parsed = [(keys.parse_run_key(row["PK"]["S"], row["SK"]["S"]), row) for row in found]
        return {(key.pipeline_id, key.date): row for key, row in parsed}


def _has_succeeded(row: Mapping[str, Any], attempt: int) -> bool:
    return row.get("status") == {"S": "SUCCEEDED"} and int(row["attempt"]["N"]) >= attempt


def _item(part: Part, write: Write) -> dict[str, Any]:
    name = f"{write.sensor}#{write.date}" if part.is_by_period else write.sensor
    partition, sort = keys.sensor_key(part.id, name)
    reading = {**write.values, "date": write.date, "updatedAt": datetime.now(UTC).isoformat()}
    item = {"PK": partition, "SK": sort, **(reading if part.is_flat else {"data": reading})}
    return {name: _wire(value) for name, value in item.items()}
