"""Expressions: JSONata's answers, Step Functions' own functions, and shortcuts that answer just as the interpreter."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonata import Jsonata  # type: ignore[import-untyped]
from jsonata.utils import Utils  # type: ignore[import-untyped]

from interlock.simulation.asl_errors import StateError
from interlock.simulation.asl_expressions import Place, Scope, compile_template
from interlock.simulation.asl_shortcuts import UNDEFINED, NeedsInterpreter, shortcut
from simulation.asl_world import NOW

PLACE = Place("S", "Output", frozenset({"x", "null"}), frozenset({"input", "context"}))


def evaluate(expression: str, seed: str = "seed", **names: Any) -> Any:
    scope = Scope({"states": {"input": {"n": 2, "none": None}}, "x": 7, "null": None, **names}, NOW, seed)
    return compile_template(f"{{% {expression} %}}", PLACE)(scope)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("$states.input", {"n": 2, "none": None}),
        ("$states.input.none", None),
        ("$null", None),
        ("null", None),
        ("[1..3]", [1, 2, 3]),
        ("[]", []),
        ("{'a': null, 'b': $states.input.missing}", {"a": None}),
        ("$x / 2", 3.5),
        ("$x & '!'", "7!"),
        ("$exists($states.input.missing)", False),
        ("$states.input.missing = 1", False),
        ("$states.input.missing != 1", False),
        ("$states.input.none = null", True),
        ("$states.input.n = 2 and $x = 7", True),
        ("$states.input.n in [1, 2]", True),
        ("$partition([1, 2, 3, 4, 5], 2)", [[1, 2], [3, 4], [5]]),
        ("$partition([1, 2, 3], 2.9)", [[1, 2], [3]]),
        ("$range(0, 10, 2)", [0, 2, 4, 6, 8, 10]),
        ("$range(3, 1, -1)", [3, 2, 1]),
        ("$hash('hello', 'MD5')", "5d41402abc4b2a76b9719d911017c592"),
        ("$hash('hello', 'SHA-256')", "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"),
        ("$parse('{\"a\": [1, null]}')", {"a": [1, None]}),
        ("$parse('{\"a\": [1]}').a[0] + 1", 2),
        ("$millis()", int(NOW.timestamp() * 1000)),
        ("$now()", "2026-03-02T08:00:00.000Z"),
        ("$now('[Y0001]-[M01]-[D01]')", "2026-03-02"),
        ("$toMillis('2026-03-02T08:00:00.000Z') - $millis()", 0),
    ],
)
def test_what_an_expression_gives(expression: str, value: Any) -> None:
    assert evaluate(expression) == value


@pytest.mark.parametrize(
    "expression",
    [
        pytest.param("$states.input.missing", id="nothing"),
        pytest.param("$states.input.n.deeper", id="a field of a number"),
        pytest.param("$x + 'a'", id="a type error"),
        pytest.param("$x < 'a'", id="a comparison of types"),
        pytest.param("$error('no')", id="an error of its own"),
        pytest.param("1 / 0", id="not a number"),
        pytest.param("$count", id="a function is no JSON"),
        pytest.param("$parse('{')", id="not JSON"),
        pytest.param("$partition([1], 0)", id="chunks of nothing"),
        pytest.param("$range(1, 2, 0)", id="steps of nothing"),
        pytest.param("$hash('a', 'ROT13')", id="an unknown algorithm"),
    ],
)
def test_an_expression_that_fails_is_a_query_evaluation_error(expression: str) -> None:
    with pytest.raises(StateError) as failed:
        evaluate(expression)

    assert failed.value.error == "States.QueryEvaluationError"
    assert expression in (failed.value.cause or "")


@pytest.mark.parametrize(
    "expression", ["$random()", "$uuid()", "$shuffle([1..20])", "[$random(), $random()]"]
)
def test_chance_repeats_itself_by_seed(expression: str) -> None:
    assert evaluate(expression, "a") == evaluate(expression, "a")
    assert evaluate(expression, "a") != evaluate(expression, "b")


def test_chance_is_what_it_should_be() -> None:
    first, second = evaluate("[$random(), $random()]")

    assert 0 <= first < 1
    assert first != second
    assert evaluate("$random(42)", "a") == evaluate("$random(42)", "b")
    assert evaluate("$uuid()")[14] == "4"


def test_now_is_the_clocks() -> None:
    template = compile_template("{% $millis() %}", PLACE)
    early, late = (template(Scope({"states": {}}, NOW + timedelta(days=days), "")) for days in (0, 1))

    assert late - early == 86_400_000


def test_values_are_not_changed_by_an_expression() -> None:
    before = {"rows": [{"n": 1}]}
    changed = compile_template("{% $x ~> |rows|{'n': 2}| %}", PLACE)(Scope({"x": before}, NOW, ""))

    assert changed == {"rows": [{"n": 2}]}
    assert before == {"rows": [{"n": 1}]}


NAMES = st.sampled_from(["a", "b", "c"])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=2)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
PATHS = st.lists(NAMES, max_size=3).map(lambda names: ".".join(["$x", *names]))
LITERALS = st.sampled_from(["true", "false", "null", "0", "1", "-1", "2.5", "''", "'a'"])
COMPARISONS = st.tuples(PATHS, st.sampled_from(["=", "!="]), LITERALS).map(" ".join)
SIMPLE = PATHS | COMPARISONS | st.tuples(LITERALS, st.just("="), PATHS).map(" ".join)
EXPRESSIONS = SIMPLE | st.tuples(SIMPLE, st.sampled_from(["and", "or"]), SIMPLE).map(" ".join)


@given(expression=EXPRESSIONS, value=VALUES)
def test_a_shortcut_answers_as_the_interpreter_does(expression: str, value: Any) -> None:
    parsed = Jsonata(expression)
    parsed.set_output_convert_nulls(False)
    quick = shortcut(parsed.ast)
    assert quick is not None

    try:
        answer = quick({"x": value})
    except NeedsInterpreter:
        return
    told = parsed.evaluate(None, {"x": Utils.NULL_VALUE if value is None else value})

    expected = UNDEFINED if told is None else None if told is Utils.NULL_VALUE else told
    assert (type(answer), answer) == (type(expected), expected)


@pytest.mark.parametrize(
    "expression",
    [
        "$x.a",
        "$x.a.b",
        "$x",
        "$x.a = 'b'",
        "'b' = $x.a",
        "$x.a != null",
        "$x.a = true and $x.b = false",
        "'text'",
        "1",
    ],
)
def test_common_expressions_have_a_shortcut(expression: str) -> None:
    quick = shortcut(Jsonata(expression).ast)

    assert quick is not None
    assert quick({"x": {"a": "b"}}) is not None


@pytest.mark.parametrize(
    "expression",
    [
        "$x.a[0]",
        "$x[a=1]",
        "$x.a[]",
        "$x.*",
        "$x.**",
        "$x.(a)",
        "$x{a: 1}",
        "$x^(a)",
        "$x.a@$y.b",
        "$x.a#$i.b",
        "$x = $x",
        "$x > 1",
        "a",
        "$",
        "$$",
        "[1]",
        "{'a': 1}",
        "$not($x)",
    ],
)
def test_whatever_is_less_plain_has_none(expression: str) -> None:
    assert shortcut(Jsonata(expression).ast) is None
