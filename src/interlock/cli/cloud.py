"""The environment a command works on: the tables of `--environment`, found with AWS's own credentials and settings."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from interlock.aws.table import Table
from interlock.domain.bad_input import BadInput
from interlock.domain.plain_text import one_line
from interlock.ports import CallFailed

ENVIRONMENT = "INTERLOCK_ENVIRONMENT"
_NAME = re.compile(r"[A-Za-z0-9._-]{1,200}")


class WrongUsage(Exception):
    """What was asked for cannot be; the message says what to ask instead."""


@dataclass(frozen=True, slots=True)
class Cloud:
    """The four tables of one environment."""

    environment: str
    control: Table
    joblog: Table
    rerun: Table
    events: Table


def add_cloud_arguments(parser: argparse.ArgumentParser) -> None:
    """How a person points a command at an environment. `AWS_PROFILE` and its like work as everywhere."""
    where = parser.add_argument_group("environment")
    where.add_argument(
        "--environment",
        metavar="NAME",
        default=os.environ.get(ENVIRONMENT),
        help=f"whose tables: NAME-interlock-* (default: ${ENVIRONMENT})",
    )
    where.add_argument("--region", help="of the tables (default: AWS's own settings)")
    where.add_argument(
        "--endpoint-url", metavar="URL", help="of an emulated AWS (default: $AWS_ENDPOINT_URL, else AWS)"
    )


def connect(parsed: argparse.Namespace) -> Cloud:
    """No call is made yet. Raises `WrongUsage`."""
    name = environment_of(parsed)
    from interlock.aws.dynamo_table import DynamoTable

    client = client_of(parsed, "dynamodb")
    control, joblog, rerun, events = (
        DynamoTable(client, f"{name}-interlock-{table}") for table in ("control", "joblog", "rerun", "events")
    )
    return Cloud(name, control, joblog, rerun, events)


def environment_of(parsed: argparse.Namespace) -> str:
    """Raises `WrongUsage`."""
    name = str(parsed.environment or "")
    if not name:
        raise WrongUsage(f"which environment? Name it with --environment, or in ${ENVIRONMENT}")
    if not _NAME.fullmatch(name):
        raise WrongUsage(
            f"{one_line(name, 80)!r} is no environment's name; use letters, digits, '.', '_', '-'"
        )
    return name


def client_of(parsed: argparse.Namespace, service: str, **settings: Any) -> Any:
    """A boto3 client; `settings` of botocore's `Config` that differ from those for a person who waits."""
    from boto3.session import Session
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, NoRegionError

    # A person waits, perhaps far from the region: more patience than a function has.
    patient = Config(
        connect_timeout=5, read_timeout=15, retries={"mode": "standard", "total_max_attempts": 4}
    )
    try:
        session = Session(region_name=parsed.region)
        config = patient.merge(Config(**settings))
        return session.client(service, endpoint_url=parsed.endpoint_url, config=config)  # type: ignore[call-overload]
    except NoRegionError as error:
        raise WrongUsage("which region? Name it with --region, or in $AWS_DEFAULT_REGION") from error
    except (BotoCoreError, ValueError) as error:
        # No such profile, an endpoint that is no URL.
        raise WrongUsage(one_line(str(error), 300)) from error


def answered(
    command: str, parsed: argparse.Namespace, answer: Callable[[Cloud], int], *, as_json: bool
) -> int:
    """As `answering`, about the environment's tables."""
    return answering(command, parsed, lambda: answer(connect(parsed)), as_json=as_json)


def answering(command: str, parsed: argparse.Namespace, act: Callable[[], int], *, as_json: bool) -> int:
    """The exit code of `act`; 2, and one line that says why, for what AWS or the tables do not give."""
    try:
        return act()
    except WrongUsage as error:
        why = str(error)
    except CallFailed as error:
        why = _refusal(error, parsed.environment)
    except BadInput as error:
        why = f"{one_line(str(error), 300)} (a row that somebody wrote over)"
    if as_json:
        sys.stdout.write(json.dumps({"error": why}) + "\n")
    else:
        sys.stderr.write(f"interlock {command}: {why}\n")
    return 2


_NOT_THERE = "is {environment!r} the environment's name, and is this its account and region?"
_ADVICE = {
    "ResourceNotFoundException": _NOT_THERE,
    "AWS.SimpleQueueService.NonExistentQueue": _NOT_THERE,
    "NoCredentialsError": "sign in to AWS, or set AWS_PROFILE",
    "AccessDeniedException": "these credentials may not use the tables",
    "AccessDenied": "these credentials may not use the queues",
    "UnrecognizedClientException": "AWS does not know these credentials",
    "InvalidClientTokenId": "AWS does not know these credentials",
    "ExpiredTokenException": "the credentials have run out; sign in again",
    "ExpiredToken": "the credentials have run out; sign in again",
    "EndpointConnectionError": "is the endpoint right, and does it run?",
}


def _refusal(error: CallFailed, environment: str) -> str:
    advice = _ADVICE.get(error.code, "try again").format(environment=environment)
    return f"{one_line(str(error), 300)}; {advice}"
