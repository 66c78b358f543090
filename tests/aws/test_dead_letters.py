"""A dead-letter queue, on moto and in memory: what one does, the other does."""

import pytest

from dead_letter_box import DeadLetterBox
from interlock.aws.dead_letters import HIDDEN_SECONDS, Installation, SqsDeadLetters, find_installation
from interlock.domain.bad_input import BadInput
from interlock.domain.dead_letter import Contents, DeadLetterQueue, Errand, SendAlert, Waiting
from interlock.local.stack import CALLED_ASYNCHRONOUSLY, FUNCTION_SECONDS, LONG_FUNCTION_SECONDS
from interlock.ports import CallFailed

PREFIX = "prod-interlock"
OURS = Installation(PREFIX, "aws", "eu-west-1", "123456789012")


def reading(letter):
    return Errand(Contents(letter.body), SendAlert(letter.body))


@pytest.fixture
def sqs(aws):
    return aws("sqs")


@pytest.fixture(params=["sqs", "memory"])
def box(request):
    """The queue, and how something comes into it."""
    if request.param == "memory":
        box = DeadLetterBox(reading)
        return box, box.add
    sqs = request.getfixturevalue("sqs")
    url = sqs.create_queue(QueueName=f"{PREFIX}-rule-failures-dead")["QueueUrl"]

    def add(body, **attributes):
        typed = {name: {"DataType": "String", "StringValue": text} for name, text in attributes.items()}
        sqs.send_message(QueueUrl=url, MessageBody=body, MessageAttributes=typed)

    return SqsDeadLetters(sqs, OURS, DeadLetterQueue.RULE_FAILURES, reading), add


def test_a_letter_comes_with_what_its_sender_wrote(box):
    letters, add = box
    add("event", TARGET_ARN="arn:1", ERROR_CODE="NO_PERMISSIONS")

    letter = letters.take()

    assert (letter.body, letter.attributes) == (
        "event",
        {"TARGET_ARN": "arn:1", "ERROR_CODE": "NO_PERMISSIONS"},
    )
    assert letter.sent_at.year >= 2026
    assert letters.read(letter).contents.what == "event"


def test_one_that_is_taken_is_in_other_hands_until_it_is_put_back(box):
    letters, add = box
    add("event")

    taken = letters.take()
    meanwhile = (letters.take(), letters.waiting())
    letters.put_back(taken)

    assert meanwhile == (None, Waiting(free=0, in_other_hands=1))
    assert letters.waiting() == Waiting(free=1, in_other_hands=0)
    assert letters.take().id == taken.id


def test_one_that_is_deleted_is_gone(box):
    letters, add = box
    add("one")
    add("two")

    letters.delete(letters.take())
    letters.put_back(letters.take())

    assert letters.waiting() == Waiting(free=1, in_other_hands=0)


def test_a_receipt_that_is_none_is_a_failed_call(box):
    letters, add = box
    add("event")
    letter = letters.take()
    letters.delete(letter)

    with pytest.raises(CallFailed, match="ReceiptHandleIsInvalid"):
        letters.put_back(letter)


def test_a_queue_tells_where_its_environment_is(sqs):
    url = sqs.create_queue(QueueName=f"{PREFIX}-alerts")["QueueUrl"]

    installation, alerts = find_installation(sqs, "prod")

    assert installation == OURS
    assert alerts == url
    assert installation.alert_queue_arn == "arn:aws:sqs:eu-west-1:123456789012:prod-interlock-alerts"
    assert (
        installation.stream_failures_arn
        == "arn:aws:sqs:eu-west-1:123456789012:prod-interlock-stream-failures-dead"
    )
    assert installation.failures_bucket == "prod-interlock-failures-123456789012-eu-west-1"


def test_an_environment_without_queues_is_a_failed_call(sqs):
    with pytest.raises(CallFailed, match="NonExistentQueue"):
        find_installation(sqs, "staging")


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:lambda:eu-west-1:123456789012:function:prod-interlock-event-sink",
        "arn:aws:lambda:eu-west-1:123456789012:function:prod-interlock-event-sink:$LATEST",
    ],
)
def test_a_function_of_ours_is_called_without_its_version(arn):
    function = OURS.own_function(arn)

    assert function == "arn:aws:lambda:eu-west-1:123456789012:function:prod-interlock-event-sink"
    assert OURS.short_name(function) == "event-sink"


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:lambda:eu-west-1:123456789012:function:payroll",
        "arn:aws:lambda:eu-west-1:123456789012:function:dev-interlock-event-sink",
        "arn:aws:lambda:eu-west-1:999999999999:function:prod-interlock-event-sink",
        "arn:aws:lambda:us-east-1:123456789012:function:prod-interlock-event-sink",
        "arn:aws:lambda:eu-west-1:123456789012:function:prod-interlock-event-sink-2",
        "arn:aws:lambda:eu-west-1:123456789012:function:prod-interlock-alert-dispatcher",
        "arn:aws:states:eu-west-1:123456789012:stateMachine:prod-interlock-pipeline-run",
        "None",
        "",
    ],
)
def test_any_other_is_not_called(arn):
    with pytest.raises(BadInput, match="not called"):
        OURS.own_function(arn)


@pytest.mark.parametrize("name", CALLED_ASYNCHRONOUSLY)
def test_every_function_whose_failed_events_are_kept_is_called_again(name):
    own = f"arn:aws:lambda:eu-west-1:123456789012:function:{PREFIX}-{name.replace('_', '-')}"

    assert OURS.own_function(own) == own


def test_a_letter_is_hidden_for_longer_than_its_function_may_run():
    longest = max(LONG_FUNCTION_SECONDS.values())

    assert HIDDEN_SECONDS["stream-failures"] > FUNCTION_SECONDS
    assert "stream_router" not in LONG_FUNCTION_SECONDS
    assert min(HIDDEN_SECONDS[queue] for queue in ("invocation-failures", "rule-failures")) > longest
