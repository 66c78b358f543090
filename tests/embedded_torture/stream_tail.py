"""Everything that the control table's stream tells, read while it comes: each world's records, and its rows as they stand."""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from interlock.local.session import Session

NOBODY = ""  # of changes that are about no world
_WORLD = re.compile(r"(?<![A-Za-z0-9])(w\d{4,6})-[a-z]")
_PAUSE_SECONDS = 0.4

Key = tuple[str, str]
Row = dict[str, Any]
Record = Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """One record: a row and its images before and after."""

    key: Key
    old: Row | None
    new: Row | None
    record: Record  # as the stream has it


def world_of(*texts: object) -> str:
    """Which world something is about, by the first of these texts that names one."""
    found = (_WORLD.search(str(text)) for text in texts)
    return next((named[1] for named in found if named), NOBODY)


class StreamTail:
    """Reads on a thread of its own from `with` to its end."""

    def __init__(self, session: Session) -> None:
        dynamodb = session.emulator.client("dynamodb")
        table = dynamodb.describe_table(TableName=session.stack.table("control"))["Table"]
        self.arn: str = table["LatestStreamArn"]
        self._streams = session.emulator.client("dynamodbstreams")
        self._lock, self._over = threading.Lock(), threading.Event()
        self._changes: defaultdict[str, list[Change]] = defaultdict(list)  # by world
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> StreamTail:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def changes(self, world: str) -> list[Change]:
        """So far, in their order."""
        with self._lock:
            return list(self._changes[world])

    def delivered_form(self, change: Change) -> dict[str, Any]:
        """As Lambda hands it to a function."""
        record = change.record
        at = record["dynamodb"]["ApproximateCreationDateTime"].timestamp()
        body = record["dynamodb"] | {"ApproximateCreationDateTime": at}
        return {**record, "dynamodb": body, "eventSourceARN": self.arn}

    def _read(self) -> None:
        (shard,) = self._streams.describe_stream(StreamArn=self.arn)["StreamDescription"]["Shards"]
        place = {"StreamArn": self.arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        iterator = self._streams.get_shard_iterator(**place)["ShardIterator"]
        while not self._over.is_set():
            page = self._streams.get_records(ShardIterator=iterator)
            iterator = page["NextShardIterator"]
            changes = [_change(record) for record in page["Records"]]
            with self._lock:
                for change in changes:
                    about = (change.new or {}).get("pipelineId", "")
                    self._changes[world_of(*change.key, about)].append(change)
            if not page["Records"]:
                self._over.wait(_PAUSE_SECONDS)


_plain = TypeDeserializer()


def _change(record: Record) -> Change:
    told = record["dynamodb"]
    key = told["Keys"]["PK"]["S"], told["Keys"]["SK"]["S"]
    return Change(key, _image(told.get("OldImage")), _image(told.get("NewImage")), record)


def _image(image: Mapping[str, Any] | None) -> Row | None:
    return None if image is None else {name: _plain.deserialize(value) for name, value in image.items()}
