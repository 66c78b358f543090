"""Rules, buckets and schedules reach what they are for, since its policy lets them in; and nobody else gets in."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from interlock.local.iam_policy import Need, Statement, Verdict, judge, statements_of
from terraform.least_privilege import Names, plan_of_everything
from terraform.on_our_behalf import FUNCTIONS
from terraform.provider import ROOT, Provider
from terraform.workspace import Plan

pytestmark = pytest.mark.xdist_group("terraform")

ENCRYPTED = {"aws:SecureTransport": "true"}


@dataclass(frozen=True)
class Way:
    """By which a service brings something to one of ours."""

    service: str
    source: str  # ARN
    target: str  # ARN

    def need(self, **context: str) -> Need:
        action = "lambda:InvokeFunction" if ":lambda:" in self.target else "sqs:SendMessage"
        account = self.target.split(":")[4]
        said = {"principal": self.service, "aws:SourceArn": self.source, "aws:SourceAccount": account}
        return Need(action, self.target, {**ENCRYPTED, **said, **context})


@dataclass(frozen=True)
class Installed:
    """One way to install the module, as planned."""

    names: Names
    plan: Plan

    def of(self, kind: str) -> list[Mapping[str, Any]]:
        return [each.after for each in self.plan.resources if each.type == kind]

    def ways(self) -> list[Way]:
        return [*self._rules(), *self._bus(), *self._configs()]

    def _rules(self) -> Iterator[Way]:
        for target in self.of("aws_cloudwatch_event_target"):
            bus = target.get("event_bus_name") or "default"
            rule = target["rule"] if bus == "default" else f"{bus}/{target['rule']}"
            source = self.names.arn("events", f"rule/{rule}")
            yield Way("events.amazonaws.com", source, target["arn"])
            assert target["dead_letter_config"]
            yield Way("events.amazonaws.com", source, self.names.queue("rule-failures-dead"))

    def _bus(self) -> Iterator[Way]:
        """What it cannot decrypt."""
        for bus in self.of("aws_cloudwatch_event_bus"):
            if bus.get("dead_letter_config"):
                yield Way("events.amazonaws.com", self.names.bus, self.names.queue("rule-failures-dead"))

    def _configs(self) -> Iterator[Way]:
        for notification in self.of("aws_s3_bucket_notification"):
            if notification.get("lambda_function"):
                bucket = f"arn:aws:s3:::{self.names.configs_bucket}"
                yield Way("s3.amazonaws.com", bucket, self.names.function("config-sync"))

    def policies(self) -> list[Statement]:
        """Of all functions and queues: each statement names what it is of."""
        queues = [each["policy"] for each in self.of("aws_sqs_queue_policy")]
        functions = [self._of_function(each) for each in self.of("aws_lambda_permission")]
        return [statement for policy in (*queues, *functions) for statement in statements_of(policy)]

    def _of_function(self, permission: Mapping[str, Any]) -> str:
        """As Lambda writes it. https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html"""
        account = permission.get("source_account")
        condition = {
            "ArnLike": {"AWS:SourceArn": permission["source_arn"]},
            **({"StringEquals": {"AWS:SourceAccount": account}} if account else {}),
        }
        statement = {
            "Sid": permission["statement_id"],
            "Effect": "Allow",
            "Principal": {"Service": permission["principal"]},
            "Action": permission["action"],
            "Resource": self.names.arn("lambda", f"function:{permission['function_name']}"),
            "Condition": condition,
        }
        return json.dumps({"Statement": [statement]})


@pytest.fixture(scope="module", params=["a bucket of the user's", "a bucket of the module's"])
def installed(
    request: pytest.FixtureRequest, stand_in: Provider, tmp_path_factory: pytest.TempPathFactory
) -> Installed:
    folder, names = tmp_path_factory.mktemp("plan"), Names()
    if request.param == "a bucket of the user's":
        return Installed(names, plan_of_everything(stand_in, folder, names))
    own = Names(configs_bucket=f"{names.prefix}-configs-{names.account}-{names.region}")
    others = {
        "pipeline_configs": str(ROOT / "terraform" / "examples" / "complete" / "pipelines"),
        "config_notification": "s3",
        "kms_key_arn": None,
    }
    return Installed(own, plan_of_everything(stand_in, folder, own, **others))


def test_whatever_is_sent_is_let_in(installed: Installed) -> None:
    policies = installed.policies()

    refused = [way for way in installed.ways() if judge(policies, way.need()) is not Verdict.ALLOWED]

    assert refused == []


def test_every_way_in_is_used(installed: Installed) -> None:
    needs = [way.need() for way in installed.ways()]
    allowed = [each for each in installed.policies() if each.effect == "Allow"]
    sources = [
        (statement, source)
        for statement in allowed
        for keys in statement.conditions.values()
        for key, wanted in keys.items()
        if key.lower() == "aws:sourcearn"
        for source in wanted
    ]

    assert {id(statement) for statement, _ in sources} == {id(statement) for statement in allowed}
    unused = [
        f"{statement.resources[0]} lets in {source}"
        for statement, source in sources
        if not any(statement.matches(need) and need.context["aws:SourceArn"] == source for need in needs)
    ]
    assert unused == []


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(
            {"aws:SourceArn": "arn:aws:events:us-east-1:000000000000:rule/another"}, id="another rule"
        ),
        pytest.param({"aws:SourceArn": "arn:aws:s3:::another"}, id="another bucket"),
        pytest.param({"principal": "sns.amazonaws.com"}, id="another service"),
    ],
)
def test_nobody_else_is_let_in(installed: Installed, other: dict[str, str]) -> None:
    policies = installed.policies()

    assert [way for way in installed.ways() if judge(policies, way.need(**other)) is Verdict.ALLOWED] == []


def test_nothing_is_sent_to_a_queue_without_encryption(installed: Installed) -> None:
    to_queues = [way for way in installed.ways() if ":sqs:" in way.target]
    plainly = {
        way: judge(installed.policies(), way.need(**{"aws:SecureTransport": "false"})) for way in to_queues
    }

    assert set(plainly.values()) == {Verdict.DENIED}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_bus_takes_events_of_those_who_publish_them_alone(installed: Installed, function: str) -> None:
    (bus,) = installed.of("aws_cloudwatch_event_bus_policy")
    role = {"aws:PrincipalArn": installed.names.role(function), "aws:PrincipalIsAWSService": "false"}

    refused = judge(statements_of(bus["policy"]), Need("events:PutEvents", installed.names.bus, role))

    publishes = function in ("stream-router", "watchdog")
    assert refused is (Verdict.NOT_ALLOWED if publishes else Verdict.DENIED)


def test_the_bus_takes_the_events_that_eventbridge_replays(installed: Installed) -> None:
    (bus,) = installed.of("aws_cloudwatch_event_bus_policy")
    service = {"principal": "events.amazonaws.com", "aws:PrincipalIsAWSService": "true"}

    verdict = judge(statements_of(bus["policy"]), Need("events:PutEvents", installed.names.bus, service))

    assert verdict is Verdict.NOT_ALLOWED  # by this policy; not denied either


def test_each_role_is_taken_on_by_its_service_alone(installed: Installed) -> None:
    trusted = {
        each["name"]: {
            service
            for statement in json.loads(each["assume_role_policy"])["Statement"]
            for service in statement["Principal"].values()
        }
        for each in installed.of("aws_iam_role")
    }

    region, prefix = installed.names.region, installed.names.prefix
    expected = {f"{prefix}-{name}-{region}": {"lambda.amazonaws.com"} for name in FUNCTIONS}
    expected[f"{prefix}-scheduler-{region}"] = {"scheduler.amazonaws.com"}
    expected[f"{prefix}-pipeline-run-{region}"] = {"states.amazonaws.com"}
    assert trusted == expected


@pytest.mark.parametrize("name", ["scheduler", "pipeline-run"])
def test_a_service_takes_on_its_role_for_this_installation_alone(installed: Installed, name: str) -> None:
    """Else another account's schedule or machine could have the service act as ours (a confused deputy)."""
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    whole = {each["name"]: each["assume_role_policy"] for each in installed.of("aws_iam_role")}
    (statement,) = json.loads(whole[f"{installed.names.prefix}-{name}-{installed.names.region}"])["Statement"]

    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": installed.names.account}
    source = {
        "scheduler": installed.names.arn("scheduler", f"schedule-group/{installed.names.prefix}"),
        "pipeline-run": installed.names.machine,
    }
    assert statement["Condition"]["ArnEquals"] == {"aws:SourceArn": source[name]}
