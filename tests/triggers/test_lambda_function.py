"""Lambda on the wire: what is sent, and what each answer means."""

import json
import threading

import pytest
from hypothesis import given

from hostile import hostile_values
from interlock.domain.run import FailureCategory, JobEnd, Outcome
from interlock.ports import TriggerError
from interlock.triggers import lambda_function
from interlock.triggers.background import on_a_thread
from interlock.triggers.lambda_function import LambdaTrigger, outcome_of
from interlock.triggers.outside import Outside
from triggers.aws_services import a_client, clients_of
from triggers.loopback import loopback
from triggers.requests_for import RUN_ID, a_request


def trigger_at(url, in_background=on_a_thread):
    return LambdaTrigger(
        Outside(clients=clients_of(url), http=None, processes=None, in_background=in_background)
    )


@pytest.mark.parametrize(
    ("config", "sent"),
    [
        ({"payload": '{"day": 1}'}, {"day": 1}),
        ({"payload": {"day": "2026-03-01"}}, {"day": "2026-03-01"}),
        (
            {},
            {
                "pipeline": "gold-revenue",
                "date": "2026-03-01",
                "hour": "18",
                "par_day": "20260301",
                "par_hour": "18",
                "attempt": 1,
                "run_id": RUN_ID,
            },
        ),
    ],
)
def test_a_function_is_told_its_payload_or_its_period(config, sent):
    with loopback(lambda exchange: exchange.answer(200, "null")) as served:
        trigger_at(served.url).start(a_request({"functionName": "etl", **config})).answer()

    assert served.received[0].json == sent
    assert served.received[0].path == "/2015-03-31/functions/etl/invocations"
    assert served.received[0].headers["x-amz-invocation-type"] == "RequestResponse"


def test_an_asynchronous_invocation_is_an_event_and_has_no_answer():
    with loopback(lambda exchange: exchange.answer(202)) as served:
        started = trigger_at(served.url).start(a_request({"functionName": "etl", "async": True}))

    assert started.answer is None
    assert served.received[0].headers["x-amz-invocation-type"] == "Event"


def test_a_function_that_takes_its_time_is_started_before_it_answers():
    goes_on = threading.Event()

    def respond(exchange):
        goes_on.wait(10)
        exchange.answer(200, '{"rows": 7}')

    def impatient(call):
        pending = on_a_thread(call)
        pending.ended_within = lambda _seconds: False
        return pending

    with loopback(respond) as served:
        started = trigger_at(served.url, impatient).start(a_request({"functionName": "etl"}))
        goes_on.set()
        assert started.answer() == Outcome(JobEnd.SUCCESS)


@pytest.mark.parametrize(
    ("body", "function_error", "outcome"),
    [
        (b"", None, Outcome(JobEnd.SUCCESS)),
        (b"null", None, Outcome(JobEnd.SUCCESS)),
        (b"not json", None, Outcome(JobEnd.SUCCESS)),
        (b'"fine"', None, Outcome(JobEnd.SUCCESS)),
        (b'{"statusCode": 200}', None, Outcome(JobEnd.SUCCESS)),
        (
            b'{"statusCode": 500, "body": "no space"}',
            None,
            Outcome(JobEnd.FAIL, "statusCode 500: no space", FailureCategory.TRANSIENT),
        ),
        (
            b'{"statusCode": "429"}',
            None,
            Outcome(JobEnd.FAIL, "statusCode 429: ", FailureCategory.TRANSIENT),
        ),
        (
            b'{"statusCode": 404, "body": {"why": "gone"}}',
            None,
            Outcome(JobEnd.FAIL, "statusCode 404: {'why': 'gone'}", FailureCategory.PERMANENT),
        ),
        (
            b'{"errorType": "KeyError", "errorMessage": "day"}',
            "Unhandled",
            Outcome(JobEnd.FAIL, "FunctionError Unhandled: KeyError: day"),
        ),
        (b"oops", "Handled", Outcome(JobEnd.FAIL, "FunctionError Handled: ")),
    ],
)
def test_what_an_answer_means(body, function_error, outcome):
    assert outcome_of(body, function_error) == outcome


@given(hostile_values())
def test_any_answer_is_an_outcome(value):
    try:
        body = json.dumps({"statusCode": value, "errorMessage": value}).encode()
    except (TypeError, ValueError, RecursionError):
        body = repr(type(value)).encode()

    assert outcome_of(body, None).end in (JobEnd.SUCCESS, JobEnd.FAIL)
    assert outcome_of(body, "Unhandled").end is JobEnd.FAIL


@pytest.mark.parametrize("depth", [10, 100_000])
def test_an_answer_nested_without_end_is_read_as_no_answer(depth):
    assert outcome_of(b"[" * depth + b"]" * depth, None).end is JobEnd.SUCCESS


@pytest.mark.parametrize(
    ("code", "status", "permanent"),
    [
        ("ResourceNotFoundException", 404, True),
        ("AccessDeniedException", 403, True),
        ("InvalidRequestContentException", 400, True),
        ("RequestTooLargeException", 413, True),
        ("RecursiveInvocationException", 400, True),
        ("KMSDisabledException", 502, True),
        ("InvalidZipFileException", 502, True),
        ("TooManyRequestsException", 429, False),
        ("ResourceConflictException", 409, False),
        ("ENILimitReachedException", 502, False),
        ("ENINotReadyException", 502, False),
        ("CodeArtifactUserPendingException", 409, False),
        ("ServiceException", 500, False),
    ],
)
def test_what_a_refusal_means(code, status, permanent):
    with (
        loopback(lambda exchange: exchange.answer(status, "{}", x_amzn_ErrorType=code)) as served,
        pytest.raises(TriggerError, match=f"Lambda function etl: {code}") as error,
    ):
        trigger_at(served.url).start(a_request({"functionName": "etl"}))

    assert (error.value.permanent, error.value.unknown_outcome) == (permanent, False)


def test_every_5xx_that_the_service_model_names_was_said_before_the_function_ran():
    operation = a_client("lambda").meta.service_model.operation_model("Invoke")
    broken = {
        shape.name for shape in operation.error_shapes if shape.metadata["error"]["httpStatusCode"] >= 500
    }

    assert broken <= lambda_function._PASSING | lambda_function._LASTING


def test_nothing_is_known_of_a_refusal_that_the_service_model_does_not_name():
    operation = a_client("lambda").meta.service_model.operation_model("Invoke")

    known = lambda_function._PASSING | lambda_function._LASTING
    assert known <= {shape.name for shape in operation.error_shapes}


@pytest.mark.parametrize(
    "respond",
    [
        pytest.param(lambda exchange: exchange.drop(), id="the line is cut"),
        pytest.param(lambda exchange: exchange.answer(502, "bad gateway"), id="a gateway gave up"),
    ],
)
@pytest.mark.parametrize("idempotent", [False, True])
def test_an_answer_that_is_lost_is_never_followed_by_a_second_invocation_unless_allowed(respond, idempotent):
    with (
        loopback(respond) as served,
        pytest.raises(TriggerError, match="unknown outcome: Lambda function etl") as error,
    ):
        trigger_at(served.url).start(a_request({"functionName": "etl"}, idempotent=idempotent))

    assert (error.value.permanent, error.value.unknown_outcome) == (not idempotent, True)
    assert len(served.received) == 1
