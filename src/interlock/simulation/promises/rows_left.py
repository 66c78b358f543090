"""At rest each row of our tables is of a kind that stays, or has a day on which it goes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from interlock.aws import keys
from interlock.aws.table import Key
from interlock.domain.schedule import period_of
from interlock.simulation.promises.calm import Calm
from interlock.simulation.promises.facts import Broken, Facts
from interlock.simulation.promises.undelivered import Undelivered

# What stays by design: configs and what belongs to them, what outsiders write, and the watchdog's two rows.
_STAY = ("CONFIG", "SENSOR#", "CALENDAR", "FILE#", "DEPENDENT#", "WATCHDOG", "SWEEP")
_OPEN = ("WAITING", "RUNNING")


def rows_go(facts: Facts, calm: Calm) -> Iterator[Broken]:
    """What we wrote last, that is; what stands there of an outsider is the outsider's."""
    for table, rows in facts.rest.tables.items():
        for key, row in rows.items():
            if facts.past_of(key, table)[-1].by is None:
                continue
            should_go, ttl = _should_go(table, key, row), row.get("ttl")
            about = f"{table} {key[0]} {key[1]}"
            if should_go and not isinstance(ttl, (int, Decimal)):
                yield Broken("rows-go", about, "stays for ever: it has no ttl")
            elif should_go and float(ttl or 0) <= facts.ended_at.timestamp():
                yield Broken("rows-go", about, f"has a ttl that is over: {ttl}")
            elif not should_go and ttl is not None and not _is_meddled_with(key, calm):
                yield Broken("rows-go", about, f"goes at {ttl}, and is still needed")
    undelivered = Undelivered(facts)
    for key in facts.rest.tables["control"]:
        # Of one whose record was lost nobody ever heard: the sweep looks for what we owe, not for what we are asked.
        if (
            _asks(key)
            and not _is_meddled_with(key, calm)
            and not undelivered.is_unheard(facts.past_of(key)[-1])
        ):
            yield Broken("requests-decided", " ".join(key), "asks still, and nobody answers")


def _asks(key: Key) -> bool:
    """For a date that there is; anything else is reported, and left to whoever put it there."""
    if not key[1].startswith("RERUN_REQUEST#"):
        return False
    try:
        period_of(keys.parse_run_key(*key).date)
    except ValueError:
        return False
    return True


def _should_go(table: str, key: Key, row: Mapping[str, Any]) -> bool:
    if table != "control":
        return True
    if key[0].startswith("POOL#"):
        return not row.get("holders") and not row.get("waiting")
    if key[1].startswith(_STAY):
        return False
    if key[1].startswith("RUN#"):
        return row.get("status") not in _OPEN
    if key[1].startswith("DUE#"):
        return "dueAt" not in row
    return True


def _is_meddled_with(key: Key, calm: Calm) -> bool:
    return calm.is_meddled_with(key[0].partition("#")[2])
