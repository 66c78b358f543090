"""The rows of one table in memory: their order, the index `due`, what a write may be and what it costs."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from interlock.aws.attribute_value import Unstorable, as_stored
from interlock.aws.table import Item, Key
from interlock.simulation.item_size import LARGEST_ITEM, item_size, write_units

_LONGEST_KEY = {"PK": 2048, "SK": 1024}  # bytes
# What a stale answer of the index does not know: so many changes of its rows, and not one that is older.
_BEHIND, _BEHIND_AT_MOST = 10, timedelta(minutes=1)
_INDEX_KEY = {"dueShard": str, "dueAt": Decimal}


@dataclass(frozen=True, slots=True, eq=False)  # two rows are the same only if they are one
class Row:
    """One item as it is stored; never changed, only replaced."""

    item: Item
    size: int  # bytes, as DynamoDB counts
    due: tuple[str, Decimal] | None  # its place in the index


@dataclass(slots=True)
class Rows:
    """All rows of a table."""

    by_key: dict[Key, Row] = field(default_factory=dict)
    now: Callable[[], datetime] = lambda: datetime.min.replace(tzinfo=UTC)
    changes: int = 0  # so far
    _sort_keys: dict[str, list[str]] = field(default_factory=dict)  # of each partition, in order
    _due: dict[str, list[tuple[Decimal, Key]]] = field(default_factory=dict)  # of each shard, in order
    # What the latest changes of indexed rows replaced, and when; oldest first.
    _replaced: deque[tuple[datetime, Key, Row | None]] = field(default_factory=lambda: deque(maxlen=_BEHIND))

    def with_prefix(self, partition: str, prefix: str) -> list[Key]:
        order = self._sort_keys.get(partition, [])
        first = last = bisect_left(order, prefix)
        while last < len(order) and order[last].startswith(prefix):
            last += 1
        return [(partition, sort_key) for sort_key in order[first:last]]

    def between(self, partition: str, first: str, last: str) -> list[Key]:
        order = self._sort_keys.get(partition, [])
        return [
            (partition, sort_key) for sort_key in order[bisect_left(order, first) : bisect_right(order, last)]
        ]

    def due_up_to(self, shard: str, up_to: Decimal) -> list[Key]:
        entries = self._due.get(shard, [])
        return [key for _, key in entries[: bisect_right(entries, up_to, key=lambda entry: entry[0])]]

    def stale_due_up_to(self, shard: str, up_to: Decimal) -> list[Row]:
        """The same as the index was some changes ago."""
        since = self.now() - _BEHIND_AT_MOST
        # Of several changes of one row the oldest counts.
        then = {key: old for at, key, old in reversed(self._replaced) if at > since}
        rows = [self.by_key[key] for key in self.due_up_to(shard, up_to) if key not in then]
        rows += [row for row in then.values() if row is not None and _is_due(row, shard, up_to)]
        return sorted(rows, key=place_in_index)

    def next_due(self) -> Decimal | None:
        """The first place in the index, whatever the shard."""
        return min((entries[0][0] for entries in self._due.values() if entries), default=None)

    def replace(self, key: Key, row: Row | None) -> None:
        """Put the row there, or nothing."""
        self.changes += 1
        old = self._forget(key)
        if (old is not None and old.due) or (row is not None and row.due):
            self._replaced.append((self.now(), key, old))
        if row is None:
            return
        self.by_key[key] = row
        insort(self._sort_keys.setdefault(key[0], []), key[1])
        if row.due is not None:
            insort(self._due.setdefault(row.due[0], []), (row.due[1], key))

    def _forget(self, key: Key) -> Row | None:
        old = self.by_key.pop(key, None)
        if old is None:
            return None
        order = self._sort_keys[key[0]]
        del order[bisect_left(order, key[1])]
        if old.due is not None:
            entries = self._due[old.due[0]]
            del entries[bisect_left(entries, (old.due[1], key))]
        return old


def _is_due(row: Row, shard: str, up_to: Decimal) -> bool:
    return row.due is not None and row.due[0] == shard and row.due[1] <= up_to


def place_in_index(row: Row) -> tuple[Decimal, str, str]:
    """Of an indexed row, among those of its shard."""
    assert row.due is not None, "only indexed rows have one"
    return row.due[1], row.item["PK"], row.item["SK"]


def check_key(key: Mapping[str, Any]) -> None:
    """Raise `Unstorable` for a key that DynamoDB refuses, in reads too."""
    for name, longest in _LONGEST_KEY.items():
        value = key.get(name)
        if not isinstance(value, str) or not value:
            raise Unstorable(f"{name} must be a text that is not empty")
        if len(as_stored(value).encode()) > longest:
            raise Unstorable(f"{name} is longer than {longest} bytes")


def row_of(item: Item) -> Row:
    """The row of an item whose values `as_stored` gave. Raises `Unstorable`."""
    size = item_size(item)
    if size > LARGEST_ITEM:
        raise Unstorable(f"item size of {size} bytes has exceeded the maximum allowed size")
    for name, kind in _INDEX_KEY.items():
        if name in item and (not isinstance(item[name], kind) or item[name] == ""):
            raise Unstorable(f"type mismatch for index key {name}")
    indexed = "dueShard" in item and "dueAt" in item
    return Row(item, size, (item["dueShard"], item["dueAt"]) if indexed else None)


def units_of_write(old: Row | None, new: Row | None) -> int:
    """Of the table and of the index, which projects whole items.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations
    """
    larger = write_units(max(old.size if old else 0, new.size if new else 0))
    before, after = old if old and old.due else None, new if new and new.due else None
    if before is after:  # not in the index, or nothing changed
        return larger
    if before and after and before.due == after.due:
        return larger + larger
    # A changed key is a deletion and a put.
    return larger + sum(write_units(row.size) for row in (before, after) if row)
