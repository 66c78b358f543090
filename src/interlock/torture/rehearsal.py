"""Faults at calls that a world makes seldom, which those at random never meet: it is played once to learn of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from interlock.simulation.history import Kind
from interlock.simulation.play import play
from interlock.simulation.played import Played
from interlock.torture.chance import Chance
from interlock.torture.disturbances import ERRORS
from interlock.torture.document import Document, scenario_of
from interlock.torture.setting import Setting
from interlock.torture.writers import Entry

_LASTS = 60  # seconds after its call within which a fault is gone, should the call not come again


@dataclass(frozen=True, slots=True)
class Made:
    """One call of ours in the rehearsal."""

    function: str
    call: str
    second: int  # after the start, rounded down
    nth: int  # of those of this function in this second, from 0


def aimed_faults(document: Document, chance: Chance, setting: Setting) -> Iterator[Entry]:
    """At some of the calls that the world makes in its busy time, each before or after its effect."""
    made = _calls(play(scenario_of(document)), setting)
    often = Counter((one.function, one.call) for one in made)
    for _ in range(min(chance.whole(2, 6), len(often))):
        kind = chance.of({kind: 1 / times for kind, times in often.items()})
        del often[kind]
        one = chance.one([one for one in made if (one.function, one.call) == kind])
        fault: dict[str, Any] = {"call": one.call, "function": one.function, "error": chance.of(ERRORS)}
        fault |= {"when": "after"} if chance.likely(0.6) else {}
        fault |= {"skip": one.nth} if one.nth else {}
        yield one.second, {"fault": fault | {"lasts": f"{_LASTS}s"}}


def _calls(played: Played, setting: Setting) -> list[Made]:
    """Those that a fault can meet: configs are loaded before the first is armed, and at last the world is calm."""
    found: list[Made] = []
    before: Counter[tuple[str, str, int]] = Counter()
    lines = [
        (line.order, invocation.function, line)
        for invocation in played.witness.invocations
        for line in invocation.lines
        if line.kind is Kind.CALL
    ]
    for _, function, line in sorted(lines, key=lambda each: each[0]):
        second = int((line.at - setting.start).total_seconds())
        place = function, line.text, second
        if 0 < second <= setting.busy - _LASTS:
            found.append(Made(function, line.text, second, before[place]))
        before[place] += 1
    return found
