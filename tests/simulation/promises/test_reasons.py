"""What is said of rules: each world is found sound as it was played, and broken once a row says something else."""

from __future__ import annotations

from interlock.simulation.played import Played
from interlock.simulation.promises.reasons import CHECKS
from tampered_world import a_played, a_write, broken, tells

COUNTED = {
    "schedule": {"trigger": {"key": "landed", "check": "exists"}, "evaluation": {"window": "1h"}},
    "validation": {"rules": [{"key": "rows", "check": "gte", "field": "count", "value": 10}]},
}


def expired_after_a_second_look() -> Played:
    return a_played(
        COUNTED, a_write("+1m"), a_write("+10m", "rows", count=3), a_write("+20m", "rows", count=4)
    )


def test_since_when_a_rule_stands_is_not_forgotten() -> None:
    played, forgetful = (expired_after_a_second_look() for _ in range(2))

    for change in forgetful.witness.changes:
        if change.new is not None and (verdicts := change.new.get("verdicts")):
            verdicts[0]["since"] = change.at.isoformat()

    assert broken(CHECKS, played) == set()
    assert broken(CHECKS, forgetful) == {"since-when-stands"}


def test_an_expired_run_keeps_what_was_told_of_it() -> None:
    played = expired_after_a_second_look()

    told = next(change for change in played.witness.changes if tells(change, "VALIDATION_EXHAUSTED"))
    assert told.new is not None
    told.new["verdicts"][0]["reason"] = "rows.count is 3, wanted >= 10"

    assert broken(CHECKS, played) == {"expired-for-what-was-told"}


def test_a_run_that_waits_says_for_what() -> None:
    played, silent = (expired_after_a_second_look() for _ in range(2))

    for change in silent.witness.changes:
        for image in (change.old, change.new):
            if image is not None and image.get("status") == "WAITING":
                image.pop("verdicts", None)

    assert broken(CHECKS, played) == set()
    assert broken(CHECKS, silent) == {"reasons-while-it-waits"}
