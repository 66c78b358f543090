"""What holds for everything that the module makes: read from whole plans, with every setting and with none."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from interlock.local.zip_contents import FUNCTIONS
from terraform.provider import Provider
from terraform.small_module import IN_VPC, KEY, SMALL, TRIGGERS
from terraform.workspace import Change, Plan, a_workspace

# For xdist: the plans are made once.
pytestmark = pytest.mark.xdist_group("terraform-whole-plan")

LONGEST_REGION = "ap-southeast-1"  # none has more than 14 characters
TOPIC = "arn:aws:sns:us-east-1:123456789012:on-call"
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"
EVERYTHING: dict[str, Any] = {
    **SMALL,
    "environment": "a234567890123456",
    "project_name": "a2345678901234567890123456789012",
    "kms_key_arn": KEY.replace("us-east-1", LONGEST_REGION),
    # Given, so that the plan knows its ARN, and with it alert-dispatcher's policy.
    "slack_secret_arn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:slack-AbCdEf",
    "config_notification": "eventbridge",
    "sns_alarm_topic_arn": TOPIC,
    "permissions_boundary_arn": BOUNDARY,
    "tags": {"Team": "data"},
    "log_retention_days": 7,
    **IN_VPC,
    "vpc_functions": ["orchestrator", "config_sync"],
    **{name: value for trigger in TRIGGERS.values() for name, value in trigger.items()},
}


@pytest.fixture(scope="module")
def small(stand_in: Provider, tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return a_workspace(stand_in, tmp_path_factory.mktemp("small") / "project").plan(**SMALL)


@pytest.fixture(scope="module")
def whole(stand_in: Provider, tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """Every setting, in the longest names that are allowed, and configs from a directory."""
    folder = tmp_path_factory.mktemp("whole") / "project"
    workspace = a_workspace(stand_in, folder, AWS_REGION=LONGEST_REGION)
    return workspace.plan(**EVERYTHING | {"pipeline_configs": "./tests/configs/good"})


def of_type(plan: Plan, *types: str) -> list[Change]:
    return [each for each in plan.resources if each.type in types]


# The length that each service allows: its own documentation of the API that creates it, and
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
LONGEST = {
    ("aws_cloudwatch_dashboard", "dashboard_name"): 255,
    ("aws_cloudwatch_event_archive", "name"): 48,
    ("aws_cloudwatch_event_bus", "name"): 256,
    ("aws_cloudwatch_event_rule", "description"): 512,
    ("aws_cloudwatch_event_rule", "event_pattern"): 2048,
    ("aws_cloudwatch_event_rule", "name"): 64,
    ("aws_cloudwatch_log_group", "name"): 512,
    ("aws_cloudwatch_metric_alarm", "alarm_description"): 1024,
    ("aws_cloudwatch_metric_alarm", "alarm_name"): 255,
    ("aws_dynamodb_table", "name"): 255,
    ("aws_iam_role", "description"): 1000,
    ("aws_iam_role", "name"): 64,
    ("aws_iam_role_policy", "policy"): 10_240,
    ("aws_lambda_function", "description"): 256,
    ("aws_lambda_function", "function_name"): 64,
    ("aws_lambda_permission", "statement_id"): 100,
    ("aws_s3_bucket", "bucket"): 63,
    ("aws_scheduler_schedule_group", "name"): 64,
    ("aws_sfn_state_machine", "name"): 80,
    ("aws_sqs_queue", "name"): 80,
}


@pytest.mark.parametrize(("type_", "attribute"), LONGEST)
def test_the_longest_names_fit_what_aws_allows(whole: Plan, type_: str, attribute: str) -> None:
    found = [each.after[attribute] for each in of_type(whole, type_) if each.after[attribute]]

    assert found
    assert [text for text in found if len(text) > LONGEST[type_, attribute]] == []


@pytest.mark.parametrize(("plan", "given"), [("small", SMALL), ("whole", EVERYTHING)])
def test_what_can_have_tags_has_those_of_the_module_and_the_users(
    plan: str, given: Mapping[str, Any], request: pytest.FixtureRequest
) -> None:
    wanted = {"Project": given["project_name"], "Environment": given["environment"], "ManagedBy": "interlock"}
    wanted |= given.get("tags", {})
    taggable = [each for each in request.getfixturevalue(plan).resources if "tags" in each.after]

    assert len(taggable) > 40
    assert [
        each.address for each in taggable if not wanted.items() <= (each.after["tags"] or {}).items()
    ] == []


def test_tags_are_spelled_as_every_service_allows(whole: Plan) -> None:
    # https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
    allowed = re.compile(r"[\w .:/=+\-@]{0,256}")
    tags = [(each.address, tag) for each in whole.resources for tag in (each.after.get("tags") or {}).items()]

    assert [found for found in tags if not all(allowed.fullmatch(text) for text in found[1])] == []


def test_an_uploaded_config_has_no_more_tags_than_an_object_takes(
    stand_in: Provider, tmp_path_factory: pytest.TempPathFactory
) -> None:
    workspace = a_workspace(stand_in, tmp_path_factory.mktemp("tags") / "project")
    many = {"tags": {f"Tag{number}": "x" for number in range(40)}}

    plan = workspace.plan(**SMALL | {"pipeline_configs": "./tests/configs/good"} | many)

    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
    tagged = [each.after["tags"] for each in of_type(plan, "aws_s3_object")]
    assert tagged
    assert [tags for tags in tagged if not {"Project", "Environment"} <= tags.keys() or len(tags) > 10] == []


def test_what_no_region_keeps_apart_has_the_region_in_its_name(whole: Plan) -> None:
    """Roles, buckets and dashboards are of an account: a second region's must not be the same."""
    names = [each.after["name"] for each in of_type(whole, "aws_iam_role")]
    names += [each.after["bucket"] for each in of_type(whole, "aws_s3_bucket")]
    names += [each.after["dashboard_name"] for each in of_type(whole, "aws_cloudwatch_dashboard")]

    assert len(names) > 10
    assert [name for name in names if not name.endswith(f"-{LONGEST_REGION}")] == []


NEEDED_BY_FUNCTIONS = {
    "aws_dynamodb_table.this",
    "aws_scheduler_schedule_group.this",
    "aws_iam_role_policy.scheduler",
}


@pytest.mark.parametrize("caller", ["aws_cloudwatch_event_target.this", "aws_s3_bucket_notification.configs"])
def test_nothing_calls_a_function_before_what_it_uses_is_there(small: Plan, caller: str) -> None:
    """Else a first apply, and a destroy, would leave dead letters, and an alarm."""
    declared = small.document["configuration"]["root_module"]["resources"]
    (waits_for,) = [set(each["depends_on"]) for each in declared if each["address"] == caller]

    assert waits_for >= NEEDED_BY_FUNCTIONS


def policies(plan: Plan) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every statement of every policy, with the address of its resource."""
    for each in plan.resources:
        for attribute in ("policy", "assume_role_policy"):
            if each.after.get(attribute):
                yield from ((each.address, one) for one in json.loads(each.after[attribute])["Statement"])


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


@pytest.mark.parametrize("plan", ["small", "whole"])
def test_no_action_has_a_star(plan: str, request: pytest.FixtureRequest) -> None:
    actions = [
        (address, action)
        for address, statement in policies(request.getfixturevalue(plan))
        for action in listed(statement["Action"])
    ]

    assert len(actions) > 90
    assert [found for found in actions if "*" in found[1]] == []


def test_nothing_is_allowed_to_everybody(whole: Plan) -> None:
    open_to_all = [
        address
        for address, statement in policies(whole)
        if statement["Effect"] == "Allow" and statement.get("Principal") in ("*", {"AWS": "*"})
    ]

    assert open_to_all == []


def test_a_queues_policy_is_about_that_queue(whole: Plan) -> None:
    """Whose it is, a plan knows by reference alone: a queue has no URL yet."""
    about = {
        each.address: {
            one["Resource"].rpartition("-interlock-")[2]
            for one in json.loads(each.after["policy"])["Statement"]
        }
        for each in of_type(whole, "aws_sqs_queue_policy")
    }
    attached = {
        each["address"]: each["expressions"]["queue_url"]["references"][0]
        for each in whole.document["configuration"]["root_module"]["resources"]
        if each["address"] in about  # those of a `for_each` are made for the queues that they name
    }

    assert len(attached) == 3
    for address, reference in attached.items():
        (queue,) = about[address]
        assert reference in (f'aws_sqs_queue.dead_letters["{queue}"].id', f"aws_sqs_queue.{queue}.id")


def gained(plan: Plan) -> dict[str, tuple[set[str], list[str]]]:
    """What orchestrator may do, by statement: the actions, on what."""
    policy = next(
        each for each in plan.resources if each.address == "module.orchestrator.aws_iam_role_policy.this"
    )
    return {
        each["Sid"]: (set(each["Action"]), each["Resource"])
        for each in json.loads(policy.after["policy"])["Statement"]
    }


def test_config_sync_lists_its_prefix_and_nothing_else_of_the_users_bucket(small: Plan) -> None:
    statements = [
        one for address, one in policies(small) if address == "module.config_sync.aws_iam_role_policy.this"
    ]
    (listing,) = [one for one in statements if one["Action"] == ["s3:ListBucket"]]
    (reading,) = [one for one in statements if one["Action"] == ["s3:GetObject"]]

    assert listing["Condition"] == {"StringEquals": {"s3:prefix": ["pipelines/"]}}
    assert reading["Resource"] == ["arn:aws:s3:::configs/pipelines/*"]


TRIGGER_STATEMENTS = {
    "GlueJobs": "glue_job_arns",
    "EmrSteps": "emr_cluster_arns",
    "EmrServerlessApplications": "emr_serverless_application_arns",
    "EmrServerlessRoles": "emr_serverless_execution_role_arns",
    "StartStateMachines": "step_function_arns",
    "InvokeFunctions": "lambda_function_arns",
}


@pytest.mark.parametrize(("statement", "variable"), TRIGGER_STATEMENTS.items())
def test_a_trigger_opens_what_was_named_and_nothing_else(whole: Plan, statement: str, variable: str) -> None:
    assert gained(whole)[statement][1] == EVERYTHING[variable]


def test_executions_of_the_named_state_machines_can_be_followed(whole: Plan) -> None:
    assert gained(whole)["FollowExecutions"][1] == [
        "arn:aws:states:us-east-1:123456789012:execution:nightly:*"
    ]


def test_job_runs_of_the_named_applications_can_be_followed(whole: Plan) -> None:
    assert gained(whole)["EmrServerlessJobRuns"][1] == [
        "arn:aws:emr-serverless:us-east-1:123456789012:/applications/00f/jobruns/*"
    ]


def test_without_triggers_no_job_can_be_started(small: Plan) -> None:
    services = {action.partition(":")[0] for actions, _ in gained(small).values() for action in actions}

    assert services == {"dynamodb", "states", "logs", "sqs"}


def named(name: str) -> str:
    return f"{EVERYTHING['environment']}-interlock-{name.replace('_', '-')}"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_its_log_group_with_retention(whole: Plan, name: str) -> None:
    kept = {
        each.after["name"]: each.after["retention_in_days"]
        for each in of_type(whole, "aws_cloudwatch_log_group")
    }

    assert kept[f"/aws/lambda/{named(name)}"] == 7


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_alarms_for_errors_and_throttles(whole: Plan, name: str) -> None:
    metrics = {
        each.after["metric_name"]
        for each in of_type(whole, "aws_cloudwatch_metric_alarm")
        if each.after["dimensions"] == {"FunctionName": named(name)}
    }

    assert metrics >= {"Errors", "Throttles"}


def test_every_alarm_is_told_by_its_prefix_and_to_the_topic(whole: Plan) -> None:
    alarms = of_type(whole, "aws_cloudwatch_metric_alarm")

    assert len(alarms) > 20
    assert {each.after["alarm_name"][:27] for each in alarms} == {f"{EVERYTHING['environment']}-interlock-"}
    assert {tuple(each.after["alarm_actions"]) for each in alarms} == {(TOPIC,)}


# What AWS publishes, and of what: a name of any other kind would make an alarm that never goes off.
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
# https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html
PUBLISHED = {
    ("AWS/Lambda", "FunctionName"): {"Errors", "Throttles", "IteratorAge", "DestinationDeliveryFailures"},
    ("AWS/SQS", "QueueName"): {
        "ApproximateAgeOfOldestMessage",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesVisible",
    },
    ("AWS/States", "StateMachineArn"): {"ExecutionsFailed", "ExecutionsTimedOut"},
    ("AWS/Events", "RuleName"): {"FailedInvocations"},
    ("AWS/Events", "EventBusName RuleName"): {"FailedInvocations"},
}


def test_every_alarm_looks_at_a_metric_that_somebody_publishes(whole: Plan) -> None:
    by_aws = [
        each.after
        for each in of_type(whole, "aws_cloudwatch_metric_alarm")
        if each.after["namespace"] != "Interlock"
    ]
    kinds = {(alarm["namespace"], " ".join(sorted(alarm["dimensions"]))) for alarm in by_aws}

    assert kinds == PUBLISHED.keys()
    assert [
        alarm["alarm_name"]
        for alarm in by_aws
        if alarm["metric_name"] not in PUBLISHED[alarm["namespace"], " ".join(sorted(alarm["dimensions"]))]
    ] == []


def test_every_alarm_looks_at_something_that_the_module_makes(whole: Plan) -> None:
    made = {each.after["function_name"] for each in of_type(whole, "aws_lambda_function")}
    named_types = ("aws_sqs_queue", "aws_cloudwatch_event_rule", "aws_cloudwatch_event_bus")
    made |= {each.after["name"] for each in of_type(whole, *named_types, "aws_sfn_state_machine")}
    watched = {
        value.rpartition(":")[2]
        for each in of_type(whole, "aws_cloudwatch_metric_alarm")
        for value in each.after["dimensions"].values()
    }

    assert len(watched) > 15
    assert watched - made == set()


def test_only_the_watchdogs_silence_is_an_alarm(whole: Plan) -> None:
    """With nothing to do there is nothing to publish: at night, and in an empty installation."""
    alarms = [each.after for each in of_type(whole, "aws_cloudwatch_metric_alarm")]
    (silent,) = [alarm for alarm in alarms if alarm["treat_missing_data"] != "notBreaching"]

    assert silent["treat_missing_data"] == "breaching"
    # As src/interlock/aws/observability.py writes it.
    assert (silent["metric_name"], silent["dimensions"]) == ("WatchdogTick", {"function": named("watchdog")})


def test_a_stream_that_is_a_minute_behind_is_an_alarm(whole: Plan) -> None:
    """Lambda tells the age in milliseconds."""
    (behind,) = [
        each.after
        for each in of_type(whole, "aws_cloudwatch_metric_alarm")
        if each.after["metric_name"] == "IteratorAge"
    ]

    assert (behind["threshold"], behind["evaluation_periods"]) == (60_000, 3)


def test_only_the_functions_that_were_named_are_in_the_vpc(whole: Plan) -> None:
    inside = {
        each.after["function_name"]
        for each in of_type(whole, "aws_lambda_function")
        if each.after["vpc_config"]
    }

    assert inside == {named("orchestrator"), named("config-sync")}


def test_a_boundary_bounds_every_role(whole: Plan) -> None:
    roles = of_type(whole, "aws_iam_role")

    assert len(roles) == len(FUNCTIONS) + 2
    assert {each.after["permissions_boundary"] for each in roles} == {BOUNDARY}


def test_every_function_has_a_role_of_its_own(whole: Plan) -> None:
    roles = [each.after["name"] for each in of_type(whole, "aws_iam_role")]
    owned = {f"{named(name)}-{LONGEST_REGION}" for name in FUNCTIONS}

    assert owned <= set(roles)
    assert len(roles) == len(set(roles))


def test_a_key_encrypts_settings_and_logs_of_every_function(whole: Plan) -> None:
    key = EVERYTHING["kms_key_arn"]

    assert {each.after["kms_key_arn"] for each in of_type(whole, "aws_lambda_function")} == {key}
    assert {each.after["kms_key_id"] for each in of_type(whole, "aws_cloudwatch_log_group")} == {key}
