"""What people and programs outside see and do, for tests that share one embedded stack: each test has pipelines of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from typing import Any, TypeVar

from interlock.aws import keys
from interlock.aws.control_table import DynamoControlTable
from interlock.aws.dynamo_table import DynamoTable
from interlock.domain.run import Run, RunKey, RunStatus
from interlock.local.job_services import JobRun, LocalJob
from interlock.local.session import AIRFLOW_LOGIN, DATABRICKS_TOKEN, Session
from interlock.local.slack_endpoint import SlackMessage
from interlock.steps.await_job import WAITS_FOR_JOB
from local.emulator_kit import eventually, unique

Answer = TypeVar("Answer")

DATE = "2026-03-01"
UPSTREAM = {"key": "upstream", "check": "equals", "field": "status", "value": "done"}
ORDERS = {"key": "orders", "check": "gte", "field": "count", "value": 1000}
QUICK = LocalJob(lambda _, run: run.sleep(0.1))
HEALTHY = (
    "CONFIG_LOADED",
    "RUN_OPENED",
    "VALIDATION_PASSED",
    "JOB_TRIGGERED",
    "JOB_COMPLETED",
    "POST_RUN_BASELINE_CAPTURED",
)  # a run's events
SECONDS = 60.0  # for what happens within one, while other tests have the processors
_NUMBERS = count(1)
# `job.config` of a job that a stand-in plays, by the name that its service has for it.
PLAYED: Mapping[str, Callable[[Session, str], dict[str, Any]]] = {
    "glue": lambda _, name: {"jobName": name, "arguments": {"--day": "${PAR_DAY}"}},
    "emr": lambda _, name: {"clusterId": name, "command": ["spark-submit", "etl.py", "${DATE}"]},
    "emr-serverless": lambda _, name: {
        "applicationId": name,
        "executionRoleArn": "arn:aws:iam::000000000000:role/jobs",
        "jobDriver": {"sparkSubmit": {"entryPoint": "s3://jobs/etl.py", "entryPointArguments": ["${DATE}"]}},
    },
    "databricks": lambda session, name: {
        "workspaceUrl": session.job_services["databricks"].url,
        "token": f"${{secret:{secret_of(session, DATABRICKS_TOKEN)}}}",
        "jobId": int(name),
        "parameters": {"day": "${DATE}"},
    },
    "airflow": lambda session, name: {
        "url": session.job_services["airflow"].url,
        "dagId": name,
        "conf": {"day": "${DATE}"},
        "auth": {
            "type": "jwt",
            "username": AIRFLOW_LOGIN[0],
            "password": f"${{secret:{secret_of(session, AIRFLOW_LOGIN[1])}}}",
        },
    },
}


def secret_of(session: Session, value: str) -> str:
    """The name of a secret with this value."""
    name = unique("flow/secret")
    session.emulator.client("secretsmanager").create_secret(Name=name, SecretString=value)
    return name


@dataclass
class World:
    """A corner of the shared stack."""

    session: Session

    def declare(
        self,
        job: Mapping[str, Any] | LocalJob,
        rules: Sequence[Mapping[str, Any]] = (ORDERS,),
        window: str = "10m",
        sla: Mapping[str, Any] | None = None,
        post_run: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> str:
        """A pipeline that `upstream` opens, known to the stack; a `LocalJob` becomes its Glue job. Its id."""
        pipeline = unique("flow")
        if isinstance(job, LocalJob):
            self.session.glue.jobs[pipeline] = job
            job = {"type": "glue", "config": {"jobName": pipeline}}
        config = {
            "pipeline": {"id": pipeline, "owner": "tests"},
            "schedule": {"trigger": UPSTREAM, "evaluation": {"window": window, "interval": "5m"}},
            "validation": {"rules": list(rules)},
            "job": {"retryBackoff": "1s", **settings, **job},
            **({"sla": sla} if sla else {}),
            **({"postRun": post_run} if post_run else {}),
        }
        self.upload(f"{pipeline}.yaml", json.dumps(config))  # JSON is YAML
        eventually(lambda: self.control.config(pipeline), SECONDS)
        return pipeline

    def declare_played(self, job_type: str, job: LocalJob, **settings: Any) -> tuple[str, str]:
        """A pipeline whose job is played by the stand-in for its type; and the name that this has for the job."""
        name = str(next(_NUMBERS))  # all of them accept a number
        self.session.glue.jobs[name] = job
        config = PLAYED[job_type](self.session, name)
        return self.declare({"type": job_type, "config": config}, **settings), name

    def poll_now(self, pipeline: str) -> None:
        """The fallback poll of a run under way, as if its time had come."""
        (due,) = self.control.due_runs_of(pipeline)
        self.control.promise(replace(due, due_at=datetime.now(UTC)))
        self.tick()

    def stop_workflow(self, pipeline: str) -> None:
        """Somebody stops the execution that sleeps on the job; the watchdog sees to what is left."""
        run = found(eventually(lambda: self._asleep(pipeline), SECONDS))
        machine = self.session.stack.state_machine_arn
        execution = f"{machine.replace(':stateMachine:', ':execution:')}:{run.execution_name}"
        self.session.emulator.client("stepfunctions").stop_execution(executionArn=execution)
        eventually(lambda: self._closed_by_a_tick(pipeline), SECONDS)

    def _closed_by_a_tick(self, pipeline: str) -> bool:
        # More than one: the job that a tick cancels may tell of its end sooner than the tick writes its own.
        self.tick()
        run = self.run(pipeline)
        return run is not None and run.status is not RunStatus.RUNNING

    def _asleep(self, pipeline: str) -> Run | None:
        run = self.run(pipeline)
        return run if run and run.token_for == WAITS_FOR_JOB and self.control.due_runs_of(pipeline) else None

    def tick(self) -> None:
        """The watchdog's, without waiting for the minute."""
        watchdog = self.session.stack.function("watchdog")
        event = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}
        self.session.emulator.client("lambda").invoke(FunctionName=watchdog, Payload=json.dumps(event))

    def upload(self, name: str, text: str | bytes) -> None:
        self.session.upload_pipeline(name, text)

    def write(self, pipeline: str, key: str, **data: Any) -> None:
        partition, sort = keys.sensor_key(pipeline, key)
        self.put("control", {"PK": partition, "SK": sort, "data": {"date": DATE, **data}})

    def open(self, pipeline: str) -> None:
        """The write that opens the run of `DATE`."""
        self.write(pipeline, "upstream", status="done")

    def open_ready(self, pipeline: str) -> None:
        """The same, with every rule holding already."""
        self.write(pipeline, "orders", count=1000)
        self.open(pipeline)

    def put(self, table: str, item: Mapping[str, Any]) -> None:
        self.table(table).put(dict(item))

    def table(self, name: str) -> DynamoTable:
        return DynamoTable(self.session.emulator.client("dynamodb"), self.session.stack.table(name))

    @property
    def control(self) -> DynamoControlTable:
        return DynamoControlTable(self.table("control"))

    def run(self, pipeline: str) -> Run | None:
        return self.control.run(RunKey(pipeline, "stream", DATE))

    def reaches(self, pipeline: str, status: RunStatus, attempt: int | None = None) -> Run:
        """The pipeline's run, once it has this status."""

        def there() -> Run | None:
            run = self.run(pipeline)
            return run if run and run.status is status and attempt in (None, run.attempt) else None

        return found(eventually(there, SECONDS))

    def reasons(self, pipeline: str) -> list[str]:
        """Why the run waits, once its row says so."""

        def said() -> list[str]:
            run = self.run(pipeline)
            return [verdict.reason for verdict in run.verdicts] if run else []

        return eventually(said, SECONDS)

    def jobs(self, pipeline: str) -> list[JobRun]:
        return self.session.glue.runs(pipeline)

    def events(self, pipeline: str) -> list[str]:
        """Types of what the events table holds, by time."""
        rows = self.table("events").query(keys.partition(pipeline))
        return [row["eventType"] for row in rows if "eventType" in row]

    def hears(self, pipeline: str, *event_types: str) -> list[str]:
        """Every event of the pipeline, once these are stored: the sink stores them in no order."""
        eventually(lambda: set(event_types) <= set(self.events(pipeline)), SECONDS)
        return self.events(pipeline)

    def threads(self, about: str) -> list[list[SlackMessage]]:
        """Slack's threads that speak of a pipeline or file."""
        return [thread for thread in self.session.slack.threads() if about in thread[0].text]

    def reads(self, about: str, messages: int) -> list[str]:
        """The texts of the only thread about a pipeline or file, once it has so many messages."""
        eventually(lambda: sum(map(len, self.threads(about))) >= messages, SECONDS)
        (thread,) = self.threads(about)
        return [message.text for message in thread]


def found(answer: Answer | None) -> Answer:
    assert answer is not None
    return answer
