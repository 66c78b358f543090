"""Does a rule hold? The decision alone, as closures made once: it is taken at every write to a sensor.

`readiness` puts it into words.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from interlock.domain.pipeline import (
    AllOf,
    AnyOf,
    AtLeast,
    Check,
    Not,
    Rule,
    RuleNode,
    UpstreamRule,
    Validation,
    each_leaf,
    each_rule,
)
from interlock.domain.sensor import Reading, Unseen
from interlock.domain.sensor_value import (
    LONGEST_VALUE,
    as_number,
    duration_text,
    parse_instant,
    shortened,
    shown,
)
from interlock.domain.upstream import UpstreamOutcome, rule_text

# By the sensor's key as the config has it; an upstream's outcome by the rule's `name`.
Readings = Mapping[str, Reading | Unseen | UpstreamOutcome]
Holds = Callable[[Readings, datetime], bool]

LONGEST_TEXT = 300  # characters of a rule or a reason: verdicts are kept in the run's row, which holds 400 KB
AGE_CHECKS = (Check.AGE_LT, Check.AGE_GT)
ORDERINGS: Mapping[Check, Callable[[Any, Any], bool]] = {
    Check.GT: operator.gt,
    Check.GTE: operator.ge,
    Check.LT: operator.lt,
    Check.LTE: operator.le,
}


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """One rule or group: `holds` decides, `text` names it."""

    node: RuleNode
    key: str
    text: str
    holds: Holds
    members: tuple[CompiledRule, ...] = ()
    decide: Callable[[Iterable[bool]], bool] = all  # of a group, over its members
    needed: int = 0  # how many members a group wants


@dataclass(frozen=True, slots=True)
class CompiledRules:
    """A pipeline's rules, ready to be decided at every write."""

    validation: Validation
    rules: tuple[CompiledRule, ...]
    holds: Holds
    age_rules: tuple[Rule, ...]
    value_rules: tuple[Rule, ...]


# By identity, because rules that are equal can differ: 1 == True == 1.0 in Python, never here.
_compiled: dict[int, CompiledRules] = {}
_MOST_COMPILED = 512


def compile_rules(validation: Validation) -> CompiledRules:
    """The rules as closures, made once for each validation object."""
    known = _compiled.get(id(validation))
    if known is not None and known.validation is validation:
        return known
    whole = compile_rule(validation.rule)
    singles = tuple(each_rule(validation.rule))
    made = CompiledRules(
        validation=validation,
        rules=whole.members,
        holds=whole.holds,
        age_rules=tuple(rule for rule in singles if rule.check in AGE_CHECKS),
        value_rules=tuple(rule for rule in singles if rule.check not in AGE_CHECKS),
    )
    if len(_compiled) >= _MOST_COMPILED:
        _compiled.clear()
    _compiled[id(validation)] = made
    return made


def compile_rule(node: RuleNode) -> CompiledRule:
    """One rule or group as closures."""
    match node:
        case Rule():
            text = shortened(f"{target_name(node)} {wanted_text(node)}", LONGEST_TEXT)
            return CompiledRule(node, node.key, text, _single(node))
        case UpstreamRule():
            return CompiledRule(node, node.pipeline_id, rule_text(node), _upstream(node))
        case AllOf(rules=rules):
            return _group(node, "all of", rules, all, len(rules))
        case AnyOf(rules=rules):
            return _group(node, "any of", rules, any, 1)
        case AtLeast(count=count, rules=rules):
            return _group(node, f"at least {count} of", rules, lambda held: sum(held) >= count, count)
        case Not(rule=rule):
            return _group(node, "not", (rule,), lambda held: not any(held), 0)


def _group(
    node: RuleNode,
    word: str,
    rules: Sequence[RuleNode],
    decide: Callable[[Iterable[bool]], bool],
    needed: int,
) -> CompiledRule:
    members = tuple(compile_rule(rule) for rule in rules)
    checks = tuple(member.holds for member in members)
    return CompiledRule(
        node=node,
        key=",".join(dict.fromkeys(map(_leaf_key, each_leaf(node)))),
        text=shortened(f"{word} ({', '.join(member.text for member in members)})", LONGEST_TEXT),
        holds=lambda readings, now: decide(check(readings, now) for check in checks),
        members=members,
        decide=decide,
        needed=needed,
    )


def _leaf_key(leaf: Rule | UpstreamRule) -> str:
    return leaf.key if isinstance(leaf, Rule) else leaf.pipeline_id


def _upstream(rule: UpstreamRule) -> Holds:
    name = rule.name

    def holds(readings: Readings, _now: datetime) -> bool:
        outcome = readings.get(name)
        return type(outcome) is UpstreamOutcome and outcome.holds

    return holds


def _single(rule: Rule) -> Holds:
    """The rule as one closure: it is called for every write, so it asks as little as it can."""
    key = rule.key
    value_holds = _reading_check(rule)

    def holds(readings: Readings, now: datetime) -> bool:
        reading = readings.get(key)
        return type(reading) is Reading and value_holds(reading, now)

    return holds


def _reading_check(rule: Rule) -> Callable[[Reading, datetime], bool]:
    if rule.check in AGE_CHECKS:
        return lambda reading, now: _age_holds(rule, reading, now)
    if rule.check is Check.EXISTS and rule.field is None:
        return lambda _reading, _now: True
    value_holds, name = _value_check(rule), rule.field or ""
    if "." in name:
        return lambda reading, _now: value_holds(field_value(reading, name))
    return lambda reading, _now: value_holds(reading.values.get(name))


def _value_check(rule: Rule) -> Callable[[Any], bool]:
    """Whether a value meets the rule. None, as a missing field or a null, meets none."""
    if rule.check is Check.EXISTS:
        return lambda value: value is not None
    if rule.check is Check.EQUALS:
        return _equals(rule.value)
    if rule.check is Check.NOT_EQUALS:
        equals = _equals(rule.value)
        return lambda value: is_scalar(value) and not equals(value)
    if rule.check is Check.IN:
        return _one_of(rule.value if isinstance(rule.value, tuple) else (rule.value,))
    return _ordered(ORDERINGS[rule.check], as_number(rule.value))


def _one_of(options: Sequence[Any]) -> Callable[[Any], bool]:
    checks = [_equals(option) for option in options]

    def holds(value: Any) -> bool:
        for equals in checks:  # noqa: SIM110 - half the time of any() with a generator
            if equals(value):
                return True
        return False

    return holds


def _equals(wanted: Any) -> Callable[[Any], bool]:
    number, truth = as_number(wanted), _as_truth(wanted)
    if number is not None:
        return _ordered(operator.eq, number)
    if truth is not None:
        return lambda value: _as_truth(value) is truth
    if isinstance(wanted, str):
        return lambda value: type(value) is str and value == wanted
    return lambda _value: False


def _ordered(compare: Callable[[Any, Any], bool], wanted: int | Decimal | None) -> Callable[[Any], bool]:
    if wanted is None:
        return lambda _value: False

    def holds(value: Any) -> bool:
        number = value if type(value) is int else as_number(value)
        return number is not None and compare(number, wanted)

    return holds


def _as_truth(value: Any) -> bool | None:
    if type(value) is bool:
        return value
    text = value.lower() if type(value) is str and len(value) <= 5 else None
    return None if text not in ("true", "false") else text == "true"


def is_scalar(value: Any) -> bool:
    """Whether a value can be compared at all: not null, NaN, bytes, nor anything that holds other values."""
    return isinstance(value, (str, bool)) or as_number(value) is not None


def field_value(reading: Reading, name: str) -> Any:
    """The value of the field of that whole name, else along its dots into maps; None if there is none."""
    value = reading.values.get(name)
    if value is not None or "." not in name:
        return value
    value = reading.values
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


# A clock may run ahead of ours by so much; a time beyond is a mistake and proves nothing about freshness.
CLOCK_TOLERANCE = timedelta(minutes=5)


def _age_holds(rule: Rule, reading: Reading, now: datetime) -> bool:
    instant = age_instant(rule, reading)
    if instant is None or not isinstance(rule.value, timedelta):
        return False
    age = now - instant
    if age < -CLOCK_TOLERANCE:
        return False
    return age < rule.value if rule.check is Check.AGE_LT else age > rule.value


def age_instant(rule: Rule, reading: Reading) -> datetime | None:
    """The time that an age rule looks at, if it can be read."""
    return reading.updated_at if rule.field is None else parse_instant(field_value(reading, rule.field))


def flips(age_rules: Iterable[Rule], readings: Readings, now: datetime) -> Iterator[datetime]:
    """The later instants at which age rules change their answers by themselves."""
    for rule in age_rules:
        reading = readings.get(rule.key)
        instant = age_instant(rule, reading) if isinstance(reading, Reading) else None
        if instant is None or not isinstance(rule.value, timedelta):
            continue
        with suppress(OverflowError):  # the year 9999: nobody waits for it
            if rule.check is Check.AGE_GT:
                changes = [instant + rule.value + timedelta(microseconds=1)]
            else:
                changes = [instant - CLOCK_TOLERANCE, instant + rule.value]
            yield from [_next_second(change) for change in changes if change > now]


def _next_second(instant: datetime) -> datetime:
    # Whole seconds: a store that keeps less than microseconds must not wake anyone too early.
    return instant if not instant.microsecond else instant.replace(microsecond=0) + timedelta(seconds=1)


_SIGNS = {
    Check.EXISTS: "exists",
    Check.EQUALS: "==",
    Check.NOT_EQUALS: "!=",
    Check.IN: "in",
    Check.GT: ">",
    Check.GTE: ">=",
    Check.LT: "<",
    Check.LTE: "<=",
    Check.AGE_LT: "age <",
    Check.AGE_GT: "age >",
}


def target_name(rule: Rule) -> str:
    """What a rule looks at: row-count.count."""
    if rule.field is None:
        return f"{rule.key}.updatedAt" if rule.check in AGE_CHECKS else rule.key
    return f"{rule.key}.{rule.field}"


def wanted_text(rule: Rule) -> str:
    """What it wants to see there: >= 1000."""
    sign = _SIGNS[rule.check]
    if rule.check is Check.EXISTS:
        return sign
    if isinstance(rule.value, tuple):
        return shortened(f"{sign} [{', '.join(shown(option) for option in rule.value)}]", LONGEST_VALUE)
    value = duration_text(rule.value) if isinstance(rule.value, timedelta) else shown(rule.value)
    return f"{sign} {value}"
