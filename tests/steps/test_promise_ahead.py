"""The rows of what a config promises are there before their time, move with it, and go with it."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from builders import a_key, a_pipeline, a_trigger, at
from interlock.domain.pipeline import Deadline, Exclude, Sla
from interlock.domain.promise import PromiseKind, settled
from interlock.ports import CallFailed
from interlock.steps.promise_ahead import drop_promises, promise_ahead, promise_next
from watchdog_world import LOADED, WatchdogWorld

FIRE, TRIGGER, SLA = PromiseKind.FIRE, PromiseKind.TRIGGER, PromiseKind.SLA
DAILY = a_pipeline(cron="0 6 * * *")
EVERY_MINUTE = a_pipeline(cron="* * * * *")
CLOSES = a_pipeline(trigger=a_trigger(deadline=Deadline(0, 9)))


@pytest.fixture
def world():
    return WatchdogWorld()


def dates(world, kind=FIRE):
    return [date for of_kind, date, _ in world.open_promises() if of_kind == kind]


def load(world, pipeline, now=LOADED, loaded_at=None):
    promise_ahead(pipeline, loaded_at or now, world.control, now)


def test_a_config_has_its_next_promise_as_soon_as_it_is_loaded(world):
    load(world, DAILY)

    assert world.open_promises() == [("fire", "2026-03-02", "2026-03-02T06:01")]


def test_the_row_of_a_date_is_there_before_the_date_begins(world):
    """Whatever falls due at D's end, the run of D + 1 may succeed before: its row must be there to be settled."""
    hourly = a_pipeline(cron="0 * * * *", sla=Sla(deadline=Deadline(30)))
    load(world, hourly)

    first = dates(world, SLA)[0]
    due_at = world.outside.promise_of(SLA, a_key(schedule_id="cron", date=first)).due_at
    promise_next(SLA, hourly, first, world.control, due_at)

    begun = [f"2026-03-02T{hour:02}" for hour in range(due_at.hour + 2)]
    assert set(begun) <= set(dates(world, SLA))


def test_loading_it_twice_makes_no_row_twice(world):
    load(world, DAILY)
    before = world.rows

    load(world, DAILY)

    assert world.rows == before


def test_a_pass_that_was_late_makes_the_promises_since_the_loading(world):
    """Else a fire between the two would be missed by nobody."""
    load(world, DAILY, at("2026-03-02T08:00"), LOADED)

    assert dates(world) == ["2026-03-02", "2026-03-03"]


def test_a_chain_that_broke_off_begins_again_with_what_may_have_been_missed(world):
    load(world, DAILY, at("2026-03-20T08:00"), LOADED)

    assert dates(world) == ["2026-03-20", "2026-03-21"]


def test_what_was_kept_long_ago_is_not_promised_again(world):
    load(world, DAILY, at("2026-03-20T05:00"), LOADED)
    kept = world.outside.promise_of(FIRE, a_key(schedule_id="cron", date="2026-03-19"))
    world.outside.drop_promise(kept)

    load(world, DAILY, at("2026-03-20T05:30"), LOADED)

    assert dates(world) == ["2026-03-20"]


def test_what_was_announced_is_not_promised_again(world):
    load(world, DAILY)
    missed = world.outside.promise_of(FIRE, a_key(schedule_id="cron"))
    world.outside.change_promise(missed, settled(missed, "missed"))

    load(world, DAILY, at("2026-03-02T08:00"), LOADED)

    assert world.verdict(FIRE, a_key(schedule_id="cron")) == "missed"
    assert dates(world) == ["2026-03-03"]


def test_a_cron_that_fires_more_often_gets_the_earlier_row(world):
    load(world, a_pipeline(cron="0 6 * * 5"))

    load(world, DAILY, LOADED + timedelta(hours=1))

    assert dates(world) == ["2026-03-02", "2026-03-06"]


def test_rows_of_another_form_of_date_go(world):
    load(world, DAILY)

    load(world, a_pipeline(cron="0 6,18 * * *"))

    assert dates(world) == ["2026-03-02T06"]


def test_a_deadline_that_moves_moves_its_row(world):
    load(world, CLOSES)

    load(world, a_pipeline(trigger=a_trigger(deadline=Deadline(30, 10))), LOADED + timedelta(hours=1))

    assert world.open_promises()[0] == ("trigger", "2026-03-02", "2026-03-03T10:30")


def test_a_deadline_that_is_moved_before_the_loading_is_nobodys_promise(world):
    load(world, CLOSES)

    load(world, a_pipeline(trigger=a_trigger(deadline=Deadline(0, 7))), at("2026-03-03T08:00"))

    assert dates(world, TRIGGER) == ["2026-03-03", "2026-03-04"]


def test_a_deadline_that_stays_is_kept_although_the_config_was_loaded_after_it(world):
    """It is due, and the tick that says so has not come yet."""
    load(world, CLOSES)

    load(world, replace(CLOSES, owner="somebody else"), at("2026-03-03T09:00:20"))

    assert "2026-03-02" in dates(world, TRIGGER)


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(a_pipeline(), id="no longer configured"),
        pytest.param(replace(DAILY, dry_run=True), id="it only observes by now"),
        pytest.param(
            a_pipeline(cron="0 6 * * *", exclude=Exclude(days=tuple(range(7)))), id="every day is excluded"
        ),
    ],
)
def test_what_a_config_no_longer_promises_goes(world, after):
    load(world, DAILY)

    load(world, after)

    assert dates(world) == []


def test_a_removed_config_leaves_only_what_was_announced(world):
    load(world, DAILY)
    missed = world.outside.promise_of(FIRE, a_key(schedule_id="cron"))
    world.outside.change_promise(missed, settled(missed, "missed"))
    load(world, DAILY, at("2026-03-02T08:00"), LOADED)

    drop_promises("gold-revenue", world.control)

    assert world.open_promises() == []
    assert world.verdict(FIRE, a_key(schedule_id="cron")) == "missed"


def test_the_promises_of_a_lost_day_of_minutes_come_in_bounded_numbers(world):
    load(world, EVERY_MINUTE)
    late = LOADED + timedelta(days=1)
    before = len(dates(world))

    promise_next(FIRE, EVERY_MINUTE, dates(world)[-1], world.control, late)

    assert len(dates(world)) == before + 100


def test_the_next_promise_skips_what_is_excluded(world):
    holiday = a_pipeline(cron="0 6 * * *", exclude=Exclude(dates=(date(2026, 3, 3),)))

    promise_next(FIRE, holiday, "2026-03-02", world.control, at("2026-03-02T06:02"))

    assert dates(world) == ["2026-03-04"]


def test_calendars_are_read_only_where_one_is_named(world):
    load(world, DAILY)

    assert world.calls.made == ["dynamodb.Query", "dynamodb.PutItem"]


def test_a_row_that_somebody_moves_at_the_same_time_is_left_to_them(world):
    load(world, CLOSES)
    moved = a_pipeline(trigger=a_trigger(deadline=Deadline(30, 10)))
    world.calls.arrange("dynamodb.PutItem", lambda: load(world, moved, LOADED + timedelta(hours=1)))

    load(world, moved, LOADED + timedelta(hours=1))

    assert world.open_promises()[0] == ("trigger", "2026-03-02", "2026-03-03T10:30")


def test_a_write_that_fails_is_raised_for_the_pass_to_be_repeated(world):
    world.calls.arrange("dynamodb.PutItem", CallFailed("dynamodb.PutItem", "ThrottlingException"))

    with pytest.raises(CallFailed):
        load(world, DAILY)


def test_a_date_that_is_excluded_no_longer_is_promised_when_the_sweep_comes(world):
    holiday = a_pipeline(cron="0 6 * * *", exclude=Exclude(calendar="company"))
    company = {"PK": "CALENDAR#company", "SK": "CALENDAR"}
    world.table.from_outside().put({**company, "dates": ["2026-03-03"]})
    load(world, holiday, at("2026-03-02T07:00"))
    assert dates(world) == ["2026-03-04"]

    world.table.from_outside().put({**company, "dates": []})
    load(world, holiday, at("2026-03-02T12:00"), at("2026-03-02T07:00"))

    assert dates(world) == ["2026-03-03", "2026-03-04"]


def test_an_sla_that_is_promised_again_after_its_warning_was_due_is_still_promised(world):
    sla = Sla(deadline=Deadline(0, 18), expected_duration=timedelta(hours=8))
    holiday = a_pipeline(cron="0 6 * * *", sla=sla, exclude=Exclude(calendar="company"))
    company = {"PK": "CALENDAR#company", "SK": "CALENDAR"}
    world.table.from_outside().put({**company, "dates": ["2026-03-03"]})
    load(world, holiday, at("2026-03-02T07:00"))

    world.table.from_outside().put({**company, "dates": []})
    load(world, holiday, at("2026-03-03T12:00"), at("2026-03-02T07:00"))

    assert "2026-03-03" in dates(world, SLA)
