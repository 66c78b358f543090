"""What an event source mapping does with a batch of stream records that failed, wholly or in part.

Decisions only; `emulator_streams` carries them out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Record = dict[str, Any]
JsonObject = dict[str, Any]


@dataclass(frozen=True)
class Batch:
    """Records that go to the function together, filtered ones included."""

    records: list[Record]
    failures: int = 0  # times the function was called with them and failed

    def split(self) -> list[Batch]:
        """Two halves with fresh budgets: splitting does not count as a retry."""
        middle = (len(self.records) + 1) // 2
        return [Batch(self.records[:middle]), Batch(self.records[middle:])]


@dataclass(frozen=True)
class Policy:
    """What a mapping does with a batch that failed; a negative limit is none.

    https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
    """

    bisect: bool
    max_retries: int
    max_age_seconds: int

    @staticmethod
    def of(mapping: JsonObject) -> Policy:
        retries, age = mapping.get("MaximumRetryAttempts"), mapping.get("MaximumRecordAgeInSeconds")
        return Policy(
            bisect=bool(mapping.get("BisectBatchOnFunctionError")),
            max_retries=-1 if retries is None else int(retries),
            max_age_seconds=-1 if age is None else int(age),
        )


@dataclass(frozen=True)
class Verdict:
    """What follows a failure: batches to try again, in order, or the batch that is given up, and why."""

    again: list[Batch] = field(default_factory=list)
    given_up: Batch | None = None
    condition: str = ""


def judge(batch: Batch, failed_at: int, policy: Policy, now: float) -> Verdict:
    """Decide over a batch whose records before `failed_at` are done."""
    rest = Batch(batch.records[failed_at:], failures=batch.failures + 1 if failed_at == 0 else 1)
    oldest = min(record["dynamodb"]["ApproximateCreationDateTime"] for record in rest.records)
    if 0 <= policy.max_age_seconds < now - oldest:
        return Verdict(given_up=rest, condition="MaxRecordAgeExceeded")
    if policy.bisect and failed_at == 0 and len(rest.records) > 1:
        return Verdict(again=rest.split())
    if 0 <= policy.max_retries < rest.failures:
        return Verdict(given_up=rest, condition="RetryAttemptsExhausted")
    return Verdict(again=[rest])


def first_failure(mapping: JsonObject, batch: Batch, result: JsonObject) -> int | None:
    """Index of the first record that is not done; None when all are.

    The lowest sequence number counts; an identifier that is not in the batch fails all of it.
    https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
    """
    if result.get("error"):
        return 0
    body = result.get("body")
    if "ReportBatchItemFailures" not in mapping["FunctionResponseTypes"] or not isinstance(body, dict):
        return None
    positions = {record["dynamodb"]["SequenceNumber"]: n for n, record in enumerate(batch.records)}
    items = body.get("batchItemFailures") or []
    failed = [item.get("itemIdentifier") if isinstance(item, dict) else None for item in items]
    return min((positions.get(identifier, 0) for identifier in failed), default=None)
