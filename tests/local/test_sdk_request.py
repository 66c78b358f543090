"""A request of an SDK says which service it asks for what, and of what."""

from typing import Any

import pytest

from interlock.local.iam_actions import Place, UnknownCall, needs_of
from interlock.local.sdk_request import SdkRequest


def signed(service: str) -> str:
    return f"AWS4-HMAC-SHA256 Credential=key/20260301/us-east-1/{service}/aws4_request, Signature=x"


def a_request(
    service: str, method: str = "POST", path: str = "/", query: str = "", body: bytes = b"", **headers: str
) -> SdkRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return SdkRequest(method, path, query, {"authorization": signed(service), **named}, body)


@pytest.mark.parametrize(
    ("request_", "call", "arguments"),
    [
        pytest.param(
            a_request("dynamodb", body=b'{"TableName": "t"}', x_amz_target="DynamoDB_20120810.GetItem"),
            "dynamodb.GetItem",
            {"TableName": "t"},
            id="AWS JSON",
        ),
        pytest.param(
            a_request("states", body=b'{"taskToken": "t"}', x_amz_target="AWSStepFunctions.SendTaskSuccess"),
            "stepfunctions.SendTaskSuccess",
            {"taskToken": "t"},
            id="a service that boto3 calls otherwise",
        ),
        pytest.param(
            a_request(
                "lambda", path="/2015-03-31/functions/arn:aws:lambda:x:1:function:f/invocations", body=b"{}"
            ),
            "lambda.Invoke",
            {"FunctionName": "arn:aws:lambda:x:1:function:f"},
            id="in the path",
        ),
        pytest.param(
            a_request("scheduler", "DELETE", "/schedules/cron-a", "groupName=g&clientToken=c"),
            "scheduler.DeleteSchedule",
            {"Name": "cron-a", "groupName": "g"},
            id="in the path and the query",
        ),
        pytest.param(
            a_request("s3", "GET", "/configs", "list-type=2&prefix=pipelines%2F"),
            "s3.ListObjectsV2",
            {"Bucket": "configs", "prefix": "pipelines/"},
            id="told apart by the query",
        ),
        pytest.param(
            a_request("s3", "GET", "/configs/pipelines/new\nline?.yaml"),
            "s3.GetObject",
            {"Bucket": "configs", "Key": "pipelines/new\nline?.yaml"},
            id="a key of any characters",
        ),
    ],
)
def test_a_request_is_read(request_: SdkRequest, call: str, arguments: dict[str, Any]) -> None:
    assert request_.call == call
    found = request_.arguments()
    assert {name: found[name] for name in arguments} == arguments


def test_a_call_that_is_not_known_is_not_taken_for_a_permission() -> None:
    with pytest.raises(UnknownCall, match=r"dynamodb\.Scan: say in iam_actions"):
        needs_of("dynamodb.Scan", {"TableName": "t"}, Place("1", "x"))


def test_a_schedule_takes_the_right_to_hand_its_role_on() -> None:
    asked = {"Name": "n", "GroupName": "g", "Target": {"RoleArn": "arn:aws:iam::1:role/r"}}

    schedule, role = needs_of("scheduler.CreateSchedule", asked, Place("1", "x"))

    assert str(schedule) == "scheduler:CreateSchedule on arn:aws:scheduler:x:1:schedule/g/n"
    assert (role.action, role.resource) == ("iam:PassRole", "arn:aws:iam::1:role/r")
    assert role.context == {"iam:PassedToService": "scheduler.amazonaws.com"}
