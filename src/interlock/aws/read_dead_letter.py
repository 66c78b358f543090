"""A message of a dead-letter queue as what it tells of and where it belongs; `BadInput` when nobody can read it.

What stands in it may come from anybody who may write to the queue: it is called again only if it names a function
or a queue of this environment.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from interlock.aws.dead_letters import Installation
from interlock.aws.delivered_event import delivered_event
from interlock.aws.keys import pipeline_of
from interlock.domain.bad_input import BadInput
from interlock.domain.dead_letter import Contents, DeadLetter, DeadLetterQueue, Errand, Invoke, SendAlert
from interlock.domain.plain_text import one_line, shown

JsonObject = Mapping[str, Any]
# Bucket and key to the object's text.
ReadObject = Callable[[str, str], bytes]

_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d(?::\d\d)?)?")
_NAMED = 3  # rows or pipelines of a batch that are named
_LONGEST = 200  # characters of one fact


def reading_of(
    queue: DeadLetterQueue, installation: Installation, read_object: ReadObject
) -> Callable[[DeadLetter], Errand]:
    """How letters of this queue are read. It may raise `CallFailed` as `read_object` does."""
    match queue:
        case DeadLetterQueue.ALERTS:
            return read_alert
        case DeadLetterQueue.STREAM_FAILURES:
            return partial(read_stream_failure, installation=installation, read_object=read_object)
        case DeadLetterQueue.RULE_FAILURES:
            return partial(read_undelivered, installation=installation, read_object=read_object)
        case DeadLetterQueue.INVOCATION_FAILURES:
            return partial(read_failed_invocation, installation=installation)


def read_alert(letter: DeadLetter) -> Errand:
    """An event as the rule on the bus put it into the queue."""
    envelope = _object(letter.body, "the message")
    try:
        event = delivered_event(envelope)
    except ValueError as error:
        raise BadInput(f"no alert: {shown(str(error))}") from None
    return Errand(
        Contents(str(event.type), _text(event.pipeline_id), _text(event.date)), SendAlert(letter.body)
    )


def read_stream_failure(letter: DeadLetter, installation: Installation, read_object: ReadObject) -> Errand:
    """S3's event of an object in which Lambda keeps a batch that no retry helped."""
    bucket, key = _place(_object(letter.body, "the message"), installation)
    batch = _batch(_object(read_object(bucket, key), f"the object {key}"), installation)
    return Errand(
        _contents_of(batch.records, batch.given_up), Invoke(installation.stream_router_arn, batch.payload)
    )


@dataclass(frozen=True, slots=True)
class _Batch:
    records: list[JsonObject]
    payload: str  # the invocation's event
    given_up: str  # why


def _place(event: JsonObject, installation: Installation) -> tuple[str, str]:
    """Bucket and key. The key stands there as it is: it is in S3's own notifications that it is encoded.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    """
    try:
        bucket, key = str(event["detail"]["bucket"]["name"]), str(event["detail"]["object"]["key"])
    except (KeyError, TypeError):
        raise BadInput("no event of S3 about an object") from None
    if bucket != installation.failures_bucket:
        raise BadInput(f"the bucket {bucket[:100]!r} is not {installation.failures_bucket}: not read")
    return bucket, key


def _batch(record: JsonObject, installation: Installation) -> _Batch:
    """https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html"""
    about = record.get("requestContext")
    context = about if isinstance(about, Mapping) else {}
    arn = str(context.get("functionArn"))
    if installation.own_function(arn) != installation.stream_router_arn:
        raise BadInput(f"the batch was for {shown(arn)}, not for stream-router: not called")
    payload = record.get("payload")
    # Documented as text. Not every implementation of the interface writes it so, and as JSON it means the same.
    text = json.dumps(payload) if isinstance(payload, Mapping) else payload
    event = _object(text, "its payload")
    records = event.get("Records")
    if not (isinstance(records, list) and records and all(isinstance(one, Mapping) for one in records)):
        raise BadInput("the object keeps no records")
    return _Batch(records, str(text), shown(context.get("condition")))


def _contents_of(records: list[JsonObject], error: str) -> Contents:
    rows = [_key_of(record) for record in records]
    pipelines = list(dict.fromkeys(pipeline_of(partition) or "-" for partition, _ in rows))
    date = next((found[0] for _, sort in rows if (found := _DATE.search(sort))), None)
    what = f"{len(rows)} {'record' if len(rows) == 1 else 'records'} ({_some(sort for _, sort in rows)})"
    return Contents(what, one_line(_some(iter(pipelines)), _LONGEST), date, error)


def _key_of(record: JsonObject) -> tuple[str, str]:
    try:
        key = record["dynamodb"]["Keys"]
        return str(key["PK"]["S"]), str(key["SK"]["S"])
    except (KeyError, TypeError):
        return "-", "unreadable"


def _some(names: Iterator[str]) -> str:
    named = list(dict.fromkeys(one_line(name, 60) for name in names))
    more = [f"{len(named) - _NAMED} more"] if len(named) > _NAMED else []
    return ", ".join(named[:_NAMED] + more)


def read_undelivered(letter: DeadLetter, installation: Installation, read_object: ReadObject) -> Errand:
    """An event that EventBridge could not deliver; whom to, and why, stands in the message's attributes.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
    """
    event = _object(letter.body, "the message")
    target = letter.attributes.get("TARGET_ARN", "")
    because = [letter.attributes.get(name, "") for name in ("ERROR_CODE", "ERROR_MESSAGE")]
    error = one_line(": ".join(filter(None, because)), _LONGEST)
    if target == installation.alert_queue_arn:
        return Errand(_contents("alerts", event, error), SendAlert(letter.body))
    if target == installation.stream_failures_arn:
        # Where it should have waited to be read: it can as well be read here.
        return read_stream_failure(letter, installation, read_object)
    if not target:
        raise BadInput("the message names no target (attribute TARGET_ARN): EventBridge did not write it")
    function = installation.own_function(target)
    name = installation.short_name(function)
    return Errand(_contents(name, event, error), Invoke(function, letter.body))


def read_failed_invocation(letter: DeadLetter, installation: Installation) -> Errand:
    """An asynchronous invocation that failed at every try, or was not let in for six hours.

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    """
    record = _object(letter.body, "the message")
    context, event = record.get("requestContext"), record.get("requestPayload")
    if not isinstance(context, Mapping) or not isinstance(event, Mapping):
        raise BadInput("the message keeps no invocation with its payload")
    function = installation.own_function(str(context.get("functionArn")))
    answer = record.get("responsePayload")
    told = answer if isinstance(answer, Mapping) else {}
    because = [str(told.get(name) or "") for name in ("errorType", "errorMessage")]
    error = one_line(": ".join(filter(None, because)), _LONGEST) or shown(context.get("condition"))
    name = installation.short_name(function)
    return Errand(_contents(name, event, error), Invoke(function, json.dumps(event)))


# Where our own payloads, and events, name the pipeline and date that they are about.
_ABOUT = ("detail", "run")
_TASKS = ("detail-type", "step", "action", "source")


def _contents(addressee: str, event: JsonObject, error: str) -> Contents:
    """As far as an event says it."""
    task = next((shown(event[name], 60) for name in _TASKS if event.get(name)), "an invocation")
    inner = [event[name] for name in _ABOUT if isinstance(event.get(name), Mapping)]
    runs = event.get("runs")
    inner += [run for run in runs[:1] if isinstance(run, Mapping)] if isinstance(runs, list) else []
    about: JsonObject = next(iter([*inner, event]))
    return Contents(
        f"{task} for {addressee}", _text(about.get("pipelineId")), _text(about.get("date")), error
    )


def _text(value: Any) -> str | None:
    return None if value is None else shown(value, _LONGEST)


def _object(text: Any, name: str) -> JsonObject:
    try:
        value = json.loads(text)
        if isinstance(text, str):
            text.encode()  # not half a character, which could not be sent on
    except (ValueError, TypeError, RecursionError) as error:
        raise BadInput(f"{shown(name)} is no JSON ({type(error).__name__})") from None
    if not isinstance(value, Mapping):
        raise BadInput(f"{shown(name)} is a JSON {type(value).__name__}, not an object")
    return value
