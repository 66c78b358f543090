"""What AWS itself does under our roles: no call of ours, so no record shows it. Each with the page that says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from interlock.local.iam_policy import Need
from terraform.least_privilege import Names

FUNCTIONS = (
    *("stream-router", "orchestrator", "sla-monitor", "watchdog"),
    *("event-sink", "alert-dispatcher", "config-sync"),
)
# Whom Lambda's own queue calls: an invocation that fails at every try is kept.
CALLED_ASYNCHRONOUSLY = tuple(name for name in FUNCTIONS if name != "alert-dispatcher")

# Actions of which the reference knows no resources, or none that is there when the service asks.
KNOW_NO_RESOURCES: Mapping[str, str] = {
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
    "dynamodb:ListStreams": "Lambda looks for the streams of a mapping",
    # https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
    "ec2:AssignPrivateIpAddresses": "Lambda makes network interfaces, which are not there before",
    "ec2:CreateNetworkInterface": "the same",
    "ec2:DeleteNetworkInterface": "the same",
    "ec2:DescribeNetworkInterfaces": "the same",
    "ec2:DescribeSubnets": "the same",
    "ec2:UnassignPrivateIpAddresses": "the same",
    # https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html#cloudwatch-iam-policy
    "logs:CreateLogDelivery": "Step Functions delivers the logs of a machine",
    "logs:DeleteLogDelivery": "the same",
    "logs:DescribeLogGroups": "the same",
    "logs:DescribeResourcePolicies": "the same",
    "logs:GetLogDelivery": "the same",
    "logs:ListLogDeliveries": "the same",
    "logs:PutResourcePolicy": "the same",
    "logs:UpdateLogDelivery": "the same",
    # https://docs.aws.amazon.com/step-functions/latest/dg/xray-iam.html
    "xray:GetSamplingRules": "Step Functions traces the executions of a machine",
    "xray:GetSamplingTargets": "the same",
    "xray:PutTelemetryRecords": "the same",
    "xray:PutTraceSegments": "the same",
}


def done_by_aws(names: Names) -> dict[str, Sequence[Need]]:
    """By whose role it is done."""
    found = {function: [*_of_every_function(function, names)] for function in FUNCTIONS}
    for function in CALLED_ASYNCHRONOUSLY:
        # https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
        found[function].append(Need("sqs:SendMessage", names.queue("invocation-failures-dead")))
    found["stream-router"] += _reading_streams(names)
    # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    for action in ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"):
        found["alert-dispatcher"].append(Need(action, names.queue("alerts")))
    for function in ("orchestrator", "alert-dispatcher", "config-sync"):
        # Secrets and files of the user's, under keys of theirs.
        # https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
        found[function].append(Need("kms:Decrypt", names.key_of_others))
    found["scheduler"] = [
        # https://docs.aws.amazon.com/scheduler/latest/UserGuide/setting-up.html#setting-up-execution-role
        Need("lambda:InvokeFunction", names.function("stream-router")),  # the fires of crons
        Need("lambda:InvokeFunction", names.function("sla-monitor")),  # the deadlines
    ]
    found["state-machine"] = _walking(names)
    return found


def _of_every_function(function: str, names: Names) -> list[Need]:
    # https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html
    stream = names.arn("logs", f"log-group:/aws/lambda/{names.prefix}-{function}:log-stream:any")
    network = [action for action in KNOW_NO_RESOURCES if action.startswith("ec2:")]
    return [
        Need("logs:CreateLogStream", stream),
        Need("logs:PutLogEvents", stream),
        *(Need(action, "*") for action in network),
        *_with_the_key(names),
    ]


def _with_the_key(names: Names) -> list[Need]:
    """What tables, queues, buckets and the functions' own settings under a key of the user's take of whoever uses them.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html
    """
    return [Need(action, names.key) for action in ("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey")]


def _reading_streams(names: Names) -> list[Need]:
    # https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html
    streams = [f"{names.table(table)}/stream/2026-03-01T00:00:00.000" for table in ("control", "joblog")]
    actions = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator")
    return [
        *(Need(action, stream) for action in actions for stream in streams),
        Need("dynamodb:ListStreams", "*"),
        # https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
        Need("s3:PutObject", f"{names.failures_bucket}/aws/lambda/any"),
        Need("s3:ListBucket", names.failures_bucket),
    ]


def _walking(names: Names) -> list[Need]:
    """Step Functions, at every step of a run."""
    everywhere = [action for action in KNOW_NO_RESOURCES if action.startswith(("logs:", "xray:"))]
    # https://docs.aws.amazon.com/step-functions/latest/dg/lambda-iam.html
    step = Need("lambda:InvokeFunction", names.function("orchestrator"))
    return [step, *(Need(action, "*") for action in everywhere)]
