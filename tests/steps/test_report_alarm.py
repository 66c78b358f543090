"""The router puts an alarm on our bus as it was read: what else keeps it and tells of it has the same event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from event_builder import an_event
from interlock.domain.event import Event, EventType
from interlock.steps.report_alarm import report_alarm

SILENT = an_event(
    EventType.INFRA_ALARM,
    pipeline_id=None,
    detail={"alarmName": "prod-interlock-watchdog-silent", "reason": "no datapoints"},
)


@dataclass
class Bus:
    carried: list[Event] = field(default_factory=list)

    def publish(self, events: Sequence[Event]) -> None:
        self.carried += events


def test_an_alarm_goes_onto_our_bus_with_the_id_it_has_everywhere():
    bus = Bus()

    report_alarm(SILENT, bus)

    assert bus.carried == [SILENT]
