"""Rules evaluated a second against `dict.get` calls a second, in turns within one process."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from statistics import median

from bench.figure import Figure
from interlock.domain.pipeline import Check, Rule, Validation
from interlock.domain.rule_check import compile_rules
from interlock.domain.sensor import Reading

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
RULES = (
    Rule("a", Check.EXISTS),
    Rule("b", Check.EQUALS, "status", "ready"),
    Rule("c", Check.GTE, "count", 1000),
    Rule("d", Check.LT, "errors", 5),
    Rule("e", Check.IN, "state", ("done", "complete")),
    Rule("f", Check.NOT_EQUALS, "state", "failed"),
    Rule("g", Check.GT, "bytes", 10),
    Rule("h", Check.LTE, "lag", 60),
    Rule("i", Check.EQUALS, "done", True),
    Rule("j", Check.AGE_LT, "updatedAt", timedelta(hours=1)),
)
VALUES = {
    "a": {},
    "b": {"status": "ready"},
    "c": {"count": Decimal(1200)},
    "d": {"errors": Decimal(0)},
    "e": {"state": "complete"},
    "f": {"state": "complete"},
    "g": {"bytes": Decimal("10.5")},
    "h": {"lag": Decimal(12)},
    "i": {"done": True},
    "j": {"updatedAt": Decimal(int(NOW.timestamp()) - 60)},
}
READINGS = {key: Reading(key, None, values, None, key) for key, values in VALUES.items()}
_ROUNDS, _REPEATS = 2_000, 15


def figures() -> list[Figure]:
    holds = compile_rules(Validation(rules=RULES)).holds
    assert holds(READINGS, NOW)
    ratios, speeds = [], []
    for _ in range(_REPEATS):
        rules = _a_second(lambda: holds(READINGS, NOW), len(RULES))
        gets = _a_second(_ten_gets, 10)
        ratios.append(rules / gets)
        speeds.append(rules)
    return [
        Figure("rules evaluated a second", median(speeds), "1/s"),
        Figure("rules a second / dict.get calls a second", median(ratios), "ratio", at_least=1 / 50),
    ]


def _ten_gets() -> None:
    get = READINGS.get
    get("a"), get("b"), get("c"), get("d"), get("e"), get("f"), get("g"), get("h"), get("i"), get("j")


def _a_second(work: Callable[[], object], size: int) -> float:
    started = time.process_time()
    for _ in range(_ROUNDS):
        work()
    return _ROUNDS * size / (time.process_time() - started)
