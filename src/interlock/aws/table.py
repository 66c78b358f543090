"""One DynamoDB table in as few verbs as the stores need. On AWS: `dynamo_table.py`; in memory: `simulation/memory_table.py`.

Items are plain Python values; numbers come back as Decimal. A conditional write that loses raises `Lost(the item there)`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

Key = tuple[str, str]  # PK, SK
Item = dict[str, Any]


class Op(StrEnum):
    """What a clause asks of one attribute."""

    ABSENT = "absent"
    EQUALS = "equals"
    NOT_EQUALS = "not_equals"  # also true when the attribute is absent, as in DynamoDB
    LESS = "less"


@dataclass(frozen=True, slots=True)
class Clause:
    """One condition on one top-level attribute."""

    attribute: str
    op: Op
    value: Any = None


@dataclass(frozen=True, slots=True)
class Either:
    """Holds when one of its clauses holds."""

    clauses: tuple[Clause, ...]


Condition = tuple[Clause | Either, ...]  # all must hold; an empty one always does


def absent(attribute: str) -> Clause:
    return Clause(attribute, Op.ABSENT)


def equals(attribute: str, value: Any) -> Clause:
    return Clause(attribute, Op.EQUALS, value)


class Table(Protocol):
    """Reads are consistent, index queries excepted. Raises `CallFailed`, and `Lost` from conditional writes."""

    def get(self, key: Key) -> Item | None:
        """GetItem."""

    def put(self, item: Item, only_if: Condition = ()) -> None:
        """PutItem."""

    def update(
        self,
        key: Key,
        changes: Mapping[str, Any],
        remove: Sequence[str] = (),
        add_to_set: Mapping[str, str] | None = None,
        only_if: Condition = (),
    ) -> Item:
        """UpdateItem; returns the whole new item. `add_to_set` adds one string to a string set."""

    def delete(self, key: Key, only_if: Condition = ()) -> None:
        """DeleteItem."""

    def query(
        self, partition: str, prefix: str = "", limit: int | None = None, after: str = ""
    ) -> list[Item]:
        """Query, in the order of the sort key, of those later than `after`; one call for each page of 1 MB."""

    def sort_keys(self, partition: str, first: str, last: str) -> list[str]:
        """Query, from `first` to `last` and of the sort keys alone; eventually consistent; one call for each page of 1 MB."""

    def query_due(self, shard: str, up_to: Decimal, limit: int) -> list[Item]:
        """Query of the sparse index `due` (`dueShard`, `dueAt`), oldest first; eventually consistent."""

    def snapshot(self, keys: Sequence[Key]) -> dict[Key, Item]:
        """TransactGetItems: the items that exist, as they stood at one instant.

        Above 100 items or 4 MB: reads in parts, twice, until two reads agree; all parts then stood so in between.
        """
