"""What comes of a function that is called once more, and of an alert that is sent once more."""

import io
import json
from base64 import b64encode

import pytest
from botocore.response import StreamingBody

from aws.stubs import stubbed
from interlock.aws.front_door import AwsFrontDoor
from interlock.ports import CallFailed

ROUTER = "arn:aws:lambda:eu-west-1:123456789012:function:prod-interlock-stream-router"
PAYLOAD = '{"Records": []}'


@pytest.fixture
def functions(session):
    return session.client("lambda")


def called(functions, said, log="", **answer):
    content = said if isinstance(said, bytes) else json.dumps(said).encode()
    response = {
        "StatusCode": 200,
        "Payload": StreamingBody(io.BytesIO(content), len(content)),
        "LogResult": b64encode(log.encode()).decode(),
        **answer,
    }
    request = {"FunctionName": ROUTER, "Payload": PAYLOAD, "LogType": "Tail"}
    with stubbed(functions) as stub:
        stub.add_response("invoke", response, request)
        return AwsFrontDoor(functions, None, "").invoke(ROUTER, PAYLOAD)


@pytest.mark.parametrize("said", [{}, None, {"batchItemFailures": []}, {"handedOn": 3}, b""])
def test_a_function_that_did_its_work_says_nothing(functions, said):
    assert called(functions, said) is None


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"errorType": "ValueError", "errorMessage": "no\nevent"}, "ValueError: no event"),
        ({"errorMessage": "Task timed out after 60.00 seconds"}, "Task timed out after 60.00 seconds"),
        (None, "the function failed and does not say why"),
    ],
)
def test_a_function_that_fails_says_why(functions, said, why):
    assert called(functions, said, FunctionError="Unhandled") == why


LINE = json.dumps(
    {
        "level": "ERROR",
        "message": "stream record failed",
        "exception": 'Traceback ...\n  File "x.py"\ninterlock.ports.CallFailed: dynamodb.GetItem: Throttled',
        "exception_name": "CallFailed",
    }
)


@pytest.mark.parametrize(
    ("log", "cause"),
    [
        pytest.param(
            f"START\n{LINE}\nEND", " (CallFailed: dynamodb.GetItem: Throttled)", id="a log line of ours"
        ),
        pytest.param(LINE[60:], " (CallFailed: dynamodb.GetItem: Throttled)", id="without its beginning"),
        pytest.param(LINE[-40:], " (CallFailed)", id="with its end alone"),
        pytest.param("START\nEND", "", id="nothing of it"),
    ],
)
def test_records_that_failed_again_are_counted_with_the_cause_that_was_logged(functions, log, cause):
    failed = {"batchItemFailures": [{"itemIdentifier": "1"}, {"itemIdentifier": "7"}]}

    why = called(functions, failed, log)

    assert why == f"2 of its pipelines failed again{cause}: see the log of prod-interlock-stream-router"


def test_a_call_that_is_refused_is_a_failed_call(functions):
    with stubbed(functions) as stub:
        stub.add_client_error("invoke", "TooManyRequestsException", http_status_code=429)

        with pytest.raises(CallFailed, match="TooManyRequestsException"):
            AwsFrontDoor(functions, None, "").invoke(ROUTER, PAYLOAD)


def test_an_alert_waits_in_the_queue_again(aws, functions):
    sqs = aws("sqs")
    url = sqs.create_queue(QueueName="alerts")["QueueUrl"]

    AwsFrontDoor(functions, sqs, url).send_alert('{"detail": "ä"}')

    assert [one["Body"] for one in sqs.receive_message(QueueUrl=url)["Messages"]] == ['{"detail": "ä"}']
