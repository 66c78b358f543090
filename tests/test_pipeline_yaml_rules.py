"""Rules as users write them: which checks need which field and value, and how groups nest."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from interlock.domain.pipeline import AllOf, AnyOf, AtLeast, Check, Not, Rule, RuleNode
from pipeline_text import mistakes_with, pipeline_with

ROWS = Rule("rows", Check.EXISTS)


def rule(text: str) -> RuleNode:
    """The one rule of a pipeline that has it."""
    return pipeline_with(f"validation: {{rules: [{text}]}}").validation.rules[0]


def mistakes(text: str) -> list[str]:
    """Its mistakes, without the path to the rule."""
    found = mistakes_with(f"validation: {{rules: [{text}]}}")
    return [mistake.removeprefix("validation.rules[0].") for mistake in found]


@pytest.mark.parametrize(
    ("check", "written", "value"),
    [
        ("equals", "ready", "ready"),
        ("equals", "10", 10),
        ("equals", "10.5", 10.5),
        ("equals", '"10"', "10"),
        ("equals", "true", True),
        ("equals", "no", "no"),
        ("equals", "2026-12-25", "2026-12-25"),
        ("equals", "12:30", "12:30"),
        ("not_equals", "loading", "loading"),
        ("in", "[a, 1, true]", ("a", 1, True)),
        ("gt", "0", 0),
        ("gte", '"1000"', "1000"),
        ("lt", "-1.5", -1.5),
        ("lte", "1e3", 1000.0),
        ("age_lt", "2h", timedelta(hours=2)),
        ("age_lt", "1h30m", timedelta(hours=1, minutes=30)),
        ("age_gt", "90", timedelta(seconds=90)),
        ("age_gt", '"90"', timedelta(seconds=90)),
        ("age_gt", "0.5", timedelta(seconds=0.5)),
    ],
)
def test_a_check_takes_the_values_that_suit_it(check: str, written: str, value: Any):
    read = rule(f"{{key: k, check: {check}, field: f, value: {written}}}")

    assert read == Rule("k", Check(check), "f", value)
    assert isinstance(read, Rule)
    assert type(read.value) is type(value)


@pytest.mark.parametrize(
    ("check", "written", "wanted"),
    [
        ("exists", "true", "value: does not belong to exists"),
        ("equals", "[a]", "value: must be text, a number, true or false, not a list"),
        ("equals", "{a: 1}", "value: must be text, a number, true or false, not a mapping"),
        ("in", "a", "value: must be a list of values for in"),
        ("in", "[]", "value: must be a list of values for in"),
        ("in", "[[a]]", "value: must be text, a number, true or false, not a list"),
        ("gt", "many", 'value: must be a number for gt, not "many"'),
        ("gte", "true", "value: must be a number for gte, not true"),
        ("lt", "[1]", "value: must be a number for lt, not a list"),
        ("lte", "NaN", "value: must be a number for lte"),
        ("gt", ".nan", "value: is not a finite number"),
        ("gt", "-.inf", "value: is not a finite number"),
        ("gt", "1e999", "value: is not a finite number"),
        ("age_lt", "soon", "value: must be a duration such as 90s, 5m, 1h30m or 2d"),
        ("age_lt", "-1", "value: must be between 0 seconds and 3660 days"),
        ("age_gt", "1e300", "value: must be between 0 seconds and 3660 days"),
        ("equals", "x" * 1025, "value: is longer than 1024 characters"),
    ],
)
def test_a_check_refuses_a_value_it_could_not_compare(check: str, written: str, wanted: str):
    found = mistakes(f"{{key: k, check: {check}, field: f, value: {written}}}")

    assert len(found) == 1
    assert found[0].startswith(wanted)


@pytest.mark.parametrize("check", sorted(set(Check) - {"exists", "age_lt", "age_gt"}))
def test_a_check_that_compares_a_field_needs_one_and_a_value(check: str):
    found = mistakes(f"{{key: k, check: {check}}}")

    assert [mistake.partition(";")[0] for mistake in found] == [
        f"field: is required for {check}",
        f"value: is required for {check}",
    ]


def test_exists_and_ages_need_no_field():
    assert rule("{key: rows, check: exists}") == ROWS
    assert rule("{key: rows, check: age_lt, value: 1h}") == Rule(
        "rows", Check.AGE_LT, None, timedelta(hours=1)
    )


@pytest.mark.parametrize("key", ["orders", "orders eu", "a.b/c:d", "données", "x" * 256])
def test_a_sensor_key_may_be_nearly_anything(key: str):
    assert rule(f'{{key: "{key}", check: exists}}') == Rule(key, Check.EXISTS)


@pytest.mark.parametrize("key", ["", "a#b", "#", "a\\nb", "a\\tb", "x" * 257, "ü" * 129])
def test_a_sensor_key_that_no_row_could_have_is_refused(key: str):
    found = mistakes(f'{{key: "{key}", check: exists}}')

    assert len(found) == 1
    assert found[0].startswith("key: ")


def test_groups_nest():
    text = """
      {all: [
        {key: rows, check: exists},
        {any: [{key: rows, check: exists}, {not: {key: rows, check: exists}}]},
        {atLeast: 2, of: [{key: rows, check: exists}, {all: []}, {any: []}]}]}
    """

    assert rule(text) == AllOf((ROWS, AnyOf((ROWS, Not(ROWS))), AtLeast(2, (ROWS, AllOf(()), AnyOf(())))))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("{atLeast: 2, of: [{key: a, check: exists}]}", "atLeast: 2 rules can never hold"),
        ("{atLeast: 0, of: [{key: a, check: exists}]}", "atLeast: must be 1 or more, not 0"),
        ("{atLeast: 1}", "of: is required; add it"),
        ("{of: [{key: a, check: exists}]}", "atLeast: is required; add it"),
        ("{not: [{key: a, check: exists}]}", "not: must be a mapping, not a list"),
        ("{any: {key: a, check: exists}}", "any: must be a list, not a mapping"),
        ("{any: [], all: []}", "any: unknown key"),
        ("{all: [], key: a}", "key: unknown key"),
    ],
)
def test_a_group_that_could_not_be_judged_is_refused(text: str, wanted: str):
    found = mistakes(text)

    assert len(found) == 1
    assert found[0].startswith(wanted)
