"""What is due and was not kept is put right where it can be, else said once; whatever dies in between."""

from contextlib import suppress
from dataclasses import replace
from datetime import date, time, timedelta

import pytest

from builders import a_key, a_pipeline, a_run, a_trigger, at
from interlock.aws import keys
from interlock.domain.pipeline import Deadline, Evaluation, Exclude, Include, Start
from interlock.domain.promise import PromiseKind, promised
from interlock.ports import CallFailed
from interlock.steps.promise_ahead import promise_ahead
from interlock.steps.tick import TickFailed
from watchdog_world import LOADED, WatchdogWorld

FIRE, INCLUSION, TRIGGER = PromiseKind.FIRE, PromiseKind.INCLUSION, PromiseKind.TRIGGER
TWO_HOURS = Evaluation(window=timedelta(hours=2))
DAILY = a_pipeline(cron="0 6 * * *", evaluation=TWO_HOURS)
CLOSES = a_pipeline(trigger=a_trigger(deadline=Deadline(0, 9)))
INCLUDED = a_pipeline(include=Include((date(2026, 3, 2),)), time=time(9, 30))
AT_SIX, TOO_LATE = at("2026-03-02T06:02"), at("2026-03-02T08:00")
CRON_KEY = a_key(schedule_id="cron")


def a_world(pipeline, loaded_at=LOADED):
    world = WatchdogWorld(pipeline)
    promise_ahead(pipeline, loaded_at, world.outside, loaded_at)
    world.calls.made.clear()
    return world


def absences(world):
    """What was said of something that did not happen, or was put right."""
    kinds = ("SCHEDULE_MISSED", "IRREGULAR_SCHEDULE_MISSED", "SENSOR_DEADLINE_EXPIRED", "TRIGGER_RECOVERED")
    return [str(event.type) for event in world.events if event.type in kinds]


def test_a_fire_that_never_came_is_started_inside_its_window():
    world = a_world(DAILY)

    world.tick(AT_SIX)

    run = world.outside.run(CRON_KEY)
    assert (run.opened_by, run.execution_name in world.machine.started) == ("watchdog", True)
    assert run.alerted  # its success will be told where the recovery was
    assert absences(world) == ["TRIGGER_RECOVERED"]
    assert world.open_promises() == [("fire", "2026-03-03", "2026-03-03T06:01")]


@pytest.mark.parametrize(
    ("now", "told"),
    [
        pytest.param(at("2026-03-02T06:01"), [], id="it may be a minute late"),
        pytest.param(at("2026-03-02T07:59:59"), ["TRIGGER_RECOVERED"], id="the last second of its window"),
        pytest.param(TOO_LATE, ["SCHEDULE_MISSED"], id="its window is over"),
        pytest.param(at("2026-03-09T00:00"), ["SCHEDULE_MISSED"], id="a week later"),
    ],
)
def test_a_missed_fire_is_judged_by_its_window(now, told):
    world = a_world(DAILY)

    world.tick(now)

    assert absences(world) == told


def test_what_was_missed_is_said_once_however_many_ticks_follow():
    world = a_world(DAILY)

    for minute in range(30):
        world.tick(TOO_LATE + timedelta(minutes=minute))

    assert absences(world) == ["SCHEDULE_MISSED"]
    assert world.verdict(FIRE, CRON_KEY) == "missed"


def test_two_ticks_at_once_say_it_once():
    world = a_world(DAILY)
    world.calls.arrange("dynamodb.PutItem", lambda: world.tick(TOO_LATE))

    world.tick(TOO_LATE)

    assert absences(world) == ["SCHEDULE_MISSED"]


def test_two_ticks_at_once_start_one_run():
    world = a_world(DAILY)
    world.calls.arrange("dynamodb.PutItem", lambda: None)  # the row of the next fire
    world.calls.arrange("dynamodb.PutItem", lambda: world.tick(AT_SIX))

    world.tick(AT_SIX)

    assert absences(world) == ["TRIGGER_RECOVERED"]
    assert len(world.machine.started) == 1


def test_a_clock_that_goes_backwards_finds_nothing_due():
    world = a_world(DAILY)
    world.tick(TOO_LATE)
    events = len(world.events)

    world.tick(AT_SIX)

    assert len(world.events) == events


def test_each_fire_of_a_lost_hour_is_started_or_said_once():
    often = a_pipeline(cron="* * * * *", evaluation=Evaluation(window=timedelta(minutes=30)))
    world = a_world(often)
    back = LOADED + timedelta(minutes=60, seconds=30)

    for minute in range(4):
        world.tick(back + timedelta(minutes=minute))

    dates = world.told_of("SCHEDULE_MISSED") + world.told_of("TRIGGER_RECOVERED")
    assert dates == sorted(set(dates))
    assert len(dates) == 62
    # Of each minute since the loading the fire has a run, or was missed for good.
    assert dates[0] == "2026-03-02T00:31"


def test_a_run_that_came_keeps_the_promise_silently():
    world = a_world(DAILY)
    world.put_run(a_run("SUCCEEDED", key=CRON_KEY))
    world.events.clear()

    world.tick(TOO_LATE)

    assert world.told == []
    assert world.open_promises() == [("fire", "2026-03-03", "2026-03-03T06:01")]


def test_a_run_whose_opener_died_before_its_execution_started_is_started():
    world = a_world(DAILY)
    world.put_run(a_run(key=CRON_KEY, confirmed=False))

    world.tick(AT_SIX)

    assert list(world.machine.started) == [world.outside.run(CRON_KEY).execution_name]


def test_an_included_date_without_a_run_is_said_once():
    world = a_world(INCLUDED)

    world.tick(at("2026-03-02T09:30"))
    world.tick(at("2026-03-02T09:31"))

    assert absences(world) == ["IRREGULAR_SCHEDULE_MISSED"]
    assert world.verdict(INCLUSION, a_key()) == "missed"


def test_a_trigger_that_was_not_met_by_its_deadline_is_said_with_what_its_sensor_reads():
    world = a_world(CLOSES)
    world.write_sensor("upstream-complete", status="loading", date="2026-03-02")

    world.tick(at("2026-03-03T09:00"))

    (expired,) = [event for event in world.events if event.type == "SENSOR_DEADLINE_EXPIRED"]
    assert "loading" in expired.message
    assert world.verdict(TRIGGER, a_key()) == "expired"
    assert world.outside.run(a_key()) is None


@pytest.mark.parametrize(
    ("reading", "told"),
    [
        pytest.param({"updatedAt": "2026-03-03T08:59:59Z"}, "TRIGGER_RECOVERED", id="written in time"),
        pytest.param({"updatedAt": "2026-03-03T09:00:01Z"}, "SENSOR_DEADLINE_EXPIRED", id="written too late"),
        pytest.param({}, "SENSOR_DEADLINE_EXPIRED", id="nobody knows when"),
    ],
)
def test_a_trigger_whose_record_was_lost_is_started_if_it_was_met_in_time(reading, told):
    world = a_world(CLOSES)
    world.write_sensor("upstream-complete", status="ready", date="2026-03-02", **reading)

    world.tick(at("2026-03-03T09:01"))

    assert absences(world) == [told]
    assert (world.outside.run(a_key()) is not None) is (told == "TRIGGER_RECOVERED")


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(a_pipeline(cron="0 6 * * *", exclude=Exclude(dates=(date(2026, 3, 2),))), id="excluded"),
        pytest.param(a_pipeline(cron="0 7 * * 5"), id="another cron"),
        pytest.param(
            a_pipeline(cron="0 6 * * *", start=Start.ALL, trigger=a_trigger()), id="both must happen"
        ),
        pytest.param(a_pipeline(cron="0 6 * * *", dry_run=True), id="it only observes"),
    ],
)
def test_what_the_config_no_longer_promises_is_not_missed(after):
    world = a_world(DAILY)
    world.load(after)
    world.events.clear()

    world.tick(TOO_LATE)

    assert world.told == []
    assert "2026-03-02" not in [date for _, date, _ in world.open_promises()]


def test_a_removed_pipeline_misses_nothing():
    world = a_world(DAILY)
    world.remove_config()

    world.tick(TOO_LATE)

    assert world.told == []
    assert world.open_promises() == []


def test_a_promise_whose_time_moved_is_looked_at_then():
    world = a_world(CLOSES)
    world.load(a_pipeline(trigger=a_trigger(deadline=Deadline(30, 10))))

    world.tick(at("2026-03-03T09:00"))

    assert absences(world) == []
    assert ("trigger", "2026-03-02", "2026-03-03T10:30") in world.open_promises()


def test_a_row_that_somebody_wrote_over_is_told_and_looked_at_an_hour_later():
    world = a_world(DAILY)
    row = next(row for row in world.rows if row["SK"].startswith("DUE#fire"))
    world.table.from_outside().put({**row, "createdAt": "long ago"})

    world.tick(TOO_LATE)
    world.tick(TOO_LATE + timedelta(minutes=30))

    assert world.told.count("SENSOR_INVALID") == 1
    (due,) = [row["dueAt"] for row in world.rows if row["SK"] == keys.promise_key(FIRE, CRON_KEY)[1]]
    assert int(due) == int((TOO_LATE + timedelta(hours=1)).timestamp() * 1000)


@pytest.mark.parametrize("run_date", ["2026-02-30", "nonsense", "2026-03-02T25"])
def test_a_row_of_no_execution_date_goes(run_date):
    world = a_world(DAILY)
    key = a_key(schedule_id="cron", date=run_date)
    world.outside.make_promise(promised(FIRE, key, AT_SIX, LOADED))

    world.tick(TOO_LATE)

    assert world.outside.promise_of(FIRE, key) is None
    assert absences(world) == ["SCHEDULE_MISSED"]


class Died(BaseException):
    """The function's sandbox is gone in the middle of a call."""


RECOVERED = pytest.param(DAILY, AT_SIX, None, "TRIGGER_RECOVERED", 1, id="a fire is started")
MISSED = pytest.param(DAILY, TOO_LATE, None, "SCHEDULE_MISSED", 0, id="a fire is missed")
MET = pytest.param(
    CLOSES,
    at("2026-03-03T09:01"),
    {"status": "ready", "date": "2026-03-02", "updatedAt": "2026-03-03T08:00:00Z"},
    "TRIGGER_RECOVERED",
    1,
    id="a trigger is started",
)


@pytest.mark.parametrize("after", [False, True], ids=["before its effect", "after its effect"])
@pytest.mark.parametrize(("pipeline", "now", "reading", "told", "started"), [RECOVERED, MISSED, MET])
def test_a_tick_that_dies_at_any_of_its_calls_leaves_one_run_and_one_announcement(
    pipeline, now, reading, told, started, after
):
    """Calls are interrupted one after the other, in a world of its own each; the next ticks make it good."""

    def prepared():
        world = a_world(pipeline)
        if reading is not None:
            world.write_sensor("upstream-complete", **reading)
        return world

    whole = prepared()
    whole.tick(now)
    for place, call in enumerate(whole.calls.made):
        world = prepared()
        for _ in range(whole.calls.made[:place].count(call)):
            world.calls.arrange(call, lambda: None, after=after)
        world.calls.arrange(call, Died(), after=after)

        with pytest.raises(Died):
            world.tick(now)
        world.tick(now + timedelta(minutes=1))
        world.tick(now + timedelta(minutes=2))

        assert absences(world) == [told], f"died at call {place}, {call}"
        assert len(world.machine.started) == started, f"died at call {place}, {call}"
        following = [date for _, date, _ in world.open_promises()]
        assert following[0] == "2026-03-03", f"died at call {place}, {call}"


@pytest.mark.parametrize(
    "call", ["dynamodb.GetItem", "dynamodb.PutItem", "states.StartExecution", "dynamodb.DeleteItem"]
)
def test_a_call_that_fails_leaves_the_promise_for_the_next_tick(call):
    world = a_world(DAILY)
    for _ in range(3):
        world.calls.arrange(call, CallFailed(call, "ThrottlingException"))

    for minute in range(6):
        with suppress(TickFailed):  # where not even that can be written down
            world.tick(AT_SIX + timedelta(minutes=minute))

    assert absences(world) == ["TRIGGER_RECOVERED"]
    assert len(world.machine.started) == 1


@pytest.mark.parametrize(
    "moves_its_promises", [False, True], ids=["by its tick", "by the sync that loads it"]
)
def test_what_could_not_be_looked_at_is_told_although_its_config_is_loaded_anew_meanwhile(moves_its_promises):
    world = a_world(DAILY)
    world.table.from_outside().update(keys.config_key(DAILY.id), {"config": "garbage"})
    world.tick(AT_SIX)  # put off until somebody mends the config

    mended = replace(DAILY, description="mended")
    world.load(mended, loaded_at=at("2026-03-02T06:30"))
    if moves_its_promises:
        promise_ahead(mended, at("2026-03-02T06:30"), world.outside, at("2026-03-02T06:30"))
    world.tick(at("2026-03-02T07:10"))

    assert absences(world) == ["TRIGGER_RECOVERED"]


def test_a_row_of_another_date_that_somebody_wrote_over_keeps_nobody_from_being_told():
    world = a_world(DAILY)
    partition, sort = keys.promise_key(FIRE, a_key(schedule_id="cron", date="2026-03-03"))
    world.table.from_outside().put({"PK": partition, "SK": sort, "garbage": True})

    world.tick(TOO_LATE)

    assert absences(world) == ["SCHEDULE_MISSED"]
    assert [date for _, date, _ in world.open_promises()] == ["2026-03-04"]
