"""How soon a run starts after the last sensor it needs, and ends after its job, on the embedded stack with warm functions."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from statistics import median

from bench.figure import Figure
from interlock.local.job_services import LocalJob
from interlock.local.session import Session, embedded_stack

_RUNS = 30
_DEADLINE_SECONDS = 30.0
_JOB_SECONDS = 0.3
_PIPELINE = """
pipeline: {{id: bench-{number}}}
schedule: {{trigger: {{key: go, check: exists}}}}
validation: {{rules: [{{key: rows, check: gte, field: count, value: 10}}]}}
job: {{type: glue, config: {{jobName: bench, arguments: {{--pipeline: "${{PIPELINE}}"}}}}}}
"""


class NothingHappened(RuntimeError):
    """The embedded stack did not do in time what is measured."""


def figures() -> list[Figure]:
    with embedded_stack({"bench": LocalJob(lambda _, run: run.sleep(_JOB_SECONDS))}) as session:
        for number in range(_RUNS):
            session.upload_pipeline(f"bench-{number}.yaml", _PIPELINE.format(number=number))
        session.warm_up()
        _until(lambda: _all_loaded(session), "configs loaded")
        measured = [_one_run(session, f"bench-{number}") for number in range(_RUNS)]
    starts, ends = zip(*measured, strict=True)
    return [
        Figure("last needed sensor write to job start, median", median(starts), "s", at_most=2),
        Figure("last needed sensor write to job start, slowest", max(starts), "s"),
        Figure("job end to SUCCEEDED, median", median(ends), "s", at_most=2),
        Figure("job end to SUCCEEDED, slowest", max(ends), "s"),
    ]


def _one_run(session: Session, pipeline: str) -> tuple[float, float]:
    _write_sensor(session, pipeline, "go", {})
    _until(lambda: _run(session, pipeline).get("tokenFor"), f"{pipeline} waits for its rules")
    written_at = time.time()
    _write_sensor(session, pipeline, "rows", {"count": {"N": "10"}})
    _until(lambda: _run(session, pipeline).get("status") == {"S": "SUCCEEDED"}, f"{pipeline} succeeds")
    job = next(run for run in session.glue.runs() if run.arguments["--pipeline"] == pipeline)
    succeeded_at = (
        datetime.fromisoformat(_run(session, pipeline)["updatedAt"]["S"]).astimezone(UTC).timestamp()
    )
    assert job.ended_at is not None
    return job.started_at - written_at, max(0.0, succeeded_at - job.ended_at)


def _write_sensor(session: Session, pipeline: str, key: str, data: dict[str, dict[str, str]]) -> None:
    item = {"PK": {"S": f"PIPELINE#{pipeline}"}, "SK": {"S": f"SENSOR#{key}"}, "data": {"M": data}}
    session.emulator.client("dynamodb").put_item(TableName=session.stack.table("control"), Item=item)


def _run(session: Session, pipeline: str) -> dict[str, dict[str, str]]:
    answer = session.emulator.client("dynamodb").query(
        TableName=session.stack.table("control"),
        KeyConditionExpression="PK = :pipeline AND begins_with(SK, :run)",
        ExpressionAttributeValues={":pipeline": {"S": f"PIPELINE#{pipeline}"}, ":run": {"S": "RUN#"}},
        ConsistentRead=True,
    )
    return answer["Items"][0] if answer["Items"] else {}


def _all_loaded(session: Session) -> bool:
    keys = [{"PK": {"S": f"PIPELINE#bench-{number}"}, "SK": {"S": "CONFIG"}} for number in range(_RUNS)]
    table = session.stack.table("control")
    answer = session.emulator.client("dynamodb").batch_get_item(RequestItems={table: {"Keys": keys}})
    return len(answer["Responses"][table]) == _RUNS


def _until(happened: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while time.monotonic() < deadline:
        if happened():
            return
        time.sleep(0.02)
    raise NothingHappened(f"not within {_DEADLINE_SECONDS:.0f} s: {what}")
