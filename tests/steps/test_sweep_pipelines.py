"""The slow look at every pipeline finds what was lost on the way, page by page, and costs nobody anything twice."""

from datetime import timedelta

import pytest

from builders import a_key, a_pipeline, a_run, a_trigger, at
from interlock.aws.event_store import DynamoEventStore
from interlock.domain.pipeline import Deadline, Start
from interlock.ports import CallFailed, DueRun, SweepPass
from interlock.steps import sweep_pipelines as module
from interlock.steps.check_runs import check_runs
from watchdog_world import WatchdogWorld

NOW = at("2026-03-02T12:00")
DAILY = a_pipeline(id="daily", cron="0 18 * * *")
TRIGGERED = a_pipeline()
THROTTLED = CallFailed("dynamodb.Query", "ThrottlingException")


def many(count):
    return WatchdogWorld(*[a_pipeline(id=f"p-{number:03}", cron="0 18 * * *") for number in range(count)])


def in_force(world):
    """The pass that the sweep has come to."""
    return world.ports.memory.sweep_pass()


def stored(world, events):
    store = DynamoEventStore(world.events_table, timedelta(days=90))
    for event in events:
        store.record(event)


def test_a_pipeline_without_its_promises_gets_them():
    world = WatchdogWorld(DAILY)

    assert world.sweep(NOW) == 1

    assert world.open_promises("daily") == [("fire", "2026-03-02", "2026-03-02T18:01")]


def test_a_pass_goes_on_where_the_page_before_ended(monkeypatch):
    monkeypatch.setattr(module, "PAGE", 2)
    world = many(5)

    swept = [world.sweep(NOW + timedelta(minutes=minute)) for minute in range(4)]

    assert swept == [2, 2, 1, 0]
    assert [bool(world.open_promises(f"p-{number:03}")) for number in range(5)] == [True] * 5


def test_a_pass_that_is_over_is_not_begun_again_before_its_time():
    world = WatchdogWorld(DAILY)
    world.sweep(NOW)

    swept = [world.sweep(NOW + timedelta(minutes=minutes)) for minutes in (1, 54, 55)]

    assert swept == [0, 0, 1]


def test_a_late_pass_takes_more_than_a_page_at_once(monkeypatch):
    monkeypatch.setattr(module, "PAGE", 2)
    world = many(5)
    world.sweep(NOW)

    assert world.sweep(NOW + timedelta(minutes=31)) == 3


def test_a_page_stops_when_its_time_is_over_and_the_next_takes_the_rest():
    world = many(3)
    world.seconds_a_look = 25.0

    assert world.sweep(NOW) == 2
    assert world.sweep(NOW + timedelta(minutes=1)) == 1


def test_two_sweeps_at_once_do_the_same_page_and_move_on_by_one(monkeypatch):
    monkeypatch.setattr(module, "PAGE", 2)
    world = many(5)
    world.calls.arrange("dynamodb.PutItem", lambda: world.sweep(NOW))

    world.sweep(NOW)

    assert in_force(world).cursor == "001.yaml"
    assert [len(world.open_promises(f"p-{number:03}")) for number in range(5)] == [1, 1, 0, 0, 0]


def test_a_page_that_dies_is_looked_at_again():
    world = WatchdogWorld(DAILY)
    world.calls.arrange("dynamodb.Query", KeyboardInterrupt())

    with pytest.raises(KeyboardInterrupt):
        world.sweep(NOW)

    assert world.sweep(NOW + timedelta(minutes=1)) == 1


def test_a_pipeline_that_cannot_be_looked_at_harms_no_other_and_is_named_once():
    world = many(3)
    for _ in ("how far the pass has come", "which parts failed before"):
        world.calls.arrange("dynamodb.GetItem", lambda: None)
    world.calls.arrange("dynamodb.GetItem", CallFailed("dynamodb.GetItem", "ThrottlingException"))

    world.sweep(NOW)

    (degraded,) = [event for event in world.events if event.type == "WATCHDOG_DEGRADED"]
    assert degraded.detail["parts"] == ["sweep"]
    assert "p-000" in degraded.message
    assert [len(world.open_promises(f"p-{number:03}")) for number in range(3)] == [0, 1, 1]


def test_the_sweep_has_recovered_when_a_whole_pass_worked():
    world = many(1)
    for hour in range(3):
        if hour != 1:
            world.calls.arrange("dynamodb.GetItem", lambda: None)
            world.calls.arrange("dynamodb.GetItem", CallFailed("dynamodb.GetItem", "ThrottlingException"))
        world.sweep(NOW + timedelta(hours=hour))

    assert world.told.count("WATCHDOG_DEGRADED") == 2


def test_a_config_that_somebody_wrote_over_is_told_to_its_own_pipeline():
    world = many(2)
    world.table.from_outside().put({"PK": "PIPELINE#p-000", "SK": "CONFIG", "config": "{"})

    world.sweep(NOW)

    assert [event.pipeline_id for event in world.events] == ["p-000"]
    assert world.told == ["SENSOR_INVALID"]
    assert len(world.open_promises("p-001")) == 1


# -- triggers whose records were lost


def met(world, now=NOW, **reading):
    """The sweep, and what it has the orchestrator look at a little later."""
    world.write_sensor("upstream-complete", **{"status": "ready", **reading})
    world.sweep(now)
    due = [due for due in world.outside.due_runs_of("gold-revenue") if due.waits_for == "record"]
    check_runs(due, world.tasks, now + timedelta(minutes=2))
    return world.told_of("TRIGGER_RECOVERED")


@pytest.mark.parametrize(
    ("reading", "recovered"),
    [
        pytest.param({"date": "2026-03-02"}, ["2026-03-02"], id="of today"),
        pytest.param({"updatedAt": "2026-03-02T11:00:00Z"}, ["2026-03-02"], id="dateless, written today"),
        pytest.param({}, [], id="dateless, written nobody knows when"),
        pytest.param({"updatedAt": "2026-03-01T11:00:00Z"}, [], id="dateless, written yesterday"),
        pytest.param({"date": "2026-03-02", "status": "loading"}, [], id="not met"),
        pytest.param({"date": "2026-03-01"}, [], id="of before the config was loaded"),
        pytest.param({"date": "2026-03-03"}, [], id="of tomorrow"),
        pytest.param(
            {"date": "2026-03-02", "updatedAt": "2026-03-02T11:59:00Z"}, [], id="its record is on its way"
        ),
        pytest.param({"date": "soon"}, [], id="unreadable, and told when it was written"),
    ],
)
def test_a_trigger_that_is_met_in_this_period_has_its_run(reading, recovered):
    assert met(WatchdogWorld(TRIGGERED), **reading) == recovered


def test_a_trigger_met_shortly_before_midnight_is_recovered_after_it():
    world = WatchdogWorld(TRIGGERED)

    assert met(world, at("2026-03-03T00:20"), date="2026-03-02") == ["2026-03-02"]


def test_the_door_stays_closed_for_a_trigger_that_is_found_too_late():
    world = WatchdogWorld(a_pipeline(trigger=a_trigger(deadline=Deadline(10, 0))))

    assert met(world, at("2026-03-03T00:20"), date="2026-03-02") == []


def test_a_run_that_is_there_is_recovered_by_nobody():
    world = WatchdogWorld(TRIGGERED)
    world.put_run(a_run("FAILED"))

    assert met(world, date="2026-03-02") == []


@pytest.mark.parametrize(("now", "recovered"), [(NOW, []), (at("2026-03-02T18:30"), ["2026-03-02"])])
def test_where_both_must_have_happened_the_fire_must_too(now, recovered):
    world = WatchdogWorld(a_pipeline(cron="0 18 * * *", start=Start.ALL, trigger=a_trigger()))

    assert met(world, now, date="2026-03-02") == recovered


def test_a_reading_that_does_not_say_when_it_was_written_is_given_the_time_that_its_record_takes():
    world = WatchdogWorld(TRIGGERED)
    world.write_sensor("upstream-complete", status="ready", date="2026-03-02")

    world.sweep(NOW)
    world.put_run(a_run("RUNNING"))  # its record came
    check_runs(world.outside.due_runs_of("gold-revenue"), world.tasks, NOW + timedelta(minutes=2))

    assert "TRIGGER_RECOVERED" not in world.told


def test_a_dry_run_is_recovered_by_nobody():
    assert met(WatchdogWorld(a_pipeline(dry_run=True)), date="2026-03-02") == []


# -- rows and events that got lost


@pytest.mark.parametrize(("status", "waits_for"), [("WAITING", "readiness"), ("RUNNING", "job")])
def test_an_open_run_that_nobody_watches_is_looked_at_again(status, waits_for):
    world = WatchdogWorld(TRIGGERED)
    world.put_run(a_run(status))

    world.sweep(NOW)

    (due,) = world.outside.due_runs_of("gold-revenue")
    assert (due.key, due.due_at, due.waits_for) == (a_key(), NOW, waits_for)


def test_a_run_that_is_watched_is_left_alone():
    world = WatchdogWorld(TRIGGERED)
    world.put_run(a_run())
    due = DueRun(a_key(), NOW + timedelta(minutes=3), "readiness", 1)
    world.outside.promise(due)

    world.sweep(NOW)

    assert world.outside.due_runs_of("gold-revenue") == [due]


def an_opened_run(world, now):
    """Its row, and the event that it carries."""
    met(world, now, date="2026-03-02")
    (event, _) = [event for event in world.events if event.type in ("RUN_OPENED", "TRIGGER_RECOVERED")]
    return event


@pytest.mark.parametrize(
    ("minutes", "published"),
    [
        pytest.param(5, 0, id="still on its way"),
        pytest.param(10, 2, id="no longer on its way"),
        pytest.param(60, 2, id="lost"),
        pytest.param(26 * 60, 2, id="as long ago as is looked back"),
        pytest.param(26 * 60 + 1, 0, id="too long ago"),
    ],
)
def test_events_that_nobody_stored_are_published_again_under_their_own_ids(minutes, published):
    world = WatchdogWorld(TRIGGERED)
    opened = an_opened_run(world, NOW)
    world.ports.memory.advance(in_force(world), SweepPass(NOW, ""))

    world.sweep(opened.at + timedelta(minutes=minutes))

    assert len(world.bus.published) == published
    assert not published or world.bus.published[0].event_id == opened.event_id


def test_events_that_are_stored_are_not_published_again():
    world = WatchdogWorld(TRIGGERED)
    an_opened_run(world, NOW)
    stored(world, world.events)

    world.sweep(NOW + timedelta(hours=1))

    assert world.bus.published == []


def test_what_a_settled_promise_or_a_notice_says_is_published_too():
    world = WatchdogWorld(DAILY, TRIGGERED)
    world.sweep(NOW)
    world.tick(at("2026-03-02T20:00"))
    world.write_sensor("upstream-complete", status="ready", date="2026-03-02")
    assert world.told == ["SCHEDULE_MISSED"]

    world.sweep(at("2026-03-02T21:00"))

    assert "SCHEDULE_MISSED" in [event.type for event in world.bus.published]


def test_what_belongs_to_no_pipeline_is_published_too():
    world = WatchdogWorld()
    world.calls.arrange("dynamodb.Query", THROTTLED)
    world.tick(NOW)

    world.sweep(NOW + timedelta(hours=1))

    assert [event.type for event in world.bus.published] == ["WATCHDOG_DEGRADED"]
