"""A job of each type as a pipeline's config declares it, for the simulator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jobs_table.crash_points import SECRET

Job = Mapping[str, Any]

_SECRET = f"${{secret:{SECRET}}}"
_ROLE = "arn:aws:iam::123456789012:role/jobs"
# A start of these can be looked up, or is recognised when it is repeated.
CAN_BE_ASKED: Mapping[str, Job] = {
    "glue": {"type": "glue", "config": {"jobName": "etl", "arguments": {"--password": _SECRET}}},
    "glue, in a pool": {
        "type": "glue",
        "config": {"jobName": "etl"},
        "pool": {"name": "warehouse", "slots": 1},
    },
    "emr": {"type": "emr", "config": {"clusterId": "j-1", "command": ["spark-submit", "etl.py"]}},
    "emr-serverless": {
        "type": "emr-serverless",
        "config": {
            "applicationId": "00etl",
            "executionRoleArn": _ROLE,
            "jobDriver": {"sparkSubmit": {"entryPoint": "s3://jobs/etl.py"}},
        },
    },
    "step-function": {
        "type": "step-function",
        "config": {"stateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:etl"},
    },
    "databricks": {
        "type": "databricks",
        "config": {"workspaceUrl": "https://w.cloud.databricks.com", "token": _SECRET, "jobId": 7},
    },
    "databricks, tasks": {
        "type": "databricks",
        "config": {
            "workspaceUrl": "https://w.cloud.databricks.com",
            "token": _SECRET,
            "tasks": [{"task_key": "etl", "notebook_task": {"notebook_path": "/etl"}}],
        },
    },
    "airflow": {
        "type": "airflow",
        "config": {
            "url": "https://airflow.example.com",
            "dagId": "etl",
            "auth": {"type": "jwt", "username": "interlock", "password": _SECRET},
        },
    },
}
# These have nothing to look a start up by.
CANNOT_BE_ASKED: Mapping[str, Job] = {
    "lambda": {"type": "lambda", "config": {"functionName": "etl"}},
    "lambda, async": {"type": "lambda", "config": {"functionName": "etl", "async": True}},
    "http": {"type": "http", "config": {"url": "https://etl.example.com/runs"}},
    "http, callback": {
        "type": "http",
        "config": {"url": "https://etl.example.com/runs", "callback": True},
    },
    "command": {"type": "command", "config": {"command": ["etl"]}},
}
