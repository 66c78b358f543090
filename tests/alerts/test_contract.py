"""What every alert channel keeps to, shown against a server on loopback."""

import json
import socket
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import urllib3

from alerts.scripted_server import serving
from event_builder import an_event
from interlock.alerts import CHANNELS
from interlock.alerts.slack import SlackChannel
from interlock.alerts.webhook import WebhookChannel
from interlock.domain.message import alert_of
from interlock.ports import DeliveryError

SECRET = "xoxb-7-SECRET"


@dataclass(frozen=True)
class Kind:
    """One kind of channel: how it is made for an address, and what its service answers when it takes a message."""

    make: Callable
    taken: bytes


def slack(address, http):
    return SlackChannel(lambda _: SECRET, "C0123456789", f"{address}/api", http)


def webhook(address, http):
    return WebhookChannel(lambda _: f"{address}/services/{SECRET}", http)


KINDS = {
    "slack": Kind(slack, json.dumps({"ok": True, "ts": "1503435956.000247"}).encode()),
    "webhook": Kind(webhook, b"ok"),
}


@pytest.fixture
def http():
    with urllib3.PoolManager() as pool:
        yield pool


@pytest.fixture(params=CHANNELS)
def kind(request):
    return KINDS[request.param]


def sent(kind, http, *answers, alert=None):
    """What the service got, and the reference or the DeliveryError that came of it."""
    with serving(*answers) as (server, address):
        try:
            outcome = kind.make(address, http).send(alert or alert_of(an_event()), None)
        except DeliveryError as error:
            outcome = error
        return server.requests, outcome


def answer(status, body=b"", **headers):
    return status, body, {name.replace("_", "-"): value for name, value in headers.items()}


def test_a_message_that_is_taken_has_a_reference(kind, http):
    requests, reference = sent(kind, http, answer(200, kind.taken))

    assert len(requests) == 1
    assert isinstance(reference, str)
    assert reference


def test_the_message_and_the_facts_are_in_what_is_sent(kind, http):
    alert = alert_of(an_event(message="it broke", detail={"error": "Rate exceeded", "owner": "analytics"}))

    requests, _ = sent(kind, http, answer(200, kind.taken), alert=alert)

    text = json.dumps(requests[0][2])
    assert "Job failed: gold-revenue, 2026-03-02, attempt 1" in text
    assert "it broke" in text
    assert "Rate exceeded" in text
    assert "analytics" in text


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_refusal_that_passes_is_transient(kind, http, status):
    requests, error = sent(kind, http, answer(status))

    assert (error.permanent, len(requests)) == (False, 1)
    assert str(status) in str(error)


@pytest.mark.parametrize("status", [400, 405, 413])
def test_a_refusal_that_does_not_pass_is_permanent(kind, http, status):
    _, error = sent(kind, http, answer(status))

    assert error.permanent


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({"Retry_After": "30"}, 30, id="seconds"),
        pytest.param({"Retry_After": "0"}, 1, id="at once is after a second"),
        pytest.param({"Retry_After": "86400"}, 900, id="a day is too long for an alert"),
        pytest.param({"Retry_After": "9" * 500}, 900, id="digits without end"),
        pytest.param(
            {"Retry_After": "Mon, 02 Mar 2026 08:16:00 GMT", "Date": "Mon, 02 Mar 2026 08:15:00 GMT"},
            60,
            id="a date",
        ),
        pytest.param(
            {"Retry_After": "Mon, 02 Mar 2026 08:14:00 GMT", "Date": "Mon, 02 Mar 2026 08:15:00 GMT"},
            1,
            id="a date that is past",
        ),
        pytest.param(
            {"Retry_After": "Mon, 02 Mar 2026 08:16:00 GMT"}, None, id="a date, and no clock to hold to it"
        ),
        pytest.param({"Retry_After": "soon"}, None, id="unreadable"),
        pytest.param({"Retry_After": "-5"}, None, id="negative"),
        pytest.param({}, None, id="absent"),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_the_service_says_how_long_to_wait(kind, http, status, headers, seconds):
    _, error = sent(kind, http, answer(status, **headers))

    assert error.retry_after_seconds == seconds


def test_a_redirect_is_not_followed(kind, http):
    with serving(answer(200, kind.taken)) as (elsewhere, other_address):
        requests, error = sent(kind, http, answer(307, Location=f"{other_address}/stolen"))

    assert (len(requests), elsewhere.requests) == (1, [])
    assert error.permanent


def test_a_service_that_is_down_is_transient(kind, http):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: a connection is refused
        channel = kind.make(f"http://127.0.0.1:{taken.getsockname()[1]}", http)

        with pytest.raises(DeliveryError) as failed:
            channel.send(alert_of(an_event()), None)

    assert not failed.value.permanent
    assert failed.value.retry_after_seconds == 5  # the rest of the batch need not run into it as well


def test_a_service_that_never_answers_is_given_up(kind, http, monkeypatch):
    monkeypatch.setattr("interlock.alerts.post._TIMEOUT", urllib3.Timeout(connect=1, read=0.1))

    _, error = sent(kind, http, None)

    assert not error.permanent
    assert "ReadTimeout" in str(error)


@pytest.mark.parametrize("status", [400, 404, 410, 429, 500])
def test_no_error_holds_the_secret(kind, http, status):
    _, error = sent(kind, http, answer(status, SECRET.encode(), Location=SECRET))

    assert SECRET not in str(error)
    assert error.__cause__ is None


def test_a_dead_service_does_not_spill_the_secret(kind, http):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(DeliveryError) as failed:
            kind.make(f"http://127.0.0.1:{taken.getsockname()[1]}", http).send(alert_of(an_event()), None)

    assert SECRET not in str(failed.value)
    assert failed.value.__cause__ is None  # a traceback would print urllib3's error, which quotes the path
    assert failed.value.__suppress_context__


@pytest.mark.parametrize(
    "ping", ["<!channel>", "<!here>", "<@U123>", "<!subteam^S1>", "<https://evil|ok>", "@here"]
)
def test_nothing_from_outside_can_ping_or_link(kind, http, ping):
    detail = {
        "owner": ping,
        "runbook": ping,
        "error": ping,
        ping: ping,
        "unmet": [{"rule": ping, "reason": ping}],
    }
    alert = alert_of(an_event(message=ping, pipeline_id=ping, detail=detail))

    requests, _ = sent(kind, http, answer(200, kind.taken), alert=alert)

    assert ping not in json.dumps(requests[0][2], ensure_ascii=False)


@pytest.mark.parametrize("letter", ["&", "<", "`", "x", "@a ", "数", "😀"])
def test_the_longest_alert_stays_within_what_the_service_takes(kind, http, letter):
    long = letter * 5000
    detail = {f"fact{number}": long for number in range(30)} | {
        "unmet": [{"reason": long, "rule": long}] * 30
    }
    detail |= {"owner": long, "runbook": "https://wiki/" + long}
    alert = alert_of(an_event(message=long, pipeline_id=long, detail=detail))

    requests, _ = sent(kind, http, answer(200, kind.taken), alert=alert)

    body = requests[0][2]
    texts = [block["text"]["text"] for block in body.get("blocks", [])]
    assert len(body["text"]) <= 9600
    assert sum(map(len, texts)) <= 9600
    assert all(1 <= len(text) <= 3000 for text in texts)
    assert "rest is in the events table" in "".join([body["text"], *texts])


def test_a_body_that_is_large_is_not_read_to_its_end(kind, http):
    with serving(answer(200, kind.taken + b" " * 5_000_000)) as (server, address):
        kind.make(address, http).send(alert_of(an_event()), None)

        assert server.hung_up_on.wait(5)
