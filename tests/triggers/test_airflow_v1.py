"""Airflow 2's REST API v1: what was recorded of an Airflow 2.11.2 is asked for again, word for word, and understood."""

import base64
import json
from pathlib import Path

import pytest

from interlock.domain.run import JobEnd
from interlock.ports import TriggerError
from interlock.triggers.airflow import AirflowTrigger
from interlock.triggers.http_calls import HttpAnswer
from interlock.triggers.outside import Outside
from triggers.requests_for import RUN_ID, a_request

URL = "https://airflow.example"
# Of a user with the role Op. Paths, hosts and tokens of the machine were replaced.
RECORDED = json.loads((Path(__file__).parent / "recorded" / "airflow_2_11_2.json").read_text())


class Recorded:
    """`HttpCalls` that answers what Airflow answered, if it is asked what Airflow was asked, in that order."""

    def __init__(self, name):
        self._left = list(RECORDED[name])

    def request(self, method, url, headers, body, *_, **__):
        exchange = self._left.pop(0)
        asked = {"method": method, "path": url.removeprefix(URL), "body": body and json.loads(body)}
        assert asked == exchange["request"]
        pair = base64.b64encode(b"interlock:hunter2-hunter2").decode()
        assert headers["Authorization"] == f"Basic {pair}"
        assert headers.get("Content-Type") == (body and "application/json")
        response = exchange["response"]
        return HttpAnswer(response["status"], json.dumps(response["body"]))

    def all_was_asked(self):
        return not self._left


def config(dag):
    auth = {"type": "basic", "username": "interlock", "password": "hunter2-hunter2"}
    return {"url": URL, "dagId": dag, "apiVersion": "v1", "auth": auth}


def handle(dag, run=RUN_ID):
    return {"dagId": dag, "dagRunId": run, **{key: config(dag)[key] for key in AirflowTrigger.asked_with}}


def played(name, call):
    """What the adapter makes of a recording, all of which it must have asked for."""
    recorded = Recorded(name)
    try:
        return call(AirflowTrigger(Outside(None, recorded, None, None)))
    finally:
        assert recorded.all_was_asked()


@pytest.mark.parametrize("name", ["start", "start_again"])
def test_a_start_is_accepted_once_and_recognised_when_it_is_repeated(name):
    started = played(name, lambda trigger: trigger.start(a_request(config("load_orders"))))

    assert started.handle == {"dagId": "load_orders", "dagRunId": RUN_ID}


@pytest.mark.parametrize(("name", "found"), [("find", True), ("nothing_to_find", False)])
def test_the_run_of_an_earlier_try_is_there_or_not(name, found):
    started = played(name, lambda trigger: trigger.find(a_request(config("load_orders"))))

    assert (started is not None) is found


@pytest.mark.parametrize(
    ("name", "dag", "end"),
    [
        ("runs", "load_orders", None),
        ("success", "load_orders", JobEnd.SUCCESS),
        ("failed", "spoil_orders", JobEnd.FAIL),
        ("cancelled", "load_for_long", JobEnd.FAIL),
    ],
)
def test_the_state_of_a_run_is_understood(name, dag, end):
    outcome = played(name, lambda trigger: trigger.status(handle(dag)))

    assert (outcome and outcome.end) == end
    assert end is not JobEnd.FAIL or outcome.error == "DAG run failed: task load"


@pytest.mark.parametrize(
    ("name", "dag", "run"),
    [
        ("cancel", "load_for_long", RUN_ID),
        ("cancel_ended", "load_orders", RUN_ID),
        ("cancel_gone", "load_orders", "no-such-run"),
    ],
)
def test_a_run_is_cancelled_unless_it_has_ended_or_is_gone(name, dag, run):
    played(name, lambda trigger: trigger.cancel(handle(dag, run)))

    patched = [exchange for exchange in RECORDED[name] if exchange["request"]["method"] == "PATCH"]
    assert [exchange["response"]["body"]["state"] for exchange in patched] == ["failed"] * (name == "cancel")


def test_a_run_that_was_deleted_is_an_error_that_lasts():
    with pytest.raises(TriggerError, match="DagRun ID: 'no-such-run' not found") as error:
        played("gone", lambda trigger: trigger.status(handle("load_orders", "no-such-run")))

    assert error.value.permanent


@pytest.mark.parametrize(
    ("name", "dag", "said", "permanent"),
    [
        ("unknown_dag", "no_such_dag", "no_such_dag was not found", True),
        ("paused", "load_returns", "load_returns is paused", False),
    ],
)
def test_a_start_that_is_refused_says_why(name, dag, said, permanent):
    with pytest.raises(TriggerError, match=said) as error:
        played(name, lambda trigger: trigger.start(a_request(config(dag))))

    assert (error.value.permanent, error.value.unknown_outcome) == (permanent, False)
