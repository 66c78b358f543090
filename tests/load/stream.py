"""What the tables' streams brought to our functions, and when, as the emulator notes it."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from interlock.aws import keys
from interlock.aws.keys import RowKind
from interlock.local.session import Session

_ASK_SECONDS = 0.2
_REMEMBERED = 20  # one batch of so many can be delivered once more, long after


@dataclass
class Stream:
    """Asks on a thread of its own, within its `with` block."""

    session: Session
    sensor_records: Counter[str] = field(default_factory=Counter)  # that have been brought, by pipeline
    seconds: list[float] = field(default_factory=list)  # of each sensor write, until the router was done
    moves: defaultdict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    firsts: list[str] = field(default_factory=list)  # sequence numbers of some batches' first records
    batches: int = 0
    of_control: int = 0  # of them, of the control table
    twice: int = 0  # of them, delivered twice
    records: int = 0

    def __enter__(self) -> Stream:
        self._over = threading.Event()
        self._problem: BaseException | None = None
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        if self._problem is not None:
            raise self._problem

    def _follow(self) -> None:
        try:
            while not self._over.wait(_ASK_SECONDS):
                self._take()
            self._take()
        except Exception as problem:  # noqa: BLE001  it is raised where the block ends
            self._problem = problem

    def _take(self) -> None:
        told = self.session.emulator.stream_batches()
        self.twice = told.lost
        control = self.session.stack.table("control")
        for table, ended_at, records in told.batches:
            self.batches += 1
            self.records += len(records)
            if table == control and records:
                self._note(ended_at, records)

    def _note(self, ended_at: float, records: list[tuple[str, str, str]]) -> None:
        if self.of_control % _REMEMBERED == 0:
            self.firsts.append(records[0][2])
        self.of_control += 1
        for partition, sort, number in records:
            at, pipeline = instant_of(number), keys.pipeline_of(partition)
            if pipeline and sort.startswith(RowKind.SENSOR):
                self.seconds.append(ended_at - at)
                self.sensor_records[pipeline] += 1
            elif sort.startswith(RowKind.RUN):
                self.moves[partition, sort].append(at)


def instant_of(sequence_number: str) -> float:
    """Epoch seconds. The emulator's sequence numbers begin with milliseconds; its records' own times are whole seconds."""
    return int(sequence_number[:20]) / 1000
