"""Cron pipelines as schedules of EventBridge Scheduler."""

import json
import re
from dataclasses import replace

import pytest

from aws.stubs import stubbed
from interlock.aws.cron_schedules import SchedulerCron, schedule_name
from interlock.domain.pipeline import Job, JobType, Pipeline, Schedule
from interlock.ports import CallFailed

GROUP = "test-interlock"
ROLE = "arn:aws:iam::123456789012:role/scheduler"
TARGET = "arn:aws:lambda:eu-west-1:123456789012:function:stream-router"
GOLD = Pipeline("gold", Job(JobType.GLUE), Schedule(cron="0 6 * * 1-5", timezone="Europe/Berlin"))


@pytest.fixture
def client(aws):
    client = aws("scheduler")
    client.create_schedule_group(Name=GROUP)
    return client


def schedules(client):
    return SchedulerCron(client, GROUP, ROLE, TARGET)


def stored(client, pipeline_id="gold"):
    return client.get_schedule(GroupName=GROUP, Name=schedule_name(pipeline_id))


def test_a_new_pipeline_gets_a_schedule_in_its_own_time_zone(client):
    schedules(client).put(GOLD)

    schedule = stored(client)
    assert schedule["ScheduleExpression"] == "cron(0 6 ? * MON-FRI *)"
    assert schedule["ScheduleExpressionTimezone"] == "Europe/Berlin"
    assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert schedule["State"] == "ENABLED"


def test_a_fire_tells_stream_router_which_pipeline_and_which_minute(client):
    schedules(client).put(GOLD)

    target = stored(client)["Target"]
    assert (target["Arn"], target["RoleArn"]) == (TARGET, ROLE)
    assert json.loads(target["Input"]) == {
        "source": "interlock.cron",
        "pipelineId": "gold",
        "scheduledAt": "<aws.scheduler.scheduled-time>",
    }
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 30}


def test_a_changed_pipeline_changes_its_schedule(client):
    schedules(client).put(GOLD)

    schedules(client).put(replace(GOLD, schedule=Schedule(cron="30 7 1 * *")))

    assert stored(client)["ScheduleExpression"] == "cron(30 7 1 * ? *)"
    assert stored(client)["ScheduleExpressionTimezone"] == "UTC"
    assert len(client.list_schedules(GroupName=GROUP)["Schedules"]) == 1


def test_a_removed_pipeline_has_no_schedule_and_removing_it_again_is_no_error(client):
    schedules(client).put(GOLD)

    schedules(client).remove("gold")
    schedules(client).remove("gold")

    assert client.list_schedules(GroupName=GROUP)["Schedules"] == []


def test_a_pipeline_without_cron_cannot_have_a_schedule(client):
    with pytest.raises(ValueError, match="no cron"):
        schedules(client).put(replace(GOLD, schedule=Schedule()))


@pytest.mark.parametrize(
    ("method", "act"),
    [
        ("update_schedule", lambda schedules: schedules.put(GOLD)),
        ("delete_schedule", lambda schedules: schedules.remove("gold")),
    ],
)
def test_any_other_refusal_is_a_failed_call(session, method, act):
    client = session.client("scheduler")

    with stubbed(client) as stub:
        stub.add_client_error(method, "ThrottlingException")
        with pytest.raises(CallFailed) as failed:
            act(schedules(client))

    assert failed.value.code == "ThrottlingException"


LONG = "a" * 100


@pytest.mark.parametrize(
    "pipeline_id",
    [
        pytest.param("gold", id="short"),
        pytest.param("a" * 59, id="just short enough"),
        pytest.param("a" * 60, id="just too long"),
        pytest.param("x" * 128, id="the longest"),
        pytest.param("Gold.eu_west-1", id="every safe character"),
        pytest.param("gold/eu ö", id="unsafe"),
    ],
)
def test_a_name_is_one_that_scheduler_takes(pipeline_id):
    assert re.fullmatch(r"[0-9a-zA-Z-_.]{1,64}", schedule_name(pipeline_id))


def test_no_two_pipelines_share_a_name():
    ids = ["gold", "Gold", "gold-", "go/ld", "go-ld", "go ld", LONG + "x", LONG + "y", LONG]
    ids += [schedule_name(pipeline_id) for pipeline_id in ids]

    assert len({schedule_name(pipeline_id) for pipeline_id in ids}) == len(ids)
