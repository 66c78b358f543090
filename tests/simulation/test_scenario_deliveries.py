"""Deliveries come late, twice or never, as the scenario says; what was given up is kept until it is put back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from interlock.simulation.history import Kind
from interlock.simulation.played import Played
from scenario_text import GLUE_PIPELINE, LANDED, instants, played

TWO = GLUE_PIPELINE.rstrip() + "\n    repeat: 2\n"
HOURLY = (
    '- pipeline: {id: sessions}\n  schedule: {cron: "0 * * * *"}\n  job: {type: glue, config: {jobName: x}}'
)
FAILS = "{sessions: [{outcome: fail, after: 1m}]}"


def landed(number: int, at: str = "+0s") -> str:
    pipeline = f"sessions-{number:04}"
    return f'{{at: "{at}", sensor: {{pipeline: {pipeline}, key: landed, data: {{date: "2026-03-02"}}}}}}'


def sensor(key: str, at: str = "+0s") -> str:
    return f'{{at: "{at}", sensor: {{pipeline: sessions, key: {key}, data: {{n: 1}}}}}}'


def delay(more: str) -> str:
    return f'{{at: "+0s", delay: {{{more}}}}}'


def duplicate(more: str) -> str:
    return f'{{at: "+0s", duplicate: {{{more}}}}}'


def fault(more: str) -> str:
    return f'{{at: "+0s", fault: {{{more}}}}}'


def seconds(world: Played, function: str) -> list[float]:
    """When that function was invoked."""
    return [
        (one.began_at - world.scenario.start).total_seconds()
        for one in world.witness.invocations
        if one.function == function
    ]


def batches(world: Played) -> list[tuple[float, list[str]]]:
    """The sensors of each batch of a stream, and when it came."""

    def keys(event: Mapping[str, Any]) -> list[str]:
        sort_keys = [record["dynamodb"]["Keys"]["SK"]["S"] for record in event.get("Records", ())]
        return [key.removeprefix("SENSOR#") for key in sort_keys if key.startswith("SENSOR#")]

    return [
        ((one.began_at - world.scenario.start).total_seconds(), keys(one.event))
        for one in world.witness.invocations
        if one.function == "stream-router" and keys(one.event)
    ]


# ---- late


def test_a_stream_that_stands_still_delivers_everything_at_once_afterwards() -> None:
    world = played(delay("what: stream, by: 1m"), sensor("a"), sensor("b", at="+20s"), sensor("c", at="+2m"))

    assert batches(world) == [(60, ["a", "b"]), (120, ["c"])]


def test_a_pipelines_records_are_held_in_their_order_while_others_overtake_them() -> None:
    world = played(
        delay("what: stream, by: 30s, pipeline: sessions-0001"),
        landed(1),
        landed(2),
        '{at: "+10s", sensor: {pipeline: sessions-0001, key: rows, data: {count: 1}}}',
        configs=TWO,
    )

    started = [
        (job.pipeline_id, (job.started_at - world.scenario.start).total_seconds())
        for job in world.history.jobs
    ]
    assert started == [("sessions-0002", 0), ("sessions-0001", 30)]
    assert [came for came, keys in batches(world) if keys == ["landed", "rows"]] == [30]


@pytest.mark.parametrize(
    ("what", "function", "came"),
    [
        pytest.param("bus", "event-sink", 20, id="an event, to the sink"),
        pytest.param("invocation", "config-sync", 20, id="S3's notice"),
        pytest.param("job_event", "stream-router", 620, id="the end of a job"),
    ],
)
def test_a_delivery_comes_later(what: str, function: str, came: float) -> None:
    config = '{at: "+0s", config: {text: "pipeline: {id: other}"}}'
    timeline = [config] if what == "invocation" else [LANDED]

    on_time = seconds(played(*timeline), function)
    late = seconds(played(delay(f"what: {what}, by: 20s"), *timeline), function)

    assert came not in on_time
    assert came in late


def test_a_fire_that_comes_late_is_still_of_its_own_hour() -> None:
    world = played(delay("what: scheduler, by: 90s"), configs=HOURLY, until="+30m")

    assert [run.key.date for run in world.runs.values()] == ["2026-03-02T08"]
    assert instants(world, "RUN_OPENED") == ["90"]


def test_an_alert_that_is_late_is_overtaken_by_the_next() -> None:
    world = played(delay("what: queue, by: 1m"), LANDED, jobs=FAILS)

    assert [post.type for post in world.history.posted] == ["RETRY_EXHAUSTED", "JOB_FAILED"]


# ---- twice


@pytest.mark.parametrize("what", ["stream", "bus", "queue", "scheduler", "invocation", "job_event"])
@pytest.mark.parametrize("after", ["0s", "45s"])
def test_whatever_comes_twice_happens_once(what: str, after: str) -> None:
    disturbed = played(
        duplicate(f"what: {what}, next: 100, after: {after}"), configs=HOURLY, jobs=FAILS, until="+50m"
    )
    calm = played(configs=HOURLY, jobs=FAILS, until="+50m")

    assert disturbed.history.faults[f"duplicate {what}"] > 0
    assert len(disturbed.history.jobs) == len(calm.history.jobs) == 3
    assert [event.event.event_id for event in disturbed.events()] == [
        event.event.event_id for event in calm.events()
    ]
    assert len(disturbed.history.posted) == len(calm.history.posted)


def test_a_record_comes_a_second_time_with_its_number() -> None:
    world = played(duplicate("what: stream, after: 5s"), sensor("a"))

    numbers = [
        record["dynamodb"]["SequenceNumber"]
        for one in world.witness.invocations
        for record in one.event.get("Records", ())
        if record["dynamodb"]["Keys"]["SK"]["S"] == "SENSOR#a"
    ]
    assert [came for came, _ in batches(world)] == [0, 5]
    assert len(numbers) == 2
    assert len(set(numbers)) == 1


def test_two_copies_of_a_message_never_come_in_one_batch() -> None:
    world = played(duplicate("what: queue, next: 9"), LANDED, jobs=FAILS)

    received = [
        [record["messageId"] for record in one.event["Records"]]
        for one in world.witness.invocations
        if one.function == "alert-dispatcher"
    ]
    assert all(len(set(ids)) == len(ids) for ids in received)
    assert sorted(number for ids in received for number in ids) == sorted(2 * ["message-1", "message-2"])


def test_a_delivery_of_one_pipeline_spares_the_others() -> None:
    world = played(
        delay("what: job_event, by: 1m, pipeline: sessions-0002"), landed(1), landed(2), configs=TWO
    )

    assert instants(world, "JOB_COMPLETED") == ["600", "660"]


def test_what_waits_for_deliveries_that_never_come_is_told() -> None:
    world = played(delay("what: scheduler, by: 1m, next: 3"), duplicate("what: queue"), LANDED)

    assert [(action.what, left) for action, left in world.unused_deliveries] == [
        ("scheduler", 3),
        ("queue", 1),
    ]


# ---- by how many


def test_a_stream_delivers_no_more_records_at_a_time_than_it_is_told() -> None:
    world = played('{at: "+0s", batch: {size: 2}}', *map(sensor, "abcde"))

    assert batches(world) == [(0, ["a", "b"]), (0, ["c", "d"]), (0, ["e"])]


# ---- given up, and put back


def test_an_invocation_that_was_given_up_is_made_again() -> None:
    world = played(
        fault("call: dynamodb.PutItem, function: event-sink, times: 1000, lasts: 4m"),
        LANDED,
        '{at: "+30m", redrive: true}',
    )

    assert {line.text.split(":")[0] for line in world.history.lines if line.kind is Kind.LOST} == {
        "event-sink is given up and dead-lettered"
    }
    assert 1800 in seconds(world, "event-sink")
    stored = [key for key in world.rest.tables["events"] if "#" in key[1] and not key[1].startswith("THREAD")]
    assert len(stored) == len(world.events())


def test_records_that_were_given_up_are_delivered_again() -> None:
    world = played(
        fault(
            "call: dynamodb.PutItem, function: stream-router, pipeline: sessions, times: 100000, lasts: 20h"
        ),
        LANDED,
        '{at: "+21h", redrive: true}',
        until="+22h",
    )

    told = [line.text for line in world.history.lines if line.kind is Kind.LOST]
    assert any(
        re.fullmatch("control stream dead-letters . records of PIPELINE#sessions", text) for text in told
    )
    assert (21 * 3600, ["landed"]) in batches(world)


def test_an_alert_that_was_given_up_is_told_once_it_is_put_back() -> None:
    world = played(
        fault('call: slack.chat.postMessage, error: "503", times: 100000, lasts: 20h'),
        LANDED,
        '{at: "+21h", redrive: true}',
        '{at: "+22h", redrive: true}',
        jobs=FAILS,
        until="+23h",
    )

    hours = [(post.at - world.scenario.start).total_seconds() // 3600 for post in world.history.posted]
    assert hours == [21, 21]


def test_every_disturbance_is_counted_by_its_kind() -> None:
    world = played(
        duplicate("what: bus, next: 2"),
        delay("what: stream, by: 1s"),
        fault("call: glue.StartJobRun"),
        fault("call: glue.GetJobRun, error: timeout, when: after"),
        '{at: "+0s", drop: {next: 1, what: job_event}}',
        LANDED,
        '{at: "+59m", redeliver: {last: 2}}',
    )

    assert world.history.faults == {
        "delay stream": 1,
        "duplicate bus": 2,
        "throttle": 1,
        "time-out after": 1,
        "drop job_event": 1,
        "redelivery": 2,
    }
