"""What would have to change for the rules to hold: each rule's verdict turned into what is found and what must happen.

Told where a person reads it: by `interlock explain`, and by the alerts of whatever waited in vain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from interlock.domain.pipeline import Check, Match, Pipeline, Rule, RuleNode, UpstreamDate, UpstreamRule
from interlock.domain.plain_text import clock, duration, one_line
from interlock.domain.readiness import RuleVerdict
from interlock.domain.rule_check import (
    AGE_CHECKS,
    CLOCK_TOLERANCE,
    ORDERINGS,
    CompiledRule,
    compile_rule,
    wanted_text,
)
from interlock.domain.sensor_value import as_number, duration_text, number_text, parse_instant, shown

MOST_LINES = 20
LONGEST_LINE = 300

Say = Callable[[datetime], str]  # an instant, for whoever reads it


@dataclass(frozen=True, slots=True)
class Need:
    """One rule or group: what was found, and what must change for it to be as wanted."""

    rule: str
    met: bool
    reason: str  # row-count.count is 900, wanted >= 1000
    found: str  # row-count.count is 900
    since: datetime | None  # since when it has stood so
    change: str  # must rise by 100 to 1000; empty when it is met, and of a group
    least: int = 0  # of a group: how many of its members must be met
    members: tuple[Need, ...] = ()

    @property
    def lacking(self) -> list[Need]:
        """The members that are not met."""
        return [member for member in self.members if not member.met]

    @property
    def needed(self) -> int:
        """Of a group: how many more of its members must be met."""
        return max(0, self.least - len(self.members) + len(self.lacking))


def needs(
    pipeline: Pipeline, run_date: str, verdicts: Sequence[RuleVerdict], now: datetime, say: Say
) -> Need:
    """The whole validation as one group, as these verdicts have it. Rules that the config has lost meanwhile stay out."""
    whole = compile_rule(pipeline.validation.rule)
    found = {verdict.rule: verdict for verdict in verdicts}
    judged = [(rule, found[rule.text]) for rule in whole.members if rule.text in found]
    reader = _Reader(run_date, now, say)
    members = tuple(reader.need(rule, verdict, wanted=True) for rule, verdict in judged)
    return _group(whole.text, members, 1 if pipeline.validation.match is Match.ANY else len(members), None)


def need_of(node: RuleNode, verdict: RuleVerdict, run_date: str, now: datetime, say: Say) -> Need:
    """One rule by itself: a trigger's."""
    return _Reader(run_date, now, say).need(compile_rule(node), verdict, wanted=True)


def missing_lines(
    pipeline: Pipeline, run_date: str, verdicts: Sequence[RuleVerdict], now: datetime
) -> list[str]:
    """One short line for each thing that is missing and what would have to change; times in UTC.

    The trigger's comes first, where its verdict is among them.
    """

    def say(at: datetime) -> str:
        return clock(at, now)

    rules = needs(pipeline, run_date, verdicts, now, say)
    opening = _trigger(pipeline, run_date, verdicts, now, say)
    lines = list(dict.fromkeys(line for need in (*opening, rules) for line in _lines(need, now, say)))
    more = [f"and {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else []
    return [one_line(line, LONGEST_LINE) for line in lines[:MOST_LINES]] + more


def _trigger(
    pipeline: Pipeline, run_date: str, verdicts: Sequence[RuleVerdict], now: datetime, say: Say
) -> Iterator[Need]:
    trigger = pipeline.schedule.trigger
    if trigger is not None:
        text = compile_rule(trigger.rule).text
        judged = [verdict for verdict in verdicts if verdict.rule == text]
        yield from (need_of(trigger.rule, verdict, run_date, now, say) for verdict in judged[:1])


def _lines(need: Need, now: datetime, say: Say) -> Iterator[str]:
    if need.met:
        return
    if not need.members:
        yield f"{need.found}: {need.change}{unmet_since(need, now, say)}"
        return
    if need.needed == len(need.lacking):
        for member in need.lacking:
            yield from _lines(member, now, say)
        return
    told = [", and ".join(_lines(member, now, say)) for member in need.lacking]
    yield f"{choice(need)}: {'; or '.join(told)}"


def choice(need: Need) -> str:
    """Of a group of which not all need change: how many must."""
    return (
        f"{need.needed} of these {len(need.lacking)} must change"
        if need.needed > 1
        else "one of these is enough"
    )


def unmet_since(need: Need, now: datetime, say: Say) -> str:
    """Empty while that is not known, or just now."""
    if need.since is None or now - need.since < timedelta(seconds=1):
        return ""
    return f" (unmet since {say(need.since)}, {duration(now - need.since)})"


def _group(rule: str, members: tuple[Need, ...], least: int, since: datetime | None) -> Need:
    held = sum(member.met for member in members)
    needed = max(0, least - held)
    found = f"{held} of {len(members)} hold" + (f", {needed} more needed" if needed else "")
    return Need(rule, not needed, found, found, since, "", least, members)


# What a check wants when it must not hold; it does hold then, so the value is of the right kind.
_OPPOSITE: Mapping[Check, Check] = {
    Check.GT: Check.LTE,
    Check.GTE: Check.LT,
    Check.LT: Check.GTE,
    Check.LTE: Check.GT,
    Check.EQUALS: Check.NOT_EQUALS,
    Check.NOT_EQUALS: Check.EQUALS,
}


@dataclass(frozen=True, slots=True)
class _Reader:
    """For which run, from when, and how to tell an instant."""

    run_date: str
    now: datetime
    say: Say

    def need(self, rule: CompiledRule, verdict: RuleVerdict, *, wanted: bool) -> Need:
        """`wanted`: whether it should hold; below a `not` it should not."""
        if isinstance(rule.node, Rule):
            return self._of_rule(rule.node, verdict, wanted=wanted)
        if isinstance(rule.node, UpstreamRule):
            change = "must succeed" if wanted else "must not have succeeded"
            see = f"see interlock explain {rule.node.pipeline_id}{self._date_of(rule.node)}"
            return _leaf(verdict, verdict.reason, f"{change}; {see}", wanted)
        pairs = list(zip(rule.members, verdict.members, strict=False))
        if rule.needed == 0 and len(pairs) == 1:  # `not`
            return self.need(*pairs[0], wanted=not wanted)
        members = tuple(self.need(member, told, wanted=wanted) for member, told in pairs)
        least = rule.needed if wanted else len(members) - rule.needed + 1
        return _group(verdict.rule, members, least, verdict.since)

    def _date_of(self, rule: UpstreamRule) -> str:
        """Where it is known without asking: a day's run waits for a run of that day."""
        of_a_day = "T" not in self.run_date
        return f" {self.run_date}" if rule.date is UpstreamDate.SAME and of_a_day else ""

    def _of_rule(self, rule: Rule, verdict: RuleVerdict, *, wanted: bool) -> Need:
        found = verdict.reason.rpartition(f", wanted {wanted_text(rule)}")[0] or verdict.reason
        change = self._to_hold(rule, verdict) if wanted else self._to_stop(rule, verdict)
        return _leaf(verdict, found, change, wanted)

    def _to_hold(self, rule: Rule, verdict: RuleVerdict) -> str:
        if rule.check in AGE_CHECKS:
            return self._to_age(rule, verdict)
        if verdict.seen is None or rule.check is Check.EXISTS:
            return self._must_be_written(rule)
        return _value_change(rule, rule.check, verdict.seen)

    def _must_be_written(self, rule: Rule) -> str:
        # The run's own period is looked at first: whatever else is there, a reading of this key counts.
        written = f"SENSOR#{rule.key}#{self.run_date} must be written"
        if rule.check in AGE_CHECKS:
            side = "less" if rule.check is Check.AGE_LT else "more"
            return f"{written} with {rule.field or 'updatedAt'} {side} than {_span(rule)} ago"
        if rule.check is Check.EXISTS:
            return f"{written} with {rule.field}" if rule.field else written
        return f"{written} with {rule.field} {wanted_text(rule)}"

    def _to_age(self, rule: Rule, verdict: RuleVerdict) -> str:
        instant = parse_instant(verdict.seen)
        if instant is None or not isinstance(rule.value, timedelta):
            return self._must_be_written(rule)
        if rule.check is Check.AGE_GT:
            return self._by_itself(instant, rule.value)
        if self.now - instant < -CLOCK_TOLERANCE:
            return self._by_itself(instant, -CLOCK_TOLERANCE)
        return self._must_be_written(rule)

    def _by_itself(self, instant: datetime, later: timedelta) -> str:
        try:
            flips_at = instant + later
        except OverflowError:
            return "must be written again: this time is too far away"
        if flips_at <= self.now:  # verdicts of an earlier look
            return "holds by itself since then"
        return f"holds by itself from {self.say(flips_at)} on, in {duration(flips_at - self.now)}"

    def _to_stop(self, rule: Rule, verdict: RuleVerdict) -> str:
        instant = parse_instant(verdict.seen) if rule.check in AGE_CHECKS else None
        if rule.check is Check.AGE_LT and instant is not None and isinstance(rule.value, timedelta):
            return self._by_itself(instant, rule.value)
        if rule.check is Check.AGE_GT:
            return f"must be written again, with {rule.field or 'updatedAt'} less than {_span(rule)} ago"
        if rule.check is Check.EXISTS:
            return f"{rule.field} must go" if rule.field else "must be deleted"
        if rule.check is Check.IN:
            return f"must become none of {_options(rule)}"
        return _value_change(rule, _OPPOSITE[rule.check], verdict.seen)


def _leaf(verdict: RuleVerdict, found: str, change: str, wanted: bool) -> Need:
    met = verdict.holds is wanted
    rule = verdict.rule if wanted else f"not ({verdict.rule})"
    reason = verdict.reason if wanted else f"{verdict.reason}, which must not be"
    return Need(rule, met, reason, found, verdict.since, "" if met else change)


def _value_change(rule: Rule, check: Check, seen: object) -> str:
    if check is Check.EQUALS:
        return f"must become {shown(rule.value)}"
    if check is Check.NOT_EQUALS:
        return f"must become anything but {shown(rule.value)}"
    if check is Check.IN:
        return f"must become one of {_options(rule)}"
    number, limit = as_number(seen), as_number(rule.value)
    if limit is None or check not in ORDERINGS:
        return f"must become {wanted_text(rule)}"
    if number is None:
        return f"must become a number {wanted_text(rule)}"
    verb, edge = ("rise", "above") if check in (Check.GT, Check.GTE) else ("fall", "below")
    by = abs(Decimal(limit) - Decimal(number))
    if check in (Check.GTE, Check.LTE):
        return f"must {verb} by {_plain(by)} to {number_text(limit)}"
    more = f" by more than {_plain(by)}," if by else ""
    return f"must {verb}{more} {edge} {number_text(limit)}"


def _plain(number: Decimal) -> str:
    whole = number.to_integral_value()
    return number_text(whole if whole == number else number.normalize())


def _options(rule: Rule) -> str:
    return wanted_text(rule).removeprefix("in ")


def _span(rule: Rule) -> str:
    return duration_text(rule.value) if isinstance(rule.value, timedelta) else shown(rule.value)
