"""A pipeline's cron as EventBridge Scheduler reads it: at least as often, and in AWS's own words."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from interlock.domain.aws_cron import aws_cron
from interlock.domain.pipeline import Job, JobType, Pipeline, Schedule
from interlock.domain.schedule import expected_fires
from interlock.pipeline_yaml.cron import check_cron

GOLD = Pipeline("gold", Job(JobType.GLUE))
NAMES = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), 1)}


@pytest.mark.parametrize(
    ("cron", "aws"),
    [
        pytest.param("0 6 * * *", "cron(0 6 * * ? *)", id="daily"),
        pytest.param("* * * * *", "cron(* * * * ? *)", id="every minute"),
        pytest.param("*/15 * * * *", "cron(0,15,30,45 * * * ? *)", id="a step"),
        pytest.param("5/20 * * * *", "cron(5,25,45 * * * ? *)", id="a step from a value"),
        pytest.param("0 8-18/2 * * *", "cron(0 8,10,12,14,16,18 * * ? *)", id="a step in a range"),
        pytest.param("0 9-17 * * *", "cron(0 9-17 * * ? *)", id="a range"),
        pytest.param("0 22-3 * * *", "cron(0 0-3,22-23 * * ? *)", id="a range over midnight"),
        pytest.param("0,30 6,18 * * *", "cron(0,30 6,18 * * ? *)", id="lists"),
        pytest.param("0 0 * jan,mar-may *", "cron(0 0 * 1,3-5 ? *)", id="names of months"),
        pytest.param("0 6 * * 1-5", "cron(0 6 ? * MON-FRI *)", id="weekdays, which AWS numbers otherwise"),
        pytest.param("0 6 * * 0", "cron(0 6 ? * SUN *)", id="Sunday as 0"),
        pytest.param("0 6 * * 7", "cron(0 6 ? * SUN *)", id="Sunday as 7"),
        pytest.param("0 6 * * 5-7", "cron(0 6 ? * SUN,FRI-SAT *)", id="to Sunday"),
        pytest.param("0 6 * * fri-mon", "cron(0 6 ? * SUN-MON,FRI-SAT *)", id="over the weekend"),
        pytest.param("0 6 ? * Mon", "cron(0 6 ? * MON *)", id="a question mark, a name in any case"),
        pytest.param("0 6 1,15 * *", "cron(0 6 1,15 * ? *)", id="days of the month"),
        pytest.param("0 6 L * *", "cron(0 6 L * ? *)", id="the last day"),
        pytest.param("0 6 1,L * *", "cron(0 6 1,28-31 * ? *)", id="the last day in a list, widened"),
        pytest.param("0 6 13 * 5", "cron(0 6 * * ? *)", id="both days, widened to every day"),
        pytest.param("0 6 * * 5#2", "cron(0 6 ? * FRI *)", id="the second Friday, widened to each"),
        pytest.param("0 6 * * L5", "cron(0 6 ? * FRI *)", id="the last Friday, widened to each"),
    ],
)
def test_translation(cron, aws):
    assert aws_cron(cron) == aws


def test_the_longest_cron_still_fits():
    def pairs(low, high):
        return ",".join(f"{first}-{first + 1}" for first in range(low, high, 3))

    expression = aws_cron(f"{pairs(0, 59)} {pairs(0, 23)} {pairs(1, 31)} {pairs(1, 12)} *")

    # https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
    assert len(expression) <= 256


def item(low, high, names=()):
    value = st.integers(low, high).map(str) | (st.sampled_from(names) if names else st.nothing())
    span = st.just("*") | value | st.tuples(value, value).map("-".join)
    return st.tuples(span, st.just("") | st.integers(1, high).map("/{}".format)).map("".join)


def field(low, high, names=(), special=()):
    some = item(low, high, names) | (st.sampled_from(special) if special else st.nothing())
    return st.just("*") | st.lists(some, min_size=1, max_size=3).map(",".join)


crons = st.tuples(
    field(0, 59),
    field(0, 23),
    field(1, 31, special=("L", "?")),
    field(1, 12, ("jan", "jun", "dec")),
    field(0, 7, ("sun", "wed", "sat"), special=("L5", "1#2", "?")),
).map(" ".join)


@settings(max_examples=200, deadline=None)
@given(crons, st.integers(0, 8 * 365))
def test_every_fire_that_is_expected_is_fired(cron, days):
    try:
        check_cron(cron)
    except ValueError:
        assume(False)
    pipeline = replace(GOLD, schedule=Schedule(cron=cron))
    start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=days)
    fires = expected_fires(pipeline, start, start + timedelta(days=3 * 366))

    matches = aws_matcher(aws_cron(cron))

    for fire, _ in zip(fires, range(50), strict=False):
        assert matches(fire), (cron, aws_cron(cron), fire)


def aws_matcher(expression):
    """AWS's reading: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based"""
    minute, hour, day, month, weekday, year = expression.removeprefix("cron(").removesuffix(")").split()
    assert year == "*"
    assert (day == "?") != (weekday == "?")

    def matches(at):
        last = (at + timedelta(days=1)).day == 1
        return (
            among(at.minute, minute)
            and among(at.hour, hour)
            and among(at.month, month)
            and (day == "?" or (day == "L" and last) or (day != "L" and among(at.day, day)))
            and (weekday == "?" or among(at.isoweekday() % 7 + 1, weekday))
        )

    return matches


def among(value, text):
    def number(word):
        return NAMES[word] if word in NAMES else int(word)

    for part in text.split(","):
        first, _, last = part.partition("-")
        if part == "*" or number(first) <= value <= number(last or first):
            return True
    return False
