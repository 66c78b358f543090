"""One bad neighbour harms nobody: a healthy pipeline's timeline is the same with its sick neighbour and without.

The world is played twice; nothing is asked of the sick one itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import zip_longest
from typing import Any

from interlock.simulation.history import Kind
from interlock.simulation.played import Played
from interlock.simulation.promises.facts import Broken

# Services number their jobs across pipelines.
_NUMBERED = re.compile(r"\b([a-z]+(?:-[a-z]+)*)-[0-9]{4,}\b")

Line = tuple[datetime, str]


def without(document: Mapping[str, Any], sick: str) -> dict[str, Any]:
    """The same world, in which there never was this pipeline. `document` is a scenario file as plain data."""
    configs = [config for config in document.get("configs", ()) if _id_of(config) != sick]
    jobs = {name: plays for name, plays in document.get("jobs", {}).items() if name != sick}
    timeline = [entry for entry in document.get("timeline", ()) if not _concerns(entry, sick)]
    return {**document, "configs": configs, "jobs": jobs, "timeline": timeline}


def _id_of(config: Mapping[str, Any]) -> str | None:
    pipeline = config.get("pipeline")
    return pipeline.get("id") if isinstance(pipeline, Mapping) else None


def _concerns(entry: Mapping[str, Any], sick: str) -> bool:
    for action, said in entry.items():
        if action == "remove_config" and said == sick:
            return True
        if not isinstance(said, Mapping):
            continue
        if said.get("pipeline") == sick or _id_of(said) == sick or said.get("file") == f"{sick}.yaml":
            return True
        if action == "raw" and _partition_of(said) in (f"PIPELINE#{sick}", f"PIPELINE#{sick}#"):
            return True
    return False


def _partition_of(raw: Mapping[str, Any]) -> str | None:
    item = raw.get("item")
    return item.get("PK") if isinstance(item, Mapping) else None


def timelines_differ(with_sick: Played, without: Played) -> Iterator[Broken]:
    """For each pipeline of the world without the sick one, the first line in which the two differ."""
    for pipeline in (config.pipeline_id for config in without.scenario.configs):
        beside, alone = _timeline(with_sick, pipeline), _timeline(without, pipeline)
        for kind, lines in alone.items():
            for here, there in zip_longest(beside[kind], lines):
                if here != there:
                    what = f"{kind}: {_said(here)} beside its sick neighbour; without it {_said(there)}"
                    yield Broken("harms-nobody", pipeline, what)
                    break


def _timeline(played: Played, pipeline: str) -> dict[str, list[Line]]:
    history = played.history
    events: dict[str, Line] = {}
    for published in history.published:
        event = published.event
        if event.pipeline_id == pipeline:
            said = f"{event.type} {event.date} {event.attempt} of {event.at.isoformat()}: {event.message}"
            events.setdefault(event.event_id, (published.at, said))
    jobs = [job for job in history.jobs if job.pipeline_id == pipeline]
    return {
        "event": _sorted(list(events.values())),
        "run": [
            (line.at, line.text)
            for line in history.lines
            if (line.kind, line.pipeline_id) == (Kind.RUN, pipeline)
        ],
        "job": [
            (job.started_at, f"starts with {job.config}, ends {job.ended_at}, cancelled: {job.cancelled}")
            for job in jobs
        ],
        "message": _sorted([(one.at, one.text) for one in history.posted if one.pipeline_id == pipeline]),
    }


def _sorted(lines: list[Line]) -> list[Line]:
    """What happens at one instant comes in any order, as on AWS; and service's own numbers count all pipelines' jobs."""
    return sorted((at, _NUMBERED.sub(r"\1-n", text)) for at, text in lines)


def _said(line: Line | None) -> str:
    if line is None:
        return "nothing more"
    at, text = line
    return f"{at:%Y-%m-%dT%H:%M:%S} {text if len(text) <= 300 else text[:300] + '…'}"
