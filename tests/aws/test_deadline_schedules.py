"""The next look at an SLA as a one-shot of EventBridge Scheduler."""

import json
import re
from dataclasses import replace

import pytest

from aws.stubs import stubbed
from builders import a_key, at
from interlock.aws.deadline_schedules import SchedulerDeadlines, schedule_name
from interlock.domain.promise import PromiseKind, promised
from interlock.functions.sla_monitor import ACTIONS
from interlock.ports import CallFailed

GROUP = "test-interlock"
ROLE = "arn:aws:iam::123456789012:role/scheduler"
TARGET = "arn:aws:lambda:eu-west-1:123456789012:function:sla-monitor"
SLA, RELATIVE = PromiseKind.SLA, PromiseKind.RELATIVE_SLA
DUE_AT = at("2026-03-03T10:00")
PROMISE = promised(SLA, a_key(), DUE_AT, at("2026-03-02T00:00"))


@pytest.fixture
def client(aws):
    client = aws("scheduler")
    client.create_schedule_group(Name=GROUP)
    return client


def deadlines(client):
    return SchedulerDeadlines(client, GROUP, ROLE, TARGET)


def names(client):
    return [schedule["Name"] for schedule in client.list_schedules(GroupName=GROUP)["Schedules"]]


def stored(client, promise=PROMISE):
    name = schedule_name(promise.kind, promise.key, warned=promise.warned)
    return client.get_schedule(GroupName=GROUP, Name=name)


def test_a_look_is_asked_for_once_at_its_second_in_utc(client):
    deadlines(client).put(PROMISE, DUE_AT)

    schedule = stored(client)
    assert schedule["ScheduleExpression"] == "at(2026-03-03T10:00:00)"
    assert schedule["ScheduleExpressionTimezone"] == "UTC"
    assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert schedule["ActionAfterCompletion"] == "DELETE"


def test_its_fire_tells_sla_monitor_which_promise_to_look_at(client):
    deadlines(client).put(PROMISE, DUE_AT)

    target = stored(client)["Target"]
    assert (target["Arn"], target["RoleArn"]) == (TARGET, ROLE)
    fire = json.loads(target["Input"])
    assert fire == {
        "action": "fire",
        "kind": "sla",
        "run": {"pipelineId": "gold-revenue", "scheduleId": "stream", "date": "2026-03-02"},
    }
    assert fire["action"] in ACTIONS


def test_a_look_that_moved_is_the_same_schedule_at_another_time(client):
    deadlines(client).put(PROMISE, DUE_AT)

    deadlines(client).put(PROMISE, at("2026-03-03T11:30:05"))

    assert stored(client)["ScheduleExpression"] == "at(2026-03-03T11:30:05)"
    assert len(names(client)) == 1


def test_what_is_removed_is_gone_before_and_after_the_warning_and_may_be_removed_again(client):
    deadlines(client).put(PROMISE, DUE_AT)
    deadlines(client).put(replace(PROMISE, warned=True), DUE_AT)

    deadlines(client).remove(SLA, a_key())
    deadlines(client).remove(SLA, a_key())

    assert names(client) == []


@pytest.mark.parametrize(
    ("method", "act"),
    [
        ("create_schedule", lambda deadlines: deadlines.put(PROMISE, DUE_AT)),
        ("delete_schedule", lambda deadlines: deadlines.remove(SLA, a_key())),
    ],
)
def test_any_other_refusal_is_a_failed_call(session, method, act):
    client = session.client("scheduler")

    with stubbed(client) as stub:
        stub.add_client_error(method, "ThrottlingException")
        with pytest.raises(CallFailed) as failed:
            act(deadlines(client))

    assert failed.value.code == "ThrottlingException"


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(a_key(), id="short"),
        pytest.param(a_key("x" * 128, date="2026-03-02T18:15"), id="the longest"),
        pytest.param(a_key("gold/eu ö\0"), id="unsafe"),
    ],
)
@pytest.mark.parametrize("kind", [SLA, RELATIVE])
@pytest.mark.parametrize("warned", [False, True])
def test_a_name_is_one_that_scheduler_takes(kind, key, warned):
    assert re.fullmatch(r"[0-9a-zA-Z-_.]{1,64}", schedule_name(kind, key, warned=warned))


def test_no_two_looks_share_a_name():
    ids = ["gold", "Gold", "gold-2026-03-02", "go/ld", "go-ld", "a" * 127 + "x", "a" * 127 + "y"]
    dates = ["2026-03-02", "2026-03-02T10", "2026-03-02T10:15", "2026-03-02T10-15"]
    looks = [
        (kind, a_key(pipeline_id, schedule_id, date), warned)
        for kind in (SLA, RELATIVE)
        for pipeline_id in ids
        for schedule_id in ("cron", "stream")
        for date in dates
        for warned in (False, True)
    ]

    assert len({schedule_name(kind, key, warned=warned) for kind, key, warned in looks}) == len(looks)
