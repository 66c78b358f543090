"""What roles hold, by the plan of the module with everything switched on; what is used of it; and how the two differ."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from interlock.local.emulator import Permission
from interlock.local.iam_actions import Place, needs_of
from interlock.local.iam_policy import Need, Statement, Verdict, judge, statements_of
from interlock.simulation.play import play
from interlock.simulation.scenario_yaml import read_scenario_file
from interlock.simulation.tally import Request
from terraform.provider import ROOT, Provider
from terraform.workspace import Plan, a_workspace

SCENARIOS = ROOT / "pipelines" / "scenarios"
Held = Mapping[str, Sequence[Statement]]  # by whose role it is: a function, `scheduler` or `state-machine`
Used = Mapping[str, Sequence[Need]]
# Not AWS's: no role allows or forbids them.
ELSEWHERE = ("airflow.", "databricks.", "http.", "slack.")


@dataclass(frozen=True)
class Names:
    """What things are called in one installation."""

    prefix: str = "local-interlock"
    configs_bucket: str = "local-interlock-pipelines"
    configs_prefix: str = "pipelines/"
    account: str = "000000000000"
    region: str = "us-east-1"

    @property
    def place(self) -> Place:
        return Place(self.account, self.region)

    def arn(self, service: str, resource: str) -> str:
        return self.place.arn(service, resource)

    def table(self, name: str) -> str:
        return self.arn("dynamodb", f"table/{self.prefix}-{name}")

    def function(self, name: str) -> str:
        return self.arn("lambda", f"function:{self.prefix}-{name}")

    def queue(self, name: str) -> str:
        return self.arn("sqs", f"{self.prefix}-{name}")

    def role(self, name: str) -> str:
        return f"arn:aws:iam::{self.account}:role/{self.prefix}-{name}-{self.region}"

    @property
    def bus(self) -> str:
        return self.arn("events", f"event-bus/{self.prefix}-events")

    @property
    def machine(self) -> str:
        return self.arn("states", f"stateMachine:{self.prefix}-pipeline-run")

    @property
    def failures_bucket(self) -> str:
        return f"arn:aws:s3:::{self.prefix}-failures-{self.account}-{self.region}"

    @property
    def key(self) -> str:
        return self.arn("kms", "key/1234abcd-12ab-34cd-56ef-1234567890ab")

    @property
    def key_of_others(self) -> str:
        return self.arn("kms", "key/5678abcd-12ab-34cd-56ef-1234567890ab")

    @property
    def slack_secret(self) -> str:
        return self.arn("secretsmanager", f"secret:{self.prefix}/slack-AbCdEf")


# -- what is held


def plan_of_everything(provider: Provider, folder: Path, names: Names, **others: Any) -> Plan:
    """Every trigger, key, network and channel that gives somebody a permission."""
    emulated = {"TFSTUB_ACCOUNT": names.account, "AWS_REGION": names.region}
    return a_workspace(provider, folder, **emulated).plan(**{**everything(names), **others})


def everything(names: Names) -> dict[str, Any]:
    return {
        "project_name": "everything",
        "environment": names.prefix.removesuffix("-interlock"),
        "pipeline_configs": f"s3://{names.configs_bucket}/{names.configs_prefix}",
        "config_notification": "eventbridge",  # a bucket that is there is not asked for its notifications
        "lambda_zips": "s3://artifacts/interlock/",
        "slack_channel_id": "C-EVERYTHING",
        "slack_secret_arn": names.slack_secret,
        "kms_key_arn": names.key,
        "decryption_key_arns": [names.key_of_others],
        "enable_glue_trigger": True,
        "glue_job_arns": [names.arn("glue", "job/*")],
        "enable_emr_trigger": True,
        "emr_cluster_arns": [names.arn("elasticmapreduce", "cluster/*")],
        "enable_emr_serverless_trigger": True,
        "emr_serverless_application_arns": [names.arn("emr-serverless", "/applications/*")],
        "emr_serverless_execution_role_arns": [f"arn:aws:iam::{names.account}:role/jobs"],
        "enable_step_function_trigger": True,
        "step_function_arns": [names.arn("states", "stateMachine:machine-*")],
        "enable_lambda_trigger": True,
        "lambda_function_arns": [names.arn("lambda", "function:function-*")],
        "job_secret_arns": [names.arn("secretsmanager", "secret:flow/*")],
        "vpc_subnet_ids": ["subnet-0123456789abcdef0"],
        "vpc_security_group_ids": ["sg-0123456789abcdef0"],
        "vpc_functions": [
            *("stream_router", "orchestrator", "sla_monitor", "watchdog"),
            *("event_sink", "alert_dispatcher", "config_sync"),
        ],
    }


def held_by(plan: Plan) -> Held:
    """The statements of each role's policies; none may be unknown before it is applied."""
    found: dict[str, list[Statement]] = {}
    for each in plan.resources:
        if each.type == "aws_iam_role_policy":
            role = re.sub(r"\.aws_iam_role_policy\.(this|vpc\[0\])$", "", each.address)
            whose = role.rpartition(".")[2]
            found.setdefault(whose.replace("_", "-"), []).extend(statements_of(each.after["policy"]))
    return found


# -- what is used


def used_in_scenarios(names: Names) -> dict[str, list[Need]]:
    """By each function, in every scenario there is: what its calls take of IAM."""
    found: dict[str, dict[str, Need]] = {}
    for request in sorted(_requests()):
        if not request.call.startswith(ELSEWHERE):
            needs = needs_of(request.call, _arguments(request, names), names.place)
            found.setdefault(request.function, {}).update({str(need): need for need in needs})
    return {function: list(needs.values()) for function, needs in found.items()}


def _requests() -> set[Request]:
    found: set[Request] = set()
    for file in sorted(SCENARIOS.rglob("*.yaml")):
        played = play(read_scenario_file(file))
        for tally in (played.cost, played.background, played.loading):
            found |= tally.requests
    return found


def _arguments(request: Request, names: Names) -> dict[str, Any]:
    """The simulator has no ARNs: what its target is called in an installation."""
    service, _, operation = request.call.partition(".")
    if service == "dynamodb":
        table, _, index = request.target.partition("/index/")
        one = {"TableName": f"{names.prefix}-{table}", **({"IndexName": index} if index else {})}
        return {"TransactItems": [{"Get": one}]} if operation == "TransactGetItems" else one
    if service == "lambda":
        own = names.function(request.target)
        return {"FunctionName": "function-1" if request.target == "a job" else own}
    if service == "stepfunctions":
        machine = (
            names.arn("states", "stateMachine:machine-1") if request.target == "a job" else names.machine
        )
        return {"stateMachineArn": machine, "executionArn": names.arn("states", "execution:machine-1:run")}
    return {**_OF_ONE_THING[service](names), "logGroupName": request.target}


_OF_ONE_THING: Mapping[str, Any] = {
    "events": lambda names: {"Entries": [{"EventBusName": names.bus}]},
    "scheduler": lambda names: {
        "GroupName": names.prefix,
        "Name": "any",
        "Target": {"RoleArn": names.role("scheduler")},
    },
    "s3": lambda names: {
        "Bucket": names.configs_bucket,
        "prefix": names.configs_prefix,
        "Key": f"{names.configs_prefix}any.yaml",
    },
    "sqs": lambda names: {"QueueUrl": f"https://sqs/{names.prefix}-alerts"},
    "secretsmanager": lambda names: {"SecretId": names.arn("secretsmanager", "secret:flow/job-AbCdEf")},
    "logs": lambda _: {},
    "glue": lambda _: {"JobName": "any"},
    "emr": lambda _: {"ClusterId": "any"},
    "emr-serverless": lambda names: {
        "applicationId": "any",
        "jobRunId": "any",
        "executionRoleArn": f"arn:aws:iam::{names.account}:role/jobs",
    },
}


def used_under_roles(permissions: Iterable[Permission], names: Names) -> dict[str, list[Need]]:
    """By whose role it was used, on an embedded stack of these names."""
    found: dict[str, list[Need]] = {}
    for one in permissions:
        whose = _whose(one.who, names)
        if whose is not None:
            need = Need(one.action, _planned(one.resource, names), _said(one, whose, names))
            found.setdefault(whose, []).append(need)
    return found


def _whose(who: str, names: Names) -> str | None:
    """None for who has no role of ours: a service let in by a policy, a job."""
    services = {
        f"{names.prefix}-pipeline-run": "state-machine",
        f"schedules of {names.prefix}": "scheduler",
    }
    function = who.removeprefix(f"{names.prefix}-")
    return services.get(who) or (function if function != who else None)


def _planned(resource: str, names: Names) -> str:
    """The secret's ARN ends in what the emulator chose."""
    return names.slack_secret if resource.startswith(names.slack_secret[:-6]) else resource


def _said(one: Permission, function: str, names: Names) -> dict[str, str]:
    """What the request said beside: the records keep no contexts."""
    service = "emr-serverless" if function == "orchestrator" else "scheduler"
    said = {"iam:PassRole": {"iam:PassedToService": f"{service}.amazonaws.com"}}
    return {**said, "s3:ListBucket": {"s3:prefix": names.configs_prefix}}.get(one.action, {})


def together(*all_used: Used) -> Used:
    whose = sorted({each for used in all_used for each in used})
    return {each: [need for used in all_used for need in used.get(each, ())] for each in whose}


# -- how they differ


def missing(held: Held, used: Used) -> list[str]:
    """What is used and not allowed."""
    return [
        f"{whose} lacks {need}"
        for whose, needs in used.items()
        for need in needs
        if judge(held.get(whose, ()), need) is not Verdict.ALLOWED
    ]


def unused(held: Held, used: Used) -> list[str]:
    """What is allowed and used by nobody: each action of a statement on each of its resources."""
    return [
        f"{whose} does not use {one.actions[0]} on {one.resources[0]} ({one.sid})"
        for whose, statements in held.items()
        for one in each_permission(statements)
        if not any(one.matches(need) for need in used.get(whose, ()))
    ]


def too_wide(held: Held, know_no_resources: Iterable[str]) -> list[str]:
    """Wildcards in actions; and in resources "*", unless the action knows no finer ones."""
    known = frozenset(know_no_resources)
    return [
        f"{whose} may {one.actions[0]} on {one.resources[0]} ({one.sid})"
        for whose, statements in held.items()
        for one in each_permission(statements)
        if set("*?") & set(one.actions[0]) or (one.resources[0] == "*" and one.actions[0] not in known)
    ]


def each_permission(statements: Iterable[Statement]) -> Iterator[Statement]:
    """Of one action on one resource each."""
    for statement in statements:
        for action in statement.actions:
            for resource in statement.resources:
                yield replace(statement, actions=(action,), resources=(resource,))
