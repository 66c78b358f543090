"""A run falls asleep on its token; no write falls between its look at the rules and its sleep."""

from contextlib import suppress

import pytest

from builders import a_key, a_pipeline, a_rule, a_run, an_intent, at
from interlock.domain.run import RunStatus, moved
from interlock.ports import DueRun
from interlock.simulation.faults import FunctionCrashed
from interlock.steps.evaluate_readiness import cancel_waiting, evaluate_readiness, expire_run
from interlock.steps.read_readiness import read_readiness
from interlock.steps.task import RunOver
from world_builder import NOW, WAITS_FOR_ROWS, World, a_task, later

WAITING = a_run()
WINDOW_ENDS = at("2026-03-02T09:00")
ENOUGH, TOO_FEW = {"count": 1000}, {"count": 999}


def evaluate(world, now=NOW, run=WAITING, token="token"):
    return evaluate_readiness(a_task(run, token), world.tasks, now)


def test_a_run_whose_rules_hold_wakes_itself():
    world = World(run=WAITING)
    world.write_sensor(**ENOUGH)

    evaluate(world)

    assert world.machine.woken == ["token"]
    assert world.due == []


def test_a_run_whose_rules_do_not_hold_sleeps_and_keeps_the_reasons():
    world = World(run=WAITING)
    world.write_sensor(**TOO_FEW)

    evaluate(world)

    assert world.machine.woken == []
    assert (world.run.task_token, world.run.token_for) == ("token", "readiness")
    assert "row-count.count is 999" in world.run.verdicts[0].reason
    assert world.due == [("2026-03-02", "08:35:00", 0)]


@pytest.mark.parametrize(
    ("rule", "now", "looks_at"),
    [
        pytest.param(a_rule(), NOW, "08:35:00", id="after the interval"),
        pytest.param(a_rule(), at("2026-03-02T08:57"), "09:00:00", id="or at the window's end"),
        pytest.param(
            a_rule("age_gt", WAITS_FOR_ROWS.schedule.evaluation.window, None),
            NOW,
            "08:32:01",
            id="or once it is older than that",
        ),
    ],
)
def test_a_sleeper_is_looked_at_again_when_something_may_have_changed(rule, now, looks_at):
    world = World(a_pipeline(rules=[rule]), WAITING)
    world.write_sensor(count=1, updatedAt="2026-03-02T07:32:00Z")

    evaluate(world, now)

    assert [due_at for _, due_at, _ in world.due] == [looks_at]


# ---------------------------------------------------------------- nothing falls between


@pytest.mark.parametrize(
    "call",
    [
        pytest.param("dynamodb.TransactGetItems", id="between the token and the look"),
        pytest.param("dynamodb.PutItem", id="between the look and the ledger row"),
    ],
)
def test_a_write_at_any_instant_of_falling_asleep_wakes_the_run(call):
    """The router finds a sleeper by its ledger row: before there is one, the sleeper must see the write itself."""
    world = World(run=WAITING)
    world.calls.arrange(call, lambda: world.write_sensor(**ENOUGH))

    evaluate(world)

    assert world.machine.woken == ["token"]


def test_the_token_is_in_the_row_before_any_sensor_is_read():
    world = World(run=WAITING)
    seen = []
    world.calls.arrange("dynamodb.TransactGetItems", lambda: seen.append(world.run.task_token))

    evaluate(world)

    assert seen == ["token"]


def test_of_two_tokens_the_newest_counts():
    world = World(run=WAITING)
    world.calls.arrange("dynamodb.TransactGetItems", FunctionCrashed("evaluating"))

    with pytest.raises(FunctionCrashed):
        evaluate(world, token="first")
    evaluate(world, token="second")

    assert world.run.task_token == "second"


# ---------------------------------------------------------------- nothing to wait for


@pytest.mark.parametrize(
    "current",
    [
        pytest.param(a_run(execution_name="another"), id="opened again in another execution"),
        pytest.param(a_run("RUNNING"), id="runs already"),
        pytest.param(a_run("SUCCEEDED"), id="has ended"),
        pytest.param(a_run("CANCELLED"), id="was cancelled"),
    ],
)
def test_an_execution_that_outlived_its_run_takes_no_token_and_ends(current):
    world = World(run=current)
    world.write_sensor(**ENOUGH)

    with pytest.raises(RunOver):
        evaluate(world)

    assert world.run == current
    assert world.machine.woken == []


def test_a_run_that_was_deleted_is_over():
    with pytest.raises(RunOver):
        evaluate(World())


def test_a_zombie_starts_the_execution_that_took_its_place_and_never_lived():
    world = World(run=a_run(execution_name="another", confirmed=False))

    with pytest.raises(RunOver):
        evaluate(world)

    assert list(world.machine.started) == ["another"]


def test_a_run_whose_config_is_gone_is_cancelled():
    world = World(None, WAITING)
    world.outside.promise(DueRun(a_key(), NOW, "readiness"))

    with pytest.raises(RunOver, match="config was removed"):
        evaluate(world)

    assert (world.run.status, world.due, world.machine.woken) == ("CANCELLED", [], [])


def test_a_run_that_was_cancelled_by_somebody_else_is_not_cancelled_twice():
    world = World(None, a_run(task_token="theirs"))
    world.calls.arrange("dynamodb.UpdateItem", lambda: world.put_run(a_run("CANCELLED", version=7)))

    cancel_waiting(WAITING, world.control, world.machine, NOW)

    assert (world.run.version, world.machine.failed) == (7, [])


@pytest.mark.parametrize("now", [NOW, WINDOW_ENDS, later(days=1)])
def test_a_run_whose_job_may_be_running_is_sent_on_to_find_out_whatever_the_rules_say(now):
    broken = a_run(intent=an_intent(1, NOW))
    world = World(run=broken)
    world.write_sensor(**TOO_FEW)

    evaluate(world, now, broken)

    assert (world.machine.woken, world.run.status) == (["token"], "WAITING")


# ---------------------------------------------------------------- the end of the window


@pytest.mark.parametrize(
    ("now", "status"),
    [
        pytest.param(at("2026-03-02T08:59:59.999"), "WAITING", id="the last instant before"),
        pytest.param(WINDOW_ENDS, "EXPIRED", id="the window's end"),
    ],
)
def test_a_run_expires_when_its_window_is_over(now, status):
    world = World(run=WAITING)
    world.write_sensor(**TOO_FEW)

    with suppress(RunOver):
        evaluate(world, now)

    assert world.run.status == status


def test_an_expired_run_says_which_rule_was_missing_and_leaves_the_ledger():
    world = World(run=WAITING)
    evaluate(world)

    with pytest.raises(RunOver):
        evaluate(world, WINDOW_ENDS)

    (told,) = world.events
    assert (told.type, told.detail["unmet"][0]["rule"]) == ("VALIDATION_EXHAUSTED", "row-count.count >= 1000")
    assert world.due == []


def test_the_rules_may_hold_in_the_last_instant():
    world = World(run=WAITING)
    world.write_sensor(**ENOUGH)

    evaluate(world, WINDOW_ENDS)

    assert (world.machine.woken, world.run.status) == (["token"], "WAITING")


def test_a_write_between_the_last_look_and_the_expiry_revives_the_run():
    world = World(run=WAITING)
    seen = iter([None, lambda: world.write_sensor(**ENOUGH)])
    for _ in range(2):  # the first update is the token, the second the expiry
        world.calls.arrange("dynamodb.UpdateItem", lambda: (next(seen) or (lambda: None))())

    with pytest.raises(RunOver):
        evaluate(world, WINDOW_ENDS)

    assert (world.run.status, world.run.execution_count) == ("WAITING", 2)
    assert list(world.machine.started) == [world.run.execution_name]


def test_an_expiry_that_died_half_way_is_finished_by_the_next_try():
    world = World(run=WAITING)
    world.calls.arrange("dynamodb.DeleteItem", FunctionCrashed("keeping the promise"))
    evaluate(world)

    with pytest.raises(FunctionCrashed):
        evaluate(world, WINDOW_ENDS, token="second")
    with pytest.raises(RunOver):
        evaluate(world, WINDOW_ENDS, token="third")

    assert (world.run.status, world.due, world.told) == ("EXPIRED", [], ["VALIDATION_EXHAUSTED"])


def test_an_expiry_that_is_lost_announces_nothing():
    world = World(run=WAITING)
    _, readiness = read_readiness(WAITS_FOR_ROWS, a_key(), world.control, WINDOW_ENDS)
    started = moved(WAITING, RunStatus.RUNNING, NOW)
    world.put_run(started)

    expire_run(WAITING, WAITS_FOR_ROWS, readiness, world.control, world.machine, WINDOW_ENDS)

    assert (world.run, world.told) == (started, [])


def test_a_run_without_rules_never_waits():
    world = World(a_pipeline(), WAITING)

    evaluate(world, later(hours=5))

    assert world.machine.woken == ["token"]
