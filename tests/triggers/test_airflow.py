"""Airflow's DAG runs: what is asked of its REST API v2, and what each answer means. v1 is `test_airflow_v1`'s matter."""

import base64

import pytest

from interlock.domain.run import JobEnd
from interlock.ports import TriggerError
from interlock.triggers.airflow import AirflowTrigger
from interlock.triggers.http_client import HttpClient
from interlock.triggers.outside import Outside
from interlock.triggers.public_address import AddressRules
from triggers.airflow_server import DAG, USER, Lost, an_airflow
from triggers.requests_for import RUN_ID, a_request

QUOTED = "/api/v2/dags/load%20orders%2F%C3%BC"
RUN = f"{QUOTED}/dagRuns/{RUN_ID}"
SIGN_IN = ("POST", "/auth/token", {"username": USER, "password": "hunter2-hunter2"})
PERIOD = {
    "pipeline": "gold-revenue",
    "date": "2026-03-01",
    "hour": "18",
    "par_day": "20260301",
    "par_hour": "18",
    "attempt": 1,
    "run_id": RUN_ID,
}


@pytest.fixture
def airflow():
    with an_airflow("hunter2-hunter2") as served:
        yield served


def a_trigger():
    return AirflowTrigger(Outside(None, HttpClient(AddressRules(["127.0.0.0/8"])), None, None))


def config(airflow, **changes):
    return {"url": airflow.url, "dagId": DAG, "auth": airflow.auth, **changes}


def start(airflow, **changes):
    return a_trigger().start(a_request(config(airflow, **changes)))


def find(airflow, **changes):
    return a_trigger().find(a_request(config(airflow, **changes)))


def handle(airflow, **changes):
    return {"dagId": DAG, "dagRunId": RUN_ID, "url": airflow.url, "auth": airflow.auth, **changes}


def asked(airflow):
    """What was asked beside signing in."""
    return [call for call in airflow.received if call != SIGN_IN]


# ---------------------------------------------------------------- starting


def test_a_start_signs_in_sees_whether_the_dag_is_paused_and_names_the_run_after_the_attempt(airflow):
    started = start(airflow, conf={"rows": 7})

    body = {"dag_run_id": RUN_ID, "logical_date": None, "conf": {"rows": 7}}
    assert airflow.received == [SIGN_IN, ("GET", QUOTED, None), ("POST", f"{QUOTED}/dagRuns", body)]
    assert started.handle == {"dagId": DAG, "dagRunId": RUN_ID}


def test_a_dag_that_is_given_no_conf_learns_its_period(airflow):
    start(airflow)

    assert airflow.runs[RUN_ID]["conf"] == PERIOD


def test_an_empty_conf_stays_empty(airflow):
    start(airflow, conf={})

    assert airflow.runs[RUN_ID]["conf"] == {}


def test_the_run_that_an_earlier_try_started_is_taken_for_the_answer(airflow):
    first = start(airflow)

    assert start(airflow).handle == first.handle
    assert len(airflow.runs) == 1


def test_a_conflict_with_something_else_than_our_run_is_a_refusal_that_passes(airflow):
    airflow.then["trigger"].append(409)

    with pytest.raises(TriggerError, match="answered 409") as error:
        start(airflow)

    assert (error.value.permanent, error.value.unknown_outcome) == (False, False)


def test_a_conflict_that_cannot_be_looked_into_leaves_the_outcome_unknown(airflow):
    start(airflow)
    airflow.then["get_run"].append(503)

    with pytest.raises(TriggerError, match=r"looking for the job.*answered 503") as error:
        start(airflow)

    assert (error.value.permanent, error.value.unknown_outcome) == (False, True)


def test_a_paused_dag_is_not_started_and_may_be_unpaused(airflow):
    airflow.paused = True

    with pytest.raises(TriggerError, match="is paused; unpause it") as error:
        start(airflow)

    assert (error.value.permanent, error.value.unknown_outcome) == (False, False)
    assert airflow.runs == {}


def test_a_dag_that_airflow_does_not_know_is_refused_for_good(airflow):
    with pytest.raises(TriggerError, match=r"answered 404.*nowhere.+was not found") as error:
        start(airflow, dagId="nowhere")

    assert (error.value.permanent, error.value.unknown_outcome) == (True, False)


@pytest.mark.parametrize(("status", "unknown"), [(500, True), (502, True), (503, True), (429, False)])
def test_a_broken_airflow_may_have_started_the_run_and_a_busy_one_has_not(airflow, status, unknown):
    airflow.then["trigger"].append(status)

    with pytest.raises(TriggerError, match=f"answered {status}") as error:
        start(airflow)

    assert (error.value.permanent, error.value.unknown_outcome) == (False, unknown)


@pytest.mark.parametrize("call", ["token", "dag"])
@pytest.mark.parametrize("trouble", [Lost(), 503, "<html>a sign-in page</html>"])
def test_trouble_before_the_start_itself_has_started_nothing(airflow, call, trouble):
    airflow.then[call].append(trouble)

    with pytest.raises(TriggerError, match="Airflow at") as error:
        start(airflow)

    assert (error.value.permanent, error.value.unknown_outcome) == (False, False)


@pytest.mark.parametrize("answer", ["{}", '{"dag_run_id": "another"}'])
def test_an_accepted_start_that_names_another_run_or_none_is_an_unknown_outcome(airflow, answer):
    airflow.then["trigger"].append(answer)

    with pytest.raises(TriggerError, match=r"unknown outcome.*named another DAG run") as error:
        start(airflow)

    assert (error.value.permanent, error.value.unknown_outcome) == (True, True)


# ---------------------------------------------------------------- finding


def test_a_run_of_a_dag_that_is_gone_is_certainly_not_there(airflow):
    assert find(airflow, dagId="nowhere") is None


NO_SUCH_PATH = (404, '{"detail": "Not Found"}')
NOT_YOURS = (403, f'{{"detail": "you may not read {RUN_ID}"}}')


@pytest.mark.parametrize("trouble", [404, NO_SUCH_PATH, 401, 403, NOT_YOURS, 500, Lost(), "<html></html>"])
def test_whatever_is_not_airflows_own_word_leaves_open_whether_there_is_a_run(airflow, trouble):
    airflow.then["get_run"].append(trouble)

    with pytest.raises(TriggerError, match="looking for the job") as error:
        find(airflow)

    assert (error.value.permanent, error.value.unknown_outcome) == (False, True)


def test_a_look_up_that_is_told_of_another_run_proves_nothing(airflow):
    airflow.then["get_run"].append('{"dag_run_id": "another"}')

    with pytest.raises(TriggerError, match="told of another") as error:
        find(airflow)

    assert error.value.unknown_outcome


# ---------------------------------------------------------------- asking


def test_a_failed_run_says_which_of_its_tasks_failed(airflow):
    start(airflow)
    airflow.set_state("failed")
    airflow.failed_tasks = ["load", "load", "check"]

    outcome = a_trigger().status(handle(airflow))

    assert (outcome.end, outcome.error) == (JobEnd.FAIL, "DAG run failed: task load, check")
    assert asked(airflow)[-1] == ("GET", f"{RUN}/taskInstances?state=failed&limit=5", None)


@pytest.mark.parametrize("trouble", [403, Lost(), "[]", '{"task_instances": [7]}'])
def test_a_failed_run_has_failed_although_its_tasks_are_not_known(airflow, trouble):
    start(airflow)
    airflow.set_state("failed")
    airflow.then["tasks"].append(trouble)

    assert a_trigger().status(handle(airflow)).end is JobEnd.FAIL


def test_each_call_fetches_a_token_of_its_own(airflow):
    start(airflow)

    for _ in range(2):
        assert a_trigger().status(handle(airflow)) is None

    assert airflow.tokens == 3


@pytest.mark.parametrize("trouble", [401, 403, 404, NO_SUCH_PATH, 429, 500, Lost(), "<html></html>"])
@pytest.mark.parametrize("call", ["status", "cancel"])
def test_trouble_of_the_way_says_nothing_of_a_run_that_is_asked_for(airflow, trouble, call):
    start(airflow)
    airflow.then["get_run"].append(trouble)

    with pytest.raises(TriggerError) as error:
        getattr(a_trigger(), call)(handle(airflow))

    assert not error.value.permanent


def test_a_run_that_was_deleted_is_an_error_that_lasts(airflow):
    with pytest.raises(TriggerError, match="was not found") as error:
        a_trigger().status(handle(airflow))

    assert error.value.permanent


@pytest.mark.parametrize("answer", ['{"state": "dreaming"}', '{"state": null}', "{}", '{"state": {}}'])
def test_a_state_that_nobody_knows_is_never_running(airflow, answer):
    airflow.then["get_run"].append(answer)

    with pytest.raises(TriggerError, match="which nobody knows") as error:
        a_trigger().status(handle(airflow))

    assert error.value.permanent


# ---------------------------------------------------------------- cancelling


def test_a_cancelled_run_is_marked_failed(airflow):
    start(airflow)

    a_trigger().cancel(handle(airflow))

    assert asked(airflow)[-1] == ("PATCH", RUN, {"state": "failed"})
    assert airflow.runs[RUN_ID]["state"] == "failed"


@pytest.mark.parametrize("state", ["success", "failed"])
def test_a_run_that_has_ended_stays_as_it_ended(airflow, state):
    start(airflow)
    airflow.set_state(state)

    a_trigger().cancel(handle(airflow))

    assert airflow.runs[RUN_ID]["state"] == state
    assert [method for method, *_ in asked(airflow)].count("PATCH") == 0


def test_a_run_that_was_deleted_needs_no_cancelling(airflow):
    a_trigger().cancel(handle(airflow))

    assert asked(airflow) == [("GET", RUN, None)]


def test_a_cancel_that_is_refused_is_an_error(airflow):
    start(airflow)
    airflow.then["cancel_run"].append(400)

    with pytest.raises(TriggerError, match="answered 400") as error:
        a_trigger().cancel(handle(airflow))

    assert error.value.permanent


# ---------------------------------------------------------------- credentials


def test_a_wrong_password_is_refused_for_good_at_a_start_and_says_what_to_check(airflow):
    with pytest.raises(TriggerError, match=r"signing in.*answered 401.*check job\.config\.auth") as error:
        start(airflow, auth={**airflow.auth, "password": "mistyped"})

    assert (error.value.permanent, error.value.unknown_outcome) == (True, False)
    assert "mistyped" not in str(error.value)


def test_a_password_that_rotates_while_the_run_goes_on_is_asked_with_again(airflow):
    start(airflow)

    with pytest.raises(TriggerError, match=r"signing in.*answered 401") as error:
        a_trigger().status(handle(airflow, auth={**airflow.auth, "password": "mistyped"}))

    assert not error.value.permanent


@pytest.mark.parametrize("answer", ["{}", '{"access_token": 7}', '{"access_token": ""}'])
def test_who_gives_no_token_is_no_airflow(airflow, answer):
    airflow.then["token"].append(answer)

    with pytest.raises(TriggerError, match="gave no access_token") as error:
        start(airflow)

    assert error.value.permanent


def test_who_gives_no_token_while_the_run_goes_on_says_nothing_of_it(airflow):
    airflow.then["token"].append("{}")

    with pytest.raises(TriggerError, match="gave no access_token") as error:
        a_trigger().status(handle(airflow))

    assert not error.value.permanent


def basic(pair):
    return "Basic " + base64.b64encode(pair.encode()).decode()


@pytest.mark.parametrize(
    ("auth", "sent"),
    [
        ({"type": "bearer", "token": "t0ken"}, "Bearer t0ken"),
        ({"type": "basic", "username": "me", "password": "pä:ss"}, basic("me:pä:ss")),
        (None, None),
    ],
)
def test_other_credentials_are_sent_as_they_are(airflow, auth, sent):
    with pytest.raises(TriggerError, match="answered 401"):
        start(airflow, auth=auth)

    (request,) = airflow.requests
    assert request.headers.get("authorization") == sent


@pytest.mark.parametrize(
    "auth",
    [
        {"type": "bearer", "token": "t0ken-t0ken"},
        {"type": "basic", "username": "me", "password": "t0ken-t0ken"},
        {"type": "jwt", "username": USER, "password": "hunter2-hunter2"},
    ],
)
def test_an_error_page_that_quotes_the_request_is_shown_without_its_credentials(airflow, auth):
    airflow.then["dag"].append(400)

    with pytest.raises(TriggerError, match="answered 400") as error:
        start(airflow, auth=auth)

    assert "***" in str(error.value)
    assert "t0ken" not in str(error.value)
    assert basic("me:t0ken-t0ken").split()[1] not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"url": None}, "url"),
        ({"url": "http://[::1"}, "url"),
        ({"url": "https://airflow.example/?a=b"}, "url"),
        ({"url": "https://me:secret@airflow.example"}, "url"),
        ({"dagId": ""}, "dagId"),
        ({"dagId": "\ud800"}, "dagId"),
        ({"conf": "a text"}, "conf"),
        ({"apiVersion": "v3"}, "apiVersion"),
        ({"auth": "me"}, "auth"),
        ({"auth": {"type": "kerberos"}}, r"auth\.type"),
        ({"auth": {"username": "me"}}, r"auth\.type"),
        ({"auth": {"type": "bearer"}}, r"auth\.token"),
        ({"auth": {"type": "jwt", "username": "me"}}, r"auth\.password"),
        ({"auth": {"type": "basic", "username": "\ud800", "password": "p"}}, r"auth\.username"),
    ],
)
def test_a_config_that_no_request_can_be_made_of_is_a_permanent_error(airflow, changes, wrong):
    with pytest.raises(TriggerError, match=rf"job\.config\.{wrong}") as error:
        start(airflow, **changes)

    assert error.value.permanent
