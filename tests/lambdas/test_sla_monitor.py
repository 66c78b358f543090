"""sla-monitor: a promise moved or fell due; its row and its one-shot schedule are what comes of it."""

from datetime import UTC, datetime, timedelta

import pytest

from aws.tables import a_dynamo_table
from builders import a_key, a_pipeline
from interlock.aws.control_table import DynamoControlTable
from interlock.aws.deadline_schedules import schedule_name
from interlock.domain.announcement import config_loaded
from interlock.domain.pipeline import Sla
from interlock.domain.pipeline_codec import encode_pipeline
from interlock.domain.promise import PromiseKind, promised
from interlock.ports import StoredConfig
from interlock.steps.task import BadTask

TABLE, GROUP = "test-interlock-control", "test-interlock"
TARGET = "arn:aws:lambda:eu-west-1:123456789012:function:sla-monitor"
RELATIVE = PromiseKind.RELATIVE_SLA
PIPELINE = a_pipeline(sla=Sla(max_duration=timedelta(hours=2)))
KEY = a_key()


@pytest.fixture
def control(aws):
    return DynamoControlTable(a_dynamo_table(aws("dynamodb"), TABLE))


@pytest.fixture
def handler(load_handler, aws):
    aws("scheduler").create_schedule_group(Name=GROUP)
    return load_handler(
        "sla_monitor",
        CONTROL_TABLE=TABLE,
        SCHEDULER_GROUP_NAME=GROUP,
        SCHEDULER_ROLE_ARN="arn:aws:iam::123456789012:role/scheduler",
        SLA_MONITOR_ARN=TARGET,
    )


def begun(control, ago):
    since = datetime.now(UTC) - ago
    told = config_loaded("p.yaml", since, [])
    control.put_config(StoredConfig(PIPELINE.id, encode_pipeline(PIPELINE), "p.yaml", "e"), told)
    due_at = since + timedelta(minutes=90)
    control.make_promise(promised(RELATIVE, KEY, due_at, since, since=since))
    return due_at


def about(action, kind="relative-sla"):
    run = {"pipelineId": KEY.pipeline_id, "scheduleId": KEY.schedule_id, "date": KEY.date}
    return {"action": action, "kind": kind, "run": run}


def test_a_promise_that_moved_gets_its_one_shot(handler, control, aws):
    due_at = begun(control, ago=timedelta(minutes=10))

    assert handler(about("mirror"), None) == {}

    name = schedule_name(RELATIVE, KEY, warned=False)
    stored = aws("scheduler").get_schedule(GroupName=GROUP, Name=name)
    at = datetime.fromisoformat(stored["ScheduleExpression"][3:-1]).replace(tzinfo=UTC)
    assert timedelta(0) <= at - due_at <= timedelta(seconds=1)
    assert stored["Target"]["Arn"] == TARGET


def test_a_deadline_that_has_come_is_judged(handler, control):
    begun(control, ago=timedelta(hours=3))

    assert handler(about("fire"), None) == {}

    promise = control.promise_of(RELATIVE, KEY)
    assert promise.verdict == "breached"
    assert [str(told.type) for told in promise.events] == ["RELATIVE_SLA_BREACH"]


@pytest.mark.parametrize(
    "event",
    [
        pytest.param({}, id="nothing"),
        pytest.param(about("cancel"), id="an unknown action"),
        pytest.param(about("fire", kind="post-run"), id="a promise of another kind"),
    ],
)
def test_what_is_none_of_its_duties_fails_by_name(handler, event):
    with pytest.raises(ValueError, match="known are mirror, fire of sla, relative-sla"):
        handler(event, None)


@pytest.mark.parametrize("run", [None, {}, {"pipelineId": "p"}])
def test_a_promise_without_its_run_fails_by_name(handler, run):
    with pytest.raises(BadTask, match="pipelineId, scheduleId and date"):
        handler({**about("fire"), "run": run}, None)


def test_missing_settings_are_named_all_at_once(load_handler):
    names = ("CONTROL_TABLE", "SCHEDULER_GROUP_NAME", "SCHEDULER_ROLE_ARN", "SLA_MONITOR_ARN")

    with pytest.raises(RuntimeError, match=", ".join(names)):
        load_handler("sla_monitor", **dict.fromkeys(names, ""))(about("fire"), None)
