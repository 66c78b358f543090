"""Many rows as they stood at one instant, though one transaction reads at most 100 of them and 4 MB.

Both tables read through here; what a part is read with is theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from interlock.aws.table import Key
from interlock.ports import CallFailed

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactGetItems.html
MOST_KEYS = 100
_MOST_ROUNDS = 5  # a table that is written faster than this is read again by whoever called
Row = TypeVar("Row")
ReadPart = Callable[[Sequence[Key]], Mapping[Key, Row]]


class PartTooLarge(Exception):
    """The rows of this part are over the 4 MB of one transaction."""


def read_snapshot(keys: Sequence[Key], read_part: ReadPart[Row]) -> dict[Key, Row]:
    """The rows that exist. `read_part` reads its keys in one transaction or raises `PartTooLarge`."""
    distinct = list(dict.fromkeys(keys))  # a transaction may name a row only once
    parts: list[Sequence[Key]] = [
        distinct[first : first + MOST_KEYS] for first in range(0, len(distinct), MOST_KEYS)
    ]
    before: dict[Key, Row] | None = None
    for _ in range(_MOST_ROUNDS):
        rows, parts = _read_all(parts, read_part)
        # Each part was read twice with the same result, and the end of the first round lies between: all
        # parts stood so at that instant, short of a row that changed and changed back in between.
        if len(parts) <= 1 or rows == before:
            return rows
        before = rows
    raise CallFailed(
        "dynamodb.TransactGetItems", "SnapshotUnsettled", "rows change faster than they are read"
    )


def _read_all(
    parts: list[Sequence[Key]], read_part: ReadPart[Row]
) -> tuple[dict[Key, Row], list[Sequence[Key]]]:
    """Every part, halved as often as it is too large; also those parts that were small enough."""
    rows: dict[Key, Row] = {}
    small_enough: list[Sequence[Key]] = []
    waiting = list(reversed(parts))
    while waiting:
        part = waiting.pop()
        try:
            rows |= read_part(part)
        except PartTooLarge:
            middle = len(part) // 2
            waiting += [part[middle:], part[:middle]]
        else:
            small_enough.append(part)
    return rows, small_enough
