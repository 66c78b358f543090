"""What the ledger promises: each world is found sound as it was played, and broken once something in it is missing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from interlock.simulation.played import Played
from interlock.simulation.promises.ledger import CHECKS
from tampered_world import DAY, a_played, a_write, broken, forget, repeat, tells

MISSED = {"at": "+0s", "scheduler": {"pause": True}}
SILENT = ({"at": "+0s", "watchdog": {"pause": True}}, {"at": "+3h", "watchdog": {"pause": False}})
TRIGGER = {"trigger": {"key": "landed", "check": "exists"}}


def a_missed_fire() -> Played:
    config = {"schedule": {"cron": "0 9 * * *", "evaluation": {"window": "1h"}}}
    return a_played(config, MISSED, *SILENT, {"at": "+3h", "scheduler": {"pause": False}})


def a_closed_door() -> Played:
    return a_played({"schedule": {"trigger": {**TRIGGER["trigger"], "deadline": "09:00"}}}, until="+30h")


def an_included_date() -> Played:
    return a_played({"schedule": {**TRIGGER, "include": {"dates": [DAY]}, "time": "10:00"}})


def a_breach() -> Played:
    return a_played(
        {"schedule": TRIGGER, "sla": {"deadline": "09:00", "expectedDuration": "30m"}}, until="+30h"
    )


def a_met_sla() -> Played:
    return a_played({"schedule": TRIGGER, "sla": {"deadline": "09:00"}}, a_write("+1h"), until="+30h")


def a_relative_breach() -> Played:
    rules = {"rules": [{"key": "count", "check": "exists"}]}
    config = {"schedule": TRIGGER, "validation": rules, "sla": {"maxDuration": "2h"}}
    return a_played(config, a_write("+1h"))


def a_missing_sensor() -> Played:
    post_run = {"rules": [{"key": "audit", "check": "exists"}], "sensorTimeout": "30m"}
    return a_played({"schedule": TRIGGER, "postRun": post_run}, a_write("+1h"))


WORLDS = [
    pytest.param(a_missed_fire, "SCHEDULE_MISSED", "kept-or-told", "told-once", id="a missed fire"),
    pytest.param(a_closed_door, "SENSOR_DEADLINE_EXPIRED", "kept-or-told", "told-once", id="a closed door"),
    pytest.param(
        an_included_date, "IRREGULAR_SCHEDULE_MISSED", "kept-or-told", "told-once", id="an included date"
    ),
    pytest.param(a_breach, "SLA_BREACH", "one-verdict", "one-verdict", id="a breach"),
    pytest.param(a_breach, "SLA_WARNING", "warned-before", "one-verdict", id="a warning"),
    pytest.param(a_met_sla, "SLA_MET", "one-verdict", "one-verdict", id="an SLA that is met"),
    pytest.param(
        a_relative_breach, "RELATIVE_SLA_BREACH", "one-verdict", "one-verdict", id="a relative breach"
    ),
    pytest.param(
        a_missing_sensor,
        "POST_RUN_SENSOR_MISSING",
        "post-run-sensors-missed",
        "told-once",
        id="a missing sensor",
    ),
]


@pytest.mark.parametrize(("world", "told", "untold", "twice"), WORLDS)
def test_what_was_not_kept_is_told_exactly_once(world: Any, told: str, untold: str, twice: str) -> None:
    played, forgetful, talkative = world(), world(), world()

    forget(forgetful, lambda change: tells(change, told))
    repeat(talkative, told)

    assert broken(CHECKS, played) == set()
    assert untold in broken(CHECKS, forgetful)
    assert twice in broken(CHECKS, talkative)


def test_a_fire_that_opened_its_run_is_not_missed() -> None:
    played = a_missed_fire()
    opened = a_played({"schedule": {"cron": "0 9 * * *", "evaluation": {"window": "1h"}}})
    runs = [change for change in opened.witness.changes if change.key[1].startswith("RUN#")]

    played.witness.changes[:0] = [replace(runs[0], order=0)]

    assert "told-only-if-missed" in broken(CHECKS, played)


def test_a_fire_of_which_nobody_knows_is_found() -> None:
    played = a_played({"schedule": {"cron": "0 * * * *"}}, until="+2h")
    assert broken(CHECKS, played) == set()

    forget(played, lambda change: change.key[1].startswith("RUN#cron#2026-03-02T09"))

    assert broken(CHECKS, played) == {"kept-or-told", "fires-open-their-runs"}


def test_a_row_that_is_overdue_at_the_end_is_left_open() -> None:
    played = a_missed_fire()
    rows: Any = played.rest.tables["control"]
    key = next(key for key, row in rows.items() if key[1].startswith("DUE#fire") and "dueShard" in row)

    rows[key] = {**rows[key], "dueAt": rows[key]["dueAt"] - 26 * 3600 * 1000}

    assert broken(CHECKS, played) == {"nothing-left-open"}


def test_a_ledger_without_a_row_ahead_has_come_to_a_stop() -> None:
    played = a_missed_fire()
    rows: Any = played.rest.tables["control"]

    for key in [key for key in rows if key[1].startswith("DUE#fire")]:
        del rows[key]

    assert broken(CHECKS, played) == {"ledger-goes-on"}
