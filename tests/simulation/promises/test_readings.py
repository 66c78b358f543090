"""The second opinion on rules: each line is a case in which a careless one would differ."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from builders import a_pipeline, a_rule
from interlock.aws import keys
from interlock.aws.table import Item, Key
from interlock.domain.pipeline import (
    AllOf,
    AnyOf,
    AtLeast,
    Exclude,
    Match,
    Not,
    Rule,
    RuleNode,
    UpstreamDate,
    UpstreamRule,
)
from interlock.domain.pipeline_codec import encode_pipeline
from interlock.domain.run import RunKey
from interlock.simulation.promises.readings import rules_hold

NOW = datetime(2026, 3, 4, 10, 30, tzinfo=UTC)
DAY = "2026-03-04"


def sensors(**rows: dict[str, Any]) -> dict[Key, Item]:
    """By the sensor's key, `#` written as `__`."""
    return {
        keys.sensor_key("gold-revenue", name.replace("__", "#").replace("_", "-")): {"data": data}
        for name, data in rows.items()
    }


def held(*rules: RuleNode, rows: dict[Key, Item], date: str = DAY, match: Match = Match.ALL) -> bool:
    pipeline = a_pipeline(rules=rules, match=match)
    return rules_hold(pipeline, RunKey(pipeline.id, "stream", date), rows.get, NOW)


@pytest.mark.parametrize(
    ("rule", "value", "holds"),
    [
        pytest.param(a_rule("equals", 10), Decimal("10.0"), True, id="10 is 10.0"),
        pytest.param(a_rule("equals", 10), " 10 ", True, id="10 is the text 10"),
        pytest.param(a_rule("equals", "10"), Decimal(10), True, id="wanted as text"),
        pytest.param(a_rule("equals", 10), "1_0", False, id="python's own spelling is none"),
        pytest.param(a_rule("equals", True), "TRUE", True, id="a truth as text"),
        pytest.param(a_rule("equals", 1), True, False, id="a truth is no number"),
        pytest.param(a_rule("equals", "ready"), "Ready", False, id="text keeps its case"),
        pytest.param(a_rule("not_equals", 10), [10], False, id="a list cannot be compared"),
        pytest.param(a_rule("not_equals", 10), None, False, id="nothing is not unequal"),
        pytest.param(a_rule("in", ("a", 10)), "10.00", True, id="one of them, as another text"),
        pytest.param(a_rule("gte", 1000), "1000", True, id="exactly the threshold"),
        pytest.param(a_rule("gt", 1000), 1000, False, id="not more than the threshold"),
        pytest.param(a_rule("lt", 10), "many", False, id="no number is not less"),
        pytest.param(a_rule("exists", None), None, False, id="a null does not exist"),
    ],
)
def test_values_are_compared_as_the_design_says(rule: Rule, value: Any, holds: bool) -> None:
    assert held(rule, rows=sensors(row_count={"count": value})) is holds


@pytest.mark.parametrize(
    ("written", "holds"),
    [
        pytest.param("2026-03-04T09:30:00.001Z", True, id="just younger"),
        pytest.param("2026-03-04T09:30:00Z", False, id="exactly as old"),
        pytest.param("2026-03-04T10:35:00", True, id="five minutes ahead"),
        pytest.param("2026-03-04T10:35:01", False, id="more than five minutes ahead"),
        pytest.param(Decimal(int(NOW.timestamp())), True, id="epoch seconds"),
        pytest.param(str(int(NOW.timestamp()) * 1000), True, id="epoch milliseconds as text"),
        pytest.param("20260304", False, id="eight digits are a day"),
        pytest.param("soon", False, id="unreadable"),
    ],
)
def test_age_is_read_from_every_form_of_time(written: Any, holds: bool) -> None:
    rule = a_rule("age_lt", timedelta(hours=1), None)

    assert held(rule, rows=sensors(row_count={"updatedAt": written})) is holds


ENOUGH = a_rule()


@pytest.mark.parametrize(
    ("rows", "date", "holds"),
    [
        pytest.param(
            sensors(row_count={"count": 1000}, **{f"row_count__{DAY}": {"count": 1}}),
            DAY,
            False,
            id="its own period's before the plain one",
        ),
        pytest.param(
            sensors(row_count={"count": 1000, "date": "20260304"}), f"{DAY}T10", True, id="day for its hours"
        ),
        pytest.param(
            sensors(row_count={"count": 1000, "date": DAY, "hour": 9}),
            f"{DAY}T10",
            False,
            id="another hour's",
        ),
        pytest.param(
            sensors(row_count={"count": 1000, "date": "2026-03-03"}), DAY, False, id="another day's"
        ),
        pytest.param(
            sensors(row_count={"count": 1000}, row_count__20260304={"count": 1000, "hour": 24}),
            DAY,
            False,
            id="an unreadable one of its period hides the plain one",
        ),
        pytest.param(
            sensors(row_count={"count": 1000}, row_count__20260304={"count": 1, "hour": 9}),
            f"{DAY}T10",
            True,
            id="one that tells of another hour does not",
        ),
        pytest.param(
            {keys.sensor_key("gold-revenue", "row-count"): {"count": 1000}}, DAY, True, id="flat attributes"
        ),
        pytest.param(sensors(row_count_eu={"count": 1000}), DAY, False, id="a longer name is another sensor"),
    ],
)
def test_a_run_sees_the_reading_of_its_period(rows: dict[Key, Item], date: str, holds: bool) -> None:
    assert held(ENOUGH, rows=rows, date=date) is holds


NEVER = a_rule(key="absent")


@pytest.mark.parametrize(
    ("rules", "match", "holds"),
    [
        pytest.param((), Match.ALL, True, id="all of nothing"),
        pytest.param((), Match.ANY, False, id="any of nothing"),
        pytest.param((ENOUGH, NEVER), Match.ALL, False, id="all"),
        pytest.param((ENOUGH, NEVER), Match.ANY, True, id="any"),
        pytest.param((Not(NEVER),), Match.ALL, True, id="not what was never reported"),
        pytest.param((AtLeast(2, (ENOUGH, Not(NEVER), NEVER)),), Match.ALL, True, id="two of three"),
        pytest.param((AllOf((ENOUGH, AnyOf((NEVER, Not(ENOUGH))))),), Match.ALL, False, id="nested"),
    ],
)
def test_groups_count_their_members(rules: tuple[RuleNode, ...], match: Match, holds: bool) -> None:
    assert held(*rules, rows=sensors(row_count={"count": 1000}), match=match) is holds


def upstream_run(date: str, status: str, schedule: str = "cron", **more: Any) -> dict[Key, Item]:
    row = {"status": status, "updatedAt": "2026-03-04T09:00:00.000Z", **more}
    return {keys.run_key(RunKey("silver", schedule, date)): row}


@pytest.mark.parametrize(
    ("rows", "date", "holds"),
    [
        pytest.param(upstream_run(DAY, "SUCCEEDED"), DAY, True, id="succeeded"),
        pytest.param(upstream_run(DAY, "WAITING"), DAY, False, id="being rerun"),
        pytest.param(upstream_run(DAY, "SUCCEEDED", dryRun=True), DAY, False, id="as a dry run"),
        pytest.param(upstream_run(DAY, "SUCCEEDED"), f"{DAY}T10", True, id="the day that contains the hour"),
        pytest.param(
            upstream_run(DAY, "SUCCEEDED") | upstream_run(f"{DAY}T10", "FAILED"),
            f"{DAY}T10",
            False,
            id="the hour's own run counts before the day's",
        ),
        pytest.param(
            upstream_run(DAY, "SUCCEEDED")
            | upstream_run(DAY, "FAILED", "stream", updatedAt="2026-03-04T09:00:00.001Z"),
            DAY,
            False,
            id="of two schedules the one that moved last",
        ),
        pytest.param({}, DAY, False, id="never ran"),
    ],
)
def test_an_upstream_counts_when_its_run_has_succeeded(rows: dict[Key, Item], date: str, holds: bool) -> None:
    assert held(UpstreamRule("silver"), rows=rows, date=date) is holds


@pytest.mark.parametrize("hours", [23, 24])
def test_a_window_wants_every_period_of_the_upstream_within_ours(hours: int) -> None:
    upstream = a_pipeline(id="silver", cron="0 * * * *")
    rows: dict[Key, Item] = {keys.config_key("silver"): {"config": encode_pipeline(upstream)}}
    for hour in range(hours):
        rows |= upstream_run(f"{DAY}T{hour:02}", "SUCCEEDED")

    assert held(UpstreamRule("silver", UpstreamDate.WINDOW), rows=rows) is (hours == 24)


def test_the_previous_date_skips_excluded_days() -> None:
    rule = UpstreamRule("silver", UpstreamDate.PREVIOUS)
    pipeline = a_pipeline(rules=(rule,), exclude=Exclude(weekends=True))
    friday = upstream_run("2026-02-27", "SUCCEEDED")

    assert rules_hold(pipeline, RunKey(pipeline.id, "stream", "2026-03-02"), friday.get, NOW)
