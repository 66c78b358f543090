"""The job of an attempt is started exactly once, only while its rules hold, and no secret is left behind."""

import json
import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from builders import OPENED_AT, a_pipeline, a_rule, a_run, an_intent, at
from interlock.domain.overdue import REFUSALS_LAST
from interlock.domain.pipeline import Job, JobType, PostRun
from interlock.domain.run import FailureCategory, JobEnd, Outcome, moved, next_attempt, reopened
from interlock.ports import CallFailed, Lost, OnlyRepeatingTells, StartedJob, TriggerError
from interlock.simulation.faults import FunctionCrashed
from interlock.steps.start_job import start_job
from interlock.steps.task import NoLongerReady, RunOver, StartRefused
from interlock.triggers.table import ADAPTERS
from world_builder import NOW, WAITS_FOR_ROWS, World, a_task, later

ASLEEP = a_run(task_token="old", token_for="readiness")
TRIED = replace(ASLEEP, intent=an_intent(1, NOW))
FOUND = StartedJob({"jobName": "etl", "runId": "jr_9"}, "jr_9")
THROTTLED = TriggerError("Rate exceeded", permanent=False)
UNHEARD = TriggerError("no answer", permanent=False, unknown_outcome=True)
REFUSED = TriggerError("there is no such job", permanent=True)
SECRET = "hunter2-hunter2"


def a_world(run=ASLEEP, rows=1000, **job):
    world = World(with_job(**job) if job else WAITS_FOR_ROWS, run)
    if rows is not None:
        world.write_sensor(count=rows)
    return world


def with_job(config=None, **changes):
    return a_pipeline(rules=[a_rule()], job=Job(JobType.GLUE, config or {"jobName": "etl"}, **changes))


def start(world, run=ASLEEP, now=NOW):
    return start_job(a_task(run, None), world.tasks, now)


def test_a_run_whose_rules_hold_starts_its_job_and_says_so():
    world = a_world()

    answer = start(world)

    assert (world.run.status, world.run.handle["runId"]) == ("RUNNING", "jr_1")
    assert world.told == ["VALIDATION_PASSED", "JOB_TRIGGERED"]
    assert answer == {"jobEndsBy": "2026-03-02T12:30:00+00:00"}


def test_what_the_rules_read_at_the_start_stays_in_the_run():
    world = a_world()

    start(world)

    assert world.run.seen == {"row-count": {"count": 1000}}
    assert world.run.verdicts[0].holds


def test_what_the_post_run_sensors_count_at_the_start_stays_in_the_run_too():
    watched = PostRun(
        (a_rule("exists", field=None, key="stock"), a_rule(key="row-count"), a_rule(key="audit"))
    )
    world = World(a_pipeline(rules=[a_rule()], post_run=watched), ASLEEP)
    world.write_sensor(count=1000, sensor_count=7)
    world.write_sensor("stock", sensor_count="40", note="x")

    start(world)

    assert world.run.seen == {
        "row-count": {"count": 1000, "sensor_count": 7},
        "stock": {"sensor_count": "40"},
    }
    assert world.calls.made.count("dynamodb.TransactGetItems") == 1, "read at the same instant"


def test_the_token_that_the_run_slept_on_is_gone_once_its_job_runs():
    world = a_world()

    start(world)

    assert (world.run.task_token, world.run.token_for) == (None, None)


# ---------------------------------------------------------------- never twice

CALLS = pytest.mark.parametrize(
    ("call", "after"),
    [
        ("dynamodb.UpdateItem", False),
        ("dynamodb.UpdateItem", True),
        ("glue.StartJobRun", False),
        ("glue.StartJobRun", True),
        ("dynamodb.PutItem", False),
        ("dynamodb.PutItem", True),
    ],
)


@CALLS
def test_a_function_that_dies_while_it_starts_a_job_starts_one(call, after):
    world = a_world()
    world.calls.arrange(call, FunctionCrashed(call), after=after)

    with pytest.raises(FunctionCrashed):
        start(world)
    if world.jobs.started:
        world.jobs.found = StartedJob({"jobName": "etl", "runId": "jr_1"}, "jr_1")
    start(world)

    assert len(world.jobs.started) == 1
    assert world.told == ["VALIDATION_PASSED", "JOB_TRIGGERED"]


def test_a_function_that_dies_once_all_is_written_repeats_its_answer():
    world = a_world()

    answers = [start(world), start(world, now=later(minutes=5))]

    assert answers[0] == answers[1]
    assert (len(world.jobs.started), world.told.count("JOB_TRIGGERED")) == (1, 1)


def test_a_first_try_never_looks_for_a_job():
    world = a_world()
    world.jobs.found = FOUND

    start(world)

    assert world.run.remote_id == "jr_1"


def test_a_job_that_an_earlier_try_started_is_found_although_the_rules_stopped_holding():
    world = a_world(TRIED, rows=999)
    world.jobs.found = FOUND

    start(world, TRIED)

    assert (world.run.status, world.run.remote_id, world.jobs.started) == ("RUNNING", "jr_9", [])
    assert world.events[0].message == "the rules held when an earlier try started the job"


def test_a_start_that_cannot_be_looked_up_is_failed_and_not_repeated():
    world = a_world(TRIED)
    world.jobs.found = TriggerError("unknown outcome", permanent=True, unknown_outcome=True)

    start(world, TRIED)

    assert (world.run.outcome.category, world.jobs.started) == ("PERMANENT", [])


def test_an_intent_of_the_attempt_before_looks_for_nothing():
    run = replace(ASLEEP, attempt=2, intent=an_intent(1, OPENED_AT))
    world = a_world(run)
    world.jobs.found = FOUND

    start(world, run)

    assert world.run.remote_id == "jr_1"


def test_the_intent_is_in_the_row_before_the_service_is_called():
    world = a_world()
    seen = []
    world.calls.arrange("glue.StartJobRun", lambda: seen.append(world.run.intent))

    start(world)

    assert seen == [an_intent(1, NOW)]


def test_the_remote_id_is_known_before_the_run_moves():
    """The event of a job that ends at once names it by this id alone."""
    world = a_world()
    world.calls.arrange("dynamodb.PutItem", FunctionCrashed("remembering"), after=True)

    with pytest.raises(FunctionCrashed):
        start(world)

    assert world.tasks.joblog.run_of_remote("glue", "jr_1") == (ASLEEP.key, 1)
    assert world.run.status == "WAITING"


# ---------------------------------------------------------------- not for a run that has moved on


@pytest.mark.parametrize(
    "current",
    [
        pytest.param(a_run("EXPIRED"), id="expired"),
        pytest.param(a_run("CANCELLED"), id="cancelled"),
        pytest.param(a_run(execution_name="another"), id="opened again in another execution"),
        pytest.param(a_run("RUNNING", execution_name="another"), id="runs in another execution"),
    ],
)
def test_an_execution_that_outlived_its_run_starts_nothing(current):
    world = a_world(current)

    with pytest.raises(RunOver):
        start(world)

    assert (world.jobs.started, world.run) == ([], current)


def test_a_run_that_was_deleted_starts_nothing():
    world = a_world(None)

    with pytest.raises(RunOver):
        start(world)

    assert world.jobs.started == []


def test_a_zombie_starts_the_execution_that_took_its_place_and_never_lived():
    world = a_world(a_run(execution_name="another", confirmed=False))

    with pytest.raises(RunOver):
        start(world)

    assert list(world.machine.started) == ["another"]


def test_a_run_that_is_cancelled_before_its_intent_is_written_starts_nothing():
    world = a_world()
    world.calls.arrange("dynamodb.UpdateItem", lambda: world.put_run(moved(ASLEEP, "CANCELLED", NOW)))

    with pytest.raises(Lost):  # the state machine tries once more, and is told that the run is over
        start(world)
    with pytest.raises(RunOver):
        start(world)

    assert world.jobs.started == []


@pytest.mark.parametrize(
    ("cancel_error", "said"),
    [(None, "the job was cancelled"), (THROTTLED, "the job could not be cancelled: Rate exceeded")],
)
def test_a_job_whose_run_moved_on_while_it_was_started_is_cancelled(cancel_error, said):
    world = a_world()
    world.jobs.cancel_error = cancel_error
    again = reopened(moved(ASLEEP, "EXPIRED", NOW), NOW, WAITS_FOR_ROWS.schedule.evaluation.window)
    world.calls.arrange("glue.StartJobRun", lambda: world.put_run(again), after=True)

    with pytest.raises(RunOver, match=said):
        start(world)

    assert len(world.jobs.cancelled) == (cancel_error is None)
    assert (world.run.status, world.run.attempt, world.run.version) == ("WAITING", 1, again.version + 1)
    (told,) = world.run.events
    assert told.message == f"the run ended while its job was being started; {said}"
    assert told.detail["remoteJob"] == said
    assert (told.type, told.detail["error"]) == ("INFRA_FAILURE", "nobody waits for the glue job jr_1")


def test_a_job_of_a_run_that_was_revived_while_it_was_started_is_left_to_its_next_try():
    world = a_world()
    again = reopened(moved(TRIED, "EXPIRED", NOW), NOW, WAITS_FOR_ROWS.schedule.evaluation.window)
    world.calls.arrange("glue.StartJobRun", lambda: world.put_run(again), after=True)

    with pytest.raises(RunOver, match="and finds it"):
        start(world)

    assert (world.jobs.cancelled, world.run) == ([], again)


@pytest.mark.parametrize(
    "moved_on",
    [
        pytest.param(moved(TRIED, "EXPIRED", NOW), id="expired, and perhaps nothing revives it"),
        pytest.param(
            replace(TRIED, attempt=2, intent=an_intent(2, NOW), version=TRIED.version + 2),
            id="another attempt is being started",
        ),
    ],
)
def test_a_job_that_no_later_try_will_look_for_is_cancelled(moved_on):
    world = a_world()
    world.calls.arrange("glue.StartJobRun", lambda: world.put_run(moved_on), after=True)

    with pytest.raises(RunOver, match="the job was cancelled"):
        start(world)

    assert len(world.jobs.cancelled) == 1


def test_a_job_whose_start_another_try_recorded_is_not_cancelled():
    world = a_world()
    running = moved(ASLEEP, "RUNNING", NOW, handle={"runId": "jr_1"}, job_ends_by=at("2026-03-02T12:30"))
    world.calls.arrange("glue.StartJobRun", lambda: world.put_run(running), after=True)

    assert start(world) == {"jobEndsBy": "2026-03-02T12:30:00+00:00"}
    assert (world.jobs.cancelled, world.run) == ([], running)


def test_a_job_of_the_attempt_before_is_cancelled_when_the_next_runs_already():
    world = a_world()
    second = moved(
        next_attempt(moved(ASLEEP, "RUNNING", NOW), NOW, []),
        "RUNNING",
        NOW,
        job_ends_by=at("2026-03-02T12:30"),
    )
    world.calls.arrange("glue.StartJobRun", lambda: world.put_run(second), after=True)

    with pytest.raises(RunOver):
        start(world)

    assert len(world.jobs.cancelled) == 1


# ---------------------------------------------------------------- the rules, once more


@pytest.mark.parametrize("rows", [999, None])
def test_a_run_whose_rules_stopped_holding_goes_back_to_waiting_with_the_reason(rows):
    world = a_world(rows=rows)

    with pytest.raises(NoLongerReady, match="row-count"):
        start(world)

    assert (world.run.status, world.jobs.started, world.told) == ("WAITING", [], [])
    assert not world.run.verdicts[0].holds


def test_a_run_that_goes_back_to_waiting_has_no_start_under_way():
    """Else a report of a job that does not exist would be believed."""
    world = a_world(TRIED, rows=999)

    with pytest.raises(NoLongerReady):
        start(world, TRIED)

    assert world.run.intent is None


# ---------------------------------------------------------------- a config that is gone


def test_a_waiting_run_whose_config_is_gone_is_cancelled():
    world = a_world()
    world.remove_config()

    with pytest.raises(RunOver, match="config was removed"):
        start(world)

    assert (world.run.status, world.jobs.started) == ("CANCELLED", [])


def test_a_running_run_whose_config_is_gone_is_seen_to_its_end():
    running = a_run("RUNNING")
    world = a_world(running)
    world.remove_config()

    assert start(world, running) == {"jobEndsBy": "2026-03-02T12:10:00+00:00"}
    assert world.run == running


# ---------------------------------------------------------------- refusals


def test_a_service_that_refuses_for_now_is_asked_again_within_the_attempt():
    world = a_world()
    world.jobs.refusal = THROTTLED

    with pytest.raises(StartRefused, match="Rate exceeded"):
        start(world)

    assert (world.run.status, world.run.attempt, world.told) == ("WAITING", 1, [])
    assert (world.run.refused_since, world.run.refusal) == (NOW, "Rate exceeded")


@pytest.mark.parametrize(
    ("refusal", "intent"),
    [
        pytest.param(THROTTLED, None, id="heard: there is no job"),
        pytest.param(UNHEARD, an_intent(1, NOW), id="not heard: there may be one"),
    ],
)
def test_a_start_that_was_not_heard_is_looked_up_by_the_next_try(refusal, intent):
    world = a_world()
    world.jobs.refusal = refusal

    with pytest.raises(StartRefused):
        start(world)

    assert world.run.intent == intent


def test_refusals_are_counted_from_the_first_of_them():
    world = a_world()
    world.jobs.refusal = THROTTLED

    for minutes in (0, 10, 20):
        with pytest.raises(StartRefused):
            start(world, now=later(minutes=minutes))

    assert world.run.refused_since == NOW


REFUSED_BEFORE = replace(ASLEEP, refused_since=NOW)


def test_a_second_short_of_half_an_hour_of_refusals_the_attempt_goes_on():
    world = a_world(REFUSED_BEFORE)
    world.jobs.refusal = THROTTLED

    with pytest.raises(StartRefused):
        start(world, now=NOW + REFUSALS_LAST - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("refusal", "category"),
    [
        (THROTTLED, FailureCategory.TRANSIENT),
        pytest.param(UNHEARD, FailureCategory.PERMANENT, id="what may have a job is followed by no other"),
    ],
)
def test_half_an_hour_of_refusals_ends_the_attempt(refusal, category):
    world = a_world(REFUSED_BEFORE)
    world.jobs.refusal = refusal

    start(world, now=NOW + REFUSALS_LAST)

    assert (world.run.status, world.run.outcome.category) == ("RUNNING", category)
    assert world.told == ["VALIDATION_PASSED", "INFRA_FAILURE"]


@pytest.mark.parametrize(
    ("job_name", "refusal", "said"),
    [
        pytest.param("etl", REFUSED, "there is no such job", id="the service refuses"),
        pytest.param("${NOPE}", None, "job.config.jobName: ${NOPE} stands for nothing", id="a placeholder"),
        pytest.param("${INTERLOCK_X}", None, "${INTERLOCK_X} is not set", id="a variable"),
    ],
)
def test_what_is_refused_for_good_passes_through_running_with_its_failure_known(job_name, refusal, said):
    world = a_world(config={"jobName": job_name})
    world.jobs.refusal = refusal

    start(world)

    assert (world.run.status, world.run.outcome.category) == ("RUNNING", FailureCategory.PERMANENT)
    assert said in world.run.outcome.error
    assert world.told == ["VALIDATION_PASSED"]


def test_a_type_that_cannot_be_started_here_is_refused_for_good(monkeypatch):
    monkeypatch.delitem(ADAPTERS, "emr")
    pipeline = a_pipeline(job=Job(JobType.EMR, {"clusterId": "j-1"}))
    world = World(pipeline, ASLEEP)

    start(world)

    assert "jobs of type emr cannot be started here" in world.run.outcome.error


# ---------------------------------------------------------------- secrets

WITH_SECRET = {"config": {"jobName": "etl", "arguments": {"--token": "Bearer ${secret:etl/token}"}}}


def everything_said(world, caplog, *errors):
    records = [json.dumps(vars(record), default=str) for record in caplog.records]
    return "\n".join([repr(world.rows), repr(world.events), *records, *map(str, errors)])


def test_a_job_is_given_its_secrets():
    world = a_world(**WITH_SECRET)
    world.vault.values["etl/token"] = SECRET

    start(world)

    assert world.jobs.started[0].config["arguments"] == {"--token": f"Bearer {SECRET}"}


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param(None, id="it starts"),
        pytest.param(
            TriggerError(f"bad token {SECRET}", permanent=True), id="the service quotes it, for good"
        ),
        pytest.param(
            TriggerError(f"bad token {SECRET}", permanent=False), id="the service quotes it, for now"
        ),
    ],
)
def test_a_secret_is_never_stored_told_or_logged(refusal, caplog):
    caplog.set_level(logging.DEBUG)
    world = a_world(**WITH_SECRET)
    world.vault.values["etl/token"] = SECRET
    world.jobs.refusal = refusal

    error = None
    try:
        start(world)
    except StartRefused as refused:
        error = refused

    assert SECRET not in everything_said(world, caplog, error, getattr(error, "__cause__", None))


def test_a_secret_that_a_synchronous_answer_quotes_is_never_stored_told_or_logged(caplog):
    caplog.set_level(logging.DEBUG)
    world = a_world(**WITH_SECRET)
    world.vault.values["etl/token"] = SECRET
    world.jobs.answer = lambda: Outcome(JobEnd.FAIL, f"401 for Bearer {SECRET}")

    start(world)

    assert world.run.outcome.error == "401 for Bearer ***"
    assert SECRET not in everything_said(world, caplog)


def test_a_secret_that_is_not_there_fails_the_attempt_and_names_it():
    world = a_world(**WITH_SECRET)
    world.vault.error = CallFailed("secretsmanager.GetSecretValue", "ResourceNotFoundException", SECRET)

    start(world)

    assert world.run.outcome.category == "PERMANENT"
    assert world.run.outcome.error == "the secret etl/token cannot be read: ResourceNotFoundException"


def test_a_vault_that_is_busy_is_asked_again():
    world = a_world(**WITH_SECRET)
    world.vault.error = CallFailed("secretsmanager.GetSecretValue", "ThrottlingException")

    with pytest.raises(CallFailed):
        start(world)

    assert (world.run, world.jobs.started) == (ASLEEP, [])


def test_an_end_that_was_reported_outweighs_a_refusal_of_its_start():
    world = a_world(replace(ASLEEP, outcome=Outcome(JobEnd.FAIL, "disk full")))

    start(world)

    assert (world.run.status, world.run.outcome.error, world.jobs.started) == ("RUNNING", "disk full", [])
    assert world.told == ["VALIDATION_PASSED", "JOB_TRIGGERED"]


# ---------------------------------------------------------------- starts that only their repetition can tell of


@pytest.mark.parametrize("refusal", [THROTTLED, UNHEARD])
def test_a_repeat_that_is_refused_for_now_leaves_the_earlier_try_to_be_looked_for(refusal):
    world = a_world(TRIED)
    world.jobs.found, world.jobs.refusal = OnlyRepeatingTells("ask again"), refusal

    with pytest.raises(StartRefused):
        start(world, TRIED)

    assert (world.run.intent, world.jobs.started) == (TRIED.intent, [])


def test_a_repeat_that_is_refused_for_good_does_not_say_that_there_is_no_job():
    world = a_world(TRIED)
    world.jobs.found, world.jobs.refusal = OnlyRepeatingTells("ask again"), REFUSED

    start(world, TRIED)

    assert (world.run.status, world.run.outcome.start_unknown) == ("RUNNING", True)


# ---------------------------------------------------------------- synchronous jobs


def an_answer(outcome):
    def answer():
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return answer


@pytest.mark.parametrize(
    ("said", "end", "category"),
    [
        (Outcome(JobEnd.SUCCESS), "success", None),
        (Outcome(JobEnd.FAIL, "statusCode 500"), "fail", None),
        (TriggerError("no answer", permanent=False), "fail", "TRANSIENT"),
        (TriggerError("404", permanent=True), "fail", "PERMANENT"),
    ],
)
def test_the_answer_of_a_synchronous_job_is_its_end(said, end, category):
    world = a_world()
    world.jobs.answer = an_answer(said)

    start(world)

    assert (world.run.status, world.run.outcome.end, world.run.outcome.category) == ("RUNNING", end, category)


@pytest.mark.parametrize("permanent", [True, False])
def test_an_answer_that_was_lost_bars_another_attempt_unless_the_target_takes_two(permanent):
    world = a_world()
    world.jobs.answer = an_answer(TriggerError("no answer", permanent=permanent, unknown_outcome=True))

    start(world)

    assert world.run.outcome.start_unknown is permanent


SYNCHRONOUS = replace(
    a_run("RUNNING"), synchronous=True, intent=an_intent(1, NOW, config='{"jobName":"etl"}')
)  # and its function died while it waited


@pytest.mark.parametrize(
    ("idempotent", "starts", "end"),
    [
        pytest.param(False, 0, "fail", id="nowhere else"),
        pytest.param(True, 1, "success", id="where the target can take it"),
    ],
)
def test_a_start_whose_answer_was_lost_is_repeated(idempotent, starts, end):
    world = a_world(SYNCHRONOUS, idempotent=idempotent)
    world.jobs.answer = an_answer(Outcome(JobEnd.SUCCESS))

    start(world, SYNCHRONOUS)

    assert (len(world.jobs.started), world.run.outcome.end) == (starts, end)


@pytest.mark.parametrize("then", [{"job_type": "http"}, {"config": '{"jobName":"of-then"}'}])
def test_a_lost_answer_is_not_asked_of_another_target_than_the_first(then):
    run = replace(SYNCHRONOUS, intent=an_intent(1, NOW, **then))
    world = a_world(run, idempotent=True)

    start(world, run)

    assert (world.jobs.started, world.run.outcome.start_unknown) == ([], True)


def test_a_start_of_unknown_outcome_says_what_to_check_and_is_never_retried_as_if_it_might_pass():
    world = a_world(SYNCHRONOUS)

    start(world, SYNCHRONOUS)

    assert world.run.outcome.category == "PERMANENT"
    assert "unknown outcome" in world.run.outcome.error
    assert f"check how run {world.run.run_id} ended" in world.run.outcome.error


def test_a_lost_answer_of_a_pipeline_that_is_gone_is_not_asked_for_again():
    world = a_world(SYNCHRONOUS, idempotent=True)
    world.remove_config()

    start(world, SYNCHRONOUS)

    assert (world.jobs.started, world.run.outcome.category) == ([], "PERMANENT")


def test_an_answer_that_was_recorded_is_not_asked_for_again():
    world = a_world(replace(SYNCHRONOUS, outcome=Outcome(JobEnd.SUCCESS)), idempotent=True)

    start(world, SYNCHRONOUS)

    assert (world.jobs.started, world.run.outcome) == ([], Outcome(JobEnd.SUCCESS))


BEFORE = {"jobType": "glue", "handle": {"jobName": "etl", "runId": "jr_0"}, "askedWith": {}}


def test_no_job_is_started_beside_one_that_is_still_being_stopped():
    world = a_world(replace(ASLEEP, attempt=2, stopping=BEFORE))

    with pytest.raises(StartRefused, match="the job of the attempt before is still being stopped"):
        start(world)

    assert world.jobs.started == []
    assert (world.run.intent, world.run.stopping) == (None, BEFORE)


def test_a_job_is_started_once_the_one_before_it_has_been_stopped():
    world = a_world(replace(ASLEEP, attempt=2, stopping=BEFORE))
    world.jobs.says = Outcome(JobEnd.FAIL, "Glue run STOPPED")

    start(world)

    assert len(world.jobs.started) == 1
    assert world.run.stopping == {}


def test_a_job_before_of_which_the_service_says_nothing_holds_the_next_one_up():
    world = a_world(replace(ASLEEP, attempt=2, stopping=BEFORE))
    world.jobs.says = TriggerError("Rate exceeded", permanent=False)

    with pytest.raises(StartRefused, match="still being stopped: Rate exceeded"):
        start(world)


def test_a_job_before_that_nobody_can_ask_was_stopped_or_there_would_be_no_next_attempt():
    world = a_world(replace(ASLEEP, attempt=2, stopping=BEFORE))
    world.jobs.can_be_asked = False

    start(world)

    assert len(world.jobs.started) == 1
