"""A service that is spoken to in JSON: what is sent, and what its answers and its silence mean."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from interlock.ports import TriggerError
from interlock.triggers.http_calls import BODY_BYTES, AnswerLost, HttpAnswer, NotSent
from interlock.triggers.json_api import JsonApi, look_up_failed

SECRET = "hunter2-hunter2"


@dataclass
class Wire:
    """Answers with what the test lays out, and keeps what it was asked."""

    then: HttpAnswer | Exception = field(default_factory=lambda: HttpAnswer(200, "{}"))
    asked: list[tuple[str, str, dict[str, str], str | None]] = field(default_factory=list)

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: str | None,
        within_seconds: float,
        *,
        most_body_bytes: int = BODY_BYTES,
    ) -> HttpAnswer:
        assert within_seconds <= 60
        assert most_body_bytes > BODY_BYTES
        self.asked.append((method, url, dict(headers), body))
        if isinstance(self.then, Exception):
            raise self.then
        return self.then


def an_api(wire: Wire, url: str = "https://api.example/base/") -> JsonApi:
    return JsonApi(wire, "Service", url, {"Authorization": f"Bearer {SECRET}"}, [SECRET])


def answered(status: int, body: str = "", *, whole: bool = True) -> Wire:
    return Wire(HttpAnswer(status, body, whole))


def test_a_body_is_sent_as_json_to_the_path_below_the_address():
    wire = Wire()

    an_api(wire).call("POST", "/runs", {"id": 2**53 + 1})

    ((method, url, headers, body),) = wire.asked
    assert (method, url, body) == ("POST", "https://api.example/base/runs", '{"id": 9007199254740993}')
    assert headers == {
        "Accept": "application/json",
        "Authorization": f"Bearer {SECRET}",
        "Content-Type": "application/json",
    }


def test_a_call_without_a_body_says_nothing_of_one():
    wire = Wire()

    an_api(wire).call("GET", "/runs?limit=1")

    assert wire.asked[0][3] is None
    assert "Content-Type" not in wire.asked[0][2]


def test_whole_numbers_are_read_as_they_were_written():
    answer = an_api(answered(200, '{"run_id": 9223372036854775807}')).call("GET", "/")

    assert (answer.succeeded, answer.body) == (True, {"run_id": 9223372036854775807})


@pytest.mark.parametrize("value", [float("nan"), {1, 2}], ids=["no number", "a set"])
def test_a_body_that_json_cannot_say_is_refused_before_anything_is_sent(value: Any):
    wire = Wire()

    with pytest.raises(TriggerError, match="cannot be sent") as refused:
        an_api(wire).call("POST", "/", {"value": value})

    assert (refused.value.permanent, refused.value.unknown_outcome, wire.asked) == (True, False, [])


@pytest.mark.parametrize(
    ("silence", "permanent", "unknown"),
    [
        (NotSent("no route", permanent=False), False, False),
        (NotSent("a private address", permanent=True), True, False),
        (AnswerLost("no answer within 30 s"), False, True),
    ],
)
def test_a_silence_says_whether_the_call_may_have_taken_effect(
    silence: Exception, permanent: bool, unknown: bool
):
    with pytest.raises(TriggerError, match=f"Service at api.example: {silence}") as unheard:
        an_api(Wire(silence)).call("POST", "/")

    assert (unheard.value.permanent, unheard.value.unknown_outcome) == (permanent, unknown)


@pytest.mark.parametrize("body", ["<html>sign in</html>", "[]", '"yes"', "{", "[" * 100_000])
def test_a_success_that_is_no_json_object_comes_from_somebody_else(body: str):
    with pytest.raises(TriggerError, match="something else than JSON") as strange:
        an_api(answered(200, body)).call("GET", "/")

    assert (strange.value.permanent, strange.value.unknown_outcome) == (False, True)


def test_a_success_with_nothing_to_say_is_a_success():
    answer = an_api(answered(204)).call("DELETE", "/")

    assert (answer.succeeded, answer.body) == (True, {})


def test_a_success_that_is_too_long_to_be_read_is_not_guessed_at():
    with pytest.raises(TriggerError, match="longer than") as cut:
        an_api(answered(200, '{"run_id": 1', whole=False)).call("POST", "/")

    assert (cut.value.permanent, cut.value.unknown_outcome) == (True, True)


@pytest.mark.parametrize(
    ("status", "permanent", "unknown"),
    [
        (302, True, False),
        (400, True, False),
        (401, True, False),
        (404, True, False),
        (408, False, False),
        (429, False, False),
        (500, False, True),
        (503, False, True),
    ],
)
def test_a_refusal_passes_or_lasts_by_its_status(status: int, permanent: bool, unknown: bool):
    api = an_api(answered(status, '{"error": "no"}'))
    answer = api.call("POST", "/")

    refused = api.refusal(answer, may_have_worked=True)

    assert not answer.succeeded
    assert str(refused) == f'Service at api.example: answered {status}: {{"error": "no"}}'
    assert (refused.permanent, refused.unknown_outcome) == (permanent, unknown)
    assert not api.refusal(answer).unknown_outcome


def test_a_refusal_of_which_the_service_says_that_it_passes_does():
    api = an_api(answered(400, '{"error_code": "BUSY"}'))

    assert not api.refusal(api.call("POST", "/"), passes=True).permanent


def test_a_refusal_too_long_to_be_read_is_a_refusal_all_the_same():
    answer = an_api(answered(400, "x" * 1000, whole=False)).call("GET", "/")

    assert (answer.status, answer.body) == (400, {})


@pytest.mark.parametrize("before", [0, 480, 490, 495, 1990])
def test_no_answer_is_quoted_with_a_credential_or_a_part_of_one(before: int):
    body = json.dumps({"message": "x" * before + SECRET})

    answer = an_api(answered(403, body)).call("GET", "/")

    assert SECRET[:4] not in answer.text


@pytest.mark.parametrize("url", ["https://", "https://[", "nonsense"])
def test_an_address_that_names_no_host_still_gives_a_message(url: str):
    with pytest.raises(TriggerError, match="Service at "):
        an_api(Wire(NotSent("not a URL", permanent=True)), url).call("GET", "/")


def test_a_success_that_misses_what_it_must_say_leaves_the_outcome_unknown():
    unknown = an_api(Wire()).misunderstood("it named no run")

    assert str(unknown) == "Service at api.example: unknown outcome: it named no run"
    assert (unknown.permanent, unknown.unknown_outcome) == (True, True)


@pytest.mark.parametrize("permanent", [True, False])
def test_a_look_up_that_failed_leaves_it_unknown_whether_the_job_exists(permanent: bool):
    failed = look_up_failed(TriggerError("answered 403", permanent=permanent))

    assert (failed.permanent, failed.unknown_outcome) == (permanent, True)
    assert "an earlier try" in str(failed)
