"""An explanation laid out: as lines for a terminal, bounded and safe to print, and as JSON for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from interlock.domain.explanation import Explanation, Mark, ToldDeadline
from interlock.domain.missing import Need, choice
from interlock.domain.plain_text import duration, one_line

MOST_RULES = 40  # of those that hold, and of those that do not
MOST_LINES = 160  # of the rules: groups may nest and hold many
LONGEST_TEXT = 400  # characters of what is told in one place


def explanation_lines(explanation: Explanation) -> list[str]:
    """The whole answer; an empty line between its parts."""
    parts = [
        [_headline(explanation)],
        _facts(explanation),
        _listed("Trigger", _need(explanation.trigger, explanation, 1) if explanation.trigger else ()),
        _rules(explanation),
        _listed("Next", (f"  {_safe(line)}" for line in explanation.following)),
        _deadlines(explanation),
        _listed("What you can do", (f"  {_safe(line)}" for line in explanation.advice)),
        _listed("Note", (f"  {_safe(line)}" for line in explanation.notes)),
    ]
    lines: list[str] = []
    for part in filter(None, parts):
        lines += [*([""] if lines else []), *part]
    return lines


def _headline(explanation: Explanation) -> str:
    key = explanation.key
    return f"{_safe(key.pipeline_id)} {_safe(key.date)} {_safe(explanation.headline)}"


def _listed(title: str, lines: Iterable[str]) -> list[str]:
    found = list(lines)
    return [title, *found] if found else []


def _facts(explanation: Explanation) -> list[str]:
    width = max((len(fact.name) for fact in explanation.facts), default=0)
    return _listed("Run", (f"  {fact.name:{width}}  {_safe(fact.text)}" for fact in explanation.facts))


def _rules(explanation: Explanation) -> list[str]:
    rules = explanation.rules
    if rules is None or not rules.members:
        return []
    held = sum(member.met for member in rules.members)
    count = len(rules.members)
    wanted = "all must" if rules.least == count else f"{rules.least} must"
    title = f"Rules, read {explanation.rules_read}: {held} of {count} hold" + (
        "" if held == count else f", {wanted}"
    )
    # What is missing must not drown among what is not.
    shown = [*_first(rules.members, met=False), *_first(rules.members, met=True)]
    lines = [line for need in rules.members if need in shown for line in _need(need, explanation, 1)]
    more = count - len(shown)
    lines += [f"  and {more} more"] if more else []
    if len(lines) > MOST_LINES:
        lines = [*lines[:MOST_LINES], f"  and {len(lines) - MOST_LINES} more lines"]
    return [title, *lines]


def _first(members: Sequence[Need], *, met: bool) -> list[Need]:
    return [member for member in members if member.met is met][:MOST_RULES]


def _need(need: Need, explanation: Explanation, depth: int) -> Iterator[str]:
    indent = "  " * depth
    mark = Mark.MET if need.met else Mark.UNMET
    yield f"{indent}{mark} {_safe(need.reason)}{_since(need, explanation)}"
    if need.met:
        return
    if need.members:
        if need.needed < len(need.lacking):
            yield f"{indent}    {choice(need)}:"
        for member in need.members:
            yield from _need(member, explanation, depth + 2)
    else:
        yield f"{indent}    {_safe(need.change)}"


def _since(need: Need, explanation: Explanation) -> str:
    now = explanation.times.now
    if need.since is None or (now - need.since).total_seconds() < 1:
        return ""
    return f" · for {duration(now - need.since)}, since {explanation.times.at(need.since)}"


def _deadlines(explanation: Explanation) -> list[str]:
    found = explanation.deadlines
    names, times = [line.name for line in found], [explanation.times.when(line.at) for line in found]
    widths = max(map(len, names), default=0), max(map(len, times), default=0)
    lines = (_deadline(line, when, widths) for line, when in zip(found, times, strict=True))
    return _listed("Deadlines", lines)


def _deadline(deadline: ToldDeadline, when: str, widths: tuple[int, int]) -> str:
    return f"  {deadline.mark} {deadline.name:{widths[0]}}  {when:{widths[1]}}  {_safe(deadline.standing)}"


def _safe(text: str) -> str:
    """What comes from outside may hold anything."""
    return one_line(text, LONGEST_TEXT)


def explanation_data(explanation: Explanation) -> dict[str, Any]:
    """The same as JSON has it; instants are ISO 8601 in UTC."""
    return {
        "pipeline": explanation.key.pipeline_id,
        "schedule": explanation.key.schedule_id,
        "date": explanation.key.date,
        "state": explanation.state,
        "at": _instant(explanation.times.now),
        "headline": explanation.headline,
        "run": {fact.name: fact.text for fact in explanation.facts},
        "trigger": _need_data(explanation.trigger) if explanation.trigger else None,
        "rules": [_need_data(member) for member in explanation.rules.members] if explanation.rules else [],
        "next": list(explanation.following),
        "deadlines": [
            {"name": line.name, "at": _instant(line.at), "standing": line.standing}
            for line in explanation.deadlines
        ],
        "advice": list(explanation.advice),
        "notes": list(explanation.notes),
        "text": explanation_lines(explanation),
    }


def _need_data(need: Need) -> dict[str, Any]:
    data: dict[str, Any] = {
        "rule": need.rule,
        "holds": need.met,
        "reason": need.reason,
        "change": need.change,
        "since": _instant(need.since) if need.since else None,
    }
    if need.members:
        data["stillNeeded"] = need.needed
        data["members"] = [_need_data(member) for member in need.members]
    return data


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
