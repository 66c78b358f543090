"""What AWS asks for what was counted: list prices of us-east-1, on demand, without free tiers.

AWS changes them: before you rely on one, compare it with the page named beside it. Not counted here, and therefore
not priced: how long functions run, what is stored, and what the jobs themselves cost.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from interlock.simulation.tally import Tally


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for so many of a thing, and who says so."""

    thing: str
    dollars: Decimal
    each: int
    source: str

    def of(self, count: Decimal) -> Decimal:
        """What `count` of them cost."""
        return self.dollars * count / self.each


_MILLION = 1_000_000
PRICES = (
    Price("transitions", Decimal("0.025"), 1_000, "https://aws.amazon.com/step-functions/pricing/"),
    Price("lambda_invocations", Decimal("0.20"), _MILLION, "https://aws.amazon.com/lambda/pricing/"),
    Price(
        "dynamodb_read_units",
        Decimal("0.125"),
        _MILLION,
        "https://aws.amazon.com/dynamodb/pricing/on-demand/",
    ),
    Price(
        "dynamodb_write_units",
        Decimal("0.625"),
        _MILLION,
        "https://aws.amazon.com/dynamodb/pricing/on-demand/",
    ),
    Price("events", Decimal("1.00"), _MILLION, "https://aws.amazon.com/eventbridge/pricing/"),
    Price("s3.ListObjectsV2", Decimal("0.005"), 1_000, "https://aws.amazon.com/s3/pricing/"),
    Price("s3.GetObject", Decimal("0.0004"), 1_000, "https://aws.amazon.com/s3/pricing/"),
    Price("sqs.ChangeMessageVisibility", Decimal("0.40"), _MILLION, "https://aws.amazon.com/sqs/pricing/"),
    Price(
        "secretsmanager.GetSecretValue",
        Decimal("0.05"),
        10_000,
        "https://aws.amazon.com/secrets-manager/pricing/",
    ),
)


def priced(tally: Tally) -> Iterator[tuple[Price, Decimal, Decimal]]:
    """Each price with how many of its things were counted, and their dollars."""
    costs = tally.costs()
    for price in PRICES:
        count = costs.get(price.thing, Decimal(tally.calls[price.thing]))
        yield price, count, price.of(count)
