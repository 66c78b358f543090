"""How a command finds an environment, and what it says when AWS does not answer as hoped."""

from __future__ import annotations

import argparse
import json

import pytest
from boto3.session import Session
from moto import mock_aws

from aws.tables import a_dynamo_table
from interlock.cli.cloud import Cloud, WrongUsage, add_cloud_arguments, answered, connect
from interlock.domain.bad_input import BadInput

KEY = ("PIPELINE#gold-revenue", "CONFIG")


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch):
    for name in (
        "INTERLOCK_ENVIRONMENT",
        "AWS_ENDPOINT_URL",
        "AWS_PROFILE",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "none")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with mock_aws():
        yield


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_cloud_arguments(parser)
    return parser.parse_args(arguments)


def tables(environment: str, region: str) -> None:
    client = Session(region_name=region).client("dynamodb")
    table = a_dynamo_table(client, f"{environment}-interlock-control")
    table.put({"PK": KEY[0], "SK": KEY[1], "of": f"{environment} {region}"})


def found(*arguments: str) -> str:
    row = connect(parsed(*arguments)).control.get(KEY)
    return str((row or {}).get("of"))


def test_the_tables_are_those_of_the_environment_and_region():
    tables("prod", "eu-west-1")
    tables("prod", "us-east-1")
    tables("dev", "eu-west-1")

    assert found("--environment", "prod", "--region", "eu-west-1") == "prod eu-west-1"
    assert found("--environment", "prod", "--region", "us-east-1") == "prod us-east-1"
    assert found("--environment", "dev", "--region", "eu-west-1") == "dev eu-west-1"


def test_the_environment_variables_name_it_too(monkeypatch: pytest.MonkeyPatch):
    tables("dev", "eu-west-1")
    monkeypatch.setenv("INTERLOCK_ENVIRONMENT", "dev")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")

    assert found() == "dev eu-west-1"


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ([], "which environment? Name it with --environment, or in $INTERLOCK_ENVIRONMENT"),
        (["--environment", "a b"], "'a b' is no environment's name"),
        (["--environment", "dev"], "which region? Name it with --region, or in $AWS_DEFAULT_REGION"),
        (["--environment", "dev", "--region", "eu-west-1", "--endpoint-url", "nowhere"], "Invalid endpoint"),
    ],
)
def test_what_names_no_environment_is_wrong_usage(arguments: list[str], wanted: str):
    with pytest.raises(WrongUsage) as refused:
        connect(parsed(*arguments))

    assert wanted in str(refused.value)


HERE = ("--environment", "staging", "--region", "eu-west-1")


def reads_the_config(cloud: Cloud) -> int:
    cloud.control.get(KEY)
    return 0


def test_tables_that_are_not_there_are_one_line_of_advice(capsys: pytest.CaptureFixture[str]):
    code = answered("rerun", parsed(*HERE), reads_the_config, as_json=False)

    told = capsys.readouterr()
    assert (code, told.out, told.err.count("\n")) == (2, "", 1)
    assert told.err.startswith("interlock rerun: dynamodb.GetItem: ResourceNotFoundException")
    assert "is 'staging' the environment's name" in told.err


def test_json_stays_json_when_nothing_can_be_answered(capsys: pytest.CaptureFixture[str]):
    code = answered("rerun", parsed(*HERE), reads_the_config, as_json=True)

    assert code == 2
    assert "ResourceNotFoundException" in json.loads(capsys.readouterr().out)["error"]


def test_a_row_that_somebody_wrote_over_is_one_line(capsys: pytest.CaptureFixture[str]):
    def stumbles(_: Cloud) -> int:
        raise BadInput("the stored config\nis not one of ours")

    code = answered("rerun", parsed(*HERE), stumbles, as_json=False)

    assert code == 2
    assert capsys.readouterr().err == (
        "interlock rerun: the stored config is not one of ours (a row that somebody wrote over)\n"
    )
