"""Which Python values DynamoDB can hold, what they come back as, and how to read them off the wire.

Both tables store through here: what AWS would refuse of an outsider's row is refused alike in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Context, Decimal, DecimalException, Inexact
from typing import Any

# Limits: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
_DIGITS = 38
_MAGNITUDE = range(-130, 126)  # of the first digit: 1E-130 to 9.99E+125
_DEEPEST = 32
_EXACT = Context(prec=_DIGITS, traps=[Inexact])
_SHORT_INTEGER = 10**_DIGITS


class Unstorable(ValueError):
    """No attribute can hold this value; the message says why."""


def as_stored(value: Any) -> Any:
    """The value as it will come back, sharing nothing mutable with the caller's. Raises `Unstorable`."""
    return _stored(value, 0)


def _stored(value: Any, depth: int) -> Any:
    if type(value) is str and value.isascii():  # most values of most rows
        return value
    match value:
        case None | bool():
            return value
        case str():
            return _text(value)
        case int() | float() | Decimal():
            return _number(value)
        case bytes() | bytearray():
            return bytes(value)
    if depth == _DEEPEST:
        raise Unstorable(f"nested deeper than {_DEEPEST} levels")
    match value:
        case Mapping():
            return {_name(name): _stored(member, depth + 1) for name, member in value.items()}
        case list() | tuple():
            return [_stored(member, depth + 1) for member in value]
        case set() | frozenset():
            return _set([_stored(member, depth + 1) for member in value])
    raise Unstorable(f"{type(value).__name__} is no attribute type")


def _text(value: str) -> str:
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Unstorable("a text that UTF-8 cannot express") from None
    return str(value)  # a StrEnum member becomes plain text


def _name(name: Any) -> str:
    if not isinstance(name, str):
        raise Unstorable(f"a map's key is {type(name).__name__}, not text")
    return _text(name)


def _number(value: float | Decimal) -> Decimal:
    if isinstance(value, int) and -_SHORT_INTEGER < value < _SHORT_INTEGER:
        return Decimal(value)
    try:
        number = _EXACT.create_decimal(repr(value) if isinstance(value, float) else value).normalize(_EXACT)
    except DecimalException:
        raise Unstorable(f"a number with more than {_DIGITS} digits") from None
    if not number.is_finite():
        raise Unstorable(f"{number} is no number")
    if number and number.adjusted() not in _MAGNITUDE:
        raise Unstorable("a number whose magnitude is not between 1E-130 and 9.99E+125")
    if number.adjusted() < _DIGITS and number == number.to_integral_value():
        return Decimal(int(number))  # 100, not 1E+2: people read these values in messages
    return number


def _set(members: list[Any]) -> set[Any]:
    kinds = {type(member) for member in members}
    if len(kinds) != 1 or not kinds <= {str, Decimal, bytes}:
        raise Unstorable("a set must hold texts, numbers or binaries, of one kind, and at least one")
    return set(members)


def from_wire(wire: Mapping[str, Any], binary: Callable[[Any], bytes] = bytes) -> Any:
    """The value of `{"S": "text"}` and its like; `binary` reads what `B` holds: bytes, or base64 text in JSON.

    Raises whatever comes of a value that is not as documented.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
    """
    ((kind, value),) = wire.items()
    match kind:
        case "S" | "BOOL":
            return value
        case "N":
            return Decimal(value)
        case "NULL":
            return None
        case "M":
            return {name: from_wire(member, binary) for name, member in value.items()}
        case "L":
            return [from_wire(member, binary) for member in value]
        case "SS":
            return set(value)
        case "NS":
            return {Decimal(member) for member in value}
        case "B":
            return binary(value)
        case "BS":
            return {binary(member) for member in value}
    raise ValueError(f"unknown attribute type {kind!r}")
