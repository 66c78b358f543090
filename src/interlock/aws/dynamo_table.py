"""`Table` on DynamoDB: one verb, one call of the low-level client."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeSerializer
from botocore.exceptions import ClientError

from interlock.aws.attribute_value import as_stored, from_wire
from interlock.aws.errors import calling, error_code
from interlock.aws.expression import Expressions
from interlock.aws.snapshot import PartTooLarge, read_snapshot
from interlock.aws.table import Condition, Item, Key
from interlock.ports import CallFailed, Lost

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Reasons of a cancelled transaction that have an exception of their own outside of one.
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactGetItems.html
_CANCELLED_BECAUSE = {
    "TransactionConflict": "TransactionConflictException",
    "ProvisionedThroughputExceeded": "ProvisionedThroughputExceededException",
    "ThrottlingError": "ThrottlingException",
}


_serializer = TypeSerializer()


class DynamoTable:
    """One table with keys `PK` and `SK`. Implements `table.Table`."""

    def __init__(self, client: DynamoDBClient, name: str) -> None:
        self._client, self._name = client, name

    def get(self, key: Key) -> Item | None:
        with calling("dynamodb.GetItem"):
            answer = self._client.get_item(TableName=self._name, Key=_wire_key(key), ConsistentRead=True)
        item = answer.get("Item")
        return _item(item) if item else None

    def put(self, item: Item, only_if: Condition = ()) -> None:
        with _writing("dynamodb.PutItem"):
            self._client.put_item(
                TableName=self._name,
                Item={name: _wire(value) for name, value in item.items()},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **Expressions().require(only_if).arguments(_wire),
            )

    def update(
        self,
        key: Key,
        changes: Mapping[str, Any],
        remove: Sequence[str] = (),
        add_to_set: Mapping[str, str] | None = None,
        only_if: Condition = (),
    ) -> Item:
        with _writing("dynamodb.UpdateItem"):
            answer = self._client.update_item(
                TableName=self._name,
                Key=_wire_key(key),
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **Expressions().change(changes, remove, add_to_set or {}).require(only_if).arguments(_wire),
            )
        return _item(answer["Attributes"])

    def delete(self, key: Key, only_if: Condition = ()) -> None:
        with _writing("dynamodb.DeleteItem"):
            self._client.delete_item(
                TableName=self._name,
                Key=_wire_key(key),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **Expressions().require(only_if).arguments(_wire),
            )

    def query(
        self, partition: str, prefix: str = "", limit: int | None = None, after: str = ""
    ) -> list[Item]:
        condition, values = "PK = :partition", {":partition": partition}
        if prefix:  # an empty one is refused
            condition, values = f"{condition} AND begins_with(SK, :prefix)", values | {":prefix": prefix}
        # A key to start after need not exist.
        # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html
        start = {"ExclusiveStartKey": _wire_key((partition, after))} if after else {}
        return self._pages(limit, condition, values, ConsistentRead=True, **start)

    def sort_keys(self, partition: str, first: str, last: str) -> list[str]:
        condition = "PK = :partition AND SK BETWEEN :first AND :last"
        values = {":partition": partition, ":first": first, ":last": last}
        return [row["SK"] for row in self._pages(None, condition, values, ProjectionExpression="SK")]

    def query_due(self, shard: str, up_to: Decimal, limit: int) -> list[Item]:
        condition = "dueShard = :shard AND dueAt <= :up_to"
        return self._pages(limit, condition, {":shard": shard, ":up_to": up_to}, IndexName="due")

    def snapshot(self, keys: Sequence[Key]) -> dict[Key, Item]:
        return {key: _item(item) for key, item in read_snapshot(keys, self._read_part).items()}

    def _pages(
        self, limit: int | None, condition: str, values: Mapping[str, Any], **arguments: Any
    ) -> list[Item]:
        found: list[Item] = []
        while True:
            if limit is not None:
                arguments["Limit"] = limit - len(found)
            with calling("dynamodb.Query"):
                page = self._client.query(
                    TableName=self._name,
                    KeyConditionExpression=condition,
                    ExpressionAttributeValues={alias: _wire(value) for alias, value in values.items()},
                    **arguments,
                )
            found += [_item(item) for item in page["Items"]]
            if "LastEvaluatedKey" not in page or len(found) == limit:
                return found
            arguments["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def _read_part(self, keys: Sequence[Key]) -> dict[Key, Mapping[str, Any]]:
        with calling("dynamodb.TransactGetItems"):
            wanted: Any = [{"Get": {"TableName": self._name, "Key": _wire_key(key)}} for key in keys]
            try:
                answer = self._client.transact_get_items(TransactItems=wanted)
            except ClientError as error:
                raise _cancelled(error, len(keys)) from error
        found = zip(keys, answer["Responses"], strict=True)
        return {key: response["Item"] for key, response in found if response.get("Item")}


@contextmanager
def _writing(call: str) -> Iterator[None]:
    with calling(call):
        try:
            yield
        except ClientError as error:
            if error_code(error) == "ConditionalCheckFailedException":
                raise _lost(call, error) from error
            raise


def _lost(call: str, error: ClientError) -> Exception:
    if error.response["ResponseMetadata"].get("RetryAttempts"):
        # The SDK sent this write more than once. An earlier try may have got through, its answer lost, so that
        # our own row beat us: the caller must look again, not leave the work to somebody else.
        return CallFailed(
            call, error_code(error), "after a retry: maybe by our own write", unknown_outcome=True
        )
    current: Any = error.response.get("Item")
    return Lost(_item(current) if current else None)


def _cancelled(error: ClientError, keys: int) -> Exception:
    code, answer = error_code(error), error.response
    reasons: list[Any] = answer.get("CancellationReasons") or []
    codes = {reason.get("Code") for reason in reasons}
    # Over 4 MB together is a validation error; a single row, of 400 KB at most, never is.
    if keys > 1 and (code == "ValidationException" or "ValidationError" in codes):
        return PartTooLarge()
    for reason, name in _CANCELLED_BECAUSE.items():
        if reason in codes:
            return CallFailed("dynamodb.TransactGetItems", name, str(error))
    return error


def _wire(value: Any) -> Any:
    return _serializer.serialize(as_stored(value))


def _wire_key(key: Key) -> dict[str, Any]:
    return {"PK": _wire(key[0]), "SK": _wire(key[1])}


def _item(wire: Mapping[str, Any]) -> Item:
    return {name: from_wire(value) for name, value in wire.items()}
