"""Rules on other pipelines as users write them, where they may stand, and pipelines that wait for each other."""

from __future__ import annotations

import pytest

from interlock.domain.pipeline import AllOf, AnyOf, AtLeast, Not, RuleNode, UpstreamDate, UpstreamRule
from interlock.pipeline_yaml import check_pipeline
from interlock.pipeline_yaml.dependencies import circle
from pipeline_text import mistakes_with, pipeline_with, text_with

SILVER = UpstreamRule("silver")


def rule(text: str) -> RuleNode:
    """The one rule of a pipeline that has it."""
    return pipeline_with(f"validation: {{rules: [{text}]}}").validation.rules[0]


def mistakes(text: str) -> list[str]:
    """Its mistakes, without the path to the rule."""
    found = mistakes_with(f"validation: {{rules: [{text}]}}")
    return [mistake.removeprefix("validation.rules[0].") for mistake in found]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("{pipeline: silver, check: succeeded}", SILVER),
        ("{pipeline: silver, check: succeeded, date: same}", SILVER),
        (
            "{pipeline: silver.v2_a-b, check: succeeded, date: previous}",
            UpstreamRule("silver.v2_a-b", UpstreamDate.PREVIOUS),
        ),
        ("{date: window, check: succeeded, pipeline: s}", UpstreamRule("s", UpstreamDate.WINDOW)),
        ("{not: {pipeline: silver, check: succeeded}}", Not(SILVER)),
        ("{all: [{pipeline: silver, check: succeeded}]}", AllOf((SILVER,))),
        ("{any: [{pipeline: silver, check: succeeded}]}", AnyOf((SILVER,))),
        ("{atLeast: 1, of: [{pipeline: silver, check: succeeded}]}", AtLeast(1, (SILVER,))),
    ],
)
def test_a_rule_on_another_pipeline_may_stand_wherever_a_rule_may(written: str, read: RuleNode) -> None:
    assert rule(written) == read


@pytest.mark.parametrize(
    ("written", "wrong"),
    [
        ("{pipeline: silver}", "check: is required; add it"),
        ("{pipeline: silver, check: succeded}", 'check: "succeded" is not known here; use succeeded'),
        ("{pipeline: silver, check: exists}", 'check: "exists" is not known here; use succeeded'),
        (
            "{pipeline: silver, check: succeeded, date: windo}",
            'date: "windo" is not known here; did you mean window?',
        ),
        ("{pipeline: silver, check: succeeded, date: 2026-03-02}", "date: "),
        ("{pipeline: silver, check: succeeded, key: rows}", "key: unknown key"),
        ("{pipeline: silver, check: succeeded, dat: same}", 'dat: unknown key; did you mean "date"?'),
        ("{pipeline: a#b, check: succeeded}", 'pipeline: may hold only letters, digits, ".", "_" and "-"'),
        ("{pipeline: 5, check: succeeded}", "pipeline: must be text, not 5"),
        (
            "{pipeline: gold-revenue, check: succeeded}",
            "pipeline: is this pipeline, whose run cannot wait for itself",
        ),
        (
            "{pipeline: gold-revenue, check: succeeded, date: window}",
            "pipeline: is this pipeline, whose run cannot wait for itself",
        ),
    ],
)
def test_a_mistake_in_it_is_named_at_its_key(written: str, wrong: str) -> None:
    [found] = mistakes(written)

    assert found.startswith(wrong)


def test_a_pipeline_may_wait_for_its_own_run_before() -> None:
    own_past = "{pipeline: gold-revenue, check: succeeded, date: previous}"

    assert rule(own_past) == UpstreamRule("gold-revenue", UpstreamDate.PREVIOUS)


@pytest.mark.parametrize(
    ("section", "path"),
    [
        ("schedule: {trigger: {pipeline: silver, check: succeeded}}", "schedule.trigger"),
        ("postRun: {rules: [{pipeline: silver, check: succeeded}]}", "postRun.rules[0]"),
        (
            "postRun: {rules: [{any: [{key: k, check: exists}, {pipeline: silver, check: succeeded}]}]}",
            "postRun.rules[0].any[1]",
        ),
    ],
)
def test_elsewhere_it_is_one_mistake_that_says_where_it_belongs(section: str, path: str) -> None:
    [found] = mistakes_with(section)

    assert found.startswith(f"{path}: another pipeline's outcome is read in validation.rules only")


def test_upstreams_count_toward_the_hundred_sensors() -> None:
    def rules(upstreams: int) -> str:
        keys = [f"{{key: k{n}, check: exists}}" for n in range(98)]
        names = [f"{{pipeline: u{n}, check: succeeded}}" for n in range(upstreams)]
        return f"validation: {{rules: [{', '.join(keys + names)}]}}"

    assert mistakes_with(rules(2)) == []
    assert "100 is the most" in mistakes_with(rules(3))[0]


def test_one_upstream_in_two_ways_is_two_things_to_read() -> None:
    checked = check_pipeline(
        text_with(
            "validation:\n  rules:\n"
            "    - {pipeline: silver, check: succeeded}\n"
            "    - not:\n        {pipeline: silver, check: succeeded, date: previous}\n"
        ),
        "p.yaml",
    )

    found = [(one.upstream, str(one.date), one.where.path) for one in checked.dependencies]
    assert found == [
        ("silver", "same", "validation.rules[0].pipeline"),
        ("silver", "previous", "validation.rules[1].not.pipeline"),
    ]
    assert checked.dependencies[1].where.line == checked.dependencies[0].where.line + 2


# ---------------------------------------------------------------- circles


def through(pipeline_id: str, upstream: str, **waits_for: str) -> tuple[str, ...] | None:
    return circle(pipeline_id, upstream, lambda name: waits_for.get(name, "").split())


@pytest.mark.parametrize(
    ("waits_for", "way"),
    [
        ({"b": "a"}, ("a", "b", "a")),
        ({"b": "c", "c": "a"}, ("a", "b", "c", "a")),
        ({"b": "x y c", "c": "y d", "d": "a", "x": "y"}, ("a", "b", "c", "d", "a")),
        ({"b": "c d", "c": "d", "d": ""}, None),
        ({"b": "c", "c": "b"}, None),  # a circle, and not through a
        ({"b": "b"}, None),
        ({}, None),
    ],
)
def test_a_circle_is_the_way_from_a_pipeline_back_to_it(
    waits_for: dict[str, str], way: tuple[str, ...] | None
) -> None:
    assert through("a", "b", **waits_for) == way


def test_a_pipeline_that_waits_for_itself_is_the_smallest_circle() -> None:
    assert through("a", "a") == ("a", "a")


def test_a_long_chain_takes_no_deep_recursion() -> None:
    chain = {f"p{n}": f"p{n + 1}" for n in range(5000)}

    assert through("p0", "p1", **chain) is None
    assert len(through("p0", "p1", **chain, p5000="p0") or ()) == 5002
