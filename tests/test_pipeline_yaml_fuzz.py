"""Whatever a file holds, it is a pipeline or an invalid one: never another exception, never without end."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interlock.domain.pipeline import Pipeline
from interlock.domain.pipeline_codec import decode_pipeline, encode_pipeline
from interlock.pipeline_yaml import Mistake, PipelineInvalid, check_pipeline, compose
from interlock.pipeline_yaml.document import read_node
from pipeline_text import PIPELINE, SAMPLES

TEXTS = [sample.read_text(encoding="utf-8") for sample in SAMPLES]
PLAIN = [read_node(compose(text, "p.yaml"), "p.yaml").data for text in TEXTS]
KEYS = sorted({word for text in TEXTS for word in re.findall(r"[A-Za-z]+(?=:)", text)})
MARKS = [
    *"[]{}:,#&*!|>'\"%@`-?<=.~\n\t \\$0",
    "\n  ",
    ": ",
    "- ",
    "&a ",
    "*a",
    "<<: ",
    "---\n",
    "!!int ",
]

awkward = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.just(10**400),
    st.floats(),  # NaN and infinities among them
    st.text(max_size=20),
    st.sampled_from(
        ["", "é", "a#b", "5%", "${DATE", "07:30", ":61", "2026-02-30", "\x00", "\ud800", "x" * 400_000]
    ),
    st.sampled_from([[], {}, [[]], {"": {}}, [None], {"key": {"key": []}}]),
)
settings.register_profile("files", deadline=None, suppress_health_check=list(HealthCheck), max_examples=150)
files = settings(settings.get_profile("files"))


def checked(text: str | bytes) -> Pipeline | tuple[Mistake, ...]:
    try:
        return check_pipeline(text, "p.yaml").pipeline
    except PipelineInvalid as invalid:
        return invalid.mistakes


def read(text: str | bytes) -> Pipeline | None:
    """The pipeline, or None after looking at the mistakes: each is one printable line about this file."""
    found = checked(text)
    if isinstance(found, Pipeline):
        assert decode_pipeline(encode_pipeline(found)) == found
        return found
    assert found
    assert all(str(mistake).isprintable() for mistake in found)
    assert all(mistake.line >= 1 and len(str(mistake)) < 5000 for mistake in found)
    return None


@files
@given(st.lists(st.sampled_from([*MARKS, *KEYS]), max_size=60).map("".join))
def test_text_made_of_yaml_marks_and_our_keys(text: str):
    read(text)
    read(PIPELINE + text)


@files
@given(st.one_of(st.text(), st.binary()))
def test_any_text_and_any_bytes(text: str | bytes):
    read(text)


@files
@given(st.sampled_from(TEXTS), st.data())
def test_a_valid_file_with_a_few_characters_changed(text: str, data: st.DataObject):
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        removed = data.draw(st.integers(0, 8))
        text = (
            text[:at]
            + data.draw(st.one_of(st.sampled_from(MARKS), st.text(max_size=3)))
            + text[at + removed :]
        )

    read(text)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value inside."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(deeper for key, item in items for deeper in places(item, (*path, key)))]


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copied = dict(value) if isinstance(value, dict) else list(value)
    copied[path[0]] = changed(value[path[0]], path[1:], new)
    return copied


@files
@given(st.sampled_from(PLAIN), st.data())
def test_a_valid_pipeline_with_awkward_values_and_keys(plain: dict[str, Any], data: st.DataObject):
    value: Any = plain
    for _ in range(data.draw(st.integers(1, 3))):
        new = data.draw(awkward)
        if data.draw(st.booleans()):
            new = {data.draw(st.one_of(st.sampled_from(KEYS), st.text(max_size=5))): new}
        value = changed(value, data.draw(st.sampled_from(places(value))), new)

    read(json.dumps(value))  # JSON is YAML, but for NaN and Infinity, which are texts in YAML


@files
@given(st.floats().filter(lambda number: not math.isfinite(number)), st.sampled_from(PLAIN), st.data())
def test_no_number_that_is_none_gets_into_a_pipeline(
    number: float, plain: dict[str, Any], data: st.DataObject
):
    text = json.dumps(changed(plain, data.draw(st.sampled_from(places(plain)[1:])), "NUMBER"))
    written = {"inf": ".inf", "-inf": "-.inf", "nan": ".nan"}[str(number)]

    assert read(text.replace('"NUMBER"', written)) is None


@files
@given(st.integers(1, 400), st.sampled_from(["[", "{a: ", "- ", "? ", "[{a: "]), st.sampled_from(TEXTS))
def test_any_depth(depth: int, opening: str, text: str):
    read(opening * depth)
    read(text + "x: " + opening * depth)
