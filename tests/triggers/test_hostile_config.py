"""Any config at all: a job is started or a named error says why not; nothing else ever leaves an adapter."""

import json
from io import BytesIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hostile import hostile_values
from interlock.ports import TriggerError
from interlock.triggers.allowed_commands import AllowedCommands
from interlock.triggers.background import on_a_thread
from interlock.triggers.http_calls import HttpAnswer
from interlock.triggers.outside import Outside
from interlock.triggers.processes import Ended
from interlock.triggers.table import ADAPTERS, TriggerTable
from triggers.aws_services import ACCOUNT
from triggers.requests_for import RUN_ID, a_request

GOOD = {
    "glue": {"jobName": "etl", "arguments": {}},
    "emr": {"clusterId": "j-1", "stepName": "etl", "jar": "s3://b/j.jar", "args": [], "command": ["etl"]},
    "emr-serverless": {
        "applicationId": "00f1r1exampleid9",
        "executionRoleArn": "arn:aws:iam::123456789012:role/job",
        "jobDriver": {"hive": {}},
        "configurationOverrides": {},
        "executionTimeoutMinutes": 5,
    },
    "step-function": {"stateMachineArn": f"{ACCOUNT}:stateMachine:etl", "input": {}},
    "lambda": {"functionName": "etl", "payload": {}, "async": False},
    "airflow": {
        "url": "https://airflow.example/",
        "dagId": "etl",
        "conf": {},
        "apiVersion": "v1",
        "auth": {"type": "basic", "username": "me", "password": "secret"},
    },
    "databricks": {
        "workspaceUrl": "https://dbc.example",
        "token": "dapi",
        "jobId": 1,
        "tasks": None,
        "parameters": {},
    },
    "http": {"url": "https://jobs.example/", "method": "POST", "headers": {}, "body": {}, "callback": False},
    "command": {"command": ["true"]},
}


class Willing:
    """Takes whatever it is asked."""

    pid, started_at = 1, "12345"

    def start_job_run(self, **_):
        return {"JobRunId": "jr_1", "jobRunId": "00f1"}

    def add_job_flow_steps(self, **_):
        return {"StepIds": ["s-1"]}

    def start_execution(self, *, stateMachineArn, **_):
        return {"executionArn": stateMachineArn}

    def invoke(self, **_):
        return {"Payload": BytesIO(b"null")}

    def request(self, *_, **__):
        return HttpAnswer(200, json.dumps({"run_id": 1, "dag_run_id": RUN_ID}))

    def start(self, *_):
        return self

    def wait(self, _):
        return Ended(0)


@pytest.mark.parametrize("job_type", ADAPTERS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(data=st.data())
def test_any_config_starts_a_job_or_is_refused_by_name(job_type, data):
    odd = st.fixed_dictionaries(
        {},
        optional={
            key: hostile_values() | st.dictionaries(st.text(max_size=5), hostile_values(), max_size=2)
            for key in GOOD[job_type]
        },
    )
    world = Willing()
    outside = Outside(
        lambda _: world, world, world, on_a_thread, allowed_commands=AllowedCommands.listed("*")
    )

    handle, refused = {}, None
    try:
        trigger = TriggerTable(outside).of_type(job_type)
        handle = trigger.start(a_request(GOOD[job_type] | data.draw(odd))).handle
    except TriggerError as error:
        refused = error

    json.dumps(handle)
    assert refused is None or refused.permanent
