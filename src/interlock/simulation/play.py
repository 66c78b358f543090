"""Plays a scenario from its first instant to its last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing, suppress

from interlock.aws import keys
from interlock.aws.pool_item import read_pool
from interlock.aws.run_item import RowInvalid, read_run
from interlock.aws.table import Item
from interlock.domain.pool import Pool
from interlock.domain.run import Run, RunKey
from interlock.pipeline_yaml import Checked, check_pipeline
from interlock.simulation.faults import FaultPlan
from interlock.simulation.invocations import TIMELINE
from interlock.simulation.outside import Outside
from interlock.simulation.played import Played
from interlock.simulation.scenario import CalendarEntry, Entry, Scenario
from interlock.simulation.world import World


def play(scenario: Scenario, faults: FaultPlan | None = None) -> Played:
    """Everything that happens, with other `faults` than the scenario's own too; nothing is judged yet."""
    copies = {config.text: config.checked for config in scenario.configs if config.checked is not None}

    def check(text: bytes, name: str) -> Checked:
        return copies.get(text) or check_pipeline(text, name)

    world = World(scenario.start, scenario.jobs, check, faults)
    with closing(world.clock):
        return _played(scenario, world)


def _played(scenario: Scenario, world: World) -> Played:
    files = {config.name: config.text for config in scenario.configs}
    loading = world.load(files, map(_calendar_item, scenario.calendars))
    outside = Outside(world, scenario.configs)
    for entry in scenario.timeline:
        if entry.at <= scenario.until:
            _schedule(entry, world, outside)
    world.begin()
    world.clock.run_until(scenario.until)
    world.functions.book_unfinished()
    accounts = world.functions.accounts
    accounts.scenario.transitions = sum(one.billed_transitions for one in world.machine.executions)
    return Played(
        scenario=scenario,
        history=world.history,
        runs=dict(_runs(row.item for row in world.control_rows.by_key.values())),
        pools=tuple(_pools(row.item for row in world.control_rows.by_key.values())),
        cost=accounts.scenario,
        background=accounts.background,
        loading=loading,
        unused_faults=tuple(world.faults.unused()),
        unused_deliveries=tuple(world.deliveries.unused()),
        witness=world.witness,
        rest=world.rest(),
    )


def _schedule(entry: Entry, world: World, outside: Outside) -> None:
    world.clock.at(entry.at, TIMELINE, lambda: outside.perform(entry.action))


def _calendar_item(calendar: CalendarEntry) -> Item:
    partition, sort = keys.calendar_key(calendar.name)
    return {"PK": partition, "SK": sort, "dates": list(calendar.dates), "days": list(calendar.days)}


def _runs(items: Iterable[Item]) -> Iterator[tuple[RunKey, Run]]:
    for item in items:
        if not item["SK"].startswith(keys.RowKind.RUN):
            continue
        try:
            run = read_run(item)
        except RowInvalid:
            continue  # garbage that a scenario put there
        yield run.key, run


def _pools(items: Iterable[Item]) -> Iterator[Pool]:
    for item in items:
        if item["PK"].startswith(keys.POOL):
            with suppress(RowInvalid):
                yield read_pool(item["PK"].removeprefix(keys.POOL), item)
