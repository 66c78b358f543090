"""Jobs at their services: each real start, how it goes on, and by which way its end is learnt."""

from __future__ import annotations

import pytest

from scenario_text import GLUE_PIPELINE, LANDED, instants, played

TYPES = {
    "glue": "{type: glue, config: {jobName: j}%s}",
    "emr": '{type: emr, config: {clusterId: j-1, jar: "s3://b/j.jar"}%s}',
    "emr-serverless": '{type: emr-serverless, config: {applicationId: 00f1, executionRoleArn: "arn:aws:iam::1:role/r", '
    'jobDriver: {hive: {query: "s3://b/q.sql"}}}%s}',
    "step-function": '{type: step-function, config: {stateMachineArn: "arn:aws:states:us-east-1:1:stateMachine:j"}%s}',
    "lambda": "{type: lambda, config: {functionName: j}%s}",
    "lambda, asynchronous": "{type: lambda, config: {functionName: j, async: true}%s}",
    "http": '{type: http, config: {url: "https://j.example.com/run"}%s}',
    "http with a callback": '{type: http, config: {url: "https://j.example.com/run", callback: true}%s}',
    "command": "{type: command, config: {command: [j]}%s}",
}
EVERY_TYPE = pytest.mark.parametrize("kind", TYPES)
HAS_A_SERVICE = pytest.mark.parametrize("kind", ["glue", "emr", "emr-serverless", "step-function"])


def _config(kind: str, more: str = "") -> str:
    job = TYPES[kind] % (f", {more}" if more else "")
    return GLUE_PIPELINE.replace("{type: glue, config: {jobName: sessions}, maxRetries: 0}", job)


@EVERY_TYPE
def test_a_job_that_succeeds_completes_its_run_when_it_ends(kind: str) -> None:
    world = played(LANDED, configs=_config(kind), jobs="{sessions: [{after: 4m}]}")

    assert (instants(world, "JOB_TRIGGERED"), instants(world, "JOB_COMPLETED")) == (["0"], ["240"])
    assert len(world.history.jobs) == 1


# The event of EMR Serverless carries no reason.
@pytest.mark.parametrize("kind", [kind for kind in TYPES if kind != "emr-serverless"])
def test_a_job_that_fails_says_its_error(kind: str) -> None:
    jobs = '{sessions: [{outcome: fail, after: 4m, error: "disk full"}]}'

    world = played(LANDED, configs=_config(kind, "maxRetries: 0"), jobs=jobs)

    (failure,) = [entry.event for entry in world.events() if entry.event.type == "JOB_FAILED"]
    assert "disk full" in failure.message
    assert instants(world, "JOB_FAILED") == ["240"]


@EVERY_TYPE
@pytest.mark.parametrize(("category", "starts"), [("TRANSIENT", 2), ("PERMANENT", 1)])
def test_a_failures_category_decides_which_budget_it_uses(kind: str, category: str, starts: int) -> None:
    jobs = f"{{sessions: [{{outcome: fail, after: 4m, error: broken, category: {category}}}]}}"

    world = played(LANDED, configs=_config(kind, "maxRetries: 1"), jobs=jobs)

    assert len(world.history.jobs) == starts


@EVERY_TYPE
def test_a_jobs_own_figures_come_with_its_end(kind: str) -> None:
    jobs = "{sessions: [{after: 4m, recordsProcessed: 12, metrics: {bytes: 5}}]}"

    world = played(LANDED, configs=_config(kind), jobs=jobs)

    (completed,) = [entry.event for entry in world.events() if entry.event.type == "JOB_COMPLETED"]
    assert completed.detail["recordsProcessed"] == 12


@EVERY_TYPE
def test_a_start_that_is_refused_for_now_is_tried_again_and_is_no_start(kind: str) -> None:
    jobs = "{sessions: [{refuse: ThrottlingException}, {after: 4m}]}"

    world = played(LANDED, configs=_config(kind, "maxRetries: 0"), jobs=jobs)

    assert (len(world.history.jobs), len(instants(world, "JOB_COMPLETED"))) == (1, 1)


@EVERY_TYPE
def test_a_start_that_is_refused_for_good_fails_the_attempt(kind: str) -> None:
    jobs = "{sessions: [{refuse: EntityNotFoundException}]}"

    world = played(LANDED, configs=_config(kind, "maxRetries: 3"), jobs=jobs)

    assert (len(world.history.jobs), instants(world, "JOB_FAILED")) == (0, ["0"])


@HAS_A_SERVICE
def test_a_job_that_never_ends_is_stopped_at_its_service(kind: str) -> None:
    configs = _config(kind, "maxRetries: 0, jobPollWindowSeconds: 600")

    world = played(LANDED, configs=configs, jobs="{sessions: [{outcome: never}]}")

    assert [job.cancelled for job in world.history.jobs] == [True]
    assert instants(world, "JOB_TIMEOUT") == ["600"]


@HAS_A_SERVICE
def test_a_timed_out_job_is_a_timeout_and_no_failure(kind: str) -> None:
    jobs = "{sessions: [{outcome: fail, after: 4m, category: TIMEOUT}]}"

    world = played(LANDED, configs=_config(kind, "maxRetries: 0"), jobs=jobs)

    assert (instants(world, "JOB_TIMEOUT"), instants(world, "JOB_FAILED")) == (["240"], [])


@HAS_A_SERVICE
def test_without_its_event_an_end_is_found_by_the_poll(kind: str) -> None:
    world = played(LANDED, configs=_config(kind), jobs="{sessions: [{after: 4m, event: false}]}")

    assert instants(world, "JOB_COMPLETED") == ["900"]


@HAS_A_SERVICE
def test_a_state_that_nobody_knows_fails_the_attempt(kind: str) -> None:
    world = played(
        LANDED, configs=_config(kind, "maxRetries: 0"), jobs="{sessions: [{after: 4m, state: HIBERNATING}]}"
    )

    (failure,) = [entry.event for entry in world.events() if entry.event.type == "JOB_FAILED"]
    assert "HIBERNATING" in failure.message


@pytest.mark.parametrize("kind", ["lambda", "http", "command"])
def test_a_synchronous_target_that_never_answers_is_given_up(kind: str) -> None:
    world = played(
        LANDED, configs=_config(kind, "maxRetries: 0"), jobs="{sessions: [{outcome: never}]}", until="+3h"
    )

    assert len(world.history.jobs) == 1
    assert len(instants(world, "JOB_FAILED") + instants(world, "JOB_TIMEOUT")) == 1


@pytest.mark.parametrize("kind", ["lambda", "http"])
@pytest.mark.parametrize(
    ("status", "ending"), [(200, "JOB_COMPLETED"), (404, "JOB_FAILED"), (500, "JOB_FAILED")]
)
def test_a_synchronous_target_answers_what_the_scenario_says(kind: str, status: int, ending: str) -> None:
    jobs = f"{{sessions: [{{after: 4m, answer: {{statusCode: {status}}}}}]}}"

    world = played(LANDED, configs=_config(kind, "maxRetries: 0"), jobs=jobs)

    assert instants(world, ending) == ["240"]


@EVERY_TYPE
def test_time_passes_for_everybody_else_while_a_job_is_waited_for(kind: str) -> None:
    other = GLUE_PIPELINE.replace("id: sessions", "id: other")
    entry = '{at: "+2m", sensor: {pipeline: other, key: landed, data: {date: "2026-03-02"}}}'

    world = played(
        LANDED, entry, configs=_config(kind) + other, jobs="{sessions: [{after: 9m}], other: [{after: 1m}]}"
    )

    assert instants(world, "JOB_COMPLETED") == ["180", "540"]


def test_jobs_alive_at_once_are_counted_from_start_to_end() -> None:
    configs = _config("glue", "maxRetries: 1, onTimeout: leave, jobPollWindowSeconds: 600")
    rerun = '{at: "+30m", rerun: {pipeline: sessions, date: "2026-03-02", force: true}}'

    world = played(LANDED, rerun, configs=configs, jobs="{sessions: [{outcome: never}, {after: 5m}]}")

    assert world.history.most_alive == {"sessions": 2}


def test_each_start_plays_the_next_outcome_and_the_last_repeats() -> None:
    jobs = "{sessions: [{outcome: fail, after: 1m}, {outcome: succeed, after: 2m}]}"
    reruns = [
        f'{{at: "+{n}0m", rerun: {{pipeline: sessions, date: "2026-03-02", force: true}}}}' for n in (1, 2)
    ]

    world = played(LANDED, *reruns, configs=_config("glue", "maxRetries: 0, maxManualReruns: 5"), jobs=jobs)

    lasted = [job.ended_at - job.started_at for job in world.history.jobs if job.ended_at]
    assert [delta.total_seconds() for delta in lasted] == [60, 120, 120]
