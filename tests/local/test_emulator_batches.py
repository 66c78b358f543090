"""What becomes of a batch of stream records that failed."""

from typing import Any

import pytest

from interlock.local.emulator_batches import Batch, Policy, Verdict, first_failure, judge

CREATED = 1_000  # epoch seconds of every record
NO_LIMITS = Policy(bisect=False, max_retries=-1, max_age_seconds=-1)


def a_record(number: int) -> dict[str, Any]:
    return {"dynamodb": {"SequenceNumber": str(number), "ApproximateCreationDateTime": CREATED}}


def a_batch(*numbers: int, failures: int = 0) -> Batch:
    return Batch([a_record(number) for number in numbers], failures)


@pytest.mark.parametrize(
    ("batch", "failed_at", "policy", "verdict"),
    [
        pytest.param(
            a_batch(1, 2, failures=99),
            0,
            NO_LIMITS,
            Verdict([a_batch(1, 2, failures=100)]),
            id="without limits it is tried for ever",
        ),
        pytest.param(
            a_batch(1, 2, 3, failures=4),
            1,
            NO_LIMITS,
            Verdict([a_batch(2, 3, failures=1)]),
            id="done records are left out, and the rest is counted anew",
        ),
        pytest.param(
            a_batch(1, failures=1),
            0,
            Policy(bisect=False, max_retries=2, max_age_seconds=-1),
            Verdict([a_batch(1, failures=2)]),
            id="the last retry is still to come",
        ),
        pytest.param(
            a_batch(1, 2, failures=2),
            0,
            Policy(bisect=False, max_retries=2, max_age_seconds=-1),
            Verdict(given_up=a_batch(1, 2, failures=3), condition="RetryAttemptsExhausted"),
            id="all retries used, the whole batch is given up",
        ),
        pytest.param(
            a_batch(1),
            0,
            Policy(bisect=False, max_retries=0, max_age_seconds=-1),
            Verdict(given_up=a_batch(1, failures=1), condition="RetryAttemptsExhausted"),
            id="no retries at all",
        ),
        pytest.param(
            a_batch(1, 2, 3, failures=2),
            0,
            Policy(bisect=True, max_retries=2, max_age_seconds=-1),
            Verdict([a_batch(1, 2), a_batch(3)]),
            id="bisecting costs no retry",
        ),
        pytest.param(
            a_batch(1, 2, 3),
            1,
            Policy(bisect=True, max_retries=2, max_age_seconds=-1),
            Verdict([a_batch(2, 3, failures=1)]),
            id="a reported failure is where the batch is cut",
        ),
        pytest.param(
            a_batch(1, failures=2),
            0,
            Policy(bisect=True, max_retries=2, max_age_seconds=-1),
            Verdict(given_up=a_batch(1, failures=3), condition="RetryAttemptsExhausted"),
            id="a single record cannot be bisected",
        ),
        pytest.param(
            a_batch(1, 2),
            1,
            Policy(bisect=True, max_retries=9, max_age_seconds=59),
            Verdict(given_up=a_batch(2, failures=1), condition="MaxRecordAgeExceeded"),
            id="too old",
        ),
        pytest.param(
            a_batch(1),
            0,
            Policy(bisect=False, max_retries=9, max_age_seconds=60),
            Verdict([a_batch(1, failures=1)]),
            id="exactly as old as allowed",
        ),
    ],
)
def test_a_failed_batch(batch: Batch, failed_at: int, policy: Policy, verdict: Verdict) -> None:
    assert judge(batch, failed_at, policy, now=CREATED + 60) == verdict


REPORTS = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}


@pytest.mark.parametrize(
    ("mapping", "result", "index"),
    [
        pytest.param(REPORTS, {"error": True, "body": {}}, 0, id="the function failed"),
        pytest.param(REPORTS, {"body": None}, None, id="null"),
        pytest.param(REPORTS, {"body": {}}, None, id="an empty answer"),
        pytest.param(REPORTS, {"body": {"batchItemFailures": None}}, None, id="a null list"),
        pytest.param(REPORTS, {"body": {"batchItemFailures": []}}, None, id="an empty list"),
        pytest.param(REPORTS, {"body": {"batchItemFailures": [{"itemIdentifier": "11"}]}}, 1, id="one"),
        pytest.param(
            REPORTS,
            {"body": {"batchItemFailures": [{"itemIdentifier": "12"}, {"itemIdentifier": "11"}]}},
            1,
            id="the lowest counts",
        ),
        pytest.param(REPORTS, {"body": {"batchItemFailures": [{"itemIdentifier": ""}]}}, 0, id="an empty id"),
        pytest.param(REPORTS, {"body": {"batchItemFailures": [{"id": "11"}]}}, 0, id="a wrong key"),
        pytest.param(REPORTS, {"body": {"batchItemFailures": ["11"]}}, 0, id="no object"),
        pytest.param(REPORTS, {"body": {"batchItemFailures": [{"itemIdentifier": "e-1"}]}}, 0, id="unknown"),
        pytest.param(
            {"FunctionResponseTypes": []},
            {"body": {"batchItemFailures": [{"itemIdentifier": "11"}]}},
            None,
            id="a mapping that asks for no report hears none",
        ),
    ],
)
def test_the_first_record_not_done(
    mapping: dict[str, Any], result: dict[str, Any], index: int | None
) -> None:
    assert first_failure(mapping, a_batch(10, 11, 12), result) == index
