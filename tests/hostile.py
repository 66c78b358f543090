"""What strangers may write: values of every type that an attribute can have, and some that none should."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from interlock.aws.attribute_value import Unstorable, as_stored

_ODD: list[Any] = [
    None,
    "",
    "NaN",
    "true",
    "1e999",
    "١٢",
    "\ud800",
    "\x00\x1b[31m",
    "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00+14:00",
    "x" * 400_000,
    "9" * 5_000,
    10**5_000,
    -1,
    float("nan"),
    float("-inf"),
    5e-324,
    Decimal("NaN"),
    Decimal("sNaN"),
    Decimal("-Infinity"),
    Decimal("1E+999999"),
    Decimal("1E-999999"),
    Decimal("0." + "1" * 60),
    b"\xff",
    {1, 2},
    {"a", "b"},
    frozenset({b"x"}),
    datetime(2026, 3, 4, tzinfo=UTC),
]


def deeply_nested(depth: int = 5_000) -> Any:
    """A list in a list in a list."""
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


_ODD.append(deeply_nested())


def hostile_values() -> st.SearchStrategy[Any]:
    """Scalars, odd values and nests of them."""
    scalars = (
        # By index: hypothesis prints what it samples from, and some of these cannot be printed.
        st.integers(0, len(_ODD) - 1).map(lambda index: _ODD[index])
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.decimals()
        | st.text(max_size=40)
        | st.binary(max_size=10)
    )
    return st.recursive(
        scalars,
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.text(max_size=8), inner, max_size=4)
            | st.tuples(inner, inner)
        ),
        max_leaves=8,
    )


def storable_values() -> st.SearchStrategy[Any]:
    """Those of them that an attribute of a table can hold."""
    return hostile_values().filter(_is_storable)


def _is_storable(value: Any) -> bool:
    try:
        as_stored(value)
    except Unstorable:
        return False
    return True
