"""What `CONFIG` keeps is the pipeline, exactly, and always the same text for it."""

from __future__ import annotations

import json
import time as clock
from contextlib import suppress
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import a_pipeline, a_rule
from interlock.domain.pipeline import (
    AllOf,
    AnyOf,
    AtLeast,
    Check,
    Deadline,
    Evaluation,
    Exclude,
    Include,
    Job,
    JobType,
    Match,
    Not,
    OnTimeout,
    Pipeline,
    PostRun,
    Rule,
    RuleNode,
    Schedule,
    Sla,
    Start,
    Trigger,
    UpstreamDate,
    UpstreamRule,
    Validation,
)
from interlock.domain.pipeline_codec import StoredPipelineUnreadable, decode_pipeline, encode_pipeline

text = st.text(max_size=12)
scalars = st.one_of(text, st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans())
durations = st.timedeltas(timedelta(0), timedelta(days=3660))
dates = st.lists(st.dates(), max_size=3).map(tuple)
deadlines = st.builds(Deadline, st.integers(0, 59), st.none() | st.integers(0, 23))
configs = st.dictionaries(
    text,
    st.recursive(
        scalars | st.none(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    ),
)
values = {
    Check.EXISTS: st.none(),
    Check.IN: st.lists(scalars, max_size=3).map(tuple),
    Check.AGE_LT: durations,
    Check.AGE_GT: durations,
}
rules = st.sampled_from(Check).flatmap(
    lambda check: st.builds(Rule, text, st.just(check), st.none() | text, values.get(check, scalars))
)


def groups(inner: st.SearchStrategy[RuleNode]) -> st.SearchStrategy[RuleNode]:
    many = st.lists(inner, max_size=3).map(tuple)
    return st.one_of(
        st.builds(AllOf, many),
        st.builds(AnyOf, many),
        st.builds(AtLeast, st.integers(1, 3), many),
        st.builds(Not, inner),
    )


upstreams = st.builds(UpstreamRule, text, st.sampled_from(UpstreamDate))
nodes = st.lists(st.recursive(rules | upstreams, groups, max_leaves=6), max_size=3).map(tuple)
schedules = st.builds(
    Schedule,
    cron=st.none() | text,
    timezone=text,
    trigger=st.none() | st.builds(Trigger, rules, st.none() | deadlines),
    start=st.sampled_from(Start),
    include=st.none() | st.builds(Include, dates, st.none() | text),
    exclude=st.none()
    | st.builds(
        Exclude,
        st.booleans(),
        st.lists(st.integers(0, 6)).map(tuple),
        dates,
        st.none() | text,
        st.none() | text,
    ),
    time=st.none() | st.builds(time, st.integers(0, 23), st.integers(0, 59)),
    evaluation=st.builds(Evaluation, durations, durations),
)
jobs = st.builds(
    Job,
    st.sampled_from(JobType),
    configs,
    *[st.integers(0, 10)] * 4,
    durations,
    durations,
    st.sampled_from(OnTimeout),
    st.booleans(),
)
maybe = st.none() | durations
slas = st.builds(
    Sla, st.none() | deadlines, st.none() | st.integers(0, 31), maybe, maybe, st.none() | text, st.booleans()
)
thresholds = st.decimals(0, 10**18, allow_nan=False, allow_infinity=False)
pipelines = st.builds(
    Pipeline,
    id=text,
    job=jobs,
    schedule=schedules,
    owner=st.none() | text,
    description=st.none() | text,
    runbook=st.none() | text,
    validation=st.builds(Validation, st.sampled_from(Match), nodes),
    sla=st.none() | slas,
    post_run=st.none() | st.builds(PostRun, nodes, st.none() | text, thresholds, st.booleans(), durations),
    dry_run=st.booleans(),
)


@given(pipelines)
def test_any_pipeline_comes_back_exactly(pipeline: Pipeline):
    stored = encode_pipeline(pipeline)

    assert decode_pipeline(stored) == pipeline
    assert encode_pipeline(decode_pipeline(stored)) == stored


@pytest.mark.parametrize("value", [1, 1.0, True, "1", "", -0.5, 10**30])
def test_a_value_comes_back_as_the_type_it_was(value: Any):
    pipeline = a_pipeline(rules=[a_rule("equals", value)])

    [rule] = decode_pipeline(encode_pipeline(pipeline)).validation.rules

    assert isinstance(rule, Rule)
    assert type(rule.value) is type(value)


def test_the_stored_text_is_canonical():
    stored = encode_pipeline(a_pipeline())

    assert stored == json.dumps(json.loads(stored), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert encode_pipeline(a_pipeline(job=Job(JobType.GLUE, {"a": 1, "b": 2}))) == encode_pipeline(
        a_pipeline(job=Job(JobType.GLUE, {"b": 2, "a": 1}))
    )


def test_the_stored_text_reads_like_the_users_file():
    pipeline = a_pipeline(
        rules=[Not(a_rule("age_lt", timedelta(hours=2), None))],
        exclude=Exclude(dates=(date(2026, 12, 25),)),
        sla=Sla(Deadline(30, 7)),
        post_run=PostRun(drift_threshold=Decimal("2.5"), drift_threshold_is_percent=True),
    )

    stored = json.loads(encode_pipeline(pipeline))

    assert stored["rules"] == [{"not": {"key": "row-count", "check": "age_lt", "field": None, "value": 7200}}]
    assert stored["schedule"]["exclude"]["dates"] == ["2026-12-25"]
    assert stored["sla"]["deadline"] == "07:30"
    assert stored["postRun"]["driftThreshold"] == "2.5"


def test_a_rule_on_another_pipeline_is_stored_as_it_is_written():
    pipeline = a_pipeline(rules=[AnyOf((UpstreamRule("silver", UpstreamDate.WINDOW), a_rule("exists")))])

    stored = json.loads(encode_pipeline(pipeline))

    assert stored["rules"][0]["any"][0] == {"pipeline": "silver", "check": "succeeded", "date": "window"}


def test_a_config_that_was_stored_before_there_were_such_rules_is_read_as_ever():
    stored = (
        '{"description":null,"dryRun":false,"id":"gold","job":{"config":{"jobName":"etl"},"idempotent":false,'
        '"maxCodeRetries":0,"maxDriftReruns":1,"maxManualReruns":1,"maxRetries":2,"onTimeout":"cancel",'
        '"pollWindow":14400,"retryBackoff":60,"type":"glue"},"match":"ALL","owner":null,"postRun":null,'
        '"rules":[{"check":"gte","field":"count","key":"rows","value":1000},'
        '{"not":{"check":"exists","field":null,"key":"lock","value":null}}],"runbook":null,'
        '"schedule":{"cron":"0 6 * * *","exclude":null,"include":null,"interval":300,"start":"any",'
        '"time":null,"timezone":"UTC","trigger":null,"window":3600},"sla":null}'
    )

    rules = decode_pipeline(stored).validation.rules

    assert rules == (Rule("rows", Check.GTE, "count", 1000), Not(Rule("lock", Check.EXISTS)))


@given(
    st.one_of(
        st.text(),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | text,
            lambda inner: (
                st.lists(inner)
                | st.dictionaries(st.sampled_from(["id", "job", "sla", "rules", "schedule"]), inner)
            ),
        ).map(json.dumps),
        st.just("[" * 100_000),
        st.just("1" * 5000),
    )
)
def test_what_was_not_stored_by_us_is_unreadable_by_name(stored: str):
    with pytest.raises(StoredPipelineUnreadable):
        decode_pipeline(stored)


@given(st.data())
def test_a_stored_text_with_one_part_broken_is_a_pipeline_or_unreadable(data: st.DataObject):
    stored = json.loads(encode_pipeline(a_pipeline(rules=[a_rule()], sla=Sla(Deadline(30, 7)))))
    part = data.draw(st.sampled_from(["schedule", "job", "sla", "rules", "match", "postRun"]))
    stored[part] = data.draw(
        st.sampled_from([5, "x", [], [5], {}, {"type": "gleu"}, [{"key": 1}], ":", "1:2:3"])
    )

    with suppress(StoredPipelineUnreadable):
        assert decode_pipeline(json.dumps(stored)).id == stored["id"]


def test_decoding_costs_little_beside_parsing_the_json():
    stored = encode_pipeline(a_pipeline(rules=[a_rule()] * 20, sla=Sla(Deadline(30, 7))))

    def fastest(work: Any) -> int:
        times = []
        for _ in range(50):
            began = clock.perf_counter_ns()
            work(stored)
            times.append(clock.perf_counter_ns() - began)
        return min(times)

    assert fastest(decode_pipeline) < 12 * fastest(json.loads)  # 3 to 4 times, measured
