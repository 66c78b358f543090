"""Random jobs of every type, and what becomes of each start."""

from __future__ import annotations

from typing import Any

from interlock.torture.chance import Chance
from interlock.torture.setting import HOUR

SYNCHRONOUS = ("lambda", "http", "command")  # the answer, or the exit, is the end
OTHER_TYPES = {
    "emr": 2.0,
    "emr-serverless": 2,
    "step-function": 2,
    "databricks": 1.5,
    "databricks-tasks": 0.7,
    "airflow": 1.5,
    "airflow-v1": 0.7,
    "lambda": 2,
    "lambda-async": 2,
    "http": 2,
    "http-callback": 2,
    "command": 1,
}
_PERIOD = "${DATE} ${HOUR} ${PAR_DAY} ${PAR_HOUR} ${PIPELINE} ${ATTEMPT} ${RUN_ID}"


def secret_of(name: str) -> str:
    """The secret that only this pipeline's job needs."""
    return f"token-{name}"


def target(kind: str, name: str, target_name: str) -> dict[str, Any]:
    """`type` and `config`; `target_name` is what is started, `name` the pipeline."""
    token, url = "${secret:" + secret_of(name) + "}", f"https://{target_name}.example.com"
    machine = f"arn:aws:states:us-east-1:1:stateMachine:{target_name}"
    basic = {"type": "basic", "username": "u", "password": token}
    configs: dict[str, tuple[str, dict[str, Any]]] = {
        "glue": ("glue", {"jobName": target_name, "arguments": {"--period": _PERIOD}}),
        "emr": ("emr", {"clusterId": f"j-{target_name}", "jar": "s3://b/j.jar", "args": ["${DATE}", token]}),
        "emr-serverless": (
            "emr-serverless",
            {
                "applicationId": target_name,
                "executionRoleArn": "arn:aws:iam::1:role/r",
                "jobDriver": {"hive": {"query": "${PAR_DAY}"}},
            },
        ),
        "step-function": ("step-function", {"stateMachineArn": machine, "input": {"day": "${DATE}"}}),
        "databricks": ("databricks", {"workspaceUrl": url, "token": token, "jobId": 7}),
        "databricks-tasks": (
            "databricks",
            {"workspaceUrl": url, "token": token, "tasks": [{"task_key": "${RUN_ID}"}]},
        ),
        "airflow": (
            "airflow",
            {"url": url, "dagId": "load", "auth": {"type": "jwt", "username": "u", "password": token}},
        ),
        "airflow-v1": ("airflow", {"url": url, "dagId": "load", "apiVersion": "v1", "auth": basic}),
        "lambda": ("lambda", {"functionName": target_name, "payload": {"day": "${DATE}"}}),
        "lambda-async": ("lambda", {"functionName": target_name, "async": True, "payload": "${DATE}"}),
        "http": ("http", {"url": f"{url}/run", "headers": {"X-Token": token}}),
        "http-callback": ("http", {"url": f"{url}/run", "callback": True, "body": {"day": "${DATE}"}}),
        "command": ("command", {"command": [target_name, "${DATE}"]}),
    }
    job_type, config = configs[kind]
    return {"type": job_type, "config": config}


def a_job(chance: Chance, name: str, kind: str) -> dict[str, Any]:
    """With budgets, back-off and poll window; limits are added by whoever knows the others."""
    job = target(kind, name, f"load-{name}")
    job |= {
        "maxRetries": chance.of({0: 2, 1: 3, 2: 2, 3: 1}),
        "maxCodeRetries": chance.of({0: 3, 1: 2, 2: 1}),
        "maxDriftReruns": chance.of({0: 2, 1: 4, 2: 2, 3: 1}),
        "maxManualReruns": chance.of({0: 1, 1: 3, 2: 2, 3: 1}),
        "retryBackoff": chance.one(("0s", "1m", "1m", "7m")),
        "jobPollWindowSeconds": chance.of({600: 3, 1200: 3, 2400: 3, HOUR: 1}),
    }
    if chance.likely(0.15):
        job["onTimeout"] = "leave"
    if kind in SYNCHRONOUS and chance.likely(0.35):
        job["idempotent"] = True
    return job


def some_plays(chance: Chance, kind: str, job: dict[str, Any], trouble: float) -> list[dict[str, Any]]:
    """The last one repeats: it succeeds, so that whatever is tried often enough ends well."""
    plays = [
        _trouble(chance, kind, job["jobPollWindowSeconds"]) if chance.likely(trouble) else _success(chance)
        for _ in range(chance.whole(1, 6))
    ]
    return [*plays, _success(chance)]


def _success(chance: Chance) -> dict[str, Any]:
    play: dict[str, Any] = {"after": chance.one(("1s", "30s", "2m", "5m", "9m"))}
    if chance.likely(0.3):
        play |= {"recordsProcessed": chance.whole(0, 5000), "durationSeconds": chance.whole(1, 900)}
        play["metrics"] = {"bytes": chance.whole(0, 10**9), "share": 0.5}
    return play


def _trouble(chance: Chance, kind: str, poll_window: int) -> dict[str, Any]:
    after = chance.one(("1s", "3m", "5m", "16m"))
    endings: dict[str, float] = {"fail": 5, "refuse": 2, "long": 1.5, "edge": 1}
    if kind in SYNCHRONOUS:
        endings |= {"answer": 2 if kind == "lambda" else 0, "long": 0, "edge": 0}
    else:
        endings |= {"never": 1.5, "odd": 1, "silent": 2}
    if kind == "glue":
        endings["insight"] = 0.7
    match chance.of(endings):
        case "fail":
            return {"outcome": "fail", "after": after, **_failure(chance)}
        case "refuse":
            return {"refuse": chance.one(_refusals(kind))}
        case "never":
            return {"outcome": "never"}
        case "odd":
            return {"after": after, "state": "HIBERNATING"}
        case "silent":
            return {"after": after, "event": False, "outcome": chance.one(("succeed", "fail"))}
        case "answer":
            return {"after": "1s", "answer": {"statusCode": chance.one((500, 404, 200))}}
        case "insight":
            failed = chance.one(("job", "stage", "task"))
            return {"after": after, "insight": {"failed": failed, "reason": "out of memory"}}
        case "edge":
            return {"after": f"{poll_window + chance.one((-1, 0, 1))}s"}
    return {"after": f"{poll_window + chance.one((30, 600, 5000))}s"}


def _failure(chance: Chance) -> dict[str, Any]:
    category = chance.of({"TRANSIENT": 2, "PERMANENT": 2, "TIMEOUT": 1, "": 3})
    return {"error": "boom", **({"category": category} if category else {})}


def _refusals(kind: str) -> tuple[str, ...]:
    known = ("ThrottlingException", "InternalServerException", "AccessDeniedException")
    if kind == "glue":
        return (*known, "ConcurrentRunsExceededException", "EntityNotFoundException")
    return known
