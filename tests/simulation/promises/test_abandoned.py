"""No job is left alone: a world is found sound as it was played, and broken once its job was not stopped."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.simulation.played import Played
from interlock.simulation.promises.abandoned import CHECKS
from tampered_world import a_played, a_write, broken


def never_ending(**job: Any) -> Played:
    config = {
        "schedule": {"trigger": {"key": "landed", "check": "exists"}},
        "job": {"type": "glue", "config": {"jobName": "x"}, "jobPollWindowSeconds": 600, **job},
    }
    return a_played(config, a_write("+1m"), jobs={"daily": [{"outcome": "never"}]})


@pytest.mark.parametrize("retries", [0, 1])
def test_a_job_that_is_neither_stopped_nor_told_of_is_found(retries: int) -> None:
    played, careless = (never_ending(maxRetries=retries) for _ in range(2))

    for job in careless.history.jobs:
        assert job.cancelled
        job.cancelled, job.ended_at = False, None

    assert broken(CHECKS, played) == set()
    assert broken(CHECKS, careless) == {"jobs-are-let-go-knowingly"}


def test_a_job_that_is_left_and_told_of_is_sound() -> None:
    played = never_ending(onTimeout="leave")

    assert [job.cancelled for job in played.history.jobs] == [False]
    assert broken(CHECKS, played) == set()


def test_a_job_whose_end_somebody_outside_has_reported_is_sound() -> None:
    config = {
        "schedule": {"trigger": {"key": "landed", "check": "exists"}},
        "job": {"type": "glue", "config": {"jobName": "x"}, "maxRetries": 0},
    }
    report = {"at": "+5m", "report": {"pipeline": "daily", "date": "2026-03-02", "event": "fail"}}

    played = a_played(config, a_write("+1m"), report, jobs={"daily": [{"outcome": "never"}]})

    assert broken(CHECKS, played) == set()
