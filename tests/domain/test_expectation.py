"""Which promises a config brings with it, from which date on, and when each is first looked at."""

from dataclasses import replace
from datetime import date, time, timedelta
from itertools import islice

import pytest

from builders import a_key, a_pipeline, a_trigger, at
from interlock.domain.expectation import (
    counts_from,
    deadline_of,
    due_of,
    expectations,
    first_due,
    is_promised,
)
from interlock.domain.pipeline import Deadline, Exclude, Include, Sla, Start
from interlock.domain.promise import PromiseKind, promised

FIRE, INCLUSION, TRIGGER, SLA = PromiseKind.FIRE, PromiseKind.INCLUSION, PromiseKind.TRIGGER, PromiseKind.SLA
CLOSES = a_trigger(deadline=Deadline(0, 9))
CRON = a_pipeline(cron="0 6 * * *")
TRIGGERED = a_pipeline(trigger=CLOSES)
INCLUDED = a_pipeline(include=Include((date(2026, 3, 2),)), time=time(9, 30))
WITH_SLA = a_pipeline(
    cron="0 6 * * *", sla=Sla(deadline=Deadline(0, 8), expected_duration=timedelta(minutes=30))
)


@pytest.mark.parametrize(
    ("pipeline", "kinds"),
    [
        pytest.param(CRON, [FIRE], id="a cron"),
        pytest.param(a_pipeline(), [], id="a trigger that has all the time in the world"),
        pytest.param(TRIGGERED, [TRIGGER], id="a trigger with a deadline"),
        pytest.param(INCLUDED, [INCLUSION], id="included dates"),
        pytest.param(WITH_SLA, [FIRE, SLA], id="a cron with an SLA"),
        pytest.param(
            a_pipeline(cron="0 6 * * *", start=Start.ALL, trigger=CLOSES),
            [TRIGGER],
            id="both must have happened",
        ),
        pytest.param(replace(WITH_SLA, dry_run=True), [], id="a dry run promises nothing"),
        pytest.param(
            a_pipeline(sla=Sla(max_duration=timedelta(hours=1))), [], id="a relative SLA begins later"
        ),
    ],
)
def test_a_config_brings_its_own_kinds_of_promises(pipeline, kinds):
    assert [kind for kind in PromiseKind if is_promised(kind, pipeline)] == kinds


@pytest.mark.parametrize(
    ("kind", "pipeline", "due_at"),
    [
        pytest.param(FIRE, CRON, "2026-03-02T06:01:30", id="a fire may be a minute late"),
        pytest.param(INCLUSION, INCLUDED, "2026-03-02T09:30", id="an included date at its time"),
        pytest.param(TRIGGER, TRIGGERED, "2026-03-03T09:00", id="a trigger when its door closes"),
        pytest.param(SLA, WITH_SLA, "2026-03-02T07:30", id="an SLA at its warning"),
    ],
)
def test_a_promise_is_first_looked_at_in_its_own_time(kind, pipeline, due_at):
    assert first_due(kind, pipeline, "2026-03-02") == at(due_at)


def test_what_is_not_promised_is_never_due():
    assert first_due(SLA, CRON, "2026-03-02") is None
    assert deadline_of(FIRE, TRIGGERED, "2026-03-02") is None


@pytest.mark.parametrize(
    ("kind", "pipeline", "loaded_at", "first"),
    [
        pytest.param(FIRE, CRON, "2026-03-02T06:00", "2026-03-03", id="a fire of before is not missed"),
        pytest.param(FIRE, CRON, "2026-03-02T05:59", "2026-03-02", id="one that follows is"),
        pytest.param(
            INCLUSION, INCLUDED, "2026-03-02T09:00", "2026-03-02", id="an included date's time is ahead"
        ),
        pytest.param(TRIGGER, TRIGGERED, "2026-03-03T08:00", "2026-03-03", id="the day before was over"),
        pytest.param(SLA, WITH_SLA, "2026-03-02T07:59", "2026-03-02", id="this day is not over"),
        pytest.param(SLA, WITH_SLA, "2026-03-02T08:00", "2026-03-03", id="its deadline is past"),
    ],
)
def test_nothing_of_before_its_loading_is_promised(kind, pipeline, loaded_at, first):
    loaded = at(loaded_at)

    found = expectations(kind, pipeline, loaded - timedelta(days=3), {})

    assert next(one.date for one in found if counts_from(kind, one, loaded)) == first


def test_excluded_dates_are_not_promised():
    weekdays = a_pipeline(cron="0 6 * * *", exclude=Exclude(weekends=True))

    found = islice(expectations(FIRE, weekdays, at("2026-03-06T00:00"), {}), 2)

    assert [one.date for one in found] == ["2026-03-06", "2026-03-09"]


def test_a_pipeline_whose_days_are_all_excluded_has_no_end_of_a_search():
    never = a_pipeline(cron="* * * * *", exclude=Exclude(days=tuple(range(7))))

    assert list(expectations(FIRE, never, at("2026-03-06T00:00"), {})) == []


def a_row(kind=SLA, run_date="2026-03-02", schedule_id="cron", **changes):
    return promised(
        kind,
        a_key("gold-revenue", schedule_id, run_date),
        at("2026-03-02T07:30"),
        at("2026-03-01T00:00"),
        **changes,
    )


def test_an_sla_that_was_warned_of_is_due_at_its_deadline():
    assert due_of(a_row(), WITH_SLA, {}) == at("2026-03-02T07:30")
    assert due_of(a_row(warned=True), WITH_SLA, {}) == at("2026-03-02T08:00")


@pytest.mark.parametrize(
    ("row", "pipeline"),
    [
        pytest.param(a_row(run_date="2026-03-02T06"), WITH_SLA, id="a date of another form"),
        pytest.param(a_row(run_date="2026-02-30"), WITH_SLA, id="no date at all"),
        pytest.param(a_row(schedule_id="stream"), WITH_SLA, id="of another schedule"),
        pytest.param(a_row(), CRON, id="a kind that is no longer configured"),
        pytest.param(a_row(), replace(WITH_SLA, dry_run=True), id="it only observes by now"),
        pytest.param(
            a_row(),
            a_pipeline(cron="0 6 * * *", sla=WITH_SLA.sla, exclude=Exclude(dates=(date(2026, 3, 2),))),
            id="excluded by now",
        ),
    ],
)
def test_a_row_that_the_config_no_longer_promises_is_never_due(row, pipeline):
    assert due_of(row, pipeline, {}) is None
