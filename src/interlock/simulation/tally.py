"""How often each call was made and what it cost: the counts behind `cost` and `--report`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

READS = ("dynamodb.GetItem", "dynamodb.Query", "dynamodb.TransactGetItems", "dynamodb.BatchGetItem")
WRITES = ("dynamodb.PutItem", "dynamodb.UpdateItem", "dynamodb.DeleteItem", "dynamodb.TransactWriteItems")


class Request(NamedTuple):
    """Who asked what of what: this is what a function's role must allow."""

    function: str
    call: str
    target: str  # a table or its index, a function or state machine; "" where a call has but one thing to ask


@dataclass(slots=True)
class Tally:
    """Requests by name, `<boto3 service>.<Operation>`, and what they used."""

    calls: Counter[str] = field(default_factory=Counter)
    invocations: Counter[str] = field(default_factory=Counter)  # by function
    requests: set[Request] = field(default_factory=set)
    read_units: float = 0
    write_units: float = 0
    transitions: int = 0
    events: int = 0  # handed to the bus, repeats included

    def add(self, other: Tally) -> None:
        """Count what `other` counted, too."""
        self.calls.update(other.calls)
        self.invocations.update(other.invocations)
        self.requests |= other.requests
        self.read_units += other.read_units
        self.write_units += other.write_units
        self.transitions += other.transitions
        self.events += other.events

    def costs(self) -> dict[str, Decimal]:
        """What `expect.cost` compares."""
        return {
            "transitions": Decimal(self.transitions),
            "lambda_invocations": Decimal(self.invocations.total()),
            "dynamodb_reads": Decimal(sum(self.calls[name] for name in READS)),
            "dynamodb_writes": Decimal(sum(self.calls[name] for name in WRITES)),
            "dynamodb_read_units": Decimal(str(self.read_units)),
            "dynamodb_write_units": Decimal(str(self.write_units)),
            "events": Decimal(self.events),
        }
