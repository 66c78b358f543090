"""What is deployed on an emulator, read back by API into one value, and how two such pictures differ.

Everything an answer holds is compared, what is listed here with a reason apart: an attribute that nobody thought of counts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from interlock.local.stack import Cloud

Picture = Mapping[str, Any]  # kind -> name -> what its API answers

_ONE_DEPLOYMENTS = "differs between two deployments of the same"
_ACCESS = "who may do what; tests/terraform holds the policies to the calls that functions make"
_ENCRYPTION = "encryption: an emulator keeps nothing that a key would hide"
_FOR_PEOPLE = "for people who look at an account; a run takes no notice"
_SAFETY = "keeps an account's data from mistakes; an emulator's is thrown away"
# Where each type of the module's resources is compared.
COMPARED: Mapping[str, str] = {
    "aws_cloudwatch_event_bus": "buses",
    "aws_cloudwatch_event_rule": "rules",
    "aws_cloudwatch_event_target": "rules",
    "aws_dynamodb_table": "tables",
    "aws_lambda_event_source_mapping": "event source mappings",
    "aws_lambda_function": "functions",
    "aws_lambda_function_event_invoke_config": "functions",
    "aws_s3_bucket": "buckets",
    "aws_s3_bucket_notification": "buckets",
    "aws_scheduler_schedule_group": "schedule groups",
    "aws_secretsmanager_secret": "secrets",
    "aws_sfn_state_machine": "state machines",
    "aws_sqs_queue": "queues",
}
# Types that the embedded stack has none of, and why it needs none.
NOT_COMPARED: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "aws_cloudwatch_event_bus_policy",
            "aws_iam_role",
            "aws_iam_role_policy",
            "aws_lambda_permission",
            "aws_s3_bucket_policy",
            "aws_s3_bucket_public_access_block",
            "aws_sqs_queue_policy",
            "aws_sqs_queue_redrive_allow_policy",
        ),
        _ACCESS,
    ),
    "aws_s3_bucket_server_side_encryption_configuration": _ENCRYPTION,
    **dict.fromkeys(("aws_s3_bucket_lifecycle_configuration", "aws_s3_bucket_versioning"), _SAFETY),
    **dict.fromkeys(
        (
            "aws_cloudwatch_dashboard",
            "aws_cloudwatch_event_archive",
            "aws_cloudwatch_log_group",
            "aws_cloudwatch_metric_alarm",
        ),
        _FOR_PEOPLE,
    ),
    "aws_s3_object": "a pipeline's file: nobody has given one yet",
    "terraform_data": "Terraform's own",
}
# Attributes that are not compared, by kind (`*`: of every kind) and by their names in AWS's APIs.
LEFT_OUT: Mapping[str, Mapping[str, str]] = {
    "*": {
        **dict.fromkeys(
            ("ResponseMetadata", "CreationDate", "creationDate", "CreationTime"), _ONE_DEPLOYMENTS
        ),
        **dict.fromkeys(("LastModified", "LastModifiedTime", "RevisionId", "revisionId"), _ONE_DEPLOYMENTS),
        **dict.fromkeys(("Description", "Tags"), _FOR_PEOPLE),
    },
    "tables": {
        **dict.fromkeys(("CreationDateTime", "TableId", "LatestStreamLabel"), _ONE_DEPLOYMENTS),
        **dict.fromkeys(("ItemCount", "TableSizeBytes", "IndexSizeBytes"), "how full it is at the moment"),
        "SSEDescription": _ENCRYPTION,
        "DeletionProtectionEnabled": _SAFETY,
    },
    "functions": {
        **dict.fromkeys(("State", "StateReason", "StateReasonCode", "LastUpdateStatus"), _ONE_DEPLOYMENTS),
        "KMSKeyArn": _ENCRYPTION,
        **dict.fromkeys(("LoggingConfig", "TracingConfig"), _FOR_PEOPLE),
    },
    "event source mappings": {
        **dict.fromkeys(("UUID", "EventSourceMappingArn", "LastProcessingResult"), _ONE_DEPLOYMENTS),
        "KMSKeyArn": _ENCRYPTION,
    },
    "queues": {
        **dict.fromkeys(("CreatedTimestamp", "LastModifiedTimestamp"), _ONE_DEPLOYMENTS),
        **dict.fromkeys(
            (
                "ApproximateNumberOfMessages",
                "ApproximateNumberOfMessagesDelayed",
                "ApproximateNumberOfMessagesNotVisible",
            ),
            "how full it is at the moment",
        ),
        **dict.fromkeys(("Policy", "RedriveAllowPolicy"), _ACCESS),
        **dict.fromkeys(
            ("KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled"), _ENCRYPTION
        ),
    },
    "buses": {"Policy": _ACCESS, "KmsKeyIdentifier": _ENCRYPTION},
    "state machines": {
        "encryptionConfiguration": _ENCRYPTION,
        **dict.fromkeys(("loggingConfiguration", "tracingConfiguration", "description"), _FOR_PEOPLE),
    },
    "schedule groups": {"LastModificationDate": _ONE_DEPLOYMENTS},
}


@dataclass(frozen=True)
class Reader:
    """Reads everything whose name begins as ours do; others' resources on the same emulator are none of it."""

    cloud: Cloud
    prefix: str

    def picture(self) -> Picture:
        whole = {
            "tables": dict(self._tables()),
            "functions": dict(self._functions()),
            "event source mappings": dict(self._mappings()),
            "queues": dict(self._queues()),
            "buses": dict(self._buses()),
            "rules": dict(self._rules()),
            "state machines": dict(self._machines()),
            "schedule groups": dict(self._groups()),
            "schedules": dict(self._schedules()),
            "buckets": dict(self._buckets()),
            "secrets": dict(self._secrets()),
        }
        return {
            kind: self._normal(found, LEFT_OUT["*"].keys() | LEFT_OUT.get(kind, {}).keys())
            for kind, found in whole.items()
        }

    def _pages(self, service: str, operation: str, answer: str, **parameters: Any) -> Iterator[Any]:
        client = self.cloud.client(service)
        if client.can_paginate(operation):
            for page in client.get_paginator(operation).paginate(**parameters):
                yield from page.get(answer, [])
        else:
            yield from getattr(client, operation)(**parameters).get(answer, [])

    def _is_ours(self, name: str) -> bool:
        return name == self.prefix or name.startswith((f"{self.prefix}-", f"{self.prefix}/"))

    def _tables(self) -> Iterator[tuple[str, Any]]:
        dynamodb = self.cloud.client("dynamodb")
        for name in filter(self._is_ours, self._pages("dynamodb", "list_tables", "TableNames")):
            # Point-in-time recovery has a call of its own, and is not asked for: it is for an account.
            ttl = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
            yield name, dynamodb.describe_table(TableName=name)["Table"] | {"TimeToLive": ttl}

    def _functions(self) -> Iterator[tuple[str, Any]]:
        functions = self.cloud.client("lambda")
        for found in self._pages("lambda", "list_functions", "Functions"):
            if self._is_ours(name := found["FunctionName"]):
                limit = functions.get_function_concurrency(FunctionName=name)
                reserved = {"Reserved": limit.get("ReservedConcurrentExecutions")}
                yield name, found | reserved | {"InvokedLater": self._invoked_later(name)}

    def _invoked_later(self, function: str) -> Any:
        """What becomes of its asynchronous invocations, where that is set."""
        functions = self.cloud.client("lambda")
        try:
            return functions.get_function_event_invoke_config(FunctionName=function)
        except functions.exceptions.ResourceNotFoundException:
            return None

    def _mappings(self) -> Iterator[tuple[str, Any]]:
        """By source and function: what they are called differs each time."""
        for found in self._pages("lambda", "list_event_source_mappings", "EventSourceMappings"):
            function = found["FunctionArn"].rpartition(":")[2]
            if self._is_ours(function):
                source = found["EventSourceArn"].split("/stream/")[0].rpartition(":")[2]
                yield f"{source} -> {function}", found

    def _queues(self) -> Iterator[tuple[str, Any]]:
        sqs = self.cloud.client("sqs")
        for url in self._pages("sqs", "list_queues", "QueueUrls"):
            if self._is_ours(name := url.rpartition("/")[2]):
                found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
                yield name, found

    def _buses(self) -> Iterator[tuple[str, Any]]:
        events = self.cloud.client("events")
        for name in [each["Name"] for each in events.list_event_buses()["EventBuses"]]:
            if self._is_ours(name):
                yield name, events.describe_event_bus(Name=name)

    def _rules(self) -> Iterator[tuple[str, Any]]:
        events = self.cloud.client("events")
        for bus in [each["Name"] for each in events.list_event_buses()["EventBuses"]]:
            for rule in events.list_rules(EventBusName=bus)["Rules"]:
                # An archive's rule is made by EventBridge, not by us.
                if self._is_ours(name := rule["Name"]):
                    targets = events.list_targets_by_rule(Rule=name, EventBusName=bus)["Targets"]
                    yield f"{name} on {bus}", rule | {"Targets": {each["Id"]: each for each in targets}}

    def _machines(self) -> Iterator[tuple[str, Any]]:
        states = self.cloud.client("stepfunctions")
        for found in self._pages("stepfunctions", "list_state_machines", "stateMachines"):
            if self._is_ours(found["name"]):
                arn = found["stateMachineArn"]
                yield found["name"], states.describe_state_machine(stateMachineArn=arn)

    def _groups(self) -> Iterator[tuple[str, Any]]:
        for found in self._pages("scheduler", "list_schedule_groups", "ScheduleGroups"):
            if self._is_ours(found["Name"]):
                yield found["Name"], found

    def _schedules(self) -> Iterator[tuple[str, Any]]:
        for found in self._pages("scheduler", "list_schedules", "Schedules"):
            if self._is_ours(found["GroupName"]):
                yield f"{found['GroupName']}/{found['Name']}", found

    def _buckets(self) -> Iterator[tuple[str, Any]]:
        """With whom they notify."""
        s3 = self.cloud.client("s3")
        for name in [found["Name"] for found in s3.list_buckets()["Buckets"]]:
            if self._is_ours(name):
                found = s3.get_bucket_notification_configuration(Bucket=name)
                sections = {kind: each for kind, each in found.items() if isinstance(each, list)}
                # That a bucket tells EventBridge is said by an empty value.
                bus = {"EventBridge": True} if "EventBridgeConfiguration" in found else {}
                notified = {kind: dict(map(_notified, each)) for kind, each in sections.items()}
                yield name, {"Name": name, **notified, **bus}

    def _secrets(self) -> Iterator[tuple[str, Any]]:
        secrets = self.cloud.client("secretsmanager")
        for found in self._pages("secretsmanager", "list_secrets", "SecretList"):
            if self._is_ours(name := found["Name"]):
                yield name, secrets.get_secret_value(SecretId=name)["SecretString"]

    def _normal(self, value: Any, left_out: Set[str]) -> Any:
        """Without what is left out; what differs each time is made the same; JSON in a text is opened."""
        if isinstance(value, Mapping):
            return {
                name: self._normal(each, left_out)
                for name, each in value.items()
                # Some answers spell out what others leave out.
                if name not in left_out and each not in (None, {}, [], "")
            }
        if isinstance(value, list | tuple):
            # The order of AWS's lists says nothing: of a key's two attributes each has its type.
            return sorted((self._normal(each, left_out) for each in value), key=_shown)
        return self._normal_text(value) if isinstance(value, str) else value

    def _normal_text(self, text: str) -> Any:
        text = text.replace(self.cloud.endpoint, "<endpoint>")
        if text.startswith("{"):
            with suppress(ValueError):  # a JSONata expression also begins so
                # A machine's definition, an event pattern, a redrive policy: every word of it counts.
                return json.loads(text)
        text = re.sub(r"(/stream/)[0-9T:.-]+$", r"\1<label>", text)
        # https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html: six random characters
        return re.sub(r"(:secret:.+)-\w{6}$", r"\1-<random>", text)


def _notified(told: Mapping[str, Any]) -> tuple[str, Any]:
    """A notification by whom it goes to: its id is made up where nobody chose one."""
    target = next(str(value) for name, value in told.items() if name.endswith("Arn"))
    return target, {name: value for name, value in told.items() if name != "Id"}


def differences(one: Any, other: Any, sides: tuple[str, str], where: str = "") -> list[str]:
    """A line for each value that is not the same on both sides, with its place."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        names = sorted(one.keys() | other.keys())
        return [
            line
            for name in names
            for line in differences(
                one.get(name, _ABSENT),
                other.get(name, _ABSENT),
                sides,
                f"{where} > {name}" if where else name,
            )
        ]
    if one == other:
        return []
    return [f"{where}: {sides[0]} has {_shown(one)}, {sides[1]} has {_shown(other)}"]


_ABSENT = object()


def _shown(value: Any) -> str:
    return "nothing" if value is _ABSENT else json.dumps(value, default=str)
