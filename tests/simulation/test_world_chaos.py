"""Whatever fails, wherever it dies, however often it is told: one start for each attempt, one end, and the run ends."""

from __future__ import annotations

from random import Random

import pytest

from interlock.domain.run import RunStatus
from interlock.simulation.played import Played
from scenario_text import START, played

CALLS = (
    *("dynamodb.GetItem", "dynamodb.PutItem", "dynamodb.UpdateItem", "dynamodb.DeleteItem", "dynamodb.Query"),
    *(
        "dynamodb.TransactGetItems",
        "states.StartExecution",
        "states.SendTaskSuccess",
        "states.SendTaskFailure",
    ),
    *(
        "events.PutEvents",
        "glue.StartJobRun",
        "glue.GetJobRun",
        "glue.GetJobRuns",
        "glue.GetJob",
        "logs.FilterLogEvents",
        "lambda.Invoke",
        "http.request",
    ),
    *("slack.chat.postMessage", "sqs.ChangeMessageVisibility", "stepfunctions.DescribeExecution"),
)
ERRORS = ("crash", "timeout", "ThrottlingException", "InternalServerError")
# Those that can be asked are always found again; the others end as `unknown outcome` when an answer is lost.
CAN_BE_ASKED = (
    "{type: glue, config: {jobName: s}, maxRetries: 3}",
    '{type: step-function, config: {stateMachineArn: "arn:aws:states:us-east-1:1:stateMachine:s"}, maxRetries: 3}',
)
CANNOT = (
    '{type: http, config: {url: "https://s.example.com/"}, maxRetries: 3}',
    '{type: http, config: {url: "https://s.example.com/", callback: true}, maxRetries: 3}',
    "{type: lambda, config: {functionName: s}, maxRetries: 3}",
    "{type: command, config: {command: [s]}, maxRetries: 3}",
)


def _chaos(chance: Random, job: str) -> tuple[Played, int]:
    """A run among random faults and redeliveries; its world, and how many of its attempts the job itself fails."""
    faults = [
        f'{{at: "+{chance.choice((0, 0, 60, 300, 600, 601, 900))}s", fault: {{call: {chance.choice(CALLS)}, '
        f"when: {chance.choice(('before', 'after'))}, error: {chance.choice(ERRORS)}, times: {chance.randint(1, 3)}}}}}"
        for _ in range(chance.randint(1, 6))
    ]
    again = [
        f'{{at: "+{chance.choice((1, 61, 599, 600, 605))}s", redeliver: {{{chance.choice(("all: true", "last: 5"))}, '
        f"reverse: {chance.choice(('true', 'false'))}}}}}"
        for _ in range(chance.randint(0, 3))
    ]
    rows_after = chance.choice((0, 2, 60, 900))
    writes = [
        '{at: "+1s", sensor: {pipeline: sessions, key: landed, data: {date: "2026-03-02"}}}',
        f'{{at: "+{rows_after}s", sensor: {{pipeline: sessions, key: rows, data: {{n: 10, date: "2026-03-02"}}}}}}',
    ]
    configs = f"""\
      - pipeline: {{id: sessions}}
        schedule: {{trigger: {{key: landed, check: exists}}, evaluation: {{window: 2h}}}}
        validation: {{rules: [{{key: rows, check: gte, field: n, value: 10}}]}}
        job: {job}
    """
    failures = chance.randint(0, 2)
    plays = ["{outcome: fail, after: 5m}"] * failures + ["{outcome: succeed, after: 10m}"]
    jobs = f"{{sessions: [{', '.join(plays)}]}}"
    return played(*faults, *again, *writes, configs=configs, jobs=jobs, until="+10h"), failures


def _count(world: Played, *types: str) -> int:
    return sum(published.event.type in types for published in world.events())


@pytest.mark.parametrize("seed", range(24))
def test_a_job_that_can_be_asked_for_succeeds_after_as_many_starts_as_it_needs(seed: int) -> None:
    world, failures = _chaos(chance := Random(seed), chance.choice(CAN_BE_ASKED))

    (run,) = world.runs.values()
    assert run.status is RunStatus.SUCCEEDED
    assert len(world.history.jobs) == _count(world, "JOB_TRIGGERED") == failures + 1
    assert (_count(world, "JOB_FAILED"), _count(world, "JOB_COMPLETED")) == (failures, 1)
    assert world.history.most_alive["sessions"] == 1


@pytest.mark.parametrize("seed", range(24))
def test_a_job_that_cannot_be_asked_for_is_never_started_twice_in_one_attempt(seed: int) -> None:
    world, _ = _chaos(chance := Random(seed), chance.choice(CANNOT))

    (run,) = world.runs.values()
    assert run.status in (RunStatus.SUCCEEDED, RunStatus.FAILED)
    assert len(world.history.jobs) <= run.attempt
    assert _count(world, "JOB_COMPLETED", "JOB_FAILED", "JOB_TIMEOUT") == run.attempt
    assert world.history.most_alive.get("sessions", 0) <= 1


@pytest.mark.parametrize("seed", range(3))
def test_the_same_chaos_is_the_same_story(seed: int) -> None:
    first, second = (_chaos(Random(seed), CAN_BE_ASKED[0])[0].history for _ in range(2))

    assert first.in_order() == second.in_order()
    assert f"{first.in_order()[0].at:%Y-%m-%dT%H:%M:%SZ}" == START
