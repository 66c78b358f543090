"""What never arrived: records that were lost or given up, and events and alerts that were given up. Which of it must be
made good all the same?
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from interlock.simulation.history import Kind
from interlock.simulation.promises.announced import Announced
from interlock.simulation.promises.calm import Calm
from interlock.simulation.promises.facts import Facts
from interlock.simulation.witness import Change

# What is younger may still be on its way, says DESIGN section 7 by "recent moves whose events the sink never stored";
# what is older than a stream keeps its records is not looked for.
_ON_ITS_WAY, _LOOKED_BACK = timedelta(minutes=10), timedelta(hours=24)
# Runs of dates before yesterday are not looked at: a pipeline may have years of them.
_DATES_LOOKED_AT = timedelta(hours=10)  # yesterday begins so much later where the clocks are behind
# An asynchronous invocation that failed is repeated for three minutes.
REPEATED = timedelta(minutes=10)


class Undelivered:
    """Of one world. Dead letters that were put back have been delivered, or are dead letters again."""

    def __init__(self, facts: Facts) -> None:
        self.facts, self.calm = facts, Calm(facts)
        self._lost = set(_lost(facts))
        self._dead_records: set[tuple[str, str, str]] = set()  # PK, SK, version
        self.events: set[str] = set()  # ids of those that the sink was given, and could not take
        self.alerts: set[str] = set()  # ids of those that no worker could hand on
        for letter in facts.rest.dead_letters:
            self._add(letter.payload)

    @property
    def is_everything_dealt_with(self) -> bool:
        """Nothing is on its way any more, so that what did not arrive never will by itself."""
        disturbed = self.calm.disturbed_until
        settled = disturbed is None or disturbed + REPEATED <= self.facts.ended_at
        return settled and not self.facts.rest.on_their_way

    def is_lost(self, one: Announced) -> bool:
        """Its row's stream record reached nobody."""
        return self.is_unheard(one.change)

    def is_unheard(self, change: Change) -> bool:
        """The stream record of this write reached nobody."""
        version = str((change.new or {}).get("version"))
        return change.order in self._lost or (*change.key, version) in self._dead_records

    def must_be_swept_up(self, one: Announced) -> bool:
        """The slow sweep has had the time to find out that nobody stored it: it says what its row said last."""
        facts, found_by = self.facts, self.calm.dealt_with_by(one.at + _ON_ITS_WAY)
        if one.date is not None and one.date[:10] < f"{one.at - _DATES_LOOKED_AT:%Y-%m-%d}":
            return False
        if found_by > min(facts.ended_at, one.at + _LOOKED_BACK):
            return False
        if one.pipeline_id is not None:
            configs = facts.configs_between(one.pipeline_id, one.change.order, facts.last_order)
            if None in configs or self.calm.is_meddled_with(one.pipeline_id):
                return False  # of a pipeline that is gone nobody looks at anything
        row = facts.rest.tables[one.change.table].get(one.change.key)
        return row is not None and _saying(row) == _saying(one.change.new or {})

    def _add(self, payload: Any) -> None:
        if isinstance(payload, str):
            self.alerts.add(_event_id(json.loads(payload)))
        elif isinstance(payload, Mapping):
            self.events.add(_event_id(payload))
        else:
            self._dead_records |= set(map(_of_record, payload))


def _saying(row: Mapping[str, Any]) -> tuple[Any, Any]:
    return row.get("createdAt"), row.get("version")


def _event_id(envelope: Mapping[str, Any]) -> str:
    return str((envelope.get("detail") or {}).get("eventId"))


def _of_record(record: Mapping[str, Any]) -> tuple[str, str, str]:
    keys, image = record["dynamodb"]["Keys"], record["dynamodb"].get("NewImage", {})
    return keys["PK"]["S"], keys["SK"]["S"], str(image.get("version", {}).get("N"))


def _lost(facts: Facts) -> Iterator[int]:
    """The writes whose stream records never arrived, by their places in the history."""
    latest: dict[str, Change] = {}
    changes = iter(facts.witness.changes)
    change = next(changes, None)
    for line in sorted(facts.played.history.lines, key=lambda line: line.order):
        if line.kind is not Kind.LOST or " stream loses the record of " not in line.text:
            continue
        while change is not None and change.order < line.order:
            latest[f"{change.table} stream loses the record of {change.key[0]} {change.key[1]}"] = change
            change = next(changes, None)
        if line.text in latest:
            yield latest[line.text].order
