"""How the demo's lines look."""

import io
from datetime import UTC, datetime, timedelta

import pytest

from interlock.domain.pipeline_codec import decode_pipeline, encode_pipeline
from interlock.local.demo_checks import Act
from interlock.local.demo_jobs import DEPARTURES
from interlock.local.demo_material import PIPELINES
from interlock.local.demo_record import Claim, Record, Transition
from interlock.local.demo_report import (
    act_lines,
    broken_lines,
    cancellation_lines,
    pipeline_lines,
    transition_lines,
)
from interlock.local.demo_stage import entered
from interlock.local.demo_telling import WIDTH, Teller, table, wrapped
from interlock.pipeline_yaml import read_pipeline

AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def told(out):
    tell = Teller(out)
    tell.heading("Act 1")
    tell.say("nyc-departures " * 20)
    tell.detail(["why " * 60])
    tell.verdict(True, "all is well " * 20)
    return out.getvalue()


def test_lines_fit_a_terminal_and_keep_names_whole():
    lines = told(io.StringIO()).splitlines()

    assert max(map(len, lines)) <= WIDTH
    assert {word for line in lines for word in line.split() if "nyc" in word} == {"nyc-departures"}


def test_colour_is_for_terminals_only(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)

    assert "\033[" in told(Terminal())
    assert "\033[" not in told(io.StringIO())


def test_who_wants_no_colour_gets_none(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")

    assert "\033[" not in told(Terminal())


def test_a_line_too_long_goes_on_under_its_beginning():
    assert wrapped("   one two three", 9) == ["   one", "   two", "   three"]


def test_a_table_wraps_its_cells_and_parts_its_rows():
    assert table([["a", "b"], ["1", "two words"], ["3", "four"]], [1, 5]) == [
        "a  b",
        "-  -----",
        "1  two",
        "   words",
        "",
        "3  four",
    ]


def test_a_table_of_short_cells_has_no_gaps():
    assert table([["a"], ["1"], ["2"]], [1]) == ["a", "-", "1", "2"]


def an_act(*claims):
    return Act("Data is late", "the run waited", "9.0 s", claims)


def test_an_act_whose_claims_hold_is_told_as_it_happened():
    acts = [an_act(Claim("one start", True, "1"))]

    assert "the run waited" in "\n".join(act_lines(acts))
    assert broken_lines(acts) == []


def test_an_act_that_did_not_happen_says_what_was_seen_instead():
    acts = [an_act(), an_act(Claim("one start", True, "1"), Claim("it ended", False, "it runs"))]

    assert "NOT AS TOLD" in "\n".join(act_lines(acts))
    assert broken_lines(acts) == ["Act 2: expected that it ended; seen instead: it runs"]


def test_the_days_stand_side_by_side_hour_by_hour():
    rows = [{"airport": "JFK", "hour": "17", "departures": "4", "cancelled": "1"}]

    lines = cancellation_lines({"8 February": rows, "9 February": []})

    assert any(line.split() == ["JFK", "1", "of", "4", "(25%)"] for line in lines)
    assert any(line.split() == ["17", "#####", "1", "of", "4"] for line in lines)


def test_a_pipeline_is_told_as_what_opens_it_and_what_it_waits_for():
    pipeline = decode_pipeline(encode_pipeline(read_pipeline(PIPELINES[DEPARTURES], "file")))

    assert pipeline_lines([pipeline]) == [
        'nyc-departures: opened by day-closed.status == "closed"',
        "  waits up to 10m for flights.count >= 650, weather.hours >= 72",
    ]


def history(*events):
    for number, (kind, state) in enumerate(events):
        event = {"type": kind, "timestamp": AT + timedelta(seconds=number)}
        yield event | ({"stateEnteredEventDetails": {"name": state}} if state else {})


@pytest.mark.parametrize("scheduled", ["TaskScheduled", "LambdaFunctionScheduled"])
def test_a_history_gives_each_state_with_the_tries_of_its_task(scheduled):
    events = history(
        ("ExecutionStarted", None),
        ("TaskStateEntered", "StartJob"),
        (scheduled, None),
        ("TaskFailed", None),
        (scheduled, None),
        ("ChoiceStateEntered", "Judged"),
    )

    assert entered(list(events)) == [
        Transition("StartJob", AT + timedelta(seconds=1), 2),
        Transition("Judged", AT + timedelta(seconds=5), 0),
    ]


def test_transitions_are_told_with_the_time_in_each_state_and_its_tries():
    went = (Transition("StartJob", AT, 2), Transition("Judged", AT + timedelta(seconds=1.24), 0))
    record = Record(None, transitions=(*went, Transition("Succeeded", AT + timedelta(seconds=1.25), 0)))

    assert transition_lines({"nyc": record}) == [
        "nyc: 3 transitions, 0 attempts",
        "  StartJob 1.2 s (tried 2 times) > Judged > Succeeded",
    ]
