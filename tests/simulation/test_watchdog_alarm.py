"""The alarm on the watchdog's silence goes off after five minutes without a tick that ended well, once for each silence."""

from __future__ import annotations

from datetime import timedelta

import pytest

from builders import at
from interlock.simulation.watchdog_alarm import WatchdogAlarm
from scenario_text import LANDED, instants, played

PAUSED, GOES_ON = "watchdog: {pause: true}", "watchdog: {pause: false}"


def entry(at: str, action: str) -> str:
    return f'{{at: "{at}", {action}}}'


def test_four_silent_minutes_are_no_alarm() -> None:
    world = played(entry("+10m", PAUSED), entry("+14m", GOES_ON), until="+1h")

    assert instants(world, "INFRA_ALARM") == []


def test_each_silence_is_an_alarm_of_its_own() -> None:
    world = played(entry("+10m", PAUSED), entry("+30m", GOES_ON), entry("+40m", PAUSED), LANDED, until="+1h")

    assert instants(world, "INFRA_ALARM") == ["900", "2700"]


def test_ticks_that_die_are_no_heartbeat() -> None:
    failing = "fault: {call: dynamodb.Query, times: 1000, error: crash}"

    world = played(entry("+10m", failing), until="+1h")

    assert instants(world, "INFRA_ALARM") == ["900"]


@pytest.mark.parametrize(("event", "alarms"), [({}, 0), ({"sweep": True}, 1)])
def test_a_page_of_the_sweep_is_no_heartbeat(event: dict[str, bool], alarms: int) -> None:
    start, published = at("2026-03-02T08:00"), list[object]()
    alarm = WatchdogAlarm(start, published.append)
    watchdog = alarm.hears(lambda _event, _now: {})

    watchdog(event, start + timedelta(minutes=3))
    alarm.minute_begins(start + timedelta(minutes=6))

    assert len(published) == alarms
