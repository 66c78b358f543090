"""JSONata simple enough to answer without the interpreter, which takes 20 to 50 microseconds an expression.

Covered: a path of plain names from a variable, literals, `=` and `!=` with a literal, `and`, `or`. What the
interpreter treats in a way of its own (arrays above all) goes to it, so the answers are always its answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

UNDEFINED = object()

Variables = Mapping[str, Any]
Shortcut = Callable[[Variables], Any]

# What the parser leaves on every node, whatever it means.
_PLAIN = frozenset({"_outer_instance", "id", "type", "value", "lbp", "bp", "position", "level"})
_LITERALS = ("value", "string", "number")
_EXACT_AS_DOUBLE = 2**53


class NeedsInterpreter(Exception):
    """The shortcut met a value whose treatment is the interpreter's business."""


def shortcut(node: Any) -> Shortcut | None:
    """A function with the same answer as the expression, or None when there is no simple one."""
    kind = node.type
    if kind in _LITERALS and _plain(node):
        return _literal(node.value)
    if kind == "variable" and _plain(node) and node.value not in ("", "$"):
        return _path(node.value, ())
    if kind == "path" and _plain(node, "steps"):
        return _names_from_variable(node.steps)
    if kind == "binary" and _plain(node, "lhs", "rhs"):
        return _binary(node)
    return None


def _plain(node: Any, *also: str) -> bool:
    """No predicate, grouping, sorting, index or whatever else changes what the node means."""
    return all(not value or name in _PLAIN or name in also for name, value in vars(node).items())


def _literal(value: Any) -> Shortcut:
    return lambda _variables: value


def _names_from_variable(steps: list[Any]) -> Shortcut | None:
    root, *names = steps
    if root.type != "variable" or root.value in ("", "$") or not all(map(_plain, steps)):
        return None
    if any(step.type != "name" for step in names):
        return None
    return _path(root.value, tuple(step.value for step in names))


def _path(root: str, names: tuple[str, ...]) -> Shortcut:
    def walk(variables: Variables) -> Any:
        found = variables.get(root, UNDEFINED)
        if found is UNDEFINED:
            raise NeedsInterpreter  # a function of that name, perhaps
        for name in names:
            if type(found) is list:
                raise NeedsInterpreter
            found = found.get(name, UNDEFINED) if type(found) is dict else UNDEFINED
        if type(found) is list:
            raise NeedsInterpreter
        return found

    return walk


def _binary(node: Any) -> Shortcut | None:
    left, right = shortcut(node.lhs), shortcut(node.rhs)
    if left is None or right is None:
        return None
    if node.value == "and":
        return lambda variables: _truth(left(variables)) and _truth(right(variables))
    if node.value == "or":
        return lambda variables: _truth(left(variables)) or _truth(right(variables))
    if node.value == "=" and (node.lhs.type in _LITERALS or node.rhs.type in _LITERALS):
        return lambda variables: _equal(left(variables), right(variables))
    if node.value == "!=" and (node.lhs.type in _LITERALS or node.rhs.type in _LITERALS):
        return lambda variables: _unequal(left(variables), right(variables))
    return None


def _truth(value: Any) -> bool:
    if value is UNDEFINED:
        return False
    if type(value) is not bool:
        raise NeedsInterpreter
    return value


def _equal(left: Any, right: Any) -> bool:
    if left is UNDEFINED or right is UNDEFINED:
        return False
    if isinstance(left, bool) is not isinstance(right, bool):
        return False
    return bool(_as_double(left) == _as_double(right))


def _unequal(left: Any, right: Any) -> bool:
    # Not the opposite of `=`: beside undefined, both are false.
    return left is not UNDEFINED and right is not UNDEFINED and not _equal(left, right)


def _as_double(value: Any) -> Any:
    if type(value) is int and abs(value) > _EXACT_AS_DOUBLE:
        raise NeedsInterpreter
    return value
