"""The state machine's file and the steps are two halves of one thing; here they are held together."""

from __future__ import annotations

import json
from typing import Any

import pytest

from interlock.functions.orchestrator import STEPS
from interlock.local.stack import ASL
from interlock.steps import task

STATES: dict[str, dict[str, Any]] = json.loads(ASL.read_text())["States"]
TASKS = {name: state for name, state in STATES.items() if state["Type"] == "Task"}


def test_task_states_are_the_steps() -> None:
    assert set(TASKS) == set(STEPS)


@pytest.mark.parametrize("name", TASKS)
def test_a_task_asks_for_the_step_of_its_own_name(name: str) -> None:
    assert TASKS[name]["Arguments"]["Payload"]["step"] == name


@pytest.mark.parametrize("name", TASKS)
def test_a_task_says_what_it_is_for_and_never_leaves_a_failure_unrecorded(name: str) -> None:
    state = TASKS[name]
    last = state["Catch"][-1]

    assert state["Comment"]
    assert state["Retry"]
    assert last["ErrorEquals"] == ["States.ALL"]
    assert last["Next"] == ("Failed" if name == "RecordFailure" else "RecordFailure")


def test_errors_matched_by_name_are_errors_that_steps_raise() -> None:
    ours = {
        error
        for state in TASKS.values()
        for rule in (*state["Retry"], *state["Catch"])
        for error in rule["ErrorEquals"]
        if not error.startswith(("States.", "Lambda."))
    }

    assert ours == {"RunOver", "NoLongerReady", "StartRefused"}
    assert all(issubclass(getattr(task, error), Exception) for error in ours)


def test_waiting_states_sleep_on_a_token_and_end_at_the_end_of_their_window() -> None:
    sleeping = {name for name, state in TASKS.items() if state["Resource"].endswith(".waitForTaskToken")}

    assert sleeping == {"EvaluateReadiness", "AwaitJob"}
    assert all("windowEndsAt" in STATES[name]["TimeoutSeconds"] for name in ["EvaluateReadiness"])
    assert all("jobEndsBy" in STATES[name]["TimeoutSeconds"] for name in ["AwaitJob"])
