"""AWS as the tests see it: moto inside this process, credentials that open nothing."""

import boto3
import pytest
from moto import mock_aws

from aws.tables import a_dynamo_table, a_memory_table

REGION = "eu-west-1"


@pytest.fixture(autouse=True)
def _no_account(monkeypatch, tmp_path):
    """Nothing of the machine's own AWS settings is seen, so no test can reach an account."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))


@pytest.fixture(scope="session")
def session():
    """One for all tests: it keeps the service models that it has read."""
    return boto3.session.Session("testing", "testing", region_name=REGION)


@pytest.fixture
def aws(session):
    """A factory of clients that talk to moto."""
    with mock_aws():
        yield session.client


@pytest.fixture(params=["dynamodb", "memory"])
def table(request):
    """Either implementation of `Table`: what a store does on the one it does on the other."""
    if request.param == "memory":
        return a_memory_table()
    return a_dynamo_table(request.getfixturevalue("aws")("dynamodb"))
