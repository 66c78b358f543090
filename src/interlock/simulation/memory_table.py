"""`Table` in memory, for the simulator: answers, refuses and costs what DynamoDB would.

Rows inside are never changed, only replaced; whatever goes in or out is a copy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from interlock.aws.attribute_value import Unstorable, as_stored
from interlock.aws.keys import pipeline_of
from interlock.aws.snapshot import PartTooLarge, read_snapshot
from interlock.aws.table import Clause, Condition, Either, Item, Key, Op
from interlock.ports import CallFailed, Lost
from interlock.simulation.calls import Calls, OutsideCalls
from interlock.simulation.item_size import read_units, write_units
from interlock.simulation.memory_rows import Row, Rows, check_key, place_in_index, row_of, units_of_write

_PAGE = 1024 * 1024  # bytes that one Query reads
_CONTAINERS = frozenset({dict, list, set})
_LARGEST_TRANSACTION = 4 * 1024 * 1024  # bytes
OnChange = Callable[[str, Key, Item | None, Item | None], None]
RowsAfter = Callable[[Row | None], list[Row]]  # what a query finds from there on


class MemoryTable:
    """One table with keys `PK` and `SK` and the sparse index `due`. Implements `table.Table`.

    `on_change(table, key, old, new)` is told of each write that changed something.
    """

    def __init__(self, name: str, calls: Calls, on_change: OnChange, rows: Rows | None = None) -> None:
        self._name, self._calls, self._on_change = name, calls, on_change
        self._rows = Rows() if rows is None else rows

    def from_outside(self) -> MemoryTable:
        """The same table in the hands of somebody else: no call counts as ours, none is made to fail."""
        return MemoryTable(self._name, OutsideCalls(), self._on_change, self._rows)

    def get(self, key: Key) -> Item | None:
        call, pipeline = self._begin("GetItem", key)
        row = self._rows.by_key.get(key)
        self._calls.after(call, pipeline, read_units=read_units(_size(row)))
        return _copy(row.item) if row else None

    def put(self, item: Item, only_if: Condition = ()) -> None:
        key = (item.get("PK", ""), item.get("SK", ""))
        call, pipeline = self._begin("PutItem", key)
        with _validating(call):
            new = row_of(_stored(item))
        self._write(call, pipeline, key, only_if, lambda _: new)

    def update(
        self,
        key: Key,
        changes: Mapping[str, Any],
        remove: Sequence[str] = (),
        add_to_set: Mapping[str, str] | None = None,
        only_if: Condition = (),
    ) -> Item:
        call, pipeline = self._begin("UpdateItem", key)
        with _validating(call):
            values, members = _stored(changes), _stored(add_to_set or {})
            _check_paths([*changes, *remove, *members])

        def updated(old: Row | None) -> Row:
            item: Item = (old.item if old else {"PK": key[0], "SK": key[1]}) | values
            for attribute in remove:
                item.pop(attribute, None)
            for attribute, text in members.items():
                item[attribute] = _with_member(item.get(attribute), text)
            return row_of(item)

        new = self._write(call, pipeline, key, only_if, updated)
        return dict(_copy(new.item)) if new else {}

    def delete(self, key: Key, only_if: Condition = ()) -> None:
        call, pipeline = self._begin("DeleteItem", key)
        self._write(call, pipeline, key, only_if, lambda _: None)

    def query(
        self, partition: str, prefix: str = "", limit: int | None = None, after: str = ""
    ) -> list[Item]:
        def rows_after(last: Row | None) -> list[Row]:
            first = after if last is None else last.item["SK"]
            return [rows.by_key[key] for key in rows.with_prefix(partition, prefix) if key[1] > first]

        rows = self._rows
        return self._pages(pipeline_of(partition), rows_after, limit, 1, self._name)

    def sort_keys(self, partition: str, first: str, last: str) -> list[str]:
        def rows_after(read: Row | None) -> list[Row]:
            found = [rows.by_key[key] for key in rows.between(partition, first, last)]
            return found if read is None else [row for row in found if row.item["SK"] > read.item["SK"]]

        rows = self._rows
        return [row["SK"] for row in self._pages(pipeline_of(partition), rows_after, None, 0.5, self._name)]

    def query_due(self, shard: str, up_to: Decimal, limit: int) -> list[Item]:
        def rows_after(last: Row | None) -> list[Row]:
            if self._calls.answers_stale(None):
                found = rows.stale_due_up_to(shard, up_to)
            else:
                found = [rows.by_key[key] for key in rows.due_up_to(shard, up_to)]
            if last is None:
                return found
            return [row for row in found if place_in_index(row) > place_in_index(last)]

        rows = self._rows
        return self._pages(None, rows_after, limit, 0.5, f"{self._name}/index/due")

    def snapshot(self, keys: Sequence[Key]) -> dict[Key, Item]:
        return {key: _copy(row.item) for key, row in read_snapshot(keys, self._read_part).items()}

    def _begin(self, operation: str, key: Key) -> tuple[str, str | None]:
        call = f"dynamodb.{operation}"
        pipeline = pipeline_of(key[0]) if isinstance(key[0], str) else None
        self._calls.before(call, pipeline, self._name)
        with _validating(call):
            check_key({"PK": key[0], "SK": key[1]})
        return call, pipeline

    def _write(
        self,
        call: str,
        pipeline: str | None,
        key: Key,
        only_if: Condition,
        change: Callable[[Row | None], Row | None],
    ) -> Row | None:
        old = self._rows.by_key.get(key)
        with _validating(call):
            holds = all(_holds(demand, old.item if old else {}) for demand in only_if)
            new = change(old) if holds else None
        if not holds:
            self._calls.after(call, pipeline, write_units=write_units(_size(old)))
            raise Lost(_copy(old.item) if old else None)
        if _same(old and old.item, new and new.item):
            # Nor does a stream tell of a write that changes nothing.
            # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
            new = old
        else:
            self._rows.replace(key, new)
            self._on_change(
                self._name, key, _copy(old.item) if old else None, _copy(new.item) if new else None
            )
        self._calls.after(call, pipeline, write_units=units_of_write(old, new))
        return new

    def _pages(
        self, pipeline: str | None, rows_after: RowsAfter, limit: int | None, unit: float, target: str
    ) -> list[Item]:
        found: list[Item] = []
        last: Row | None = None
        more = True
        while more:
            self._calls.before("dynamodb.Query", pipeline, target)
            # Not before the call is made: whoever makes it may be frozen there, and much be written meanwhile.
            rows = rows_after(last)
            more, size = False, 0
            for row in rows if limit is None else rows[: limit - len(found)]:
                found.append(_copy(row.item))
                size, last = size + row.size, row
                if size > _PAGE:
                    more = True
                    break
            self._calls.after("dynamodb.Query", pipeline, read_units=unit * read_units(size))
        return found

    def _read_part(self, keys: Sequence[Key]) -> dict[Key, Row]:
        call, pipeline = "dynamodb.TransactGetItems", pipeline_of(keys[0][0])
        self._calls.before(call, pipeline, self._name)
        with _validating(call):
            for partition, sort_key in keys:
                check_key({"PK": partition, "SK": sort_key})
        rows = {key: self._rows.by_key.get(key) for key in keys}
        if sum(_size(row) for row in rows.values()) > _LARGEST_TRANSACTION:
            raise PartTooLarge
        self._calls.after(call, pipeline, read_units=sum(2 * read_units(_size(row)) for row in rows.values()))
        return {key: row for key, row in rows.items() if row}


@contextmanager
def _validating(call: str) -> Iterator[None]:
    try:
        yield
    except Unstorable as error:
        raise CallFailed(call, "ValidationException", str(error)) from error


def _stored(item: Mapping[str, Any]) -> Item:
    return {name: as_stored(value) for name, value in item.items()}


def _check_paths(attributes: Sequence[str]) -> None:
    if not attributes:
        raise Unstorable("an update must change something")
    if "PK" in attributes or "SK" in attributes:
        raise Unstorable("an update cannot change the key")
    if len(set(attributes)) < len(attributes):
        raise Unstorable("an update names one attribute twice")


def _with_member(members: Any, text: str) -> set[str]:
    if members is None:
        return {text}
    if not isinstance(members, set) or not all(isinstance(member, str) for member in members):
        raise Unstorable("an operand has an incorrect data type: it is no string set")
    return members | {text}


def _holds(demand: Clause | Either, item: Item) -> bool:
    if isinstance(demand, Either):
        return any(_holds(clause, item) for clause in demand.clauses)
    present = demand.attribute in item
    if demand.op is Op.ABSENT:
        return not present
    seen, value = item.get(demand.attribute), as_stored(demand.value)
    if demand.op is Op.LESS:
        # Values of different types are in no order.
        ordered = type(seen) is type(value) and isinstance(value, (Decimal, str, bytes))
        return ordered and bool(seen < value)
    equal = present and _same(seen, value)
    return equal if demand.op is Op.EQUALS else not equal


def _same(one: Any, other: Any) -> bool:
    """Equal for DynamoDB: unlike in Python, true is not 1."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)


def _copy(value: Any) -> Any:
    # Most values are single ones, and a call for each would cost more than all else here.
    kind = type(value)
    if kind is dict:
        return {
            name: _copy(member) if type(member) in _CONTAINERS else member for name, member in value.items()
        }
    if kind is list:
        return [_copy(member) if type(member) in _CONTAINERS else member for member in value]
    return set(value) if kind is set else value


def _size(row: Row | None) -> int:
    return row.size if row else 0
