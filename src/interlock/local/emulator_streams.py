"""DynamoDB streams to functions on the embedded stack: order, retries, partial failures, on-failure records.

Runs inside the emulator's process; `emulator_patches` puts `poll` in place of ministack's own, which drops a
record that failed alone, repeats a poisoned batch for ever and lets one slow function hold up every table.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from interlock.local.emulator_batches import Batch, Policy, first_failure, judge
from interlock.local.emulator_delivered import answer_is_lost, note_batch
from interlock.local.emulator_deliveries import may_read
from interlock.local.emulator_failures import GivenUp, keep_batch

lambdas: Any = import_module("ministack.services.lambda_svc")
dynamodb: Any = import_module("ministack.services.dynamodb")

log = logging.getLogger("interlock.emulator")

JsonObject = dict[str, Any]

FIRST_BACKOFF_SECONDS = 0.1
LONGEST_BACKOFF_SECONDS = 2.0

# Per mapping: the batches cut from the stream and not yet done. Only the thread that has the mapping's batch
# in flight touches its entry.
_pending: dict[str, list[Batch]] = {}


@dataclass(frozen=True)
class Source:
    """One mapping with everything it needs to move on."""

    mapping: JsonObject
    function: JsonObject
    table: str

    @property
    def id(self) -> str:
        return str(self.mapping["UUID"])

    def position(self) -> int:
        """Index of the first record that is not done yet, as ministack counts them."""
        horizon: int = dynamodb.stream_start_position(self.table)
        known = lambdas._dynamodb_stream_positions.get(self.id)
        if known is None:  # restored from disk without its position
            latest = self.mapping.get("StartingPosition") != "TRIM_HORIZON"
            known = dynamodb.stream_end_position(self.table) if latest else horizon
            lambdas._dynamodb_stream_positions[self.id] = known
        return max(int(known), horizon)

    def advance(self, records: int) -> None:
        if self.id in lambdas._esms:
            lambdas._dynamodb_stream_positions[self.id] = self.position() + records

    def next_batch(self) -> Batch | None:
        if not _pending.get(self.id):
            size = self.mapping["BatchSize"]
            records = dynamodb.stream_records_since(self.table, self.position(), size)
            _pending[self.id] = [Batch(list(records))] if records else []
        return next(iter(_pending[self.id]), None)


def poll() -> bool:
    """Start one batch for each mapping that has records and none in flight; True if any started."""
    started = False
    for account, region, mapping in lambdas._iter_all_esms():
        with scope(account, region):
            source = ready_source(mapping)
            if source is not None and source.next_batch() is not None:
                lambdas._dispatch_esm_batch(source.id, deliver, source)
                started = True
    return started


def ready_source(mapping: JsonObject) -> Source | None:
    """The mapping's source, if it is a table's stream that may be read now."""
    busy = lambdas._esm_inflight.get(mapping["UUID"]) or backing_off(mapping)
    if busy or not mapping.get("Enabled", True) or ":dynamodb:" not in mapping["EventSourceArn"]:
        return None
    table = mapping["EventSourceArn"].split("/")[1]
    stream = (dynamodb._tables.get(table) or {}).get("LatestStreamArn")
    name, qualifier = mapping["FunctionName"], mapping.get("Qualifier")
    function, _ = lambdas._get_func_record_for_qualifier(name, qualifier)
    if function is None or stream != mapping["EventSourceArn"]:
        return None
    return Source(mapping, function, table)


def deliver(source: Source) -> None:
    """Call the function with the next batch and act on the answer. Only one runs per mapping at a time."""
    batch = source.next_batch()
    if batch is None:
        return
    if not may_read(source.function, source.mapping["EventSourceArn"]):
        source.mapping["LastProcessingResult"] = "PROBLEM: Lambda cannot access the stream"
        back_off(source, LONGEST_BACKOFF_SECONDS)
        return
    wanted = lambdas._apply_filter_criteria(batch.records, source.mapping)
    result = lambdas._execute_function(source.function, {"Records": wanted}) if wanted else {}
    # A throttled batch never reached the function, so it costs no attempt.
    failed_at = None if result.get("throttle") else first_failure(source.mapping, batch, result)
    if result.get("throttle"):
        back_off(source, FIRST_BACKOFF_SECONDS)
    elif failed_at is None and not answer_is_lost():
        note_batch(source.table, batch.records)
        source.mapping["LastProcessingResult"] = "OK"
        _pending[source.id].pop(0)
        source.advance(len(batch.records))
    elif failed_at is not None:
        source.mapping["LastProcessingResult"] = "PROBLEM: Function call failed"
        take_failure(source, batch, failed_at, result)


def take_failure(source: Source, batch: Batch, failed_at: int, result: JsonObject) -> None:
    name = source.mapping["FunctionName"]
    size, text = len(batch.records), result.get("log", "")
    log.warning("%s failed at record %s of %s: %s\n%s", name, failed_at, size, result.get("body"), text)
    source.advance(failed_at)
    verdict = judge(batch, failed_at, Policy.of(source.mapping), time.time())
    _pending[source.id][:1] = verdict.again
    if verdict.given_up is None:
        back_off(source, FIRST_BACKOFF_SECONDS * 2 ** min(verdict.again[0].failures, 10))
        return
    records = verdict.given_up.records
    wanted = lambdas._apply_filter_criteria(records, source.mapping)
    invocations = verdict.given_up.failures
    keep_batch(
        source.mapping,
        source.function,
        GivenUp(records, {"Records": wanted}, invocations, verdict.condition, result),
    )
    source.advance(len(records))


def backing_off(mapping: JsonObject) -> bool:
    until: float = lambdas._esm_backoff_until.get(mapping["UUID"], 0)
    return until > time.time()


def back_off(source: Source, seconds: float) -> None:
    """Leave the mapping alone for a while; wake the poller afterwards, which else sleeps a second."""
    seconds = min(seconds, LONGEST_BACKOFF_SECONDS)
    lambdas._esm_backoff_until[source.id] = time.time() + seconds
    timer = threading.Timer(seconds, lambdas._esm_wake.set)
    timer.daemon = True
    timer.start()


@contextmanager
def scope(account: str, region: str) -> Iterator[None]:
    """Look at the emulator's state as this account, in this region."""
    tokens = lambdas._request_account_id.set(account), lambdas._request_region.set(region)
    try:
        yield
    finally:
        lambdas._request_account_id.reset(tokens[0])
        lambdas._request_region.reset(tokens[1])
