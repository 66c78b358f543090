"""What a write after a success comes to: nothing, a rerun, or a word once; whoever dies where, and however often it comes."""

from contextlib import suppress
from dataclasses import replace
from datetime import date

import pytest

from builders import a_key, a_pipeline, a_rule, a_run, at
from interlock.domain.baseline import Baseline
from interlock.domain.late_data import written_mark
from interlock.domain.pipeline import Exclude, Job, JobType, PostRun, Validation
from interlock.domain.promise import PromiseKind
from interlock.domain.routing import RunMoved, SensorWritten
from interlock.domain.run import RunStatus, announcing
from interlock.ports import DueRun
from interlock.simulation.faults import FunctionCrashed
from interlock.steps.complete_run import complete_run
from interlock.steps.find_late_data import FeedbackRaced
from interlock.steps.run_moved import run_moved
from interlock.steps.wake_runs import sensor_written
from world_builder import NOW, SUCCEEDED, THROTTLED, World, a_task, later

AUDITED = PostRun((a_rule("equals", 0, "bad", "audit"),))
SUCCESS = a_run("SUCCEEDED", succeeded_at=at("2026-03-02T08:20"), retries=2, code_retries=1)
READ = {"row-count": {"count": 1000}, "upstream-complete": {"status": "ready"}}


def a_pipeline_of(budget=1, post_run=None, dry_run=False, **schedule):
    job = Job(JobType.GLUE, {"jobName": "etl"}, max_drift_reruns=budget)
    return a_pipeline(rules=[a_rule()], job=job, post_run=post_run, dry_run=dry_run, **schedule)


AUDITING = a_pipeline_of(post_run=AUDITED)


def a_world(pipeline=None, run=SUCCESS, read=READ):
    world = World(pipeline or a_pipeline_of(), run)
    if read is not None:
        world.outside.put_baseline(Baseline(run.key, run.attempt, run.succeeded_at, read))
    return world


def write(world, key="row-count", pipeline=None, written_at=NOW, now=None, **values):
    world.write_sensor(key, **values)
    deliver(world, key, pipeline, written_at, now, **values)


def deliver(world, key="row-count", pipeline=None, written_at=NOW, now=None, **values):
    written = SensorWritten("gold-revenue", key, values, written_at)
    ports = (world.control, world.router.reruns, world.machine)
    sensor_written(written, pipeline or a_pipeline_of(), *ports, now or written_at)


def hear_of_success(world, pipeline=None, now=NOW):
    moved = RunMoved(a_key(), RunStatus.SUCCEEDED, 1, False, now)
    run_moved(moved, pipeline or a_pipeline_of(), world.control, world.router.reruns, world.machine, now)


def rerun_log(world):
    rows = world.rerun_table.from_outside().query("PIPELINE#gold-revenue")
    return [(row["SK"], row["source"], row["requestedBy"]) for row in rows]


def test_another_value_reopens_the_run_with_fresh_retry_budgets_and_starts_it():
    world = a_world()

    write(world, count=1001)

    run = world.run
    assert (run.status, run.attempt, run.opened_by) == ("WAITING", 2, "late-data")
    assert (run.retries, run.code_retries, run.drift_reruns, run.manual_reruns) == (0, 0, 1, 0)
    assert world.told == ["LATE_DATA_ARRIVAL", "RERUN_ACCEPTED"]
    assert list(world.machine.started) == [run.execution_name]


def test_a_rerun_of_our_own_is_kept_with_its_source_and_numbered_after_those_by_hand():
    world = a_world(run=replace(SUCCESS, manual_reruns=2))

    write(world, count=1001)

    assert rerun_log(world) == [("RERUN#stream#2026-03-02#000003", "late-data", "interlock")]


def test_a_heartbeat_asks_for_the_run_and_its_baseline_and_for_nothing_else():
    world = a_world()
    world.calls.made.clear()

    write(world, count="1000.0", updatedAt="2026-03-02T08:30:00Z")

    assert world.calls.made == ["dynamodb.Query", "dynamodb.GetItem", "dynamodb.GetItem"]
    assert world.run == SUCCESS


def test_a_write_to_a_run_that_waits_costs_what_it_did_without_late_data():
    waiting = replace(SUCCESS, status=RunStatus.WAITING)
    world = a_world(run=waiting)
    world.outside.promise(DueRun(waiting.key, NOW, "readiness"))
    write(world, count=999)
    world.calls.made.clear()

    write(world, count=999)

    assert world.calls.made == ["dynamodb.Query", "dynamodb.TransactGetItems"]


@pytest.mark.parametrize("call", ["dynamodb.PutItem", "dynamodb.UpdateItem", "states.StartExecution"])
@pytest.mark.parametrize("after", [False, True])
def test_whoever_dies_at_a_call_is_made_good_by_the_redelivery(call, after):
    world = a_world()
    world.calls.arrange(call, FunctionCrashed("rerun"), after=after)

    with suppress(FunctionCrashed):
        write(world, count=1001)
    deliver(world, count=1001)
    deliver(world, count=1001)

    assert (world.run.status, world.run.attempt, world.run.drift_reruns) == ("WAITING", 2, 1)
    assert world.told == ["LATE_DATA_ARRIVAL", "RERUN_ACCEPTED"]
    assert list(world.machine.started) == [world.run.execution_name]
    assert len(rerun_log(world)) == 1


def test_a_stale_row_of_the_ledger_hides_no_late_data():
    world = a_world()
    world.outside.promise(DueRun(SUCCESS.key, NOW, "job"))

    write(world, count=1001)

    assert world.told == ["LATE_DATA_ARRIVAL", "RERUN_ACCEPTED"]


def test_a_record_that_comes_late_finds_what_the_table_holds_by_now():
    world = a_world()
    world.write_sensor("row-count", count=1000)

    deliver(world, count=1001)

    assert (world.run, world.told) == (SUCCESS, [])


def test_yesterdays_record_tells_nothing_of_what_is_written_today():
    world = a_world(run=replace(SUCCESS, drift_reruns=0))
    world.write_sensor("row-count", count=5)

    deliver(world, count=1001, written_at=NOW, now=later(days=1))

    assert (world.run, world.told) == (SUCCESS, [])


@pytest.mark.parametrize(
    ("says", "told"),
    [
        ("2026-03-02T08:20:00.600Z", []),  # before the success, in its second
        ("2026-03-02T08:20:00.800Z", ["LATE_DATA_ARRIVAL", "RERUN_REJECTED"]),
        ("2026-03-01T23:00:00Z", ["LATE_DATA_ARRIVAL", "RERUN_REJECTED"]),  # a clock that says another second
        (None, ["LATE_DATA_ARRIVAL", "RERUN_REJECTED"]),
    ],
)
def test_what_the_next_date_overwrote_is_late_data_unless_it_came_before_the_success(says, told):
    succeeded = replace(SUCCESS, succeeded_at=at("2026-03-02T08:20:00.700"))
    world = a_world(run=succeeded)
    world.write_sensor(count=5, date="2026-03-03")  # what the row shows by now

    own = {"count": 990, "date": "2026-03-02"} | ({} if says is None else {"updatedAt": says})
    deliver(world, written_at=at("2026-03-02T08:20"), now=later(), **own)

    assert world.told == told


def test_a_dateless_write_of_the_next_day_is_none_of_yesterdays_late_data():
    world = a_world()

    write(world, count=5, written_at=later(days=1))

    assert (world.run, world.told) == (SUCCESS, [])


def test_what_is_written_for_the_next_fire_is_no_late_data_of_the_last():
    nightly = a_pipeline_of(cron="0 8 * * *")
    success = replace(SUCCESS, key=a_key(schedule_id="cron"))
    world = a_world(nightly, success)

    write(world, pipeline=nightly, count=5, written_at=at("2026-03-03T07:00"))

    assert world.told == []


def test_a_dateless_write_before_midnight_is_late_data_although_it_is_delivered_after():
    world = a_world()

    write(world, count=5, written_at=at("2026-03-02T23:59:59"), now=at("2026-03-03T00:00:01"))

    assert world.told == ["LATE_DATA_ARRIVAL", "RERUN_ACCEPTED"]


def test_when_the_budget_is_used_up_each_change_is_told_once_and_the_refusal_once():
    world = a_world(a_pipeline_of(0))

    for count in (1001, "1001", 1002, 1001, 1002):
        write(world, pipeline=a_pipeline_of(0), count=count)

    assert world.told == ["LATE_DATA_ARRIVAL", "RERUN_REJECTED", "LATE_DATA_ARRIVAL"]
    assert "maxDriftReruns is 0" in world.events[1].message
    assert (world.run.status, rerun_log(world), world.machine.started) == ("SUCCEEDED", [], {})


def test_more_changes_at_once_than_are_remembered_are_told_once():
    names = [f"f{number}" for number in range(120)]
    wide = replace(
        a_pipeline_of(0), validation=Validation(rules=tuple(a_rule("exists", field=n) for n in names))
    )
    world = a_world(wide, read={"row-count": dict.fromkeys(names, 1)})

    for _ in range(2):
        write(world, pipeline=wide, **dict.fromkeys(names, 2))
        hear_of_success(world, wide)

    assert world.told == ["LATE_DATA_ARRIVAL", "RERUN_REJECTED"]


def test_two_records_that_are_judged_at_once_are_both_remembered_and_told_once():
    audited = a_pipeline_of(0, post_run=AUDITED)
    world = a_world(audited, read={**READ, "audit": {"bad": 0}})
    world.write_sensor("row-count", count=1001)
    world.calls.arrange("dynamodb.UpdateItem", lambda: deliver(world, pipeline=audited, count=1001))

    write(world, "audit", audited, bad=1)
    deliver(world, pipeline=audited, count=1001)

    assert sorted(world.told) == ["LATE_DATA_ARRIVAL", "POST_RUN_FAILED", "RERUN_REJECTED"]
    assert written_mark("audit") in world.run.told


def test_a_budget_that_is_spent_by_hand_is_not_the_one_of_late_data():
    world = a_world(run=replace(SUCCESS, manual_reruns=1))

    write(world, count=1001)

    assert "RERUN_ACCEPTED" in world.told


def test_an_excluded_date_is_not_run_again():
    pipeline = a_pipeline_of(exclude=Exclude(dates=(date(2026, 3, 2),)))
    world = a_world(pipeline)

    write(world, pipeline=pipeline, count=1001)

    assert world.told == ["LATE_DATA_ARRIVAL", "RERUN_REJECTED"]
    assert world.run.status == "SUCCEEDED"


def test_somebody_who_opens_the_run_meanwhile_reads_the_new_data_himself():
    world = a_world()
    reopened = replace(SUCCESS, status=RunStatus.WAITING, attempt=2, version=2)
    world.calls.arrange("dynamodb.UpdateItem", lambda: world.put_run(reopened))

    write(world, count=1001)

    assert (world.run, world.told) == (reopened, [])


def test_something_that_was_said_of_the_success_meanwhile_has_the_record_delivered_again():
    world = a_world()
    said = announcing(SUCCESS, [], "something")
    world.calls.arrange("dynamodb.UpdateItem", lambda: world.put_run(said))

    with pytest.raises(FeedbackRaced):
        write(world, count=1001)
    deliver(world, count=1001)

    assert world.told == ["LATE_DATA_ARRIVAL", "RERUN_ACCEPTED"]


# ---------------------------------------------------------------- between the baseline and the success


def test_a_write_between_the_baseline_and_the_success_is_found_when_the_success_is_heard_of():
    running = a_run("RUNNING", outcome=SUCCEEDED)
    world = World(a_pipeline_of(), running)
    world.write_sensor("row-count", count=1000)
    world.calls.arrange("dynamodb.UpdateItem", lambda: write(world, count=1001))
    complete_run(a_task(running, None), world.tasks, NOW)
    assert world.told == ["JOB_COMPLETED", "POST_RUN_BASELINE_CAPTURED"]

    hear_of_success(world)

    assert world.told[2:] == ["LATE_DATA_ARRIVAL", "RERUN_ACCEPTED"]


def test_from_a_success_on_its_post_run_sensors_are_waited_for():
    world = a_world(AUDITING)

    hear_of_success(world, AUDITING)

    promise = world.outside.promise_of(PromiseKind.POST_RUN, a_key())
    assert promise.due_at == at("2026-03-02T10:20")


def test_a_success_that_is_heard_of_again_finds_nothing_new():
    world = a_world()
    world.write_sensor("row-count", count=1000)

    hear_of_success(world)
    hear_of_success(world)

    assert (world.run, world.told) == (SUCCESS, [])


def test_a_success_of_yesterday_that_is_heard_of_again_is_not_compared_with_what_is_dateless_today():
    world = a_world()
    world.write_sensor("row-count", count=5)

    hear_of_success(world, now=later(days=1))

    assert (world.run, world.told) == (SUCCESS, [])


def test_a_rerun_whose_opener_died_is_set_going_when_the_success_is_heard_of_again():
    world = a_world()
    world.write_sensor("row-count", count=1001)
    world.calls.arrange("states.StartExecution", FunctionCrashed("starting"))
    with suppress(FunctionCrashed):
        hear_of_success(world)

    hear_of_success(world)

    assert list(world.machine.started) == [world.run.execution_name]
    assert world.told == ["LATE_DATA_ARRIVAL", "RERUN_ACCEPTED"]


# ---------------------------------------------------------------- drift and verdicts

DRIFTING = a_pipeline_of(post_run=PostRun((a_rule("exists", field=None, key="stock"),)))
STOCKED = READ | {"stock": {"count": 10, "sensor_count": None}}


def test_drift_of_a_post_run_sensor_reopens_the_run():
    world = a_world(DRIFTING, read=STOCKED)

    write(world, "stock", DRIFTING, count=11)

    assert world.told == ["POST_RUN_DRIFT", "RERUN_ACCEPTED"]
    assert (world.run.opened_by, world.run.drift_reruns) == ("drift", 1)
    assert rerun_log(world)[0][1] == "drift"


def test_a_rerun_for_drift_whose_opener_died_is_set_going_by_the_redelivery():
    world = a_world(DRIFTING, read=STOCKED)
    world.calls.arrange("states.StartExecution", FunctionCrashed("starting"))
    with suppress(FunctionCrashed):
        write(world, "stock", DRIFTING, count=11)

    deliver(world, "stock", DRIFTING, count=11)

    assert list(world.machine.started) == [world.run.execution_name]


def test_late_data_and_drift_of_one_write_are_both_told_when_neither_is_run_for():
    pipeline = a_pipeline_of(0, PostRun((a_rule(),)))
    world = a_world(pipeline)

    write(world, pipeline=pipeline, count=1001)
    write(world, pipeline=pipeline, count=1001)

    assert world.told == ["LATE_DATA_ARRIVAL", "POST_RUN_DRIFT", "RERUN_REJECTED"]


def test_late_data_goes_before_the_drift_of_the_same_write():
    pipeline = a_pipeline_of(5, PostRun((a_rule(),)))
    world = a_world(pipeline)

    write(world, pipeline=pipeline, count=1001)

    assert world.told == ["LATE_DATA_ARRIVAL", "RERUN_ACCEPTED"]


def test_a_verdict_is_published_when_it_changes():
    world = a_world(AUDITING)

    for bad in (0, 0, 3, 4, 0):
        write(world, "audit", AUDITING, bad=bad)

    assert world.told == ["POST_RUN_PASSED", "POST_RUN_FAILED", "POST_RUN_PASSED"]


def test_an_older_record_that_comes_again_changes_no_verdict():
    world = a_world(AUDITING)
    write(world, "audit", AUDITING, bad=3)
    write(world, "audit", AUDITING, bad=0)

    deliver(world, "audit", AUDITING, bad=3)

    assert world.told == ["POST_RUN_FAILED", "POST_RUN_PASSED"]


def test_a_record_of_before_the_success_judges_nothing():
    world = a_world(AUDITING)

    write(world, "audit", AUDITING, written_at=at("2026-03-02T08:19"), bad=3)

    assert world.told == []


def test_a_write_of_a_post_run_sensor_wakes_nobody_and_looks_for_nobody_who_waits():
    world = a_world(AUDITING, run=a_run("WAITING", task_token="t", token_for="readiness"), read=None)
    world.calls.made.clear()

    write(world, "audit", AUDITING, bad=0)

    assert world.calls.made == ["dynamodb.GetItem"]


# ---------------------------------------------------------------- of a dry run

OBSERVING = a_pipeline_of(2, PostRun((a_rule("exists", field=None, key="stock"),)), dry_run=True)
OBSERVED = replace(SUCCESS, dry_run=True)


def test_an_observed_run_uses_the_budget_and_opens_nothing():
    world = a_world(OBSERVING, OBSERVED, STOCKED)

    write(world, pipeline=OBSERVING, count=1001)
    write(world, "stock", OBSERVING, count=11)
    write(world, pipeline=OBSERVING, count=1002)

    assert world.told == [
        "DRY_RUN_LATE_DATA",
        "DRY_RUN_WOULD_RERUN",
        "DRY_RUN_DRIFT",
        "DRY_RUN_WOULD_RERUN",
        "DRY_RUN_LATE_DATA",
        "DRY_RUN_RERUN_REJECTED",
    ]
    assert (world.run.status, world.run.drift_reruns, world.machine.started) == ("SUCCEEDED", 2, {})


@pytest.mark.parametrize(("call", "after"), [("dynamodb.UpdateItem", True), ("dynamodb.PutItem", False)])
def test_what_was_told_of_an_observed_run_becomes_the_measure_although_the_teller_died(call, after):
    world = a_world(OBSERVING, OBSERVED, STOCKED)
    world.calls.arrange(call, FunctionCrashed("observing"), after=after)
    with suppress(FunctionCrashed):
        write(world, pipeline=OBSERVING, count=1001)

    deliver(world, pipeline=OBSERVING, count=1001)

    assert world.told == ["DRY_RUN_LATE_DATA", "DRY_RUN_WOULD_RERUN"]
    assert world.outside.baseline(a_key()).sensors == STOCKED | {"row-count": {"count": 1001}}


def test_what_a_later_record_tells_of_an_observed_run_is_not_swallowed_by_the_one_before():
    rules = [a_rule(), a_rule(field="bytes")]
    observing = replace(OBSERVING, validation=replace(OBSERVING.validation, rules=tuple(rules)))
    world = a_world(observing, OBSERVED, STOCKED | {"row-count": {"count": 1000, "bytes": 5}})
    world.write_sensor("row-count", count=1001, bytes=6)

    deliver(world, pipeline=observing, count=1001, bytes=5)
    deliver(world, pipeline=observing, count=1001, bytes=6)

    assert world.told.count("DRY_RUN_LATE_DATA") == 2


def test_a_pipeline_that_only_observes_by_now_runs_nothing_again():
    observing = a_pipeline_of(dry_run=True)
    world = a_world(observing)

    write(world, pipeline=observing, count=1001)

    assert (world.run.status, world.machine.started) == ("SUCCEEDED", {})
    assert world.told == ["DRY_RUN_LATE_DATA", "DRY_RUN_WOULD_RERUN"]


def test_a_table_that_fails_has_the_record_delivered_again_and_nothing_is_lost():
    world = a_world()
    world.calls.arrange("dynamodb.TransactGetItems", THROTTLED)

    with pytest.raises(type(THROTTLED)):
        write(world, count=1001)
    deliver(world, count=1001)

    assert world.told == ["LATE_DATA_ARRIVAL", "RERUN_ACCEPTED"]
