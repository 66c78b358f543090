"""A run that succeeded: it wakes and revives exactly the runs of other pipelines that wait for it, however often it is told."""

from dataclasses import replace

import pytest

from builders import a_key, a_pipeline, a_rule, a_run, at
from interlock.domain.bad_input import BadInput
from interlock.domain.pipeline import Exclude, Not, UpstreamDate, UpstreamRule
from interlock.domain.routing import RunMoved
from interlock.domain.run import RunKey, RunStatus
from interlock.ports import CallFailed, DueRun
from interlock.simulation.faults import FunctionCrashed
from interlock.steps.route_change import Configs, route_change
from interlock.steps.wake_dependents import wake_dependents
from world_builder import NOW, World

SAME, PREVIOUS, WINDOW = (UpstreamRule("silver", date) for date in UpstreamDate)
SILVER = a_key("silver")


def a_world(*rules, dependent="gold-revenue", upstream=None, **schedule):
    """Silver, and a pipeline that waits for it."""
    world = World(a_pipeline(id=dependent, rules=rules or [SAME], **schedule))
    world.put_config(upstream or a_pipeline(id="silver"))
    world.outside.add_dependent("silver", dependent)
    return world


def sleeps(world, date="2026-03-02", pipeline_id="gold-revenue", schedule_id="stream"):
    """A run that waits, asleep on its own date as a token."""
    run = a_run(
        key=a_key(pipeline_id, schedule_id, date), task_token=f"{pipeline_id} {date}", token_for="readiness"
    )
    world.put_run(replace(run, window_ends_at=at("2026-03-20T00:00")))
    world.outside.promise(DueRun(run.key, at("2026-03-02T09:00"), "readiness"))


def expired(world, *dates, schedule_id="stream"):
    for date in dates:
        world.put_run(a_run("EXPIRED", key=a_key(date=date, schedule_id=schedule_id)))


def succeed(world, key=SILVER, status="SUCCEEDED"):
    world.put_run(a_run(status, key=key))
    wake_dependents(key, world.control, world.machine, NOW)


def revived(world, month="2026-03", schedule_id="stream"):
    runs = world.outside.runs_of_date("gold-revenue", schedule_id, month)
    return [run.key.date for run in runs if run.status == "WAITING"]


def test_a_success_wakes_the_run_that_waits_for_it():
    world = a_world()
    sleeps(world)

    succeed(world)

    assert world.machine.woken == ["gold-revenue 2026-03-02"]


def test_a_run_that_waits_without_its_ledger_row_is_woken_too_and_gets_a_row_again():
    world = a_world()
    sleeps(world)
    world.outside.keep(a_key())

    succeed(world)

    assert world.machine.woken == ["gold-revenue 2026-03-02"]
    assert [due[0] for due in world.due] == ["2026-03-02"]


def test_where_nobody_waits_a_success_costs_one_query():
    world = World(a_pipeline(id="silver"))

    succeed(world)

    assert world.calls.made == ["dynamodb.Query"]


def test_a_run_of_another_date_is_not_even_looked_at():
    world = a_world()
    sleeps(world, "2026-03-01")

    succeed(world)

    assert "dynamodb.TransactGetItems" not in world.calls.made


def test_an_expired_run_of_another_date_is_not_even_looked_at():
    world = a_world(PREVIOUS)
    expired(world, "2026-03-01", "2026-03-02")

    succeed(world)

    assert "dynamodb.TransactGetItems" not in world.calls.made


def test_a_success_that_is_not_enough_leaves_the_reasons_and_wakes_nobody():
    world = a_world(SAME, a_rule())
    sleeps(world)

    succeed(world)

    assert world.machine.woken == []
    assert [verdict.holds for verdict in world.run.verdicts] == [True, False]


def test_a_success_that_was_taken_back_meanwhile_wakes_nobody():
    """The record comes late: a rerun of the upstream waits by now."""
    world = a_world()
    sleeps(world)

    succeed(world, status="WAITING")

    assert world.machine.woken == []
    assert world.run.verdicts[0].reason == "silver 2026-03-02 is WAITING"


def test_a_success_that_is_told_ten_times_revives_once():
    world = a_world()
    expired(world, "2026-03-02")

    for _ in range(10):
        succeed(world)

    assert (world.run.status, world.run.execution_count) == ("WAITING", 2)
    assert list(world.machine.started) == [world.run.execution_name]


@pytest.mark.parametrize(
    ("rule", "schedule", "upstream", "dates", "ended", "wanted"),
    [
        pytest.param(
            SAME, {}, {}, ["2026-03-01", "2026-03-02", "2026-03-03"], "2026-03-02", ["2026-03-02"], id="same"
        ),
        pytest.param(
            SAME,
            {},
            {},
            ["2026-03-01T23", "2026-03-02T00", "2026-03-02T23", "2026-03-03T00"],
            "2026-03-02",
            ["2026-03-02T00", "2026-03-02T23"],
            id="the hours of a day",
        ),
        pytest.param(
            SAME, {}, {}, ["2026-03-02", "2026-03-02T09", "2026-03-02T10"], "2026-03-02T10", ["2026-03-02T10"]
        ),
        pytest.param(
            PREVIOUS, {}, {}, ["2026-03-01", "2026-03-02", "2026-03-03"], "2026-03-02", ["2026-03-03"]
        ),
        pytest.param(
            PREVIOUS,
            {"exclude": Exclude(weekends=True)},
            {},
            ["2026-03-07", "2026-03-09", "2026-03-10"],
            "2026-03-06",
            ["2026-03-09"],
            id="across a weekend",
        ),
        pytest.param(
            WINDOW,
            {},
            {"cron": "0 23 * * *"},
            ["2026-03-01", "2026-03-02", "2026-03-03"],
            "2026-03-02",
            ["2026-03-02"],
        ),
    ],
)
def test_of_the_expired_runs_those_are_revived_that_waited_for_it(
    rule, schedule, upstream, dates, ended, wanted
):
    silver = a_pipeline(id="silver", **upstream)
    world = a_world(rule, upstream=silver, **schedule)
    expired(world, *dates)

    succeed(world, RunKey("silver", silver.schedule_id, ended))

    assert revived(world) == wanted


def test_the_last_hour_of_a_window_revives_its_day_in_another_zone():
    silver = a_pipeline(id="silver", cron="0 * * * *")
    world = a_world(WINDOW, upstream=silver, timezone="Asia/Tokyo")
    for hour in range(24):
        day, at_hour = divmod(15 + hour, 24)
        world.put_run(a_run("SUCCEEDED", key=a_key("silver", "cron", f"2026-03-{1 + day:02}T{at_hour:02}")))
    expired(world, "2026-03-01", "2026-03-02")

    succeed(world, a_key("silver", "cron", "2026-03-01T15"))

    assert revived(world) == ["2026-03-02"]


def test_an_expired_run_that_other_rules_hold_back_stays_expired():
    world = a_world(SAME, a_rule())
    expired(world, "2026-03-02")

    succeed(world)

    assert (world.run.status, world.machine.started) == ("EXPIRED", {})


def test_a_rule_that_must_not_hold_is_looked_at_too():
    world = a_world(Not(SAME))
    sleeps(world)

    succeed(world)

    assert world.machine.woken == []
    assert world.run.verdicts[0].reason == "silver 2026-03-02 is SUCCEEDED, which must not hold"


# ---------------------------------------------------------------- neighbours, crashes


def test_a_row_of_a_config_that_went_or_changed_wakes_nobody():
    world = a_world(a_rule())
    world.outside.add_dependent("silver", "gone")
    sleeps(world)

    succeed(world)

    assert world.machine.woken == []


@pytest.mark.parametrize("bad", ["a", "z"])
def test_a_dependent_that_cannot_be_read_harms_no_other(bad):
    world = a_world()
    world.outside.add_dependent("silver", bad)
    world.table.from_outside().put({"PK": f"PIPELINE#{bad}", "SK": "CONFIG", "config": "?"})
    sleeps(world)

    succeed(world)

    assert world.machine.woken == ["gold-revenue 2026-03-02"]


def test_a_call_that_fails_for_one_dependent_is_raised_after_the_others_were_woken():
    world = a_world()
    world.put_config(a_pipeline(id="another", rules=[SAME]))
    world.outside.add_dependent("silver", "another")
    sleeps(world)
    sleeps(world, pipeline_id="another")
    world.calls.arrange("states.SendTaskSuccess", CallFailed("states.SendTaskSuccess", "Throttled"))

    with pytest.raises(CallFailed, match="Throttled"):
        succeed(world)
    assert world.machine.woken == ["gold-revenue 2026-03-02"]

    succeed(world)
    assert "another 2026-03-02" in world.machine.woken


def routed(world):
    """The success as the stream tells of it."""
    world.put_run(a_run("SUCCEEDED", key=SILVER))
    moved = RunMoved(SILVER, RunStatus.SUCCEEDED, 1, rerun_accepted=False, at=NOW)
    route_change(moved, Configs(world.control), world.router, NOW)


def test_an_upstream_whose_own_config_cannot_be_read_keeps_nobody_waiting():
    world = a_world()
    world.table.from_outside().put({"PK": "PIPELINE#silver", "SK": "CONFIG", "config": "?"})
    sleeps(world)

    with pytest.raises(BadInput):
        routed(world)

    assert world.machine.woken == ["gold-revenue 2026-03-02"]


def test_an_upstream_whose_config_is_gone_keeps_nobody_waiting():
    world = a_world()
    world.remove_config("silver")
    sleeps(world)

    routed(world)

    assert world.machine.woken == ["gold-revenue 2026-03-02"]


@pytest.mark.parametrize("call", ["dynamodb.UpdateItem", "dynamodb.PutItem", "states.StartExecution"])
def test_a_revival_whose_function_died_is_made_good_by_the_redelivery(call):
    world = a_world()
    expired(world, "2026-03-02")
    world.calls.arrange(call, FunctionCrashed(call), after=True)

    with pytest.raises(FunctionCrashed):
        succeed(world)
    succeed(world)

    assert (world.run.status, world.run.execution_count) == ("WAITING", 2)
    assert list(world.machine.started) == [world.run.execution_name]
