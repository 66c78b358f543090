"""What a JSONata expression reads: its variables and members of `$states`, known before anything runs.

AWS refuses at creation what can never be there, and so does the walker.
https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html#transforming-reserved-variable-states
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from jsonata import Parser  # type: ignore[import-untyped]

# Below these, names are fields of the value at hand; elsewhere there is no such value, only variables.
_WITH_A_CONTEXT = frozenset({"stages", "predicate", "group", "terms", "pattern", "update", "delete"})
# Links back up the tree, and to the parser.
_NOT_BELOW = frozenset({"_outer_instance", "errors", "slot", "seeking_parent", "ancestor"})
_RELATIVE = frozenset({"name", "wildcard", "descendant", "parent"})


@dataclass(frozen=True, slots=True)
class Reads:
    """The names an expression needs from outside."""

    variables: frozenset[str]
    members: frozenset[str]  # of $states
    context: bool  # `$`, `$$` or a bare name, where there is nothing they could mean


def reads_of(tree: Any) -> Reads:
    """What the expression reads; names it binds itself are not among it."""
    nodes = list(_below(tree, has_context=False))
    variables = {node.value for node, _ in nodes if node.type == "variable"}
    bound = {name for node, _ in nodes for name in _binds(node)}
    members = {name for node, _ in nodes for name in _member_of_states(node)}
    context = any(_needs_context(node) for node, has_context in nodes if not has_context)
    return Reads(frozenset(variables - bound - {"", "$"}), frozenset(members), context or "$" in variables)


def _below(node: Any, *, has_context: bool) -> Iterator[tuple[Any, bool]]:
    yield node, has_context
    for name, value in vars(node).items():
        if name in _NOT_BELOW:
            continue
        for index, child in enumerate(_nodes(value)):
            after_a_step = name == "steps" and index > 0
            yield from _below(child, has_context=has_context or after_a_step or name in _WITH_A_CONTEXT)


def _nodes(value: Any) -> Iterator[Any]:
    if isinstance(value, Parser.Symbol):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _nodes(item)


def _binds(node: Any) -> Iterator[str]:
    if node.type == "bind":
        yield node.lhs.value
    if node.type == "lambda":
        yield from (argument.value for argument in node.arguments)
    yield from (name for name in (node.focus, node.index) if isinstance(name, str))


def _member_of_states(node: Any) -> Iterator[str]:
    if node.type == "path" and len(node.steps) > 1:
        root, member = node.steps[:2]
        if root.type == "variable" and root.value == "states" and member.type == "name":
            yield member.value


def _needs_context(node: Any) -> bool:
    if node.type == "path":
        return node.steps[0].type in _RELATIVE
    return bool(node.type == "variable" and node.value == "")
