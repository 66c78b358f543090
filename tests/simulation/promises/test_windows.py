"""Windows last as long as promised: a world is found sound as it was played, and broken once one is shorter or longer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from interlock.simulation.played import Played
from interlock.simulation.promises.runs import CHECKS as RUNS
from interlock.simulation.promises.windows import CHECKS
from interlock.simulation.witness import Change
from tampered_world import a_played, a_write, broken

LATE = "2026-03-02T15:00:00.000Z"


def failed_once() -> Played:
    config = {
        "schedule": {"trigger": {"key": "landed", "check": "exists"}, "evaluation": {"window": "10m"}},
        "job": {"type": "glue", "config": {"jobName": "x"}, "maxRetries": 1, "retryBackoff": "5m"},
    }
    plays = [{"outcome": "fail", "after": "3m"}, {"outcome": "succeed", "after": "3m"}]
    return a_played(config, a_write("+1m"), jobs={"daily": plays})


def never_over() -> Played:
    config = {
        "schedule": {"trigger": {"key": "landed", "check": "exists"}, "evaluation": {"window": "10m"}},
        "validation": {"rules": [{"key": "rows", "check": "exists"}]},
        "job": {"type": "glue", "config": {"jobName": "x"}, "maxRetries": 0, "jobPollWindowSeconds": 600},
    }
    return a_played(config, a_write("+1m"), a_write("+30m", "rows"), jobs={"daily": [{"outcome": "never"}]})


def runs_of(played: Played) -> Iterator[tuple[int, Change, dict[str, Any]]]:
    for place, change in enumerate(played.witness.changes):
        if change.key[1].startswith("RUN#") and change.new:
            yield place, change, dict(change.new)


def say(played: Played, attribute: str, value: Any, where: Callable[[dict[str, Any]], bool]) -> None:
    """Each row of the run for which it is so says this instead; there is at least one."""
    found = [(place, change, row) for place, change, row in runs_of(played) if where(row)]
    assert found
    for place, change, row in found:
        played.witness.changes[place] = replace(change, new=row | {attribute: value})


@pytest.mark.parametrize("a_world", [failed_once, never_over])
def test_windows_that_are_kept_are_sound(a_world: Callable[[], Played]) -> None:
    assert broken((*CHECKS, *RUNS), a_world()) == set()


@pytest.mark.parametrize(
    ("attribute", "where"),
    [
        ("windowEndsAt", lambda row: row["attempt"] == 1),
        ("windowEndsAt", lambda row: row["attempt"] == 2),
        ("windowEndsAt", lambda row: "taskToken" in row),
        ("jobEndsBy", lambda row: row["status"] == "RUNNING"),
    ],
)
def test_a_window_of_another_length_is_found(attribute: str, where: Callable[[dict[str, Any]], bool]) -> None:
    played = failed_once()

    say(played, attribute, LATE, where)

    assert broken(CHECKS, played) == {"windows-last"}


@pytest.mark.parametrize(("attribute", "status"), [("windowEndsAt", "WAITING"), ("jobEndsBy", "RUNNING")])
def test_who_is_told_too_early_that_time_is_up_is_found(attribute: str, status: str) -> None:
    played = never_over()

    say(played, attribute, LATE, lambda row: row["status"] == status)

    assert "nothing-over-before-its-window" in broken(CHECKS, played)


def test_an_end_that_is_replaced_by_another_is_found() -> None:
    report = {"pipeline": "daily", "date": "2026-03-02", "event": "success"}
    config = {"schedule": {"trigger": {"key": "landed", "check": "exists"}}}
    played = a_played(config, a_write("+1m"), {"at": "+5m", "report": report})
    assert broken(RUNS, played) == set()

    place, change, row = next(each for each in runs_of(played) if "outcome" in each[2])
    other = row | {"outcome": row["outcome"] | {"error": "of another report"}}
    again = replace(change, order=change.order, old=row, new=other)
    played.witness.changes.insert(place + 1, again)

    assert "ends-stand" in broken(RUNS, played)
