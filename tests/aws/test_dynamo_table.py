"""What `DynamoTable` asks of AWS, and what it makes of answers that moto never gives."""

import contextlib
from decimal import Decimal

import pytest
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError
from botocore.stub import Stubber

from aws.tables import a_dynamo_table
from interlock.aws.dynamo_table import DynamoTable
from interlock.aws.table import Clause, Either, Op, absent, equals
from interlock.ports import CallFailed, Lost

KEY = ("PIPELINE#gold", "RUN#cron#2026-03-01")
WIRE = {"PK": {"S": KEY[0]}, "SK": {"S": KEY[1]}}


@pytest.fixture
def dynamodb(session):
    return session.client("dynamodb")


@pytest.fixture
def stub(dynamodb):
    """Answers in the order given, and checks each request against botocore's model of the service."""
    with Stubber(dynamodb) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def table(dynamodb, stub):  # noqa: ARG001  # the stub must be in place
    return DynamoTable(dynamodb, "test")


@pytest.mark.parametrize(
    ("verb", "call"),
    [
        (lambda table: table.get(KEY), "GetItem"),
        (lambda table: table.put({"PK": KEY[0], "SK": KEY[1]}), "PutItem"),
        (lambda table: table.put({"PK": KEY[0], "SK": KEY[1]}, (equals("a", 1),)), "PutItem"),
        (lambda table: table.update(KEY, {"a": 1}), "UpdateItem"),
        (lambda table: table.update(KEY, {"a": 1}, only_if=(equals("a", 1),)), "UpdateItem"),
        (lambda table: table.delete(KEY), "DeleteItem"),
        (lambda table: table.query("PIPELINE#gold", "RUN#"), "Query"),
        (lambda table: table.sort_keys("PIPELINE#gold", "1", "2"), "Query"),
        (lambda table: table.query_due("due#0", Decimal(1), 5), "Query"),
        (lambda table: table.snapshot([KEY, ("a", "b")]), "TransactGetItems"),
    ],
)
def test_a_verb_is_one_call_even_when_it_loses(aws, verb, call):
    client = aws("dynamodb")
    table, calls = a_dynamo_table(client), []
    client.meta.events.register("before-call.dynamodb", lambda model, **_: calls.append(model.name))

    with contextlib.suppress(Lost):
        verb(table)

    assert calls == [call]


def test_reads_are_consistent(stub, table):
    stub.add_response("get_item", {}, {"TableName": "test", "Key": WIRE, "ConsistentRead": True})

    assert table.get(KEY) is None


def test_a_condition_is_written_with_placeholders_only(stub, table):
    condition = (equals("status", "WAITING"), Either((absent("until"), Clause("until", Op.LESS, 5))))
    request = {
        "TableName": "test",
        "Key": WIRE,
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        "ConditionExpression": "#n0 = :v0 AND (attribute_not_exists(#n1) OR #n1 < :v1)",
        "ExpressionAttributeNames": {"#n0": "status", "#n1": "until"},
        "ExpressionAttributeValues": {":v0": {"S": "WAITING"}, ":v1": {"N": "5"}},
    }
    stub.add_response("delete_item", {}, request)

    table.delete(KEY, only_if=condition)


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        pytest.param(ReadTimeoutError(endpoint_url="x"), "ReadTimeoutError", id="no answer"),
        pytest.param(ConnectTimeoutError(endpoint_url="x"), "ConnectTimeoutError", id="no connection"),
        pytest.param(EndpointConnectionError(endpoint_url="x"), "EndpointConnectionError", id="refused"),
    ],
)
def test_a_broken_connection_leaves_the_outcome_unknown(dynamodb, raised, code):
    def fail(**_):
        raise raised

    dynamodb.meta.events.register("before-send.dynamodb", fail)

    with pytest.raises(CallFailed) as failed:
        DynamoTable(dynamodb, "test").put({"PK": "a", "SK": "b"})

    assert (failed.value.call, failed.value.code) == ("dynamodb.PutItem", code)
    assert failed.value.unknown_outcome


@pytest.mark.parametrize(
    ("status", "code", "unknown"),
    [
        (400, "ThrottlingException", False),
        (400, "ResourceNotFoundException", False),
        (500, "InternalServerError", True),
        (503, "ServiceUnavailable", True),
    ],
)
def test_an_error_keeps_its_code_and_a_5xx_leaves_the_outcome_unknown(stub, table, status, code, unknown):
    stub.add_client_error("put_item", code, "no", status)

    with pytest.raises(CallFailed) as failed:
        table.put({"PK": "a", "SK": "b"})

    assert (failed.value.code, failed.value.unknown_outcome) == (code, unknown)


def test_a_write_that_the_sdk_sent_twice_has_not_lost_but_an_unknown_outcome(stub, table):
    stub.add_client_error(
        "put_item",
        "ConditionalCheckFailedException",
        response_meta={"RetryAttempts": 1},
        http_status_code=400,
    )

    with pytest.raises(CallFailed) as failed:
        table.put({"PK": "a", "SK": "b"}, only_if=(absent("PK"),))

    assert failed.value.unknown_outcome


def cancelled(stub, *codes):
    reasons = [{"Code": code} for code in codes]
    stub.add_client_error(
        "transact_get_items", "TransactionCanceledException", modeled_fields={"CancellationReasons": reasons}
    )


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("TransactionConflict", "TransactionConflictException"),
        ("ThrottlingError", "ThrottlingException"),
        ("ProvisionedThroughputExceeded", "ProvisionedThroughputExceededException"),
        ("SomethingNew", "TransactionCanceledException"),
    ],
)
def test_a_cancelled_snapshot_fails_for_the_reason_of_the_cancellation(stub, table, reason, code):
    cancelled(stub, "None", reason)

    with pytest.raises(CallFailed) as failed:
        table.snapshot([KEY, ("a", "b")])

    assert failed.value.code == code


def rows(*numbers):
    return {"Responses": [{"Item": {"PK": {"S": "p"}, "SK": {"S": str(number)}}} for number in numbers]}


def test_a_snapshot_too_large_for_one_transaction_is_read_in_halves_twice(stub, table):
    stub.add_client_error("transact_get_items", "ValidationException", "aggregate size exceeded 4 MB")
    for part in [(1, 2), (3, 4), (1, 2), (3, 4)]:
        stub.add_response("transact_get_items", rows(*part))

    found = table.snapshot([("p", "1"), ("p", "2"), ("p", "3"), ("p", "4")])

    assert sorted(key[1] for key in found) == ["1", "2", "3", "4"]


def test_a_single_row_that_is_invalid_fails(stub, table):
    stub.add_client_error("transact_get_items", "ValidationException", "no")

    with pytest.raises(CallFailed) as failed:
        table.snapshot([KEY])

    assert failed.value.code == "ValidationException"


def test_a_query_asks_for_what_is_left_of_its_limit(stub, table):
    key = {"PK": {"S": "p"}, "SK": {"S": "1"}}
    condition = {
        "KeyConditionExpression": "PK = :partition",
        "ExpressionAttributeValues": {":partition": {"S": "p"}},
    }
    request = {"TableName": "test", "ConsistentRead": True, **condition}
    stub.add_response("query", {"Items": [key], "LastEvaluatedKey": key}, request | {"Limit": 3})
    stub.add_response("query", {"Items": [key, key]}, request | {"Limit": 2, "ExclusiveStartKey": key})

    assert len(table.query("p", limit=3)) == 3
