"""A policy is read as IAM reads it, as far as ours go; beyond that it is an error, never a yes."""

import json
from typing import Any

import pytest

from interlock.local.iam_policy import Need, PolicyNotUnderstood, Verdict, judge, statements_of

TABLE = "arn:aws:dynamodb:eu-central-1:123456789012:table/orders"
READ = Need("dynamodb:GetItem", TABLE)


def verdict(need: Need, *statements: dict[str, Any]) -> Verdict:
    return judge(statements_of(json.dumps({"Version": "2012-10-17", "Statement": list(statements)})), need)


def a_statement(action: Any = "dynamodb:GetItem", resource: Any = TABLE, **others: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **others}


@pytest.mark.parametrize(
    ("action", "resource", "expected"),
    [
        pytest.param("dynamodb:GetItem", TABLE, Verdict.ALLOWED, id="the same"),
        pytest.param(["dynamodb:PutItem", "dynamodb:GetItem"], [TABLE], Verdict.ALLOWED, id="one of several"),
        pytest.param("DynamoDB:getitem", TABLE, Verdict.ALLOWED, id="actions have no case"),
        pytest.param("dynamodb:Get*", TABLE, Verdict.ALLOWED, id="a wildcard in the action"),
        pytest.param("dynamodb:GetItem", "*", Verdict.ALLOWED, id="everything"),
        pytest.param("dynamodb:GetItem", f"{TABLE[:-1]}?", Verdict.ALLOWED, id="one letter"),
        pytest.param("dynamodb:PutItem", TABLE, Verdict.NOT_ALLOWED, id="another action"),
        pytest.param("dynamodb:GetItem", f"{TABLE}-eu", Verdict.NOT_ALLOWED, id="a longer name"),
        pytest.param("dynamodb:GetItem", f"{TABLE}/index/due", Verdict.NOT_ALLOWED, id="its index"),
        pytest.param(
            "dynamodb:GetItem", TABLE.replace("1234", "9999"), Verdict.NOT_ALLOWED, id="another account"
        ),
        pytest.param(
            "dynamodb:GetItem", "arn:aws:dynamodb:*", Verdict.NOT_ALLOWED, id="parts that are missing"
        ),
    ],
)
def test_a_statement_allows_what_it_names(action: Any, resource: Any, expected: Verdict) -> None:
    assert verdict(READ, a_statement(action, resource)) is expected


def test_a_wildcard_at_the_end_stands_for_slashes_and_colons_too() -> None:
    need = Need("logs:PutLogEvents", "arn:aws:logs:eu-central-1:1:log-group:/aws/lambda/x:log-stream:a/b")

    assert verdict(need, a_statement("logs:PutLogEvents", need.resource[:50] + "*")) is Verdict.ALLOWED


def test_an_action_without_resources_takes_a_star() -> None:
    need = Need("dynamodb:ListStreams", "*")

    assert verdict(need, a_statement("dynamodb:ListStreams", "*")) is Verdict.ALLOWED
    assert verdict(need, a_statement("dynamodb:ListStreams", TABLE)) is Verdict.NOT_ALLOWED


def test_a_refusal_counts_more_than_a_permission() -> None:
    refusal = a_statement(Effect="Deny")

    assert verdict(READ, a_statement(), refusal) is Verdict.DENIED
    assert verdict(READ, refusal, a_statement()) is Verdict.DENIED


RULE = "arn:aws:events:eu-central-1:123456789012:rule/tick"


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        pytest.param({"StringEquals": {"aws:SourceArn": RULE}}, Verdict.ALLOWED, id="equal"),
        pytest.param(
            {"StringEquals": {"AWS:sourcearn": ["x", RULE]}}, Verdict.ALLOWED, id="keys have no case"
        ),
        pytest.param({"StringEquals": {"aws:SourceArn": "x"}}, Verdict.NOT_ALLOWED, id="another"),
        pytest.param({"StringNotEquals": {"aws:SourceArn": "x"}}, Verdict.ALLOWED, id="not equal"),
        pytest.param({"StringLike": {"aws:SourceArn": "*tick"}}, Verdict.ALLOWED, id="like"),
        pytest.param({"ArnEquals": {"aws:SourceArn": RULE}}, Verdict.ALLOWED, id="the ARN"),
        pytest.param({"ArnLike": {"aws:SourceArn": RULE[:-4] + "*"}}, Verdict.ALLOWED, id="like the ARN"),
        pytest.param({"ArnNotEquals": {"aws:SourceArn": RULE}}, Verdict.NOT_ALLOWED, id="not the ARN"),
        pytest.param({"Bool": {"aws:SecureTransport": "true"}}, Verdict.ALLOWED, id="a boolean"),
        pytest.param({"StringEquals": {"aws:Other": "x"}}, Verdict.NOT_ALLOWED, id="a key that is not there"),
        pytest.param({"StringEqualsIfExists": {"aws:Other": "x"}}, Verdict.ALLOWED, id="need not be there"),
        pytest.param({"StringNotEquals": {"aws:Other": "x"}}, Verdict.ALLOWED, id="cannot be equal"),
        pytest.param(
            {"StringEquals": {"aws:SourceArn": RULE}, "Bool": {"aws:SecureTransport": "false"}},
            Verdict.NOT_ALLOWED,
            id="all of them",
        ),
    ],
)
def test_a_condition_must_hold(condition: dict[str, Any], expected: Verdict) -> None:
    need = Need(READ.action, TABLE, {"aws:SourceArn": RULE, "aws:SecureTransport": "true"})

    assert verdict(need, a_statement(Condition=condition)) is expected


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        ({"Service": "events.amazonaws.com"}, Verdict.ALLOWED),
        ({"Service": ["s3.amazonaws.com", "events.amazonaws.com"]}, Verdict.ALLOWED),
        ("*", Verdict.ALLOWED),
        ({"AWS": "*"}, Verdict.ALLOWED),
        ({"Service": "s3.amazonaws.com"}, Verdict.NOT_ALLOWED),
    ],
)
def test_a_resources_policy_says_whom_it_is_about(principal: Any, expected: Verdict) -> None:
    need = Need(READ.action, TABLE, {"principal": "events.amazonaws.com"})

    assert verdict(need, a_statement(Principal=principal)) is expected


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param({"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}, id="NotAction"),
        pytest.param({"Effect": "Perhaps", "Action": "s3:GetObject", "Resource": "*"}, id="effect"),
        pytest.param(a_statement(Condition={"NumericLessThan": {"s3:max-keys": "10"}}), id="operator"),
        pytest.param(
            a_statement(Condition={"ForAllValues:StringEquals": {"aws:TagKeys": "a"}}), id="set operator"
        ),
        pytest.param(a_statement(Principal={"Federated": "x"}), id="principal"),
        pytest.param(a_statement(action=7), id="no text"),
        pytest.param({"Effect": "Allow", "Resource": "*"}, id="no action"),
    ],
)
def test_what_is_not_understood_is_an_error(statement: dict[str, Any]) -> None:
    with pytest.raises(PolicyNotUnderstood):
        verdict(READ, statement)


def test_text_that_is_no_policy_is_an_error() -> None:
    with pytest.raises(PolicyNotUnderstood):
        statements_of("no JSON")
