"""The samples in `pipelines/` are valid and show every key that a pipeline or calendar file may have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from interlock.pipeline_yaml import check_calendar, check_pipeline, compose, is_calendar_file
from interlock.pipeline_yaml.calendar_file import CalendarFile, CalendarSection
from interlock.pipeline_yaml.document import read_node
from interlock.pipeline_yaml.schema import pipeline_schema

SAMPLES = Path(__file__).parent.parent / "pipelines"
PIPELINES = sorted(SAMPLES.glob("*.yaml"))
CALENDARS = sorted((SAMPLES / "calendars").glob("*.yaml"))
SCHEMA = pipeline_schema()

Key = tuple[str, str]  # the section, and the key in it


def data_of(path: Path) -> Any:
    return read_node(compose(path.read_bytes(), path.name), path.name).data


def keys_of_schema() -> set[Key]:
    sections = {"PipelineFile": SCHEMA, **SCHEMA["$defs"]}
    return {(name, key) for name, section in sections.items() for key in section.get("properties", {})}


def used_keys(data: Any, schema: Any, name: str) -> Iterator[Key]:
    """The keys of `data`, each with the section of the schema that knows it."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        yield from used_keys(data, SCHEMA["$defs"][name], name)
        return
    for choice in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        if fits(data, choice):
            yield from used_keys(data, choice, name)
    for condition in schema.get("allOf", ()):
        if data.get("type") == condition["if"]["properties"]["type"]["const"]:
            yield from used_keys(data, condition["then"], name)
    if isinstance(data, list):
        for item in data:
            yield from used_keys(item, schema.get("items", {}), name)
    for key, below in schema.get("properties", {}).items():
        if isinstance(data, dict) and key in data:
            yield name, key
            yield from used_keys(data[key], below, name)


def fits(data: Any, schema: Any) -> bool:
    if "$ref" in schema:
        return fits(data, SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]])
    properties = schema.get("properties", {})
    const = {key: below["const"] for key, below in properties.items() if "const" in below}
    return (
        isinstance(data, dict)
        and data.keys() <= properties.keys()
        and all(data.get(key) == value for key, value in const.items())
    )


@pytest.mark.parametrize("path", PIPELINES, ids=lambda path: path.stem)
def test_a_sample_pipeline_is_valid_and_named_like_its_file(path: Path) -> None:
    checked = check_pipeline(path.read_bytes(), path.name)

    assert checked.pipeline.id == path.stem
    assert checked.warnings == ()


@pytest.mark.parametrize("path", CALENDARS, ids=lambda path: path.stem)
def test_a_sample_calendar_is_valid_and_named_like_its_file(path: Path) -> None:
    assert is_calendar_file(path.read_bytes())
    assert check_calendar(path.read_bytes(), path.name).calendar.name == path.stem


def test_the_calendars_that_the_samples_name_are_among_them() -> None:
    checked = [check_pipeline(path.read_bytes(), path.name) for path in PIPELINES]

    named = {calendar.name for each in checked for calendar in each.calendars}
    assert named == {path.stem for path in CALENDARS}


def test_the_samples_use_every_key_of_a_pipeline_file() -> None:
    used = {key for path in PIPELINES for key in used_keys(data_of(path), SCHEMA, "PipelineFile")}

    assert keys_of_schema() - used == set()


def test_the_samples_use_every_key_of_a_calendar_file() -> None:
    used = {key for path in CALENDARS for key in data_of(path)["calendar"]}

    assert used == CalendarSection.model_fields.keys()
    assert CalendarFile.model_fields.keys() == {"calendar"}
