"""The lines to copy do what they say: readings that make a pipeline's rules hold, in the AWS CLI's own words."""

import json
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer

from interlock.aws import keys
from interlock.domain.pipeline import Pipeline, upstream_rules
from interlock.domain.readiness import trigger_holds
from interlock.domain.run import RunKey
from interlock.domain.sensor import parse_reading
from interlock.domain.upstream import UpstreamOutcome
from interlock.local.shell_lines import holding_readings, put_sensor, read_events, rerun_today
from interlock.pipeline_yaml import read_pipeline
from interlock.steps.read_readiness import judge
from pipeline_text import SAMPLES, pipeline_with

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
TODAY = "2026-03-02"


def holds(pipeline: Pipeline) -> bool:
    """Whether the suggested readings open a run and make its rules hold."""
    readings = holding_readings(pipeline, NOW)
    found = {key: {"data": data} for key, data in readings.items()}
    trigger = pipeline.schedule.trigger
    opens = trigger is None or trigger_holds(
        trigger.rule, parse_reading(trigger.rule.key, trigger.rule.key, found[trigger.rule.key]), NOW
    )
    # What it waits for of other pipelines is no sensor's to say.
    succeeded = {rule.name: UpstreamOutcome(True, "it has succeeded") for rule in upstream_rules(pipeline)}
    return (
        bool(opens) and judge(pipeline, RunKey(pipeline.id, "stream", TODAY), found, NOW, (), succeeded).ready
    )


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_what_is_suggested_for_a_sample_makes_its_rules_hold(path: Path) -> None:
    assert holds(read_pipeline(path.read_text(), path.name))


@pytest.mark.parametrize(
    "rule",
    [
        "{key: k, check: exists}",
        "{key: k, check: exists, field: f}",
        "{key: k, check: equals, field: f, value: true}",
        "{key: k, check: not_equals, field: f, value: 10}",
        "{key: k, check: in, field: f, value: [A, B]}",
        "{key: k, check: gt, field: f, value: 0.5}",
        "{key: k, check: gte, field: f, value: 1000}",
        "{key: k, check: lt, field: f, value: 0}",
        "{key: k, check: lte, field: f, value: 0}",
        "{key: k, check: age_lt, value: 6h}",
        "{key: k, check: age_gt, field: f, value: 6h}",
        "{not: {key: k, check: exists}}",
        "{any: [{key: k, check: exists}, {key: l, check: exists}]}",
        "{atLeast: 2, of: [{key: k, check: exists}, {key: l, check: exists}, {key: m, check: exists}]}",
    ],
)
def test_what_is_suggested_makes_every_kind_of_rule_hold(rule: str) -> None:
    assert holds(pipeline_with(f"validation: {{rules: [{rule}]}}", "schedule: {cron: 0 6 * * *}"))


def item_of(line: str) -> dict[str, Any]:
    """The item that a printed command puts, read back as the AWS CLI would send it."""
    words = shlex.split(line)
    assert words[:5] == ["aws", "dynamodb", "put-item", "--table-name", "the-table"]
    wire = json.loads(words[words.index("--item") + 1])
    return {name: TypeDeserializer().deserialize(value) for name, value in wire.items()}


def test_a_sensor_is_put_under_its_key_with_its_data_in_a_map() -> None:
    item = item_of(put_sensor("the-table", "gold", "orders", {"count": 1.5, "note": "it's 'fine'"}))

    assert (item["PK"], item["SK"]) == keys.sensor_key("gold", "orders")
    assert item["data"] == {"count": 1.5, "note": "it's 'fine'"}


def test_a_rerun_is_asked_for_today_in_the_pipeline_s_own_zone() -> None:
    pipeline = pipeline_with("schedule: {cron: 0 6 * * *, timezone: Pacific/Kiritimati}")
    late = NOW.replace(hour=23)

    assert rerun_today(pipeline, late) == "interlock rerun gold-revenue 2026-03-03 --force --wait"


def test_events_are_asked_for_by_pipeline() -> None:
    words = shlex.split(read_events("the-table", "gold"))

    values = json.loads(words[words.index("--expression-attribute-values") + 1])
    assert values == {":p": {"S": "PIPELINE#gold"}}
