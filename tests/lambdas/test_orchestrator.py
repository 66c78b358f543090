"""orchestrator: which networks the HTTP jobs of this installation may reach is read from its environment."""

from types import SimpleNamespace

import pytest

from interlock.ports import TriggerError
from triggers.loopback import loopback
from triggers.requests_for import a_request


@pytest.fixture
def ports_with(load_handler, session, monkeypatch):
    """The ports of a container whose environment has this setting."""

    def ports(**environment):
        handler = load_handler(
            "orchestrator",
            CONTROL_TABLE="test-interlock-control",
            JOBLOG_TABLE="test-interlock-joblog",
            STATE_MACHINE_ARN="arn:aws:states:eu-west-1:123456789012:stateMachine:test-interlock-pipeline-run",
            **environment,
        )
        clients = type(
            "Clients", (SimpleNamespace,), {"__call__": lambda _, service: session.client(service)}
        )
        monkeypatch.setitem(handler.__globals__, "clients", clients(session=session))
        return handler.__globals__["ports"]()

    return ports


def test_an_http_job_reaches_the_networks_of_the_setting(ports_with):
    ports = ports_with(ALLOWED_PRIVATE_CIDRS="10.1.0.0/16, 127.0.0.1/32")

    with loopback(lambda exchange: exchange.answer(200)) as served:
        ports.triggers.of_type("http").start(a_request({"url": served.url}))

    assert len(served.received) == 1


def test_without_the_setting_an_http_job_reaches_no_private_network(ports_with):
    with pytest.raises(TriggerError, match="not a public address"):
        ports_with().triggers.of_type("http").start(a_request({"url": "http://127.0.0.1:8080/"}))


def test_a_part_of_the_setting_that_cannot_be_read_is_told_to_the_job_that_it_refuses(ports_with):
    ports = ports_with(ALLOWED_PRIVATE_CIDRS="127.0.0.1/24,10.1.0.0/16")

    with pytest.raises(TriggerError, match=r"cannot be read: 127\.0\.0\.1/24 has host bits set") as refused:
        ports.triggers.of_type("http").start(a_request({"url": "http://127.0.0.1:8080/"}))

    assert refused.value.permanent
