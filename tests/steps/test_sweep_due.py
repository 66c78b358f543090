"""A tick hands on what is due and nothing else; a part that fails stops no other part."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from builders import a_key, at
from interlock.aws import keys
from interlock.ports import DUE_SHARDS, CallFailed, DueRun
from interlock.steps.sweep_due import TickFailed, WatchdogPorts, sweep_due
from world_builder import World

NOW = at("2026-03-02T08:31")  # no minute of a config sync
SYNC_MINUTE = at("2026-03-02T08:35")
REFUSED = CallFailed("lambda.Invoke", "TooManyRequestsException")


@dataclass
class Orchestrator:
    """`Functions`: the batches that were handed over, and how often configs were synced."""

    batches: list[list[DueRun]] = field(default_factory=list)
    syncs: int = 0
    refusals: list[CallFailed] = field(default_factory=list)

    def orchestrate(self, runs):
        if self.refusals:
            raise self.refusals.pop()
        self.batches.append(list(runs))

    def sync_configs(self):
        if self.refusals:
            raise self.refusals.pop()
        self.syncs += 1

    @property
    def dates(self):
        return [due.key.date for batch in self.batches for due in batch]


@pytest.fixture
def functions():
    return Orchestrator()


@pytest.fixture
def world():
    return World()


def promise(world, due_at=NOW, **key):
    due = DueRun(a_key(**key), due_at, "readiness", 3)
    world.outside.promise(due)
    return due


def tick(world, functions, now=NOW):
    return sweep_due(WatchdogPorts(world.control, functions), now)


def in_each_shard():
    """A pipeline for each shard."""
    names = {keys.due_shard(a_key(name)): name for name in (f"p{number}" for number in range(100))}
    return [names[shard] for shard in range(DUE_SHARDS)]


@pytest.mark.parametrize(
    ("due_at", "handed_on"),
    [(NOW - timedelta(days=3), 1), (NOW, 1), pytest.param(NOW + timedelta(milliseconds=1), 0, id="not yet")],
)
def test_what_is_due_by_now_is_handed_on(world, functions, due_at, handed_on):
    promise(world, due_at)

    assert tick(world, functions) == handed_on
    assert len(functions.dates) == handed_on


def test_what_is_handed_on_is_whole_and_stays_in_the_ledger(world, functions):
    """A hand-over that is lost is repeated: only who has looked moves the row."""
    due = promise(world)

    tick(world, functions)
    tick(world, functions)

    assert functions.batches == [[due], [due]]


def test_the_runs_of_every_shard_are_found(world, functions):
    for pipeline_id in in_each_shard():
        promise(world, pipeline_id=pipeline_id)

    assert tick(world, functions) == DUE_SHARDS


def test_many_runs_go_in_batches(world, functions):
    for hour in range(24):
        for minute in (0, 15, 30):
            promise(world, date=f"2026-03-02T{hour:02}:{minute:02}")

    assert tick(world, functions) == 72
    assert [len(batch) for batch in functions.batches] == [25, 25, 22]


def test_a_quiet_tick_asks_each_shard_once_and_hands_on_nothing(world, functions):
    tick(world, functions)

    assert world.calls.made == ["dynamodb.Query"] * DUE_SHARDS
    assert functions.batches == []


def test_a_shard_that_cannot_be_read_stops_no_other_and_is_named(world, functions):
    for pipeline_id in in_each_shard():
        promise(world, pipeline_id=pipeline_id)
    world.calls.arrange("dynamodb.Query", CallFailed("dynamodb.Query", "ThrottlingException"))

    with pytest.raises(TickFailed, match=r"shard 0: .*ThrottlingException"):
        tick(world, functions)

    assert len(functions.dates) == DUE_SHARDS - 1


def test_a_hand_over_that_is_refused_stops_no_other_and_is_made_at_the_next_tick(world, functions):
    for pipeline_id in in_each_shard()[:2]:
        promise(world, pipeline_id=pipeline_id)
    functions.refusals.append(REFUSED)

    with pytest.raises(TickFailed, match=r"shard 0: .*TooManyRequestsException"):
        tick(world, functions)
    assert len(functions.dates) == 1

    assert tick(world, functions) == 2


@pytest.mark.parametrize(("now", "syncs"), [(NOW, 0), (SYNC_MINUTE, 1), (at("2026-03-02T09:00:59"), 1)])
def test_configs_are_synced_every_five_minutes(world, functions, now, syncs):
    tick(world, functions, now)

    assert functions.syncs == syncs


def test_configs_are_synced_although_a_shard_cannot_be_read(world, functions):
    world.calls.arrange("dynamodb.Query", CallFailed("dynamodb.Query", "ThrottlingException"))

    with pytest.raises(TickFailed):
        tick(world, functions, SYNC_MINUTE)

    assert functions.syncs == 1


def test_a_sync_that_is_refused_is_told(world, functions):
    functions.refusals.append(REFUSED)

    with pytest.raises(TickFailed, match=r"config sync: .*TooManyRequestsException"):
        tick(world, functions, SYNC_MINUTE)


def test_a_promise_that_somebody_wrote_over_stops_no_other(world, functions):
    due = promise(world)
    shard = keys.due_partition(keys.due_shard(a_key()))
    for sort_key in ("DUE#check#", "whatever", "DUE#check#stream#2026-03-01"):
        world.table.from_outside().put(
            {"PK": "PIPELINE#gold-revenue", "SK": sort_key, "dueShard": shard, "dueAt": 1}
        )

    tick(world, functions)

    assert functions.batches == [[due]]
