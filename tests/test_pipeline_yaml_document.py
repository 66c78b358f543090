"""Text to plain values: the scalars of YAML 1.2, and bounds that a hostile file cannot pass."""

from __future__ import annotations

import time
from typing import Any

import pytest

from interlock.pipeline_yaml import PipelineInvalid, compose, read_pipeline
from interlock.pipeline_yaml.document import MOST_BYTES, MOST_VALUES, read_node
from pipeline_text import JOB, PIPELINE, mistakes_in


def read(text: str) -> Any:
    return read_node(compose(text, "p.yaml"), "p.yaml").data


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12:30", "12:30"),
        ("07:30", "07:30"),
        ("2026-12-25", "2026-12-25"),
        ("2026-12-25T10:00:00Z", "2026-12-25T10:00:00Z"),
        ("yes", "yes"),
        ("No", "No"),
        ("on", "on"),
        ("off", "off"),
        ("1_000", "1_000"),
        ("=", "="),
        ("5%", "5%"),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("null", None),
        ("", None),
        ("012", 12),
        ("0o14", 12),
        ("0x1F", 31),
        ("-7", -7),
        ("1.50", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ('"5"', "5"),
        ("!!str 5", "5"),
        ("'true'", "true"),
        ("😀", "😀"),
    ],
)
def test_a_scalar_is_what_yaml_1_2_says(text: str, value: Any):
    found = read(f"a: {text}")["a"]

    assert found == value
    assert type(found) is type(value)


def test_a_byte_order_mark_is_no_part_of_the_first_key():
    assert read("\ufeffa: 1") == {"a": 1}


def test_a_quoted_merge_sign_is_a_key_like_any_other():
    assert read('"<<": 1') == {"<<": 1}


def test_an_alias_stands_for_what_its_anchor_names():
    assert read("a: &rule {key: x}\nb: [*rule, *rule]") == {"a": {"key": "x"}, "b": [{"key": "x"}] * 2}


@pytest.mark.parametrize(
    ("text", "line", "wanted"),
    [
        ("a: 1\nb: [1\nc: 2\n", 3, "is not YAML: while parsing a flow sequence"),
        ("a: 1\n  b: 2\n", 2, "is not YAML: mapping values are not allowed here"),
        ("a:\n\t- b\n", 2, "a tab is used as indentation; indent with spaces"),
        ("a: 1\n---\nb: 2\n", 2, "a second document starts here; keep one pipeline in a file"),
        ("a: *nobody", 1, "found undefined alias"),
        ('a: 1\nb: "\x00"', 2, "holds the control character U+0000; remove it"),
        ('a: 1\nb: "\\UFFFFFFFF"', 2, "holds an escape that is no character"),
        ("sla: {deadline: :30}", 1, 'inside braces write ":30" in quotes'),
        ("", 1, "is empty; describe one pipeline"),
        ("# nothing\n", 1, "is empty; describe one pipeline"),
        ("- a\n", 1, "must be a mapping; begin with pipeline:"),
        ("42", 1, "must be a mapping"),
        ("null", 1, "must be a mapping"),
        (b"a: 1\nb: \xff\xfe", 2, "is not UTF-8 text; save the file as UTF-8"),
        ("# größe\n".encode("latin-1"), 1, "is not UTF-8 text; save the file as UTF-8"),
        *(
            ("a: 1\n".encode(encoding), 1, "is UTF-16 or UTF-32 text; save the file as UTF-8")
            for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be")
        ),
        (b"\xff\xfe", 1, "is UTF-16 or UTF-32 text; save the file as UTF-8"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", 1, "is a PDF, not YAML; upload the text itself"),
        (b"PK\x03\x04\x14\x00\x00\x00", 1, "is a zip archive or an Office document, not YAML"),
        (b"\x1f\x8b\x08\x00", 1, "is compressed by gzip, not YAML; upload the text itself"),
        (bytes(1000), 1, "is binary data, not YAML; upload the text itself"),
        (b'a: 1\nb: "\x00"', 2, "holds the control character U+0000; remove it"),
        (b"<html><body>404</body></html>", 1, "must be a mapping; begin with pipeline:"),
        ("a: 1\n# " + "x" * MOST_BYTES, 1, "is larger than 256 KB; shorten it"),
    ],
)
def test_what_is_no_document_is_told_with_its_line(text: str | bytes, line: int, wanted: str):
    with pytest.raises(PipelineInvalid) as caught:
        read_pipeline(text, "p.yaml")

    assert [mistake.line for mistake in caught.value.mistakes] == [line]
    assert wanted in caught.value.mistakes[0].message


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("dryRun: false\ndryRun: false", "dryRun: is written twice (first on line 3); keep one"),
        ("dryRun: false\n1: x", '["1"]: a key must be text; write "1" in quotes'),
        ("true: x", 'true: a key must be text; write "true" in quotes'),
        ("? [a]\n: x", '["?"]: a key must be text, not a list or a mapping'),
        ('"a\\eb": x', "holds the control character U+001B; remove it"),
        ("<<: {dryRun: true}", '["<<"]: merge keys are not read'),
        ('dryRun: "\\u0007"', "dryRun: holds the control character U+0007; remove it"),
        ('dryRun: "\\ud800"', "dryRun: holds the control character U+D800; remove it"),
        ("dryRun: .inf", "dryRun: is not a finite number"),
        ("dryRun: " + "9" * 41, "dryRun: is a number of too many digits"),
        ("dryRun: !!python/object/apply:os.system [ls]", "dryRun: has the tag"),
        ("dryRun: !!int abc", "dryRun: has the tag"),
        ("dryRun: !!binary aGk=", "dryRun: has the tag"),
    ],
)
def test_a_value_that_cannot_be_read_is_one_mistake_among_others(text: str, wanted: str):
    mistakes = mistakes_in(PIPELINE + JOB + text)

    assert len(mistakes) == 1
    assert wanted in mistakes[0]


LAUGHS = (
    "a0: &a0 ["
    + "x," * 9
    + "x]\n"
    + "".join(f"a{level}: &a{level} [" + ",".join([f"*a{level - 1}"] * 10) + "]\n" for level in range(1, 9))
)
# Each was the slowest of its kind that a search for slow documents found.
HOSTILE = {
    "a billion laughs": LAUGHS,
    "a long text named often": 'a: &a "' + "x" * 200_000 + '"\nb: [' + "*a," * 1000 + "*a]",
    "a list that holds itself": "&a [*a]",
    "mappings that hold themselves": "&a {b: *a, c: *a}",
    "open brackets": "[" * 10_000,
    "open braces": "{a: " * 10_000,
    "dashes": "- " * 10_000,
    "question marks": "? " * 10_000,
    "as many items as fit": "- 1\n" * (MOST_BYTES // 4),
    "as many keys as fit": "".join(f"k{number}: v\n" for number in range(MOST_BYTES // 12)),
    "as many rules as fit": "validation:\n  rules:\n" + "  - {chek: 1}\n" * 6000,
    "as many misspelt keys as fit": "".join(f"scedule{number}: v\n" for number in range(9000)),
    "as many placeholders as fit": PIPELINE
    + "job: {type: http, config: {body: {a: '"
    + "${" * 100_000
    + "'}}}",
    "a colon for every letter of a URL": PIPELINE
    + "job: {type: http, config: {url: '://"
    + ":" * 200_000
    + "'}}",
    "a long cron": "schedule: {cron: '" + "1," * 100_000 + "1 * * * *'}",
    "a long timezone": "schedule: {timezone: " + "A" * 200_000 + "}",
    "a long key": '"' + "x" * 200_000 + '": 1',
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_file_is_refused_in_bounded_time(text: str):
    began = time.process_time()

    mistakes = mistakes_in(text)

    assert mistakes
    assert max(map(len, mistakes)) < 1000
    assert time.process_time() - began < 10  # the slowest takes 1.5 s alone on a laptop


@pytest.mark.parametrize(
    "text",
    [
        f'a: &a "{"x" * 30_000}"\nb: [*a, *a, *a, *a, *a, *a, *a, *a, *a]',
        "a: &a {"
        + ", ".join(f"{'k' * 1000}{n}: 1" for n in range(30))
        + "}\nb: [*a, *a, *a, *a, *a, *a, *a, *a, *a]",
        "a: &a [" + "1," * 3000 + "1]\nb: [*a, *a, *a, *a, *a, *a, *a]",
    ],
)
def test_what_aliases_expand_to_is_bounded_as_if_it_were_written(text: str):
    with pytest.raises(
        PipelineInvalid, match="expands to more than 20000 values or 256 KB; use fewer aliases"
    ):
        read(text)


def test_composing_stops_at_a_bound_before_anything_is_built():
    with pytest.raises(PipelineInvalid, match="holds more than 20000 values"):
        compose("[" + "1," * (2 * MOST_VALUES) + "]", "p.yaml")


def test_the_last_document_within_the_bounds_is_read():
    assert len(read("[" + ",".join(["1"] * (MOST_VALUES - 1)) + "]")) == MOST_VALUES - 1
    with pytest.raises(PipelineInvalid, match="expands to more than"):
        read("[" + ",".join(["1"] * MOST_VALUES) + "]")


def test_a_config_that_no_row_could_hold_is_refused():
    # A quote is one byte in the file and two in the stored JSON.
    config = "job: {{type: http, config: {{url: https://x.example, body: '{0}'}}}}\n"

    assert mistakes_in(PIPELINE + config.format('"' * 170_000)) == []
    assert mistakes_in(PIPELINE + config.format('"' * 180_000)) == [
        ": takes more than 350000 bytes to store; shorten it"
    ]
