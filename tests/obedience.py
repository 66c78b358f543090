"""Somebody who does what an explanation says, to the letter, and knows nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from interlock.domain.missing import Need

# A write (a sensor's key, what its fields become; None: without that field, or without the sensor).
Write = tuple[str, dict[str, Any] | None]

_WRITTEN = re.compile(r"SENSOR#(\S+) must be written(?: with (\S+)(?: (.*))?)?")
_AGO = re.compile(r"(less|more) than ((?:\d+[dhms])+) ago")
_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


def obey(need: Need, now: datetime) -> Iterator[Write]:
    """The writes that it asks for: of a group no more members than it says are enough."""
    if need.met:
        return
    for member in need.lacking[: need.needed]:
        yield from obey(member, now)
    if need.change and not need.change.startswith("holds by itself"):
        yield _write(need, now)


def longest_wait(need: Need) -> timedelta:
    """How long to wait for what comes by itself."""
    waits = [longest_wait(member) for member in need.lacking]
    found = re.search(r"in ((?:\d+[dhms] ?)+)$", need.change)
    if found:
        waits.append(_duration(found[1]) + timedelta(minutes=1))  # it is rounded down, to two units
    return max(waits, default=timedelta(0))


def _duration(text: str) -> timedelta:
    parts = re.findall(r"(\d+)([dhms])", text)
    return sum((timedelta(**{_UNITS[unit]: int(count)}) for count, unit in parts), timedelta(0))


def _write(need: Need, now: datetime) -> Write:
    written = _WRITTEN.fullmatch(need.change)
    if written:
        key, field, wanted = written.groups()
        return key, {} if field is None else {field: _value(wanted or "", now)}
    target = need.rule.removeprefix("not (").split()[0]
    key, _, field = target.partition(".")
    if need.change == "must be deleted":
        return key, None
    if need.change == f"{field} must go":
        return key, {field: None}
    return key, {field: _value(need.change, now)}


def _value(said: str, now: datetime) -> Any:
    """A value that meets what is said; the last number of it is the limit."""
    ago = _AGO.search(said)
    if ago:
        return (now - (_duration(ago[2]) * 2 if ago[1] == "more" else timedelta(0))).isoformat()
    if "anything but" in said or "none of" in said or said.startswith("!="):
        return "something else"
    limit = _limit(said)
    if re.search(r"above|(^| )> ", said):
        return limit + 1
    if re.search(r"below|(^| )< ", said):
        return limit - 1
    return limit


def _limit(said: str) -> Any:
    options = re.search(r"\[(.*)\]", said)
    last = options[1].split(", ")[0] if options else re.split(r"(?:become|to|above|below|[=<>]+) ", said)[-1]
    try:
        return json.loads(last)
    except ValueError:
        return "there"
