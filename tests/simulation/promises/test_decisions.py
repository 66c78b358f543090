"""Requests are decided rightly: a world is found sound as it was played, and broken once a decision has no reason."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from interlock.simulation.played import Played
from interlock.simulation.promises.data_noticed import CHECKS
from tampered_world import DAY, a_played, a_write, broken, tells

COUNTED = {
    "schedule": {"trigger": {"key": "landed", "check": "exists"}},
    "validation": {"rules": [{"key": "rows", "check": "gte", "field": "count", "value": 10}]},
}
READY = (a_write("+1m"), a_write("+2m", "rows", count=10))
RIGHTLY = "decided-rightly"


def asked(at: str = "+30m", **more: Any) -> dict[str, Any]:
    return {"at": at, "rerun": {"pipeline": "daily", "date": DAY, **more}}


def say(played: Played, event_type: str, **said: Any) -> None:
    """The announcement of the decision says this instead."""
    for place, change in enumerate(played.witness.changes):
        if tells(change, event_type) and change.new is not None:
            events = [
                event
                | {
                    "type": said.get("type", event["type"]),
                    "detail": event["detail"] | said.get("detail", {}),
                }
                if event["type"] == event_type
                else event
                for event in change.new["events"]
            ]
            played.witness.changes[place] = replace(change, new=change.new | {"events": events})


def test_a_request_without_news_is_refused_unless_it_is_forced() -> None:
    refused, forgetful = (a_played(COUNTED, *READY, asked()) for _ in range(2))

    say(forgetful, "RERUN_REJECTED", detail={"force": True})

    assert broken(CHECKS, refused) == set()
    assert broken(CHECKS, forgetful) == {RIGHTLY}


def test_a_forced_request_is_accepted_and_one_that_is_not_needs_news() -> None:
    accepted, careless = (a_played(COUNTED, *READY, asked(force=True)) for _ in range(2))

    say(careless, "RERUN_ACCEPTED", detail={"force": False})

    assert broken(CHECKS, accepted) == set()
    assert broken(CHECKS, careless) == {RIGHTLY}


def test_a_date_that_never_ran_is_accepted() -> None:
    accepted, refused = (a_played(COUNTED, asked(force=True)) for _ in range(2))

    say(refused, "RERUN_ACCEPTED", type="RERUN_REJECTED")

    assert broken(CHECKS, accepted) == set()
    assert broken(CHECKS, refused) == {RIGHTLY}


def test_a_date_that_is_excluded_is_refused() -> None:
    schedule = COUNTED["schedule"] | {"exclude": {"dates": [DAY]}}  # type: ignore[operator]
    refused, careless = (a_played(COUNTED | {"schedule": schedule}, asked(force=True)) for _ in range(2))

    say(careless, "RERUN_REJECTED", type="RERUN_ACCEPTED")

    assert broken(CHECKS, refused) == set()
    assert RIGHTLY in broken(CHECKS, careless)


def test_a_request_after_news_of_a_sensor_is_accepted() -> None:
    news = a_write("+20m", "rows", count=10, updatedAt=f"{DAY}T08:20:00Z")
    accepted, refused = (a_played(COUNTED, *READY, news, asked()) for _ in range(2))

    say(refused, "RERUN_ACCEPTED", type="RERUN_REJECTED")

    assert broken(CHECKS, accepted) == set()
    assert RIGHTLY in broken(CHECKS, refused)
