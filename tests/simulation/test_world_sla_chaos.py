"""Whatever fails, wherever it dies, however often it is told: each SLA has one verdict, the right one, and soon."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from random import Random

import pytest

from builders import at
from interlock.simulation.played import Played
from scenario_text import played

CALLS = (
    *("dynamodb.GetItem", "dynamodb.PutItem", "dynamodb.UpdateItem", "dynamodb.DeleteItem", "dynamodb.Query"),
    *("scheduler.CreateSchedule", "scheduler.UpdateSchedule", "scheduler.DeleteSchedule"),
    *("lambda.Invoke", "events.PutEvents", "dynamodb.TransactGetItems"),
)
ERRORS = ("crash", "timeout", "ThrottlingException", "InternalServerError")
DEADLINE = at("2026-03-02T10:00")
LANDED_AT, MAX_DURATION = at("2026-03-02T08:00"), timedelta(hours=1)
RERUN_AT = at("2026-03-02T13:00")
SETTLED_WITHIN = timedelta(
    minutes=15
)  # of its time: the faults are over after a few tries, a minute or more apart
CONFIG = """\
  - pipeline: {id: sessions}
    schedule: {trigger: {key: landed, check: exists}}
    sla: {deadline: "10:00", dayOffset: 0, expectedDuration: 20m, maxDuration: 1h}
    job: {type: glue, config: {jobName: s}, maxRetries: 0}
"""


@cache  # both tests look at the same story
def _chaos(seed: int) -> Played:
    chance = Random(seed)
    instants = (0, 1, 599, 600, 2399, 2400, 3599, 3600, 3601, 6000, 7199, 7200, 18000, 18001, 21600)
    faults = [
        f'{{at: "+{chance.choice(instants)}s", fault: {{call: {chance.choice(CALLS)}, '
        f"when: {chance.choice(('before', 'after'))}, error: {chance.choice(ERRORS)}, times: {chance.randint(1, 3)}}}}}"
        for _ in range(chance.randint(1, 6))
    ]
    again = [
        f'{{at: "+{chance.choice(instants)}s", redeliver: {{{chance.choice(("all: true", "last: 5"))}, '
        f"reverse: {chance.choice(('true', 'false'))}}}}}"
        for _ in range(chance.randint(0, 3))
    ]
    # The watchdog ticks: it heals what a one-shot fails at, and its own silence is told of by an alarm.
    silent = [
        f'{{at: "+{start}s", scheduler: {{pause: {pause}}}}}'
        for start, pause in ((chance.choice(instants), "true"), (30000, "false"))
        if chance.random() < 0.5
    ]
    outside = [
        '{at: "+0s", sensor: {pipeline: sessions, key: landed, data: {date: "2026-03-02"}}}',
        '{at: "+5h", rerun: {pipeline: sessions, date: "2026-03-02", force: true}}',
    ]
    plays = [
        f"{{outcome: succeed, after: {chance.choice(('10m', '40m', '50m', '70m', '3h'))}}}" for _ in "12"
    ]
    return played(
        *faults,
        *again,
        *silent,
        *outside,
        configs=CONFIG,
        jobs=f"{{sessions: [{', '.join(plays)}]}}",
        until="+14h",
    )


def _events(world: Played, *types: str, kind: str | None = None) -> list[datetime]:
    """When events of the day's run were told."""
    return [
        told.event.at
        for told in world.events()
        if told.event.type in types
        and told.event.date == "2026-03-02"
        and kind in (None, told.event.detail.get("kind"))
    ]


@pytest.mark.parametrize("seed", range(24))
def test_every_sla_has_the_one_verdict_that_its_run_deserves(seed: int) -> None:
    world = _chaos(seed)

    first, rerun = _events(world, "JOB_COMPLETED")
    met = _events(world, "SLA_MET", kind="absolute")
    assert (len(met), len(_events(world, "SLA_BREACH"))) == ((1, 0) if first <= DEADLINE else (0, 1))
    ends = [(first, LANDED_AT + MAX_DURATION), (rerun, RERUN_AT + MAX_DURATION)]
    in_time = [end for end, deadline in ends if end <= deadline]
    assert len(_events(world, "SLA_MET", kind="relative")) == len(in_time)
    assert len(_events(world, "RELATIVE_SLA_BREACH")) == 2 - len(in_time)
    assert len(_events(world, "SLA_WARNING")) <= 1
    assert len(_events(world, "RELATIVE_SLA_WARNING")) <= 2


@pytest.mark.parametrize("seed", range(24))
def test_a_verdict_comes_soon_after_its_time_and_never_before(seed: int) -> None:
    world = _chaos(seed)

    for told, deadline in zip(_events(world, "SLA_BREACH"), [DEADLINE], strict=False):
        assert deadline <= told <= deadline + SETTLED_WITHIN
    for told in _events(world, "RELATIVE_SLA_BREACH"):
        late_by = min(abs(told - LANDED_AT - MAX_DURATION), abs(told - RERUN_AT - MAX_DURATION))
        assert late_by <= SETTLED_WITHIN
