"""alert-dispatcher: recorded messages in, Slack threads out, and the answer that SQS acts on."""

import json
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aws.tables import a_dynamo_table, a_memory_table
from event_builder import AT
from interlock.aws.alarm_event import infra_alarm
from interlock.aws.event_bus import detail_text
from interlock.aws.event_store import DynamoEventStore
from interlock.domain.event import EventType
from interlock.functions.alert_dispatcher import DispatcherPorts, alert_dispatcher
from interlock.local.slack_endpoint import SlackEndpoint
from lambdas.bus_events import GARBAGE, a_bus_event, an_alarm

TABLE, SECRET, CHANNEL = "test-interlock-events", "test/slack", "C0LOCAL"


@pytest.fixture
def slack():
    with SlackEndpoint("xoxb-1", CHANNEL) as endpoint:
        yield endpoint


@pytest.fixture
def queue(aws):
    return Queue(aws("sqs"))


@pytest.fixture
def handler(load_handler, aws, queue, slack):
    a_dynamo_table(aws("dynamodb"), TABLE)
    aws("secretsmanager").create_secret(Name=SECRET, SecretString="xoxb-1")
    return load_handler(
        "alert_dispatcher",
        EVENTS_TABLE=TABLE,
        ALERT_QUEUE_URL=queue.url,
        ALERT_CHANNEL="slack",
        ALERT_SECRET_ARN=SECRET,
        SLACK_CHANNEL_ID=CHANNEL,
        SLACK_API_URL=slack.url,
    )


class Queue:
    """The alert queue; what is sent to it comes out as Lambda would deliver it."""

    def __init__(self, sqs):
        self.sqs = sqs
        self.url = sqs.create_queue(QueueName="alerts")["QueueUrl"]

    def batch(self, *bodies):
        for body in bodies:
            text = body if isinstance(body, str) else json.dumps(body)
            self.sqs.send_message(QueueUrl=self.url, MessageBody=text)
        return {"Records": [self.record(message) for message in self.received()]}

    def received(self):
        # Visible again at once, so that only what the function postpones is hidden.
        return self.sqs.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=10, VisibilityTimeout=0, AttributeNames=["All"]
        ).get("Messages", [])

    @staticmethod
    def record(message):
        """https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html"""
        return {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": {"ApproximateReceiveCount": message["Attributes"]["ApproximateReceiveCount"]},
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-west-1:111122223333:alerts",
            "awsRegion": "eu-west-1",
        }


def failures(answer):
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def titles(slack):
    return [[message.text.splitlines()[0] for message in thread] for thread in slack.threads()]


def test_an_alert_reaches_slack(handler, queue, slack):
    answer = handler(queue.batch(a_bus_event()), None)

    assert answer == {"batchItemFailures": []}
    assert titles(slack) == [["🟠 Job failed: gold-revenue, 2026-03-02, attempt 1"]]


def test_the_alerts_of_a_batch_are_told_in_the_order_in_which_they_happened(handler, queue, slack):
    second = a_bus_event(
        "RETRY_EXHAUSTED", eventId="b", severity="critical", timestamp="2026-03-02T08:15:00.000001Z"
    )

    handler(queue.batch(second, a_bus_event()), None)

    assert titles(slack) == [
        [
            "🟠 Job failed: gold-revenue, 2026-03-02, attempt 1",
            "🔴 Run failed, no retry left: gold-revenue, 2026-03-02, attempt 1",
        ]
    ]


def test_a_message_that_comes_twice_is_told_once(handler, queue, slack):
    handler(queue.batch(a_bus_event(), a_bus_event()), None)

    assert len(slack.messages) == 1


def test_an_alarm_that_comes_from_cloudwatch_and_by_our_bus_is_told_once(handler, queue, slack):
    by_the_bus = a_bus_event("INFRA_ALARM") | {"detail": json.loads(detail_text(infra_alarm(an_alarm())))}

    answer = handler(queue.batch(an_alarm(), by_the_bus, an_alarm()), None)

    assert failures(answer) == []
    assert titles(slack) == [["🔴 Infrastructure alarm"]]
    assert "prod-interlock-stream-router-errors went off" in slack.messages[0].text


def test_garbage_fails_alone(handler, queue, slack):
    batch = queue.batch(a_bus_event())
    bodies = ["", "no json", "[1]", "[" * 100_000, *map(json.dumps, GARBAGE)]
    garbage = [batch["Records"][0] | {"messageId": f"m{n}", "body": body} for n, body in enumerate(bodies)]

    answer = handler({"Records": [*garbage, *batch["Records"]]}, None)

    assert failures(answer) == [record["messageId"] for record in garbage]
    assert len(slack.messages) == 1


def test_what_slack_refuses_for_now_stays_in_the_queue_and_hidden(handler, queue, slack):
    slack.fail_next(1, status=429, retry_after=30)
    batch = queue.batch(a_bus_event())

    answer = handler(batch, None)

    assert failures(answer) == [batch["Records"][0]["messageId"]]
    assert queue.received() == []


def test_what_was_refused_is_told_when_it_comes_back(handler, queue, slack):
    slack.fail_next(1, status=503)
    batch = queue.batch(a_bus_event())

    handler(batch, None)
    answer = handler(batch, None)

    assert (failures(answer), len(slack.messages)) == ([], 1)


def test_a_rotated_token_is_read_anew(handler, queue, slack, aws):
    handler(queue.batch(a_bus_event(eventId="a", date="2026-03-01")), None)
    aws("secretsmanager").put_secret_value(SecretId=SECRET, SecretString="xoxb-2")
    slack.token = "xoxb-2"

    answer = handler(queue.batch(a_bus_event(eventId="b")), None)

    assert failures(answer) == []
    assert len(slack.messages) == 2


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
FIELDS = st.fixed_dictionaries({}, optional={name: JSON for name in a_bus_event()["detail"]})


class Kept:
    """A channel and a queue that keep what they are given."""

    def __init__(self):
        self.alerts = []

    def send(self, alert, thread):
        self.alerts.append(alert)
        return thread or "1.1"

    def postpone(self, receipt, seconds):
        pass


@settings(deadline=None)  # a busy machine is no failure
@given(detail=FIELDS, event_type=st.sampled_from(EventType))
def test_no_message_harms_its_neighbour(detail, event_type):
    kept = Kept()
    ports = DispatcherPorts(DynamoEventStore(a_memory_table(), timedelta(days=90)), kept, kept)
    odd = a_record("odd", json.dumps(a_bus_event(str(event_type), **detail)))
    good = a_record("good", json.dumps(a_bus_event(eventId="good", pipelineId="silver")))

    answer = alert_dispatcher({"Records": [odd, good]}, ports, AT)

    assert set(failures(answer)) <= {"odd"}
    assert "good" in [alert.event_id for alert in kept.alerts]


def a_record(message_id, body):
    attributes = {"ApproximateReceiveCount": "1"}
    return {
        "messageId": message_id,
        "receiptHandle": f"receipt-{message_id}",
        "body": body,
        "attributes": attributes,
    }
