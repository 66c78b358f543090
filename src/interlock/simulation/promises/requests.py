"""Every request for a rerun is decided once, says so, and is gone then."""

from __future__ import annotations

from collections.abc import Iterator

from interlock.aws import keys
from interlock.domain.bad_input import BadInput
from interlock.domain.run import RunKey
from interlock.domain.schedule import period_of
from interlock.simulation.promises.books import Books
from interlock.simulation.promises.facts import Broken, clock, named

_DECISIONS = ("RERUN_ACCEPTED", "RERUN_REJECTED", "DRY_RUN_WOULD_RERUN", "DRY_RUN_RERUN_REJECTED")


def requests_are_decided(books: Books) -> Iterator[Broken]:
    """One decision for each put of a request that changed its row, unless somebody took it back."""
    for row, changes in books.facts.rows_ever(keys.RowKind.RERUN_REQUEST):
        key = _run_of(row)
        if key is None or books.calm.is_meddled_with(key.pipeline_id):
            continue
        puts = [change for change in changes if change.by is None and change.new is not None]
        told = [one for one in books.told_of(key, *_DECISIONS) if one.detail.get("source") == "manual"]
        if len(told) > len(puts):
            at = ", ".join(clock(one.change.at) for one in told)
            yield Broken(
                "requests-decided", named(key), f"{len(told)} decisions of {len(puts)} requests: {at}"
            )
        taken_back = any(change.by is None and change.new is None for change in changes)
        if not books.calm.is_at_rest or books.calm.loses_records or taken_back or _is_unreadable(books, key):
            continue
        if not books.calm.is_over(puts[-1].at):
            continue
        if changes[-1].new is not None:
            yield Broken("requests-decided", named(key), f"that of {clock(puts[-1].at)} is still there")
        if len(told) < len(puts):
            what = f"{len(told)} decisions of {len(puts)} requests, the last of {clock(puts[-1].at)}"
            yield Broken("requests-decided", named(key), what)


def _run_of(row: tuple[str, str]) -> RunKey | None:
    """None for a key that names no run: that is told as bad input."""
    try:
        key = keys.parse_run_key(*row)
        period_of(key.date)
    except (BadInput, ValueError):
        return None
    return key


def _is_unreadable(books: Books, key: RunKey) -> bool:
    """It was told that this request, or what it is decided by, cannot be read."""
    for row, changes in books.facts.rows_ever("NOTICE#SENSOR_INVALID#"):
        if row[0] == keys.partition(key.pipeline_id) and changes:
            return True
    return False
