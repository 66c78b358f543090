"""Which pipelines a file's rules wait for, whether some wait for each other in a circle, and what is likely not meant."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from interlock.domain.pipeline import Pipeline, UpstreamDate, upstream_rules
from interlock.domain.schedule import Period, cron_form
from interlock.pipeline_yaml.mistake import Mistake, YamlPath

_Finding = tuple[YamlPath, str]
_RULES = ("validation", "rules")
_GROUPS = ("all", "any", "of", "not")


@dataclass(frozen=True, slots=True)
class Dependency:
    """One rule of a file on another pipeline."""

    upstream: str
    date: UpstreamDate
    where: Mistake  # its place; the message is for whoever finds something wrong there

    def wrong(self, message: str) -> Mistake:
        """A mistake, or a warning, at this rule."""
        return replace(self.where, message=message)


def upstream_places(data: Any, path: YamlPath = _RULES) -> Iterator[tuple[YamlPath, dict[str, Any]]]:
    """The rules on other pipelines at or below `path` of the plain values of a file, with their paths."""
    for key in path:
        data = data.get(key) if isinstance(data, dict) else None
    yield from _places(data, path)


def _places(data: Any, path: YamlPath) -> Iterator[tuple[YamlPath, dict[str, Any]]]:
    if isinstance(data, list):
        for index, member in enumerate(data):
            yield from _places(member, (*path, index))
    elif isinstance(data, dict):
        if "pipeline" in data:
            yield path, data
        for group in _GROUPS:
            yield from _places(data.get(group), (*path, group))


def misplaced(data: Any) -> Iterator[_Finding]:
    """Rules on other pipelines that stand where only sensors are read."""
    for part in (("schedule", "trigger"), ("postRun", "rules")):
        for path, _ in upstream_places(data, part):
            yield path, "another pipeline's outcome is read in validation.rules only; move the rule there"


def waits_for_itself(data: Any) -> Iterator[_Finding]:
    """A run that waits for its own success never starts."""
    section = data.get("pipeline") if isinstance(data, dict) else None
    own = section.get("id") if isinstance(section, dict) else None
    for path, rule in upstream_places(data):
        if own is not None and rule["pipeline"] == own and rule.get("date") != UpstreamDate.PREVIOUS:
            yield (
                (*path, "pipeline"),
                "is this pipeline, whose run cannot wait for itself; use date: previous or name another",
            )


def dependencies(data: Any, place: Callable[[YamlPath], Mistake]) -> Iterator[Dependency]:
    """Of the plain values of a valid file. `place` makes the mistake at a path."""
    for path, rule in upstream_places(data):
        date = UpstreamDate(rule.get("date", UpstreamDate.SAME))
        yield Dependency(rule["pipeline"], date, place((*path, "pipeline")))


def upstreams_in_step(pipeline: Pipeline) -> list[str]:
    """Those whose runs of the same time it waits for: a circle of these stands still for ever."""
    return [rule.pipeline_id for rule in upstream_rules(pipeline) if rule.date is not UpstreamDate.PREVIOUS]


def circle(
    pipeline_id: str, upstream: str, upstreams_of: Callable[[str], Iterable[str]]
) -> tuple[str, ...] | None:
    """The pipelines from this one by way of that upstream back to itself, each waiting for the next; None if none."""
    reached: dict[str, str] = {upstream: pipeline_id}
    waiting = [upstream]
    while waiting:
        current = waiting.pop()
        if current == pipeline_id:
            return _way(pipeline_id, upstream, reached)
        for following in upstreams_of(current):
            if following not in reached:
                reached[following] = current
                waiting.append(following)
    return None


def _way(pipeline_id: str, upstream: str, reached: Mapping[str, str]) -> tuple[str, ...]:
    way = [pipeline_id]
    while way[-1] != upstream:
        way.append(reached[way[-1]])
    return (pipeline_id, *reversed(way))


def first_circle(
    pipeline_id: str, found: Iterable[Dependency], upstreams_of: Callable[[str], Iterable[str]]
) -> tuple[Mistake, tuple[str, ...]] | None:
    """The first rule of a file that closes a circle, as its mistake, and the circle."""
    for dependency in found:
        if dependency.date is UpstreamDate.PREVIOUS:
            continue
        way = circle(pipeline_id, dependency.upstream, upstreams_of)
        if way is not None:
            message = (
                f"these wait for each other: {' -> '.join(way)}; remove one of the rules, "
                "or have it use date: previous"
            )
            return dependency.wrong(message), way
    return None


def doubtful(pipeline: Pipeline, dependency: Dependency, upstream: Pipeline | None) -> str | None:
    """What is allowed and likely not meant, in the light of the upstream's file."""
    name = dependency.upstream
    if upstream is None:
        return f"none of these files is the pipeline {name}; without it no run can meet the rule"
    if upstream.dry_run and not pipeline.dry_run:
        return (
            f"{name} is a dry run, whose runs succeed for other dry runs alone; let it run, or read a sensor"
        )
    if dependency.date is UpstreamDate.WINDOW or not (pipeline.schedule.cron and upstream.schedule.cron):
        return None
    forms = list(Period)
    theirs, ours = cron_form(upstream), cron_form(pipeline)
    if forms.index(theirs) > forms.index(ours):
        return f"{name} has {theirs} dates, so none of its runs is of a {ours} date; use date: window"
    return None
