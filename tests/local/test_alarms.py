"""An alarm on our own infrastructure is kept and told whatever works, stream-router included, and once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from interlock.aws.dynamo_table import DynamoTable
from interlock.aws.table import Item
from interlock.local.emulator import Emulator
from interlock.local.slack_endpoint import SlackEndpoint
from interlock.local.stack import Stack, StackOptions
from local.emulator_kit import eventually, make_queue, messages, unique

pytestmark = pytest.mark.embedded

HARD_TO_QUOTE = 'Threshold Crossed: [3.0 (02/03/26 08:14:00)] {"a": "b"}\n<x> \\ & "'
SECONDS = 60  # for what happens within one, while other tests have the processors


@dataclass(frozen=True)
class Installation:
    stack: Stack
    slack: SlackEndpoint

    def goes_off(self, name: str, times: int = 1) -> str:
        """CloudWatch tells of one transition, as often as said; the alarm's name."""
        alarm = f"{self.stack.prefix}-{unique(name)}"
        state = {"value": "ALARM", "timestamp": "2026-03-02T08:00:00.123+0000", "reason": HARD_TO_QUOTE}
        for _ in range(times):
            self._emulator.publish_service_event(
                "aws.cloudwatch", "CloudWatch Alarm State Change", {"alarmName": alarm, "state": state}
            )
        return alarm

    def told(self, alarm: str) -> list[str]:
        """What Slack shows of it."""
        return [message.text for message in self.slack.messages if f"{alarm} went off" in message.text]

    def kept(self, alarm: str) -> list[Item]:
        """The rows of the events table about it."""
        events = DynamoTable(self._emulator.client("dynamodb"), self.stack.table("events"))
        return [row for row in events.query("PIPELINE#-") if row.get("detail", {}).get("alarmName") == alarm]

    def waits_for_more_deliveries(self) -> bool:
        """Whether an alert is still queued, or hidden while a function looks at it."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        counts = self._emulator.client("sqs").get_queue_attributes(
            QueueUrl=self.stack.queue_url, AttributeNames=names
        )
        return any(int(count) for count in counts["Attributes"].values())

    def breaks_the_router(self) -> None:
        """It is configured wrongly, and fails whatever it is invoked with."""
        lambdas, router = self._emulator.client("lambda"), self.stack.function("stream_router")
        environment = self.stack.environment_of("stream_router") | {"CONTROL_TABLE": ""}
        lambdas.update_function_configuration(FunctionName=router, Environment={"Variables": environment})
        answer = lambdas.invoke(FunctionName=router, Payload=b'{"Records": []}')
        assert "CONTROL_TABLE" in answer["Payload"].read().decode()

    def listens_on_the_bus(self) -> str:
        """Somebody's own rule on our bus; the URL of the queue that it fills."""
        events, (url, arn) = self._emulator.client("events"), make_queue(self._emulator)
        pattern, rule = '{"detail-type": ["INFRA_ALARM"]}', unique("rule")
        events.put_rule(Name=rule, EventBusName=self.stack.bus, EventPattern=pattern)
        events.put_targets(Rule=rule, EventBusName=self.stack.bus, Targets=[{"Id": "1", "Arn": arn}])
        return url

    @property
    def _emulator(self) -> Any:
        return self.stack.cloud


@pytest.fixture
def installation(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with SlackEndpoint("xoxb-local", "C-LOCAL") as slack:
        options = StackOptions(unique("alarms"), slack_api_url=slack.url)
        yield Installation(Stack(emulator, options, tmp_path_factory.mktemp("zips")).deploy(), slack)


def test_an_alarm_about_a_router_that_fails_is_told_and_kept_once_though_it_is_delivered_twice(
    installation: Installation,
) -> None:
    installation.breaks_the_router()

    alarm = installation.goes_off("stream-router-errors", times=2)

    eventually(lambda: installation.told(alarm) and installation.kept(alarm), SECONDS)
    eventually(lambda: not installation.waits_for_more_deliveries(), SECONDS)
    assert len(installation.told(alarm)) == 1
    assert [row["detail"]["reason"] for row in installation.kept(alarm)] == [HARD_TO_QUOTE]


def test_an_alarm_is_told_and_kept_once_where_the_router_puts_it_on_our_bus_as_well(
    installation: Installation,
) -> None:
    heard = installation.listens_on_the_bus()

    alarm = installation.goes_off("watchdog-silent")

    on_the_bus: list[Any] = eventually(lambda: messages(installation.stack.cloud, heard), SECONDS)
    eventually(lambda: installation.told(alarm) and installation.kept(alarm), SECONDS)
    eventually(lambda: not installation.waits_for_more_deliveries(), SECONDS)
    (kept,) = installation.kept(alarm)
    assert [event["detail"]["eventId"] for event in on_the_bus] == [kept["eventId"]]
    assert len(installation.told(alarm)) == 1
