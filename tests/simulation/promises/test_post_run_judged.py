"""The postRun rules are judged: a world is found sound as it was played, and broken once a verdict is missing or repeated."""

from __future__ import annotations

import pytest

from interlock.simulation.played import Played
from interlock.simulation.promises.data_noticed import CHECKS
from tampered_world import a_played, a_write, broken, forget, repeat, tells

AUDITED = {
    "schedule": {"trigger": {"key": "landed", "check": "exists"}},
    "postRun": {"rules": [{"key": "audit", "check": "equals", "field": "ok", "value": True}]},
}


def judged(*oks: bool) -> Played:
    writes = (a_write(f"+{30 + number}m", "audit", ok=ok) for number, ok in enumerate(oks))
    return a_played(AUDITED, a_write("+1m"), *writes)


@pytest.mark.parametrize(("ok", "verdict"), [(True, "POST_RUN_PASSED"), (False, "POST_RUN_FAILED")])
def test_a_verdict_that_nobody_gives_is_found(ok: bool, verdict: str) -> None:
    played, forgetful = (judged(ok) for _ in range(2))

    forget(forgetful, lambda change: tells(change, verdict))

    assert broken(CHECKS, played) == set()
    assert "post-run-judged" in broken(CHECKS, forgetful)


def test_a_verdict_that_is_given_again_is_found() -> None:
    played, talkative = (judged(False, True, True) for _ in range(2))

    repeat(talkative, "POST_RUN_PASSED")

    assert broken(CHECKS, played) == set()
    assert "post-run-judged" in broken(CHECKS, talkative)


def test_drift_in_flight_that_is_told_again_is_found() -> None:
    config = AUDITED | {"validation": {"rules": [{"key": "audit", "check": "exists", "field": "count"}]}}
    writes = (a_write("+0m", "audit", count=10), a_write("+1m"), a_write("+3m", "audit", count=20))
    played, talkative = (a_played(config, *writes) for _ in range(2))

    repeat(talkative, "POST_RUN_DRIFT_INFLIGHT")

    assert "drift-in-flight" not in broken(CHECKS, played)
    assert "drift-in-flight" in broken(CHECKS, talkative)
