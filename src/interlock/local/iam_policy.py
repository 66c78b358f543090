"""Does a policy allow this? IAM's own rules, as far as our policies use them: what is not understood is an error, no yes.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any


class PolicyNotUnderstood(ValueError):
    """It uses something of IAM that nobody taught us: whether it allows a call, nobody can say."""


class Verdict(StrEnum):
    ALLOWED = "allowed"
    NOT_ALLOWED = "not allowed"  # no statement says so
    DENIED = "denied"  # a statement says no


@dataclass(frozen=True, slots=True)
class Need:
    """One permission that a call takes."""

    action: str  # lambda:InvokeFunction
    resource: str  # ARN, or "*" where AWS knows no resource for the action
    # What the request says beside: the condition keys of IAM, `aws:SourceArn`. A service as caller is `principal`.
    context: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.action} on {self.resource}"


@dataclass(frozen=True)
class Statement:
    """One statement of a policy. Whom it is about only a resource's policy says."""

    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: Mapping[str, Mapping[str, tuple[str, ...]]]
    services: tuple[str, ...] | None = None  # whom it is about: None in a role's own policy; "*" is everybody
    sid: str = ""

    def matches(self, need: Need) -> bool:
        return (
            any(_like(need.action.lower(), action.lower()) for action in self.actions)
            and any(_covers(asked, need.resource) for asked in self.resources)
            and self._is_about(need.context.get("principal"))
            and all(
                _holds(operator, key, wanted, need.context)
                for operator, keys in self.conditions.items()
                for key, wanted in keys.items()
            )
        )

    def _is_about(self, principal: str | None) -> bool:
        return self.services is None or "*" in self.services or principal in self.services


def judge(statements: Iterable[Statement], need: Need) -> Verdict:
    """A refusal counts more than any permission."""
    effects = {statement.effect for statement in statements if statement.matches(need)}
    if "Deny" in effects:
        return Verdict.DENIED
    return Verdict.ALLOWED if "Allow" in effects else Verdict.NOT_ALLOWED


@cache
def statements_of(policy: str) -> tuple[Statement, ...]:
    """The statements of a policy's JSON. Raises `PolicyNotUnderstood`."""
    try:
        document = json.loads(policy)
        found = document["Statement"]
        return tuple(map(_statement, found if isinstance(found, list) else [found]))
    except (KeyError, TypeError, ValueError) as error:
        raise PolicyNotUnderstood(f"no policy that is understood here: {error}") from error


_KNOWN = frozenset({"Sid", "Effect", "Principal", "Action", "Resource", "Condition"})


def _statement(told: Mapping[str, Any]) -> Statement:
    unknown = told.keys() - _KNOWN
    if unknown or told["Effect"] not in ("Allow", "Deny"):
        raise PolicyNotUnderstood(f"a statement with {', '.join(sorted(unknown)) or told['Effect']}")
    conditions = {
        operator: {key: _texts(wanted) for key, wanted in keys.items()}
        for operator, keys in told.get("Condition", {}).items()
    }
    for operator in conditions:
        if operator.removesuffix("IfExists") not in _OPERATORS:
            raise PolicyNotUnderstood(f"condition operator {operator}")
    principal = tuple(_principals(told["Principal"])) if "Principal" in told else None
    return Statement(
        told["Effect"],
        _texts(told["Action"]),
        _texts(told["Resource"]),
        conditions,
        principal,
        told.get("Sid", ""),
    )


def _principals(told: Any) -> Iterator[str]:
    if told == "*":
        yield "*"
        return
    for kind, names in told.items():
        if kind not in ("Service", "AWS"):
            raise PolicyNotUnderstood(f"principal of kind {kind}")
        yield from _texts(names)


def _texts(told: Any) -> tuple[str, ...]:
    found = told if isinstance(told, list) else [told]
    if not all(isinstance(one, str) for one in found):
        raise PolicyNotUnderstood(f"{told!r} where a text or a list of texts stands")
    return tuple(found)


def _holds(operator: str, key: str, wanted: tuple[str, ...], context: Mapping[str, str]) -> bool:
    """A key that the request does not have fails a condition, unless that is negated or says `IfExists`.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
    """
    compared = operator.removesuffix("IfExists")
    negated = compared in _NEGATED
    # Their names are not case-sensitive.
    value = next((value for name, value in context.items() if name.lower() == key.lower()), None)
    if value is None:
        return negated or compared != operator
    found = any(_OPERATORS[compared](value, one) for one in wanted)
    return found != negated


def _covers(pattern: str, arn: str) -> bool:
    """`*` and `?` in the parts of an ARN; in the last one they may stand for `:` and `/` too."""
    if pattern == "*":
        return True
    asked, given = pattern.split(":", 5), arn.split(":", 5)
    return len(asked) == len(given) and all(map(_like, given, asked))


def _like(value: str, pattern: str) -> bool:
    return _wildcards(pattern).fullmatch(value) is not None


@cache
def _wildcards(pattern: str) -> re.Pattern[str]:
    escaped = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.compile(escaped, re.DOTALL)


def _same(value: str, wanted: str) -> bool:
    return value == wanted


def _same_boolean(value: str, wanted: str) -> bool:
    return value.lower() == wanted.lower()


def _arn_like(value: str, wanted: str) -> bool:
    return _covers(wanted, value)


# ArnEquals takes wildcards as ArnLike does.
_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": _same,
    "StringNotEquals": _same,
    "StringLike": _like,
    "ArnEquals": _arn_like,
    "ArnLike": _arn_like,
    "ArnNotEquals": _arn_like,
    "Bool": _same_boolean,
}
_NEGATED = frozenset({"StringNotEquals", "ArnNotEquals"})
