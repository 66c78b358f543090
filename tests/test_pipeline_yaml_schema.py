"""The JSON Schema and the samples: both are what the reader reads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from interlock.domain.pipeline import JobType
from interlock.pipeline_yaml import check_pipeline, compose
from interlock.pipeline_yaml.document import read_node
from interlock.pipeline_yaml.schema import pipeline_schema, schema_text
from json_schema_check import violations
from pipeline_text import PIPELINE, SAMPLES, mistakes_in, text_with

SCHEMA = pipeline_schema()


def plain(text: str) -> Any:
    return read_node(compose(text, "p.yaml"), "p.yaml").data


def properties(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key of every object in the schema, as `Section.key`."""
    for name, definition in {"": schema, **schema["$defs"]}.items():
        for key, described in definition.get("properties", {}).items():
            yield f"{name}.{key}", described


def test_the_published_schema_is_the_one_of_the_model():
    published = Path(__file__).parent.parent / "pipelines" / "pipeline.schema.json"

    assert published.read_text(encoding="utf-8") == schema_text()


def test_every_key_is_described():
    missing = [
        name
        for name, described in properties(SCHEMA)
        if not described.get("description")
        and not SCHEMA["$defs"].get(described.get("$ref", "").rpartition("/")[2], {}).get("description")
    ]

    assert missing == []


def test_every_reference_leads_somewhere():
    for name in re.findall(r'"#/\$defs/([^"]+)"', schema_text()):
        assert name in SCHEMA["$defs"]


def test_bounds_and_defaults_are_in_the_schema():
    job = SCHEMA["$defs"]["JobSection"]["properties"]

    assert job["maxRetries"] | {"description": ""} == {
        "default": 2, "minimum": 0, "maximum": 10, "type": "integer", "description": "",
    }  # fmt: skip
    assert SCHEMA["$defs"]["EvaluationSection"]["properties"]["window"]["default"] == "1h"
    assert SCHEMA["$defs"]["OnTimeout"]["enum"] == ["cancel", "leave"]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_is_valid_without_a_warning(sample: Path):
    text = sample.read_text(encoding="utf-8")

    assert check_pipeline(text, sample.name).warnings == ()
    assert violations(plain(text), SCHEMA) == []


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_tells_editors_its_schema_and_bears_the_name_of_its_pipeline(sample: Path):
    text = sample.read_text(encoding="utf-8")

    assert text.startswith("# yaml-language-server: $schema=pipeline.schema.json\n# ")
    assert check_pipeline(text, sample.name).pipeline.id == sample.stem


def used_keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        for item in value.values():
            yield from used_keys(item)
    if isinstance(value, list):
        for item in value:
            yield from used_keys(item)


def test_every_key_and_every_job_type_has_a_sample():
    used = [plain(sample.read_text(encoding="utf-8")) for sample in SAMPLES]

    assert {name.rpartition(".")[2] for name, _ in properties(SCHEMA)} - set(used_keys(used)) == set()
    assert {data["job"]["type"] for data in used} == set(JobType)


@pytest.mark.parametrize(
    "text",
    [
        text_with("slaa: {}"),
        text_with("schedule: {trigger: {key: a}}"),
        text_with("validation: {rules: [{all: {}}]}"),
        text_with("validation: {rules: [{key: a#b, check: exists}]}"),
        text_with("sla: {deadline: 7:30}"),
        text_with("schedule: {evaluation: {window: 1w}}"),
        text_with("schedule: {exclude: {days: [noday]}}"),
        PIPELINE,
        PIPELINE + "job: {type: glue, config: {jobNam: x}}",
        PIPELINE + "job: {type: http, config: {url: ftp://x}}",
        PIPELINE + "job: {type: glue, config: {jobName: j}, maxRetries: 11}",
        PIPELINE + "job: {type: gleu, config: {}}",
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(text: str):
    assert mistakes_in(text)
    assert violations(plain(text), SCHEMA)


def test_the_checker_of_these_tests_knows_every_keyword_of_the_schema():
    with pytest.raises(KeyError, match="patternProperties"):
        violations({}, {"patternProperties": {}})

    assert json.loads(schema_text())["$schema"].startswith("https://json-schema.org/")
