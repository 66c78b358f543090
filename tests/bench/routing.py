"""What one batch of the stream asks of the control table, and how many records a second the router takes."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bench.figure import Figure
from interlock.aws import keys
from interlock.aws.control_table import DynamoControlTable
from interlock.aws.job_log import DynamoJobLog
from interlock.aws.rerun_log import DynamoRerunLog
from interlock.domain.announcement import config_loaded
from interlock.domain.event import Event
from interlock.domain.pipeline import Check, Job, JobType, Pipeline, Rule, Schedule, Trigger, Validation
from interlock.domain.pipeline_codec import encode_pipeline
from interlock.domain.promise import PromiseKind
from interlock.domain.run import RunKey
from interlock.functions.stream_router import stream_router
from interlock.ports import StoredConfig
from interlock.simulation.calls import OutsideCalls
from interlock.simulation.memory_table import MemoryTable
from interlock.steps.route_change import RouterPorts

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
PIPELINES = [f"pipeline-{number}" for number in range(10)]
_ROUNDS = 30


class CountingTable(MemoryTable):
    """Counts the reads of `CONFIG` rows, by partition."""

    def __init__(self, name: str) -> None:
        super().__init__(name, OutsideCalls(), lambda *_: None)
        self.config_reads: Counter[str] = Counter()

    def get(self, key: keys.Key) -> dict[str, Any] | None:
        if key[1] == keys.CONFIG:
            self.config_reads[key[0]] += 1
        return super().get(key)


class Nobody:
    """A state machine, a bus and an sla-monitor that take everything."""

    def start(self, name: str, execution_input: Mapping[str, Any]) -> None: ...
    def succeed(self, token: str) -> None: ...
    def fail(self, token: str, error: str, cause: str) -> None: ...
    def owns(self, state_machine_arn: str) -> bool:  # noqa: ARG002  (the protocol's)
        return False

    def publish(self, events: Sequence[Event]) -> None: ...
    def mirror_deadline(self, kind: PromiseKind, key: RunKey) -> None: ...


def figures() -> list[Figure]:
    table, ports = _world()
    stream_router(_batch(_heartbeats()), ports, NOW)
    reads = table.config_reads
    found = [
        Figure(
            "config reads for the pipeline that has most of them", max(reads.values()), "reads", at_most=1
        ),
        Figure("config reads in all", sum(reads.values()), "reads", at_most=len(PIPELINES)),
    ]
    reads.clear()
    stream_router(_batch(_of_no_interest()), ports, NOW)
    found.append(
        Figure("config reads for records that matter to nobody", sum(reads.values()), "reads", at_most=0)
    )
    return [*found, Figure("sensor records routed (tables in memory)", _throughput(ports), "records/s")]


def _world() -> tuple[CountingTable, RouterPorts]:
    table = CountingTable("control")
    control = DynamoControlTable(table)
    for pipeline_id in PIPELINES:
        pipeline = Pipeline(
            id=pipeline_id,
            job=Job(JobType.GLUE, {"jobName": "etl"}),
            schedule=Schedule(trigger=Trigger(Rule("go", Check.EQUALS, "status", "ready"))),
            validation=Validation(rules=(Rule("rows", Check.GTE, "count", 1000),)),
        )
        stored = StoredConfig(pipeline_id, encode_pipeline(pipeline), "bench.yaml", "1", 1)
        control.put_config(stored, config_loaded("bench.yaml", NOW, []))
    others = MemoryTable("joblog", OutsideCalls(), lambda *_: None)
    nobody = Nobody()
    reruns = DynamoRerunLog(others)
    return table, RouterPorts(control, DynamoJobLog(others), reruns, nobody, nobody, nobody)


def _heartbeats() -> list[tuple[str, str]]:
    return [(PIPELINES[number % 10], "SENSOR#rows") for number in range(100)]


def _of_no_interest() -> list[tuple[str, str]]:
    kinds = (
        "DUE#check#stream#2026-03-02",
        "RUN#stream#2026-03-02",
        "BASELINE#stream#2026-03-02",
        "NOTICE#x",
        "nonsense",
    )
    return [(PIPELINES[number % 10], kinds[number % len(kinds)]) for number in range(100)]


def _batch(rows: list[tuple[str, str]]) -> dict[str, Any]:
    def record(number: int, pipeline_id: str, sort_key: str) -> dict[str, Any]:
        key = {"PK": {"S": f"PIPELINE#{pipeline_id}"}, "SK": {"S": sort_key}}
        image = key | {"data": {"M": {"count": {"N": str(number)}}}, "version": {"N": "3"}}
        return {
            "eventID": str(number),
            "eventName": "MODIFY",
            "eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/prod-interlock-control/stream/2026",
            "dynamodb": {
                "ApproximateCreationDateTime": NOW.timestamp(),
                "Keys": key,
                "NewImage": image,
                "OldImage": image,
                "SequenceNumber": str(1000 + number),
            },
        }

    return {"Records": [record(number, *row) for number, row in enumerate(rows)]}


def _throughput(ports: RouterPorts) -> float:
    batch = _batch(_heartbeats())
    started = time.process_time()
    for _ in range(_ROUNDS):
        stream_router(batch, ports, NOW)
    return _ROUNDS * len(batch["Records"]) / (time.process_time() - started)
