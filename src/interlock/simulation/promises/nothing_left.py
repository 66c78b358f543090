"""At rest nothing is left behind: whatever is still held belongs to a run that is open, and that waits for something ahead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from interlock.aws import keys
from interlock.aws.run_item import instant_text
from interlock.aws.table import Item
from interlock.domain.bad_input import BadInput
from interlock.domain.pool import Pool, Ticket, ticket_of
from interlock.domain.run import Run, RunKey
from interlock.simulation.promises.calm import Calm
from interlock.simulation.promises.facts import Broken, Facts, clock, named
from interlock.simulation.promises.rows_left import rows_go
from interlock.simulation.promises.schedules_left import (
    config_mistakes_are_told,
    configs_in_force,
    schedules_in_force,
)

# What is due has its turn at the next tick, and what that hands on is done by the one after it.
_LOOKED_AT = timedelta(minutes=2)
# What may come before a run exists: a fire that waits for its trigger's record, or the record of a met trigger.
_BEFORE_THE_RUN = ("fire", "record")


def at_rest(facts: Facts) -> Iterator[Broken]:
    """Judges only worlds that have come to rest: what one has done that nobody disturbs any more."""
    calm = Calm(facts)
    if not calm.is_over(facts.began_at):
        return
    if facts.rest.on_their_way:
        said = f"{facts.rest.on_their_way} records or alerts that nobody has dealt with since {clock(calm.disturbed_until)}"
        yield Broken("nothing-on-its-way", "streams and queue", said)
        return
    yield from _executions(facts, calm)
    yield from _open_runs(facts, calm)
    yield from _check_rows(facts, calm)
    yield from _pools(facts, calm)
    yield from _threads(facts)
    yield from rows_go(facts, calm)
    yield from configs_in_force(facts, calm)
    yield from config_mistakes_are_told(facts, calm)
    yield from schedules_in_force(facts, calm)


def _executions(facts: Facts, calm: Calm) -> Iterator[Broken]:
    """What runs in Step Functions runs for an open run, asleep on the token that the run's row knows."""
    by_name = {run.execution_name: run for run in facts.played.runs.values()}
    for one in facts.rest.executions:
        if one.status != "RUNNING" or one.pipeline_id is None or calm.is_meddled_with(one.pipeline_id):
            continue
        run = by_name.get(one.name)
        if run is None or not run.is_open:
            what = f"still runs, in {one.state}, and its run is {run.status if run else 'another or none'}"
            yield Broken("no-execution-left", one.name, what)
        elif one.token is not None and one.token != run.task_token:
            yield Broken(
                "no-token-left", one.name, f"sleeps in {one.state} on a token that its run does not know"
            )


def _open_runs(facts: Facts, calm: Calm) -> Iterator[Broken]:
    """An open run has what will end it: its execution, and its row in the ledger, which lies ahead."""
    running = {one.name: one for one in facts.rest.executions if one.status == "RUNNING"}
    for key, run in facts.played.runs.items():
        if not run.is_open or calm.is_meddled_with(key.pipeline_id):
            continue
        if run.execution_name not in running and not run.dry_run:
            yield Broken("open-runs-end", named(key), f"is {run.status}, and nothing executes it")
        row = _control(facts).get(keys.due_key(key))
        due_at = _due_at(row)
        if due_at is None:
            yield Broken(
                "open-runs-end", named(key), f"is {run.status}, and no row of the ledger looks after it"
            )
        elif due_at < facts.ended_at - _LOOKED_AT:
            what = f"is {run.status}; its look at {clock(due_at)} never came, {_waits_for(run)}"
            yield Broken("open-runs-end", named(key), what)


def _waits_for(run: Run) -> str:
    if run.status == "RUNNING":
        return f"its job may take until {clock(run.job_ends_by)}"
    if run.pools and run.slots_at is None:
        return f"it waits for slots of {', '.join(run.pools)}"
    if run.retry_at:
        return f"its next attempt begins at {clock(run.retry_at)}"
    return f"its window ends at {clock(run.window_ends_at)}"


def _check_rows(facts: Facts, calm: Calm) -> Iterator[Broken]:
    """Nobody is looked after who is over. What a disturbance left behind goes when it is looked at."""
    for key, row in _control(facts).items():
        if not key[1].startswith(keys.DUE_RUN):
            continue
        try:
            run_key = keys.parse_due_key(*key)
        except BadInput:
            continue
        run, due_at = facts.played.runs.get(run_key), _due_at(row)
        if calm.is_meddled_with(run_key.pipeline_id) or (run is not None and run.is_open):
            continue
        ahead = due_at is not None and due_at >= facts.ended_at - _LOOKED_AT
        written = facts.past_of(key)[-1].at
        disturbed = calm.disturbed_until is not None and written <= calm.disturbed_until
        if not ahead or not (disturbed or (run is None and row.get("waitsFor") in _BEFORE_THE_RUN)):
            what = f"waits for {row.get('waitsFor')} at {clock(due_at)}, and its run is {run.status if run else 'not there'}"
            yield Broken("no-check-left", named(run_key), what)


def _pools(facts: Facts, calm: Calm) -> Iterator[Broken]:
    """Slots are held and waited for by open runs alone, each in its present turn; a free one is not waited for."""
    for pool in facts.played.pools:
        dead = [ticket for ticket in pool.tickets if not _is_alive(ticket, pool, facts.played.runs)]
        # The record of a run's end gives its slots back. Where that was lost, whoever waits finds them, or nobody does.
        if dead and not (calm.loses_records and not pool.waiting):
            names = ", ".join(f"{named(ticket.key)} {ticket.attempt}" for ticket in dead)
            yield Broken("no-slot-left", pool.name, f"is held or waited for by what is over: {names}")
        if pool.waiting and len(pool.holders) < pool.waiting[0].slots:
            what = (
                f"{len(pool.holders)} of {pool.waiting[0].slots} slots are held, and {len(pool.waiting)} wait"
            )
            yield Broken("no-slot-left", pool.name, what)


def _is_alive(ticket: Ticket, pool: Pool, runs: Mapping[RunKey, Run]) -> bool:
    run = runs.get(ticket.key)
    return run is not None and run.is_open and ticket_of(run) == ticket and pool.name in run.pools


def _threads(facts: Facts) -> Iterator[Broken]:
    """Nobody is about to write in one."""
    for key, row in facts.rest.tables["events"].items():
        claimed = row.get("claimedUntil")
        if claimed and claimed > instant_text(facts.ended_at):
            yield Broken("no-claim-left", " ".join(key), f"is claimed until {claimed}, and nobody posts")


def _control(facts: Facts) -> Mapping[tuple[str, str], Item]:
    return facts.rest.tables["control"]


def _due_at(row: Item | None) -> datetime | None:
    with suppress(TypeError, ValueError, KeyError, OverflowError):
        return datetime.fromtimestamp(float((row or {})["dueAt"]) / 1000, UTC)
    return None


CHECKS = (at_rest,)
