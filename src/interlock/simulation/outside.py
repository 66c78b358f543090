"""What outsiders do in a scenario: they write sensors, requests, reports and configs, and break things."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from interlock.aws import keys
from interlock.aws.control_table import DynamoControlTable
from interlock.domain.bad_input import BadInput
from interlock.domain.run import RunKey
from interlock.pipeline_yaml import PipelineInvalid, compose
from interlock.ports import CallFailed
from interlock.simulation.config_files import pipeline_id_of
from interlock.simulation.faults import STALE, STALL
from interlock.simulation.history import Kind
from interlock.simulation.scenario import (
    Action,
    Batch,
    Channel,
    ConfigText,
    Delay,
    Drop,
    Duplicate,
    Fault,
    Pause,
    PutConfig,
    Raw,
    Redeliver,
    Redrive,
    RemoveConfig,
    RemoveRerunRequest,
    RemoveSensor,
    Report,
    Rerun,
    Sensor,
    SetEnv,
    SetSecrets,
    StopExecution,
)
from interlock.simulation.world import World


class Outside:
    """Plays the timeline's entries. Its writes are nobody's calls of ours: neither counted nor made to fail."""

    def __init__(self, world: World, configs: tuple[ConfigText, ...]) -> None:
        self._world = world
        self._tables = {
            "control": world.control.from_outside(),
            "joblog": world.joblog.from_outside(),
            "rerun": world.rerun.from_outside(),
        }
        self._file_of: dict[str, str] = {}  # pipeline id -> the file that holds it
        for config in configs:
            self._file_of[config.pipeline_id] = config.name

    def perform(self, action: Action) -> None:
        """Do it now; what DynamoDB refuses is told, not raised."""
        try:
            told, pipeline = self._perform(action), getattr(action, "pipeline_id", None)
        except CallFailed as error:
            told, pipeline = f"DynamoDB refuses a write from outside: {error}", None
        self._world.history.add(Kind.OUTSIDE, told, pipeline)

    def _perform(self, action: Action) -> str:
        match action:
            case Sensor():
                return self._write_sensor(action)
            case RemoveSensor(pipeline_id=pipeline, key=key):
                self._tables["control"].delete(keys.sensor_key(pipeline, key))
                return f"sensor {key} is removed"
            case Rerun():
                return self._request_rerun(action)
            case RemoveRerunRequest(pipeline_id=pipeline, date=date, schedule_id=schedule):
                run = self._run_key(pipeline, date, schedule)
                self._tables["control"].delete(keys.rerun_request_key(run))
                return f"the rerun request for {date} is removed"
            case Report():
                return self._report(action)
            case Raw(table=table, item=item):
                self._tables[table].put(dict(item))
                return f"an item is put into {table}: {item['PK']} {item['SK']}"
            case PutConfig():
                return self._put_config(action)
            case RemoveConfig(pipeline_id=pipeline):
                return self._remove_config(pipeline)
            case _:
                return self._disturb(action)

    def _disturb(self, action: Action) -> str:
        world = self._world
        match action:
            case Fault():
                world.arm(action)
                return _told_of(action)
            case Delay(what=channel, next=count) | Duplicate(what=channel, next=count):
                world.deliveries.add(action)
                comes = f"{action.by} later" if isinstance(action, Delay) else "twice"
                return f"the next deliveries ({channel}) will come {comes}: {count}"
            case Batch(size=size):
                world.deliveries.batch_size = size
                return f"streams deliver at most {size} records at a time"
            case Redrive():
                return f"{world.deliveries.redrive()} dead letters are put back"
            case Redeliver(last=last, reverse=reverse):
                count = world.redeliver(last, reverse=reverse)
                return f"the stream delivers its last {count} records again"
            case Drop(next=count, job_events=job_events):
                losses = world.deliveries.losses
                channel = Channel.JOB_EVENT if job_events else Channel.STREAM
                losses[channel] = losses.get(channel, 0) + count
                what = "state-change events of jobs" if job_events else "stream records"
                return f"the next {count} {what} will be lost"
            case Pause(what="watchdog", paused=paused):
                world.watchdog_paused = paused
                return f"the watchdog {'stops' if paused else 'goes on'}"
            case Pause(paused=paused):
                world.scheduler.paused = paused
                return f"EventBridge Scheduler {'stops' if paused else 'goes on'}"
            case StopExecution(pipeline_id=pipeline, date=date, schedule_id=schedule):
                run = self._run_key(pipeline, date, schedule)
                stopped = world.stop_execution(run)
                return f"the execution of {date} is stopped" if stopped else f"nothing runs for {date}"
            case SetSecrets(values=values):
                world.secrets.values.update(values)
                return f"secrets are set: {', '.join(values)}"
            case SetEnv(values=values):
                world.environment.update(values)
                return f"environment variables are set: {', '.join(values)}"
        raise TypeError(f"no way to perform {action!r}")

    def _write_sensor(self, sensor: Sensor) -> str:
        partition, sort = keys.sensor_key(sensor.pipeline_id, sensor.key)
        attributes = sensor.data if sensor.flat else {"data": sensor.data}
        self._tables["control"].put({**attributes, "PK": partition, "SK": sort})
        return f"sensor {sensor.key} is written: {_short(sensor.data)}"

    def _request_rerun(self, rerun: Rerun) -> str:
        key = self._run_key(rerun.pipeline_id, rerun.date, rerun.schedule_id)
        partition, sort = keys.rerun_request_key(key)
        self._tables["control"].put({**rerun.fields, "PK": partition, "SK": sort})
        return f"a rerun of {rerun.date} is asked for: {_short(rerun.fields)}"

    def _report(self, report: Report) -> str:
        key = self._run_key(report.pipeline_id, report.date, report.schedule_id)
        attempt = report.attempt
        if attempt is None:
            attempt = self._current_attempt(key)
        partition, sort = keys.job_key(key, self._now(), attempt)
        said: dict[str, Any] = {"event": str(report.end), **report.fields}
        if report.run_id is not None:
            said["runId"] = report.run_id
        self._tables["joblog"].put({**said, "PK": partition, "SK": sort})
        return f"{report.end} is reported for {report.date} attempt {attempt}: {_short(said)}"

    def _current_attempt(self, key: RunKey) -> int:
        attempt = (self._tables["control"].get(keys.run_key(key)) or {}).get("attempt")
        # Somebody may have put garbage there.
        return int(attempt) if isinstance(attempt, Decimal) and attempt >= 1 else 1

    def _run_key(self, pipeline_id: str, date: str, schedule_id: str | None) -> RunKey:
        if schedule_id is None:
            schedule_id = self._schedule_of(pipeline_id)
        return RunKey(pipeline_id, schedule_id, date)

    def _schedule_of(self, pipeline_id: str) -> str:
        try:
            pipeline = DynamoControlTable(self._tables["control"]).pipeline(pipeline_id)
        except BadInput:
            pipeline = None
        return pipeline.schedule_id if pipeline else "stream"

    def _put_config(self, action: PutConfig) -> str:
        known = self._file_of.get(action.pipeline_id or "")
        name = action.name or known or f"{action.pipeline_id or 'unnamed'}.yaml"
        self._world.bucket.put(name, action.text)
        self._remember(name, action.text)
        self._world.sync_configs()
        return f"config file {name} is written"

    def _remove_config(self, pipeline_id: str) -> str:
        name = self._file_of.pop(pipeline_id, None)
        if name is None or name not in self._world.bucket.files:
            return f"no config file holds {pipeline_id}: nothing to remove"
        self._world.bucket.remove(name)
        self._world.sync_configs()
        return f"config file {name} is removed"

    def _remember(self, name: str, text: bytes) -> None:
        try:
            pipeline_id = pipeline_id_of(compose(text, name))
        except PipelineInvalid:
            return
        if pipeline_id is not None:
            self._file_of.setdefault(pipeline_id, name)

    def _now(self) -> datetime:
        return self._world.clock.now()


def _told_of(fault: Fault) -> str:
    when = "after" if fault.after else "before"
    if fault.error == STALE:
        return f"{fault.call} of the index will answer {fault.times} times with what was"
    if fault.error == STALL:
        return f"{fault.call} will freeze its function {fault.times} times, {when} it takes effect"
    return f"{fault.call} will fail {fault.times} times with {fault.error}, {when} it takes effect"


def _short(values: Mapping[str, Any]) -> str:
    text = ", ".join(f"{name}: {value}" for name, value in values.items())
    return text if len(text) <= 200 else f"{text[:200]}…"
