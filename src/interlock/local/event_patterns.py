"""Which changes and events reach whom on the embedded stack: the filters of the streams and the patterns of the rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def _sort_keys(*wanted: Any) -> dict[str, Any]:
    return {"Keys": {"SK": {"S": list(wanted)}}}


# Which rows' changes the router is woken for, any of a table's patterns: the others concern nobody and cost nothing.
# https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
STREAM_FILTERS: Mapping[str, list[dict[str, Any]]] = {
    "control": [
        _sort_keys(
            {"prefix": "SENSOR#"},
            {"prefix": "RUN#"},
            {"prefix": "RERUN_REQUEST#"},
            {"prefix": "NOTICE#"},
            {"prefix": "FILE#"},
            {"prefix": "DUE#sla#"},
            {"prefix": "DUE#relative-sla#"},
            "CONFIG",
            "WATCHDOG",
        ),
        # Of the other promises those that were settled: they may tell of it.
        {**_sort_keys({"prefix": "DUE#"}), "NewImage": {"verdict": {"S": [{"exists": True}]}}},
    ],
    "joblog": [_sort_keys({"prefix": "JOB#"})],
}
EVERY_EVENT = {"source": ["interlock"]}
# `domain/message.py` decides what is an alert; this keeps the rest from ever reaching the queue.
ALERTS = {
    "source": ["interlock"],
    "$or": [
        {"detail": {"severity": ["warning", "critical"]}},
        {"detail-type": ["JOB_COMPLETED"], "detail": {"detail": {"recovered": [True]}}},
    ],
}


def job_ends(own_machine: str) -> dict[str, Any]:
    """Jobs that have ended, and of our own runs' executions those that did not reach their end."""
    ended = {"status": [{"anything-but": ["RUNNING", "PENDING_REDRIVE"]}]}
    job_runs_go_on = ["SUBMITTED", "QUEUED", "PENDING", "SCHEDULED", "RUNNING", "CANCELLING"]
    executions = {"stateMachineArn": [{"anything-but": [own_machine]}], **ended}
    ours = {"stateMachineArn": [own_machine], "status": ["FAILED", "TIMED_OUT", "ABORTED"]}
    return {
        "$or": [
            {"source": ["aws.glue"], "detail-type": ["Glue Job State Change"]},
            {
                "source": ["aws.emr"],
                "detail-type": ["EMR Step Status Change"],
                "detail": {"state": [{"anything-but": ["PENDING", "RUNNING", "CANCEL_PENDING"]}]},
            },
            {
                "source": ["aws.emr-serverless"],
                "detail-type": ["EMR Serverless Job Run State Change"],
                "detail": {"state": [{"anything-but": job_runs_go_on}]},
            },
            {
                "source": ["aws.states"],
                "detail-type": ["Step Functions Execution Status Change"],
                "detail": executions,
            },
            {
                "source": ["aws.states"],
                "detail-type": ["Step Functions Execution Status Change"],
                "detail": ours,
            },
        ]
    }


def new_objects(bucket: str) -> dict[str, Any]:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventBridge.html"""
    return {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": [bucket]}},
    }


def alarms(prefix: str) -> dict[str, Any]:
    """Alarms on our own infrastructure that go off; those of others concern somebody else.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
    """
    return {
        "source": ["aws.cloudwatch"],
        "detail-type": ["CloudWatch Alarm State Change"],
        "detail": {"alarmName": [{"prefix": f"{prefix}-"}], "state": {"value": ["ALARM"]}},
    }
