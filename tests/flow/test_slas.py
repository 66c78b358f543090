"""An SLA on the embedded stack: told of within seconds by its one-shot schedule, which a success takes away."""

import pytest

from flow.world import DATE, QUICK, World, found
from interlock.aws.deadline_schedules import schedule_name
from interlock.domain.promise import Promise, PromiseKind
from interlock.domain.run import RunKey, RunStatus
from local.emulator_kit import eventually

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("flow")]

RELATIVE = PromiseKind.RELATIVE_SLA
ON_TIME = 15  # seconds, while other tests have the processors; the watchdog's tick may be a minute away


def key_of(pipeline: str) -> RunKey:
    return RunKey(pipeline, "stream", DATE)


def promise_of(world: World, pipeline: str) -> Promise | None:
    return world.control.promise_of(RELATIVE, key_of(pipeline))


def schedules(world: World, pipeline: str) -> set[str]:
    """Those of the pipeline's SLA that Scheduler has."""
    listed = world.session.emulator.client("scheduler").list_schedules(GroupName=world.session.stack.prefix)
    names = {schedule["Name"] for schedule in listed["Schedules"]}
    return names & {schedule_name(RELATIVE, key_of(pipeline), warned=warned) for warned in (False, True)}


def test_a_breach_is_told_on_time_and_its_schedule_is_gone(world: World) -> None:
    pipeline = world.declare(QUICK, sla={"maxDuration": "8s", "expectedDuration": "3s"})

    world.write(pipeline, "upstream", status="not yet")

    told = world.hears(pipeline, "RELATIVE_SLA_BREACH")
    assert [type_ for type_ in told if "SLA" in type_] == ["RELATIVE_SLA_WARNING", "RELATIVE_SLA_BREACH"]
    (breach,) = found(promise_of(world, pipeline)).events
    assert breach.detail["lateBySeconds"] <= ON_TIME
    at_risk, breached = world.reads(pipeline, messages=2)
    assert "no run was opened: upstream.status is" in at_risk
    assert "SLA breached" in breached
    eventually(lambda: schedules(world, pipeline) == set())


def test_a_success_meets_it_and_takes_its_schedule_away(world: World) -> None:
    pipeline = world.declare(QUICK, sla={"maxDuration": "1h"})
    world.write(pipeline, "orders", count=1000)
    eventually(lambda: schedules(world, pipeline))

    world.open(pipeline)

    world.reaches(pipeline, RunStatus.SUCCEEDED)
    assert "SLA_MET" in world.hears(pipeline, "SLA_MET")
    assert found(promise_of(world, pipeline)).verdict == "met"
    eventually(lambda: schedules(world, pipeline) == set())
