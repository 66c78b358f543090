"""How long functions are billed for: their processor time was measured, their waiting for AWS is assumed.

`python -m tests.costs measure` measures again, on the embedded stack.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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


# What the measured tick calls, and its processor time by call: a sweep of many pipelines calls a thousand times as often.
TICK_CALLS = 10
CALL_PROCESSOR_SECONDS = PROCESSOR_SECONDS["watchdog"] / TICK_CALLS


@dataclass(frozen=True)
class Work:
    """What functions did: invocations by function, AWS calls in all, and those of ticks and sweeps that only looked."""

    invocations: Mapping[str, Decimal]
    calls: Decimal = Decimal(0)
    looks: Decimal = Decimal(0)
    cold: Decimal = Decimal(0)  # part of the invocations that start a container


def gb_seconds(work: Work) -> Decimal:
    """Billed for it."""
    processor = sum(
        (count * PROCESSOR_SECONDS[function] for function, count in work.invocations.items()), Decimal(0)
    )
    ticks = work.invocations.get("watchdog", Decimal(0))
    processor += max(Decimal(0), work.looks - ticks * TICK_CALLS) * CALL_PROCESSOR_SECONDS
    others = sum(
        (count for function, count in work.invocations.items() if function not in ALWAYS_WARM), Decimal(0)
    )
    processor += others * work.cold * START_PROCESSOR_SECONDS
    return MEMORY_GB * (processor / SHARE_OF_PROCESSOR + work.calls * SECONDS_A_CALL)
