"""The stack as those outside of it see it: the demo writes configs, data and sensors here, and reads what came of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from interlock.aws import keys
from interlock.aws.config_ledger import DynamoConfigLedger
from interlock.aws.control_table import DynamoControlTable
from interlock.aws.cron_schedules import schedule_name
from interlock.aws.dynamo_table import DynamoTable
from interlock.aws.run_item import parse_instant_text, plain, read_run
from interlock.domain.event import Event, EventType, Severity
from interlock.domain.explanation_text import explanation_lines
from interlock.domain.run import Run, RunKey, execution_name
from interlock.local.demo_jobs import Lake
from interlock.local.demo_record import Record, Transition
from interlock.local.job_services import JobRun
from interlock.local.session import Session
from interlock.local.slack_endpoint import SlackMessage
from interlock.ports import StoredConfig
from interlock.steps.explain_run import NothingToExplain, explain_run


@dataclass(frozen=True)
class Stage:
    """Every way in and out that the demo uses."""

    session: Session
    lake: Lake

    @property
    def config_folder(self) -> str:
        return f"s3://{self.session.stack.bucket}/{self.session.stack.config_prefix}"

    def upload_config(self, name: str, text: str) -> None:
        self.session.upload_pipeline(name, text)

    def write_sensor(self, pipeline: str, key: str, date: str, **values: Any) -> float:
        """What a user's process does: one PutItem. The epoch second just before it."""
        partition, sort = keys.sensor_key(pipeline, key)
        at = time.time()
        self._table("control").put({"PK": partition, "SK": sort, "data": {**values, "date": date}})
        return at

    def delete_schedule(self, pipeline: str) -> None:
        """What somebody does in EventBridge's console who takes it for an old one."""
        stack = self.session.stack
        self.session.emulator.client("scheduler").delete_schedule(
            GroupName=stack.prefix, Name=schedule_name(pipeline)
        )

    def run(self, pipeline: str, date: str) -> Run | None:
        """The pipeline's one run of that date, whichever its schedule."""
        found = (self._control.run(RunKey(pipeline, schedule, date)) for schedule in ("stream", "cron"))
        return next(filter(None, found), None)

    def explain(self, pipeline: str, date: str) -> list[str]:
        """What `interlock explain` says."""
        ledger = DynamoConfigLedger(self._table("control"))
        found = explain_run(pipeline, date, None, self._control, ledger, datetime.now(UTC))
        return [found.reason] if isinstance(found, NothingToExplain) else explanation_lines(found)

    def config(self, pipeline: str) -> StoredConfig | None:
        return self._control.config(pipeline)

    def events(self, pipeline: str) -> list[Event]:
        """What the events table holds of one pipeline, oldest first."""
        rows = self._table("events").query(keys.partition(pipeline))
        return [_event(row) for row in rows if "eventType" in row]

    def jobs(self, job: str) -> list[JobRun]:
        """Glue's own record of its starts, oldest first."""
        return self.session.glue.runs(job)

    def start_requests(self) -> tuple[int, int]:
        """How often Glue was asked to start a job, whichever, and how many it started."""
        return self.session.glue.calls()["glue.StartJobRun"], len(self.session.glue.runs())

    def threads(self, about: str) -> list[list[SlackMessage]]:
        """Slack's threads whose first message names this."""
        return [thread for thread in self.session.slack.threads() if about in thread[0].text]

    def crash_next_start(self, on_crash: Callable[[int], None]) -> None:
        """The next job is started, and the orchestrator dies before it hears of it; told is how many processes died."""
        orchestrator = self.session.stack.function("orchestrator")
        self.session.glue.cut_next_start(lambda: on_crash(self.session.emulator.kill_function(orchestrator)))

    def record(self, pipeline: str, date: str) -> Record:
        """Everything that the witnesses say of one run."""
        run = self.run(pipeline, date)
        return Record(
            run=run,
            events=[event for event in self.events(pipeline) if event.date == date],
            jobs=[job for job in self.jobs(pipeline) if job.arguments.get("--date") == date],
            threads=self.threads(f"{pipeline}, {date}"),
            transitions=self.transitions(run) if run else (),
        )

    def summary(self, pipelines: Iterable[str]) -> str:
        """Where every run stands: what there was instead of what was awaited."""
        rows = [
            row for name in pipelines for row in self._table("control").query(keys.partition(name), "RUN#")
        ]
        runs = [read_run(row) for row in rows]
        stand = [
            f"{run.key.pipeline_id} of {run.key.date} is {run.status} at attempt {run.attempt}"
            for run in runs
        ]
        return "; ".join(stand) or "there is no run"

    def logged_errors(self) -> list[str]:
        """The last errors in the log of the emulator and its functions."""
        lines = self.session.emulator.log_path.read_text(errors="replace").splitlines()
        return [line[:300] for line in lines if "ERROR" in line][-5:]

    def transitions(self, run: Run) -> list[Transition]:
        """The states that the run's executions entered, from their histories; a rerun has one of its own."""
        arn = self.session.stack.state_machine_arn.replace(":stateMachine:", ":execution:")
        states = self.session.emulator.client("stepfunctions")
        histories = states.get_paginator("get_execution_history")
        found: list[Transition] = []
        for count in range(1, run.execution_count + 1):
            name = execution_name(run.key, count, run.created_at)
            pages = histories.paginate(executionArn=f"{arn}:{name}")
            found += entered([event for page in pages for event in page["events"]])
        return found

    @property
    def _control(self) -> DynamoControlTable:
        return DynamoControlTable(self._table("control"))

    def _table(self, name: str) -> DynamoTable:
        return DynamoTable(self.session.emulator.client("dynamodb"), self.session.stack.table(name))


def entered(history: Sequence[Mapping[str, Any]]) -> list[Transition]:
    """The states of an execution's history, in order."""
    found: list[Transition] = []
    for event in history:
        details = event.get("stateEnteredEventDetails")
        if details:
            found.append(Transition(details["name"], event["timestamp"], 0))
        elif event["type"] in ("TaskScheduled", "LambdaFunctionScheduled") and found:
            last = found[-1]
            found[-1] = Transition(last.state, last.at, last.tries + 1)
    return found


def _event(row: Mapping[str, Any]) -> Event:
    return Event(
        event_id=row["eventId"],
        type=EventType(row["eventType"]),
        pipeline_id=row.get("pipelineId"),
        schedule_id=row.get("scheduleId"),
        date=row.get("date"),
        attempt=None if row.get("attempt") is None else int(row["attempt"]),
        message=row["message"],
        at=parse_instant_text(row["timestamp"]),
        severity=Severity(row["severity"]),
        detail=plain(row.get("detail") or {}),
    )
