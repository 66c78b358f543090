"""A user's YAML to a `Pipeline`, or to every mistake in it with line, path and what to do.

`compose` -> `read_node` -> `model.py` -> `agreements.py` -> the domain's `Pipeline`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml
from pydantic import ValidationError

from interlock.domain.pipeline import JobType, Pipeline
from interlock.domain.pipeline_codec import encode_pipeline
from interlock.pipeline_yaml.agreements import disagreements, empty_values, look, warnings
from interlock.pipeline_yaml.calendar_file import (
    CheckedCalendar,
    NamedCalendar,
    check_calendar,
    is_calendar_file,
)
from interlock.pipeline_yaml.dependencies import Dependency, dependencies, misplaced, waits_for_itself
from interlock.pipeline_yaml.document import Document, compose, read_node
from interlock.pipeline_yaml.explain import explain
from interlock.pipeline_yaml.job_config import CONFIG_OF_TYPE, bad_placeholders, disagreeing_keys
from interlock.pipeline_yaml.mistake import Mistake, PipelineInvalid, YamlPath
from interlock.pipeline_yaml.model import PipelineFile, PipelineSection
from interlock.pipeline_yaml.pools import PoolNamed
from interlock.pipeline_yaml.refused_values import refused_id, refused_values

__all__ = [
    "Checked",
    "CheckedCalendar",
    "Dependency",
    "Mistake",
    "NamedCalendar",
    "PipelineInvalid",
    "check_calendar",
    "check_pipeline",
    "check_pipeline_node",
    "compose",
    "is_calendar_file",
    "read_pipeline",
]

_CALENDARS = (("schedule", "include"), ("schedule", "exclude"), ("exclusions",))
_LARGEST_STORED_BYTES = 350_000  # a DynamoDB item is 400 KB at most, with its other attributes


@dataclass(frozen=True, slots=True)
class Checked:
    """A valid pipeline, and what its author may want to think about."""

    pipeline: Pipeline
    warnings: tuple[Mistake, ...] = ()
    line: int = 1  # of `pipeline.id`
    calendars: tuple[NamedCalendar, ...] = ()  # that somebody has to define
    dependencies: tuple[Dependency, ...] = ()  # on other pipelines
    pool: PoolNamed | None = None


def read_pipeline(text: str | bytes, file: str) -> Pipeline:
    """The pipeline that `text` describes; raises `PipelineInvalid`. `file` is what mistakes call it."""
    return check_pipeline(text, file).pipeline


def check_pipeline(text: str | bytes, file: str) -> Checked:
    """As `read_pipeline`, with warnings."""
    return check_pipeline_node(compose(text, file), file)


def check_pipeline_node(node: yaml.Node, file: str, at: YamlPath = ()) -> Checked:
    """As `check_pipeline`, for a node of `compose` that stands at the path `at` of a larger file."""
    document = read_node(node, file, at)
    data = document.data
    if not isinstance(data, dict):
        raise PipelineInvalid(
            document.mistakes or [document.mistake(at, "must be a mapping; begin with pipeline:")]
        )
    found = list(_findings(data))
    mistakes = document.mistakes + _located(document, at, found)
    if not mistakes:
        pipeline = PipelineFile.model_validate(data).built()
        if len(encode_pipeline(pipeline).encode()) <= _LARGEST_STORED_BYTES:
            line = document.line((*at, "pipeline", "id"))
            told = tuple(_located(document, at, warnings(pipeline)))
            named = tuple(_named_calendars(document, at, data))
            upstreams = dependencies(data, lambda path: document.mistake((*at, *path), ""))
            pool = _pool(document, at, pipeline)
            return Checked(pipeline, told, line, named, tuple(upstreams), pool)
        mistakes = [
            document.mistake(at, f"takes more than {_LARGEST_STORED_BYTES} bytes to store; shorten it")
        ]
    raise PipelineInvalid(mistakes, _readable_id(data))


def _located(document: Document, at: YamlPath, findings: Any) -> list[Mistake]:
    located = (((*at, *path), message) for path, message in findings)
    return [document.mistake(path, message) for path, message in located if path not in document.unreadable]


def _named_calendars(document: Document, at: YamlPath, data: dict[str, Any]) -> Iterator[NamedCalendar]:
    for section in _CALENDARS:
        name = look(data, *section, "calendar")
        if name is not None:
            yield NamedCalendar(name, document.mistake((*at, *section, "calendar"), ""))


def _pool(document: Document, at: YamlPath, pipeline: Pipeline) -> PoolNamed | None:
    pool = pipeline.job.pool
    if pool is None:
        return None
    return PoolNamed(pool.name, pool.slots, document.mistake((*at, "job", "pool", "slots"), ""))


def _findings(data: dict[str, Any]) -> Iterator[tuple[YamlPath, str]]:
    empty = dict(empty_values(data))
    yield from empty.items()
    elsewhere = dict(misplaced(data))
    yield from elsewhere.items()
    for path, message in _of_the_model(data):
        if path not in empty and not any(path[: len(start)] == start for start in elsewhere):
            yield path, message
    yield from disagreements(data)
    yield from waits_for_itself(data)
    yield from _of_job_config(data)
    yield from refused_id(look(data, "job", "type"), look(data, "pipeline", "id"))


def _of_the_model(data: dict[str, Any]) -> Iterator[tuple[YamlPath, str]]:
    try:
        PipelineFile.model_validate(data)
    except ValidationError as error:
        yield from explain(error, PipelineFile)


def _of_job_config(data: dict[str, Any]) -> Iterator[tuple[YamlPath, str]]:
    # Apart from the model, so that a wrong type hides nothing else about the job.
    job_type, config = look(data, "job", "type"), look(data, "job", "config")
    if job_type not in tuple(JobType) or not (isinstance(config, dict) or config is None):
        return
    if config is None and look(data, "dryRun") is True:
        return  # a dry run starts nothing
    kind, config = JobType(job_type), config or {}
    found: list[tuple[YamlPath, str]] = [*disagreeing_keys(kind, config), *bad_placeholders(config)]
    found += refused_values(kind, config)
    try:
        CONFIG_OF_TYPE[kind].model_validate(config)
    except ValidationError as error:
        found += explain(error, CONFIG_OF_TYPE[kind])
    yield from ((("job", "config", *path), message) for path, message in found)


def _readable_id(data: dict[str, Any]) -> str | None:
    try:
        return PipelineSection.model_validate({"id": look(data, "pipeline", "id")}).id
    except ValidationError:
        return None
