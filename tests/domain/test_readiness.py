"""May the run start? Every check, every group, every kind of value, and the reason of each verdict."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import a_reading, a_rule, at
from hostile import deeply_nested, hostile_values
from interlock.domain.pipeline import (
    AllOf,
    AnyOf,
    AtLeast,
    Check,
    Match,
    Not,
    Rule,
    RuleNode,
    UpstreamDate,
    UpstreamRule,
    Validation,
)
from interlock.domain.readiness import Readiness, RuleVerdict, evaluate_readiness, trigger_holds
from interlock.domain.rule_check import compile_rules
from interlock.domain.sensor import Reading, Unseen
from interlock.domain.upstream import UpstreamOutcome

NOW = at("2026-03-04T12:00")
HOUR = timedelta(hours=1)
MOMENT = timedelta(microseconds=1)

GOOD, BAD = a_rule("exists", key="good", field=None), a_rule("exists", key="bad", field=None)
ONLY_GOOD: dict[str, Reading | Unseen] = {
    "good": a_reading(key="good"),
    "bad": Unseen("bad", "bad was never reported"),
}


def judged(rule: RuleNode, readings: Mapping[str, Reading | Unseen], now: datetime = NOW) -> RuleVerdict:
    (verdict,) = evaluate_readiness(Validation(rules=(rule,)), readings, now).verdicts
    return verdict


def holds(check: str, wanted: Any, seen: Any) -> bool:
    return trigger_holds(a_rule(check, wanted), a_reading({"count": seen}), NOW).holds


@pytest.mark.parametrize(
    ("wanted", "seen", "equal"),
    [
        (10, 10, True),
        (10, 10.0, True),
        (10, "10", True),
        (10, "10.00", True),
        ("10", 10, True),
        (10.0, Decimal("10"), True),
        (0.1, Decimal("0.1"), True),
        (0.1, "0.1", True),
        (1000000, "1000000", True),
        (Decimal("1E+6"), 1000000, True),
        ("1000000", Decimal(1000000), True),
        (12345678901234567890, "12345678901234567891", False),
        (10, 11, False),
        (10, "ten", False),
        (1, True, False),
        (True, 1, False),
        (0, False, False),
        (True, True, True),
        (True, "true", True),
        (True, "TRUE", True),
        ("true", True, True),
        ("False", False, True),
        (True, False, False),
        (True, "yes", False),
        ("ready", "ready", True),
        ("ready", "Ready", False),
        ("ready", "ready ", False),
        ("", "", True),
        ("ready", None, False),
        ("ready", ["ready"], False),
        ("ready", {"ready"}, False),
        ("ready", b"ready", False),
        (0, None, False),
        (10, float("nan"), False),
        (10, Decimal("sNaN"), False),
        ("NaN", float("nan"), False),
        ("Infinity", Decimal("Infinity"), False),
    ],
)
def test_equals_compares_what_is_meant_not_how_it_is_written(wanted: Any, seen: Any, equal: bool) -> None:
    assert holds("equals", wanted, seen) is equal
    assert holds("in", ("something else", wanted), seen) is equal


@pytest.mark.parametrize(
    ("wanted", "seen", "differs"),
    [
        ("failed", "ready", True),
        ("failed", "failed", False),
        (0, 1, True),
        (0, "0.0", False),
        (0, "none", True),
        (1, True, True),
        (True, "true", False),
        ("failed", None, False),
        ("failed", ["ready"], False),
        ("failed", float("nan"), False),
        (5, Decimal("sNaN"), False),
    ],
)
def test_not_equals_needs_something_comparable_to_differ(wanted: Any, seen: Any, differs: bool) -> None:
    assert holds("not_equals", wanted, seen) is differs


@pytest.mark.parametrize(
    ("seen", "gt", "gte", "lt", "lte"),
    [
        (999, False, False, True, True),
        (1000, False, True, False, True),
        (1001, True, True, False, False),
        (Decimal("1000.0000000000000000000000000001"), True, True, False, False),
        ("1000", False, True, False, True),
        ("1e3", False, True, False, True),
        (999.9999, False, False, True, True),
        (-1001, False, False, True, True),
        ("9", False, False, True, True),
        ("many", False, False, False, False),
        ("", False, False, False, False),
        (True, False, False, False, False),
        (None, False, False, False, False),
        (float("nan"), False, False, False, False),
        (Decimal("sNaN"), False, False, False, False),
        (float("inf"), False, False, False, False),
        ([1001], False, False, False, False),
        (b"1001", False, False, False, False),
    ],
)
def test_orderings_compare_numbers_only(seen: Any, gt: bool, gte: bool, lt: bool, lte: bool) -> None:
    assert [holds(check, 1000, seen) for check in ("gt", "gte", "lt", "lte")] == [gt, gte, lt, lte]
    assert [holds(check, "1000", seen) for check in ("gt", "gte", "lt", "lte")] == [gt, gte, lt, lte]


@pytest.mark.parametrize("check", ["gt", "gte", "lt", "lte"])
def test_texts_are_not_ordered(check: str) -> None:
    assert not holds(check, "2026-03-04", "2026-03-05")
    assert not holds(check, "2026-03-04", "2026-03-03")


@pytest.mark.parametrize(
    ("field", "values", "exists"),
    [
        pytest.param(None, {}, True, id="the reading itself"),
        pytest.param("count", {"count": 0}, True, id="a zero exists"),
        pytest.param("count", {"count": ""}, True, id="an empty text exists"),
        pytest.param("count", {"count": False}, True, id="false exists"),
        pytest.param("count", {"count": None}, False, id="null does not"),
        pytest.param("count", {"rows": 1}, False, id="another field"),
        pytest.param("a.b", {"a.b": 1}, True, id="a name with a dot"),
        pytest.param("a.b", {"a": {"b": 1}}, True, id="a path into a map"),
        pytest.param("a.b", {"a": {"c": 1}}, False, id="no such path"),
        pytest.param("a.b", {"a": [1]}, False, id="a path into a list"),
        pytest.param("a.b.c", {"a": {"b": 1}}, False, id="a path beyond a value"),
    ],
)
def test_exists_asks_for_the_reading_or_a_field(
    field: str | None, values: dict[str, Any], exists: bool
) -> None:
    assert judged(a_rule("exists", field=field), {"row-count": a_reading(values)}).holds is exists


def test_the_whole_name_of_a_field_goes_before_its_path() -> None:
    reading = a_reading({"a.b": 1, "a": {"b": 2}})

    assert judged(a_rule("equals", 1, "a.b"), {"row-count": reading}).holds


@pytest.mark.parametrize("check", [check.value for check in Check])
def test_nothing_holds_on_a_sensor_that_was_never_reported(check: str) -> None:
    wanted = HOUR if check.startswith("age") else ("x",) if check == "in" else 1

    assert judged(a_rule(check, wanted), {}).reason == "row-count was never reported"
    assert not judged(a_rule(check, wanted), {}).holds
    assert not judged(a_rule(check, wanted), {"row-count": Unseen("row-count", "it is late")}).holds


@pytest.mark.parametrize(
    ("updated_at", "age_lt", "age_gt"),
    [
        pytest.param(NOW, True, False, id="now"),
        pytest.param(NOW - HOUR + MOMENT, True, False, id="almost an hour"),
        pytest.param(NOW - HOUR, False, False, id="exactly an hour"),
        pytest.param(NOW - HOUR - MOMENT, False, True, id="just over an hour"),
        pytest.param(NOW + timedelta(minutes=5), True, False, id="five minutes ahead"),
        pytest.param(NOW + timedelta(minutes=5) + MOMENT, False, False, id="further ahead"),
        pytest.param(at("9999-12-31T23:59:59"), False, False, id="the end of time"),
        pytest.param(at("0001-01-01"), False, True, id="the beginning of time"),
        pytest.param(None, False, False, id="never updated"),
    ],
)
def test_age_is_strict_and_distrusts_the_future(
    updated_at: datetime | None, age_lt: bool, age_gt: bool
) -> None:
    reading = {"row-count": a_reading(updated_at=updated_at)}

    assert judged(a_rule("age_lt", HOUR, None), reading).holds is age_lt
    assert judged(a_rule("age_gt", HOUR, None), reading).holds is age_gt


@pytest.mark.parametrize(
    "written",
    ["2026-03-04T11:30:00Z", "2026-03-04T12:30:00+01:00", 1772623800, "1772623800", Decimal(1772623800000)],
)
def test_age_reads_a_field_in_every_form_of_an_instant(written: Any) -> None:
    reading = {"row-count": a_reading({"loadedAt": written})}

    assert judged(a_rule("age_lt", HOUR, "loadedAt"), reading).holds
    assert judged(a_rule("age_gt", HOUR / 3, "loadedAt"), reading).holds


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        pytest.param(AllOf((GOOD, GOOD)), True, id="all of two"),
        pytest.param(AllOf((GOOD, BAD)), False, id="not all"),
        pytest.param(AllOf(()), True, id="all of nothing"),
        pytest.param(AnyOf((BAD, GOOD)), True, id="any"),
        pytest.param(AnyOf((BAD, BAD)), False, id="none"),
        pytest.param(AnyOf(()), False, id="any of nothing"),
        pytest.param(AtLeast(2, (GOOD, BAD, GOOD)), True, id="two of three"),
        pytest.param(AtLeast(2, (GOOD, BAD, BAD)), False, id="one of three"),
        pytest.param(Not(BAD), True, id="not"),
        pytest.param(Not(GOOD), False, id="not good"),
        pytest.param(Not(Not(GOOD)), True, id="not not"),
        pytest.param(Not(AnyOf((BAD, AllOf((GOOD, BAD))))), True, id="nested"),
        pytest.param(AllOf((GOOD, AnyOf((BAD, AtLeast(1, (GOOD, BAD)))))), True, id="nested deeper"),
    ],
)
def test_groups_combine_their_members(group: RuleNode, expected: bool) -> None:
    assert judged(group, ONLY_GOOD).holds is expected
    assert compile_rules(Validation(rules=(group,))).holds(ONLY_GOOD, NOW) is expected


@pytest.mark.parametrize(
    ("match", "rules", "ready"),
    [
        (Match.ALL, (GOOD, GOOD), True),
        (Match.ALL, (GOOD, BAD), False),
        (Match.ALL, (), True),
        (Match.ANY, (BAD, GOOD), True),
        (Match.ANY, (BAD, BAD), False),
        (Match.ANY, (), False),
    ],
)
def test_all_rules_or_any_of_them(match: Match, rules: tuple[RuleNode, ...], ready: bool) -> None:
    readiness = evaluate_readiness(Validation(match, rules), ONLY_GOOD, NOW)

    assert readiness.ready is ready
    assert all(not verdict.holds for verdict in readiness.unmet)
    assert bool(readiness.unmet) is (not ready and bool(rules))


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (a_rule(), "row-count.count >= 1000"),
        (a_rule("equals", "ready", "status", "upstream"), 'upstream.status == "ready"'),
        (a_rule("not_equals", True, "paused"), "row-count.paused != true"),
        (a_rule("in", ("a", 1), "state"), 'row-count.state in ["a", 1]'),
        (a_rule("exists", field=None), "row-count exists"),
        (a_rule("exists"), "row-count.count exists"),
        (a_rule("age_lt", timedelta(minutes=90), None), "row-count.updatedAt age < 1h30m"),
        (a_rule("age_gt", HOUR, "loadedAt"), "row-count.loadedAt age > 1h"),
        (AnyOf((a_rule("equals", 1, "x", "a"), GOOD)), "any of (a.x == 1, good exists)"),
        (AtLeast(2, (GOOD, BAD)), "at least 2 of (good exists, bad exists)"),
        (Not(AllOf((GOOD,))), "not (all of (good exists))"),
    ],
)
def test_a_rule_can_be_read_aloud(rule: RuleNode, text: str) -> None:
    assert judged(rule, {}).rule == text


FRESH = a_rule("age_lt", HOUR, None)


@pytest.mark.parametrize(
    ("rule", "reading", "reason"),
    [
        pytest.param(
            a_rule(),
            a_reading({"count": Decimal(999)}),
            "row-count.count is 999, wanted >= 1000",
            id="one short",
        ),
        pytest.param(a_rule(), a_reading(), "row-count.count is 1000, wanted >= 1000", id="enough"),
        pytest.param(
            a_rule(), a_reading({"rows": 5}), 'row-count has no field "count", wanted >= 1000', id="no field"
        ),
        pytest.param(
            a_rule(), a_reading({"count": None}), "row-count.count is null, wanted >= 1000", id="null"
        ),
        pytest.param(
            a_rule(),
            a_reading({"count": "many"}),
            'row-count.count is "many" and no number, wanted >= 1000',
            id="text",
        ),
        pytest.param(
            a_rule(),
            a_reading({"count": [1]}),
            "row-count.count is [1] and cannot be compared, wanted >= 1000",
            id="a list",
        ),
        pytest.param(
            a_rule("equals", 1),
            a_reading({"count": float("nan")}),
            "row-count.count is nan and cannot be compared, wanted == 1",
            id="NaN",
        ),
        pytest.param(a_rule("exists", field=None), a_reading(), "row-count was reported", id="reported"),
        pytest.param(
            a_rule("exists"), a_reading({"count": {}}), "row-count.count is {}, wanted exists", id="exists"
        ),
        pytest.param(
            FRESH,
            a_reading(updated_at=at("2026-03-04T11:30")),
            "row-count.updatedAt is 2026-03-04T11:30:00Z, wanted age < 1h: until 2026-03-04T12:30:00Z",
            id="fresh",
        ),
        pytest.param(
            a_rule("age_gt", HOUR, None),
            a_reading(updated_at=at("2026-03-04T11:30")),
            "row-count.updatedAt is 2026-03-04T11:30:00Z, wanted age > 1h: after 2026-03-04T12:30:00Z",
            id="not yet old",
        ),
        pytest.param(
            FRESH,
            a_reading(updated_at=at("2026-03-04T13:00")),
            "row-count.updatedAt is 2026-03-04T13:00:00Z, in the future by our clock, wanted age < 1h",
            id="clock",
        ),
        pytest.param(
            FRESH,
            a_reading(updated_at=at("2026-03-04T12:05")),
            "row-count.updatedAt is 2026-03-04T12:05:00Z, wanted age < 1h: until 2026-03-04T13:05:00Z",
            id="a clock a little ahead",
        ),
        pytest.param(FRESH, a_reading(), "row-count has no updatedAt, wanted age < 1h", id="no time"),
        pytest.param(
            FRESH,
            a_reading({"updatedAt": "noon"}),
            'row-count.updatedAt is "noon", neither ISO 8601 nor an epoch, wanted age < 1h',
            id="no readable time",
        ),
    ],
)
def test_a_verdict_says_what_it_saw_and_wanted(rule: Rule, reading: Reading, reason: str) -> None:
    assert trigger_holds(rule, reading, NOW).reason == reason


@pytest.mark.parametrize(
    ("group", "reason"),
    [
        pytest.param(
            AllOf((GOOD, BAD)), "1 of 2 hold, wanted at least 2: bad was never reported", id="what is missing"
        ),
        pytest.param(
            AnyOf((GOOD, BAD)), "1 of 2 hold, wanted at least 1: good was reported", id="what suffices"
        ),
        pytest.param(Not(GOOD), "good was reported, which must not hold", id="not"),
        pytest.param(Not(BAD), "bad was never reported, which does not hold, as it should", id="not, met"),
    ],
)
def test_a_group_tells_of_the_members_that_decided(group: RuleNode, reason: str) -> None:
    assert judged(group, ONLY_GOOD).reason == reason


def test_a_verdict_of_a_group_keeps_those_of_its_members() -> None:
    verdict = judged(AnyOf((GOOD, Not(BAD), GOOD)), ONLY_GOOD)

    assert verdict.key == "good,bad"
    assert [member.key for member in verdict.members] == ["good", "bad", "good"]
    assert (verdict.seen, verdict.wanted) == (3, 1)


@pytest.mark.parametrize(
    ("rule", "seen", "wanted"),
    [
        (a_rule(), 999, 1000),
        (a_rule("in", ("a", 1.5)), 999, ["a", 1.5]),
        (a_rule("exists", field=None), True, None),
        (a_rule("exists", field="rows"), None, None),
        (a_rule("age_lt", HOUR, None), "noon", "1h"),
        (a_rule("equals", "x", "label"), "late", "x"),
    ],
)
def test_a_verdict_keeps_the_values_for_machines(rule: Rule, seen: Any, wanted: Any) -> None:
    verdict = trigger_holds(
        rule, a_reading({"count": Decimal(999), "label": "late", "updatedAt": "noon"}), NOW
    )

    assert (verdict.seen, verdict.wanted) == (seen, wanted)


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        pytest.param((GOOD, GOOD), "2 of 2 rules hold", id="ready"),
        pytest.param((), "there are no rules", id="no rules"),
        pytest.param((GOOD, BAD), "bad was never reported", id="one missing"),
        pytest.param(
            (a_rule(), BAD), "row-count was never reported; bad was never reported", id="two missing"
        ),
        pytest.param(
            (BAD,) * 5, "; ".join(["bad was never reported"] * 3) + "; and 2 more", id="many missing"
        ),
    ],
)
def test_readiness_names_what_is_missing_in_one_sentence(rules: tuple[RuleNode, ...], sentence: str) -> None:
    assert evaluate_readiness(Validation(rules=rules), ONLY_GOOD, NOW).reason == sentence


def test_any_of_no_rules_says_that_it_never_holds() -> None:
    assert evaluate_readiness(Validation(Match.ANY), {}, NOW).reason == "ANY of no rules never holds"


def evaluated_twice(first: int, second: int) -> tuple[Readiness, Readiness]:
    validation = Validation(rules=(AllOf((a_rule(),)),))
    before = evaluate_readiness(validation, {"row-count": a_reading({"count": first})}, NOW - HOUR)
    after = evaluate_readiness(validation, {"row-count": a_reading({"count": second})}, NOW, before.verdicts)
    return before, after


def test_a_verdict_that_stands_keeps_its_since() -> None:
    _, after = evaluated_twice(998, 999)

    assert after.verdicts[0].since == after.verdicts[0].members[0].since == NOW - HOUR


def test_a_verdict_that_turned_stands_since_now() -> None:
    _, after = evaluated_twice(999, 1000)

    assert after.verdicts[0].since == after.verdicts[0].members[0].since == NOW


def test_verdicts_do_not_change_while_only_time_passes() -> None:
    validation = Validation(rules=(FRESH, a_rule()))
    readings = {"row-count": a_reading(updated_at=NOW - HOUR / 2)}

    first = evaluate_readiness(validation, readings, NOW)
    later = evaluate_readiness(validation, readings, NOW + HOUR / 4, first.verdicts)

    assert later.verdicts == first.verdicts


@pytest.mark.parametrize(
    ("rules", "updated_at", "flips_at"),
    [
        pytest.param((FRESH,), "2026-03-04T11:30", "2026-03-04T12:30", id="age_lt ends"),
        pytest.param(
            (FRESH,), "2026-03-04T11:30:00.25", "2026-03-04T12:30:01", id="rounded up to the second"
        ),
        pytest.param((FRESH,), "2026-03-04T11:00", None, id="age_lt has ended"),
        pytest.param((FRESH,), "2026-03-04T12:20", "2026-03-04T12:15", id="the clock catches up"),
        pytest.param(
            (a_rule("age_gt", HOUR, None),),
            "2026-03-04T11:30",
            "2026-03-04T12:30:01",
            id="age_gt begins after",
        ),
        pytest.param(
            (a_rule("age_gt", HOUR, None),),
            "2026-03-04T11:00",
            "2026-03-04T12:00:01",
            id="just about to begin",
        ),
        pytest.param((a_rule("age_gt", HOUR, None),), "2026-03-04T10:59", None, id="age_gt has begun"),
        pytest.param(
            (a_rule("age_gt", HOUR, None),), "2026-03-04T12:20", "2026-03-04T13:20:01", id="from the future"
        ),
        pytest.param(
            (Not(a_rule("age_gt", HOUR, None)),), "2026-03-04T11:30", "2026-03-04T12:30:01", id="in a group"
        ),
        pytest.param(
            (FRESH, a_rule("age_lt", HOUR * 2, None)), "2026-03-04T11:30", "2026-03-04T12:30", id="the first"
        ),
        pytest.param((FRESH,), "9999-12-31T23:59", None, id="the end of time"),
        pytest.param((FRESH,), "9999-12-31T22:59:59.5", None, id="a moment before the end of time"),
        pytest.param((a_rule("age_gt", HOUR, None),), "9999-12-31T23:59", None, id="beyond the end of time"),
        pytest.param((FRESH,), "0001-01-01", None, id="the beginning of time"),
        pytest.param((a_rule(),), "2026-03-04T11:30", None, id="no age rule"),
    ],
)
def test_the_next_flip_of_an_age_rule_is_known(
    rules: tuple[RuleNode, ...], updated_at: str, flips_at: str | None
) -> None:
    readings = {"row-count": a_reading(updated_at=at(updated_at))}

    assert evaluate_readiness(Validation(rules=rules), readings, NOW).flips_at == (
        at(flips_at) if flips_at else None
    )


@given(
    rule=st.sampled_from([FRESH, a_rule("age_gt", HOUR, None)]),
    age=st.timedeltas(timedelta(hours=-2), timedelta(hours=2)),
    step=st.floats(0, 1),
)
def test_an_age_rule_keeps_its_answer_until_it_flips(rule: Rule, age: timedelta, step: float) -> None:
    readings = {"row-count": a_reading(updated_at=NOW - age)}
    before = evaluate_readiness(Validation(rules=(rule,)), readings, NOW)
    if before.flips_at is None:
        assert evaluate_readiness(Validation(rules=(rule,)), readings, NOW + 9 * HOUR).ready is before.ready
        return

    # Rounding to the second may lie up to a second after the flip itself.
    between = NOW + max(before.flips_at - NOW - timedelta(seconds=1), timedelta()) * step
    at_flip = evaluate_readiness(Validation(rules=(rule,)), readings, before.flips_at)

    assert evaluate_readiness(Validation(rules=(rule,)), readings, between).ready is before.ready
    assert at_flip.ready is not before.ready


def test_the_baseline_keeps_the_fields_that_rules_compare() -> None:
    rules = (
        a_rule(),
        a_rule("equals", "x", "meta.source"),
        AnyOf((a_rule("exists", "", "done"), FRESH, BAD)),
    )
    values = {"count": Decimal("12.5"), "meta": {"source": "x" * 400_000}, "updatedAt": "noon", "other": 1}

    seen = evaluate_readiness(
        Validation(rules=rules), {"row-count": a_reading(values), **ONLY_GOOD}, NOW
    ).seen

    assert set(seen) == {"row-count"}
    assert seen["row-count"]["count"] == 12.5
    assert seen["row-count"]["meta.source"].startswith("sha256:")
    assert set(seen["row-count"]) == {"count", "meta.source"}


def test_a_sensor_that_only_has_to_exist_is_in_the_baseline_by_name() -> None:
    assert evaluate_readiness(Validation(rules=(GOOD, BAD)), ONLY_GOOD, NOW).seen == {"good": {}}


def test_equal_looking_rules_are_not_confused() -> None:
    """1 == True in Python: a cache by equality would answer one rule with the other's verdict."""
    one, truth = (Validation(rules=(a_rule("equals", wanted),)) for wanted in (1, True))
    reading = {"row-count": a_reading({"count": 1})}

    assert one == truth
    assert [evaluate_readiness(rules, reading, NOW).ready for rules in (one, truth)] == [True, False]


def test_rules_are_compiled_once_for_each_validation() -> None:
    validation = Validation(rules=(GOOD,))

    assert compile_rules(validation) is compile_rules(validation)
    assert compile_rules(replace(validation)) is not compile_rules(validation)


_WANTED = st.sampled_from([0, 1, 1.5, "1", "true", True, "ready", "", "NaN", "x" * 400])
_RULES = st.builds(
    lambda check, wanted, field: a_rule(
        check.value,
        HOUR if check in (Check.AGE_LT, Check.AGE_GT) else (wanted, 1) if check is Check.IN else wanted,
        field,
    ),
    st.sampled_from(list(Check)),
    _WANTED,
    st.sampled_from(["count", "a.b", "updatedAt"]),
)


@given(rules=st.lists(_RULES, max_size=5), seen=hostile_values())
@settings(deadline=None)
def test_whatever_is_read_gets_a_bounded_verdict_with_a_reason(rules: list[Rule], seen: Any) -> None:
    validation = Validation(rules=(AnyOf(tuple(rules)), *rules, Not(AllOf(tuple(rules)))))
    readings = {"row-count": a_reading({"count": seen, "a": {"b": seen}, "updatedAt": seen})}

    readiness = evaluate_readiness(validation, readings, NOW)

    assert readiness.ready is all(verdict.holds for verdict in readiness.verdicts)
    for verdict in readiness.verdicts:
        assert 0 < len(verdict.reason) <= 300
        assert len(verdict.rule) <= 300
        assert len(json.dumps([verdict.seen, verdict.wanted], allow_nan=False)) <= 2000
        verdict.reason.encode()


@pytest.mark.parametrize("check", [check.value for check in Check if not check.value.startswith("age")])
def test_a_nest_of_any_depth_gets_a_verdict(check: str) -> None:
    wanted = ("x",) if check == "in" else "x"

    assert judged(a_rule(check, wanted), {"row-count": a_reading({"count": deeply_nested()})}).reason


# ---------------------------------------------------------------- other pipelines


SILVER = UpstreamRule("silver")
SUCCEEDED = UpstreamOutcome(True, "silver 2026-03-04 is SUCCEEDED", "SUCCEEDED")
WAITING = UpstreamOutcome(False, "silver 2026-03-04 is WAITING", "WAITING")


@pytest.mark.parametrize("outcome", [SUCCEEDED, WAITING])
def test_a_rule_on_another_pipeline_says_what_was_found_there(outcome: UpstreamOutcome):
    [verdict] = evaluate_readiness(Validation(rules=(SILVER,)), {"silver#same": outcome}, NOW).verdicts

    assert verdict == RuleVerdict(
        key="silver",
        rule="silver succeeded (same date)",
        holds=outcome.holds,
        reason=outcome.reason,
        seen=outcome.seen,
        wanted="SUCCEEDED",
        since=NOW,
    )


def test_a_rule_on_another_pipeline_that_nobody_looked_at_does_not_hold():
    readiness = evaluate_readiness(Validation(rules=(SILVER,)), {"silver": a_reading(key="silver")}, NOW)

    assert (readiness.ready, readiness.reason) == (False, "silver was not looked at")


def test_each_date_of_one_upstream_is_a_rule_of_its_own():
    rules = tuple(UpstreamRule("silver", date) for date in UpstreamDate)

    readiness = evaluate_readiness(Validation(rules=rules), {"silver#window": SUCCEEDED}, NOW)

    assert [verdict.holds for verdict in readiness.verdicts] == [False, False, True]
    assert len({verdict.rule for verdict in readiness.verdicts}) == 3


def test_groups_take_other_pipelines_beside_sensors():
    group = AtLeast(2, (SILVER, GOOD, Not(SILVER)))

    readiness = evaluate_readiness(Validation(rules=(group,)), {**ONLY_GOOD, "silver#same": WAITING}, NOW)

    assert readiness.ready
    assert readiness.verdicts[0].key == "silver,good"
    assert [member.holds for member in readiness.verdicts[0].members] == [False, True, True]


def test_an_outcome_that_stands_keeps_its_instant():
    rules = Validation(rules=(SILVER,))
    first = evaluate_readiness(rules, {"silver#same": WAITING}, NOW)

    again = evaluate_readiness(rules, {"silver#same": WAITING}, NOW + HOUR, first.verdicts)
    changed = evaluate_readiness(rules, {"silver#same": SUCCEEDED}, NOW + HOUR, first.verdicts)

    assert (again.verdicts[0].since, changed.verdicts[0].since) == (NOW, NOW + HOUR)


def test_an_outcome_is_no_value_that_a_baseline_could_keep():
    readiness = evaluate_readiness(Validation(rules=(SILVER,)), {"silver#same": SUCCEEDED}, NOW)

    assert (readiness.seen, readiness.flips_at) == ({}, None)
