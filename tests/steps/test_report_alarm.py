"""An alarm that goes off is told once for each time it does, however often that is delivered."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from interlock.domain.alarm import Alarm
from interlock.steps.report_alarm import report_alarm
from world_builder import NOW, World

SILENT = Alarm("prod-interlock-watchdog-silent", NOW, "no datapoints", "the watchdog is silent", "OK")


def test_an_alarm_is_an_event_of_no_pipeline_that_says_what_is_wrong():
    world = World()

    report_alarm(SILENT, world.control)

    (event,) = world.events
    assert (event.type, event.pipeline_id, event.date, event.at) == ("INFRA_ALARM", None, None, NOW)
    assert event.message == "prod-interlock-watchdog-silent went off: the watchdog is silent"
    assert event.detail == {
        "alarmName": "prod-interlock-watchdog-silent",
        "reason": "no datapoints",
        "description": "the watchdog is silent",
        "previousState": "OK",
    }


def test_an_alarm_delivered_twice_is_told_once():
    world = World()

    report_alarm(SILENT, world.control)
    report_alarm(SILENT, world.control)

    assert world.told == ["INFRA_ALARM"]


def test_an_alarm_that_goes_off_again_is_told_again():
    world = World()

    report_alarm(SILENT, world.control)
    report_alarm(replace(SILENT, since=NOW + timedelta(hours=1)), world.control)

    assert world.told == ["INFRA_ALARM", "INFRA_ALARM"]


def test_two_alarms_at_one_instant_are_two_events():
    world = World()

    report_alarm(SILENT, world.control)
    report_alarm(replace(SILENT, name="prod-interlock-alerts-dead"), world.control)

    assert len({event.event_id for event in world.events}) == 2
