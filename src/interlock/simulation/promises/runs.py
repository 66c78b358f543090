"""A run's row goes only where the design lets it go, uses no more than its budgets, and ends."""

from __future__ import annotations

from collections.abc import Iterator

from interlock.domain.run import RunStatus
from interlock.simulation.promises.facts import Broken, Facts, named

# DESIGN section 4. Written down a second time on purpose: the first one is what is being judged.
_MOVES = {
    "WAITING": {"RUNNING", "EXPIRED", "CANCELLED"},
    "RUNNING": {"SUCCEEDED", "FAILED", "WAITING"},
    "SUCCEEDED": {"WAITING"},
    "FAILED": {"WAITING"},
    "EXPIRED": {"WAITING"},
    "CANCELLED": {"WAITING"},
}


def moves_of_the_table(facts: Facts) -> Iterator[Broken]:
    """Statuses change only along the table, and a row is born WAITING."""
    for key, changes in facts.runs.items():
        for one in changes:
            if one.after is None:
                continue
            before = one.before.status if one.before else None
            allowed = _MOVES[before] | {before} if before else {RunStatus.WAITING}
            if one.after.status not in allowed:
                what = f"{before or 'no row'} -> {one.after.status} at {one.change.at:%d %H:%M:%S}"
                yield Broken("moves-of-the-table", named(key), what)


CHECKS = (moves_of_the_table,)
