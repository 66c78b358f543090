"""A retry waits: a world is found sound as it was played, and broken once an attempt starts too early."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from interlock.simulation.played import Played
from interlock.simulation.promises.back_off import CHECKS
from tampered_world import a_played, a_write, broken


def failed_twice() -> Played:
    config = {
        "schedule": {"trigger": {"key": "landed", "check": "exists"}},
        "job": {"type": "glue", "config": {"jobName": "x"}, "maxRetries": 2, "retryBackoff": "5m"},
    }
    fails = {"outcome": "fail", "after": "3m"}
    return a_played(config, a_write("+1m"), jobs={"daily": [fails, fails, {"outcome": "succeed"}]})


def test_retries_that_wait_are_sound() -> None:
    played = failed_twice()

    assert len(played.witness.starts) == 3
    assert broken(CHECKS, played) == set()


@pytest.mark.parametrize(("attempt", "minutes"), [(2, 1), (3, 1), (3, 5)])
def test_a_retry_that_starts_too_early_is_found(attempt: int, minutes: int) -> None:
    played = failed_twice()

    starts = played.witness.starts
    starts[attempt - 1] = replace(starts[attempt - 1], at=starts[attempt - 1].at - timedelta(minutes=minutes))

    assert broken(CHECKS, played) == {"retries-wait"}
