"""How long functions are billed for: their processor time was measured, their waiting for AWS is assumed.

`python -m tests.costs measure` measures again, on the embedded stack.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

MEMORY_GB = Decimal(256) / 1024
# The part of a processor that a function of so much memory gets: what takes a second here takes almost seven there.
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
SHARE_OF_PROCESSOR = Decimal(256) / 1769
# Assumed, and more than is usual between services of one region.
SECONDS_A_CALL = Decimal("0.010")
# In seconds of a whole processor, the larger of two measurements: of one warm invocation; of a start, which is billed
# too, with its first invocation.
# https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase/
PROCESSOR_SECONDS: Mapping[str, Decimal] = {
    "alert-dispatcher": Decimal("0.038"),
    "config-sync": Decimal("0.024"),
    "event-sink": Decimal("0.004"),
    "orchestrator": Decimal("0.022"),
    "sla-monitor": Decimal("0.021"),
    "stream-router": Decimal("0.032"),
    "watchdog": Decimal("0.022"),
}
START_PROCESSOR_SECONDS = Decimal("0.52")
# These are called every minute, every five minutes: Lambda keeps them warm.
ALWAYS_WARM = frozenset({"watchdog", "config-sync"})


def gb_seconds(invocations: Mapping[str, Decimal], calls: Decimal, cold: Decimal) -> Decimal:
    """Billed for invocations by function that make so many AWS calls in all; `cold`: their part that starts a container."""
    processor = sum(
        (count * PROCESSOR_SECONDS[function] for function, count in invocations.items()), Decimal(0)
    )
    others = sum(
        (count for function, count in invocations.items() if function not in ALWAYS_WARM), Decimal(0)
    )
    processor += others * cold * START_PROCESSOR_SECONDS
    return MEMORY_GB * (processor / SHARE_OF_PROCESSOR + calls * SECONDS_A_CALL)
