"""What was tried, in figures: of one world, or of all of them together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from interlock.aws import keys
from interlock.simulation.played import Played
from interlock.simulation.witness import Change
from interlock.torture.disturbances import CALLS


@dataclass(frozen=True, slots=True)
class Figures:
    """Sums; one world's are small enough to be sent to another process and kept in a file."""

    worlds: int = 0
    virtual_seconds: float = 0
    cpu_seconds: float = 0  # all that a world costs: made, played and judged
    faults: Mapping[str, int] = field(default_factory=dict)  # by kind
    strikes: Mapping[str, int] = field(default_factory=dict)  # by function, call, and before or after it
    row_changes: int = 0
    moves: int = 0  # of runs, from one status to the next
    starts: int = 0  # of remote jobs
    events: int = 0
    messages: int = 0


def figures_of(played: Played, cpu_seconds: float) -> Figures:
    """Of the world that was played."""
    changes = played.witness.changes
    return Figures(
        worlds=1,
        virtual_seconds=(played.scenario.until - played.scenario.start).total_seconds(),
        cpu_seconds=cpu_seconds,
        faults=played.history.faults,
        strikes=played.history.strikes,
        row_changes=len(changes),
        moves=sum(map(_is_move, changes)),
        starts=len(played.witness.starts),
        events=len(played.events()),
        messages=len(played.history.posted),
    )


def _is_move(change: Change) -> bool:
    if change.table != "control" or not change.key[1].startswith(keys.RowKind.RUN):
        return False
    return (change.old or {}).get("status") != (change.new or {}).get("status")


def total(of: Iterable[Figures]) -> Figures:
    """All together."""
    sums: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    strikes: Counter[str] = Counter()
    for one in of:
        faults.update(one.faults)
        strikes.update(one.strikes)
        sums.update({name: getattr(one, name) for name in _NUMBERS})
    return Figures(**sums, faults=faults, strikes=strikes)


def figures_data(figures: Figures) -> dict[str, Any]:
    """As JSON has them."""
    numbers = {name: getattr(figures, name) for name in _NUMBERS}
    by_name = {name: dict(sorted(getattr(figures, name).items())) for name in _COUNTERS}
    return {**numbers, **by_name}


def struck(figures: Figures, when: str) -> tuple[int, int]:
    """How many of our functions' calls a fault struck, `before` or `after` their effect; and how many there are."""
    every = [f"{function} {call} {when}" for function, calls in CALLS.items() for call in calls]
    return sum(strike in figures.strikes for strike in every), len(every)


def read_figures(data: Mapping[str, Any]) -> Figures:
    """What `figures_data` gave."""
    return Figures(**data)


_COUNTERS = ("faults", "strikes")
_NUMBERS = [one.name for one in fields(Figures) if one.name not in _COUNTERS]
