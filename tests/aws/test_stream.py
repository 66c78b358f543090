"""Stream batches: order within a pipeline, the partial answer, and records that nobody can read."""

import base64
import json
import logging
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.aws.stream import each_record, read_record
from interlock.domain.change import Change, ChangeKind

ARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/prod-eu-interlock-control/stream/2026-03-01T00:00:00.000"


def a_record(number=1, pipeline="gold", **body):
    """As Lambda delivers it: https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html"""
    keys = {"PK": {"S": f"PIPELINE#{pipeline}"}, "SK": {"S": f"SENSOR#{number}"}}
    return {
        "eventID": f"id-{number}",
        "eventName": "MODIFY",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-west-1",
        "eventSourceARN": ARN,
        "dynamodb": {
            "ApproximateCreationDateTime": 1772352000.5,
            "Keys": keys,
            "OldImage": keys,
            "NewImage": keys | {"count": {"N": "5"}},
            "SequenceNumber": str(number),
            "SizeBytes": 50,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
            **body,
        },
    }


def without(record, *path):
    *parents, last = path
    record = json.loads(json.dumps(record))
    holder = record
    for name in parents:
        holder = holder[name]
    del holder[last]
    return record


def failures(answer):
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


class Handled:
    """A handler that remembers what it saw, and fails at the sequence numbers given."""

    def __init__(self, *bad):
        self.seen, self._bad = [], bad

    def __call__(self, change):
        self.seen.append(change.sequence_number)
        if change.sequence_number in self._bad:
            raise RuntimeError("no")


def test_a_record_is_read_as_a_change():
    change = read_record(a_record(7))

    keys = {"PK": "PIPELINE#gold", "SK": "SENSOR#7"}
    assert change == Change(
        table="control",
        partition_key="PIPELINE#gold",
        sort_key="SENSOR#7",
        kind=ChangeKind.MODIFY,
        old=keys,
        new=keys | {"count": Decimal(5)},
        at=datetime(2026, 3, 1, 8, 0, 0, 500_000, UTC),
        sequence_number="7",
    )


def test_a_deleted_row_has_no_new_image():
    record = without(a_record(), "dynamodb", "NewImage") | {"eventName": "REMOVE"}

    change = read_record(record)

    assert (change.kind, change.new) == (ChangeKind.REMOVE, None)


def test_every_attribute_type_is_read_from_json():
    packed = base64.b64encode(b"\x00\xff").decode()
    image = {
        "S": {"S": "é"},
        "N": {"N": "1.50"},
        "B": {"B": packed},
        "BOOL": {"BOOL": False},
        "NULL": {"NULL": True},
        "SS": {"SS": ["a", "b"]},
        "NS": {"NS": ["1", "2"]},
        "BS": {"BS": [packed]},
        "L": {"L": [{"B": packed}, {"N": "3"}]},
        "M": {"M": {"x": {"L": []}}},
    }

    change = read_record(a_record(NewImage=image))

    assert change.new == {
        "S": "é",
        "N": Decimal("1.5"),
        "B": b"\x00\xff",
        "BOOL": False,
        "NULL": None,
        "SS": {"a", "b"},
        "NS": {Decimal(1), Decimal(2)},
        "BS": {b"\x00\xff"},
        "L": [b"\x00\xff", Decimal(3)],
        "M": {"x": []},
    }


def test_records_are_handled_in_order():
    handled = Handled()

    answer = each_record({"Records": [a_record(number) for number in (3, 1, 2)]}, handled)

    assert handled.seen == ["3", "1", "2"]
    assert answer == {"batchItemFailures": []}


def test_after_a_failure_the_pipelines_later_records_wait_and_other_pipelines_go_on():
    batch = [a_record(1), a_record(2, "other"), a_record(3), a_record(4), a_record(5, "other")]
    handled = Handled("1")

    answer = each_record({"Records": batch}, handled)

    assert handled.seen == ["1", "2", "5"]
    assert failures(answer) == ["1"]


def test_every_failed_pipeline_is_answered_with_its_first_sequence_number():
    batch = [a_record(1, "a"), a_record(2, "b"), a_record(3, "c"), a_record(4, "b"), a_record(5, "c")]

    answer = each_record({"Records": batch}, Handled("2", "4", "5"))

    assert failures(answer) == ["2", "5"]


def test_a_failure_is_logged_with_the_row_it_happened_at(caplog):
    each_record({"Records": [a_record(1)]}, Handled("1"))

    (line,) = [line for line in caplog.records if line.name == "interlock.aws.stream"]
    assert (line.partition_key, line.sort_key, line.sequence_number) == ("PIPELINE#gold", "SENSOR#1", "1")
    assert line.exc_info


def test_a_function_that_dies_takes_the_batch_with_it():
    def die(_change):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        each_record({"Records": [a_record(1)]}, die)


UNREADABLE = [
    pytest.param(without(a_record(), "dynamodb"), id="no body"),
    pytest.param(without(a_record(), "dynamodb", "Keys"), id="no keys"),
    pytest.param(without(a_record(), "dynamodb", "Keys", "SK"), id="no sort key"),
    pytest.param(without(a_record(), "dynamodb", "SequenceNumber"), id="no sequence number"),
    pytest.param(without(a_record(), "dynamodb", "ApproximateCreationDateTime"), id="no instant"),
    pytest.param(without(a_record(), "eventSourceARN"), id="no table"),
    pytest.param(a_record(ApproximateCreationDateTime=1e300), id="an instant out of range"),
    pytest.param(a_record(NewImage={"x": {"Z": "1"}}), id="an unknown attribute type"),
    pytest.param(a_record(NewImage={"x": {"N": "ten"}}), id="a number that is none"),
    pytest.param(a_record(NewImage={"x": {}}), id="a value without a type"),
    pytest.param(a_record(Keys={"PK": {"N": "1"}, "SK": {"S": "x"}}), id="a key that is a number"),
    pytest.param(a_record() | {"eventName": "TRUNCATE"}, id="an unknown kind of change"),
    pytest.param(None, id="nothing"),
]


@pytest.mark.parametrize("garbage", UNREADABLE)
def test_a_record_that_nobody_can_read_is_reported_and_neither_stops_the_batch_nor_comes_back(
    garbage, caplog
):
    caplog.set_level(logging.INFO, "interlock.metrics")
    handled = Handled("3")

    answer = each_record({"Records": [garbage, a_record(2), a_record(3, "other")]}, handled)

    assert handled.seen == ["2", "3"]
    assert failures(answer) == ["3"]
    assert [line.message for line in caplog.records if line.name == "interlock.metrics"] == [
        "StreamRecordUnreadable",
        "StreamRecordFailed",
    ]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
attribute_values = st.dictionaries(
    st.sampled_from(["S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL", "Z"]), json_values, max_size=2
)
images = st.dictionaries(st.sampled_from(["PK", "SK", "x"]), attribute_values, max_size=3) | json_values
records = (
    st.fixed_dictionaries(
        {},
        optional={
            "eventName": st.sampled_from(["INSERT", "MODIFY", "REMOVE"]) | json_values,
            "eventSourceARN": st.just(ARN) | json_values,
            "dynamodb": json_values
            | st.fixed_dictionaries(
                {},
                optional={
                    "Keys": st.just(a_record()["dynamodb"]["Keys"]) | images,
                    "OldImage": images,
                    "NewImage": images,
                    "SequenceNumber": st.just("9") | json_values,
                    "ApproximateCreationDateTime": st.just(1) | json_values,
                },
            ),
        },
    )
    | json_values
)


@settings(max_examples=300, deadline=None)
@given(st.lists(records, max_size=5))
def test_no_garbage_stops_the_records_around_it(garbage):
    handled = Handled("failing")
    batch = [a_record("first"), *garbage, a_record("failing", "other"), a_record("last", "third")]

    answer = each_record({"Records": batch}, handled)

    assert handled.seen[0] == "first"
    assert handled.seen[-2:] == ["failing", "last"]
    assert failures(answer)[-1] == "failing"
