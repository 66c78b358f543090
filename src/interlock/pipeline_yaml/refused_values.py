"""Values of `job.config` that each start would be refused for, by the service or by its adapter: told before anything runs.

What holds a placeholder is not known before its start, and is left to it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from interlock.domain.pipeline import JobType
from interlock.pipeline_yaml.mistake import YamlPath, closest, shown

# https://docs.aws.amazon.com/emr-serverless/latest/APIReference/API_JobDriver.html
_DRIVERS = ("sparkSubmit", "hive")
# They say where a request ends, and with whom: whoever sends it sets them.
_NOT_TO_BE_SET = frozenset({"content-length", "transfer-encoding", "connection"})
# Airflow's `DagRunType`, but for `manual`. A run id begins with the pipeline's id.
# https://airflow.apache.org/docs/apache-airflow/stable/_api/airflow/utils/types/index.html
_AIRFLOWS_OWN = re.compile(
    r"(scheduled|backfill|operator_triggered|asset_triggered|asset_materialization|dataset_triggered)__"
)

_Finding = tuple[YamlPath, str]


def refused_values(job_type: JobType, config: dict[str, Any]) -> Iterator[_Finding]:
    """Path below `job.config`, and what to write instead. What is of another kind than it must be is told elsewhere."""
    match job_type:
        case JobType.EMR_SERVERLESS:
            yield from _of_driver(config.get("jobDriver"))
        case JobType.STEP_FUNCTION:
            yield from _no_json("input", config.get("input"))
        case JobType.LAMBDA:
            yield from _no_json("payload", config.get("payload"))
        case JobType.DATABRICKS:
            yield from _of_workspace(config.get("workspaceUrl"))
        case JobType.AIRFLOW:
            yield from _of_airflow(config.get("url"))
        case JobType.HTTP:
            yield from _of_headers(config.get("headers"))


def refused_id(job_type: Any, pipeline_id: Any) -> Iterator[_Finding]:
    """An id that Airflow would take for that of a DAG run of its own."""
    kept = _AIRFLOWS_OWN.match(pipeline_id) if isinstance(pipeline_id, str) else None
    if job_type == JobType.AIRFLOW and kept is not None:
        said = f"begins with {shown(kept.group())}, which Airflow keeps for itself; choose another id"
        yield ("pipeline", "id"), said


def _of_driver(driver: Any) -> Iterator[_Finding]:
    if not isinstance(driver, dict) or not driver:
        return
    for key in driver:
        if key not in _DRIVERS:
            meant = closest(str(key), _DRIVERS)
            hint = f'did you mean "{meant}"?' if meant else f"use {' or '.join(_DRIVERS)}"
            yield ("jobDriver", key), f"unknown key; {hint}"
    if all(name in driver for name in _DRIVERS):
        yield ("jobDriver", "hive"), "excludes sparkSubmit; keep one of the two"


def _no_json(key: str, value: Any) -> Iterator[_Finding]:
    if not isinstance(value, str) or "${" in value:
        return
    try:
        json.loads(value)
    except (ValueError, RecursionError):
        yield (key,), f"is text that is not JSON: {shown(value)}; write a mapping, or JSON in quotes"


def _of_workspace(url: Any) -> Iterator[_Finding]:
    parts = _parts(url)
    if parts is not None and (parts.path.strip("/") or parts.query or parts.fragment or parts.username):
        yield ("workspaceUrl",), "must end with the host, as in https://<workspace>.cloud.databricks.com"


def _of_airflow(url: Any) -> Iterator[_Finding]:
    parts = _parts(url)
    if parts is None:
        return
    if parts.username is not None:
        yield ("url",), "holds a user; write user and password into auth, the password as ${secret:NAME}"
    elif parts.query or parts.fragment:
        yield ("url",), "must end with host or path; remove what follows"
    elif re.search(r"/api(/v[12])?/*\Z", parts.path):
        yield ("url",), "must end before /api, which is added; the version is apiVersion"


def _of_headers(headers: Any) -> Iterator[_Finding]:
    for name in headers if isinstance(headers, dict) else ():
        if str(name).lower() in _NOT_TO_BE_SET:
            yield ("headers", name), "cannot be set, it follows from the request; remove it"


def _parts(url: Any) -> Any:
    """None for what has a placeholder, or is no URL."""
    if not isinstance(url, str) or "${" in url:
        return None
    try:
        return urlsplit(url)
    except ValueError:
        return None
