"""Every type of job in worlds where calls fail, functions die, events are lost, people interfere: what holds all the same."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from functools import cache
from random import Random
from textwrap import dedent

import pytest

from interlock.domain.event import Event
from interlock.domain.run import RunStatus
from interlock.simulation.history import Kind
from interlock.simulation.played import Played
from interlock.simulation.scenario import Sensor
from scenario_text import played

SECRET = "hunter2-hunter2"
TOKEN = "${secret:token}"
TYPES = {
    "glue": f'{{type: glue, config: {{jobName: NAME, arguments: {{"--t": "{TOKEN}"}}}}',
    "emr": f'{{type: emr, config: {{clusterId: NAME, jar: "s3://b/j.jar", args: ["{TOKEN}"]}}',
    "emr-serverless": '{type: emr-serverless, config: {applicationId: NAME, executionRoleArn: "arn:aws:iam::1:role/r", '
    f'jobDriver: {{hive: {{query: "{TOKEN}"}}}}}}',
    "step-function": '{type: step-function, config: {stateMachineArn: "arn:aws:states:us-east-1:1:stateMachine:NAME", '
    f'input: {{t: "{TOKEN}"}}}}',
    "databricks": f'{{type: databricks, config: {{workspaceUrl: "https://NAME.example.com", token: "{TOKEN}", jobId: "7"}}',
    "databricks, one-time": '{type: databricks, config: {workspaceUrl: "https://NAME.example.com", '
    f'token: "{TOKEN}", tasks: [{{task_key: a}}]}}',
    "airflow": '{type: airflow, config: {url: "https://NAME.example.com", dagId: d, '
    f'auth: {{type: jwt, username: u, password: "{TOKEN}"}}}}',
    "lambda": f'{{type: lambda, config: {{functionName: NAME, payload: {{t: "{TOKEN}"}}}}',
    "lambda, asynchronous": f'{{type: lambda, config: {{functionName: NAME, async: true, payload: "{TOKEN}"}}',
    "http": f'{{type: http, config: {{url: "https://NAME.example.com/{TOKEN}"}}',
    "http with a callback": '{type: http, config: {url: "https://NAME.example.com/", callback: true, '
    f'headers: {{X: "{TOKEN}"}}}}',
    "command": f'{{type: command, config: {{command: [NAME, "{TOKEN}"]}}',
}
ANSWERS = ("lambda", "http", "command")  # at once, or at the end of the job
CALLS = {
    "glue": ("StartJobRun", "GetJobRun", "GetJobRuns", "BatchStopJobRun"),
    "emr": ("AddJobFlowSteps", "ListSteps", "DescribeStep", "CancelSteps"),
    "emr-serverless": ("StartJobRun", "ListJobRuns", "GetJobRun", "CancelJobRun"),
    "stepfunctions": ("StartExecution", "DescribeExecution", "StopExecution"),
    "databricks": ("run_now", "submit", "get_run", "list_runs", "cancel_run"),
    "airflow": ("token", "get_dag", "trigger", "get_run", "cancel_run"),
    "lambda": ("Invoke",),
    "http": ("request",),
    "command": (),
    "dynamodb": ("GetItem", "PutItem", "UpdateItem", "UpdateItem", "TransactGetItems"),
    "states": ("StartExecution", "SendTaskSuccess"),
    "secretsmanager": ("GetSecretValue",),
}
ERRORS = ("crash", "crash", "timeout", "ThrottlingException", "InternalServerError", "AccessDeniedException")
# What an event says of a job that nobody waits for any more.
TOLD = re.compile("cancelled|left running|may have been started|unknown outcome|not known")
WORLDS = [(kind, seed) for kind in TYPES for seed in range(3)]
EVERY_WORLD = pytest.mark.parametrize(("kind", "seed"), WORLDS)


def _config(kind: str, name: str, on_timeout: str) -> str:
    job = TYPES[kind].replace("NAME", name)
    return f"""\
      - pipeline: {{id: sessions}}
        schedule: {{trigger: {{key: landed, check: exists}}, evaluation: {{window: 2h}}}}
        validation: {{rules: [{{key: rows, check: gte, field: n, value: 10}}]}}
        job: {job}, maxRetries: 2, maxCodeRetries: 1, jobPollWindowSeconds: 3600, onTimeout: {on_timeout}}}
    """


def _play(kind: str, chance: Random) -> str:
    """What becomes of one start."""
    after = chance.choice(("1s", "5m", "20m", "61m"))
    answers = kind in ANSWERS
    choices = [f"{{after: {after}}}", "{outcome: fail, after: 5m, error: boom}"]
    if not answers:
        choices += [
            "{outcome: never}",
            f"{{after: {after}, state: ODD}}",
            f"{{after: {after}, event: false}}",
        ]
    return chance.choice([*choices, "{refuse: ThrottlingException}", "{refuse: AccessDeniedException}"])


def _fault(kind: str, chance: Random) -> str:
    service = kind.partition(",")[0].partition(" ")[0].replace("step-function", "stepfunctions")
    own = [f"{service}.{call}" for call in CALLS[service]]
    ours = [f"{aws}.{call}" for aws in ("dynamodb", "states", "secretsmanager") for call in CALLS[aws]]
    call, error = chance.choice(own * 3 + ours), chance.choice(ERRORS)
    when, times = chance.choice(("before", "after")), chance.choice((1, 1, 2, 5))
    return f"fault: {{call: {call}, when: {when}, error: {error}, times: {times}}}"


@cache
def _world(kind: str, seed: int) -> Played:
    chance = Random(f"{kind} {seed}")
    on_timeout = chance.choice(("cancel", "cancel", "leave"))

    def some(*entries: str, most: int = 1) -> list[str]:
        seconds = (0, 1, 2, 60, 300, 600, 603, 1800, 3601, 7201)
        return [
            f'{{at: "+{chance.choice(seconds)}s", {chance.choice(entries)}}}'
            for _ in range(chance.randint(0, most))
        ]

    rows = 'sensor: {{pipeline: sessions, key: rows, data: {{n: {}, date: "2026-03-02"}}}}'
    asked = ['rerun: {pipeline: sessions, date: "2026-03-02", force: true}'] if on_timeout == "cancel" else []
    moved = dedent(_config(kind, "moved", on_timeout).replace("  - pipeline", "    pipeline"))
    another = f"config: {json.dumps({'text': moved, 'file': 'sessions.yaml'})}"
    entries = [
        f'{{at: "+0s", secrets: {{token: {SECRET}}}}}',
        '{at: "+1s", sensor: {pipeline: sessions, key: landed, data: {date: "2026-03-02"}}}',
        f'{{at: "+{chance.choice((0, 2, 600))}s", {rows.format(10)}}}',
        *[
            f'{{at: "+{chance.choice((0, 1, 60, 900))}s", {_fault(kind, chance)}}}'
            for _ in range(chance.randint(1, 5))
        ],
        *some("redeliver: {all: true, reverse: true}", "redeliver: {last: 5}", most=2),
        *some("drop: {next: 2, what: job_event}", f"secrets: {{token: {SECRET}-rotated}}"),
        *some(
            'stop_execution: {pipeline: sessions, date: "2026-03-02"}',
            "remove_config: sessions",
            another,
            *asked,
        ),
        *some(rows.format(12)),
    ]
    if chance.random() < 0.5:
        stops = chance.choice((3, 5, 10, 600))
        entries += [f'{{at: "+{stops}s", {rows.format(5)}}}', f'{{at: "+{stops + 900}s", {rows.format(11)}}}']
    if chance.random() < 0.3:
        entries += ['{at: "+300s", watchdog: {pause: true}}', '{at: "+7200s", watchdog: {pause: false}}']
    plays = [_play(kind, chance) for _ in range(3)]
    jobs = f"{{sessions: [{', '.join(plays)}, {{after: 5m}}]}}"
    return played(*entries, configs=_config(kind, "first", on_timeout), jobs=jobs, until="+14h")


def _events(world: Played, *types: str) -> list[Event]:
    return [published.event for published in world.events() if published.event.type in types or not types]


def _starts(world: Played) -> list[int]:
    """Which attempt each remote job is of, in the order of `history.jobs`."""
    lines = [line.text for line in world.history.in_order() if line.kind is Kind.JOB]
    found = (re.fullmatch(r"\S+ starts .*, attempt (\d+)", text) for text in lines)
    return [int(match[1]) for match in found if match]


def _ends(world: Played, attempt: int) -> list[Event]:
    ends = _events(world, "JOB_COMPLETED", "JOB_FAILED", "JOB_TIMEOUT")
    return [event for event in ends if event.attempt == attempt]


@EVERY_WORLD
def test_no_attempt_starts_two_jobs(kind: str, seed: int) -> None:
    started = _starts(_world(kind, seed))

    assert len(set(started)) == len(started) == len(_world(kind, seed).history.jobs)


@EVERY_WORLD
def test_every_run_ends_and_each_of_its_attempts_one_way(kind: str, seed: int) -> None:
    world = _world(kind, seed)

    for run in world.runs.values():
        judged = run.status in (RunStatus.SUCCEEDED, RunStatus.FAILED)
        assert judged or run.status in (RunStatus.EXPIRED, RunStatus.CANCELLED)
        ends = [len(_ends(world, attempt)) for attempt in range(1, run.attempt + 1)]
        assert ends == [1] * (run.attempt - 1) + [int(judged)]


@EVERY_WORLD
def test_no_job_starts_while_its_rules_do_not_hold(kind: str, seed: int) -> None:
    world = _world(kind, seed)
    written = [(entry.at, entry.action) for entry in world.scenario.timeline]
    rows = [
        (at, action.data["n"])
        for at, action in written
        if isinstance(action, Sensor) and action.key == "rows"
    ]

    for job in world.history.jobs:
        assert [n for at, n in rows if at <= job.started_at][-1] >= 10


@EVERY_WORLD
def test_no_retry_runs_beside_a_job_of_its_run(kind: str, seed: int) -> None:
    world = _world(kind, seed)
    retried = {event.attempt for event in _events(world, "JOB_RETRIED")}
    started = list(zip(_starts(world), world.history.jobs, strict=True))

    for attempt, job in started:
        if attempt in retried:
            earlier = [other for tried, other in started if tried < attempt]
            assert all(other.ended_at and other.ended_at <= job.started_at for other in earlier)


@EVERY_WORLD
def test_a_job_that_is_given_up_is_cancelled_or_told_of(kind: str, seed: int) -> None:
    world = _world(kind, seed)

    for attempt, job in zip(_starts(world), world.history.jobs, strict=True):
        judged_at = [end.at + timedelta(seconds=1) for end in _ends(world, attempt)] or [world.scenario.until]
        if job.ended_at is None or job.ended_at > judged_at[0]:
            said = [f"{event.message} {event.detail}" for event in _events(world) if event.attempt == attempt]
            assert any(TOLD.search(text) for text in said)


@EVERY_WORLD
def test_no_secret_is_told_or_kept(kind: str, seed: int) -> None:
    world = _world(kind, seed)

    lines = [line for line in world.history.lines if line.kind is not Kind.OUTSIDE]
    assert SECRET not in f"{lines}{world.history.published}{world.history.posted}{world.runs}"
