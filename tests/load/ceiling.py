"""What the emulator can do at most: bare writes to a table that nobody listens to, on an emulator that does nothing else."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from interlock.local.emulator import Emulator
from load.upstream import WRITERS


def bare_writes_a_second(seconds: float) -> float:
    with Emulator() as emulator, ThreadPoolExecutor(WRITERS) as writers:
        dynamodb = emulator.client("dynamodb")
        dynamodb.create_table(
            TableName="bare",
            KeySchema=[{"AttributeName": "PK", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "PK", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        began = time.monotonic()
        done = list(
            writers.map(_write_for, [dynamodb] * WRITERS, [began + seconds] * WRITERS, range(WRITERS))
        )
        return sum(done) / (time.monotonic() - began)


def _write_for(dynamodb: Any, until: float, writer: int) -> int:
    written = 0
    while time.monotonic() < until:
        item = {"PK": {"S": f"{writer}-{written}"}, "data": {"M": {"count": {"N": str(written)}}}}
        dynamodb.put_item(TableName="bare", Item=item)
        written += 1
    return written
