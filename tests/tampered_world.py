"""A world that was played, and then forgets or repeats something: what a check must find."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from interlock.simulation.play import play
from interlock.simulation.played import Played
from interlock.simulation.promises.facts import Broken, Facts
from interlock.simulation.witness import Change
from interlock.torture.document import scenario_of

Check = Callable[[Facts], Iterator[Broken]]
DAY = "2026-03-02"


def a_played(config: dict[str, Any], *timeline: dict[str, Any], until: str = "+6h", **more: Any) -> Played:
    """Of one pipeline, `daily`, from 08:00 on."""
    config = {"pipeline": {"id": "daily"}, "job": {"type": "glue", "config": {"jobName": "x"}}} | config
    document = {
        "scenario": "a world to tamper with",
        "start": f"{DAY}T08:00:00Z",
        "until": until,
        "configs": [config],
        "jobs": {"daily": [{"outcome": "succeed", "after": "10m"}]},
        "timeline": list(timeline),
        "expect": {},
        **more,
    }
    return play(scenario_of(document))


def a_write(at: str, key: str = "landed", date: str | None = DAY, **data: Any) -> dict[str, Any]:
    dated = data if date is None else {"date": date, **data}
    return {"at": at, "sensor": {"pipeline": "daily", "key": key, "data": dated}}


def broken(checks: Iterable[Check], played: Played) -> set[str]:
    """The promises that are found broken."""
    facts = Facts(played)
    return {one.promise for check in checks for one in check(facts)}


def tells(change: Change, event_type: str) -> bool:
    """Whether this write announces such an event."""
    return any(event.get("type") == event_type for event in (change.new or {}).get("events", ()))


def forget(played: Played, forgotten: Callable[[Change], bool]) -> None:
    """These writes were never made; there was at least one."""
    left = [change for change in played.witness.changes if not forgotten(change)]
    assert len(left) < len(played.witness.changes)
    played.witness.changes[:] = left


def repeat(played: Played, event_type: str) -> None:
    """The write that announces it is made once more, a minute later."""
    told = next(change for change in played.witness.changes if tells(change, event_type))
    assert told.new is not None
    again = {**told.new, "version": told.new["version"] + 1}
    order = played.witness.changes[-1].order + 1
    at = told.at + timedelta(minutes=1)
    played.witness.changes.append(replace(told, order=order, at=at, old=told.new, new=again))
