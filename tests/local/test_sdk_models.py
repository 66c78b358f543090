"""The descriptions that a function's client is made of hold every call that its adapters make."""

import json

import pytest

from interlock.local.sdk_models import FOLDER, sdk_models
from interlock.local.zip_contents import contents_of


@pytest.fixture(scope="module")
def described() -> dict[str, set[str]]:
    """The operations that orchestrator's zip knows, by service."""
    models = sdk_models(contents_of("orchestrator", for_aws=True).ours.values())
    return {
        name.split("/")[1]: set(json.loads(content)["operations"])
        for name, content in models.items()
        if name.startswith(FOLDER) and name.endswith("service-2.json")
    }


@pytest.mark.parametrize(
    ("service", "operations"),
    [
        ("glue", {"StartJobRun", "GetJobRuns", "GetJobRun", "BatchStopJobRun", "GetJob"}),
        ("logs", {"FilterLogEvents"}),
        ("emr", {"AddJobFlowSteps", "ListSteps", "DescribeStep", "CancelSteps"}),
        ("emr-serverless", {"StartJobRun", "ListJobRuns", "GetJobRun", "CancelJobRun"}),
        ("stepfunctions", {"StartExecution", "DescribeExecution", "StopExecution"}),
        ("lambda", {"Invoke"}),
    ],
)
def test_orchestrator_s_zip_describes_what_a_job_type_calls(
    described: dict[str, set[str]], service: str, operations: set[str]
) -> None:
    assert operations <= described[service]
