"""Databricks on the wire: what the Jobs API is asked, and what its answers mean."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from interlock.domain.run import FailureCategory, JobEnd, RunKey, attempt_name
from interlock.ports import OnlyRepeatingTells, TriggerError
from interlock.triggers.background import on_a_thread
from interlock.triggers.databricks import DatabricksTrigger
from interlock.triggers.databricks_states import outcome_of
from interlock.triggers.http_client import HttpClient
from interlock.triggers.outside import Outside
from interlock.triggers.public_address import AddressRules
from interlock.triggers.table import TriggerTable
from triggers.databricks_workspace import FIRST_RUN, JOB, Lost, Refusal, Workspace, a_workspace
from triggers.requests_for import RUN_ID, a_request

TOKEN = "dapi-hunter2-hunter2"
TASKS = [{"task_key": "load", "notebook_task": {"notebook_path": "/load"}}]
RUNS = "/api/2.1/jobs/runs"
EVERY_START = {"idempotency_token": RUN_ID, "queue": {"enabled": True}}


@pytest.fixture
def workspace() -> Iterator[Workspace]:
    with a_workspace(TOKEN) as served:
        yield served


@pytest.fixture
def trigger() -> DatabricksTrigger:
    http = HttpClient(AddressRules(["127.0.0.0/8"]))
    table = TriggerTable(Outside(lambda _: None, http, None, on_a_thread))  # type: ignore[arg-type]
    made = table.of_type("databricks")
    assert isinstance(made, DatabricksTrigger)
    return made


def asked(workspace: Workspace, **config: Any) -> Any:
    """A request; of the job unless there are tasks."""
    what = config if "tasks" in config else {"jobId": JOB, **config}
    since = datetime.fromtimestamp(workspace.now / 1000, UTC)
    return a_request({"workspaceUrl": workspace.url, "token": TOKEN, **what}, since=since)


def handle(workspace: Workspace, run_id: int = FIRST_RUN, token: str = TOKEN) -> dict[str, Any]:
    return {"runId": str(run_id), "workspaceUrl": workspace.url, "token": token}


# ------------------------------------------------------------ start


def test_a_job_is_run_with_its_parameters_as_texts_and_queues_under_the_token_of_its_attempt(
    workspace, trigger
):
    started = trigger.start(asked(workspace, parameters={"day": "20260301", "full": True, "tables": ["a"]}))

    told = {"day": "20260301", "full": "true", "tables": '["a"]'}
    body = {"job_id": JOB, "job_parameters": told, **EVERY_START}
    assert workspace.received == [("POST", "/api/2.1/jobs/run-now", body)]
    assert started.handle == {"runId": "9007199254740993"}


def test_a_job_without_parameters_is_told_none_that_it_might_not_define(workspace, trigger):
    trigger.start(asked(workspace, jobId=str(JOB)))

    assert workspace.received[0][2] == {"job_id": JOB, **EVERY_START}


def test_tasks_are_submitted_as_they_stand_under_the_name_of_the_attempt(workspace, trigger):
    trigger.start(asked(workspace, tasks=TASKS))

    body = {"run_name": RUN_ID, "tasks": TASKS, **EVERY_START}
    assert workspace.received == [("POST", f"{RUNS}/submit", body)]


def test_the_idempotency_token_of_the_longest_pipeline_id_is_no_longer_than_databricks_takes():
    key = RunKey("p" * 128, "stream", "2026-03-01T18:15")

    assert len(attempt_name(key, 12, datetime(2026, 3, 1, tzinfo=UTC))) <= 64


@pytest.mark.parametrize("config", [{}, {"tasks": TASKS}], ids=["job", "tasks"])
def test_the_same_start_made_again_is_the_same_run(workspace, trigger, config):
    first = trigger.start(asked(workspace, **config))

    again = trigger.start(asked(workspace, **config))

    assert (again, len(workspace.runs)) == (first, 1)


@pytest.mark.parametrize(
    ("status", "code", "permanent", "unknown"),
    [
        (400, "INVALID_PARAMETER_VALUE", True, False),
        (400, "MALFORMED_REQUEST", True, False),
        (404, "RESOURCE_DOES_NOT_EXIST", True, False),
        (403, "PERMISSION_DENIED", True, False),
        (401, "UNAUTHENTICATED", True, False),
        (403, "403", True, False),  # an invalid token, as older gateways say it
        (400, 400, True, False),
        (429, "REQUEST_LIMIT_EXCEEDED", False, False),
        (429, "RESOURCE_EXHAUSTED", False, False),
        (400, "REQUEST_LIMIT_EXCEEDED", False, False),
        (400, "INVALID_STATE", False, False),
        (409, "ABORTED", False, False),
        (500, "INTERNAL_ERROR", False, True),
        (503, "TEMPORARILY_UNAVAILABLE", False, True),
        (504, "DEADLINE_EXCEEDED", False, True),
    ],
)
def test_a_refused_start_passes_or_lasts_by_its_error_code(
    workspace, trigger, status, code, permanent, unknown
):
    workspace.then.append(Refusal(status, code))

    with pytest.raises(TriggerError, match=str(code)) as refused:
        trigger.start(asked(workspace))

    assert (refused.value.permanent, refused.value.unknown_outcome) == (permanent, unknown)


def test_a_start_that_names_no_run_is_not_taken_for_a_run(workspace, trigger):
    workspace.then.append('{"number_in_job": 3}')

    with pytest.raises(TriggerError, match="named no run") as lost:
        trigger.start(asked(workspace))

    assert (lost.value.permanent, lost.value.unknown_outcome) == (True, True)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"jobId": "nightly"}, "jobId must be the number"),
        ({"jobId": True}, "jobId must be the number"),
        ({"tasks": {}}, "tasks must be a list"),
        ({"token": ""}, "token must be a text"),
        ({"workspaceUrl": "https://dbc.example/?o=123"}, "must end with the host"),
    ],
)
def test_a_config_that_cannot_be_sent_is_refused_before_anything_is(workspace, trigger, config, said):
    with pytest.raises(TriggerError, match=said) as refused:
        trigger.start(asked(workspace, **config))

    assert (refused.value.permanent, workspace.received) == (True, [])


def test_no_token_gets_into_a_handle_an_error_or_a_log(workspace, trigger, caplog):
    caplog.set_level(logging.DEBUG)
    workspace.then += [Refusal(400, "MALFORMED_REQUEST"), Refusal(503, "x"), "<html>", Lost()]
    told = []

    for act in (trigger.start, trigger.start, trigger.find, trigger.start):
        with pytest.raises(TriggerError) as refused:
            act(asked(workspace))
        told.append(str(refused.value))

    assert TOKEN not in " ".join(told) + caplog.text + json.dumps(trigger.start(asked(workspace)).handle)
    assert "refused" in told[0]


# ------------------------------------------------------------ find


def test_a_submitted_run_is_found_by_its_name(workspace, trigger):
    request = asked(workspace, tasks=TASKS)
    started = trigger.start(request)
    trigger.start(replace(request, run_id="another"))

    assert trigger.find(request) == started


def test_a_submitted_run_is_found_on_a_later_page_and_after_its_end(workspace, trigger):
    request = asked(workspace, tasks=TASKS)
    started = trigger.start(request)
    for number in range(45):
        trigger.start(replace(request, run_id=f"other-{number}"))
    workspace.set_state("TERMINATED", "SUCCESS")

    assert trigger.find(request) == started


@pytest.mark.parametrize("config", [{}, {"tasks": TASKS}], ids=["job", "tasks"])
def test_nothing_is_found_where_nothing_was_started_since(workspace, trigger, config):
    request = asked(workspace, **config)
    workspace.now -= int(timedelta(minutes=6) / timedelta(milliseconds=1))
    trigger.start(replace(request, run_id="long-before"))

    assert trigger.find(request) is None
    workspace.set_state("TERMINATED", "SUCCESS")
    assert trigger.find(request) is None


@pytest.mark.parametrize("state", [("QUEUED",), ("TERMINATED", "FAILED")])
def test_a_run_of_the_job_that_may_be_ours_is_told_by_its_token_alone(workspace, trigger, state):
    request = asked(workspace)
    started = trigger.start(request)
    workspace.set_state(*state)

    with pytest.raises(OnlyRepeatingTells):
        trigger.find(request)

    assert (trigger.start(request), len(workspace.runs)) == (started, 1)


def test_a_run_that_waits_in_a_queue_and_has_no_start_time_yet_may_be_ours(workspace, trigger):
    request = asked(workspace)
    trigger.start(request)
    workspace.runs[0]["start_time"] = 0

    with pytest.raises(OnlyRepeatingTells):
        trigger.find(request)


def test_a_run_of_the_job_is_found_by_a_parameter_that_carries_the_run_id(workspace, trigger):
    request = asked(workspace, parameters={"run": RUN_ID})
    started = trigger.start(request)

    other = replace(request, run_id="the-next", config={**request.config, "parameters": {"run": "the-next"}})

    assert trigger.find(request) == started
    assert trigger.find(other) is None


def test_a_listing_without_parameters_leaves_it_to_the_token(workspace, trigger):
    request = asked(workspace, parameters={"run": RUN_ID})
    trigger.start(request)
    del workspace.runs[0]["job_parameters"]

    with pytest.raises(OnlyRepeatingTells):
        trigger.find(request)


@pytest.mark.parametrize("old", [0, 1])
def test_one_run_that_may_be_ours_is_enough_to_ask_again(workspace, trigger, old):
    request = asked(workspace)
    for run_id in (RUN_ID, "another"):
        trigger.start(replace(request, run_id=run_id))
    workspace.runs[old]["start_time"] = workspace.now - 3_600_000

    with pytest.raises(OnlyRepeatingTells):
        trigger.find(request)


@pytest.mark.parametrize("state", [("RUNNING",), ("TERMINATED", "SUCCESS")])
def test_runs_of_other_jobs_and_one_time_runs_are_not_looked_at(workspace, trigger, state):
    request = asked(workspace)
    trigger.start(replace(request, run_id="one-time", config={**request.config, "tasks": TASKS}))
    trigger.start(replace(request, run_id="other"))
    workspace.runs[1]["job_id"] = JOB + 1
    workspace.set_state(*state)

    assert trigger.find(request) is None


def test_runs_that_ended_before_the_earlier_try_are_not_even_listed(workspace, trigger):
    request = asked(workspace, tasks=TASKS)
    state = {"life_cycle_state": "TERMINATED", "result_state": "SUCCESS"}
    for number in range(300):
        workspace.runs.append({**_submitted(number), "start_time": workspace.now - 3_600_000, "state": state})

    assert trigger.find(request) is None
    assert len(workspace.received) == 2


def test_more_runs_than_anybody_looks_through_leave_it_to_the_token(workspace, trigger):
    request = asked(workspace, tasks=TASKS)
    for number in range(201):
        workspace.runs.append({**_submitted(number), "start_time": workspace.now})

    with pytest.raises(OnlyRepeatingTells, match="too many"):
        trigger.find(request)

    assert len(workspace.received) == 10


def _submitted(number: int) -> dict[str, Any]:
    state = {"life_cycle_state": "RUNNING"}
    return {"run_id": number, "run_name": "Untitled", "run_type": "SUBMIT_RUN", "state": state}


@pytest.mark.parametrize(
    ("behaviour", "permanent"),
    [
        (Refusal(429, "REQUEST_LIMIT_EXCEEDED"), False),
        (Refusal(403, "403"), False),
        (Refusal(400, "INVALID_PARAMETER_VALUE"), True),
        ("<html>sign in</html>", False),
        ("[]", False),
        (Lost(), False),
    ],
)
def test_a_listing_that_fails_says_nothing_of_the_earlier_try(workspace, trigger, behaviour, permanent):
    workspace.then.append(behaviour)

    with pytest.raises(TriggerError, match="an earlier try") as failed:
        trigger.find(asked(workspace))

    assert (failed.value.permanent, failed.value.unknown_outcome) == (permanent, True)
    assert not isinstance(failed.value, OnlyRepeatingTells)


# ------------------------------------------------------------ status and cancel


def test_a_run_is_asked_for_by_its_id(workspace, trigger):
    trigger.start(asked(workspace))
    workspace.set_state("TERMINATED", "FAILED", "Task load failed")

    outcome = trigger.status(handle(workspace))

    assert workspace.received[-1] == ("GET", f"{RUNS}/get?run_id=9007199254740993", None)
    assert (outcome.end, outcome.error) == (JobEnd.FAIL, "Databricks run FAILED: Task load failed")


@pytest.mark.parametrize(
    ("behaviour", "permanent"),
    [
        (Refusal(401, "UNAUTHENTICATED"), False),
        (Refusal(403, "403"), False),
        (Refusal(429, "REQUEST_LIMIT_EXCEEDED"), False),
        (Refusal(503, "TEMPORARILY_UNAVAILABLE"), False),
        (Refusal(404, "RESOURCE_DOES_NOT_EXIST"), True),
        (Refusal(400, "INVALID_PARAMETER_VALUE"), True),
        (Lost(), False),
        ("<html>sign in</html>", False),
        ("{}", True),
    ],
)
def test_a_status_that_is_not_heard_passes_unless_the_run_is_gone(workspace, trigger, behaviour, permanent):
    trigger.start(asked(workspace))
    workspace.then.append(behaviour)

    with pytest.raises(TriggerError) as unheard:
        trigger.status(handle(workspace))

    assert unheard.value.permanent is permanent


def test_a_status_asked_with_a_token_that_was_replaced_may_be_asked_again(workspace, trigger):
    trigger.start(asked(workspace))
    workspace.token = "dapi-new"

    with pytest.raises(TriggerError) as refused:
        trigger.status(handle(workspace))

    assert not refused.value.permanent
    assert trigger.status(handle(workspace, token="dapi-new")) is None


def test_a_run_is_cancelled_by_its_id_and_one_that_is_gone_has_ended(workspace, trigger):
    trigger.start(asked(workspace))

    trigger.cancel(handle(workspace))
    trigger.cancel(handle(workspace, run_id=7))

    assert workspace.received[1] == ("POST", f"{RUNS}/cancel", {"run_id": FIRST_RUN})
    assert workspace.cancelled == [FIRST_RUN]


@pytest.mark.parametrize(
    ("refusal", "permanent"), [(Refusal(403, "403"), False), (Refusal(400, "BAD_REQUEST"), True)]
)
def test_a_cancel_that_is_refused_says_so(workspace, trigger, refusal, permanent):
    trigger.start(asked(workspace))
    workspace.then.append(refusal)

    with pytest.raises(TriggerError) as refused:
        trigger.cancel(handle(workspace))

    assert refused.value.permanent is permanent


# ------------------------------------------------------------ states

FAIL, NONE = JobEnd.FAIL, None
TRANSIENT, PERMANENT = FailureCategory.TRANSIENT, FailureCategory.PERMANENT


@pytest.mark.parametrize(
    "life", ["BLOCKED", "PENDING", "QUEUED", "RUNNING", "TERMINATING", "WAITING_FOR_RETRY"]
)
def test_a_run_that_has_not_ended_goes_on(life):
    assert outcome_of({"state": {"life_cycle_state": life, "result_state": "SUCCESS"}}) is None


@pytest.mark.parametrize(
    ("life", "result", "end", "category"),
    [
        ("TERMINATED", "SUCCESS", JobEnd.SUCCESS, NONE),
        ("TERMINATED", "SUCCESS_WITH_FAILURES", JobEnd.SUCCESS, NONE),
        ("TERMINATED", "FAILED", FAIL, NONE),
        ("TERMINATED", "TIMEDOUT", JobEnd.TIMEOUT, FailureCategory.TIMEOUT),
        ("TERMINATED", "CANCELED", FAIL, PERMANENT),
        ("TERMINATED", "MAXIMUM_CONCURRENT_RUNS_REACHED", FAIL, TRANSIENT),
        ("SKIPPED", "MAXIMUM_CONCURRENT_RUNS_REACHED", FAIL, TRANSIENT),
        ("SKIPPED", None, FAIL, TRANSIENT),
        ("SKIPPED", "EXCLUDED", FAIL, PERMANENT),
        ("TERMINATED", "UPSTREAM_FAILED", FAIL, NONE),
        ("TERMINATED", "UPSTREAM_CANCELED", FAIL, PERMANENT),
        ("TERMINATED", "DISABLED", FAIL, PERMANENT),
        ("INTERNAL_ERROR", None, FAIL, TRANSIENT),
        ("INTERNAL_ERROR", "FAILED", FAIL, NONE),
        ("INTERNAL_ERROR", "TIMEDOUT", JobEnd.TIMEOUT, FailureCategory.TIMEOUT),
    ],
)
def test_each_end_of_a_run_is_known(life, result, end, category):
    outcome = outcome_of({"state": {"life_cycle_state": life, "result_state": result}})

    assert outcome is not None
    assert (outcome.end, outcome.category) == (end, category)


@pytest.mark.parametrize(
    ("code", "kind", "end", "category"),
    [
        ("SUCCESS", "SUCCESS", JobEnd.SUCCESS, NONE),
        ("USER_CANCELED", "SUCCESS", FAIL, PERMANENT),
        ("CANCELED", "CLIENT_ERROR", JobEnd.TIMEOUT, FailureCategory.TIMEOUT),
        ("RUN_EXECUTION_ERROR", "CLIENT_ERROR", FAIL, NONE),
        ("MAX_CONCURRENT_RUNS_EXCEEDED", "CLIENT_ERROR", FAIL, TRANSIENT),
        ("INVALID_RUN_CONFIGURATION", "CLIENT_ERROR", FAIL, PERMANENT),
        ("CLUSTER_ERROR", "CLOUD_FAILURE", FAIL, TRANSIENT),
        ("A_CODE_OF_NEXT_YEAR", "INTERNAL_ERROR", FAIL, TRANSIENT),
    ],
)
def test_a_run_that_answers_with_the_newer_status_is_understood(code, kind, end, category):
    details = {"code": code, "type": kind, "message": "so it was"}

    outcome = outcome_of({"status": {"state": "TERMINATED", "termination_details": details}})

    assert outcome is not None
    assert (outcome.end, outcome.category) == (end, category)
    assert outcome_of({"status": {"state": "WAITING"}}) is None


@pytest.mark.parametrize(
    "run",
    [
        {},
        {"state": {"life_cycle_state": "DREAMING"}},
        {"state": {"result_state": "SUCCESS"}},
        {"state": {"life_cycle_state": "TERMINATED"}},
        {"state": {"life_cycle_state": "TERMINATED", "result_state": "PERFECT"}},
        {"state": {"life_cycle_state": "INTERNAL_ERROR", "result_state": "SUCCESS"}},
        {"state": "SUCCESS", "status": ["SUCCESS"]},
        {"status": {"state": "DREAMING"}},
        {"status": {"state": "TERMINATED"}},
        {"status": {"state": "TERMINATED", "termination_details": {"code": "NEW", "type": "SUCCESS"}}},
    ],
)
def test_what_nobody_knows_is_an_error_and_neither_running_nor_a_success(run):
    with pytest.raises(TriggerError, match="nobody knows") as unknown:
        outcome_of(run)

    assert unknown.value.permanent
