"""The events table: every event once, and which alert thread each run has. Implements `ports.EventStore`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from interlock.aws import keys
from interlock.aws.attribute_value import Unstorable, as_stored
from interlock.aws.run_item import instant_text
from interlock.aws.table import Clause, Either, Item, Op, Table, absent, equals
from interlock.domain.event import Event
from interlock.ports import Lost, ThreadState


class DynamoEventStore:
    """Stores over one `Table`. A row lives `kept_for` after its event, a thread after its last message."""

    def __init__(self, table: Table, kept_for: timedelta) -> None:
        self._table = table
        self._kept_for = kept_for

    def record(self, event: Event) -> bool:
        try:
            self._table.put(self._event_item(event), only_if=(absent("PK"),))
        except Lost:
            return False
        return True

    def not_stored(self, events: Iterable[Event]) -> list[Event]:
        wanted: dict[str, dict[str, Event]] = {}
        for event in events:
            partition, sort = keys.event_key(event.pipeline_id, event.at, event.type, event.event_id)
            wanted.setdefault(partition, {})[sort] = event
        lost: list[Event] = []
        for partition, of_it in wanted.items():
            # Whoever asks for each by its key pays a unit for each: these are small, and several are read for one.
            stored = frozenset(self._table.sort_keys(partition, min(of_it), max(of_it)))
            lost += [event for sort, event in of_it.items() if sort not in stored]
        return lost

    def thread(self, thread: str, pipeline_id: str | None) -> ThreadState:
        return _state_of(self._table.get(keys.thread_key(pipeline_id, thread)) or {})

    def claim_thread(
        self, thread: str, pipeline_id: str | None, now: datetime, until: datetime
    ) -> ThreadState:
        nobody_writes = Either((absent("claimedUntil"), Clause("claimedUntil", Op.LESS, instant_text(now))))
        claimed = self._table.update(
            keys.thread_key(pipeline_id, thread),
            {"claimedUntil": instant_text(until), "ttl": self._ttl(now)},
            only_if=(nobody_writes,),
        )
        return _state_of(claimed)

    def release_thread(self, thread: str, pipeline_id: str | None, until: datetime) -> None:
        try:
            self._table.update(
                keys.thread_key(pipeline_id, thread),
                {},
                remove=("claimedUntil",),
                only_if=(equals("claimedUntil", instant_text(until)),),
            )
        except Lost:
            return

    def mark_delivered(
        self, thread: str, pipeline_id: str | None, event_id: str, reference: str, now: datetime
    ) -> None:
        self._table.update(
            keys.thread_key(pipeline_id, thread),
            {"reference": reference, "ttl": self._ttl(now)},
            remove=("claimedUntil",),
            add_to_set={"delivered": event_id},
        )

    def _event_item(self, event: Event) -> Item:
        partition, sort = keys.event_key(event.pipeline_id, event.at, event.type, event.event_id)
        item: Item = {
            "PK": partition,
            "SK": sort,
            "eventId": event.event_id,
            "eventType": str(event.type),  # with `timestamp`, the key of GSI1
            "timestamp": instant_text(event.at),
            "message": event.message,
            "severity": str(event.severity),
            "detail": _storable_detail(event.detail),
            "ttl": self._ttl(event.at),
        }
        about = {"pipelineId": event.pipeline_id, "scheduleId": event.schedule_id, "date": event.date}
        return item | {
            name: value for name, value in (about | {"attempt": event.attempt}).items() if value is not None
        }

    def _ttl(self, at: datetime) -> int:
        return int((at + self._kept_for).timestamp())


def _state_of(item: Item) -> ThreadState:
    return ThreadState(item.get("reference"), frozenset(item.get("delivered", ())))


def _storable_detail(detail: Any) -> Any:
    try:
        return as_stored(detail)
    except Unstorable:
        # JSON has numbers and depths that no attribute can hold; as text they are still there to be read.
        return json.dumps(detail, default=str)
