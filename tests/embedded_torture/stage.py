"""The one embedded stack on which all worlds are played, its ticking watchdog, and what people outside can do there."""

from __future__ import annotations

import json
import threading
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from embedded_torture.facts import Observer
from embedded_torture.fault_hook import FOLDER
from embedded_torture.faults import Fault, Strike, strikes, write_plan
from embedded_torture.jobs import Jobs, job_services
from embedded_torture.stream_tail import StreamTail, world_of
from embedded_torture.worlds import Corner, WorldPlan, garbage, malformed
from interlock.aws import keys
from interlock.aws.dynamo_table import DynamoTable
from interlock.aws.run_item import plain
from interlock.domain.run import RunKey
from interlock.local.emulator import Emulator
from interlock.local.session import Session, embedded_stack
from interlock.simulation.promises.facts import Broken
from local.emulator_kit import messages

HOOK = Path(__file__).with_name("fault_hook.py")
_TICK_SECONDS = 3.0  # a minute on AWS
_MOST_REDELIVERED = 10
_DELIVERED = ("SENSOR#", "RUN#", "RERUN_REQUEST#", "NOTICE#", "FILE#", "DUE#relative-sla#", "CONFIG")
_DETAIL = [
    "eventId",
    "pipelineId",
    "scheduleId",
    "date",
    "attempt",
    "message",
    "timestamp",
    "severity",
    "detail",
]
_DEAD_LETTERS = ("alerts", "stream-failures", "rule-failures", "invocation-failures")


@dataclass
class Stage:
    """What the worlds share."""

    session: Session
    tail: StreamTail
    jobs: Jobs
    observer: Observer
    folder: Path
    faults: Mapping[str, Fault]

    def strikes(self) -> list[Strike]:
        return list(strikes(self.folder, self.faults.values()))

    def upload(self, corner: Corner, job: Mapping[str, Any], description: str | None = None) -> None:
        config = corner.config | {"job": {**corner.config["job"], "config": job}}
        if description is not None:
            config = config | {"pipeline": {**config["pipeline"], "description": description}}
        self.session.upload_pipeline(f"{corner.id}.yaml", json.dumps(config))  # JSON is YAML

    def spoil(self, corner: Corner) -> None:
        self.session.upload_pipeline(f"{corner.id}.yaml", malformed(corner.id))

    def write(self, pipeline: str, key: str, **data: Any) -> None:
        partition, sort = keys.sensor_key(pipeline, key)
        self._table("control").put({"PK": partition, "SK": sort, "data": data})

    def write_garbage(self, pipeline: str, number: int) -> None:
        self._table("control").put({"PK": keys.partition(pipeline), **garbage(number)})

    def request(self, pipeline: str, date: str, reason: str, *, force: bool) -> None:
        partition, sort = keys.rerun_request_key(RunKey(pipeline, "stream", date))
        asked = {"reason": reason, "requestedBy": "torture", "force": force}
        self._table("control").put({"PK": partition, "SK": sort, **asked})

    def record(self, pipeline: str, date: str, event: str, run_id: str) -> None:
        """Of somebody else's run: nobody may heed it."""
        partition, sort = keys.job_key(RunKey(pipeline, "stream", date), datetime.now(UTC), 1)
        self._table("joblog").put({"PK": partition, "SK": sort, "event": event, "runId": run_id})

    def redeliver(self, pipeline: str, share: float) -> int:
        """A piece of the stream once more, as Lambda does after a batch that failed; how many records."""
        changes = [
            change
            for change in self.tail.changes(world_of(pipeline))
            if pipeline in "".join(change.key) and change.key[1].startswith(_DELIVERED)
        ]
        first = int(share * len(changes))
        batch = [self.tail.delivered_form(change) for change in changes[first : first + _MOST_REDELIVERED]]
        if batch:
            self._invoke("stream_router", {"Records": batch})
        return len(batch)

    def publish_again(self, pipeline: str, share: float) -> str | None:
        """The bus brings an event a second time, to the sink and to the alerts' queue; its id."""
        rows = [row for row in self._table("events").query(keys.partition(pipeline)) if "eventId" in row]
        if not rows:
            return None
        row = plain(rows[int(share * len(rows))])
        entry = {
            "EventBusName": self.session.stack.bus,
            "Source": "interlock",
            "DetailType": row["eventType"],
            "Detail": json.dumps({"type": row["eventType"]} | {name: row.get(name) for name in _DETAIL}),
        }
        self.session.emulator.client("events").put_events(Entries=[entry])
        return str(row["eventId"])

    def tick(self) -> None:
        self._invoke("watchdog", {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}})

    def is_loaded(self, plan: WorldPlan) -> bool:
        written = {change.key for change in self.tail.changes(plan.name)}
        return {keys.config_key(corner.id) for corner in plan.corners} <= written

    def dead_letters(self) -> Iterator[Broken]:
        sqs = self.session.emulator.client("sqs")
        for name in _DEAD_LETTERS:
            queue = f"{self.session.stack.prefix}-{name}-dead"
            for letter in messages(self.session.emulator, sqs.get_queue_url(QueueName=queue)["QueueUrl"]):
                text = json.dumps(letter)
                yield Broken("no-dead-letter", world_of(text) or "nobody", f"{queue}: {text[:1500]}")

    def nobodys(self) -> Iterator[Broken]:
        """Events that are about no world are stored too."""
        announced, stored = self.observer.nobodys()
        for event in announced:
            if (times := stored.count(event.id)) != 1:
                promise = "stored-once" if times else "every-event-stored"
                yield Broken(promise, str(event.key), f"{event.type}: {times} times")

    def _invoke(self, function: str, event: Mapping[str, Any]) -> None:
        self.session.emulator.client("lambda").invoke(
            FunctionName=self.session.stack.function(function), Payload=json.dumps(event, default=_as_text)
        )

    def _table(self, name: str) -> DynamoTable:
        return DynamoTable(self.session.emulator.client("dynamodb"), self.session.stack.table(name))


def _as_text(value: bytes) -> str:
    """Bytes, as Lambda has them in a record."""
    return b64encode(value).decode()


@contextmanager
def stage(plans: Iterable[WorldPlan], folder: Path) -> Iterator[Stage]:
    """The stack for these worlds; their faults are known to it from the start. It ends with the block."""
    faults = {fault.id: fault for plan in plans for fault in plan.faults}
    write_plan(folder, faults.values())
    emulator = Emulator(env={FOLDER: str(folder)}, worker_hook=HOOK)
    with embedded_stack({}, emulator=emulator) as session:
        session.warm_up()
        with StreamTail(session) as tail, job_services(session, folder) as jobs:
            made = Stage(session, tail, jobs, Observer(session, tail, jobs), folder, faults)
            with _ticking(made):
                yield made


@contextmanager
def _ticking(made: Stage) -> Iterator[None]:
    over = threading.Event()

    def tick() -> None:
        while not over.wait(_TICK_SECONDS):
            made.tick()

    thread = threading.Thread(target=tick, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
