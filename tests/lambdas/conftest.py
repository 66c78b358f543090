"""A handler as Lambda loads it: its own environment, its own clients, moto for AWS."""

import importlib.util
import logging
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

LAMBDAS = Path(__file__).parents[2] / "lambdas"
REGION = "eu-west-1"


@pytest.fixture(scope="session")
def session():
    """One for all tests: it keeps the service models that it has read."""
    return boto3.session.Session("testing", "testing", region_name=REGION)


@pytest.fixture
def aws(session, monkeypatch, tmp_path):
    """A factory of clients that talk to moto; nothing of the machine's own AWS settings is seen."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    with mock_aws():
        yield session.client


@pytest.fixture
def load_handler(monkeypatch, aws):
    """`load_handler(name, **environment)`: a container that has just started."""
    root, metrics = logging.getLogger(), logging.getLogger("interlock.metrics")
    before = list(root.handlers), root.level, list(metrics.handlers), metrics.propagate

    def load(name, **environment):
        for variable, value in environment.items():
            monkeypatch.setenv(variable, value)
        monkeypatch.setattr("interlock.aws.clients.clients", aws)
        spec = importlib.util.spec_from_file_location(f"handler_of_{name}", LAMBDAS / name / "handler.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.handler

    yield load
    # A container owns the process's logging; the tests that follow do not live in one.
    root.handlers, metrics.handlers, metrics.propagate = before[0], before[2], before[3]
    root.setLevel(before[1])
