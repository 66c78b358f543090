"""The promises of the design in code: what a played world broke of them. `expect: {promises: kept}` and torture ask.

Each family is a module of its own, and judges by the facts that the world wrote down, with an arithmetic of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from interlock.simulation.played import Played
from interlock.simulation.promises import (
    abandoned,
    back_off,
    data,
    ledger,
    promptness,
    reasons,
    rest,
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
    *data.CHECKS,
    *telling.CHECKS,
    *rest.CHECKS,
    *secrecy.CHECKS,
)


def broken_promises(played: Played) -> list[Broken]:
    """All that were broken, in the order of the checks."""
    facts = Facts(played)
    return [broken for check in CHECKS for broken in check(facts)]
