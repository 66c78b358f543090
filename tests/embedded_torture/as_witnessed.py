"""The stream's facts in the form in which the simulator's promises judge a world, and those of them that need no more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

from embedded_torture import stream_tail
from interlock.aws.table import Item, Key
from interlock.domain.run import RunKey
from interlock.simulation.history import History
from interlock.simulation.played import Played
from interlock.simulation.promises import runs
from interlock.simulation.promises.facts import Broken, Facts
from interlock.simulation.promises.readings import rules_hold
from interlock.simulation.witness import Change, Witness

# Whether a success is real is asked of the services here: `promises.successes`.
CHECKS = tuple(check for check in runs.CHECKS if check is not runs.successes_are_real)
_READ = ("SENSOR#", "RUN#")  # rows that rules look at


def as_witnessed(changes: Sequence[stream_tail.Change]) -> Facts:
    """The control table's past. Its places are those of the stream, which tells whole seconds only and nobody's name."""
    witness = Witness(cast(History, None))
    for order, one in enumerate(changes, 1):
        at = _instant(one.new or one.old or {})
        witness.changes.append(Change(order, at, "control", one.key, one.old, one.new, None))
    return Facts(cast(Played, SimpleNamespace(witness=witness, rest=None)))


def _instant(row: dict[str, Any]) -> datetime:
    told = row.get("updatedAt")
    try:
        return datetime.fromisoformat(str(told))
    except ValueError:
        return datetime.fromtimestamp(0, UTC)


def rules_held(facts: Facts, run: RunKey, attempt: int) -> bool:
    """At some instant between the attempt's beginning and the moment at which the run meant to start its job."""
    began = intended = None
    for one in facts.runs.get(run, []):
        if one.after is None or one.after.attempt != attempt:
            continue
        began = began or one.change.order
        if one.after.intent is not None:
            intended = one.change.order
            break
    if began is None or intended is None:
        return False
    configs = [each for each in facts.configs_between(run.pipeline_id, began, intended) if each is not None]
    now = datetime.now(UTC)  # no rule of these worlds looks at the clock
    for order in _instants(facts, began, intended):

        def rows(row: Key, order: int = order) -> Item | None:
            return facts.row_at(row, order)

        if any(rules_hold(config, run, rows, now) for config in configs):
            return True
    return False


def _instants(facts: Facts, first: int, last: int) -> Iterator[int]:
    yield first
    for change in facts.changes_between(first, last):
        if change.key[1].startswith(_READ):
            yield change.order


def broken_moves(facts: Facts) -> Iterator[Broken]:
    """Moves, versions, attempts and budgets."""
    for check in CHECKS:
        yield from check(facts)
