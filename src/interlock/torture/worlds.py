"""A random world as a scenario file: the same for the same seed and profile; at its end nothing disturbs it any more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from interlock.simulation.place import read_duration
from interlock.torture.ambush import Ambush
from interlock.torture.chance import Chance
from interlock.torture.disturbances import Disturbances
from interlock.torture.document import Document
from interlock.torture.people import People
from interlock.torture.pipelines import SICK, Pipeline, a_pipeline
from interlock.torture.profiles import MIXED, PROFILES, SHARES, Profile
from interlock.torture.rehearsal import aimed_faults
from interlock.torture.setting import Setting, a_setting
from interlock.torture.writers import Entry, Writer

_POOLS = ("lake", "warehouse")
# After these a world is calm, whatever went before.
_CALMING: tuple[dict[str, Any], ...] = (
    {"watchdog": {"pause": False}},
    {"scheduler": {"pause": False}},
    {"batch": {"size": 100}},
    {"redrive": True},
)
# What a disturbance lost is found by the watchdog's slow sweep, within an hour.
_SWEPT = 80 * 60
_DISTURBING = (
    "fault",
    "drop",
    "delay",
    "duplicate",
    "redeliver",
    "batch",
    "redrive",
    "watchdog",
    "scheduler",
)


def a_world(seed: int, profile: Profile) -> Document:
    """The world of that seed."""
    if profile.name == MIXED.name:
        profile = PROFILES[Chance("mixed", seed).of(SHARES)]
    chance = Chance(seed, profile.name, "world")
    setting = a_setting(chance, profile.odd_nights)
    pools = {pool: chance.of({1: 3, 2: 2, 3: 1}) for pool in _POOLS}
    pipelines = _pipelines(chance, seed, profile, setting, pools)
    entries = [entry for one in pipelines for entry in _of_pipeline(seed, profile, setting, one)]
    if not profile.sick:
        entries += Disturbances(chance, setting, profile, _services(pipelines)).entries()
    world = _document(seed, profile, setting, pipelines, entries)
    aim = Chance(seed, profile.name, "rehearsal")
    if aim.likely(profile.rehearsed):
        entries += aimed_faults(world, aim, setting)
        world = _document(seed, profile, setting, pipelines, entries)
    return world


def _document(
    seed: int, profile: Profile, setting: Setting, pipelines: list[Pipeline], entries: list[Entry]
) -> Document:
    entries = sorted(entries, key=lambda entry: entry[0])
    if any(kind in _DISTURBING for _, entry in entries for kind in entry):
        entries += [(setting.busy, calming) for calming in _CALMING]
    return {
        "scenario": f"seed {seed} of {profile.name} keeps its promises",
        "start": f"{setting.start:%Y-%m-%dT%H:%M:%SZ}",
        "until": f"+{_until(setting, pipelines)}s",
        "configs": [one.config for one in pipelines],
        "calendars": [one.plan.calendar for one in pipelines if one.plan.calendar is not None],
        "jobs": {one.name: list(one.plays) for one in pipelines},
        "timeline": [{"at": f"+{second}s", **entry} for second, entry in entries],
        "expect": {"promises": "kept"} | ({"harmless": SICK} if profile.sick else {}),
    }


def _pipelines(
    chance: Chance, seed: int, profile: Profile, setting: Setting, pools: Mapping[str, int]
) -> list[Pipeline]:
    count = chance.of(profile.pipelines)
    names = [f"p{number}" for number in range(1, count + 1)]
    if profile.sick:
        names[0] = SICK
    found: list[Pipeline] = []
    for name in names:
        own = Chance(seed, profile.name, name, "config")
        found.append(a_pipeline(own, setting, profile, name, found, pools))
    return found


def _of_pipeline(seed: int, profile: Profile, setting: Setting, one: Pipeline) -> Iterator[Entry]:
    """What concerns one pipeline alone; where one is sick, the others are left in peace."""

    def chance(what: str) -> Chance:
        return Chance(seed, profile.name, one.name, what)

    own = PROFILES["quiet"] if profile.sick and one.name != SICK else profile
    ambush = Ambush(chance("ambush"), setting, one.name, one.config["job"]["type"])
    writers = Writer(chance("writers"), setting, own, one.name, one.plan, one.rules, one.audited, ambush)
    yield from writers.entries()
    yield from People(chance("people"), setting, own, one).entries()
    if profile.sick and one.name == SICK:
        yield from Disturbances(chance("faults"), setting, own, _services([one]), SICK).entries()


def _services(pipelines: list[Pipeline]) -> tuple[str, ...]:
    """Those of the jobs, as calls name them."""
    kinds = {one.config["job"]["type"] for one in pipelines}
    return tuple(sorted("stepfunctions" if kind == "step-function" else kind for kind in kinds))


def _until(setting: Setting, pipelines: list[Pipeline]) -> int:
    return setting.busy + max(_SWEPT, *(one.settles for one in pipelines))


def calm_at(document: Document) -> datetime:
    """The instant from which nothing is disturbed any more."""
    start = datetime.fromisoformat(document["start"])
    ends = [_end_of(entry) for entry in document.get("timeline", ())]
    return start + max(ends, default=timedelta(0))


def _end_of(entry: Mapping[str, Any]) -> timedelta:
    """When what this entry disturbs goes its way again, after the start."""
    kind = next((kind for kind in _DISTURBING if kind in entry), None)
    if kind is None:
        return timedelta(0)
    fields = entry[kind] if isinstance(entry[kind], Mapping) else {}
    lasting = [fields[name] for name in ("lasts", "by", "after", "for") if name in fields]
    return _duration(entry["at"][1:]) + max(map(_duration, lasting), default=timedelta(0))


def _duration(text: str) -> timedelta:
    found = read_duration(text)
    assert found is not None, f"{text!r} is a duration of ours"
    return found
