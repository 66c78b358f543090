"""Both implementations of `Table`, empty, for the suites that must hold on either."""

from interlock.aws.dynamo_table import DynamoTable
from interlock.simulation.calls import OutsideCalls
from interlock.simulation.memory_table import MemoryTable

NAME = "test-interlock-control"


def a_dynamo_table(dynamodb, name=NAME):
    """The control table as the Terraform module makes it, on moto."""
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "PK", "AttributeType": "S"},
            {"AttributeName": "SK", "AttributeType": "S"},
            {"AttributeName": "dueShard", "AttributeType": "S"},
            {"AttributeName": "dueAt", "AttributeType": "N"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "due",
                "KeySchema": [
                    {"AttributeName": "dueShard", "KeyType": "HASH"},
                    {"AttributeName": "dueAt", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    return DynamoTable(dynamodb, name)


def a_memory_table(calls=None, on_change=lambda *_: None, name=NAME):
    return MemoryTable(name, calls or OutsideCalls(), on_change)
