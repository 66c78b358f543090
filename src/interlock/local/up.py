"""`interlock local up`: the embedded stack for a person to play with, until it is told to end."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TextIO

from interlock.aws.config_ledger import DynamoConfigLedger
from interlock.aws.control_table import DynamoControlTable
from interlock.aws.dynamo_table import DynamoTable
from interlock.domain.pipeline import JobType, Pipeline, upstream_rules
from interlock.local.scripted_jobs import Script, scripted
from interlock.local.session import AIRFLOW_LOGIN, DATABRICKS_TOKEN, Session, embedded_stack
from interlock.local.shell_lines import holding_readings, put_sensor, read_events, rerun_today
from interlock.local.zip_contents import ROOT
from interlock.pipeline_yaml import PipelineInvalid, check_pipeline

SAMPLES = ROOT / "pipelines"
SYNC_SECONDS = 120  # for config-sync to read all files
LOOK_SECONDS = 0.5  # between looks whether the emulator still lives
# What a pipeline's config must say to reach the stand-ins that no setting leads to.
_ELSEWHERE = (
    ("Databricks", "databricks", f"token {DATABRICKS_TOKEN}"),
    ("Airflow", "airflow", "user {}, password {}".format(*AIRFLOW_LOGIN)),
)


@dataclass(frozen=True)
class Plan:
    """What to bring up."""

    files: Mapping[str, bytes]  # pipelines by the name they have in the bucket
    jobs: Mapping[str, Script]  # of Glue
    as_json: bool = False


def samples_for(jobs: Mapping[str, Script]) -> dict[str, bytes]:
    """The samples that come with Interlock whose jobs this machine has: the others name services of real accounts."""
    found = {path.name: path.read_bytes() for path in sorted(SAMPLES.glob("*.yaml"))}
    return {name: text for name, text in found.items() if _has_its_job(text, name, jobs)}


def _has_its_job(text: bytes, name: str, jobs: Mapping[str, Script]) -> bool:
    try:
        job = check_pipeline(text, name).pipeline.job
    except PipelineInvalid:
        return False
    return job.type is JobType.GLUE and job.config.get("jobName") in jobs


def up(plan: Plan, out: TextIO) -> int:
    """Runs until Ctrl-C or SIGTERM, which end it well (0); 1 if the emulator ends by itself."""
    # Slack's messages beside the JSON would spoil it.
    messages = sys.stderr if plan.as_json else out
    jobs = {name: scripted(script) for name, script in plan.jobs.items()}
    with sigterm_as_interrupt(), embedded_stack(jobs, messages=messages) as session:
        for name, text in plan.files.items():
            session.upload_pipeline(name, text)
        session.warm_up()
        _wait_for_config_sync(session, plan.files)
        _show(session, plan, out)
        return _until_told_to_end(session)


@contextmanager
def sigterm_as_interrupt() -> Iterator[None]:
    """Whoever ends us politely is answered as Ctrl-C is: everything is put away first."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _wait_for_config_sync(session: Session, files: Mapping[str, bytes]) -> None:
    ledger = DynamoConfigLedger(_control(session))
    deadline = time.monotonic() + SYNC_SECONDS
    while not files.keys() <= {file.source for file in ledger.files()}:
        if time.monotonic() > deadline:
            raise RuntimeError(f"config-sync has not read all files; see {session.emulator.log_path}")
        time.sleep(0.1)


def _until_told_to_end(session: Session) -> int:
    try:
        while session.emulator.is_alive:
            time.sleep(LOOK_SECONDS)
    except KeyboardInterrupt:
        return 0
    print("interlock local up: the emulator ended by itself", file=sys.stderr)
    return 1


def _control(session: Session) -> DynamoTable:
    return DynamoTable(session.emulator.client("dynamodb"), session.stack.table("control"))


def _show(session: Session, plan: Plan, out: TextIO) -> None:
    loaded = [file for file in DynamoConfigLedger(_control(session)).files() if file.source in plan.files]
    pipelines = sorted(file.pipeline_id for file in loaded if file.valid and file.pipeline_id)
    refused = sorted(file.source for file in loaded if not file.valid)
    places = endpoints(session)
    if plan.as_json:
        told = places | {"pipelines": pipelines, "refused": refused, "glueJobs": sorted(plan.jobs)}
        print(json.dumps(told), file=out, flush=True)
        return
    control = DynamoControlTable(_control(session))
    first = next((control.pipeline(name) for name in pipelines), None)
    print("\n".join(_lines(places, plan, pipelines, refused, first)), file=out, flush=True)


def endpoints(session: Session) -> dict[str, Any]:
    """Where everything is, and the environment that AWS's tools and our commands need to find it."""
    stack = session.stack
    return {
        "environment": {
            "AWS_ENDPOINT_URL": session.emulator.endpoint,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_DEFAULT_REGION": session.emulator.region,
            "INTERLOCK_ENVIRONMENT": stack.options.environment,
        },
        "tables": {name: stack.table(name) for name in ("control", "joblog", "rerun", "events")},
        "pipelineConfigs": f"s3://{stack.bucket}/{stack.config_prefix}",
        "stateMachineArn": stack.state_machine_arn,
        "eventBus": stack.bus,
        "glue": session.glue.url,
        "jobServices": {job_type: service.url for job_type, service in session.job_services.items()},
        "slack": session.slack.url,
        "log": str(session.emulator.log_path),
    }


def _lines(
    places: Mapping[str, Any],
    plan: Plan,
    pipelines: Sequence[str],
    refused: Sequence[str],
    example: Pipeline | None,
) -> Iterator[str]:
    yield f"Interlock runs at {places['environment']['AWS_ENDPOINT_URL']}, on this machine alone. Ctrl-C ends it."
    yield ""
    yield f"  pipelines   {', '.join(pipelines) or 'none yet'}"
    if refused:
        yield f"  refused     {', '.join(refused)} (Slack, below, says why)"
    for n, (name, script) in enumerate(plan.jobs.items()):
        yield f"  {'' if n else 'Glue jobs':10}  {name}: {script}"
    for called, job_type, access in _ELSEWHERE:
        yield f"  {called:10}  {places['jobServices'][job_type]} ({access}): jobs of the same names"
    yield f"  functions   tail -f {places['log']}"
    yield ""
    yield "In another shell:"
    yield ""
    yield "  export " + " ".join(f"{name}={value}" for name, value in places["environment"].items())
    yield ""
    yield "  # give it a pipeline, or a new version of one"
    yield f"  aws s3 cp hello.yaml {places['pipelineConfigs']}"
    if example is not None:
        yield from _about(example, places["tables"])
    yield ""
    yield "Slack:"
    yield ""


def _about(pipeline: Pipeline, tables: Mapping[str, str]) -> Iterator[str]:
    now = datetime.now(UTC)
    yield ""
    yield f"  # write the sensors that {pipeline.id} waits for: the first opens its run, the last starts its job"
    others = dict.fromkeys(rule.pipeline_id for rule in upstream_rules(pipeline))
    if others:
        yield f"  # (it waits for {', '.join(others)} too)"
    for key, data in holding_readings(pipeline, now).items():
        yield f"  {put_sensor(tables['control'], pipeline.id, key, data)}"
    yield ""
    yield "  # why did it (not) run?"
    yield f"  interlock explain {pipeline.id}"
    yield ""
    yield "  # what happened?"
    yield f"  {read_events(tables['events'], pipeline.id)}"
    yield ""
    yield "  # run today's date again, although no sensor was updated since"
    yield f"  {rerun_today(pipeline, now)}"
