"""HTTP jobs: what is sent, and what each answer means. The network itself is `test_http_client`'s matter."""

import json

import pytest

from interlock.domain.run import JobEnd
from interlock.ports import TriggerError
from interlock.triggers.background import on_a_thread
from interlock.triggers.http import HttpTrigger
from interlock.triggers.http_calls import AnswerLost, HttpAnswer, NotSent
from interlock.triggers.outside import Outside
from triggers.requests_for import RUN_ID, a_request

URL = "https://jobs.example/start"


class Target:
    """`HttpCalls` that keeps what it is asked and answers what the test says."""

    def __init__(self, answer=HttpAnswer(200)):  # noqa: B008 - frozen
        self.answer, self.asked = answer, []

    def request(self, method, url, headers, body, within_seconds):
        self.asked.append((method, url, headers, body, within_seconds))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def start(target, *, idempotent=False, **config):
    outside = Outside(clients=None, http=target, processes=None, in_background=on_a_thread)
    return HttpTrigger(outside).start(a_request({"url": URL, **config}, idempotent=idempotent))


def test_without_more_it_posts_the_period_as_json_under_an_idempotency_key():
    target = Target()

    start(target)

    ((method, url, headers, body, _),) = target.asked
    assert (method, url) == ("POST", URL)
    assert headers == {"Idempotency-Key": RUN_ID, "Content-Type": "application/json"}
    assert json.loads(body) == {
        "pipeline": "gold-revenue",
        "date": "2026-03-01",
        "hour": "18",
        "par_day": "20260301",
        "par_hour": "18",
        "attempt": 1,
        "run_id": RUN_ID,
    }


@pytest.mark.parametrize(
    ("config", "body", "content_type"),
    [
        ({"body": {"n": 1}}, '{"n": 1}', "application/json"),
        ({"body": '{"n": 1}'}, '{"n": 1}', "application/json"),
        ({"body": "plain"}, "plain", "text/plain; charset=utf-8"),
        ({"body": "<x/>", "headers": {"content-type": "text/xml"}}, "<x/>", None),
        ({"method": "GET"}, None, None),
        ({"method": "get", "body": "q"}, "q", "text/plain; charset=utf-8"),
    ],
)
def test_the_body_is_sent_as_what_it_is(config, body, content_type):
    target = Target()

    start(target, **config)

    ((_, _, headers, sent, _),) = target.asked
    assert (sent, headers.get("Content-Type")) == (body, content_type)


def test_headers_of_the_user_count_before_ours_and_are_texts():
    target = Target()

    start(target, headers={"idempotency-key": "mine", "X-Rows": 7, "X-Full": True})

    assert target.asked[0][2] == {
        "Content-Type": "application/json",
        "idempotency-key": "mine",
        "X-Rows": "7",
        "X-Full": "true",
    }


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_two_hundred_and_more_is_success(status):
    assert start(Target(HttpAnswer(status))).answer().end is JobEnd.SUCCESS


def test_with_a_callback_it_only_means_accepted_and_the_wait_for_it_is_short():
    target = Target(HttpAnswer(202))

    started = start(target, callback=True)

    assert started.answer is None
    assert target.asked[0][4] == 30


@pytest.mark.parametrize(
    ("status", "permanent"),
    [
        *((status, True) for status in (302, 400, 401, 404, 409, 422)),
        *((status, False) for status in (408, 425, 429, 500, 502, 503)),
    ],
)
@pytest.mark.parametrize("callback", [False, True])
def test_any_other_answer_is_a_refusal(status, permanent, callback):
    with pytest.raises(TriggerError, match=f"jobs.example: answered {status}: not today") as error:
        start(Target(HttpAnswer(status, "not today")), callback=callback)

    assert (error.value.permanent, error.value.unknown_outcome) == (permanent, False)


@pytest.mark.parametrize("permanent", [False, True])
def test_a_request_that_was_not_sent_started_nothing(permanent):
    with pytest.raises(TriggerError, match="no route") as error:
        start(Target(NotSent("no route", permanent=permanent)))

    assert (error.value.permanent, error.value.unknown_outcome) == (permanent, False)


@pytest.mark.parametrize("callback", [False, True])
@pytest.mark.parametrize("idempotent", [False, True])
def test_a_lost_answer_is_an_unknown_outcome(idempotent, callback):
    with pytest.raises(TriggerError, match="unknown outcome: HTTP POST: time-out") as error:
        start(Target(AnswerLost("time-out")), idempotent=idempotent, callback=callback)

    assert (error.value.permanent, error.value.unknown_outcome) == (not idempotent, True)


def test_a_job_that_was_taken_on_waits_for_its_callback_although_the_answer_broke_off():
    assert start(Target(AnswerLost("broke off", status=202)), callback=True).answer is None


def test_an_answer_that_breaks_off_after_its_status_is_no_end_of_the_job():
    with pytest.raises(TriggerError, match="unknown outcome"):
        start(Target(AnswerLost("broke off", status=200)))


def test_an_error_page_that_repeats_credentials_is_shown_without_them():
    page = HttpAnswer(401, "POST /hooks/p4th-token: Bearer s3cr3t-token; key=qu3ry-token; p4ssw0rd refused")

    with pytest.raises(TriggerError, match="refused") as error:
        start(
            Target(page),
            url="https://me:p4ssw0rd@jobs.example/hooks/p4th-token?key=qu3ry-token",
            headers={"Authorization": "Bearer s3cr3t-token"},
        )

    assert "token" not in str(error.value)
    assert "p4ssw0rd" not in str(error.value)


@pytest.mark.parametrize("shown", ["bWU6cEBzcy13MHJk", "p@ss-w0rd", "p%40ss-w0rd"])
def test_an_error_page_that_repeats_the_password_in_another_form_is_shown_without_it(shown):
    with pytest.raises(TriggerError, match="refused") as error:
        start(Target(HttpAnswer(401, f"{shown} refused")), url="https://me:p%40ss-w0rd@jobs.example/")

    assert shown not in str(error.value)


@pytest.mark.parametrize(
    "config",
    [
        {"url": None},
        {"url": ""},
        {"url": "http://[::1"},
        {"headers": "a: b"},
        {"body": 7},
        {"body": {"x": float("nan")}},
    ],
)
def test_a_config_that_no_request_can_be_made_of_is_a_permanent_error(config):
    with pytest.raises(TriggerError, match=r"job\.config\.") as error:
        start(Target(), **config)

    assert error.value.permanent
