"""What is deployed: every function finds its settings, and each rule and stream wakes whom it should, and nobody else."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from event_builder import an_event
from interlock.domain.event import EventType
from interlock.domain.message import is_alert
from interlock.local.emulator import Emulator
from interlock.local.event_patterns import ALERTS, alarms, job_ends, new_objects
from interlock.local.stack import Stack, StackOptions
from interlock.local.zip_contents import FUNCTIONS
from interlock.steps.deliver_alert import CLAIM
from local.emulator_kit import eventually, invoke, item, unique

pytestmark = pytest.mark.embedded

OWN = "arn:aws:states:us-east-1:000000000000:stateMachine:own"
NOBODYS = {"pipelineId": "nobodys", "scheduleId": "cron", "date": "2026-03-01"}
HARMLESS: Mapping[str, Any] = {
    "orchestrator": {"step": "CheckRuns", "runs": []},
    "event_sink": {"detail": {}},
    "sla_monitor": {"action": "fire", "kind": "sla", "run": NOBODYS},
}


@pytest.fixture(scope="module")
def stack(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    return Stack(emulator, StackOptions(unique("stack")), tmp_path_factory.mktemp("zips")).deploy()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_finds_all_its_settings(emulator: Emulator, stack: Stack, function: str) -> None:
    answer, _ = invoke(emulator, stack.function(function), HARMLESS.get(function, {"Records": []}))

    # The sink refuses what is no event; but then it has started.
    assert answer.get("errorType") == ("ValueError" if function == "event_sink" else None), answer


def test_no_message_comes_back_while_its_function_may_still_work_on_it(
    emulator: Emulator, stack: Stack
) -> None:
    sqs, lambdas = emulator.client("sqs"), emulator.client("lambda")
    attributes = sqs.get_queue_attributes(QueueUrl=stack.queue_url, AttributeNames=["VisibilityTimeout"])
    function = lambdas.get_function_configuration(FunctionName=stack.function("alert_dispatcher"))

    assert int(attributes["Attributes"]["VisibilityTimeout"]) >= function["Timeout"]
    assert int(attributes["Attributes"]["VisibilityTimeout"]) >= CLAIM.total_seconds()


def test_what_no_rule_can_deliver_is_kept_in_a_queue(emulator: Emulator, stack: Stack) -> None:
    events, sqs = emulator.client("events"), emulator.client("sqs")
    queues = {name.rpartition("/")[2] for name in sqs.list_queues()["QueueUrls"]}
    rules = {
        (bus, rule["Name"])
        for bus in ("default", stack.bus)
        for rule in events.list_rules(EventBusName=bus, NamePrefix=f"{stack.prefix}-")["Rules"]
    }

    kept = {
        name: target.get("DeadLetterConfig", {}).get("Arn", "").rpartition(":")[2]
        for bus, name in rules
        for target in events.list_targets_by_rule(Rule=name, EventBusName=bus)["Targets"]
    }

    assert len(kept) == len(rules) >= 5
    assert set(kept.values()) == {f"{stack.prefix}-rule-failures-dead"}
    assert set(kept.values()) <= queues


def test_what_no_retry_of_a_stream_helped_goes_to_a_bucket_that_tells_a_queue(
    emulator: Emulator, stack: Stack
) -> None:
    lambdas, s3 = emulator.client("lambda"), emulator.client("s3")
    mappings = lambdas.list_event_source_mappings(FunctionName=stack.function("stream_router"))

    destinations = [
        one["DestinationConfig"]["OnFailure"]["Destination"] for one in mappings["EventSourceMappings"]
    ]
    told = s3.get_bucket_notification_configuration(Bucket=stack.failures_bucket)
    (target,) = emulator.client("events").list_targets_by_rule(Rule=f"{stack.prefix}-failures")["Targets"]

    assert stack.failures_bucket == f"{stack.prefix}-failures-{emulator.account}-{emulator.region}"
    assert destinations == [f"arn:aws:s3:::{stack.failures_bucket}"] * 2
    assert "EventBridgeConfiguration" in told
    assert "QueueConfigurations" not in told  # which would begin with a test message
    assert target["Arn"] == stack.arn("sqs", f"{stack.prefix}-stream-failures-dead")


@pytest.mark.parametrize("function", sorted(set(FUNCTIONS) - {"alert_dispatcher"}))
def test_events_that_a_function_fails_at_are_kept(emulator: Emulator, stack: Stack, function: str) -> None:
    # alert_dispatcher's come from its queue, which has a dead-letter queue of its own.
    chosen = emulator.client("lambda").get_function_event_invoke_config(FunctionName=stack.function(function))

    kept = chosen["DestinationConfig"]["OnFailure"]["Destination"]
    assert kept.rpartition(":")[2] == f"{stack.prefix}-invocation-failures-dead"
    assert (chosen["MaximumRetryAttempts"], chosen["MaximumEventAgeInSeconds"]) == (2, 21600)


def matches(emulator: Emulator, pattern: Mapping[str, Any], **event: Any) -> bool:
    about = {"id": "1", "account": "0", "time": "2026-03-02T08:00:00Z", "region": "r", "resources": []}
    answer = emulator.client("events").test_event_pattern(
        EventPattern=json.dumps(pattern), Event=json.dumps(about | event)
    )
    return bool(answer["Result"])


@pytest.mark.parametrize("recovered", [True, False])
@pytest.mark.parametrize("event_type", EventType)
def test_what_is_an_alert_and_only_that_reaches_the_queue(
    emulator: Emulator, event_type: EventType, recovered: bool
) -> None:
    event = an_event(event_type, detail={"recovered": True} if recovered else {})
    detail = {"type": event.type, "severity": event.severity, "detail": event.detail}

    queued = matches(emulator, ALERTS, **{"source": "interlock", "detail-type": event.type, "detail": detail})

    assert queued is is_alert(event)


GLUE = {"source": "aws.glue", "detail-type": "Glue Job State Change", "detail": {"state": "SUCCEEDED"}}


STEPS_GO_ON, STEPS_ENDED = ("PENDING", "RUNNING", "CANCEL_PENDING"), ("COMPLETED", "FAILED", "DREAMING")
JOB_RUNS_GO_ON = ("SUBMITTED", "QUEUED", "PENDING", "SCHEDULED", "RUNNING", "CANCELLING")
JOB_RUNS_ENDED = ("SUCCESS", "CANCELLED", "DREAMING")


def emr_step(state: str) -> dict[str, Any]:
    return {"source": "aws.emr", "detail-type": "EMR Step Status Change", "detail": {"state": state}}


def job_run(state: str) -> dict[str, Any]:
    kind = "EMR Serverless Job Run State Change"
    return {"source": "aws.emr-serverless", "detail-type": kind, "detail": {"state": state}}


def execution(machine: str, status: str) -> dict[str, Any]:
    detail = {"stateMachineArn": machine, "status": status}
    return {"source": "aws.states", "detail-type": "Step Functions Execution Status Change", "detail": detail}


@pytest.mark.parametrize(
    ("event", "concerns_us"),
    [
        pytest.param(GLUE, True, id="a Glue run's end"),
        *(pytest.param(emr_step(state), False, id=f"an EMR step that is {state}") for state in STEPS_GO_ON),
        *(pytest.param(emr_step(state), True, id=f"an EMR step {state}") for state in STEPS_ENDED),
        *(pytest.param(job_run(state), False, id=f"a job run that is {state}") for state in JOB_RUNS_GO_ON),
        *(pytest.param(job_run(state), True, id=f"a job run {state}") for state in JOB_RUNS_ENDED),
        pytest.param(GLUE | {"source": "mine"}, False, id="somebody's event of that name"),
        pytest.param(execution("arn:of:another", "SUCCEEDED"), True, id="another machine's end"),
        pytest.param(execution("arn:of:another", "TIMED_OUT"), True, id="another machine's time-out"),
        pytest.param(execution("arn:of:another", "RUNNING"), False, id="another machine's start"),
        pytest.param(execution(OWN, "SUCCEEDED"), False, id="our own execution's end"),
        pytest.param(execution(OWN, "RUNNING"), False, id="our own execution's start"),
        pytest.param(execution(OWN, "ABORTED"), True, id="our own execution, stopped by hand"),
        pytest.param(execution(OWN, "TIMED_OUT"), True, id="our own execution's time-out"),
    ],
)
def test_the_ends_of_others_jobs_wake_the_router(
    emulator: Emulator, event: dict[str, Any], concerns_us: bool
) -> None:
    assert matches(emulator, job_ends(OWN), **event) is concerns_us


def an_object(bucket: str, what: str = "Object Created", source: str = "aws.s3") -> dict[str, Any]:
    return {"source": source, "detail-type": what, "detail": {"bucket": {"name": bucket}}}


@pytest.mark.parametrize(
    ("event", "concerns_us"),
    [
        pytest.param(an_object("ours"), True, id="a failed batch"),
        pytest.param(an_object("ours", "Object Deleted"), False, id="one that is thirty days old"),
        pytest.param(an_object("ours-too"), False, id="an object of another bucket"),
        pytest.param(an_object("ours", source="mine"), False, id="a forged one"),
    ],
)
def test_new_objects_of_the_failures_bucket_are_heard_of(
    emulator: Emulator, event: dict[str, Any], concerns_us: bool
) -> None:
    assert matches(emulator, new_objects("ours"), **event) is concerns_us


def alarm(name: str, state: str) -> dict[str, Any]:
    detail = {"alarmName": name, "state": {"value": state}}
    return {"source": "aws.cloudwatch", "detail-type": "CloudWatch Alarm State Change", "detail": detail}


@pytest.mark.parametrize(
    ("event", "concerns_us"),
    [
        pytest.param(alarm("prod-interlock-watchdog-silent", "ALARM"), True, id="one of ours goes off"),
        pytest.param(alarm("prod-interlock-watchdog-silent", "OK"), False, id="one of ours is over"),
        pytest.param(alarm("prod-interlock2-queue", "ALARM"), False, id="an alarm of a similar name"),
        pytest.param(
            alarm("prod-interlock-watchdog-silent", "ALARM") | {"source": "mine"}, False, id="a forged one"
        ),
    ],
)
def test_alarms_of_ours_that_go_off_are_heard_of(
    emulator: Emulator, event: dict[str, Any], concerns_us: bool
) -> None:
    assert matches(emulator, alarms("prod-interlock"), **event) is concerns_us


def test_the_router_is_woken_for_sensors_and_not_for_the_ledger(emulator: Emulator, stack: Stack) -> None:
    router, dynamodb = stack.function("stream_router"), emulator.client("dynamodb")
    before = emulator.counts().invocations[router]

    def write(sort_key: str) -> None:
        dynamodb.put_item(TableName=stack.table("control"), Item=item("PIPELINE#p", sort_key))

    for n in range(5):
        write(f"DUE#check#stream#2026-03-0{n + 1}")
        write(f"DUE#fire#cron#2026-03-0{n + 1}")
    write("SENSOR#orders")
    eventually(lambda: emulator.counts().invocations[router] > before)

    # The stream is read in order: had the ledger's rows woken it, that would have been before the sensor's did.
    assert emulator.counts().invocations[router] == before + 1


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(item("PIPELINE#p", "DUE#sla#cron#2026-03-01"), id="an SLA's promise"),
        pytest.param(item("PIPELINE#p", "DUE#relative-sla#stream#2026-03-01"), id="a relative SLA's promise"),
        pytest.param(
            item("PIPELINE#p", "DUE#fire#cron#2026-03-01", verdict="missed"), id="any promise that is settled"
        ),
    ],
)
def test_the_router_is_woken_for_deadlines_and_for_promises_that_are_settled(
    emulator: Emulator, stack: Stack, row: Mapping[str, Any]
) -> None:
    router = stack.function("stream_router")
    before = emulator.counts().invocations[router]

    emulator.client("dynamodb").put_item(TableName=stack.table("control"), Item=row)

    eventually(lambda: emulator.counts().invocations[router] > before)


def test_a_second_stack_of_another_name_stands_beside_the_first(
    emulator: Emulator, stack: Stack, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = Stack(emulator, StackOptions(unique("stack")), tmp_path_factory.mktemp("zips")).deploy()

    tables = emulator.client("dynamodb").list_tables()["TableNames"]

    assert {stack.table("control"), other.table("control")} <= set(tables)
