"""Event types, how grave each is, and ids that a redelivery repeats."""

import pytest

from builders import OPENED_AT, at
from interlock.domain.event import EventType, event_id, severity_of

# The design's lists, spelled out once more.
CRITICAL = [
    EventType.SLA_BREACH,
    EventType.RELATIVE_SLA_BREACH,
    EventType.RETRY_EXHAUSTED,
    EventType.SCHEDULE_MISSED,
    EventType.IRREGULAR_SCHEDULE_MISSED,
    EventType.INFRA_FAILURE,
    EventType.SFN_TIMEOUT,
    EventType.POST_RUN_FAILED,
    EventType.WATCHDOG_DEGRADED,
    EventType.INFRA_ALARM,
]
WARNING = [
    EventType.SLA_WARNING,
    EventType.RELATIVE_SLA_WARNING,
    EventType.JOB_FAILED,
    EventType.JOB_TIMEOUT,
    EventType.JOB_POLL_EXHAUSTED,
    EventType.VALIDATION_EXHAUSTED,
    EventType.SENSOR_DEADLINE_EXPIRED,
    EventType.POST_RUN_DRIFT,
    EventType.POST_RUN_SENSOR_MISSING,
    EventType.BASELINE_CAPTURE_FAILED,
    EventType.LATE_DATA_ARRIVAL,
    EventType.RERUN_REJECTED,
    EventType.TRIGGER_RECOVERED,
    EventType.CONFIG_INVALID,
    EventType.SENSOR_INVALID,
]
INFO = [
    EventType.RUN_OPENED,
    EventType.VALIDATION_PASSED,
    EventType.JOB_TRIGGERED,
    EventType.JOB_COMPLETED,
    EventType.JOB_RETRIED,
    EventType.SLA_MET,
    EventType.RERUN_ACCEPTED,
    EventType.POST_RUN_BASELINE_CAPTURED,
    EventType.POST_RUN_PASSED,
    EventType.POST_RUN_DRIFT_INFLIGHT,
    EventType.PIPELINE_EXCLUDED,
    EventType.CONFIG_LOADED,
    EventType.DRY_RUN_WOULD_TRIGGER,
    EventType.DRY_RUN_LATE_DATA,
    EventType.DRY_RUN_SLA_PROJECTION,
    EventType.DRY_RUN_DRIFT,
    EventType.DRY_RUN_COMPLETED,
    EventType.DRY_RUN_WOULD_RERUN,
    EventType.DRY_RUN_RERUN_REJECTED,
    EventType.DRY_RUN_WOULD_RETRY,
    EventType.DRY_RUN_RETRY_EXHAUSTED,
]
# Not in the design's lists, which say nothing of concurrency limits: without it, nobody could tell a run that waits for
# a slot from one that is stuck.
BESIDE_THE_DESIGN = [EventType.SLOT_AWAITED]


@pytest.mark.parametrize(
    ("event_type", "severity"),
    [
        *((event_type, "critical") for event_type in CRITICAL),
        *((event_type, "warning") for event_type in WARNING),
        *((event_type, "info") for event_type in INFO + BESIDE_THE_DESIGN),
    ],
)
def test_an_event_is_as_grave_as_the_design_says(event_type, severity):
    assert severity_of(event_type) == severity


def test_there_are_no_events_beside_those_of_the_design_but_for_what_limits_tell():
    assert sorted(EventType) == sorted([*CRITICAL, *WARNING, *INFO, *BESIDE_THE_DESIGN])


ROW = ("PIPELINE#gold-revenue", "RUN#stream#2026-03-02", OPENED_AT, 3, 0)


def test_an_event_that_is_told_again_has_the_same_id():
    assert event_id(*ROW) == event_id(*ROW)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(("PIPELINE#silver", *ROW[1:]), id="another pipeline"),
        pytest.param((ROW[0], "RUN#stream#2026-03-03", *ROW[2:]), id="another date"),
        pytest.param((*ROW[:2], at("2026-03-02T08:00:00.001"), *ROW[3:]), id="a row made anew"),
        pytest.param((*ROW[:3], 4, 0), id="the next move"),
        pytest.param((*ROW[:4], 1), id="another event of the same move"),
        pytest.param((*ROW[:3], 30, 0), id="numbers that run together"),
        pytest.param(
            ("PIPELINE#gold-revenueRUN#", "stream#2026-03-02", *ROW[2:]), id="texts that run together"
        ),
    ],
)
def test_no_two_events_share_an_id(other):
    assert event_id(*other) != event_id(*ROW)
