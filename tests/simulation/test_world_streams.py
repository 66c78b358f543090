"""Streams, queues and asynchronous invocations fail and repeat as AWS documents it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from interlock.aws.stream import read_record
from interlock.local.event_patterns import STREAM_FILTERS
from interlock.local.stack import ALERT_QUEUE_RECEIVES, ALERT_QUEUE_VISIBILITY_SECONDS, STREAM_RETRIES
from interlock.simulation import invocations
from interlock.simulation.alert_queue import MOST_RECEIVES, VISIBILITY_SECONDS, SimulatedQueue
from interlock.simulation.clock import VirtualClock
from interlock.simulation.deliveries import Deliveries
from interlock.simulation.faults import FaultPlan
from interlock.simulation.history import History, Kind
from interlock.simulation.invocations import Accounts, FunctionFailed, Functions, GoesInCircles
from interlock.simulation.our_calls import OurCalls
from interlock.simulation.scenario import Channel
from interlock.simulation.table_streams import (
    FILTERS,
    MOST_RETRIES,
    SETTLED,
    WHOLE_KEYS,
    Record,
    TableStream,
)
from interlock.simulation.tally import Tally
from scenario_text import GLUE_PIPELINE, LANDED, instants, played

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
Deliver = Callable[[Mapping[str, Any]], Mapping[str, Any]]


class Shard:
    """A stream whose function does what the test says."""

    def __init__(self, deliver: Deliver) -> None:
        self.clock = VirtualClock(START)
        self.history = History(self.clock.now)
        self.sent: list[tuple[str, Record]] = []
        self.deliveries = Deliveries(self.history)
        self.stream = TableStream("control", self.clock, self.history, deliver, self.deliveries, self.sent)

    def write(self, *sensors: str) -> None:
        for sensor in sensors:
            pipeline, _, value = sensor.partition("=")
            key = (f"PIPELINE#{pipeline}", "SENSOR#x")
            self.stream.on_change(key, None, {"PK": key[0], "SK": key[1], "value": value})

    def run(self, seconds: int = 0) -> None:
        self.clock.run_until(self.clock.now() + timedelta(seconds=seconds))


def _values(event: Mapping[str, Any]) -> list[str]:
    return [record["dynamodb"]["NewImage"]["value"]["S"] for record in event["Records"]]


def _number(event: Mapping[str, Any], value: str) -> str:
    return str(event["Records"][_values(event).index(value)]["dynamodb"]["SequenceNumber"])


def test_writes_of_one_instant_come_in_one_batch_in_their_order() -> None:
    batches: list[list[str]] = []
    shard = Shard(lambda event: batches.append(_values(event)) or {})  # type: ignore[func-returns-value]

    shard.write("a=1", "b=1", "a=2")
    shard.run()

    assert batches == [["1", "1", "2"]]


def test_a_batch_answered_with_a_sequence_number_comes_again_from_there_on() -> None:
    batches: list[list[str]] = []

    def deliver(event: Mapping[str, Any]) -> Mapping[str, Any]:
        batches.append(_values(event))
        again = [{"itemIdentifier": _number(event, "2")}] if len(batches) == 1 else []
        return {"batchItemFailures": again}

    shard = Shard(deliver)
    shard.write("a=1", "a=2", "a=3")
    shard.run(1)

    assert batches == [["1", "2", "3"], ["2", "3"]]


def test_an_unknown_identifier_fails_the_whole_batch() -> None:
    batches: list[list[str]] = []

    def deliver(event: Mapping[str, Any]) -> Mapping[str, Any]:
        batches.append(_values(event))
        return {"batchItemFailures": [{"itemIdentifier": "control-1"}] if len(batches) == 1 else []}

    shard = Shard(deliver)
    shard.write("a=1", "a=2")
    shard.run(1)

    assert batches == [["1", "2"], ["1", "2"]]


def test_a_key_that_fails_keeps_its_order_and_holds_up_no_other() -> None:
    handled: list[str] = []

    def deliver(event: Mapping[str, Any]) -> Mapping[str, Any]:
        values = _values(event)
        if "a1" in values and not handled:
            handled.append("failure")
            raise FunctionFailed("Runtime.ExitError", "died")
        handled.extend(values)
        return {}

    shard = Shard(deliver)
    shard.write("a=a1")
    shard.run()
    shard.write("a=a2", "b=b1")
    shard.run()
    assert handled == ["failure", "b1"]

    shard.run(1)
    assert handled == ["failure", "b1", "a1", "a2"]


def test_a_failing_batch_is_tried_ever_more_slowly_and_given_up_in_the_end() -> None:
    tries: list[datetime] = []

    def deliver(_: Mapping[str, Any]) -> Mapping[str, Any]:
        tries.append(shard.clock.now())
        raise FunctionFailed("ValueError", "no")

    shard = Shard(deliver)
    shard.write("a=1")
    shard.run(3600 * 24)

    waits = [(later - earlier).total_seconds() for earlier, later in pairwise(tries)]
    assert waits[:7] == [1, 2, 4, 8, 16, 32, 60]
    assert len(tries) == MOST_RETRIES + 1
    assert [line.kind for line in shard.history.lines] == [Kind.LOST]


def test_lost_records_never_arrive_and_are_not_delivered_again() -> None:
    batches: list[list[str]] = []
    shard = Shard(lambda event: batches.append(_values(event)) or {})  # type: ignore[func-returns-value]
    shard.deliveries.losses[Channel.STREAM] = 1

    shard.write("a=1", "a=2")
    shard.run()

    assert batches == [["2"]]
    assert len(shard.sent) == 1


def test_records_are_what_the_real_reader_reads() -> None:
    shard = Shard(lambda _: {})
    old = {"PK": "PIPELINE#a", "SK": "SENSOR#x", "data": {"n": [None, True, b"x", {"s"}]}}

    shard.stream.on_change(("PIPELINE#a", "SENSOR#x"), old, None)

    change = read_record(shard.sent[0][1])
    assert (change.table, change.kind, change.old, change.new) == ("control", "REMOVE", old, None)
    assert change.at == START


def test_the_filters_and_limits_are_those_that_are_deployed() -> None:
    def written(pattern: dict[str, Any]) -> set[str]:
        found = pattern["Keys"]["SK"]["S"]
        return {entry["prefix"] if isinstance(entry, dict) else entry for entry in found}

    ours = {table: set(prefixes) for table, prefixes in FILTERS.items()}
    ours["control"] |= set(WHOLE_KEYS)
    settled = STREAM_FILTERS["control"][1]

    assert {table: written(patterns[0]) for table, patterns in STREAM_FILTERS.items()} == ours
    assert (written(settled), set(settled["NewImage"])) == ({SETTLED[0]}, {SETTLED[1]})
    assert (MOST_RETRIES, MOST_RECEIVES) == (STREAM_RETRIES, ALERT_QUEUE_RECEIVES)
    assert VISIBILITY_SECONDS == ALERT_QUEUE_VISIBILITY_SECONDS


def test_a_message_that_failed_is_received_again_after_its_visibility_timeout() -> None:
    received: list[tuple[float, list[str]]] = []

    def deliver(event: Mapping[str, Any]) -> Mapping[str, Any]:
        counts = [record["attributes"]["ApproximateReceiveCount"] for record in event["Records"]]
        received.append(((clock.now() - START).total_seconds(), counts))
        failed = [record["messageId"] for record in event["Records"][1:]]
        return {"batchItemFailures": [{"itemIdentifier": message} for message in failed]}

    clock = VirtualClock(START)
    history = History(clock.now)
    calls = OurCalls(FaultPlan(), history, clock.block_until)
    queue = SimulatedQueue(clock, calls, Deliveries(history), deliver)
    queue.send("{}", "a")
    queue.send("{}", "b")
    clock.run_until(START + timedelta(minutes=2))

    assert received == [(0, ["1", "1"]), (VISIBILITY_SECONDS, ["2"])]


def test_an_asynchronous_invocation_is_repeated_after_one_minute_and_after_two_more() -> None:
    tries: list[float] = []

    def fail(_: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:
        tries.append((now - START).total_seconds())
        raise KeyError("no")

    clock = VirtualClock(START)
    history = History(clock.now)
    functions = Functions(
        {"f": fail}, clock, history, Accounts(Tally(), Tally()), [].append, Deliveries(history)
    )
    functions.invoke_async("f", {})
    clock.run_until(START + timedelta(hours=1))

    assert tries == [0, 60, 180]
    assert history.lines[-1].kind is Kind.LOST


@pytest.mark.parametrize("what", ["last: 99", "all: true", "all: true, reverse: true"])
def test_a_redelivery_changes_nothing(what: str) -> None:
    entry = f'{{at: "+30m", redeliver: {{{what}}}}}'

    world = played(LANDED, entry, configs=GLUE_PIPELINE)

    assert len(world.history.jobs) == 1
    assert instants(world, "JOB_COMPLETED") == ["600"]


def test_functions_that_invoke_each_other_for_ever_are_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invocations, "MOST_AT_ONE_INSTANT", 50)
    clock = VirtualClock(START)
    history = History(clock.now)

    def once_more(_event: Mapping[str, Any], _now: datetime) -> Mapping[str, Any]:
        functions.invoke_async("f", {})
        return {}

    functions = Functions(
        {"f": once_more}, clock, history, Accounts(Tally(), Tally()), [].append, Deliveries(history)
    )
    functions.invoke_async("f", {})

    with pytest.raises(GoesInCircles):
        clock.run_until(START)
