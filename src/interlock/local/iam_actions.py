"""Which permissions an API call takes: IAM's actions are not always called as the operations are, nor of one resource each.

What each action is of: https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from interlock.local.iam_policy import Need

Arguments = Mapping[str, Any]


class UnknownCall(LookupError):
    """A call that none of our functions made when this table was written."""


@dataclass(frozen=True)
class Place:
    """Where a call is made."""

    account: str
    region: str
    partition: str = "aws"

    def arn(self, service: str, resource: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"


def needs_of(call: str, arguments: Arguments, place: Place) -> list[Need]:
    """`call` is `<boto3 service>.<Operation>`; task tokens and names of secrets come resolved, as
    `stateMachineArn` and as an ARN. Raises `UnknownCall`."""
    try:
        rule = _RULES[call]
    except KeyError:
        raise UnknownCall(f"{call}: say in iam_actions.py which IAM action it takes, and of what") from None
    return list(rule(arguments, place))


_Rule = Callable[[Arguments, Place], Iterable[Need]]


def _of(action: str, resource: Callable[[Arguments, Place], str]) -> _Rule:
    return lambda asked, place: [Need(action, resource(asked, place))]


def _table(asked: Arguments, place: Place) -> str:
    table = place.arn("dynamodb", f"table/{asked['TableName']}")
    # A query of an index is one of the index alone.
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/using-identity-based-policies.html
    return f"{table}/index/{asked['IndexName']}" if "IndexName" in asked else table


def _transact_get(asked: Arguments, place: Place) -> Iterable[Need]:
    # No action of its own: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
    tables = {_table(one["Get"], place) for one in asked["TransactItems"]}
    return [Need("dynamodb:GetItem", table) for table in sorted(tables)]


def _put_events(asked: Arguments, place: Place) -> Iterable[Need]:
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html
    buses = {entry.get("EventBusName", "default").rpartition("/")[2] for entry in asked["Entries"]}
    return [Need("events:PutEvents", place.arn("events", f"event-bus/{bus}")) for bus in sorted(buses)]


def _function(asked: Arguments, place: Place) -> str:
    name = str(asked["FunctionName"])
    return name if name.startswith("arn:") else place.arn("lambda", f"function:{name}")


def _machine(asked: Arguments, _: Place) -> str:
    return str(asked["stateMachineArn"])


def _execution(asked: Arguments, _: Place) -> str:
    return str(asked["executionArn"])


def _secret(asked: Arguments, _: Place) -> str:
    return str(asked["SecretId"])


def _queue(asked: Arguments, place: Place) -> str:
    return place.arn("sqs", str(asked["QueueUrl"]).rpartition("/")[2])


def _schedule(asked: Arguments, place: Place) -> str:
    group = asked.get("GroupName") or asked.get("groupName") or "default"
    return place.arn("scheduler", f"schedule/{group}/{asked['Name']}")


def _schedule_with_role(action: str) -> _Rule:
    # Who has Scheduler act as a role must be allowed to hand it on.
    # https://docs.aws.amazon.com/scheduler/latest/UserGuide/setting-up.html#setting-up-execution-role
    def rule(asked: Arguments, place: Place) -> Iterable[Need]:
        passed = {"iam:PassedToService": "scheduler.amazonaws.com"}
        return [
            Need(action, _schedule(asked, place)),
            Need("iam:PassRole", asked["Target"]["RoleArn"], passed),
        ]

    return rule


def _list_objects(asked: Arguments, place: Place) -> Iterable[Need]:
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
    bucket = f"arn:{place.partition}:s3:::{asked['Bucket']}"
    return [Need("s3:ListBucket", bucket, {"s3:prefix": asked["prefix"]} if asked.get("prefix") else {})]


def _object(asked: Arguments, place: Place) -> str:
    return f"arn:{place.partition}:s3:::{asked['Bucket']}/{asked['Key']}"


def _log_group(asked: Arguments, place: Place) -> str:
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html
    return place.arn("logs", f"log-group:{asked['logGroupName']}:log-stream:")


def _glue_job(asked: Arguments, place: Place) -> str:
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsglue.html
    return place.arn("glue", f"job/{asked.get('JobName') or asked['Name']}")


def _cluster(asked: Arguments, place: Place) -> str:
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticmapreduce.html
    return place.arn("elasticmapreduce", f"cluster/{asked.get('ClusterId') or asked['JobFlowId']}")


def _application(asked: Arguments, place: Place) -> str:
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonemrserverless.html
    return place.arn("emr-serverless", f"/applications/{asked['applicationId']}")


def _job_run(asked: Arguments, place: Place) -> str:
    return f"{_application(asked, place)}/jobruns/{asked['jobRunId']}"


def _start_job_run(asked: Arguments, place: Place) -> Iterable[Need]:
    passed = {"iam:PassedToService": "emr-serverless.amazonaws.com"}
    yield Need("emr-serverless:StartJobRun", _application(asked, place))
    yield Need("iam:PassRole", asked["executionRoleArn"], passed)


# Where nothing is said, an operation is called as its action is.
_RULES: Mapping[str, _Rule] = {
    "dynamodb.GetItem": _of("dynamodb:GetItem", _table),
    "dynamodb.PutItem": _of("dynamodb:PutItem", _table),
    "dynamodb.UpdateItem": _of("dynamodb:UpdateItem", _table),
    "dynamodb.DeleteItem": _of("dynamodb:DeleteItem", _table),
    "dynamodb.Query": _of("dynamodb:Query", _table),
    "dynamodb.TransactGetItems": _transact_get,
    "events.PutEvents": _put_events,
    # https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
    "lambda.Invoke": _of("lambda:InvokeFunction", _function),
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsstepfunctions.html
    "stepfunctions.StartExecution": _of("states:StartExecution", _machine),
    "stepfunctions.DescribeExecution": _of("states:DescribeExecution", _execution),
    "stepfunctions.StopExecution": _of("states:StopExecution", _execution),
    # AWS's own StepFunctionsCallbackPolicy gives these on the machine whose token it is.
    # https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-policy-template-list.html
    "stepfunctions.SendTaskSuccess": _of("states:SendTaskSuccess", _machine),
    "stepfunctions.SendTaskFailure": _of("states:SendTaskFailure", _machine),
    "secretsmanager.GetSecretValue": _of("secretsmanager:GetSecretValue", _secret),
    "sqs.ChangeMessageVisibility": _of("sqs:ChangeMessageVisibility", _queue),
    "scheduler.CreateSchedule": _schedule_with_role("scheduler:CreateSchedule"),
    "scheduler.UpdateSchedule": _schedule_with_role("scheduler:UpdateSchedule"),
    "scheduler.DeleteSchedule": _of("scheduler:DeleteSchedule", _schedule),
    "s3.ListObjectsV2": _list_objects,
    "s3.GetObject": _of("s3:GetObject", _object),
    "logs.FilterLogEvents": _of("logs:FilterLogEvents", _log_group),
    **{
        f"glue.{name}": _of(f"glue:{name}", _glue_job)
        for name in ("StartJobRun", "GetJobRun", "GetJobRuns", "BatchStopJobRun", "GetJob")
    },
    **{
        f"emr.{name}": _of(f"elasticmapreduce:{name}", _cluster)
        for name in ("AddJobFlowSteps", "ListSteps", "DescribeStep", "CancelSteps")
    },
    "emr-serverless.StartJobRun": _start_job_run,
    "emr-serverless.ListJobRuns": _of("emr-serverless:ListJobRuns", _application),
    "emr-serverless.GetJobRun": _of("emr-serverless:GetJobRun", _job_run),
    "emr-serverless.CancelJobRun": _of("emr-serverless:CancelJobRun", _job_run),
}
