"""HTTP jobs over the network: an endpoint on loopback that takes nothing but what it has been promised."""

import base64
import json
from contextlib import contextmanager

import pytest

from interlock.domain.run import JobEnd
from interlock.ports import TriggerError
from interlock.triggers.background import on_a_thread
from interlock.triggers.http import HttpTrigger
from interlock.triggers.http_client import HttpClient
from interlock.triggers.outside import Outside
from interlock.triggers.public_address import AddressRules
from triggers.loopback import loopback
from triggers.requests_for import RUN_ID, a_request

CONFIG = {
    "url": "/v1/jobs/gold?full=yes",
    "method": "PUT",
    "headers": {"Authorization": "Bearer let-me-in"},
    "body": {"day": "20260301", "tables": ["orders"]},
}


class Endpoint:
    """One job for each idempotency key; it may fail to say so."""

    def __init__(self):
        self.jobs, self.loses_answers = {}, 0

    def respond(self, exchange):
        status = self._refusal(exchange.received) or self._take(exchange.received)
        if status < 300 and self.loses_answers:
            self.loses_answers -= 1
            exchange.drop()
        else:
            exchange.answer(status, json.dumps({"status": status}))

    def _refusal(self, received):
        wrong = {
            405: received.method != "PUT",
            404: received.path != "/v1/jobs/gold?full=yes",
            401: received.headers.get("authorization") != "Bearer let-me-in",
            415: received.headers.get("content-type") != "application/json",
            428: "idempotency-key" not in received.headers,
        }
        return next((status for status, is_wrong in wrong.items() if is_wrong), None)

    def _take(self, received):
        if received.json != CONFIG["body"]:
            return 422
        known = received.headers["idempotency-key"] in self.jobs
        self.jobs[received.headers["idempotency-key"]] = received.json
        return 200 if known else 201


@contextmanager
def an_endpoint():
    endpoint = Endpoint()
    with loopback(endpoint.respond) as served:
        outside = Outside(
            clients=None,
            http=HttpClient(AddressRules(["127.0.0.1/32"])),
            processes=None,
            in_background=on_a_thread,
            answer_seconds=5,
        )

        def start(*, idempotent=False, **changes):
            config = CONFIG | changes
            config["url"] = served.url + config["url"]
            return HttpTrigger(outside).start(a_request(config, idempotent=idempotent)).answer()

        yield endpoint, start


def test_the_endpoint_gets_method_path_credentials_key_and_body():
    with an_endpoint() as (endpoint, start):
        assert start().end is JobEnd.SUCCESS

    assert endpoint.jobs == {RUN_ID: CONFIG["body"]}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"method": "POST"}, 405),
        ({"url": "/v1/jobs/gold"}, 404),
        ({"headers": {"Authorization": "Bearer somebody"}}, 401),
        ({"headers": {}}, 401),
        ({"body": "plain"}, 415),
        ({"body": {"day": "20260302"}}, 422),
    ],
)
def test_what_the_endpoint_refuses_starts_nothing_and_lasts(change, status):
    with (
        an_endpoint() as (endpoint, start),
        pytest.raises(TriggerError, match=f"answered {status}") as refused,
    ):
        start(**change)

    assert (refused.value.permanent, refused.value.unknown_outcome) == (True, False)
    assert endpoint.jobs == {}


def test_an_endpoint_that_knows_the_key_takes_a_repeated_start_as_the_same_job():
    with an_endpoint() as (endpoint, start):
        endpoint.loses_answers = 1
        with pytest.raises(TriggerError, match="unknown outcome") as lost:
            start(idempotent=True)
        start(idempotent=True)

    assert not lost.value.permanent
    assert len(endpoint.jobs) == 1


def test_user_and_password_of_the_url_are_not_sent_where_a_header_says_otherwise():
    with loopback(lambda exchange: exchange.answer(200)) as served:
        http = HttpClient(AddressRules(["127.0.0.1/32"]))
        outside = Outside(clients=None, http=http, processes=None, in_background=on_a_thread)
        url = served.url.replace("://", "://me:pw@")
        HttpTrigger(outside).start(a_request({"url": url})).answer()
        HttpTrigger(outside).start(a_request({"url": url, "headers": {"authorization": "Bearer t"}})).answer()

    sent = [received.headers["authorization"] for received in served.received]
    assert sent == ["Basic " + base64.b64encode(b"me:pw").decode(), "Bearer t"]
