"""The ledger's own rows: none is left behind, each kind goes on, and what is settled says so in the same write."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from interlock.aws import keys
from interlock.domain.expected_date import first_expected
from interlock.simulation.promises.books import Books
from interlock.simulation.promises.facts import Broken, Facts, clock
from interlock.simulation.promises.promised_starts import SLA, STARTS, deadline_of


def nothing_is_left_open(books: Books) -> Iterator[Broken]:
    """What is still open at the end has its due time ahead."""
    for (partition, sort), row in books.facts.rest.tables["control"].items():
        pipeline = keys.pipeline_of(partition)
        if not sort.startswith(keys.RowKind.DUE) or "dueShard" not in row or pipeline not in books.pipelines:
            continue
        due_at = datetime.fromtimestamp(float(row["dueAt"]) / 1000, books.facts.ended_at.tzinfo)
        if books.calm.is_over(due_at):
            what = f"due at {clock(due_at)}, still open at {clock(books.facts.ended_at)}"
            yield Broken("nothing-left-open", f"{pipeline} {sort}", what)


def ledger_goes_on(books: Books) -> Iterator[Broken]:
    """For each kind that a config promises there is an open row ahead, as long as there is a date for it."""
    ended_at = books.facts.ended_at
    for regime in books.regimes:
        if regime.until < ended_at or regime.pipeline.dry_run or not books.calm.is_over(regime.binding_from):
            continue
        following = first_expected(regime.pipeline, ended_at, regime.calendars)
        for kind in (*STARTS, SLA) if following else ():
            prefix = f"{keys.RowKind.DUE}{kind.name}#{regime.pipeline.schedule_id}#"
            promised = following is not None and deadline_of(kind, regime, following) is not None
            if promised and not any(_open_rows(books.facts, regime.pipeline.id, prefix)):
                what = f"no row ahead at {clock(ended_at)}, though {following and following.date} is to come"
                yield Broken("ledger-goes-on", f"{kind.name} of {regime.pipeline.id}", what)


def _open_rows(facts: Facts, pipeline_id: str, prefix: str) -> Iterator[str]:
    for (partition, sort), row in facts.rest.tables["control"].items():
        if partition == keys.partition(pipeline_id) and sort.startswith(prefix) and "dueShard" in row:
            yield sort


_EVENT_OF = {
    ("fire", "missed"): "SCHEDULE_MISSED",
    ("inclusion", "missed"): "IRREGULAR_SCHEDULE_MISSED",
    ("trigger", "expired"): "SENSOR_DEADLINE_EXPIRED",
    ("sla", "met"): "SLA_MET",
    ("sla", "breached"): "SLA_BREACH",
    ("relative-sla", "met"): "SLA_MET",
    ("relative-sla", "breached"): "RELATIVE_SLA_BREACH",
    ("post-run", "missing"): "POST_RUN_SENSOR_MISSING",
}


def settled_rows_say_why(books: Books) -> Iterator[Broken]:
    """A row that is settled carries, in that very write, the one event that tells of it."""
    for (partition, sort), changes in books.facts.rows_ever(keys.RowKind.DUE):
        if keys.pipeline_of(partition) not in books.pipelines:
            continue
        for change in changes:
            verdict = (change.new or {}).get("verdict")
            if change.new is None or verdict is None or (change.old or {}).get("verdict") == verdict:
                continue
            wanted = _EVENT_OF.get((sort.split("#")[1], str(verdict)))
            said = [event.get("type") for event in change.new.get("events", ())]
            if said != [wanted] or "dueShard" in change.new:
                what = f"settled as {verdict} at {clock(change.at)}, which tells {said}"
                yield Broken("settled-rows-say-why", f"{partition} {sort}", what)
