"""A played scenario as text or data: the verdict, the timeline, the counts and their price. Only virtual time is shown.

The same file gives the same bytes, so nothing here may depend on this machine, its clock or the order of a set.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from interlock.pipeline_yaml.mistake import printable
from interlock.simulation.expectations import Happened, Unmet, unmet_expectations
from interlock.simulation.history import Line
from interlock.simulation.played import Played
from interlock.simulation.prices import priced
from interlock.simulation.scenario import Delay
from interlock.simulation.tally import Tally

_ACCOUNTS = ("scenario", "background", "loading")


@dataclass(frozen=True, slots=True)
class Verdict:
    """One scenario, judged."""

    file: str
    played: Played
    unmet: tuple[Unmet, ...]

    @property
    def passed(self) -> bool:
        return not self.unmet


def judged(file: str, played: Played) -> Verdict:
    """The played scenario held against its expectations."""
    return Verdict(file, played, tuple(unmet_expectations(played)))


def verdict_text(verdict: Verdict, *, timeline: bool, report: bool) -> Iterator[str]:
    """The lines that are printed for one file."""
    scenario = verdict.played.scenario
    mark = "PASS" if verdict.passed else "FAIL"
    yield f"{mark} {_seconds(scenario.until - scenario.start)} {printable(scenario.name)}"
    for unmet in verdict.unmet:
        yield printable(f"  expected {unmet.expected}")
        yield from ("    " + _happened_text(happened, scenario.start) for happened in unmet.happened)
        if not unmet.happened:
            yield "    nothing of the kind happened"
    yield from (f"  {text}" for text in _unused(verdict.played))
    if timeline:
        yield from _timeline_text(verdict.played)
    if report:
        yield from _report_text(verdict.played)


def verdict_data(verdict: Verdict, *, timeline: bool, report: bool) -> dict[str, Any]:
    """The same for programs."""
    played = verdict.played
    data: dict[str, Any] = {
        "file": verdict.file,
        "scenario": played.scenario.name,
        "passed": verdict.passed,
        "seconds": (played.scenario.until - played.scenario.start).total_seconds(),
        "unmet": [
            {"expected": unmet.expected, "happened": [_happened_data(one) for one in unmet.happened]}
            for unmet in verdict.unmet
        ],
        "unusedFaults": list(_unused(played)),
    }
    if timeline:
        data["timeline"] = [_line_data(line) for line in played.history.in_order()]
    if report:
        data["report"] = _report_data(played)
    return data


def _seconds(duration: timedelta) -> str:
    return f"{duration.total_seconds():.3f}".rstrip("0").rstrip(".")


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z").replace(".000Z", "Z")


def _offset(at: datetime, start: datetime) -> str:
    seconds = (at - start).total_seconds()
    hours, rest = divmod(int(seconds), 3600)
    return f"+{hours}h{rest // 60:02}m{rest % 60:02}s"


def _happened_text(happened: Happened, start: datetime) -> str:
    when = f"{_instant(happened.at)} {_offset(happened.at, start)} " if happened.at else ""
    return printable(f"{when}{happened.text}")


def _happened_data(happened: Happened) -> dict[str, Any]:
    return {"at": _instant(happened.at) if happened.at else None, "text": happened.text}


def _unused(played: Played) -> Iterator[str]:
    for fault, left in played.unused_faults:
        yield printable(f"unused fault: {fault.call} with {fault.error}, {left} of {fault.times} left")
    for action, left in played.unused_deliveries:
        kind = "delay" if isinstance(action, Delay) else "duplicate"
        yield f"unused {kind}: {action.what}, {left} of {action.next} left"


# ---- the timeline


def _timeline_text(played: Played) -> Iterator[str]:
    for line in played.history.in_order():
        pipeline = f"{line.pipeline_id}: " if line.pipeline_id else ""
        when = f"{_instant(line.at)} {_offset(line.at, played.scenario.start)}"
        yield printable(f"  {when} {line.kind:<8} {pipeline}{line.text}")
        yield from (printable(f"      {reason}") for reason in line.reasons)


def _line_data(line: Line) -> dict[str, Any]:
    return {
        "at": _instant(line.at),
        "kind": str(line.kind),
        "pipeline": line.pipeline_id,
        "text": line.text,
        "reasons": list(line.reasons),
    }


# ---- the report


def _tallies(played: Played) -> tuple[Tally, ...]:
    return played.cost, played.background, played.loading


def _counted(tallies: Sequence[Tally]) -> Iterator[tuple[str, list[Decimal]]]:
    """Each thing that was counted somewhere, with its count in each account."""
    costs = [tally.costs() for tally in tallies]
    for name in costs[0]:
        yield name, [cost[name] for cost in costs]
    for function in sorted({name for tally in tallies for name in tally.invocations}):
        yield f"invocations of {function}", [Decimal(tally.invocations[function]) for tally in tallies]
    for call in sorted({name for tally in tallies for name in tally.calls}):
        yield call, [Decimal(tally.calls[call]) for tally in tallies]


def _report_text(played: Played) -> Iterator[str]:
    # Background: ticks that found nothing to do. Loading: the configs, before the first instant was over.
    yield f"  {'counted':<34}" + "".join(f"{name:>12}" for name in _ACCOUNTS)
    for name, counts in _counted(_tallies(played)):
        yield f"  {name:<34}" + "".join(f"{_number(count):>12}" for count in counts)
    yield f"  {'list price, us-east-1':<34}{'count':>12}{'US dollars':>14}  source"
    total = Decimal(0)
    for price, count, dollars in priced(played.cost):
        total += dollars
        yield f"  {price.thing:<34}{_number(count):>12}{dollars:>14.8f}  {price.source}"
    yield f"  {'together':<34}{'':>12}{total:>14.8f}"


def _report_data(played: Played) -> dict[str, Any]:
    counted = {
        name: dict(zip(_ACCOUNTS, map(float, counts), strict=True))
        for name, counts in _counted(_tallies(played))
    }
    prices = [
        {"thing": price.thing, "count": float(count), "dollars": float(dollars), "source": price.source}
        for price, count, dollars in priced(played.cost)
    ]
    return {"counted": counted, "prices": prices, "dollars": sum(price["dollars"] for price in prices)}


def _number(count: Decimal) -> str:
    return f"{count.normalize():f}"
