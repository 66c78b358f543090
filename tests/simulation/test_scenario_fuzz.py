"""Whatever a scenario file holds, it is either read or refused with its mistakes; nothing else comes out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from interlock.simulation.play import play
from interlock.simulation.scenario_yaml import ScenarioInvalid, read_scenario
from scenario_text import GLUE_PIPELINE, scenario_text

WORDS = st.sampled_from(
    (  # noqa: SIM905  a page of quotes would be no easier to read
        "scenario start configs calendars jobs timeline until expect at sensor pipeline key data raw table item fault "
        "call times when error redeliver last all reverse drop next what watchdog pause secrets env config text file "
        "events type never count runs alerts cost repeat outcome after refuse JOB_FAILED control sessions landed "
        "true null 1 -1 +1m +0s 2026-03-02 2026-03-02T08:00:00Z <= 3"
    ).split()
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    WORDS,
    st.text(max_size=20),
    st.binary(max_size=5),
    st.dates(),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


def _read(text: str | bytes) -> None:
    refused = None
    try:
        read_scenario(text, "fuzz.yaml", Path("/nowhere"))
    except ScenarioInvalid as invalid:
        refused = invalid
    if refused is not None:
        assert refused.mistakes
        assert all(mistake.line >= 1 and mistake.message for mistake in refused.mistakes)


@given(st.binary(max_size=200))
@example(b"\xff\xfe")
@example(b"a: &a [*a]")
@example(b"scenario: {? [a] : b}")
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    _read(content)


@given(st.text(max_size=200))
@example("scenario: !!python/object/apply:os.system [id]")
@example("a: " + "[" * 500)
@example("timeline: " + "{a: " * 100 + "1" + "}" * 100)
@settings(max_examples=200, deadline=None)
def test_any_text_is_read_or_refused(content: str) -> None:
    _read(content)


@given(st.dictionaries(WORDS, VALUES, max_size=8))
@settings(max_examples=200, deadline=None)
def test_any_mapping_is_read_or_refused(content: dict[str, Any]) -> None:
    _read(yaml.safe_dump(content, allow_unicode=True))


@given(section=st.sampled_from(["configs", "calendars", "jobs", "timeline", "expect"]), value=VALUES)
@settings(max_examples=300, deadline=None)
def test_any_value_in_any_section_is_read_or_refused(section: str, value: Any) -> None:
    whole = {"scenario": "a", "start": "2026-03-02T08:00:00Z", "until": "+1m", section: value}
    _read(yaml.safe_dump(whole, allow_unicode=True))


def test_aliases_that_multiply_are_refused() -> None:
    laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 8)
    )
    text = "scenario: a\nstart: 2026-03-02T08:00:00Z\nuntil: +1m\njobs: {a: [{metrics: *a7}]}\n"

    with pytest.raises(ScenarioInvalid):
        read_scenario(laughs + text, "laughs.yaml", Path())


ATTRIBUTES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**37), 10**37),
        st.text(max_size=30),
        st.sampled_from(["2026-03-02", "24", "1e999", "ready", "9999999999999999", "x" * 5000]),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
SORT_KEYS = st.one_of(
    st.sampled_from(
        [
            "CONFIG",
            "SENSOR#landed",
            "SENSOR#",
            "RUN#stream#2026-03-02",
            "RUN#",
            "RERUN_REQUEST#stream#2026-03-02",
            "RERUN_REQUEST#cron#x",
            "JOB#stream#2026-03-02#1772438400000#1",
            "JOB#a#b#c#d",
            "DUE#check#stream#2026-03-02",
            "NOTICE#x",
            "BASELINE#stream#2026-03-02",
        ]
    ),
    st.text(min_size=1, max_size=20),
)
ITEMS = st.builds(
    lambda attributes, sort: {**attributes, "PK": "PIPELINE#bad", "SK": sort},
    st.dictionaries(
        st.sampled_from(
            ["data", "date", "hour", "status", "event", "version", "events", "config", "force", "ttl"]
        ),
        ATTRIBUTES,
        max_size=4,
    ),
    SORT_KEYS,
)


@given(st.lists(ITEMS, min_size=1, max_size=4))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_garbage_in_one_pipelines_rows_leaves_its_neighbour_unharmed(items: list[dict[str, Any]]) -> None:
    entries = [
        yaml.safe_dump(
            {"at": "+0s", "raw": {"table": table, "item": item}}, default_flow_style=True, width=10**9
        ).strip()
        for item in items
        for table in ("control", "joblog")
    ]
    entries += [
        '{at: "+1m", report: {pipeline: bad, date: "2026-03-02", event: fail}}',
        '{at: "+1m", rerun: {pipeline: bad, date: "2026-03-02"}}',
        '{at: "+2m", remove_rerun_request: {pipeline: bad, date: "2026-03-02"}}',
    ]
    entries.append('{at: "+0s", sensor: {pipeline: sessions, key: landed, data: {date: "2026-03-02"}}}')
    bad = GLUE_PIPELINE.replace("id: sessions", "id: bad")
    try:
        scenario = read_scenario(scenario_text(*entries, configs=GLUE_PIPELINE + bad), "fuzz.yaml", Path())
    except ScenarioInvalid:
        return  # DynamoDB would not have taken it

    world = play(scenario)

    completed = [event.event.pipeline_id for event in world.events() if event.event.type == "JOB_COMPLETED"]
    assert "sessions" in completed
