"""The tables' streams: records in the order of the writes, in batches, again until the function has dealt with them.

A stream is one shard: its function is invoked with one batch at a time, however long that takes, and beside it with
what failed before. Records of one partition key stay in order. A batch that failed is taken apart by partition key, so
that one key's trouble holds up no other: https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from interlock.aws.keys import pipeline_of
from interlock.aws.table import Item, Key
from interlock.simulation.clock import VirtualClock
from interlock.simulation.deliveries import Deliveries
from interlock.simulation.history import History, Kind
from interlock.simulation.invocations import DELIVERY, TIMER, FunctionFailed
from interlock.simulation.scenario import Channel

_FIRST_RETRY, _SLOWEST_RETRY = timedelta(seconds=1), timedelta(minutes=1)
# As deployed: which rows' changes wake the function, by the sort key's beginning, and how long a batch is tried.
FILTERS: Mapping[str, tuple[str, ...]] = {
    "control": (
        "SENSOR#",
        "RUN#",
        "RERUN_REQUEST#",
        "NOTICE#",
        "FILE#",
        "DUE#sla#",
        "DUE#relative-sla#",
    ),
    "joblog": ("JOB#",),
}
WHOLE_KEYS = ("CONFIG", "WATCHDOG")
SETTLED = ("DUE#", "verdict")  # rows that begin so wake it too once they have this attribute
MOST_RETRIES = 1000

Record = Mapping[str, Any]
Deliver = Callable[[Mapping[str, Any]], Mapping[str, Any]]


@dataclass(slots=True)
class _Lane:
    """What waits for one partition key whose records failed."""

    records: list[Record]
    retries: int = 0


@dataclass(slots=True)
class TableStream:
    """One table's stream and the mapping that feeds the function from it."""

    table: str
    clock: VirtualClock
    history: History
    deliver: Deliver  # raises FunctionFailed
    deliveries: Deliveries
    sent: list[tuple[str, Record]]  # of all tables: what the filters let through and was not lost
    _written: int = 0
    _waiting: list[Record] = field(default_factory=list)
    _lanes: dict[str, _Lane] = field(default_factory=dict)  # by partition key
    _held: dict[str, list[Record]] = field(
        default_factory=dict
    )  # by partition key, while the scenario holds it
    _scheduled: bool = False

    @property
    def waiting(self) -> int:
        """Records that nobody has dealt with yet."""
        failed = sum(len(lane.records) for lane in self._lanes.values())
        return len(self._waiting) + failed + sum(map(len, self._held.values()))

    def on_change(self, key: Key, old: Item | None, new: Item | None) -> None:
        """A row was written: its record is on its way."""
        self._written += 1
        if not _concerns_somebody(self.table, key[1], new):
            return
        if self.deliveries.is_lost(Channel.STREAM):
            self.history.add(Kind.LOST, f"{self.table} stream loses the record of {key[0]} {key[1]}")
            return
        record = _record(self.table, self._written, self.clock, key, old, new)
        self.sent.append((self.table, record))
        self._arrive(record, pipeline_of(key[0]))

    def redeliver(self, records: Sequence[Record]) -> None:
        """The same records once more: same ids, times and sequence numbers."""
        self._enqueue(records)

    def _arrive(self, record: Record, pipeline: str | None) -> None:
        again = self.deliveries.again_after(Channel.STREAM, pipeline)
        if again is not None:
            self.clock.at(self.clock.now() + again, DELIVERY, lambda: self._enqueue([record]))
        partition = _partition(record)
        hold = None if partition in self._held else self.deliveries.hold(Channel.STREAM, pipeline)
        if hold:
            self._held[partition] = []
            self.clock.at(self.clock.now() + hold, DELIVERY, lambda: self._enqueue(self._held.pop(partition)))
        self._enqueue([record])

    def _enqueue(self, records: Sequence[Record]) -> None:
        for record in records:
            partition = _partition(record)
            lane = self._lanes.get(partition)
            if partition in self._held:
                self._held[partition].append(record)
            else:
                (self._waiting if lane is None else lane.records).append(record)
        if self._waiting and not self._scheduled:
            self._deliver_soon()

    def _deliver_soon(self) -> None:
        self._scheduled = True
        # A stream that stands still does so as a whole; its next batch is the larger for it.
        at = self.clock.now() + self.deliveries.delay(Channel.STREAM, None)
        self.clock.at(at, DELIVERY, self._deliver_waiting)

    def _deliver_waiting(self) -> None:
        size = self.deliveries.batch_size
        batch, self._waiting = self._waiting[:size], self._waiting[size:]
        # What this delivery writes is enqueued meanwhile, behind what waits already.
        failed = self._left_of(batch)
        for record in failed:
            self._lane_of(record).records.append(record)
        self._scheduled = False
        if failed:
            behind, self._waiting = self._waiting, []
            self._enqueue(behind)
        elif self._waiting:
            self._deliver_soon()

    def _lane_of(self, record: Record) -> _Lane:
        partition = _partition(record)
        if partition not in self._lanes:
            self._lanes[partition] = _Lane([])
            self.clock.at(self.clock.now() + _FIRST_RETRY, TIMER, lambda: self._retry(partition))
        return self._lanes[partition]

    def _retry(self, partition: str) -> None:
        lane = self._lanes[partition]
        size = self.deliveries.batch_size
        batch, lane.records = lane.records[:size], lane.records[size:]
        left = self._left_of(batch)
        lane.retries = lane.retries + 1 if len(left) == len(batch) else 0
        if lane.retries >= MOST_RETRIES:
            self._give_up(partition, left)
            left, lane.retries = [], 0
        lane.records[:0] = left
        if not left:
            del self._lanes[partition]
            self._enqueue(lane.records)
            return
        delay = min(_FIRST_RETRY * 2 ** min(lane.retries, 10), _SLOWEST_RETRY)
        self.clock.at(self.clock.now() + delay, TIMER, lambda: self._retry(partition))

    def _give_up(self, partition: str, records: Sequence[Record]) -> None:
        told = f"{self.table} stream dead-letters {len(records)} records of {partition}"
        self.deliveries.give_up(told, records, lambda: self._enqueue(records))

    def _left_of(self, batch: Sequence[Record]) -> Sequence[Record]:
        """What has to be delivered again: everything after a failure, else all from the lowest number named."""
        try:
            answer = self.deliver({"Records": list(batch)})
        except FunctionFailed:
            return batch
        named = {failure.get("itemIdentifier") for failure in answer.get("batchItemFailures", ())}
        numbers = [record["dynamodb"]["SequenceNumber"] for record in batch]
        places = [place for place, number in enumerate(numbers) if number in named]
        if named and not places:
            return batch  # an identifier that is none of the batch's fails all of it
        return batch[places[0] :] if places else []


def _concerns_somebody(table: str, sort_key: str, new: Item | None) -> bool:
    if sort_key.startswith(FILTERS[table]) or sort_key in WHOLE_KEYS:
        return True
    return sort_key.startswith(SETTLED[0]) and SETTLED[1] in (new or {})


def _partition(record: Record) -> str:
    return str(record["dynamodb"]["Keys"]["PK"]["S"])


def _record(
    table: str, number: int, clock: VirtualClock, key: Key, old: Item | None, new: Item | None
) -> Record:
    change: dict[str, Any] = {
        # Seconds, as AWS hands it to a function.
        "ApproximateCreationDateTime": int(clock.now().timestamp()),
        "Keys": {"PK": {"S": key[0]}, "SK": {"S": key[1]}},
        "SequenceNumber": f"{number:021}",
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    for name, image in (("OldImage", old), ("NewImage", new)):
        if image is not None:
            change[name] = {attribute: wire_value(value) for attribute, value in image.items()}
    kind = "REMOVE" if new is None else "INSERT" if old is None else "MODIFY"
    return {
        "eventID": f"{table}-{number}",
        "eventName": kind,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": change,
        "eventSourceARN": f"arn:aws:dynamodb:us-east-1:000000000000:table/{table}/stream/simulated",
    }


def wire_value(value: Any) -> dict[str, Any]:
    """A stored value as a stream record carries it.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_AttributeValue.html
    """
    if type(value) is str:  # as most are
        return {"S": value}
    match value:
        case str():
            return {"S": value}
        case bool():
            return {"BOOL": value}
        case None:
            return {"NULL": True}
        case Decimal():
            return {"N": str(value)}
        case bytes():
            return {"B": b64encode(value).decode()}
        case dict():
            return {"M": {name: wire_value(member) for name, member in value.items()}}
        case list():
            return {"L": [wire_value(member) for member in value]}
    members = sorted(value)
    if isinstance(members[0], str):
        return {"SS": members}
    if isinstance(members[0], bytes):
        return {"BS": [b64encode(member).decode() for member in members]}
    return {"NS": [str(member) for member in members]}
