"""What is known of one world from outside our functions: its rows, the jobs that ran, what was stored, what people read."""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from embedded_torture.faults import Strike
from embedded_torture.jobs import Jobs, Started
from embedded_torture.stream_tail import NOBODY, Change, Key, Row, StreamTail, world_of
from embedded_torture.worlds import WorldPlan
from interlock.aws import keys
from interlock.aws.dynamo_table import DynamoTable
from interlock.domain.event import event_id
from interlock.local.session import Session
from interlock.simulation.promises.announced import PEOPLE_ARE_TOLD

_EVENT = re.compile(r"\bevent ([0-9a-f]{32})\b")  # how each message names the event it tells of


@dataclass(frozen=True)
class Announced:
    """One event as it stood in the row whose change it tells of."""

    id: str
    type: str
    partition: str  # where the sink stores it
    key: Key  # of the row
    attempt: int | None
    is_alert: bool


@dataclass(frozen=True)
class Rows:
    """What the control table held, and holds, of one world."""

    ordered: tuple[Change, ...]

    @cached_property
    def past(self) -> Mapping[Key, list[Change]]:
        """The changes of each row."""
        found: dict[Key, list[Change]] = {}
        for change in self.ordered:
            found.setdefault(change.key, []).append(change)
        return found

    def of_run(self, pipeline: str, date: str) -> list[Row]:
        """The row of a run after each of its changes."""
        changes = self.past.get((keys.partition(pipeline), f"RUN#stream#{date}"), [])
        return [change.new for change in changes if change.new is not None]

    def now(self, kind: str) -> dict[Key, Row]:
        """Rows as they stand, whose sort key begins so."""
        last = {key: changes[-1].new for key, changes in self.past.items() if key[1].startswith(kind)}
        return {key: row for key, row in last.items() if row is not None}

    @cached_property
    def announced(self) -> list[Announced]:
        return announced_by(self.ordered)


@dataclass(frozen=True)
class Facts:
    """A moment of a world."""

    plan: WorldPlan
    rows: Rows
    stored: tuple[tuple[str, str], ...]  # partition and id of each of their rows in the events table
    told: Mapping[str, tuple[float, ...]]  # event id -> when Slack took each message about it
    starts: Mapping[str, tuple[Started, ...]]  # by pipeline
    executions: tuple[str, ...]  # names of those that are under way
    schedules: tuple[str, ...]
    strikes: tuple[Strike, ...]  # of all worlds: functions serve several at once
    published_again: frozenset[str]  # events that the bus brought a second time


class Slack:
    """Which events the channel's messages tell of; each message is read once."""

    def __init__(self, session: Session) -> None:
        self._session, self._read, self._lock = session, 0, threading.Lock()
        self._told: defaultdict[str, tuple[float, ...]] = defaultdict(tuple)

    def told(self) -> Mapping[str, tuple[float, ...]]:
        with self._lock:
            messages = self._session.slack.messages
            for message in messages[self._read :]:
                for event in _EVENT.findall(message.text):
                    self._told[event] += (float(message.ts.partition(".")[0]),)
            self._read = len(messages)
            return dict(self._told)


def announced_by(changes: Iterable[Change]) -> list[Announced]:
    """What new images announce, if their version is another than the old image's."""
    found: list[Announced] = []
    for change in changes:
        key, new = change.key, change.new
        if new is None or not is_ours(new) or (change.old or {}).get("version") == new["version"]:
            continue
        created_at = datetime.fromisoformat(new["createdAt"])
        about = new.get("pipelineId", keys.pipeline_of(key[0]))
        for index, event in enumerate(new["events"]):
            found.append(
                Announced(
                    id=event_id(key[0], key[1], created_at, int(new["version"]), index),
                    type=event["type"],
                    partition=keys.partition(about or "-"),
                    key=key,
                    attempt=int(event["attempt"]) if "attempt" in event else None,
                    is_alert=_is_alert(event),
                )
            )
    return found


def is_ours(row: Row) -> bool:
    """Somebody outside may write rows that look a little like ours."""
    return isinstance(row.get("events"), list) and isinstance(row.get("createdAt"), str) and "version" in row


def _is_alert(event: Mapping[str, Any]) -> bool:
    recovery = event["type"] == "JOB_COMPLETED" and (event.get("detail") or {}).get("recovered") is True
    return event["type"] in PEOPLE_ARE_TOLD or recovery


class Observer:
    """Gathers the facts of any world of a session."""

    def __init__(self, session: Session, tail: StreamTail, jobs: Jobs) -> None:
        self._session, self._tail, self._jobs = session, tail, jobs
        self._slack = Slack(session)
        self._events = DynamoTable(session.emulator.client("dynamodb"), session.stack.table("events"))

    def rows(self, plan: WorldPlan) -> Rows:
        return Rows(tuple(self._tail.changes(plan.name)))

    def facts(
        self, plan: WorldPlan, strikes: Callable[[], Iterable[Strike]], published_again: Iterable[str] = ()
    ) -> Facts:
        rows, told = self.rows(plan), self._slack.told()
        return Facts(
            plan=plan,
            rows=rows,
            stored=self.stored({event.partition for event in rows.announced}),
            told=told,
            starts={corner.id: tuple(self._jobs.starts(corner)) for corner in plan.corners},
            executions=self._executions(plan.name),
            schedules=self._schedules(plan.name),
            strikes=tuple(strikes()),  # after what they may excuse
            published_again=frozenset(published_again),
        )

    def stored(self, partitions: Iterable[str]) -> tuple[tuple[str, str], ...]:
        rows = (row for partition in partitions for row in self._events.query(partition))
        return tuple((row["PK"], row["eventId"]) for row in rows if "eventId" in row)

    def nobodys(self) -> tuple[list[Announced], tuple[str, ...]]:
        """Events that are about no world, and ids of what is stored of them."""
        announced = announced_by(self._tail.changes(NOBODY))
        return announced, tuple(event for _, event in self.stored({each.partition for each in announced}))

    def _executions(self, world: str) -> tuple[str, ...]:
        client = self._session.emulator.client("stepfunctions")
        pages = client.get_paginator("list_executions").paginate(
            stateMachineArn=self._session.stack.state_machine_arn, statusFilter="RUNNING"
        )
        names = (execution["name"] for page in pages for execution in page["executions"])
        return tuple(name for name in names if world_of(name) == world)

    def _schedules(self, world: str) -> tuple[str, ...]:
        client = self._session.emulator.client("scheduler")
        pages = client.get_paginator("list_schedules").paginate(GroupName=self._session.stack.prefix)
        names = (schedule["Name"] for page in pages for schedule in page["Schedules"])
        return tuple(name for name in names if world_of(name) == world)
