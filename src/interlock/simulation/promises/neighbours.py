"""One bad neighbour harms nobody: a healthy pipeline's timeline is the same with its sick neighbour and without.

The world is played twice; nothing is asked of the sick one itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterator
from dataclasses import replace
from datetime import datetime
from itertools import zip_longest

from interlock.aws import keys
from interlock.simulation.history import Kind
from interlock.simulation.our_calls import Invocation
from interlock.simulation.our_functions import CONFIG_SYNC, WATCHDOG
from interlock.simulation.play import play
from interlock.simulation.played import Played
from interlock.simulation.promises.facts import Broken, clock
from interlock.simulation.scenario import Action, PutConfig, Raw, Scenario

# Services number their jobs across pipelines; Databricks' numbers are bare.
_NUMBERED = re.compile(r"\b([a-z]+(?:-[a-z]+)*)-[0-9]{4,}\b|\b()90071992547[0-9]{5}\b")

Line = tuple[datetime, str]


def harmed_by(sick: str, played: Played) -> Iterator[Broken]:
    """What happens otherwise to the others because of this pipeline: the world is played again, without it."""
    return timelines_differ(played, play(without(played.scenario, sick)))


def without(scenario: Scenario, sick: str) -> Scenario:
    """The same world, in which there never was this pipeline."""
    files = {f"{sick}.yaml", *(config.name for config in scenario.configs if config.pipeline_id == sick)}
    return replace(
        scenario,
        configs=tuple(config for config in scenario.configs if config.pipeline_id != sick),
        jobs={name: plays for name, plays in scenario.jobs.items() if name != sick},
        timeline=tuple(entry for entry in scenario.timeline if not _concerns(entry.action, sick, files)),
    )


def _concerns(action: Action, sick: str, files: Container[str]) -> bool:
    match action:
        case PutConfig(name=str(name)) if name in files:
            return True
        case Raw(item={"PK": str(partition)}):
            return partition == keys.partition(sick)
    return getattr(action, "pipeline_id", None) == sick


def timelines_differ(with_sick: Played, without: Played) -> Iterator[Broken]:
    """For each pipeline of the world without the sick one, the first line in which the two differ."""
    for pipeline in (config.pipeline_id for config in without.scenario.configs):
        until = _held_up_at(with_sick, pipeline)
        beside, alone = (_timeline(played, pipeline, until) for played in (with_sick, without))
        for kind, lines in alone.items():
            for here, there in zip_longest(beside[kind], lines):
                if here != there:
                    what = f"{kind}: {_said(here)} beside its sick neighbour; without it {_said(there)}"
                    yield Broken("harms-nobody", pipeline, what)
                    break


def _held_up_at(played: Played, pipeline: str) -> datetime | None:
    """When a call for the sick one failed, or a function died of it, in the middle of work for this one, too.

    That is no fault of the sick one's data: Lambda delivers the whole rest of a batch again, a second later, or the next
    tick does the work. https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
    From then on the two timelines may be that much apart.
    """
    struck = (one for one in played.witness.invocations if one.struck)
    return min((one.began_at for one in struck if _works_for(one, pipeline)), default=None)


def _works_for(one: Invocation, pipeline: str) -> bool:
    if one.function in (WATCHDOG, CONFIG_SYNC):
        return (
            one.failed is not None
        )  # a call that fails for one stops no other, only a function that dies does
    said = json.dumps(one.event, default=str)
    return f'"PIPELINE#{pipeline}"' in said or f'"pipelineId": "{pipeline}"' in said


def _timeline(played: Played, pipeline: str, until: datetime | None) -> dict[str, list[Line]]:
    """What happened before that, by kind."""
    history = played.history
    jobs = [job for job in history.jobs if job.pipeline_id == pipeline]
    ends = [(job.ended_at, f"ends, cancelled: {job.cancelled}") for job in jobs if job.ended_at is not None]
    lines = {
        "event": list(_events(played, pipeline)),
        "run": [
            (line.at, line.text)
            for line in history.lines
            if (line.kind, line.pipeline_id) == (Kind.RUN, pipeline)
        ],
        "job": [*((job.started_at, f"starts with {job.config}") for job in jobs), *ends],
        "message": [(one.at, one.text) for one in history.posted if one.pipeline_id == pipeline],
    }
    return {
        kind: _sorted([one for one in of_kind if until is None or one[0] < until])
        for kind, of_kind in lines.items()
    }


def _events(played: Played, pipeline: str) -> Iterator[Line]:
    """Each once, as the bus got it first."""
    known = set()
    for published in played.history.published:
        event = published.event
        if event.pipeline_id == pipeline and event.event_id not in known:
            known.add(event.event_id)
            said = f"{event.type} {event.date} {event.attempt} of {event.at.isoformat()}: {event.message}"
            yield published.at, said


def _sorted(lines: list[Line]) -> list[Line]:
    """What happens at one instant comes in any order, as on AWS; and service's own numbers count all pipelines' jobs."""
    return sorted((at, _NUMBERED.sub(r"\1-n", text)) for at, text in lines)


def _said(line: Line | None) -> str:
    if line is None:
        return "nothing more"
    at, text = line
    return f"{clock(at)} {text if len(text) <= 300 else text[:300] + '…'}"
