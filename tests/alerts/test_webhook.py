"""The webhook's wire: one text for each alert, to an address that is a secret."""

import pytest
import urllib3

from alerts.scripted_server import serving
from event_builder import an_event
from interlock.alerts.webhook import NO_THREAD, WebhookChannel
from interlock.domain.message import alert_of
from interlock.ports import DeliveryError

ALERT = alert_of(an_event(detail={"error": "Rate exceeded"}))
OK = (200, b"ok", {})
GONE = (404, b"no_service", {})


@pytest.fixture
def http():
    with urllib3.PoolManager() as pool:
        yield pool


def test_an_alert_is_one_text_that_any_chat_tool_takes(http):
    with serving(OK) as (server, address):
        WebhookChannel(lambda _: f"{address}/services/T0/B0", http).send(ALERT, None)

    path, _, body = server.requests[0]
    assert path == "/services/T0/B0"
    assert list(body) == ["text"]
    assert "*Job failed: gold-revenue, 2026-03-02, attempt 1*" in body["text"]


def test_there_are_no_threads(http):
    with serving(OK) as (server, address):
        channel = WebhookChannel(lambda _: address, http)
        references = [channel.send(ALERT, None), channel.send(ALERT, NO_THREAD)]

    assert references == [NO_THREAD, NO_THREAD]
    assert server.bodies[0] == server.bodies[1]


def test_an_address_that_is_refused_is_read_anew_once(http):
    with serving(GONE, OK) as (server, address):
        WebhookChannel(lambda anew: f"{address}/{'new' if anew else 'old'}", http).send(ALERT, None)

    assert [path for path, _, _ in server.requests] == ["/old", "/new"]


def test_an_address_that_is_refused_twice_is_given_up(http):
    with serving(GONE) as (server, address), pytest.raises(DeliveryError) as failed:
        WebhookChannel(lambda _: address, http).send(ALERT, None)

    assert (len(server.requests), failed.value.permanent) == (2, True)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "hooks.slack.com/services/T0",
        "ftp://hooks.example/T0",
        "https://",
        "https://[oops/T0",
        "https://hooks.example/T 0",
        "https://hooks.example/T0\r\nX-Evil: 1",
        pytest.param("http://hooks.example/T0", id="unencrypted"),
    ],
)
def test_a_secret_that_is_no_safe_address_is_named_not_shown(http, address):
    with pytest.raises(DeliveryError, match="does not hold a webhook's https address") as failed:
        WebhookChannel(lambda _: address, http).send(ALERT, None)

    assert failed.value.permanent
    assert "T0" not in str(failed.value)
