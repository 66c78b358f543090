"""The clients that deployed adapters use: how long they wait, and that they never repeat a call."""

import socket

import boto3
import pytest

from interlock.domain.run import JobEnd, Outcome
from interlock.ports import TriggerError
from interlock.triggers.production import job_clients, job_triggers
from triggers.loopback import loopback
from triggers.requests_for import a_request


@pytest.fixture
def session(monkeypatch):
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return boto3.Session("key", "secret", region_name="eu-west-1")


CONFIGS = {
    "glue": {"jobName": "etl"},
    "emr": {"clusterId": "j-1", "jar": "s3://b/j.jar"},
    "emr-serverless": {
        "applicationId": "00f1",
        "executionRoleArn": "arn:aws:iam::123456789012:role/job",
        "jobDriver": {"hive": {"query": "s3://b/q.sql"}},
    },
    "lambda": {"functionName": "etl"},
    "step-function": {"stateMachineArn": "arn:aws:states:eu-west-1:1:stateMachine:etl"},
}


@pytest.mark.parametrize("job_type", CONFIGS)
@pytest.mark.parametrize(
    "respond", [lambda exchange: exchange.drop(), lambda exchange: exchange.answer(500, "{}")]
)
def test_a_call_whose_answer_is_lost_is_made_once(session, monkeypatch, job_type, respond):
    with loopback(respond) as served:
        monkeypatch.setenv("AWS_ENDPOINT_URL", served.url)
        with pytest.raises(TriggerError) as lost:
            job_triggers(session).of_type(job_type).start(a_request(CONFIGS[job_type]))

    assert lost.value.unknown_outcome
    assert len(served.received) == 1


@pytest.mark.parametrize(("service", "seconds"), [("glue", 20), ("stepfunctions", 20), ("lambda", 610)])
def test_a_function_is_waited_for_and_other_services_answer_soon(session, service, seconds):
    config = job_clients(session)(service).meta.config

    assert (config.connect_timeout, config.read_timeout) == (5, seconds)


def test_a_client_is_made_once(session):
    clients = job_clients(session)

    assert clients("glue") is clients("glue")


@pytest.mark.skipif(not hasattr(socket, "TCP_KEEPIDLE"), reason="this system names the option otherwise")
def test_a_function_that_is_silent_for_minutes_keeps_its_connection(session, monkeypatch):
    opened = []
    connect = socket.socket.connect

    def remember(sock, address):
        opened.append(sock)
        connect(sock, address)

    monkeypatch.setattr(socket.socket, "connect", remember)
    with loopback(lambda exchange: exchange.answer(200, "null")) as served:
        monkeypatch.setenv("AWS_ENDPOINT_URL", served.url)
        answer = job_clients(session)("lambda").invoke(FunctionName="etl")
        options = [opened[-1].getsockopt(*option) for option in KEEPALIVE]
        answer["Payload"].read()

    assert options == [1, 60, 60]


KEEPALIVE = [
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE),
    (socket.IPPROTO_TCP, getattr(socket, "TCP_KEEPIDLE", 0)),
    (socket.IPPROTO_TCP, getattr(socket, "TCP_KEEPINTVL", 0)),
]


@pytest.mark.parametrize(("allowed", "reaches"), [([], False), (["127.0.0.0/8"], True)])
def test_an_http_job_reaches_a_private_network_only_where_it_is_allowed(session, allowed, reaches):
    with loopback(lambda exchange: exchange.answer(200)) as served:
        trigger = job_triggers(session, allowed_private_cidrs=allowed).of_type("http")
        if reaches:
            trigger.start(a_request({"url": served.url}))
        else:
            with pytest.raises(TriggerError, match="not a public address"):
                trigger.start(a_request({"url": served.url}))

    assert bool(served.received) is reaches


def test_commands_are_not_allowed_unless_said(session):
    with pytest.raises(TriggerError, match="does not allow"):
        job_triggers(session).of_type("command").start(a_request({"command": ["true"]}))


def test_a_deployed_function_starts_the_commands_that_it_is_allowed_and_no_others(session):
    some, none = job_triggers(session, allowed_commands="true, echo"), job_triggers(session)

    outcome = some.of_type("command").start(a_request({"command": ["true"]})).answer()

    assert outcome == Outcome(JobEnd.SUCCESS)
    with pytest.raises(TriggerError, match="does not allow the command ls"):
        some.of_type("command").start(a_request({"command": ["ls"]}))
    with pytest.raises(TriggerError, match="does not allow the command true"):
        none.of_type("command").start(a_request({"command": ["true"]}))
