"""Functions on the embedded stack may do what their roles allow, and what they use of that is known."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from interlock.local.emulator import Emulator, Permission
from local.emulator_kit import deploy, invoke, make_queue, make_table, unique

pytestmark = pytest.mark.embedded

READS_AND_WRITES = """
    import boto3
    from botocore.exceptions import ClientError

    def handler(event, context):
        dynamodb, key = boto3.client("dynamodb"), {"PK": {"S": "a"}, "SK": {"S": "b"}}
        answers = {}
        for name, arguments in (("get_item", {"Key": key}), ("put_item", {"Item": key})):
            try:
                getattr(dynamodb, name)(TableName=event, **arguments)
                answers[name] = "done"
            except ClientError as error:
                answers[name] = error.response["Error"]
        return answers
"""
READS_A_FILE = """
    import boto3
    from botocore.exceptions import ClientError

    def handler(event, context):
        try:
            boto3.client("s3").get_object(Bucket="configs", Key="pipelines/a.yaml")
        except ClientError as error:
            return error.response["Error"]["Code"]
"""


@pytest.fixture(scope="module")
def strict() -> Iterator[Emulator]:
    """An emulator in which roles count."""
    with Emulator() as emulator:
        emulator.enforce_permissions()
        yield emulator


def a_role(emulator: Emulator, *statements: dict[str, Any]) -> str:
    iam, name = emulator.client("iam"), unique("role")
    trusted = {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [trusted]}))
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    iam.put_role_policy(RoleName=name, PolicyName="permissions", PolicyDocument=policy)
    return f"arn:aws:iam::{emulator.account}:role/{name}"


def may(action: str, resource: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": [action], "Resource": [resource]}


def arn_of(emulator: Emulator, table: str) -> str:
    return f"arn:aws:dynamodb:{emulator.region}:{emulator.account}:table/{table}"


def test_a_call_that_the_role_does_not_allow_is_refused_and_the_others_go_through(strict: Emulator) -> None:
    table, _ = make_table(strict)
    role = a_role(strict, may("dynamodb:GetItem", arn_of(strict, table)))
    function = deploy(strict, READS_AND_WRITES, Role=role)

    answers, error = invoke(strict, function, table)

    assert error is None
    assert answers["get_item"] == "done"
    assert answers["put_item"]["Code"] == "AccessDeniedException"
    assert f"dynamodb:PutItem on {arn_of(strict, table)}" in answers["put_item"]["Message"]


def test_what_a_function_uses_is_known_by_function_action_and_resource(strict: Emulator) -> None:
    table, _ = make_table(strict)
    role = a_role(strict, may("dynamodb:GetItem", arn_of(strict, table)))
    function = deploy(strict, READS_AND_WRITES, Role=role)

    invoke(strict, function, table)

    used = {one for one in strict.permissions() if one.who == function}
    resource = arn_of(strict, table)
    assert used == {
        Permission(function, "dynamodb:GetItem", resource, granted=True),
        Permission(function, "dynamodb:PutItem", resource, granted=False),
    }


def test_a_role_that_nobody_made_allows_nothing(strict: Emulator) -> None:
    table, _ = make_table(strict)
    function = deploy(strict, READS_AND_WRITES)

    answers, _ = invoke(strict, function, table)

    assert {answer["Code"] for answer in answers.values()} == {"AccessDeniedException"}


def test_s3_refuses_in_its_own_words(strict: Emulator) -> None:
    function = deploy(strict, READS_A_FILE, Role=a_role(strict, may("s3:ListBucket", "arn:aws:s3:::configs")))

    assert invoke(strict, function) == ("AccessDenied", None)


def test_what_others_call_is_not_judged(strict: Emulator) -> None:
    before = strict.permissions()

    make_queue(strict)

    assert strict.permissions() == before


def test_until_it_is_asked_for_nothing_is_refused(emulator: Emulator) -> None:
    table, _ = make_table(emulator)

    answers, _ = invoke(emulator, deploy(emulator, READS_AND_WRITES), table)

    assert answers == {"get_item": "done", "put_item": "done"}
