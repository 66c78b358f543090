"""What we say: the event types, how grave each is, and the announcement that rides on a row until it is published."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How grave an event is; warnings and worse reach the alert channel."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class EventType(StrEnum):
    """Every event this version publishes."""

    RUN_OPENED = "RUN_OPENED"
    VALIDATION_PASSED = "VALIDATION_PASSED"
    VALIDATION_EXHAUSTED = "VALIDATION_EXHAUSTED"
    SLOT_AWAITED = "SLOT_AWAITED"
    JOB_TRIGGERED = "JOB_TRIGGERED"
    JOB_COMPLETED = "JOB_COMPLETED"
    JOB_FAILED = "JOB_FAILED"
    JOB_TIMEOUT = "JOB_TIMEOUT"
    JOB_POLL_EXHAUSTED = "JOB_POLL_EXHAUSTED"
    JOB_RETRIED = "JOB_RETRIED"
    RETRY_EXHAUSTED = "RETRY_EXHAUSTED"
    INFRA_FAILURE = "INFRA_FAILURE"
    SFN_TIMEOUT = "SFN_TIMEOUT"
    SLA_WARNING = "SLA_WARNING"
    SLA_BREACH = "SLA_BREACH"
    SLA_MET = "SLA_MET"
    RELATIVE_SLA_WARNING = "RELATIVE_SLA_WARNING"
    RELATIVE_SLA_BREACH = "RELATIVE_SLA_BREACH"
    LATE_DATA_ARRIVAL = "LATE_DATA_ARRIVAL"
    RERUN_ACCEPTED = "RERUN_ACCEPTED"
    RERUN_REJECTED = "RERUN_REJECTED"
    POST_RUN_BASELINE_CAPTURED = "POST_RUN_BASELINE_CAPTURED"
    BASELINE_CAPTURE_FAILED = "BASELINE_CAPTURE_FAILED"
    POST_RUN_PASSED = "POST_RUN_PASSED"
    POST_RUN_FAILED = "POST_RUN_FAILED"
    POST_RUN_DRIFT = "POST_RUN_DRIFT"
    POST_RUN_DRIFT_INFLIGHT = "POST_RUN_DRIFT_INFLIGHT"
    POST_RUN_SENSOR_MISSING = "POST_RUN_SENSOR_MISSING"
    SCHEDULE_MISSED = "SCHEDULE_MISSED"
    IRREGULAR_SCHEDULE_MISSED = "IRREGULAR_SCHEDULE_MISSED"
    SENSOR_DEADLINE_EXPIRED = "SENSOR_DEADLINE_EXPIRED"
    TRIGGER_RECOVERED = "TRIGGER_RECOVERED"
    PIPELINE_EXCLUDED = "PIPELINE_EXCLUDED"
    WATCHDOG_DEGRADED = "WATCHDOG_DEGRADED"
    CONFIG_INVALID = "CONFIG_INVALID"
    CONFIG_LOADED = "CONFIG_LOADED"
    SENSOR_INVALID = "SENSOR_INVALID"
    DRY_RUN_WOULD_TRIGGER = "DRY_RUN_WOULD_TRIGGER"
    DRY_RUN_LATE_DATA = "DRY_RUN_LATE_DATA"
    DRY_RUN_SLA_PROJECTION = "DRY_RUN_SLA_PROJECTION"
    DRY_RUN_DRIFT = "DRY_RUN_DRIFT"
    DRY_RUN_COMPLETED = "DRY_RUN_COMPLETED"
    DRY_RUN_WOULD_RERUN = "DRY_RUN_WOULD_RERUN"
    DRY_RUN_RERUN_REJECTED = "DRY_RUN_RERUN_REJECTED"
    DRY_RUN_WOULD_RETRY = "DRY_RUN_WOULD_RETRY"
    DRY_RUN_RETRY_EXHAUSTED = "DRY_RUN_RETRY_EXHAUSTED"
    INFRA_ALARM = "INFRA_ALARM"


_CRITICAL = frozenset(
    {
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
    }
)
_WARNING = frozenset(
    {
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
    }
)


def severity_of(event_type: EventType) -> Severity:
    """How grave every event of this type is."""
    if event_type in _CRITICAL:
        return Severity.CRITICAL
    return Severity.WARNING if event_type in _WARNING else Severity.INFO


@dataclass(frozen=True, slots=True)
class Announcement:
    """One event as it rides on the row whose change it tells of (the row is the outbox)."""

    type: EventType
    message: str
    at: datetime  # the instant of the state change
    attempt: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """One event as the bus carries it."""

    event_id: str
    type: EventType
    pipeline_id: str | None  # None: a config file that names no pipeline
    schedule_id: str | None
    date: str | None
    attempt: int | None
    message: str
    at: datetime
    severity: Severity
    detail: Mapping[str, Any]


def event_id(partition_key: str, sort_key: str, created_at: datetime, version: int, index: int) -> str:
    """Made from the row, its creation, its version and the place among its events: a redelivery repeats the id."""
    text = "\0".join((partition_key, sort_key, created_at.isoformat(), str(version), str(index)))
    return hashlib.sha256(text.encode()).hexdigest()[:32]
