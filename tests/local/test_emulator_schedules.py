"""Schedules on the emulator fire when EventBridge Scheduler's would, with the input it would send."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from botocore.exceptions import ClientError

from interlock.local.emulator import Emulator
from interlock.local.emulator_schedules import BadSchedule, parse_expression
from local.emulator_kit import ROLE, eventually, make_queue, messages, unique

ANCHOR = datetime(2026, 1, 1, 0, 0, 30, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "zone", "after", "fires"),
    [
        pytest.param("cron(0 6 * * ? *)", "UTC", "2026-03-01T06:00", "2026-03-02T06:00", id="daily"),
        pytest.param(
            "cron(0 6 * * ? *)", "Europe/Berlin", "2026-01-01T00:00", "2026-01-01T05:00", id="winter"
        ),
        pytest.param(
            "cron(0 6 * * ? *)", "Europe/Berlin", "2026-07-01T00:00", "2026-07-01T04:00", id="summer"
        ),
        pytest.param("cron(*/15 * * * ? *)", "UTC", "2026-03-01T06:01", "2026-03-01T06:15", id="quarters"),
        pytest.param("cron(0 8 ? * MON-FRI *)", "UTC", "2026-03-06T08:00", "2026-03-09T08:00", id="weekdays"),
        pytest.param("cron(0 0 L * ? *)", "UTC", "2026-02-01T00:00", "2026-02-28T00:00", id="last day"),
        pytest.param(
            "cron(30 2 * * ? *)",
            "America/New_York",
            "2026-03-08T00:00",  # 19:00 the day before; 02:30 does not exist on 8 March
            "2026-03-09T06:30",
            id="a local time that is skipped does not fire",
        ),
        pytest.param(
            "cron(30 1 * * ? *)",
            "America/New_York",
            "2026-11-01T05:30",  # 01:30 in summer time, the first of two
            "2026-11-02T06:30",
            id="a local time that comes twice fires once",
        ),
        pytest.param("cron(0 0 1 1 ? 2020)", "UTC", "2026-01-01T00:00", None, id="a year that has passed"),
        pytest.param("at(2026-03-01T09:00:00)", "UTC", "2026-03-01T08:59", "2026-03-01T09:00", id="one-shot"),
        pytest.param("at(2026-03-01T09:00:00)", "UTC", "2026-03-01T09:00", None, id="fired already"),
        pytest.param(
            "at(2026-03-01T09:00:00)",
            "Asia/Tokyo",
            "2026-01-01T00:00",
            "2026-03-01T00:00",
            id="one-shot abroad",
        ),
        pytest.param("rate(1 minute)", "UTC", "2026-01-01T00:01:30", "2026-01-01T00:02:30", id="rate"),
        pytest.param(
            "rate(2 hours)", "UTC", "2025-12-31T00:00", "2026-01-01T00:00:30", id="rate at its start"
        ),
    ],
)
def test_the_next_fire(expression: str, zone: str, after: str, fires: str | None) -> None:
    found = parse_expression(expression, zone).next_fire(at(after), ANCHOR)

    assert found == (at(fires) if fires else None)


@pytest.mark.parametrize(
    ("expression", "zone"),
    [
        ("cron(0 6 * * *)", "UTC"),
        ("cron(0 6 * * MON *)", "UTC"),
        ("cron(60 6 * * ? *)", "UTC"),
        ("at(tomorrow)", "UTC"),
        ("at(2026-02-30T00:00:00)", "UTC"),
        ("rate(0 minutes)", "UTC"),
        ("every day", "UTC"),
        ("", "UTC"),
        ("cron(0 6 * * ? *)", "Europe/Berlim"),
        ("cron(0 6 * * ? *)", ""),
    ],
)
def test_what_a_schedule_may_not_say(expression: str, zone: str) -> None:
    with pytest.raises(BadSchedule):
        parse_expression(expression, zone)


def create(emulator: Emulator, queue: str, name: str, **fields: Any) -> None:
    target = {"Arn": queue, "RoleArn": ROLE, "Input": fields.pop("Input", "{}")}
    emulator.client("scheduler").create_schedule(
        Name=name, FlexibleTimeWindow={"Mode": "OFF"}, Target=target, **fields
    )


def soon(zone: str = "UTC") -> str:
    """`at(...)` the next full second there."""
    moment = datetime.fromtimestamp(time.time(), ZoneInfo(zone)) + timedelta(seconds=1)
    return f"at({moment:%Y-%m-%dT%H:%M:%S})"


@pytest.mark.embedded
def test_a_one_shot_fires_in_its_zone_with_its_keywords_filled_in_and_is_deleted(emulator: Emulator) -> None:
    url, arn = make_queue(emulator)
    name, expression = unique("deadline"), soon("Asia/Kolkata")

    create(
        emulator,
        arn,
        name,
        ScheduleExpression=expression,
        ScheduleExpressionTimezone="Asia/Kolkata",
        ActionAfterCompletion="DELETE",
        Input='{"due": "<aws.scheduler.scheduled-time>", "by": "<aws.scheduler.schedule-arn>"}',
    )

    seen = eventually(lambda: messages(emulator, url), seconds=4)[0]
    wall = datetime.fromisoformat(expression[3:-1]).replace(tzinfo=ZoneInfo("Asia/Kolkata"))
    assert seen["due"] == f"{wall.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    assert seen["by"].endswith(f":schedule/default/{name}")
    with pytest.raises(emulator.client("scheduler").exceptions.ResourceNotFoundException):
        emulator.client("scheduler").get_schedule(Name=name)


@pytest.mark.embedded
def test_a_one_shot_made_anew_fires_again(emulator: Emulator) -> None:
    url, arn = make_queue(emulator)
    name = unique("again")
    for _ in range(2):
        create(emulator, arn, name, ScheduleExpression=soon())
        eventually(lambda: messages(emulator, url), seconds=4)
        emulator.client("scheduler").delete_schedule(Name=name)

    assert messages(emulator, url) == []


@pytest.mark.embedded
def test_a_rate_fires_at_once_when_it_has_no_start(emulator: Emulator) -> None:
    url, arn = make_queue(emulator)

    create(emulator, arn, unique("rate"), ScheduleExpression="rate(1 minute)", Input='{"tick": 1}')

    assert eventually(lambda: messages(emulator, url), seconds=2) == [{"tick": 1}]


@pytest.mark.embedded
def test_a_disabled_schedule_does_not_fire(emulator: Emulator) -> None:
    url, arn = make_queue(emulator)

    create(emulator, arn, unique("off"), ScheduleExpression="rate(1 minute)", State="DISABLED")
    create(emulator, arn, unique("on"), ScheduleExpression="rate(1 minute)", Input='{"on": 1}')

    assert eventually(lambda: messages(emulator, url), seconds=2) == [{"on": 1}]


@pytest.mark.embedded
@pytest.mark.parametrize(
    ("name", "expression"), [("x" * 65, "rate(1 minute)"), ("short", "cron(0 6 * * *)")], ids=["name", "cron"]
)
def test_what_scheduler_refuses_is_refused(emulator: Emulator, name: str, expression: str) -> None:
    with pytest.raises(ClientError) as raised:
        create(emulator, make_queue(emulator)[1], name, ScheduleExpression=expression)

    assert raised.value.response["Error"]["Code"] == "ValidationException"
