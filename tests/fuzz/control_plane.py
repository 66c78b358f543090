"""Tables whose streams reach stream-router in Lambda's own format, and everything that it then sets going, in memory."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from aws.tables import a_memory_table
from builders import a_key, a_pipeline, a_rule, at
from interlock.aws import keys
from interlock.aws.control_table import DynamoControlTable
from interlock.aws.event_bus import EventBridgeBus, event_from_detail
from interlock.aws.job_log import DynamoJobLog
from interlock.aws.rerun_log import DynamoRerunLog
from interlock.aws.watchdog_memory import DynamoWatchdogMemory
from interlock.domain.event import Announcement, Event, EventType
from interlock.domain.pipeline_codec import encode_pipeline
from interlock.functions.orchestrator import orchestrator
from interlock.functions.stream_router import stream_router
from interlock.functions.watchdog import watchdog
from interlock.ports import CallFailed, DueRun, StoredConfig
from interlock.steps.route_change import RouterPorts
from interlock.steps.task import OrchestratorPorts
from interlock.steps.watchdog_ports import WatchdogPorts
from world_builder import Interruptions, Jobs, Mirrored, Vault, Workflow

NOW = at("2026-03-02T08:30")
BAD, NEIGHBOURS = "bad", ("good-1", "good-2")
_MOST_ROUNDS = 30  # each change of ours is a record that may change something; a circle would never end
_LARGEST_EVENT = 256 * 1024


def a_waiting_pipeline(pipeline_id: str) -> Any:
    """Opened by `upstream-complete`, waiting for 1000 rows."""
    return a_pipeline(id=pipeline_id, rules=[a_rule()])


class ControlPlane:
    """One badly treated pipeline, and neighbours that have done nothing wrong."""

    def __init__(self) -> None:
        self.calls = Interruptions()
        self._pending: dict[str, list[dict[str, Any]]] = {"control": [], "joblog": []}
        self._numbers = count(1001)
        self.tables = {
            name: a_memory_table(self.calls, self._on_change, f"test-interlock-{name}")
            for name in ("control", "joblog")
        }
        self.published: list[Event] = []
        self.handed_on: list[DueRun] = []
        self.machine, self.jobs = Workflow(self.calls), Jobs(self.calls)
        self.control = DynamoControlTable(self.tables["control"])
        joblog = DynamoJobLog(self.tables["joblog"])
        bus: Any = self
        self.router = RouterPorts(
            self.control,
            joblog,
            DynamoRerunLog(a_memory_table(self.calls)),
            self.machine,
            EventBridgeBus(bus, "bus"),
            Mirrored(),
        )
        self.tasks = OrchestratorPorts(self.control, joblog, self.machine, self.jobs, Vault())
        told = Announcement(EventType.CONFIG_LOADED, "loaded", NOW)
        for name in (BAD, *NEIGHBOURS):
            text = encode_pipeline(a_waiting_pipeline(name))
            self.control.put_config(StoredConfig(name, text, f"{name}.yaml", "e"), told)
        self._pending["control"].clear()

    # -- the world outside

    def write(self, item: Mapping[str, Any], table: str = "control") -> bool:
        """Whether DynamoDB takes it."""
        try:
            self.tables[table].from_outside().put(dict(item))
        except CallFailed:
            return False
        return True

    def delete(self, item: Mapping[str, Any], table: str = "control") -> None:
        self.tables[table].from_outside().delete((item["PK"], item["SK"]))

    def trigger(self, pipeline_id: str) -> None:
        """The write that opens the pipeline's run of 2 March."""
        partition, sort = keys.sensor_key(pipeline_id, "upstream-complete")
        self.write({"PK": partition, "SK": sort, "status": "ready", "date": "2026-03-02"})

    # -- the services

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        """EventBridge's client: what is published is an event that a consumer can read, and fits."""
        assert 0 < len(Entries) <= 10
        assert sum(len(entry["Detail"]) for entry in Entries) < _LARGEST_EVENT
        self.published += [event_from_detail(json.loads(entry["Detail"])) for entry in Entries]
        return {"FailedEntryCount": 0, "Entries": []}

    def orchestrate(self, runs: Any) -> None:
        json.dumps([(due.key.pipeline_id, due.waits_for, due.tries) for due in runs])
        self.handed_on += runs

    def sync_configs(self) -> None:
        """A tick asks for it; nothing is to be synced here."""

    def sweep(self) -> None:
        """A tick asks for it; there are no files whose pipelines it could look at."""

    # -- what is set going

    def deliver(self, now: datetime = NOW) -> list[str]:
        """Every record, and those of what it changes, in batches of a shard; answers what failed."""
        failed: list[str] = []
        for _ in range(_MOST_ROUNDS):
            batches = {table: records for table, records in self._pending.items() if records}
            if not batches:
                return failed
            for table, records in batches.items():
                self._pending[table] = []
                answer = stream_router(json.loads(json.dumps({"Records": records})), self.router, now)
                failed += [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
        raise AssertionError("the streams never come to rest")

    def fall_asleep(self, pipeline_id: str) -> None:
        """The state machine's first step, for a run that was opened."""
        run = self.control.run(a_key(pipeline_id))
        assert run is not None
        named = {"pipelineId": pipeline_id, "scheduleId": "stream", "date": "2026-03-02"}
        payload = {"step": "EvaluateReadiness", "run": named, "executionName": run.execution_name}
        orchestrator(payload | {"taskToken": f"token-{pipeline_id}"}, self.tasks, NOW)

    def take_records(self) -> list[dict[str, Any]]:
        """What the control table's stream has to deliver, taken out of it."""
        records, self._pending["control"] = self._pending["control"], []
        return records

    def tick(self, event: Any = None) -> None:
        """The watchdog, when everything that waits is due."""
        functions: Any = self
        nobody: Any = None  # nothing of this world is published or recovered
        memory = DynamoWatchdogMemory(self.tables["control"])
        ports = WatchdogPorts(self.control, functions, nobody, memory, nobody, nobody, lambda: 0.0)
        watchdog(event, ports, NOW + timedelta(minutes=31))

    def _on_change(self, table: str, key: Any, old: Any, new: Any) -> None:
        name = table.rsplit("-", 1)[-1]
        images = {"OldImage": old, "NewImage": new}
        body = {part: _wire_row(image) for part, image in images.items() if image is not None}
        number = next(self._numbers)
        record = {
            "eventID": f"{name}-{number}",
            "eventName": "REMOVE" if new is None else "MODIFY" if old else "INSERT",
            "eventSourceARN": f"arn:aws:dynamodb:eu-west-1:111122223333:table/{table}/stream/2026-03-01T00:00:00.000",
            "dynamodb": {
                "ApproximateCreationDateTime": NOW.timestamp(),
                "Keys": _wire_row({"PK": key[0], "SK": key[1]}),
                "SequenceNumber": str(number),
                **body,
            },
        }
        self._pending[name].append(record)


def _wire_row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: to_wire(value) for name, value in row.items()}


def to_wire(value: Any) -> dict[str, Any]:
    """An attribute as a stream record in JSON carries it."""
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case Decimal():
            return {"N": str(value)}
        case bytes():
            return {"B": b64encode(value).decode()}
        case dict():
            return {"M": _wire_row(value)}
        case list():
            return {"L": [to_wire(member) for member in value]}
    members = [to_wire(member) for member in value]
    kind = next(iter(members[0]))
    return {f"{kind}S": [member[kind] for member in members]}
