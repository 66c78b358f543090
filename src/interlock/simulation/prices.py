"""What AWS asks for what was counted: list prices of us-east-1, on demand, without free tiers.

AWS changes them: before you rely on one, compare it with the page named beside it. What `--report` counts is priced
there; `OTHERS` (how long functions run, what is stored, what stands still) is priced by `make costs`. Nobody here
prices what the jobs themselves cost.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from interlock.simulation.tally import Tally

CHECKED_ON = date(2026, 11, 22)


class Seen(StrEnum):
    """Where a price was seen on `CHECKED_ON`: copies of web pages, none of them live."""

    PAGE = "on AWS's own page"
    QUOTED = "as others quote AWS's page"
    UNSEEN = "nowhere but here"


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for so many of a thing, and who says so."""

    thing: str
    dollars: Decimal
    each: int
    source: str
    seen: Seen = Seen.QUOTED

    def of(self, count: Decimal) -> Decimal:
        """What `count` of them cost."""
        return self.dollars * count / self.each


_MILLION = 1_000_000
_STEP_FUNCTIONS = "https://aws.amazon.com/step-functions/pricing/"
_LAMBDA = "https://aws.amazon.com/lambda/pricing/"
_DYNAMODB = "https://aws.amazon.com/dynamodb/pricing/on-demand/"
_EVENTBRIDGE = "https://aws.amazon.com/eventbridge/pricing/"
_S3 = "https://aws.amazon.com/s3/pricing/"
_SQS = "https://aws.amazon.com/sqs/pricing/"
_SECRETS = "https://aws.amazon.com/secrets-manager/pricing/"
_CLOUDWATCH = "https://aws.amazon.com/cloudwatch/pricing/"

PRICES = (
    Price("transitions", Decimal("0.025"), 1_000, _STEP_FUNCTIONS, Seen.PAGE),
    Price("lambda_invocations", Decimal("0.20"), _MILLION, _LAMBDA),
    Price("dynamodb_read_units", Decimal("0.125"), _MILLION, _DYNAMODB),
    Price("dynamodb_write_units", Decimal("0.625"), _MILLION, _DYNAMODB),
    Price("events", Decimal("1.00"), _MILLION, _EVENTBRIDGE),
    Price("s3.ListObjectsV2", Decimal("0.005"), 1_000, _S3),
    Price("s3.GetObject", Decimal("0.0004"), 1_000, _S3),
    Price("sqs.ChangeMessageVisibility", Decimal("0.40"), _MILLION, _SQS),
    Price("secretsmanager.GetSecretValue", Decimal("0.05"), 10_000, _SECRETS),
)
# A month's, where they are paid by the month. GB are of 1,000,000,000 bytes here: AWS's are larger, so cost less.
OTHERS = (
    Price("gb_seconds", Decimal("0.0000133334"), 1, _LAMBDA),  # arm64
    Price("table_gb", Decimal("0.25"), 1, _DYNAMODB),
    Price("recoverable_gb", Decimal("0.20"), 1, _DYNAMODB),  # point-in-time recovery
    Price("scheduled_invocations", Decimal("1.00"), _MILLION, _EVENTBRIDGE),
    Price("archived_gb", Decimal("0.10"), 1, _EVENTBRIDGE),  # as it comes in
    Price("archive_gb", Decimal("0.023"), 1, _EVENTBRIDGE, Seen.UNSEEN),
    Price("alarms", Decimal("0.10"), 1, _CLOUDWATCH),
    Price("dashboards", Decimal("3.00"), 1, _CLOUDWATCH),
    Price("metrics", Decimal("0.30"), 1, _CLOUDWATCH),
    Price("logged_gb", Decimal("0.50"), 1, _CLOUDWATCH),
    Price("log_gb", Decimal("0.03"), 1, _CLOUDWATCH),
    Price("traces", Decimal("5.00"), _MILLION, "https://aws.amazon.com/xray/pricing/", Seen.PAGE),
    Price("sqs_requests", Decimal("0.40"), _MILLION, _SQS),
    Price("secrets", Decimal("0.40"), 1, _SECRETS),
)


def priced(tally: Tally) -> Iterator[tuple[Price, Decimal, Decimal]]:
    """Each price with how many of its things were counted, and their dollars."""
    costs = tally.costs()
    for price in PRICES:
        count = costs.get(price.thing, Decimal(tally.calls[price.thing]))
        yield price, count, price.of(count)
