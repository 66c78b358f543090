"""EventBridge Scheduler on the embedded stack: when a schedule fires, in its own zone, and with what input.

Runs inside the emulator's process; `emulator_patches` puts these in place of ministack's own, which read
every expression in UTC, accept broken ones and never fire a one-shot that was made anew.
"""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from interlock.local.emulator_deliveries import may_fire

scheduler: Any = import_module("ministack.services.scheduler")
events: Any = import_module("ministack.services.eventbridge")
responses: Any = import_module("ministack.core.responses")

log = logging.getLogger("interlock.emulator")

JsonObject = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]

_create = scheduler._create_schedule
_update = scheduler._update_schedule

LONGEST_NAME = 64
RATE = re.compile(r"rate\(([1-9]\d*) (minute|hour|day)s?\)")
AT = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")


class BadSchedule(ValueError):
    """What a schedule says cannot be understood."""


@dataclass(frozen=True)
class Expression:
    """A schedule's `at`, `rate` or `cron`, which tells its next fire. Exactly one of the three is set."""

    zone: ZoneInfo
    at: datetime | None = None  # wall clock
    rate: timedelta | None = None
    cron: Any = None  # as ministack parses it

    def next_fire(self, after: datetime, anchor: datetime) -> datetime | None:
        """First instant after `after`; `anchor` is the start of a rate, and its first fire."""
        if self.at is not None:
            instant = self.at.replace(tzinfo=self.zone).astimezone(UTC)
            return instant if instant > after else None
        if self.rate is not None:
            intervals = max(0, (after - anchor) // self.rate + 1)
            return anchor + intervals * self.rate
        return self._next_cron_fire(after)

    def _next_cron_fire(self, after: datetime) -> datetime | None:
        # Cron reads the wall clock: a local time that the spring skips does not fire, one that the autumn
        # repeats fires once. https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
        wall = after.astimezone(self.zone).replace(tzinfo=UTC)
        while (found := events._cron_next_fire(self.cron, wall)) is not None:
            wall = found
            instant: datetime = wall.replace(tzinfo=self.zone).astimezone(UTC)
            exists = instant.astimezone(self.zone).replace(tzinfo=UTC) == wall
            if exists and instant > after:
                return instant
        return None


def parse_expression(text: str, zone_name: str) -> Expression:
    """Raises BadSchedule for what EventBridge Scheduler refuses."""
    try:
        zone = ZoneInfo(zone_name)
    except (ZoneInfoNotFoundError, OSError, ValueError) as error:
        raise BadSchedule(f"Provided time zone {zone_name} is not supported.") from error
    if found := RATE.fullmatch(text):
        return Expression(zone, rate=timedelta(**{f"{found[2]}s": int(found[1])}))
    if found := AT.fullmatch(text):
        try:
            return Expression(zone, at=datetime.fromisoformat(found[1]))
        except ValueError as error:
            raise BadSchedule(f"Invalid Schedule Expression {text}.") from error
    cron = events._parse_cron_fields(text)
    if cron is None or not is_in_range(cron):
        raise BadSchedule(f"Invalid Schedule Expression {text}.")
    return Expression(zone, cron=cron)


def is_in_range(cron: Any) -> bool:
    """ministack takes minute 60 and month 13, which would never come."""
    minutes, hours, days, months, weekdays, *_ = cron
    bounds = (
        (minutes, 0, 59),
        (hours, 0, 23),
        (days["days"], 1, 31),
        (months, 1, 12),
        (weekdays["days"], 1, 7),
    )
    return all(low <= number <= high for numbers, low, high in bounds for number in numbers)


def create_schedule(name: str, body: JsonObject) -> Response:
    return checked(_create, name, body)


def update_schedule(name: str, body: JsonObject) -> Response:
    return checked(_update, name, body)


def checked(store: Callable[[str, JsonObject], Response], name: str, body: JsonObject) -> Response:
    """Refuse a name or an expression that AWS refuses; else store it."""
    try:
        if len(name) > LONGEST_NAME:
            raise BadSchedule("Value at 'name' failed to satisfy constraint: Member must have length <= 64")
        parse_expression(
            body.get("ScheduleExpression", ""),
            body.get("ScheduleExpressionTimezone", "UTC"),
        )
    except BadSchedule as error:
        refusal: Response = scheduler._error(400, "ValidationException", str(error))
        return refusal
    return store(name, body)


@dataclass
class Clockwork:
    """When one stored schedule fires next. A schedule that is updated or made anew is another record."""

    record: JsonObject
    expression: Expression
    due: datetime | None

    @staticmethod
    def of(record: JsonObject, now: datetime) -> Clockwork:
        zone = record["ScheduleExpressionTimezone"]
        expression = parse_expression(record["ScheduleExpression"], zone)
        anchor = start_of(record)
        # A one-shot whose time has passed fires at once, as does a rate at its start. A recurring one that
        # was restored from disk does not make up for what it missed.
        recurring = max(anchor - timedelta(microseconds=1), now - timedelta(minutes=1))
        after = datetime.min.replace(tzinfo=UTC) if expression.at else recurring
        return Clockwork(record, expression, expression.next_fire(after, anchor))


_clockworks: dict[tuple[str, str, str], Clockwork] = {}  # by account, region and name


def tick() -> None:
    """Fire what is due, once, however long ago it fell due."""
    now = datetime.fromtimestamp(time.time(), UTC)
    for key, record in list(scheduler._schedules._data.items()):
        clockwork = _clockworks.get(key)
        if clockwork is None or clockwork.record is not record:
            clockwork = _clockworks[key] = Clockwork.of(record, now)
        due = clockwork.due
        if due is None or due > now or record["State"] != "ENABLED" or now < start_of(record):
            continue
        clockwork.due = clockwork.expression.next_fire(now, start_of(record))
        ends = scheduler._to_epoch(record.get("EndDate"))
        if ends is None or due.timestamp() <= ends:
            fire(key, record, due)
        over = clockwork.due is None or (ends is not None and clockwork.due.timestamp() > ends)
        if over and record["ActionAfterCompletion"] == "DELETE":
            scheduler._schedules._data.pop(key, None)
    for key in _clockworks.keys() - scheduler._schedules._data.keys():
        del _clockworks[key]


def start_of(record: JsonObject) -> datetime:
    start = scheduler._to_epoch(record.get("StartDate")) or record["CreationDate"]
    return datetime.fromtimestamp(start, UTC)


def fire(key: tuple[str, str, str], record: JsonObject, due: datetime) -> None:
    """Send the schedule's event to its target, as its own account and region."""
    account, region, name = key
    responses.set_request_account_id(account)
    responses.set_request_region(region)
    target = record["Target"]
    if "Input" in target:
        target = target | {"Input": fill_in(target["Input"], record["Arn"], due)}
    event = {
        "EventId": str(uuid.uuid4()),
        "Source": "aws.scheduler",
        "DetailType": "Scheduled Event",
        "Detail": "{}",
        "Time": int(due.timestamp()),
        "Resources": [record["Arn"]],
        "Account": account,
        "Region": region,
    }
    log.info("schedule %s fires", name)
    if may_fire(record):
        events._invoke_target(target, event, record)


def fill_in(text: str, arn: str, due: datetime) -> str:
    """Replace the keywords a target's input may hold.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
    """
    values = {
        "schedule-arn": arn,
        "scheduled-time": due.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "execution-id": uuid.uuid4().hex[:16],
        "attempt-number": "1",
    }
    for keyword, value in values.items():
        text = text.replace(f"<aws.scheduler.{keyword}>", value)
    return text
