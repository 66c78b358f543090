"""`FrontDoor` on Lambda and SQS: what was dead-lettered comes in once more, and somebody waits for the answer."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from interlock.aws.errors import calling
from interlock.domain.plain_text import one_line

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient

_LONGEST = 300
_EXCEPTION = re.compile(r'"exception_name": ?"(\w+)"')


class AwsFrontDoor:
    """The functions, and the queue that alerts wait in.

    Functions are invoked synchronously, whoever called them first: a person waits, and is to know what came of it.
    An asynchronous call would be taken, and its failure come back to the queue minutes later.
    """

    def __init__(self, functions: LambdaClient, queues: SQSClient, alert_queue_url: str) -> None:
        self._functions, self._queues, self._url = functions, queues, alert_queue_url

    def invoke(self, function_arn: str, payload: str) -> str | None:
        with calling("lambda.Invoke"):
            answer = self._functions.invoke(FunctionName=function_arn, Payload=payload, LogType="Tail")
            content = answer["Payload"].read()
        try:
            said = json.loads(content)
        except ValueError:
            said = None
        if answer.get("FunctionError"):
            return _error(said)
        failed = said.get("batchItemFailures") if isinstance(said, Mapping) else None
        if failed:
            log = b64decode(answer.get("LogResult", "")).decode(errors="replace")
            return f"{len(failed)} of its pipelines failed again{_cause(log)}: see the log of {_name(function_arn)}"
        return None

    def send_alert(self, body: str) -> None:
        with calling("sqs.SendMessage"):
            self._queues.send_message(QueueUrl=self._url, MessageBody=body)


def _error(said: Any) -> str:
    told = said if isinstance(said, Mapping) else {}
    parts = [str(told[name]) for name in ("errorType", "errorMessage") if told.get(name)]
    return one_line(": ".join(parts) or "the function failed and does not say why", _LONGEST)


def _cause(log: str) -> str:
    """The last exception of the 4 KB of log that Lambda hands out; its line is JSON, perhaps without its beginning."""
    names = _EXCEPTION.findall(log)
    if not names:
        return ""
    told = re.findall(rf"\b{names[-1]}: ([^\"\n]*)\"", log)
    text = f"{names[-1]}: {told[-1]}" if told else names[-1]
    return f" ({one_line(text, _LONGEST)})"


def _name(function_arn: str) -> str:
    return function_arn.rpartition(":")[2]
