"""May the run start? The verdict over a pipeline's rules on the readings its run sees, a reason for each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from interlock.domain.pipeline import Check, Not, Rule, UpstreamRule, Validation
from interlock.domain.rule_check import (
    AGE_CHECKS,
    CLOCK_TOLERANCE,
    LONGEST_TEXT,
    ORDERINGS,
    CompiledRule,
    Readings,
    age_instant,
    compile_rule,
    compile_rules,
    field_value,
    flips,
    is_scalar,
    target_name,
    wanted_text,
)
from interlock.domain.sensor import Reading, Unseen
from interlock.domain.sensor_value import as_number, baseline_value, json_safe, shortened, shown
from interlock.domain.upstream import UpstreamOutcome


@dataclass(frozen=True, slots=True)
class RuleVerdict:
    """One rule or group, judged: what it saw, what it wanted, since when."""

    key: str  # the sensor's, or the upstream pipeline's id; of a group its members', comma-joined
    rule: str  # as text: row-count.count >= 1000
    holds: bool
    reason: str  # a full sentence
    seen: Any  # JSON-safe; of a group how many members hold
    wanted: Any
    since: datetime | None  # since when it has stood
    members: tuple[RuleVerdict, ...] = ()


@dataclass(frozen=True, slots=True)
class Readiness:
    """The verdict over all rules at one instant."""

    ready: bool
    verdicts: tuple[RuleVerdict, ...]
    flips_at: datetime | None  # when an age rule may next change its answer although nothing is written
    seen: Mapping[str, Mapping[str, Any]]  # sensor -> field -> value, of the rules that compare values

    @property
    def unmet(self) -> tuple[RuleVerdict, ...]:
        """The verdicts that keep it from being ready."""
        return () if self.ready else tuple(verdict for verdict in self.verdicts if not verdict.holds)

    @property
    def reason(self) -> str:
        """One sentence: what is missing, or that nothing is."""
        if self.ready:
            holding = sum(verdict.holds for verdict in self.verdicts)
            return f"{holding} of {len(self.verdicts)} rules hold" if self.verdicts else "there are no rules"
        if not self.unmet:
            return "ANY of no rules never holds"
        return _joined([verdict.reason for verdict in self.unmet])


def evaluate_readiness(
    validation: Validation, readings: Readings, now: datetime, previous: Sequence[RuleVerdict] = ()
) -> Readiness:
    """Judge every rule. `previous` are the last verdicts: those that stand keep their `since`."""
    compiled = compile_rules(validation)
    before = {(verdict.key, verdict.rule): verdict for verdict in _each_verdict(previous)}
    return Readiness(
        ready=compiled.holds(readings, now),
        verdicts=tuple(_verdict(rule, readings, now, before) for rule in compiled.rules),
        flips_at=min(flips(compiled.age_rules, readings, now), default=None),
        seen=_seen(compiled.value_rules, readings),
    )


def trigger_holds(rule: Rule, reading: Reading | Unseen, now: datetime) -> RuleVerdict:
    """The verdict of one rule on one reading."""
    return _verdict(compile_rule(rule), {rule.key: reading}, now, {})


def _verdict(
    rule: CompiledRule, readings: Readings, now: datetime, before: Mapping[tuple[str, str], RuleVerdict]
) -> RuleVerdict:
    members = tuple(_verdict(member, readings, now, before) for member in rule.members)
    if isinstance(rule.node, Rule):
        holds = rule.holds(readings, now)
        reading = _reading_of(rule.key, readings)
        reason = _reason(rule.node, reading, now)
        seen, wanted = _seen_by(rule.node, reading), _wanted(rule.node)
    elif isinstance(rule.node, UpstreamRule):
        outcome = _outcome_of(rule.node, readings)
        holds, reason, seen, wanted = outcome.holds, outcome.reason, outcome.seen, outcome.wanted
    else:
        holds = rule.decide(member.holds for member in members)
        reason = _group_reason(rule, members, holds)
        seen, wanted = sum(member.holds for member in members), rule.needed
    last = before.get((rule.key, rule.text))
    since = last.since if last is not None and last.holds == holds and last.since else now
    return RuleVerdict(
        rule.key, rule.text, holds, shortened(reason, LONGEST_TEXT), seen, wanted, since, members
    )


def _reading_of(key: str, readings: Readings) -> Reading | Unseen | None:
    found = readings.get(key)
    return found if isinstance(found, (Reading, Unseen)) else None


def _outcome_of(rule: UpstreamRule, readings: Readings) -> UpstreamOutcome:
    found = readings.get(rule.name)
    if isinstance(found, UpstreamOutcome):
        return found
    return UpstreamOutcome(False, f"{rule.pipeline_id} was not looked at")


def _each_verdict(verdicts: Iterable[RuleVerdict]) -> Iterator[RuleVerdict]:
    for verdict in verdicts:
        yield verdict
        yield from _each_verdict(verdict.members)


def _reason(rule: Rule, reading: Reading | Unseen | None, now: datetime) -> str:
    if reading is None:
        return f"{rule.key} was never reported"
    if isinstance(reading, Unseen):
        return reading.reason
    if rule.check in AGE_CHECKS:
        return _age_reason(rule, reading, now)
    if rule.field is None:
        return f"{rule.key} was reported"
    value = field_value(reading, rule.field)
    if value is None and rule.field not in reading.values:
        return f"{rule.key} has no field {shown(rule.field)}, wanted {wanted_text(rule)}"
    return f"{target_name(rule)} is {shown(value)}{_objection(rule, value)}, wanted {wanted_text(rule)}"


def _objection(rule: Rule, value: Any) -> str:
    """What is wrong with the kind of value, before its size matters."""
    if value is None or rule.check is Check.EXISTS:
        return ""
    if not is_scalar(value):
        return " and cannot be compared"
    if rule.check in ORDERINGS and as_number(value) is None:
        return " and no number"
    return ""


# The sentence does not change as time passes, else every look would have to rewrite the run's row.
def _age_reason(rule: Rule, reading: Reading, now: datetime) -> str:
    instant, wanted = age_instant(rule, reading), wanted_text(rule)
    if instant is None:
        value = field_value(reading, rule.field or "updatedAt")
        if value is None:
            return f"{rule.key} has no {rule.field or 'updatedAt'}, wanted {wanted}"
        return f"{target_name(rule)} is {shown(value)}, neither ISO 8601 nor an epoch, wanted {wanted}"
    if now - instant < -CLOCK_TOLERANCE:
        return f"{target_name(rule)} is {_instant_text(instant)}, in the future by our clock, wanted {wanted}"
    try:
        limit = instant + rule.value if isinstance(rule.value, timedelta) else instant
    except OverflowError:
        limit = instant
    edge = "until" if rule.check is Check.AGE_LT else "after"
    return f"{target_name(rule)} is {_instant_text(instant)}, wanted {wanted}: {edge} {_instant_text(limit)}"


def _group_reason(rule: CompiledRule, members: Sequence[RuleVerdict], holds: bool) -> str:
    if isinstance(rule.node, Not):
        return f"{members[0].reason}, which {'does not hold, as it should' if holds else 'must not hold'}"
    held = sum(member.holds for member in members)
    telling = [member.reason for member in members if member.holds is holds]
    return f"{held} of {len(members)} hold, wanted at least {rule.needed}: {_joined(telling)}"


def _joined(reasons: Sequence[str]) -> str:
    more = f"; and {len(reasons) - 3} more" if len(reasons) > 3 else ""
    return shortened("; ".join(reasons[:3]), 3 * LONGEST_TEXT) + more


def _instant_text(instant: datetime) -> str:
    return instant.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def _seen_by(rule: Rule, reading: Reading | Unseen | None) -> Any:
    if not isinstance(reading, Reading):
        return None
    if rule.field is None and rule.check not in AGE_CHECKS:
        return True
    return json_safe(field_value(reading, rule.field or "updatedAt"))


def _wanted(rule: Rule) -> Any:
    if not isinstance(rule.value, tuple):
        return json_safe(rule.value)
    options = [json_safe(option) for option in rule.value]
    return options if len(str(options)) <= LONGEST_TEXT else wanted_text(rule)


def _seen(rules: Iterable[Rule], readings: Readings) -> dict[str, dict[str, Any]]:
    seen: dict[str, dict[str, Any]] = {}
    for rule in rules:
        reading = readings.get(rule.key)
        if not isinstance(reading, Reading):
            continue
        fields = seen.setdefault(rule.key, {})
        if rule.field is not None and (value := field_value(reading, rule.field)) is not None:
            fields[rule.field] = baseline_value(value)
    return seen
