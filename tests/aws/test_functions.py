"""Our own functions, invoked without waiting."""

import json
from datetime import UTC, datetime

import pytest

from aws.stubs import stubbed
from interlock.aws.functions import LambdaFunctions, LambdaSlaMonitor
from interlock.domain.promise import PromiseKind
from interlock.domain.run import RunKey
from interlock.functions.orchestrator import CHECK_RUNS
from interlock.functions.sla_monitor import ACTIONS
from interlock.ports import CallFailed, DueRun

ORCHESTRATOR, CONFIG_SYNC, WATCHDOG, SLA_MONITOR = (
    f"arn:aws:lambda:eu-west-1:123456789012:function:{name}"
    for name in ("orchestrator", "config-sync", "watchdog", "sla-monitor")
)


@pytest.fixture
def client(session):
    return session.client("lambda")


def test_due_runs_are_handed_to_the_orchestrator_in_the_form_that_it_reads(client):
    due = DueRun(RunKey("gold", "cron", "2026-03-01"), datetime(2026, 3, 1, tzinfo=UTC), "job", 2)
    run = {"pipelineId": "gold", "scheduleId": "cron", "date": "2026-03-01", "waitsFor": "job", "tries": 2}
    request = {
        "FunctionName": ORCHESTRATOR,
        "InvocationType": "Event",
        "Payload": json.dumps({"step": CHECK_RUNS, "runs": [run]}),
    }

    with stubbed(client) as stub:
        stub.add_response("invoke", {"StatusCode": 202}, request)
        LambdaFunctions(client, ORCHESTRATOR, CONFIG_SYNC, WATCHDOG).orchestrate([due])


def test_config_sync_needs_to_know_nothing(client):
    request = {"FunctionName": CONFIG_SYNC, "InvocationType": "Event", "Payload": "{}"}

    with stubbed(client) as stub:
        stub.add_response("invoke", {"StatusCode": 202}, request)
        LambdaFunctions(client, ORCHESTRATOR, CONFIG_SYNC, WATCHDOG).sync_configs()


def test_the_watchdog_asks_itself_for_a_page_of_its_sweep(client):
    request = {"FunctionName": WATCHDOG, "InvocationType": "Event", "Payload": '{"sweep": true}'}

    with stubbed(client) as stub:
        stub.add_response("invoke", {"StatusCode": 202}, request)
        LambdaFunctions(client, ORCHESTRATOR, CONFIG_SYNC, WATCHDOG).sweep()


def test_sla_monitor_learns_which_promise_has_moved(client):
    run = {"pipelineId": "gold", "scheduleId": "cron", "date": "2026-03-01"}
    payload = {"action": "mirror", "kind": "relative-sla", "run": run}
    request = {"FunctionName": SLA_MONITOR, "InvocationType": "Event", "Payload": json.dumps(payload)}

    with stubbed(client) as stub:
        stub.add_response("invoke", {"StatusCode": 202}, request)
        key = RunKey("gold", "cron", "2026-03-01")
        LambdaSlaMonitor(client, SLA_MONITOR).mirror_deadline(PromiseKind.RELATIVE_SLA, key)

    assert payload["action"] in ACTIONS


def test_a_refused_invocation_is_a_failed_call(client):
    with stubbed(client) as stub:
        stub.add_client_error("invoke", "TooManyRequestsException", http_status_code=429)
        with pytest.raises(CallFailed) as failed:
            LambdaFunctions(client, ORCHESTRATOR, CONFIG_SYNC, WATCHDOG).sync_configs()

    assert (failed.value.call, failed.value.code) == ("lambda.Invoke", "TooManyRequestsException")
