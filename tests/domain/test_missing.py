"""What must change for the rules to hold: one exact line for each kind of rule, and doing what it says is enough."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import a_pipeline, a_reading, a_rule, a_trigger, at
from interlock.domain.missing import LONGEST_LINE, MOST_LINES, missing_lines, needs
from interlock.domain.pipeline import AllOf, AnyOf, AtLeast, Match, Not, RuleNode, UpstreamDate, UpstreamRule
from interlock.domain.readiness import Readiness, evaluate_readiness, trigger_holds
from interlock.domain.sensor import Unseen, select_reading
from interlock.domain.upstream import UpstreamOutcome
from obedience import longest_wait, obey

NOW = at("2026-03-02T09:00")
DATE = "2026-03-02"
ROWS = a_rule()
UP = a_rule("equals", "ready", "status", "up")


def judged(rule: RuleNode, values: dict[str, Any] | None, **others: Any) -> list[str]:
    """The lines for one rule whose sensor `row-count` reads these values; None: nothing was reported."""
    readings: dict[str, Any] = {} if values is None else {"row-count": a_reading(values)}
    pipeline = a_pipeline(rules=[rule])
    readiness = evaluate_readiness(pipeline.validation, readings | others, NOW)
    return missing_lines(pipeline, DATE, readiness.verdicts, NOW)


@pytest.mark.parametrize(
    ("rule", "values", "line"),
    [
        pytest.param(ROWS, {"count": 900}, "row-count.count is 900: must rise by 100 to 1000", id="at least"),
        pytest.param(
            ROWS, {"count": "999.5"}, 'row-count.count is "999.5": must rise by 0.5 to 1000', id="text, half"
        ),
        pytest.param(
            a_rule("gt"),
            {"count": 990},
            "row-count.count is 990: must rise by more than 10, above 1000",
            id="more than",
        ),
        pytest.param(
            a_rule("gt"), {"count": 1000}, "row-count.count is 1000: must rise above 1000", id="edge"
        ),
        pytest.param(
            a_rule("lte", 5), {"count": 7}, "row-count.count is 7: must fall by 2 to 5", id="at most"
        ),
        pytest.param(
            a_rule("lt", 5),
            {"count": 7},
            "row-count.count is 7: must fall by more than 2, below 5",
            id="less than",
        ),
        pytest.param(
            ROWS,
            {"count": "many"},
            'row-count.count is "many" and no number: must become a number >= 1000',
            id="no number",
        ),
        pytest.param(
            a_rule("equals", "ready", "status"),
            {"status": "pending"},
            'row-count.status is "pending": must become "ready"',
            id="equals",
        ),
        pytest.param(
            a_rule("not_equals", "failed", "status"),
            {"status": "failed"},
            'row-count.status is "failed": must become anything but "failed"',
            id="not equals",
        ),
        pytest.param(
            a_rule("in", ("a", "b"), "status"),
            {"status": "c"},
            'row-count.status is "c": must become one of ["a", "b"]',
            id="in",
        ),
        pytest.param(
            ROWS,
            None,
            "row-count was never reported: SENSOR#row-count#2026-03-02 must be written with count >= 1000",
            id="never reported",
        ),
        pytest.param(
            ROWS,
            {"rows": 5},
            'row-count has no field "count": SENSOR#row-count#2026-03-02 must be written with count >= 1000',
            id="no such field",
        ),
        pytest.param(
            a_rule("exists", field=None),
            None,
            "row-count was never reported: SENSOR#row-count#2026-03-02 must be written",
            id="exists",
        ),
        pytest.param(
            a_rule("exists", field="path"),
            {"path": None},
            "row-count.path is null: SENSOR#row-count#2026-03-02 must be written with path",
            id="a field exists",
        ),
        pytest.param(
            a_rule("age_lt", timedelta(hours=1), "at"),
            {"at": "2026-03-02T07:30:00Z"},
            "row-count.at is 2026-03-02T07:30:00Z:"
            " SENSOR#row-count#2026-03-02 must be written with at less than 1h ago",
            id="too old",
        ),
        pytest.param(
            a_rule("age_lt", timedelta(hours=1), "at"),
            {"at": "2026-03-02T09:30:00Z"},
            "row-count.at is 2026-03-02T09:30:00Z, in the future by our clock:"
            " holds by itself from 09:25 UTC on, in 25m",
            id="a clock that runs ahead",
        ),
        pytest.param(
            a_rule("age_gt", timedelta(hours=2), "at"),
            {"at": "2026-03-02T07:30:00Z"},
            "row-count.at is 2026-03-02T07:30:00Z: holds by itself from 09:30 UTC on, in 30m",
            id="too young",
        ),
        pytest.param(
            a_rule("age_gt", timedelta(hours=2), "at"),
            {"at": "yesterday"},
            'row-count.at is "yesterday", neither ISO 8601 nor an epoch:'
            " SENSOR#row-count#2026-03-02 must be written with at more than 2h ago",
            id="unreadable time",
        ),
        pytest.param(
            a_rule("age_gt", timedelta(days=400_000), "at"),
            {"at": "9999-01-01T00:00:00Z"},
            "row-count.at is 9999-01-01T00:00:00Z, in the future by our clock:"
            " must be written again: this time is too far away",
            id="beyond every calendar",
        ),
    ],
)
def test_a_rule_says_what_was_found_and_what_must_change(rule, values, line):
    assert judged(rule, values) == [line]


@pytest.mark.parametrize(
    ("rule", "values", "change"),
    [
        pytest.param(a_rule("gte"), {"count": 1200}, "must fall by more than 200, below 1000", id="gte"),
        pytest.param(a_rule("gt"), {"count": 1200}, "must fall by 200 to 1000", id="gt"),
        pytest.param(a_rule("lte"), {"count": 900}, "must rise by more than 100, above 1000", id="lte"),
        pytest.param(a_rule("lt"), {"count": 900}, "must rise by 100 to 1000", id="lt"),
        pytest.param(a_rule("equals", 7), {"count": 7}, "must become anything but 7", id="equals"),
        pytest.param(a_rule("not_equals", 7), {"count": 8}, "must become 7", id="not equals"),
        pytest.param(a_rule("in", (7, 8)), {"count": 7}, "must become none of [7, 8]", id="in"),
        pytest.param(a_rule("exists", field=None), {}, "must be deleted", id="exists"),
        pytest.param(a_rule("exists"), {"count": 1}, "count must go", id="a field exists"),
        pytest.param(
            a_rule("age_lt", timedelta(hours=1), "at"),
            {"at": "2026-03-02T08:30:00Z"},
            "holds by itself from 09:30 UTC on, in 30m",
            id="young",
        ),
        pytest.param(
            a_rule("age_gt", timedelta(hours=1), "at"),
            {"at": "2026-03-02T07:30:00Z"},
            "must be written again, with at less than 1h ago",
            id="old",
        ),
    ],
)
def test_below_a_not_a_rule_must_stop_to_hold(rule, values, change):
    (line,) = judged(Not(rule), values)

    assert line.endswith(f": {change}")


def test_two_nots_are_none():
    assert judged(Not(Not(ROWS)), {"count": 900}) == judged(ROWS, {"count": 900})


def test_of_a_group_of_which_some_must_hold_it_says_how_many():
    group = AtLeast(2, (UP, a_rule("exists", field=None), ROWS))

    assert judged(group, {"count": 900}) == [
        'one of these is enough: up was never reported: SENSOR#up#2026-03-02 must be written with status == "ready"'
        "; or row-count.count is 900: must rise by 100 to 1000"
    ]


def test_of_a_group_of_which_all_must_hold_each_has_its_line():
    lines = judged(AllOf((UP, ROWS)), {"count": 900})

    assert [line.partition(":")[0] for line in lines] == ["up was never reported", "row-count.count is 900"]


def test_a_group_that_must_not_hold_is_turned_around():
    (line,) = judged(Not(AllOf((a_rule("gte", 100), a_rule("gte", 500)))), {"count": 900})

    assert line == (
        "one of these is enough: row-count.count is 900: must fall by more than 800, below 100"
        "; or row-count.count is 900: must fall by more than 400, below 500"
    )


def test_all_that_hold_of_an_any_must_stop_below_a_not():
    lines = judged(Not(AnyOf((a_rule("gte", 100), UP, a_rule("gte", 500)))), {"count": 900})

    assert [line.rpartition(", ")[2] for line in lines] == ["below 100", "below 500"]


def test_it_says_how_many_must_go_of_an_at_least_that_must_not_hold():
    rules = (a_rule("gte", 100), a_rule("gte", 200), a_rule("gte", 300), UP)

    (line,) = judged(Not(AtLeast(2, rules)), {"count": 900})

    assert line.startswith("2 of these 3 must change: ")


def test_any_of_the_rules_is_enough_where_the_config_says_so():
    pipeline = a_pipeline(rules=[ROWS, UP], match=Match.ANY)
    readiness = evaluate_readiness(pipeline.validation, {"row-count": a_reading({"count": 1})}, NOW)

    (line,) = missing_lines(pipeline, DATE, readiness.verdicts, NOW)

    assert line.startswith("one of these is enough: row-count.count is 1: must rise by 999 to 1000; or up ")


def test_another_pipeline_must_succeed():
    outcome = UpstreamOutcome(False, "silver 2026-03-02 is RUNNING", "RUNNING")

    assert judged(UpstreamRule("silver"), None, **{"silver#same": outcome}) == [
        "silver 2026-03-02 is RUNNING: must succeed; see interlock explain silver 2026-03-02"
    ]
    assert judged(UpstreamRule("silver", UpstreamDate.PREVIOUS), None) == [
        "silver was not looked at: must succeed; see interlock explain silver"
    ]


def test_a_line_says_since_when_its_rule_is_unmet():
    pipeline = a_pipeline(rules=[ROWS])
    before = evaluate_readiness(pipeline.validation, {}, NOW - timedelta(minutes=90))
    readings = {"row-count": a_reading({"count": 900})}
    readiness = evaluate_readiness(pipeline.validation, readings, NOW, before.verdicts)

    assert missing_lines(pipeline, DATE, readiness.verdicts, NOW) == [
        "row-count.count is 900: must rise by 100 to 1000 (unmet since 07:30 UTC, 1h 30m)"
    ]


def test_rules_that_hold_are_not_missing():
    assert judged(ROWS, {"count": 1000}) == []


def test_verdicts_of_a_rule_that_the_config_has_lost_say_nothing():
    before = evaluate_readiness(a_pipeline(rules=[UP]).validation, {}, NOW)

    assert missing_lines(a_pipeline(rules=[ROWS]), DATE, before.verdicts, NOW) == []


def test_a_trigger_that_is_missing_comes_before_the_rules():
    pipeline = a_pipeline(rules=[ROWS, UP])
    trigger = trigger_holds(pipeline.schedule.trigger.rule, Unseen("upstream-complete", "it was lost"), NOW)
    rules = evaluate_readiness(pipeline.validation, {"row-count": a_reading({"count": 900})}, NOW).verdicts

    assert missing_lines(pipeline, DATE, (trigger, *rules), NOW) == [
        'it was lost: SENSOR#upstream-complete#2026-03-02 must be written with status == "ready"',
        "row-count.count is 900: must rise by 100 to 1000",
        'up was never reported: SENSOR#up#2026-03-02 must be written with status == "ready"',
    ]


def test_a_rule_that_is_the_trigger_too_is_told_once():
    pipeline = a_pipeline(rules=[a_trigger().rule])
    rules = evaluate_readiness(pipeline.validation, {}, NOW).verdicts

    assert len(missing_lines(pipeline, DATE, (*rules, *rules), NOW)) == 1


def test_the_lines_of_a_hundred_rules_are_bounded():
    rules = [a_rule("equals", "x" * 300, f"field-{n}") for n in range(100)]
    pipeline = a_pipeline(rules=rules)
    readings = {"row-count": a_reading({f"field-{n}": "y" * 100_000 for n in range(100)})}

    lines = missing_lines(
        pipeline, DATE, evaluate_readiness(pipeline.validation, readings, NOW).verdicts, NOW
    )

    assert len(lines) == MOST_LINES + 1
    assert lines[-1] == "and 80 more"
    assert max(map(len, lines)) <= LONGEST_LINE


def test_nothing_from_outside_breaks_a_line():
    (line,) = judged(a_rule("equals", "ok", "status"), {"status": "\x1b[31m\nPASS\u202e"})

    assert line.isprintable()


def test_a_value_that_quotes_our_words_hides_nothing():
    (line,) = judged(a_rule("equals", 5), {"count": "x, wanted == 5"})

    assert line == 'row-count.count is "x, wanted == 5": must become 5'


@pytest.mark.parametrize(
    ("rule", "values"),
    [
        pytest.param(ROWS, {"count": 1000}, id="rose to it"),
        pytest.param(a_rule("gt"), {"count": "1000.5"}, id="above it"),
        pytest.param(a_rule("lte"), {"count": 1000}, id="fell to it"),
        pytest.param(UP, {"status": "ready"}, id="became it"),
    ],
)
def test_the_key_that_it_says_to_write_is_one_that_the_run_sees(rule, values):
    found = {f"{rule.key}#{DATE}": values}
    readiness: Readiness = evaluate_readiness(
        a_pipeline(rules=[rule]).validation, {rule.key: select_reading(rule.key, DATE, found)}, NOW
    )

    assert readiness.ready


# ---------------------------------------------------------------- what it says is enough

LEAVES = st.sampled_from(
    [
        ("gte", 1000),
        ("gt", 0.5),
        ("lte", 7),
        ("lt", -3),
        ("equals", "ready"),
        ("equals", 12),
        ("equals", True),
        ("not_equals", "failed"),
        ("in", ("a", "b")),
        ("exists", None),
        ("age_lt", timedelta(hours=2)),
        ("age_gt", timedelta(hours=3)),
    ]
)
VALUES = st.sampled_from(
    [
        None,
        900,
        1000,
        "999.5",
        -4,
        7,
        "ready",
        "failed",
        "a",
        "true",
        "2026-03-02T08:00:00Z",
        "2026-03-02T11:00Z",
    ]
)


@st.composite
def rules(draw: st.DrawFn, depth: int = 2, name: str = "s") -> tuple[RuleNode, dict[str, Any]]:
    """A rule, and readings for it: each leaf has a sensor of its own, for rules may contradict each other."""
    kind = draw(st.sampled_from(["leaf", "leaf", "all", "any", "least", "not"] if depth else ["leaf"]))
    if kind == "leaf":
        check, wanted = draw(LEAVES)
        return a_rule(check, wanted, "v", name), {name: draw(VALUES)}
    count = 1 if kind == "not" else draw(st.integers(1, 3))
    members = [draw(rules(depth - 1, f"{name}-{n}")) for n in range(count)]
    nodes = tuple(node for node, _ in members)
    readings = {key: value for _, told in members for key, value in told.items()}
    if kind == "not":
        return Not(nodes[0]), readings
    if kind == "least":
        return AtLeast(draw(st.integers(1, len(nodes))), nodes), readings
    return (AllOf if kind == "all" else AnyOf)(nodes), readings


@settings(max_examples=300)
@given(rules())
def test_whoever_does_what_it_says_and_waits_where_it_says_so_has_the_rules_hold(written):
    rule, values = written
    pipeline, now = a_pipeline(rules=[rule]), NOW
    readings = {key: a_reading({"v": value}, key) for key, value in values.items() if value is not None}
    for _ in range(4):  # while one waits, another reading may grow too old
        verdicts = evaluate_readiness(pipeline.validation, readings, now).verdicts
        need = needs(pipeline, DATE, verdicts, now, str)
        for key, fields in obey(need, now):
            name = key.partition("#")[0]
            known = readings.pop(name, None)
            if fields is not None:
                merged = {**(known.values if known else {}), **fields}
                readings[name] = a_reading({k: v for k, v in merged.items() if v is not None}, name)
        now += longest_wait(need)

    assert evaluate_readiness(pipeline.validation, readings, now).ready
