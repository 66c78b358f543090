"""How large DynamoDB counts an item, and the units that reading or writing it costs."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

LARGEST_ITEM = 400 * 1024  # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
_READ_UNIT, _WRITE_UNIT = 4096, 1024  # bytes


def item_size(item: Mapping[str, Any]) -> int:
    """Bytes of names and values; the exact size of a number is not documented, only its approximation.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    return sum(_text_size(name) + _size(value) for name, value in item.items())


def read_units(size: int) -> int:
    """Of a consistent read; an eventually consistent one costs half, a transactional one twice as much.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
    """
    return max(1, -(-size // _READ_UNIT))


def write_units(size: int) -> int:
    """Of one write of an item that large."""
    return max(1, -(-size // _WRITE_UNIT))


def _size(value: Any) -> int:
    kind = type(value)  # of what `as_stored` gave: no subclasses. Every write of the simulator comes here.
    if kind is str:
        return _text_size(value)
    if kind is Decimal:
        return (len(value.normalize().as_tuple().digits) + 1) // 2 + 1
    if value is None or kind is bool:
        return 1
    if kind is bytes:
        return len(value)
    if kind is dict:
        return 3 + sum(1 + _text_size(name) + _size(member) for name, member in value.items())
    if kind is list:
        return 3 + sum(1 + _size(member) for member in value)
    return sum(_size(member) for member in value)


def _text_size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())
