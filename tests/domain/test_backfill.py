"""Which dates a backfill asks for, how many at once, and when it stops."""

from __future__ import annotations

from fractions import Fraction

import pytest

from builders import a_pipeline, a_run, at
from interlock.domain.backfill import (
    BackfillImpossible,
    Limits,
    Standing,
    Step,
    backfill_id,
    dates_between,
    next_step,
    plan,
    read_most_failures,
)
from interlock.domain.expected_date import ExpectedDate
from interlock.domain.pipeline import Exclude

NOW = at("2026-03-10T12:00")
TO_RUN, ASKED, OPEN = Standing.TO_RUN, Standing.ASKED, Standing.OPEN
SUCCEEDED, FAILED, SKIPPED = Standing.SUCCEEDED, Standing.FAILED, Standing.SKIPPED


def expected(date: str = "2026-03-02", excluded: str | None = None) -> ExpectedDate:
    return ExpectedDate(date, at(f"{date}T06:00"), at(f"{date}T23:00"), excluded)


def standing(run=None, one=None, *, pending=(), ours=(), force=False, retry_failed=False) -> Standing:
    one = one or expected()
    runs = {} if run is None else {run.key.date: run}
    (planned,) = plan([one], runs, pending, ours, NOW, force=force, retry_failed=retry_failed)
    return planned.standing


DAY = ("2026-03-02",)


@pytest.mark.parametrize(
    ("run", "situation", "wanted"),
    [
        pytest.param(None, {}, TO_RUN, id="never ran"),
        pytest.param(a_run("FAILED"), {}, TO_RUN, id="failed before"),
        pytest.param(a_run("EXPIRED"), {}, TO_RUN, id="expired before"),
        pytest.param(a_run("CANCELLED"), {}, TO_RUN, id="cancelled before"),
        pytest.param(a_run("SUCCEEDED"), {}, SKIPPED, id="succeeded before"),
        pytest.param(a_run("SUCCEEDED"), {"force": True}, TO_RUN, id="succeeded before, forced"),
        pytest.param(a_run("SUCCEEDED", dry_run=True), {}, TO_RUN, id="only observed"),
        pytest.param(a_run("WAITING"), {}, SKIPPED, id="somebody else's run waits"),
        pytest.param(a_run("RUNNING"), {"force": True}, SKIPPED, id="somebody else's runs, forced"),
        pytest.param(a_run("WAITING"), {"ours": DAY}, OPEN, id="our own run waits"),
        pytest.param(a_run("SUCCEEDED"), {"ours": DAY}, SUCCEEDED, id="we made it succeed"),
        pytest.param(a_run("SUCCEEDED"), {"ours": DAY, "force": True}, SUCCEEDED, id="forced, but done"),
        pytest.param(a_run("FAILED"), {"ours": DAY}, FAILED, id="failed in an earlier part"),
        pytest.param(a_run("FAILED"), {"ours": DAY, "retry_failed": True}, TO_RUN, id="to be retried"),
        pytest.param(a_run("FAILED"), {"pending": DAY}, ASKED, id="asked for by an earlier part"),
        pytest.param(None, {"one": expected(excluded="a holiday")}, SKIPPED, id="excluded"),
        pytest.param(None, {"one": expected("2026-03-11")}, SKIPPED, id="still to come"),
    ],
)
def test_where_a_date_stands_before_anything_is_asked(run, situation, wanted):
    assert standing(run, **situation) is wanted


def step(*standings: Standing, bad: int = 0, ended: int = 0, stopped=None, **limits) -> Step:
    dates = {f"2026-03-{day:02}": one for day, one in enumerate(standings, 1)}
    return next_step(dates, bad, ended, Limits(**limits), stopped)


@pytest.mark.parametrize(
    ("standings", "asked"),
    [
        pytest.param([TO_RUN, TO_RUN, TO_RUN], ("2026-03-01", "2026-03-02"), id="as many as may be open"),
        pytest.param([OPEN, TO_RUN, TO_RUN], ("2026-03-02",), id="one is open"),
        pytest.param([ASKED, OPEN, TO_RUN], (), id="a request counts as open"),
        pytest.param([FAILED, SUCCEEDED, SKIPPED, TO_RUN], ("2026-03-04",), id="what has ended does not"),
    ],
)
def test_the_oldest_dates_are_asked_for_within_the_concurrency(standings, asked):
    assert step(*standings) == Step(asked)


def test_more_open_than_allowed_asks_for_none():
    assert step(OPEN, OPEN, OPEN, TO_RUN, concurrency=2).ask == ()


@pytest.mark.parametrize(
    ("bad", "ended", "most", "stops"),
    [
        pytest.param(2, 2, Fraction(1, 5), False, id="two are too few to judge by"),
        pytest.param(1, 3, Fraction(1, 5), True, id="a third is more than a fifth"),
        pytest.param(1, 5, Fraction(1, 5), False, id="a fifth is not more than a fifth"),
        pytest.param(3, 3, Fraction(1), False, id="more than all cannot fail"),
        pytest.param(1, 1, 0, True, id="none may fail"),
        pytest.param(2, 2, 2, False, id="two of two"),
        pytest.param(3, 900, 2, True, id="a number is no share"),
    ],
)
def test_it_stops_when_too_many_have_failed(bad, ended, most, stops):
    following = step(OPEN, TO_RUN, bad=bad, ended=ended, most_failures=most)

    assert (following.stopped is not None) is stops
    assert following.ask == (() if stops else ("2026-03-02",))


def test_a_stop_stands_although_the_rest_succeeds():
    assert step(TO_RUN, bad=1, ended=90, stopped="enough") == Step(stopped="enough", done=True)


def test_a_stop_waits_for_what_is_open():
    assert step(OPEN, TO_RUN, bad=3, ended=3) == Step(stopped="3 of 3 failed, more than 20%")


def test_with_nothing_left_to_ask_for_there_is_nothing_to_stop():
    assert step(FAILED, FAILED, FAILED, bad=3, ended=3) == Step(done=True)


def test_dates_are_those_that_the_calendar_expects():
    pipeline = a_pipeline(cron="0 6 * * 1-5", exclude=Exclude(dates=(at("2026-03-04").date(),)))

    found = dates_between(pipeline, "2026-03-03", "2026-03-09", {})

    assert [one.date for one in found] == [f"2026-03-0{day}" for day in (3, 4, 5, 6, 9)]
    assert [one.date for one in found if one.excluded] == ["2026-03-04"]


def test_the_last_day_is_included_with_all_its_hours():
    pipeline = a_pipeline(cron="0 * * * *", timezone="Europe/Berlin")

    found = dates_between(pipeline, "2026-03-29", "2026-03-29", {})

    assert (found[0].date, found[-1].date, len(found)) == ("2026-03-29T00", "2026-03-29T23", 23)


def test_a_pipeline_that_only_requests_start_has_every_day():
    pipeline = a_pipeline(trigger=None, timezone="Europe/Berlin")

    found = dates_between(pipeline, "2026-03-28", "2026-03-30", {})

    assert [one.date for one in found] == ["2026-03-28", "2026-03-29", "2026-03-30"]


@pytest.mark.parametrize(
    ("since", "until"),
    [
        ("2026-03-03", "2026-03-02"),
        ("2026-02-30", "2026-03-02"),
        ("2026-03-01", "soon"),
        ("2019-01-01", "2026-03-01"),
    ],
)
def test_a_range_that_cannot_be_is_refused(since, until):
    with pytest.raises(BackfillImpossible):
        dates_between(a_pipeline(cron="0 6 * * *"), since, until, {})


def test_the_same_command_has_the_same_id_and_another_has_not():
    first = backfill_id("gold", "2026-03-01", "2026-03-02")

    assert first == backfill_id("gold", "2026-03-01", "2026-03-02")
    assert first != backfill_id("gold", "2026-03-01", "2026-03-03")
    assert first != backfill_id("silver", "2026-03-01", "2026-03-02")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("20%", Fraction(1, 5)), ("0%", Fraction(0)), ("12.5%", Fraction(1, 8)), ("5", 5), ("0", 0)],
)
def test_the_most_failures_are_a_share_or_a_number(text, wanted):
    found = read_most_failures(text)

    assert (found, type(found)) == (wanted, type(wanted))


@pytest.mark.parametrize("text", ["", "%", "101%", "-1", "1e3", "12345", "٣", "5 %"])
def test_what_is_neither_is_refused(text):
    with pytest.raises(ValueError, match="neither a share like 20% nor a number like 5"):
        read_most_failures(text)
