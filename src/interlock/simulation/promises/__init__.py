"""The promises of the design in code: what a played world broke of them. `interlock simulate` and torture ask alike.

Each family is a module of its own, and judges by the facts that the world wrote down, with an arithmetic of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from interlock.simulation.played import Played
from interlock.simulation.promises import (
    abandoned,
    back_off,
    data_noticed,
    ledger,
    neighbours,
    nothing_left,
    promptness,
    reasons,
    runs,
    secrecy,
    starts,
    telling,
    windows,
)
from interlock.simulation.promises.facts import Broken, Facts

Check = Callable[[Facts], Iterator[Broken]]
CHECKS: tuple[Check, ...] = (
    *starts.CHECKS,
    *runs.CHECKS,
    *abandoned.CHECKS,
    *back_off.CHECKS,
    *windows.CHECKS,
    *reasons.CHECKS,
    *promptness.CHECKS,
    *ledger.CHECKS,
    *data_noticed.CHECKS,
    *telling.CHECKS,
    *nothing_left.CHECKS,
    *secrecy.CHECKS,
)


def broken_promises(played: Played) -> list[Broken]:
    """All that were broken of those that the scenario expects to be kept, in the order of the checks."""
    expect = played.scenario.expect
    facts = Facts(played)
    broken = [broken for check in CHECKS for broken in check(facts)] if expect.promises else []
    return broken + list(neighbours.harmed_by(expect.harmless, played) if expect.harmless else ())
