"""What becomes of data: each world is found sound as it was played, and broken once something in it is missing."""

from __future__ import annotations

from typing import Any

from interlock.simulation.played import Played
from interlock.simulation.promises.data_noticed import CHECKS
from tampered_world import DAY, a_played, a_write, broken, forget, repeat, tells

COUNTED = {
    "schedule": {"trigger": {"key": "landed", "check": "exists"}},
    "validation": {"rules": [{"key": "rows", "check": "gte", "field": "count", "value": 10}]},
}
JOB = {"type": "glue", "config": {"jobName": "x"}, "maxDriftReruns": 0}
READY = (a_write("+1m"), a_write("+2m", "rows", count=10))
DRIFTED = {**COUNTED, "postRun": {"rules": [{"key": "audit", "check": "exists"}], "driftThreshold": 5}}
AUDITED = (a_write("+1m", "audit", count=100), *READY, a_write("+40m", "audit", count=106))


def late_data_without_budget() -> Played:
    return a_played(COUNTED | {"job": JOB}, *READY, a_write("+30m", "rows", count=12))


def test_late_data_is_told_once() -> None:
    played, forgetful, talkative = (late_data_without_budget() for _ in range(3))

    forget(forgetful, lambda change: tells(change, "LATE_DATA_ARRIVAL"))
    repeat(talkative, "LATE_DATA_ARRIVAL")

    assert broken(CHECKS, played) == set()
    assert broken(CHECKS, forgetful) == {"late-data-told"}
    assert "late-data-once" in broken(CHECKS, talkative)


def test_a_heartbeat_is_no_late_data() -> None:
    played = a_played(COUNTED | {"job": JOB}, *READY, a_write("+30m", "rows", count="10.0"))
    assert broken(CHECKS, played) == set()

    late = late_data_without_budget()
    for change in late.witness.changes:
        for event in (change.new or {}).get("events", ()):
            if event["type"] == "LATE_DATA_ARRIVAL":
                event["detail"]["value"] = "10.0"

    assert "no-heartbeat-is-late-data" in broken(CHECKS, late)


def test_drift_beyond_the_threshold_is_told() -> None:
    played, forgetful = (a_played(DRIFTED | {"job": JOB}, *AUDITED) for _ in range(2))

    forget(forgetful, lambda change: tells(change, "POST_RUN_DRIFT"))

    assert broken(CHECKS, played) == set()
    # Where no drift is, the rules are judged.
    assert broken(CHECKS, forgetful) == {"drift-told", "post-run-judged"}


def test_a_change_within_the_budget_is_followed_by_a_rerun() -> None:
    played = late_data_without_budget()
    allowing = a_played(COUNTED, *READY)
    config = next(change for change in allowing.witness.changes if change.key[1] == "CONFIG")

    changes = played.witness.changes
    changes[:] = [config if change.key[1] == "CONFIG" else change for change in changes]

    assert "reruns-follow" in broken(CHECKS, played)


def test_a_request_that_nobody_decided_is_found() -> None:
    asked = {"at": "+30m", "rerun": {"pipeline": "daily", "date": DAY, "force": True}}
    played, forgetful = (a_played(COUNTED, *READY, asked) for _ in range(2))

    forget(forgetful, lambda change: tells(change, "RERUN_ACCEPTED"))

    assert broken(CHECKS, played) == set()
    assert "requests-decided" in broken(CHECKS, forgetful)


def test_a_trigger_without_its_run_is_found() -> None:
    played = a_played(COUNTED, a_write("+1m"))
    assert broken(CHECKS, played) == set()

    forget(played, lambda change: change.key[1].startswith("RUN#"))

    assert broken(CHECKS, played) == {"triggers-open-runs"}


def test_a_key_that_ends_in_its_separator_meets_no_trigger() -> None:
    played = a_played(COUNTED, a_write("+1m", "landed#", date=None))

    assert broken(CHECKS, played) == set()


def test_an_expired_run_whose_rules_hold_is_found() -> None:
    played = a_played(COUNTED, a_write("+1m"), a_write("+2h", "rows", count=10))
    assert broken(CHECKS, played) == set()

    _stop_at(played, "EXPIRED")

    assert broken(CHECKS, played) == {"expired-runs-rest"}


def test_an_expired_run_keeps_its_reasons() -> None:
    played = a_played(COUNTED, a_write("+1m"))
    _stop_at(played, "EXPIRED")
    assert broken(CHECKS, played) == set()

    for change in played.witness.changes:
        for verdict in (change.new or {}).get("verdicts", ()):
            verdict["reason"] = ""

    assert broken(CHECKS, played) == {"never-vague"}


def _stop_at(played: Played, status: str) -> None:
    """Whatever became of the run after it first stood so never happened."""
    stood = next(change for change in played.witness.changes if _status(change.new) == status)
    played.witness.changes[:] = [
        change
        for change in played.witness.changes
        if change.order <= stood.order or not change.key[1].startswith("RUN#")
    ]


def _status(row: Any) -> str | None:
    return (row or {}).get("status")
