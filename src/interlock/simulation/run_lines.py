"""A change of a run's row as a line of the history: where it stands now, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from interlock.aws.run_item import RowInvalid, read_run
from interlock.aws.table import Item
from interlock.domain.readiness import RuleVerdict
from interlock.domain.run import Run


def run_line(old: Item | None, new: Item | None) -> tuple[str, tuple[str, ...]] | None:
    """The text and the reasons; None for bookkeeping that nobody would ask about."""
    if new is None:
        return "its row was deleted", ()
    if old is not None and all(old.get(name) == new.get(name) for name in ("status", "attempt", "verdicts")):
        return None
    try:
        before, after = read_run(old) if old else None, read_run(new)
    except RowInvalid as error:
        return str(error), ()
    told = _told(before, after)
    return (told, tuple(verdict_lines(after.verdicts))) if told else None


def _told(before: Run | None, after: Run) -> str | None:
    where = f"{after.key.date} attempt {after.attempt}"
    if before is None:
        return f"{where}: {after.status}, opened by {after.opened_by}"
    if (before.status, before.attempt) != (after.status, after.attempt):
        error = f": {after.outcome.error}" if after.outcome and after.outcome.error else ""
        return f"{where}: {before.status} -> {after.status}{error}"
    return f"{where}: still {after.status}" if after.verdicts else None


def verdict_lines(verdicts: Iterable[RuleVerdict], depth: int = 0) -> Iterator[str]:
    """Each rule's verdict, members below their group."""
    for verdict in verdicts:
        mark = "holds" if verdict.holds else "does not hold"
        yield f"{'  ' * depth}{verdict.rule}: {mark}: {verdict.reason}"
        yield from verdict_lines(verdict.members, depth + 1)
