"""Whoever starts a job and dies leaves an intent: the job is found by it and seen to its end, or ended and told."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from builders import a_pipeline, a_rule, a_run, an_intent, at
from interlock.domain.pipeline import Job, JobType
from interlock.domain.run import JobEnd, Outcome
from interlock.ports import CallFailed, OnlyRepeatingTells, StartedJob, TriggerError
from interlock.simulation.faults import FunctionCrashed
from interlock.steps.complete_run import record_failure
from interlock.steps.job_request import Expansion
from interlock.steps.start_job import start_job
from interlock.steps.started_job import adopt_job, intent_of
from interlock.steps.task import RunOver
from world_builder import NOW, SUCCEEDED, World, a_task

TRIED_AT = at("2026-03-02T08:20")
WRITTEN = {"jobName": "etl-${DATE}", "token": "${secret:flow}", "user": "me"}
TRIED = a_run(
    task_token="old",
    token_for="readiness",
    intent=an_intent(1, TRIED_AT, config=json.dumps(WRITTEN)),
)
SECRET = "hunter2-hunter2"
FOUND = StartedJob({"jobName": "etl", "runId": "jr_9"}, "jr_9")
BUSY = TriggerError(f"Rate exceeded for {SECRET}", permanent=False, unknown_outcome=True)
NEVER = TriggerError(f"unknown outcome for {SECRET}", permanent=True, unknown_outcome=True)
UNTOLD = "; whether its job was started is not known: "
LAST_TRY = 8


def a_world(run=TRIED, found=None, pipeline=None, **jobs):
    world = World(pipeline or a_pipeline(rules=[a_rule()]), run)
    world.vault.values["flow"] = SECRET
    world.jobs.found = found
    for name, value in jobs.items():
        setattr(world.jobs, name, value)
    return world


def break_off(world, tries=1, run=TRIED):
    """The workflow failed for good while its run waited."""
    return record_failure(a_task(run, None, error="States.Timeout", tries=tries), world.tasks, NOW)


def start(world, run=TRIED):
    return start_job(a_task(run, None), world.tasks, NOW)


def adopt(world, run=TRIED, pipeline=None):
    return adopt_job(run, pipeline, Expansion(world.vault), world.tasks, NOW)


def test_the_job_of_a_workflow_that_broke_while_it_started_is_found_cancelled_and_told():
    world = a_world(found=FOUND)

    answer = break_off(world)

    assert (answer["status"], world.told) == ("FAILED", ["JOB_TRIGGERED", "INFRA_FAILURE", "JOB_FAILED"])
    assert (world.jobs.cancelled, world.run.remote_id) == ([FOUND.handle], "jr_9")


def test_a_job_that_was_never_started_leaves_its_run_to_be_revived():
    world = a_world()

    break_off(world)

    assert (world.run.status, world.told) == ("EXPIRED", ["INFRA_FAILURE"])
    assert UNTOLD not in world.events[0].detail["error"]


def test_a_job_of_which_nobody_can_say_whether_it_was_started_is_told_without_secrets():
    world = a_world(found=NEVER)

    break_off(world)

    assert (world.run.status, world.jobs.cancelled) == ("EXPIRED", [])
    assert world.events[0].detail["error"] == f"States.Timeout{UNTOLD}unknown outcome for ***"


@pytest.mark.parametrize("found", [BUSY, OnlyRepeatingTells(f"only a repeat tells {SECRET}")])
def test_who_cannot_say_now_is_asked_again_until_the_last_try(found):
    world = a_world(found=found)

    with pytest.raises(TriggerError) as raised:
        break_off(world, tries=LAST_TRY - 1)
    assert (world.run, world.told) == (TRIED, [])
    assert SECRET not in str(raised.value)

    break_off(world, tries=LAST_TRY)
    assert (world.run.status, world.jobs.started) == ("EXPIRED", [])
    assert UNTOLD in world.events[0].detail["error"]


def test_a_vault_that_is_busy_keeps_no_run_open_beyond_the_last_try():
    world = a_world(found=FOUND)
    world.vault.error = CallFailed("secretsmanager.GetSecretValue", "ThrottlingException")

    with pytest.raises(TriggerError, match="ThrottlingException"):
        break_off(world, tries=LAST_TRY - 1)
    break_off(world, tries=LAST_TRY)

    assert world.run.status == "EXPIRED"
    assert "cannot be looked for" in world.events[0].detail["error"]


def test_a_secret_that_is_gone_leaves_it_unknown_whether_there_is_a_job():
    world = a_world(found=FOUND)
    world.vault.error = CallFailed("secretsmanager.GetSecretValue", "ResourceNotFoundException")

    start(world)

    assert (world.run.status, world.run.outcome.category, world.jobs.started) == ("RUNNING", "PERMANENT", [])
    assert "the secret flow cannot be read" in world.run.outcome.error


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("call", ["dynamodb.PutItem", "dynamodb.UpdateItem"])
def test_a_function_that_dies_while_it_adopts_a_job_tells_of_it_once(call, after):
    world = a_world(found=FOUND)
    world.calls.arrange(call, FunctionCrashed(), after=after)

    with pytest.raises(FunctionCrashed):
        break_off(world)
    break_off(world, tries=2)

    assert world.run.status == "FAILED"
    assert world.told == ["JOB_TRIGGERED", "INFRA_FAILURE", "JOB_FAILED"]
    assert world.jobs.cancelled == [FOUND.handle]


def test_a_job_whose_end_was_reported_is_believed_although_nobody_looks_for_it():
    run = replace(TRIED, outcome=SUCCEEDED)
    world = a_world(run, NEVER)

    break_off(world, run=run)

    assert (world.run.status, world.jobs.cancelled) == ("SUCCEEDED", [])
    assert world.told[:3] == ["JOB_TRIGGERED", "INFRA_FAILURE", "JOB_COMPLETED"]


def test_a_job_whose_config_is_gone_is_found_and_seen_to_its_end():
    world = a_world(found=FOUND)
    world.remove_config()

    answer = start(world)

    assert answer == {"jobEndsBy": "2026-03-02T12:30:00+00:00"}
    assert (world.run.status, world.run.job_type, world.run.remote_id) == ("RUNNING", "glue", "jr_9")
    assert world.told == ["JOB_TRIGGERED"]


def test_a_job_whose_config_is_gone_and_that_was_never_started_never_is():
    world = a_world()
    world.remove_config()

    with pytest.raises(RunOver, match="config was removed"):
        start(world)

    assert (world.run.status, world.run.intent, world.jobs.started) == ("CANCELLED", None, [])


def test_a_job_is_looked_for_by_what_it_was_started_with_whatever_the_config_says_now():
    asked = []
    renamed = a_pipeline(
        rules=[a_rule()], job=Job(JobType.LAMBDA, {"functionName": "other"}, idempotent=True)
    )
    world = a_world(pipeline=renamed, find=lambda request: asked.append(request) or FOUND)

    adopted = adopt(world, pipeline=renamed)

    (request,) = asked
    assert request.config == {"jobName": "etl-2026-03-02", "token": SECRET, "user": "me"}
    assert (request.since, request.run_id) == (TRIED_AT, TRIED.run_id)
    assert adopted.job_type == "glue"


@pytest.mark.parametrize(
    ("job", "twice"),
    [
        pytest.param(Job(JobType.GLUE, WRITTEN, idempotent=True), True, id="of this very job"),
        pytest.param(Job(JobType.GLUE, WRITTEN), False, id="it does not"),
        pytest.param(Job(JobType.GLUE, {"jobName": "b"}, idempotent=True), False, id="of another target"),
        pytest.param(Job(JobType.HTTP, WRITTEN, idempotent=True), False, id="of another type"),
    ],
)
def test_a_start_may_be_repeated_only_where_the_config_says_so_of_the_job_that_was_asked_for(job, twice):
    asked = []
    pipeline = a_pipeline(rules=[a_rule()], job=job)
    canonical = json.dumps(WRITTEN, sort_keys=True, separators=(",", ":"))
    run = replace(TRIED, intent=an_intent(1, TRIED_AT, config=canonical))

    adopt(a_world(run, pipeline=pipeline, find=asked.append), run, pipeline)

    assert [request.idempotent for request in asked] == [twice]


def test_an_adopted_job_is_asked_with_what_it_was_started_with_as_it_was_written():
    world = a_world(found=FOUND, asked_with=("token", "absent"))

    adopted = adopt(world)

    assert (adopted.asked_with, adopted.handle) == ({"token": "${secret:flow}"}, FOUND.handle)
    assert SECRET not in str(world.rows)


def test_an_adopted_job_is_known_by_the_id_that_the_event_of_its_end_will_name():
    world = a_world(found=FOUND)

    adopt(world)

    assert world.tasks.joblog.run_of_remote("glue", "jr_9") == (TRIED.key, 1)


def test_a_job_that_publishes_no_end_is_not_listed_for_its_event():
    world = a_world(found=FOUND, publishes_end=False)

    adopt(world)

    assert world.tasks.joblog.run_of_remote("glue", "jr_9") is None


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(replace(TRIED, intent=None), id="never called"),
        pytest.param(replace(TRIED, attempt=2), id="for the attempt before"),
    ],
)
def test_where_nothing_was_asked_for_nothing_is_looked_for(run):
    world = a_world(run, NEVER)

    assert adopt(world, run) is None


def test_an_intent_holds_the_config_as_it_is_written_and_no_secret():
    pipeline = a_pipeline(job=Job(JobType.GLUE, WRITTEN))

    intent = intent_of(TRIED, pipeline, NOW)

    assert (intent.attempt, intent.at, intent.job_type) == (1, NOW, "glue")
    assert json.loads(intent.config) == WRITTEN


def test_a_failure_that_was_reported_ends_the_run_of_a_broken_start_with_its_own_words():
    run = replace(TRIED, outcome=Outcome(JobEnd.FAIL, "disk full"))
    world = a_world(run, NEVER)

    break_off(world, run=run)

    assert (world.run.status, world.jobs.cancelled) == ("FAILED", [])
    assert world.events[-1].detail["error"] == "disk full"


def test_an_adopted_job_has_the_time_that_its_config_gives_it():
    pipeline = a_pipeline(job=Job(JobType.GLUE, {"jobName": "etl"}, poll_window=timedelta(minutes=7)))
    world = a_world(found=FOUND, pipeline=pipeline)

    assert adopt(world, pipeline=pipeline).job_ends_by == NOW + timedelta(minutes=7)
