"""A function that is frozen at a call goes on later, or is killed at its time limit; everything else goes on meanwhile."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from interlock.domain.overdue import CALLER_LIVES
from interlock.simulation.history import Kind
from interlock.simulation.invocations import TIME_LIMITS
from interlock.simulation.output import judged, verdict_text
from interlock.simulation.play import play
from interlock.simulation.played import Played
from scenario_text import GLUE_PIPELINE, LANDED, a_scenario, instants, played

TERRAFORM = Path(__file__).parents[2] / "terraform"
TWO = GLUE_PIPELINE.rstrip() + "\n    repeat: 2\n"


def landed(number: int, at: str = "+0s") -> str:
    pipeline = f"sessions-{number:04}"
    return f'{{at: "{at}", sensor: {{pipeline: {pipeline}, key: landed, data: {{date: "2026-03-02"}}}}}}'


def stall(call: str, more: str) -> str:
    return f'{{at: "+0s", fault: {{call: {call}, error: stall, {more}}}}}'


def lines(world: Played, kind: Kind) -> list[str]:
    return [
        f"{(line.at - world.scenario.start).total_seconds():g} {line.text}"
        for line in world.history.in_order()
        if line.kind is kind
    ]


def started(world: Played) -> list[float]:
    return [(job.started_at - world.scenario.start).total_seconds() for job in world.history.jobs]


def test_a_call_before_which_a_function_is_frozen_takes_effect_when_it_thaws() -> None:
    world = played(stall("glue.StartJobRun", "for: 20s"), LANDED)

    assert started(world) == [20]


def test_a_call_after_which_a_function_is_frozen_has_taken_effect() -> None:
    world = played(stall("glue.StartJobRun", "when: after, for: 20s"), LANDED)

    assert started(world) == [0]
    assert lines(world, Kind.RUN)[1].startswith("20 2026-03-02 attempt 1: WAITING -> RUNNING")


def test_a_frozen_read_is_answered_with_what_was_when_it_took_effect() -> None:
    poll = stall("glue.GetJobRun", "when: after, for: 10m, function: orchestrator")
    never_told = '{at: "+0s", drop: {next: 1, what: job_event}}'

    world = played(poll, never_told, LANDED, jobs="{sessions: [{after: 1m}]}", until="+3h")

    # The first look is made when the job has just started. It thaws after the end and knows nothing of it: the next does.
    assert instants(world, "JOB_COMPLETED") == ["900"]


@pytest.mark.parametrize(
    ("call", "function", "seconds"),
    [("dynamodb.PutItem", "stream-router", 60), ("glue.StartJobRun", "orchestrator", 900)],
)
def test_a_function_is_killed_when_it_is_frozen_past_its_time_limit(
    call: str, function: str, seconds: int
) -> None:
    world = played(stall(call, f"for: 30m, function: {function}"), LANDED, until="+2h")

    ends = f"{seconds} {function} ends with Sandbox.Timedout: Task timed out after {seconds}.00 seconds"
    assert ends in lines(world, Kind.FUNCTION)
    assert len(world.history.jobs) == 1
    assert world.history.faults == {"killed at its time limit": 1}


def test_two_stalls_of_one_invocation_count_together_against_its_time_limit() -> None:
    world = played(
        stall("dynamodb.GetItem", "for: 40s, function: stream-router"),
        stall("dynamodb.PutItem", "for: 40s, function: stream-router"),
        LANDED,
    )

    assert world.history.faults == {"stall before": 1, "killed at its time limit": 1}
    assert any(line.startswith("60 stream-router ends") for line in lines(world, Kind.FUNCTION))


def test_a_frozen_batch_holds_up_its_stream_and_no_other_function() -> None:
    world = played(
        stall("dynamodb.PutItem", "for: 30s, function: stream-router, pipeline: sessions-0001"),
        landed(1),
        landed(2, at="+5s"),
        configs=TWO,
    )

    assert started(world) == [30, 30]


def test_a_frozen_function_of_one_run_holds_up_no_other_run() -> None:
    world = played(
        stall("glue.StartJobRun", "for: 5m, pipeline: sessions-0001"), landed(1), landed(2), configs=TWO
    )

    assert started(world) == [0, 300]


def test_a_frozen_dispatcher_holds_up_no_other_alert() -> None:
    world = played(
        stall("slack.chat.postMessage", "for: 50s, pipeline: sessions-0001"),
        landed(1),
        landed(2, at="+1s"),
        configs=TWO,
        jobs="{sessions-0001: [{outcome: fail, after: 1m}], sessions-0002: [{outcome: fail, after: 1m}]}",
    )

    failed = [post for post in world.history.posted if post.type == "JOB_FAILED"]
    assert [(post.pipeline_id, (post.at - world.scenario.start).total_seconds()) for post in failed] == [
        ("sessions-0002", 61),
        ("sessions-0001", 110),
    ]


def test_a_frozen_call_of_a_job_in_the_background_ends() -> None:
    asked = "- pipeline: {id: sessions}\n  schedule: {trigger: {key: landed, check: exists}}\n"
    job = "  job: {type: lambda, config: {functionName: f}}\n"

    world = played(stall("lambda.Invoke", "for: 45s, function: orchestrator"), LANDED, configs=asked + job)

    assert started(world) == [45]
    assert len(instants(world, "JOB_COMPLETED")) == 1


def test_the_end_of_a_scenario_finds_a_function_frozen_and_tells_what_it_did() -> None:
    world = played(stall("glue.StartJobRun", "for: 14m"), LANDED, until="+5m")

    assert world.history.jobs == []
    assert any(
        line.endswith("orchestrator is frozen before glue.StartJobRun for 840 s")
        for line in lines(world, Kind.FAULT)
    )
    assert "0 glue.StartJobRun" in lines(world, Kind.CALL)


def test_a_scenario_with_stalls_goes_the_same_each_time() -> None:
    scenario = a_scenario(
        stall("dynamodb.UpdateItem", "for: 70s, times: 4, skip: 1"),
        stall("slack.chat.postMessage", "when: after, for: 40s"),
        LANDED,
        jobs="{sessions: [{outcome: fail, after: 1m}]}",
    )

    first, second = (
        list(verdict_text(judged("a", play(scenario)), timeline=True, report=True)) for _ in "12"
    )

    assert first == second


def test_the_time_limits_are_those_that_are_deployed() -> None:
    deployed = {}
    for function in TIME_LIMITS:
        text = (TERRAFORM / f"{function.replace('-', '_')}.tf").read_text()
        found = re.findall(r"^\s+timeout_seconds\s+= (\d+)", text, re.MULTILINE)
        deployed[function] = [int(seconds) for seconds in found]

    assert deployed == {name: [limit.total_seconds()] for name, limit in TIME_LIMITS.items()}


def test_whoever_starts_a_job_is_waited_for_as_long_as_he_may_live() -> None:
    assert TIME_LIMITS["orchestrator"] == CALLER_LIVES
