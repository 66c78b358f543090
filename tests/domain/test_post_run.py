"""What is watched after a success: the verdict over the postRun rules, and the sensors that nobody wrote."""

from datetime import timedelta

import pytest

from builders import a_pipeline, a_reading, a_rule, a_run, at
from interlock.domain.late_data import written_mark
from interlock.domain.pipeline import AnyOf, Not, PostRun, post_run_sensors
from interlock.domain.post_run import judge_post_run, missing_sensors
from interlock.domain.sensor import Unseen

NOW = at("2026-03-02T12:00")
SUCCEEDED_AT = at("2026-03-02T10:00")
AUDIT, LINEAGE = a_rule("equals", 0, "bad", "audit"), a_rule("exists", field=None, key="lineage")
CLEAN, DIRTY = a_reading({"bad": "0"}, "audit"), a_reading({"bad": 1}, "audit")
THERE, ABSENT = a_reading({}, "lineage"), Unseen("lineage", "lineage was never reported")


def judged(rules, **readings):
    found = judge_post_run(a_pipeline(post_run=PostRun(tuple(rules))), readings, NOW)
    return found and found.verdict


@pytest.mark.parametrize(
    ("audit", "lineage", "verdict"),
    [
        (CLEAN, THERE, "passed"),
        (DIRTY, THERE, "failed"),
        pytest.param(DIRTY, ABSENT, "failed", id="failing, whatever is missing"),
        pytest.param(CLEAN, ABSENT, None, id="a missing sensor does not fail"),
    ],
)
def test_a_verdict_waits_for_sensors_that_nobody_reported_unless_it_fails_anyway(audit, lineage, verdict):
    assert judged([AUDIT, LINEAGE], audit=audit, lineage=lineage) == verdict


def test_a_group_that_may_still_hold_is_not_judged():
    either = [AnyOf((AUDIT, LINEAGE))]

    assert judged(either, audit=DIRTY, lineage=ABSENT) is None
    assert judged(either, audit=CLEAN, lineage=ABSENT) == "passed"


def test_a_sensor_that_must_not_be_there_passes_by_its_absence():
    assert judged([AUDIT, Not(LINEAGE)], audit=CLEAN, lineage=ABSENT) == "passed"


def test_without_rules_there_is_no_verdict():
    assert judged([]) is None
    assert judge_post_run(a_pipeline(), {}, NOW) is None


def test_what_fails_is_named_and_what_holds_is_not():
    pipeline = a_pipeline(post_run=PostRun((AUDIT, LINEAGE)))

    failed = judge_post_run(pipeline, {"audit": DIRTY, "lineage": THERE}, NOW)

    assert [verdict.key for verdict in failed.verdicts] == ["audit"]


def test_each_sensor_is_watched_once_in_the_order_written():
    rules = (AUDIT, AnyOf((LINEAGE, AUDIT)), a_rule(key="orders"))

    assert post_run_sensors(a_pipeline(post_run=PostRun(rules))) == ("audit", "lineage", "orders")
    assert post_run_sensors(a_pipeline()) == ()


def missing(reading, told=()):
    run = a_run("SUCCEEDED", succeeded_at=SUCCEEDED_AT, told=told)
    return missing_sensors(run, ["audit"], {"audit": reading}, NOW)


def updated(**delta):
    return a_reading({}, "audit", updated_at=SUCCEEDED_AT + timedelta(**delta))


@pytest.mark.parametrize(
    "reading",
    [
        pytest.param(Unseen("audit", "audit was never reported"), id="never there"),
        pytest.param(a_reading({}, "audit"), id="of no time"),
        pytest.param(updated(), id="updated at the very success"),
        pytest.param(updated(hours=-1), id="updated before"),
        pytest.param(updated(days=900), id="by a clock that lies"),
    ],
)
def test_a_sensor_is_missing_when_neither_a_write_nor_its_time_says_otherwise(reading):
    assert missing(reading) == ["audit"]


def test_a_sensor_that_was_seen_written_is_not_missing():
    assert missing(Unseen("audit", "removed since"), (written_mark("audit"),)) == []


def test_a_sensor_whose_time_is_after_the_success_is_not_missing():
    assert missing(updated(minutes=1)) == []
