"""Which runs of another pipeline a rule waits for, and which of ours may wait for one that ended."""

from __future__ import annotations

from datetime import date

import pytest

from builders import a_pipeline
from interlock.domain.pipeline import Deadline, Exclude, Include, Pipeline, Sla, UpstreamDate, UpstreamRule
from interlock.domain.run import RunKey
from interlock.domain.schedule import Calendar
from interlock.domain.upstream_runs import (
    MOST_PERIODS,
    Declared,
    Unanswerable,
    awaited_runs,
    waits_for,
    where_to_look,
)

SAME, PREVIOUS, WINDOW = (UpstreamRule("up", date) for date in UpstreamDate)
DAILY = Declared(a_pipeline(cron="0 6 * * *"))
HOURLY = Declared(a_pipeline(cron="0 * * * *"))
BERLIN = Declared(a_pipeline(cron="0 6 * * *", timezone="Europe/Berlin"))


def up(**schedule: object) -> Declared:
    return Declared(a_pipeline(id="up", **schedule))


def dates(rule: UpstreamRule, own: Declared, run_date: str, upstream: Declared | None = None) -> list[str]:
    return [one.date for one in awaited_runs(rule, own, run_date, upstream)]


# ---------------------------------------------------------------- same and previous


def test_same_means_its_own_date_before_the_day_that_contains_it_by_either_schedule():
    [one] = awaited_runs(SAME, HOURLY, "2026-03-02T10", None)

    assert one.places == (
        (RunKey("up", "cron", "2026-03-02T10"), RunKey("up", "stream", "2026-03-02T10")),
        (RunKey("up", "cron", "2026-03-02"), RunKey("up", "stream", "2026-03-02")),
    )


@pytest.mark.parametrize(
    ("run_date", "forms"),
    [
        ("2026-03-02", ["2026-03-02"]),
        ("2026-03-02T10", ["2026-03-02T10", "2026-03-02"]),
        ("2026-03-02T10:15", ["2026-03-02T10:15", "2026-03-02T10", "2026-03-02"]),
    ],
)
def test_a_finer_date_is_also_looked_for_in_the_coarser_ones(run_date: str, forms: list[str]):
    [one] = awaited_runs(SAME, HOURLY, run_date, None)

    assert [place[0].date for place in one.places] == forms


def test_previous_means_the_date_before_by_our_own_schedule():
    assert dates(PREVIOUS, Declared(a_pipeline(cron="0 6 * * 1-5")), "2026-03-09") == ["2026-03-06"]
    assert dates(PREVIOUS, HOURLY, "2026-03-02T00") == ["2026-03-01T23"]


def test_a_date_that_has_none_before_is_said_to_have_none():
    first = Declared(a_pipeline(include=Include((date(2026, 1, 31),))))

    with pytest.raises(Unanswerable, match="gold-revenue has no date before 2026-01-31"):
        awaited_runs(PREVIOUS, first, "2026-01-31", None)


# ---------------------------------------------------------------- window


def test_a_day_waits_for_its_24_hours():
    assert dates(WINDOW, DAILY, "2026-03-02", up(cron="5 * * * *")) == [
        f"2026-03-02T{hour:02}" for hour in range(24)
    ]


@pytest.mark.parametrize(
    ("day", "theirs", "hours"),
    [
        pytest.param("2026-03-29", "Europe/Berlin", 23, id="forward, both in Berlin"),
        pytest.param("2026-10-25", "Europe/Berlin", 24, id="back: the hour that comes twice is one date"),
        pytest.param("2026-03-29", "UTC", 23, id="forward, hours in UTC"),
        pytest.param("2026-10-25", "UTC", 25, id="back, hours in UTC"),
        pytest.param("2026-07-01", "UTC", 24, id="summer, hours in UTC"),
    ],
)
def test_on_days_of_dst_it_waits_for_the_hours_that_the_upstream_has(day: str, theirs: str, hours: int):
    assert len(dates(WINDOW, BERLIN, day, up(cron="0 * * * *", timezone=theirs))) == hours


def test_a_window_is_one_of_instants_whatever_the_zones():
    found = dates(WINDOW, BERLIN, "2026-03-02", up(cron="0 * * * *"))

    assert (found[0], found[-1]) == ("2026-03-01T23", "2026-03-02T22")


@pytest.mark.parametrize(
    ("schedule", "run_date", "wanted"),
    [
        pytest.param({"cron": "0 6 * * *"}, "2026-03-02", ["2026-03-02"], id="a day within a day"),
        pytest.param({"cron": "0 6 * * *"}, "2026-03-02T10", ["2026-03-02"], id="the day around an hour"),
        pytest.param({"cron": "0 8-10 * * *"}, "2026-03-02", [f"2026-03-02T{h}" for h in ("08", "09", "10")]),
        pytest.param({"cron": "*/30 * * * *"}, "2026-03-02T10", ["2026-03-02T10:00", "2026-03-02T10:30"]),
        pytest.param({"cron": "0 6 1 * *"}, "2026-03-02", [], id="a month's first day, on its second"),
        pytest.param({}, "2026-03-02", ["2026-03-02"], id="a day that a sensor starts"),
        pytest.param({"trigger": None}, "2026-03-02", ["2026-03-02"], id="what only requests start"),
        pytest.param({"include": Include((date(2026, 3, 1),))}, "2026-03-02", [], id="not included"),
        pytest.param({"include": Include((date(2026, 3, 2),))}, "2026-03-02", ["2026-03-02"]),
    ],
)
def test_the_window_holds_the_periods_that_the_upstream_has(
    schedule: dict[str, object], run_date: str, wanted: list[str]
):
    assert dates(WINDOW, HOURLY, run_date, up(**schedule)) == wanted


def test_sensor_started_hours_that_a_deadline_promises_are_waited_for():
    hours = Declared(a_pipeline(id="up", sla=Sla(Deadline(30))))

    assert len(dates(WINDOW, DAILY, "2026-03-02", hours)) == 24


@pytest.mark.parametrize("cron", ["0 6 * * *", "0 * * * *", None])
def test_what_the_upstream_excludes_is_not_waited_for(cron: str | None):
    schedule = {"cron": cron} if cron else {}
    upstream = Declared(
        a_pipeline(id="up", exclude=Exclude(calendar="c"), **schedule),
        {"c": Calendar("c", frozenset({date(2026, 3, 2)}), frozenset())},
    )

    assert dates(WINDOW, DAILY, "2026-03-02", upstream) == []
    assert dates(WINDOW, DAILY, "2026-03-03", upstream) != []


def test_a_window_looks_for_rows_of_the_schedule_that_the_upstream_has():
    [one] = awaited_runs(WINDOW, DAILY, "2026-03-02", up())

    assert one.places == ((RunKey("up", "stream", "2026-03-02"),),)


def test_a_window_of_a_pipeline_that_is_not_there_says_so():
    with pytest.raises(Unanswerable, match="there is no pipeline up"):
        awaited_runs(WINDOW, DAILY, "2026-03-02", None)


def test_more_periods_than_a_snapshot_can_hold_are_refused():
    # Kwajalein crossed the date line eastwards: its 30 September 1969 took 47 hours.
    long_day = Declared(a_pipeline(timezone="Pacific/Kwajalein"))
    minutes = up(cron="* * * * *")

    with pytest.raises(Unanswerable, match=f"more than {MOST_PERIODS} periods within 1969-09-30"):
        awaited_runs(WINDOW, long_day, "1969-09-30", minutes)
    assert len(dates(WINDOW, BERLIN, "2026-10-25", minutes)) == MOST_PERIODS


@pytest.mark.parametrize("rule", [PREVIOUS, WINDOW])
def test_a_run_of_no_date_waits_for_nothing_that_could_be_named(rule: UpstreamRule):
    with pytest.raises(Unanswerable, match="is not an execution date"):
        awaited_runs(rule, DAILY, "someday", up())


# ---------------------------------------------------------------- the other way round


PIPELINES: list[Pipeline] = [
    a_pipeline(id="up", cron="0 6 * * *"),
    a_pipeline(id="up", cron="0 6 * * 1-5"),
    a_pipeline(id="up", cron="0 * * * *"),
    a_pipeline(id="up", cron="*/20 * * * *", timezone="Asia/Tokyo"),
    a_pipeline(id="up", cron="0 * * * *", timezone="America/Los_Angeles"),
    a_pipeline(id="up", exclude=Exclude(weekends=True)),
]
OURS = [
    ("2026-03-09", a_pipeline(cron="0 6 * * *")),
    ("2026-03-09", a_pipeline(cron="0 6 * * 1-5", timezone="Europe/Berlin")),
    ("2026-03-09", a_pipeline(cron="0 6 1,9 * *")),
    ("2026-03-09T00", a_pipeline(cron="0 * * * *")),
    ("2026-03-09T10", a_pipeline(cron="0 * * * *", timezone="Asia/Kolkata")),
    ("2026-03-09T10:40", a_pipeline(cron="*/20 * * * *")),
    ("2026-03-09", a_pipeline(exclude=Exclude(weekends=True))),
    ("2026-03-09T00", a_pipeline(exclude=Exclude(weekends=True))),
]


@pytest.mark.parametrize("rule", [SAME, PREVIOUS, WINDOW], ids=lambda rule: str(rule.date))
@pytest.mark.parametrize("upstream", PIPELINES, ids=lambda pipeline: pipeline.schedule.cron or "sensor")
@pytest.mark.parametrize(("run_date", "own"), OURS)
def test_whatever_a_run_waits_for_finds_that_run_when_it_ends(
    rule: UpstreamRule, upstream: Pipeline, run_date: str, own: Pipeline
):
    ours, theirs = Declared(own), Declared(upstream)

    for one in awaited_runs(rule, ours, run_date, theirs):
        for key in one.keys:
            assert waits_for(rule, ours, run_date, theirs, key)
            assert any(run_date.startswith(prefix) for prefix in where_to_look(rule, ours, theirs, key.date))


@pytest.mark.parametrize(
    ("rule", "ended"),
    [
        (SAME, "2026-03-01"),
        (SAME, "2026-03-02T10"),
        (PREVIOUS, "2026-03-02"),
        (WINDOW, "2026-03-01T23"),
        (WINDOW, "2026-03-03T00"),
    ],
)
def test_a_run_of_another_date_concerns_nobody(rule: UpstreamRule, ended: str):
    upstream = up(cron="0 * * * *") if rule is WINDOW else None

    assert not waits_for(rule, DAILY, "2026-03-02", upstream, RunKey("up", "cron", ended))


def test_a_run_of_no_date_is_waited_for_by_nobody():
    for rule in (PREVIOUS, WINDOW):
        assert not waits_for(rule, DAILY, "someday", up(), RunKey("up", "stream", "2026-03-02"))
        assert where_to_look(rule, DAILY, up(), "someday") == frozenset()
