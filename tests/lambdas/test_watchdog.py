"""watchdog: a tick keeps the ledger, and has a page of the sweep made by another invocation of its own."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from aws.tables import a_dynamo_table
from builders import a_key, a_pipeline
from interlock.aws import keys
from interlock.aws.control_table import DynamoControlTable
from interlock.domain.announcement import config_loaded
from interlock.domain.pipeline_codec import encode_pipeline
from interlock.domain.promise import PromiseKind, promised
from interlock.ports import StoredConfig

TABLE, EVENTS, BUS = "test-interlock-control", "test-interlock-events", "test-interlock-events"
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:test-interlock"
PIPELINE = a_pipeline(cron="0 6 * * *")
LONG_AGO = a_key(schedule_id="cron", date="2026-03-02")


class Lambda:
    """The client: what is invoked."""

    def __init__(self):
        self.invoked = []

    def invoke(self, *, FunctionName, Payload, **_):
        self.invoked.append((FunctionName, json.loads(Payload)))
        return {"StatusCode": 202}


@pytest.fixture
def functions():
    return Lambda()


@pytest.fixture
def table(aws):
    return a_dynamo_table(aws("dynamodb"), TABLE)


@pytest.fixture
def control(table):
    return DynamoControlTable(table)


@pytest.fixture
def handler(load_handler, aws, functions, monkeypatch):
    a_dynamo_table(aws("dynamodb"), EVENTS)
    handler = load_handler(
        "watchdog",
        CONTROL_TABLE=TABLE,
        EVENTS_TABLE=EVENTS,
        EVENT_BUS_NAME=BUS,
        STATE_MACHINE_ARN="arn:aws:states:eu-west-1:123456789012:stateMachine:test-interlock-pipeline-run",
        ORCHESTRATOR_ARN=f"{FUNCTION}-orchestrator",
        CONFIG_SYNC_ARN=f"{FUNCTION}-config-sync",
        WATCHDOG_ARN=f"{FUNCTION}-watchdog",
    )
    clients = lambda service: functions if service == "lambda" else aws(service)  # noqa: E731
    monkeypatch.setitem(handler.__globals__, "clients", clients)
    return handler


def loaded(table, control):
    told = config_loaded("p.yaml", datetime.now(UTC) - timedelta(days=3), [])
    control.put_config(StoredConfig(PIPELINE.id, encode_pipeline(PIPELINE), "p.yaml", "e", 1), told)
    partition, sort = keys.config_file_key("p.yaml")
    table.put({"PK": partition, "SK": sort, "pipelineId": PIPELINE.id})


def test_a_tick_announces_what_was_missed_and_asks_for_a_sweep(handler, table, control, functions):
    loaded(table, control)
    due_at = datetime.now(UTC) - timedelta(hours=3)
    control.make_promise(promised(PromiseKind.FIRE, LONG_AGO, due_at, due_at))

    assert handler({"source": "aws.events"}, None) == {"handedOn": 0, "promises": 1}

    assert control.promise_of(PromiseKind.FIRE, LONG_AGO).verdict == "missed"
    assert (f"{FUNCTION}-watchdog", {"sweep": True}) in functions.invoked


def test_a_page_of_the_sweep_makes_the_promises_that_are_missing(handler, table, control):
    loaded(table, control)

    assert handler({"sweep": True}, None) == {"swept": 1}

    assert control.promises_of(PIPELINE.id, PromiseKind.FIRE) != []
    assert handler({"sweep": True}, None) == {"swept": 0}
