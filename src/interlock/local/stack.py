"""The whole control plane on an emulated AWS: what the Terraform module makes on a real account, made here by API calls."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Protocol

from interlock.local.event_patterns import (
    ALERTS,
    EVERY_EVENT,
    STREAM_FILTERS,
    alarms,
    job_ends,
    new_objects,
)
from interlock.local.sdk_models import DATA_PATH
from interlock.local.zip_contents import FUNCTIONS, ROOT
from interlock.local.zips import build_zips
from interlock.settings import FromEnvironment
from interlock.settings.alert_dispatcher import AlertDispatcherSettings
from interlock.settings.config_sync import ConfigSyncSettings
from interlock.settings.event_sink import EventSinkSettings
from interlock.settings.orchestrator import OrchestratorSettings
from interlock.settings.sla_monitor import SlaMonitorSettings
from interlock.settings.stream_router import StreamRouterSettings
from interlock.settings.watchdog import WatchdogSettings

ASL = ROOT / "statemachine" / "pipeline_run.asl.json"
FUNCTION_SECONDS = 60  # time-out of a function
LONG_FUNCTION_SECONDS: Mapping[str, int] = {
    "orchestrator": 900,  # of which a synchronous Lambda job may take ten minutes
    "config_sync": 900,  # the first pass over thousands of files
}
# Not less than its function's time-out, or Lambda refuses the mapping; and after a crash the claim on the thread
# (90 s, see `deliver_alert`) has lapsed when the message comes back.
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
ALERT_QUEUE_VISIBILITY_SECONDS = 90
ALERT_QUEUE_RECEIVES = 20  # with growing pauses: hours of a channel that is down
KEPT_SECONDS = 14 * 24 * 60 * 60  # in each queue: the most SQS allows
ROUTER_BATCH = 100  # records
STREAM_RETRIES = 1000  # of a batch, a second or more apart, before its records are kept elsewhere
EVENTS_TTL_DAYS = "90"
SLACK_API_URL = "https://slack.com/api"
_SETTINGS: Mapping[str, type[FromEnvironment]] = {
    "alert_dispatcher": AlertDispatcherSettings,
    "config_sync": ConfigSyncSettings,
    "event_sink": EventSinkSettings,
    "orchestrator": OrchestratorSettings,
    "sla_monitor": SlaMonitorSettings,
    "stream_router": StreamRouterSettings,
    "watchdog": WatchdogSettings,
}
EVENT_RETRIES = 2  # of an asynchronous invocation
OLDEST_EVENT_SECONDS = 6 * 60 * 60  # a throttled one waits so long
# Whom Lambda's own queue calls: by events, schedules and S3's notifications, and by each other.
CALLED_ASYNCHRONOUSLY = (
    "stream_router",
    "orchestrator",
    "sla_monitor",
    "watchdog",
    "event_sink",
    "config_sync",
)


class Cloud(Protocol):
    """An AWS to deploy onto: `Emulator`."""

    account: str
    region: str
    endpoint: str

    def client(self, service: str) -> Any: ...


@dataclass(frozen=True)
class StackOptions:
    """What a user of the embedded stack may choose."""

    environment: str = "local"
    slack_api_url: str = ""
    slack_token: str = "xoxb-local"
    slack_channel: str = "C-LOCAL"
    job_endpoints: Mapping[str, str] = field(default_factory=dict)  # AWS service -> address of its stand-in


class Stack:
    """The deployed control plane, and how an outsider reaches it."""

    def __init__(self, cloud: Cloud, options: StackOptions, zips: Path) -> None:
        self.cloud, self.options, self._zips = cloud, options, zips
        self.prefix = f"{options.environment}-interlock"
        self.bucket = f"{self.prefix}-pipelines"
        self.config_prefix = "pipelines/"
        self.functions = FUNCTIONS

    def table(self, name: str) -> str:
        return f"{self.prefix}-{name}"

    def function(self, name: str) -> str:
        return f"{self.prefix}-{name.replace('_', '-')}"

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.cloud.region}:{self.cloud.account}:{resource}"

    def function_arn(self, name: str) -> str:
        return self.arn("lambda", f"function:{self.function(name)}")

    def role_arn(self, whose: str) -> str:
        """IAM knows no regions: the region keeps the roles of two apart."""
        name = f"{self.prefix}-{whose.replace('_', '-')}-{self.cloud.region}"
        return f"arn:aws:iam::{self.cloud.account}:role/{name}"

    @property
    def state_machine_arn(self) -> str:
        return self.arn("states", f"stateMachine:{self.prefix}-pipeline-run")

    @property
    def bus(self) -> str:
        return f"{self.prefix}-events"

    @property
    def queue_url(self) -> str:
        return str(self.cloud.client("sqs").get_queue_url(QueueName=f"{self.prefix}-alerts")["QueueUrl"])

    @property
    def alert_secret_arn(self) -> str:
        """With the random letters that Secrets Manager adds."""
        found = self.cloud.client("secretsmanager").describe_secret(SecretId=f"{self.prefix}/slack")
        return str(found["ARN"])

    @property
    def failures_bucket(self) -> str:
        """Bucket names are of all accounts and regions together."""
        return f"{self.prefix}-failures-{self.cloud.account}-{self.cloud.region}"

    def deploy(self) -> Stack:
        """Everything, in the order in which things need each other; ready to use when this returns."""
        self._tables()
        self._bus_and_queues()
        self._failures_bucket()
        self._secret()
        self.cloud.client("s3").create_bucket(Bucket=self.bucket)
        for name, path in build_zips(self._zips, for_aws=False).items():
            self._create_function(name, path)
        self._state_machine()
        self.cloud.client("scheduler").create_schedule_group(Name=self.prefix)
        self._streams()
        self._rules()
        self._notifications()
        return self

    def _tables(self) -> None:
        due = _index("due", "dueShard", "dueAt", "N", "KEYS_ONLY", ["waitsFor", "tries"])
        by_type = _index("GSI1", "eventType", "timestamp", "S", "ALL")
        for name, streamed, index in (
            ("control", True, due),
            ("joblog", True, None),
            ("rerun", False, None),
            ("events", False, by_type),
        ):
            self._create_table(name, streamed=streamed, index=index)

    def _create_table(self, name: str, *, streamed: bool, index: dict[str, Any] | None) -> None:
        dynamodb = self.cloud.client("dynamodb")
        attributes = [_attribute("PK"), _attribute("SK"), *(index.pop("attributes") if index else [])]
        extra: dict[str, Any] = {"GlobalSecondaryIndexes": [index]} if index else {}
        if streamed:
            extra["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
        dynamodb.create_table(
            TableName=self.table(name),
            KeySchema=[_hash("PK"), _range("SK")],
            AttributeDefinitions=attributes,
            BillingMode="PAY_PER_REQUEST",
            **extra,
        )
        dynamodb.update_time_to_live(
            TableName=self.table(name), TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"}
        )

    def _bus_and_queues(self) -> None:
        self.cloud.client("events").create_event_bus(Name=self.bus)
        sqs, kept = self.cloud.client("sqs"), {"MessageRetentionPeriod": str(KEPT_SECONDS)}
        for name in ("alerts", "stream-failures", "rule-failures", "invocation-failures"):
            sqs.create_queue(QueueName=f"{self.prefix}-{name}-dead", Attributes=kept)
        redrive = {
            "deadLetterTargetArn": self.arn("sqs", f"{self.prefix}-alerts-dead"),
            "maxReceiveCount": ALERT_QUEUE_RECEIVES,
        }
        sqs.create_queue(
            QueueName=f"{self.prefix}-alerts",
            Attributes={
                **kept,
                "VisibilityTimeout": str(ALERT_QUEUE_VISIBILITY_SECONDS),
                "RedrivePolicy": json.dumps(redrive),
            },
        )

    def _failures_bucket(self) -> None:
        """What it tells EventBridge is the list of what waits to be redriven.

        A queue that it notified itself would begin with a test message.
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-to-enable-disable-notification-intro.html
        """
        s3 = self.cloud.client("s3")
        s3.create_bucket(Bucket=self.failures_bucket)
        s3.put_bucket_notification_configuration(
            Bucket=self.failures_bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
        )

    def _secret(self) -> None:
        self.cloud.client("secretsmanager").create_secret(
            Name=f"{self.prefix}/slack", SecretString=self.options.slack_token
        )

    def environment_of(self, name: str) -> dict[str, str]:
        """What the function's settings class reads (`settings/`), and what it needs in the embedded world."""
        whole = {
            f"{table.upper()}_TABLE": self.table(table) for table in ("control", "joblog", "rerun", "events")
        }
        whole |= {
            "STATE_MACHINE_ARN": self.state_machine_arn,
            "EVENT_BUS_NAME": self.bus,
            "ORCHESTRATOR_ARN": self.function_arn("orchestrator"),
            "CONFIG_SYNC_ARN": self.function_arn("config_sync"),
            "WATCHDOG_ARN": self.function_arn("watchdog"),
            "SLA_MONITOR_ARN": self.function_arn("sla_monitor"),
            "STREAM_ROUTER_ARN": self.function_arn("stream_router"),
            "SCHEDULER_GROUP_NAME": self.prefix,
            "SCHEDULER_ROLE_ARN": self.role_arn("scheduler"),
            "CONFIG_BUCKET": self.bucket,
            "CONFIG_PREFIX": self.config_prefix,
            "ALLOWED_PRIVATE_CIDRS": "127.0.0.0/8",
            "EVENTS_TTL_DAYS": EVENTS_TTL_DAYS,
            "ALERT_CHANNEL": "slack",
            "ALERT_SECRET_ARN": self.alert_secret_arn,
            "ALERT_QUEUE_URL": self.queue_url,
            "SLACK_CHANNEL_ID": self.options.slack_channel,
            "SLACK_API_URL": self.options.slack_api_url or SLACK_API_URL,
        }
        read = {setting.name.upper() for setting in fields(_SETTINGS[name])}  # type: ignore[arg-type]
        own = {setting: value for setting, value in whole.items() if setting in read}
        return own | {"AWS_DATA_PATH": DATA_PATH} | self.embedded_settings(name)

    def embedded_settings(self, name: str) -> dict[str, str]:
        """Where AWS and what jobs run on are on this machine; and commands, which run on no other."""
        where = {"AWS_ENDPOINT_URL": self.cloud.endpoint}
        if name != "orchestrator":
            return where
        stand_ins = {
            f"AWS_ENDPOINT_URL_{service.upper().replace('-', '_')}": url
            for service, url in self.options.job_endpoints.items()
        }
        return where | stand_ins | {"ALLOWED_COMMANDS": "*"}

    def _create_function(self, name: str, path: Path) -> None:
        self.cloud.client("lambda").create_function(
            FunctionName=self.function(name),
            Runtime="python3.13",
            Architectures=["arm64"],
            Handler="handler.handler",
            Role=self.role_arn(name),
            Code={"ZipFile": path.read_bytes()},
            Timeout=LONG_FUNCTION_SECONDS.get(name, FUNCTION_SECONDS),
            MemorySize=256,
            Environment={"Variables": self.environment_of(name)},
        )
        if name in CALLED_ASYNCHRONOUSLY:
            self._keep_failed_events(name)
        if name == "config_sync":
            # Every pass looks at all files: a burst of uploads needs one or two passes, not one for each at once. Lambda
            # keeps throttled events and tries again: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
            self.cloud.client("lambda").put_function_concurrency(
                FunctionName=self.function(name), ReservedConcurrentExecutions=1
            )

    def _keep_failed_events(self, name: str) -> None:
        kept = {"Destination": self.arn("sqs", f"{self.prefix}-invocation-failures-dead")}
        self.cloud.client("lambda").put_function_event_invoke_config(
            FunctionName=self.function(name),
            MaximumRetryAttempts=EVENT_RETRIES,
            MaximumEventAgeInSeconds=OLDEST_EVENT_SECONDS,
            DestinationConfig={"OnFailure": kept},
        )

    def _state_machine(self) -> None:
        # As Terraform's templatefile does; the `$` of JSONata is not its business.
        definition = ASL.read_text().replace("${orchestrator_arn}", self.function_arn("orchestrator"))
        self.cloud.client("stepfunctions").create_state_machine(
            name=f"{self.prefix}-pipeline-run",
            definition=definition,
            roleArn=self.role_arn("pipeline-run"),
            type="STANDARD",
        )

    def _streams(self) -> None:
        dynamodb = self.cloud.client("dynamodb")
        for table, patterns in STREAM_FILTERS.items():
            stream = dynamodb.describe_table(TableName=self.table(table))["Table"]["LatestStreamArn"]
            filters = [{"Pattern": json.dumps({"dynamodb": pattern})} for pattern in patterns]
            self.cloud.client("lambda").create_event_source_mapping(
                EventSourceArn=stream,
                FunctionName=self.function("stream_router"),
                StartingPosition="TRIM_HORIZON",
                BatchSize=ROUTER_BATCH,
                BisectBatchOnFunctionError=True,
                MaximumRetryAttempts=STREAM_RETRIES,
                ParallelizationFactor=1,
                FunctionResponseTypes=["ReportBatchItemFailures"],
                FilterCriteria={"Filters": filters},
                # A bucket gets the records themselves, a queue only their numbers, which mean nothing after a day.
                # https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
                DestinationConfig={"OnFailure": {"Destination": f"arn:aws:s3:::{self.failures_bucket}"}},
            )
        self.cloud.client("lambda").create_event_source_mapping(
            EventSourceArn=self.arn("sqs", f"{self.prefix}-alerts"),
            FunctionName=self.function("alert_dispatcher"),
            BatchSize=10,
            FunctionResponseTypes=["ReportBatchItemFailures"],
        )

    def _rules(self) -> None:
        router, sink = self.function_arn("stream_router"), self.function_arn("event_sink")
        alerts = self.arn("sqs", f"{self.prefix}-alerts")
        self._rule("every-event", EVERY_EVENT, sink, bus=self.bus)
        self._rule("alerts", ALERTS, alerts, bus=self.bus)
        self._rule("job-ends", job_ends(self.state_machine_arn), router)
        # The router puts an alarm on our bus. That it is kept and told does not hang on the router: it may be about it.
        for name, target in (("alarms", router), ("alarms-kept", sink), ("alarms-told", alerts)):
            self._rule(name, alarms(self.prefix), target)
        failed_batches = self.arn("sqs", f"{self.prefix}-stream-failures-dead")
        self._rule("failures", new_objects(self.failures_bucket), failed_batches)
        self._rule("tick", None, self.function_arn("watchdog"))

    def _rule(self, name: str, pattern: Mapping[str, Any] | None, target: str, bus: str = "default") -> None:
        events = self.cloud.client("events")
        what = {"EventPattern": json.dumps(pattern)} if pattern else {"ScheduleExpression": "rate(1 minute)"}
        events.put_rule(Name=f"{self.prefix}-{name}", EventBusName=bus, **what)
        # What EventBridge cannot deliver within a day is kept, not dropped.
        # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
        undelivered = {"Arn": self.arn("sqs", f"{self.prefix}-rule-failures-dead")}
        events.put_targets(
            Rule=f"{self.prefix}-{name}",
            EventBusName=bus,
            Targets=[{"Id": "1", "Arn": target, "DeadLetterConfig": undelivered}],
        )

    def _notifications(self) -> None:
        self.cloud.client("s3").put_bucket_notification_configuration(
            Bucket=self.bucket,
            NotificationConfiguration={
                "LambdaFunctionConfigurations": [
                    {
                        "LambdaFunctionArn": self.function_arn("config_sync"),
                        "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"],
                        "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": self.config_prefix}]}},
                    }
                ]
            },
        )


def _attribute(name: str, kind: str = "S") -> dict[str, str]:
    return {"AttributeName": name, "AttributeType": kind}


def _hash(name: str) -> dict[str, str]:
    return {"AttributeName": name, "KeyType": "HASH"}


def _range(name: str) -> dict[str, str]:
    return {"AttributeName": name, "KeyType": "RANGE"}


def _index(
    name: str, partition: str, sort: str, sort_kind: str, projection: str, more: list[str] | None = None
) -> dict[str, Any]:
    projected: dict[str, Any] = (
        {"ProjectionType": "INCLUDE", "NonKeyAttributes": more} if more else {"ProjectionType": projection}
    )
    return {
        "IndexName": name,
        "KeySchema": [_hash(partition), _range(sort)],
        "Projection": projected,
        "attributes": [_attribute(partition), _attribute(sort, sort_kind)],
    }
