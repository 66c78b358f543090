"""Conditions and changes as DynamoDB expressions. All names are placeholders: `status` is a reserved word."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from interlock.aws.table import Clause, Condition, Either, Op

_FORMS = {
    Op.ABSENT: "attribute_not_exists({name})",
    Op.EQUALS: "{name} = {value}",
    Op.NOT_EQUALS: "{name} <> {value}",
    Op.LESS: "{name} < {value}",
}


class Expressions:
    """The expressions of one request, and the names and values that they share."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._values: dict[str, Any] = {}

    def require(self, condition: Condition) -> Expressions:
        """Write only if `condition` holds."""
        if condition:
            self._texts["ConditionExpression"] = " AND ".join(self._demand(demand) for demand in condition)
        return self

    def change(
        self, changes: Mapping[str, Any], remove: Sequence[str], add_to_set: Mapping[str, str]
    ) -> Expressions:
        """What an update does: at least one thing."""
        actions = {
            "SET": [f"{self._name(name)} = {self._value(value)}" for name, value in changes.items()],
            "REMOVE": [self._name(name) for name in remove],
            "ADD": [f"{self._name(name)} {self._value({text})}" for name, text in add_to_set.items()],
        }
        texts = [f"{verb} {', '.join(targets)}" for verb, targets in actions.items() if targets]
        self._texts["UpdateExpression"] = " ".join(texts)
        return self

    def arguments(self, wire: Callable[[Any], Any]) -> dict[str, Any]:
        """The request's arguments; an empty map of names or values would be refused."""
        arguments: dict[str, Any] = dict(self._texts)
        if self._names:
            arguments["ExpressionAttributeNames"] = {alias: name for name, alias in self._names.items()}
        if self._values:
            arguments["ExpressionAttributeValues"] = {
                alias: wire(value) for alias, value in self._values.items()
            }
        return arguments

    def _demand(self, demand: Clause | Either) -> str:
        if isinstance(demand, Either):
            return f"({' OR '.join(self._clause(clause) for clause in demand.clauses)})"
        return self._clause(demand)

    def _clause(self, clause: Clause) -> str:
        value = "" if clause.op is Op.ABSENT else self._value(clause.value)
        return _FORMS[clause.op].format(name=self._name(clause.attribute), value=value)

    def _name(self, attribute: str) -> str:
        return self._names.setdefault(attribute, f"#n{len(self._names)}")

    def _value(self, value: Any) -> str:
        alias = f":v{len(self._values)}"
        self._values[alias] = value
        return alias
