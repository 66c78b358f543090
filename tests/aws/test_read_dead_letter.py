"""Dead letters as AWS writes them are read; what nobody can read, or is not ours, is one line that says why."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dead_letter_box import SENT_AT
from event_builder import an_event
from interlock.aws.dead_letters import Installation
from interlock.aws.event_bus import detail_text
from interlock.aws.read_dead_letter import reading_of
from interlock.domain.bad_input import BadInput
from interlock.domain.dead_letter import Contents, DeadLetter, DeadLetterQueue, Invoke, SendAlert

HERE = "eu-west-1:123456789012"
OURS = Installation("prod-interlock", "aws", *HERE.split(":"))
ROUTER, SINK, ORCHESTRATOR = (
    f"arn:aws:lambda:{HERE}:function:prod-interlock-{name}"
    for name in ("stream-router", "event-sink", "orchestrator")
)
BUCKET = "prod-interlock-failures-123456789012-eu-west-1"
KEY = "aws/lambda/6c5ee6d5/shardId-1-2/2026/03/02/2026-03-02T08.00.00-7e0f"
ALERT = {"source": "interlock", "detail-type": "JOB_FAILED", "detail": json.loads(detail_text(an_event()))}


def read(queue, body, objects=None, **attributes):
    text = body if isinstance(body, str) else json.dumps(body)
    letter = DeadLetter("m1", "receipt", SENT_AT, text, attributes)
    stored = objects or {}
    return reading_of(DeadLetterQueue(queue), OURS, lambda bucket, key: stored[bucket, key])(letter)


def a_record(sort_key="SENSOR#orders#2026-03-02", pipeline="gold"):
    key = {"PK": {"S": f"PIPELINE#{pipeline}"}, "SK": {"S": sort_key}}
    return {"eventName": "INSERT", "dynamodb": {"Keys": key, "SequenceNumber": "1"}}


def a_kept_batch(*records, function=ROUTER, **changes):
    batch = {
        "requestContext": {"functionArn": function, "condition": "RetryAttemptsExhausted"},
        "DDBStreamBatchInfo": {"batchSize": len(records)},
        "payload": json.dumps({"Records": records}),
    }
    return json.dumps(batch | changes).encode()


def an_event_of(key, bucket=BUCKET):
    detail = {"version": "0", "bucket": {"name": bucket}, "object": {"key": key, "size": 9}}
    return {"source": "aws.s3", "detail-type": "Object Created", "detail": detail}


def test_an_alert_goes_back_as_it_came():
    errand = read("alerts", ALERT)

    assert errand.way_back == SendAlert(json.dumps(ALERT))
    assert errand.contents == Contents("JOB_FAILED", "gold-revenue", "2026-03-02")


def test_a_batch_goes_to_the_router_with_the_text_that_was_kept():
    payload = json.dumps(
        {"Records": [a_record("RUN#cron#2026-03-02"), a_record(pipeline="silver")]}, indent=1
    )
    stored = {(BUCKET, KEY): a_kept_batch(payload=payload)}

    errand = read("stream-failures", an_event_of(KEY), stored)

    assert errand.way_back == Invoke(ROUTER, payload)
    what = "2 records (RUN#cron#2026-03-02, SENSOR#orders#2026-03-02)"
    assert errand.contents == Contents(what, "gold, silver", "2026-03-02", "RetryAttemptsExhausted")


def test_a_payload_that_is_no_text_means_the_same():
    event = {"Records": [a_record()]}

    errand = read("stream-failures", an_event_of(KEY), {(BUCKET, KEY): a_kept_batch(payload=event)})

    assert json.loads(errand.way_back.payload) == event


def test_a_key_is_taken_as_it_stands():
    stored = {(BUCKET, "a+key%2B1"): a_kept_batch(a_record())}

    assert read("stream-failures", an_event_of("a+key%2B1"), stored).contents.what.startswith("1 record ")


def test_many_rows_are_named_by_the_first():
    stored = {(BUCKET, KEY): a_kept_batch(*(a_record(f"SENSOR#s{n}", f"p{n}") for n in range(9)))}

    contents = read("stream-failures", an_event_of(KEY), stored).contents

    assert contents.what == "9 records (SENSOR#s0, SENSOR#s1, SENSOR#s2, 6 more)"
    assert contents.pipeline == "p0, p1, p2, 6 more"


def test_an_undelivered_event_goes_to_the_function_it_was_for():
    attributes = {"TARGET_ARN": SINK, "ERROR_CODE": "NO_PERMISSIONS", "ERROR_MESSAGE": "may not\ninvoke"}

    errand = read("rule-failures", ALERT, **attributes)

    assert errand.way_back == Invoke(SINK, json.dumps(ALERT))
    about = ("JOB_FAILED for event-sink", "gold-revenue", "2026-03-02")
    assert errand.contents == Contents(*about, "NO_PERMISSIONS: may not invoke")


def test_an_undelivered_alert_goes_to_the_alert_queue():
    errand = read("rule-failures", ALERT, TARGET_ARN=f"arn:aws:sqs:{HERE}:prod-interlock-alerts")

    assert errand.way_back == SendAlert(json.dumps(ALERT))


def test_a_batch_that_could_not_be_listed_goes_to_the_router_all_the_same():
    stored = {(BUCKET, KEY): a_kept_batch(a_record())}
    target = f"arn:aws:sqs:{HERE}:prod-interlock-stream-failures-dead"

    errand = read("rule-failures", an_event_of(KEY), stored, TARGET_ARN=target, ERROR_CODE="NO_PERMISSIONS")

    assert errand == read("stream-failures", an_event_of(KEY), stored)
    assert errand.way_back == Invoke(ROUTER, json.dumps({"Records": [a_record()]}))


def a_failed_invocation(event, **changes):
    return {
        "requestContext": {"functionArn": f"{ORCHESTRATOR}:$LATEST", "condition": "RetriesExhausted"},
        "requestPayload": event,
        "responsePayload": {"errorType": "Lost", "errorMessage": "moved on"},
    } | changes


def test_a_failed_invocation_is_made_again_with_its_payload():
    event = {"step": "CheckRuns", "runs": [{"pipelineId": "gold", "date": "2026-03-02"}]}

    errand = read("invocation-failures", a_failed_invocation(event))

    assert errand.way_back == Invoke(ORCHESTRATOR, json.dumps(event))
    assert errand.contents == Contents("CheckRuns for orchestrator", "gold", "2026-03-02", "Lost: moved on")


def test_one_that_was_never_let_in_says_so():
    body = a_failed_invocation({"sweep": True}, responsePayload=None)
    body["requestContext"]["condition"] = "EventAgeExceeded"

    assert read("invocation-failures", body).contents.error == "EventAgeExceeded"


@pytest.mark.parametrize(
    ("queue", "body", "stored", "attributes", "why"),
    [
        pytest.param("alerts", "not JSON", {}, {}, "the message is no JSON", id="no JSON"),
        pytest.param("alerts", "[" * 100_000, {}, {}, "the message is no JSON", id="too deep"),
        pytest.param("alerts", [ALERT], {}, {}, "a JSON list, not an object", id="a list"),
        pytest.param("alerts", {"detail": {"type": "NO_TYPE"}}, {}, {}, "no alert", id="no event of ours"),
        pytest.param(
            "alerts",
            {"source": "aws.cloudwatch", "detail": []},
            {},
            {},
            "no alert",
            id="no alarm that went off",
        ),
        pytest.param("stream-failures", {"detail": {}}, {}, {}, "no event of S3", id="no object"),
        pytest.param("stream-failures", {"detail": 7}, {}, {}, "no event of S3", id="no event"),
        pytest.param(
            "stream-failures",
            an_event_of(KEY, bucket="payroll"),
            {},
            {},
            "'payroll' is not prod",
            id="another's bucket",
        ),
        pytest.param(
            "stream-failures", an_event_of(KEY), b"\xff\xfe{", {}, "is no JSON", id="an object of noise"
        ),
        pytest.param(
            "stream-failures",
            an_event_of(KEY),
            a_kept_batch(function=SINK),
            {},
            "not for stream-router",
            id="the sink's",
        ),
        pytest.param(
            "stream-failures",
            an_event_of(KEY),
            a_kept_batch(requestContext=7),
            {},
            "not called",
            id="nobody's batch",
        ),
        pytest.param(
            "stream-failures", an_event_of(KEY), a_kept_batch(), {}, "keeps no records", id="no records"
        ),
        pytest.param(
            "stream-failures",
            an_event_of(KEY),
            a_kept_batch(payload=None),
            {},
            "payload is no JSON",
            id="no payload",
        ),
        pytest.param(
            "stream-failures",
            an_event_of(KEY),
            a_kept_batch(payload='{"Records": [{"half": "\ud800"}]}'),
            {},
            "payload is no JSON",
            id="half a character",
        ),
        pytest.param("rule-failures", ALERT, {}, {}, "names no target", id="no target"),
        pytest.param(
            "rule-failures",
            an_event_of(KEY, bucket="payroll"),
            {},
            {"TARGET_ARN": f"arn:aws:sqs:{HERE}:prod-interlock-stream-failures-dead"},
            "'payroll' is not prod",
            id="another's bucket for the queue of failed batches",
        ),
        pytest.param(
            "rule-failures",
            ALERT,
            {},
            {"TARGET_ARN": f"arn:aws:sqs:{HERE}:payroll"},
            "is no function of prod-interlock",
            id="another's queue",
        ),
        pytest.param(
            "invocation-failures",
            a_failed_invocation({}, requestContext={"functionArn": "arn:aws:lambda:x:1:function:payroll"}),
            {},
            {},
            "not called",
            id="another's function",
        ),
        pytest.param(
            "invocation-failures",
            a_failed_invocation(None),
            {},
            {},
            "keeps no invocation with its payload",
            id="its payload was too large",
        ),
    ],
)
def test_what_cannot_go_back_says_why(queue, body, stored, attributes, why):
    with pytest.raises(BadInput) as refused:
        read(queue, body, {(BUCKET, KEY): stored}, **attributes)

    assert why in str(refused.value)
    assert len(str(refused.value)) < 600
    assert "\n" not in str(refused.value)


_NAMES = (
    *("Records", "bucket", "object", "name", "key", "dynamodb", "Keys", "PK", "SK", "S"),
    *("requestContext", "requestPayload", "responsePayload", "functionArn", "payload", "condition"),
    *("detail", "source", "type", "run", "runs", "pipelineId", "date"),
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_NAMES), inner, max_size=5),
)


@given(queue=st.sampled_from(list(DeadLetterQueue)), body=_JSON, stored=_JSON, target=st.text(max_size=30))
def test_whatever_stands_in_a_letter_is_read_or_refused(queue, body, stored, target):
    created = an_event_of(KEY) if queue is DeadLetterQueue.STREAM_FAILURES else body
    content = json.dumps(stored).encode()
    invoked = {"requestContext": {"functionArn": ROUTER}, "requestPayload": body}

    for letter in (body, created, invoked):
        try:
            errand = read(queue, letter, {(BUCKET, KEY): content}, TARGET_ARN=target or SINK)
        except BadInput:
            continue
        assert "\n" not in errand.contents.what
