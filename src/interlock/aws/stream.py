"""Batches of DynamoDB stream records as Lambda delivers them, and the partial answer that Lambda expects."""

from __future__ import annotations

import logging
from base64 import b64decode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from interlock.aws.attribute_value import from_wire
from interlock.aws.observability import count
from interlock.domain.change import Change, ChangeKind, Image

log = logging.getLogger(__name__)

BatchResponse = dict[str, list[dict[str, str]]]


def each_record(event: Mapping[str, Any], handle: Callable[[Change], None]) -> BatchResponse:
    """Handle the records in order; answer with the first failed sequence number of each partition key.

    A failed record ends its own pipeline's part of the batch, for its changes must stay in order; the others go on.
    Lambda delivers everything from the lowest number on again, what succeeded included: `handle` must bear that.
    https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
    """
    failed: dict[str, str] = {}
    for record in event["Records"]:
        change = _readable(record)
        if change is None or change.partition_key in failed:
            continue
        try:
            handle(change)
        except Exception:
            log.exception("stream record failed", extra=_fields(change))
            count("StreamRecordFailed")
            failed[change.partition_key] = change.sequence_number
    return {"batchItemFailures": [{"itemIdentifier": number} for number in failed.values()]}


def _readable(record: Any) -> Change | None:
    try:
        return read_record(record)
    except Exception:
        # It will be no more readable the next time, and to retry it would hold up its whole shard, every pipeline
        # in it, for as long as Lambda tries. So it is passed by, loudly: an alarm watches this metric.
        log.exception("stream record unreadable", extra={"record": repr(record)[:1000]})
        count("StreamRecordUnreadable")
        return None


def read_record(record: Mapping[str, Any]) -> Change:
    """Raises whatever comes of a record that is not as documented.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html
    """
    body = record["dynamodb"]
    key = _image(body["Keys"])
    sequence_number = body["SequenceNumber"]
    if not all(isinstance(text, str) and text for text in (key["PK"], key["SK"], sequence_number)):
        raise TypeError("a key or the sequence number is no text")
    return Change(
        table=_table(record["eventSourceARN"]),
        partition_key=key["PK"],
        sort_key=key["SK"],
        kind=ChangeKind(record["eventName"]),
        old=_image(body["OldImage"]) if "OldImage" in body else None,
        new=_image(body["NewImage"]) if "NewImage" in body else None,
        at=datetime.fromtimestamp(body["ApproximateCreationDateTime"], UTC),
        sequence_number=sequence_number,
    )


def _image(wire: Mapping[str, Any]) -> Image:
    return {name: from_wire(value, b64decode) for name, value in wire.items()}


def _table(stream_arn: str) -> str:
    """`control` of `arn:aws:dynamodb:eu-west-1:1:table/prod-interlock-control/stream/2026-03-01T00:00:00.000`."""
    return stream_arn.split("/")[1].rsplit("-", 1)[-1]


def _fields(change: Change) -> dict[str, str]:
    return {
        "table": change.table,
        "partition_key": change.partition_key,
        "sort_key": change.sort_key,
        "sequence_number": change.sequence_number,
    }
