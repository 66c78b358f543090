"""A job under way is asked and cancelled with credentials as they are now; what its service says is believed, not repeated."""

from dataclasses import replace

import pytest

from builders import a_pipeline, a_run
from interlock.domain.pipeline import Job, JobType, OnTimeout
from interlock.domain.run import FailureCategory, JobEnd, Outcome
from interlock.ports import CallFailed, TriggerError
from interlock.steps.remote_job import Asked, ask_job, cancel_job, cancel_unless_left, cross_checked
from world_builder import SUCCEEDED, World

SECRET, ROTATED = "hunter2-hunter2", "hunter3-hunter3"
HANDLE = {"dagRunId": "r-1"}
WRITTEN = {"token": "${secret:flow}", "url": "https://flow.example/${DATE}"}
RUNNING = a_run("RUNNING", handle=HANDLE, asked_with=WRITTEN)
ANSWERED = replace(RUNNING, handle={})  # adopted after somebody had reported its end
BUSY = TriggerError(f"429 for {SECRET}", permanent=False)
GONE = TriggerError(f"no such job for {SECRET}", permanent=True)
VAULT_BUSY = CallFailed("secretsmanager.GetSecretValue", "ThrottlingException")
NO_SUCH_SECRET = CallFailed("secretsmanager.GetSecretValue", "ResourceNotFoundException")


def a_world(**jobs):
    world = World(run=RUNNING)
    world.vault.values["flow"] = SECRET
    for name, value in jobs.items():
        setattr(world.jobs, name, value)
    return world


def ask(world, run=RUNNING):
    return ask_job(run, world.jobs, world.vault)


def cancel(world, run=RUNNING, **how):
    """In words; what could not be cancelled may live."""
    left = cancel_job(run, world.jobs, world.vault, **how)
    assert left.may_live is left.words.startswith("the job could not be cancelled")
    return left.words


def check(world, outcome=SUCCEEDED, run=RUNNING):
    return cross_checked(run, outcome, world.jobs)


def leaving(on_timeout):
    return a_pipeline(job=Job(JobType.GLUE, {"jobName": "etl"}, on_timeout=on_timeout))


def test_each_poll_carries_the_credentials_of_its_moment():
    heard = []
    world = a_world(status=lambda handle: heard.append(handle))

    ask(world)
    world.vault.values["flow"] = ROTATED
    ask(world)

    address = {"dagRunId": "r-1", "url": "https://flow.example/2026-03-02"}
    assert heard == [{**address, "token": SECRET}, {**address, "token": ROTATED}]


@pytest.mark.parametrize("error", [VAULT_BUSY, NO_SUCH_SECRET])
def test_a_secret_that_is_missing_for_now_does_not_fail_the_attempt(error):
    world = a_world(says=SUCCEEDED)
    world.vault.error = error

    asked = ask(world)

    assert asked.outcome is None
    assert error.code in asked.unheard


def test_a_type_that_only_another_version_knows_does_not_fail_the_attempt():
    asked = ask(a_world(says=SUCCEEDED), replace(RUNNING, job_type="dream"))

    assert asked.outcome is None
    assert "jobs of type dream cannot be started here" in asked.unheard


def test_a_variable_that_is_missing_for_now_does_not_fail_the_attempt():
    run = replace(RUNNING, asked_with={"url": "${INTERLOCK_FLOW_URL}"})

    asked = ask(a_world(says=SUCCEEDED), run)

    assert asked.outcome is None
    assert "INTERLOCK_FLOW_URL" in asked.unheard


@pytest.mark.parametrize(
    ("says", "asked"),
    [
        (None, Asked()),
        (SUCCEEDED, Asked(SUCCEEDED)),
        (BUSY, Asked(unheard="429 for ***")),
        (GONE, Asked(Outcome(JobEnd.FAIL, "no such job for ***", FailureCategory.PERMANENT, may_live=True))),
        (Outcome(JobEnd.FAIL, f"401: {SECRET}"), Asked(Outcome(JobEnd.FAIL, "401: ***"))),
    ],
)
def test_what_a_service_says_is_believed_without_the_secrets_that_it_quotes(says, asked):
    assert ask(a_world(says=says)) == asked


@pytest.mark.parametrize("error", [BUSY, GONE, Outcome(JobEnd.FAIL, f"said {SECRET}")])
def test_no_secret_that_a_poll_was_told_is_logged(error, caplog):
    caplog.set_level("DEBUG")

    asked = ask(a_world(says=error))

    told = [str(record.__dict__) for record in caplog.records]
    assert SECRET not in f"{asked}{told}"


def test_a_job_of_which_only_the_end_is_known_is_asked_nothing():
    assert ask(a_world(says=GONE), ANSWERED) == Asked()


def test_a_cancel_carries_the_credentials_of_its_moment_and_says_what_it_did():
    world = a_world()

    said = cancel(world)

    assert said == "the job was cancelled"
    assert world.jobs.cancelled == [
        {"dagRunId": "r-1", "token": SECRET, "url": "https://flow.example/2026-03-02"}
    ]


@pytest.mark.parametrize(
    ("run", "said"),
    [(replace(RUNNING, handle=None), "no job was started"), (ANSWERED, "the job has ended")],
)
def test_where_there_is_nothing_to_cancel_nobody_is_asked_to(run, said):
    world = a_world()

    assert (cancel(world, run), world.jobs.cancelled) == (said, [])


def test_a_cancel_that_cannot_work_says_why_without_the_secret():
    said = cancel(a_world(cancel_error=GONE))

    assert said == "the job could not be cancelled: no such job for ***"


def test_a_cancel_that_may_yet_work_is_raised_without_the_secret():
    with pytest.raises(TriggerError) as raised:
        cancel(a_world(cancel_error=BUSY))

    assert (str(raised.value), raised.value.permanent) == ("429 for ***", False)


def test_a_cancel_that_may_yet_work_is_told_at_the_last_try():
    assert cancel(a_world(cancel_error=BUSY), at_last=True) == "the job could not be cancelled: 429 for ***"


def test_a_vault_that_is_busy_holds_up_a_cancel_until_the_last_try():
    world = a_world()
    world.vault.error = VAULT_BUSY

    with pytest.raises(CallFailed):
        cancel(world)
    assert "ThrottlingException" in cancel(world, at_last=True)
    assert world.jobs.cancelled == []


def test_a_secret_that_is_gone_for_good_is_why_a_job_could_not_be_cancelled():
    world = a_world()
    world.vault.error = NO_SUCH_SECRET

    assert cancel(world).startswith("the job could not be cancelled: the secret flow cannot be read")


def test_a_type_that_is_no_longer_known_is_why_a_job_could_not_be_cancelled():
    said = cancel(a_world(), replace(RUNNING, job_type="dream"))

    assert "jobs of type dream cannot be started here" in said


@pytest.mark.parametrize(
    ("pipeline", "said", "cancels"),
    [
        (leaving(OnTimeout.LEAVE), "the job was left running", 0),
        (leaving(OnTimeout.CANCEL), "the job was cancelled", 1),
        (None, "the job was cancelled", 1),
    ],
)
def test_a_job_is_left_only_where_the_config_says_so(pipeline, said, cancels):
    world = a_world()

    told = cancel_unless_left(RUNNING, pipeline, world.jobs, world.vault)

    assert (told.words, told.may_live, len(world.jobs.cancelled)) == (said, not cancels, cancels)


def test_a_success_that_is_disproved_is_a_failure_that_keeps_what_was_reported():
    reported = Outcome(JobEnd.SUCCESS, report={"recordsProcessed": 3})

    checked = check(a_world(disproved="disk full"), reported)

    assert checked == Outcome(JobEnd.FAIL, "disk full", report={"recordsProcessed": 3})


def test_a_success_that_nothing_speaks_against_stands():
    assert check(a_world()) is SUCCEEDED


def test_a_success_that_cannot_be_checked_stands_and_the_reason_is_logged(caplog):
    checked = check(a_world(disproved=BUSY))

    (record,) = caplog.records
    assert checked is SUCCEEDED
    assert (record.message, record.reason) == (
        "success not cross-checked: the service's word counts",
        str(BUSY),
    )


@pytest.mark.parametrize(
    ("outcome", "run"),
    [
        pytest.param(Outcome(JobEnd.FAIL, "boom"), RUNNING, id="a failure"),
        pytest.param(SUCCEEDED, replace(RUNNING, handle=None), id="no job of ours"),
        pytest.param(SUCCEEDED, ANSWERED, id="no handle"),
    ],
)
def test_only_a_success_of_a_job_that_can_be_looked_up_is_checked(outcome, run):
    assert check(a_world(disproved="disk full"), outcome, run) is outcome
