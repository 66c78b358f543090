"""What we rely on in the emulator's DynamoDB; ministack is right here, and an upgrade must stay so."""

import pytest
from botocore.exceptions import ClientError

from interlock.local.emulator import Emulator
from local.emulator_kit import item, make_table, put

pytestmark = pytest.mark.embedded


def key(pk: str, sk: str) -> dict[str, dict[str, str]]:
    return {"PK": {"S": pk}, "SK": {"S": sk}}


def test_a_lost_conditional_update_gives_the_item_that_won(emulator: Emulator) -> None:
    table, _ = make_table(emulator)
    put(emulator, table, "p", "s", version="2")

    with pytest.raises(ClientError) as raised:
        emulator.client("dynamodb").update_item(
            TableName=table,
            Key=key("p", "s"),
            UpdateExpression="SET #v = :new",
            ConditionExpression="#v = :old",
            ExpressionAttributeNames={"#v": "version"},
            ExpressionAttributeValues={":new": {"S": "2"}, ":old": {"S": "1"}},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )

    assert raised.value.response["Error"]["Code"] == "ConditionalCheckFailedException"
    assert raised.value.response["Item"] == item("p", "s", version="2")


def test_a_transaction_reads_in_order_and_leaves_gaps_for_what_is_missing(emulator: Emulator) -> None:
    table, _ = make_table(emulator)
    put(emulator, table, "p", "a", v="1")
    put(emulator, table, "p", "c", v="3")
    reads = [{"Get": {"TableName": table, "Key": key("p", sk)}} for sk in ("c", "b", "a")]

    found = emulator.client("dynamodb").transact_get_items(TransactItems=reads)["Responses"]

    assert found == [{"Item": item("p", "c", v="3")}, {}, {"Item": item("p", "a", v="1")}]


def test_a_transaction_reads_a_hundred_items_and_no_more(emulator: Emulator) -> None:
    table, _ = make_table(emulator)
    reads = [{"Get": {"TableName": table, "Key": key("p", str(n))}} for n in range(101)]

    found = emulator.client("dynamodb").transact_get_items(TransactItems=reads[:100])["Responses"]
    with pytest.raises(ClientError) as raised:
        emulator.client("dynamodb").transact_get_items(TransactItems=reads)

    assert found == [{}] * 100
    assert raised.value.response["Error"]["Code"] == "ValidationException"


def test_a_cancelled_transaction_names_the_condition_that_failed(emulator: Emulator) -> None:
    table, _ = make_table(emulator)
    put(emulator, table, "p", "taken")
    writes = [
        {
            "Put": {
                "TableName": table,
                "Item": item("p", sk),
                "ConditionExpression": "attribute_not_exists(PK)",
            }
        }
        for sk in ("free", "taken")
    ]

    with pytest.raises(ClientError) as raised:
        emulator.client("dynamodb").transact_write_items(TransactItems=writes)

    reasons = [reason["Code"] for reason in raised.value.response["CancellationReasons"]]
    assert reasons == ["None", "ConditionalCheckFailed"]
    assert "Item" not in emulator.client("dynamodb").get_item(TableName=table, Key=key("p", "free"))
