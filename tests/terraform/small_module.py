"""The arguments that a test of the module gives it where nothing else matters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from interlock.local.zip_contents import FUNCTIONS

KEY = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
OTHER_KEY = "arn:aws:kms:us-east-1:123456789012:key/66666666-7777-8888-9999-000000000000"

SMALL: dict[str, Any] = {
    "project_name": "data-platform",
    "environment": "prod",
    "pipeline_configs": "s3://configs/pipelines/",
    "lambda_zips": "s3://artifacts/interlock/0.1.0/",
    "slack_channel_id": "C0123456789",
}

# Each trigger with what it needs.
TRIGGERS: dict[str, dict[str, Any]] = {
    "glue": {
        "enable_glue_trigger": True,
        "glue_job_arns": ["arn:aws:glue:us-east-1:123456789012:job/nightly"],
    },
    "emr": {
        "enable_emr_trigger": True,
        "emr_cluster_arns": ["arn:aws:elasticmapreduce:us-east-1:123456789012:cluster/j-1"],
    },
    "emr-serverless": {
        "enable_emr_serverless_trigger": True,
        "emr_serverless_application_arns": [
            "arn:aws:emr-serverless:us-east-1:123456789012:/applications/00f"
        ],
        "emr_serverless_execution_role_arns": ["arn:aws:iam::123456789012:role/jobs"],
    },
    "step-function": {
        "enable_step_function_trigger": True,
        "step_function_arns": ["arn:aws:states:us-east-1:123456789012:stateMachine:nightly"],
    },
    "lambda": {
        "enable_lambda_trigger": True,
        "lambda_function_arns": ["arn:aws:lambda:us-east-1:123456789012:function:nightly"],
    },
}
IN_VPC: dict[str, Any] = {"vpc_subnet_ids": ["subnet-1", "subnet-2"], "vpc_security_group_ids": ["sg-1"]}


def zips_in(folder: Path, content: bytes = b"a zip") -> Path:
    """A folder with a zip for each function; Terraform reads no more of them than their bytes."""
    folder.mkdir(exist_ok=True)
    for name in FUNCTIONS:
        (folder / f"{name}.zip").write_bytes(content + name.encode())
    return folder
