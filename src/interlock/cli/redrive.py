"""`interlock redrive [QUEUE ...]`: puts what was dead-lettered back through the front door, or shows what there is."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from interlock.cli.cloud import WrongUsage, add_cloud_arguments, answering, client_of, environment_of
from interlock.cli.redrive_telling import Telling
from interlock.domain.dead_letter import DeadLetterQueue
from interlock.domain.plain_text import one_line
from interlock.steps.redrive import DeadLetters, FrontDoor, look, redrive

# Longer than any function of ours may run, so that its answer is read.
LONGEST_INVOCATION_SECONDS = 905


def add_parser(subparsers: Any) -> None:
    """Adds `redrive` to the command line."""
    names = ", ".join(DeadLetterQueue)
    parser = subparsers.add_parser(
        "redrive",
        help="put dead letters back",
        description=(
            "Puts what was dead-lettered back through the front door, once its cause is mended; again as often as you like."
            " Exit code 0 nothing waits any more, 1 some are left, 2 wrong usage."
        ),
    )
    parser.add_argument("queues", metavar="QUEUE", nargs="*", help=f"of {names} (default: all)")
    parser.add_argument("--dry-run", action="store_true", help="show what is there, and leave it there")
    parser.add_argument(
        "--limit", metavar="N", type=int, help="at most so many of each queue (default: all that are there)"
    )
    parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")
    add_cloud_arguments(parser)
    parser.set_defaults(func=_run)


def _run(parsed: argparse.Namespace) -> int:
    def act() -> int:
        chosen = queues_of(parsed.queues)
        limit = limit_of(parsed.limit)
        post_office = _post_office(parsed, chosen)
        telling = Telling(sys.stdout, dry_run=parsed.dry_run, as_json=parsed.as_json)
        return redrive_all(post_office, telling, limit, dry_run=parsed.dry_run)

    return answering("redrive", parsed, act, as_json=parsed.as_json)


def queues_of(names: Sequence[str]) -> list[DeadLetterQueue]:
    """Each once, in the order in which they are redriven. Raises `WrongUsage`."""
    unknown = [name for name in names if name not in list(DeadLetterQueue)]
    if unknown:
        raise WrongUsage(
            f"{one_line(unknown[0], 80)!r} is no dead-letter queue; there are {', '.join(DeadLetterQueue)}"
        )
    return [queue for queue in DeadLetterQueue if not names or queue in names]


def limit_of(limit: int | None) -> int | None:
    if limit is not None and limit < 1:
        raise WrongUsage("--limit is a number from 1 on")
    return limit


@dataclass(frozen=True, slots=True)
class PostOffice:
    """Where dead letters lie, and where they go."""

    boxes: Sequence[tuple[DeadLetterQueue, DeadLetters]]
    door: FrontDoor


def redrive_all(post_office: PostOffice, telling: Telling, limit: int | None, *, dry_run: bool) -> int:
    """Says of each queue what became of its letters; returns the exit code."""
    for queue, letters in post_office.boxes:
        telling.queue(queue, look(letters, limit) if dry_run else redrive(letters, post_office.door, limit))
    return telling.end()


def _post_office(parsed: argparse.Namespace, chosen: Sequence[DeadLetterQueue]) -> PostOffice:
    """Raises `CallFailed` when the environment has no such queues."""
    from interlock.aws.dead_letters import SqsDeadLetters, find_installation
    from interlock.aws.failed_batches import FailedBatches
    from interlock.aws.front_door import AwsFrontDoor
    from interlock.aws.read_dead_letter import reading_of

    environment = environment_of(parsed)
    sqs, s3 = client_of(parsed, "sqs"), client_of(parsed, "s3")
    # Once: a repetition by the SDK would run the function a second time while the first may still be at work.
    functions = client_of(
        parsed,
        "lambda",
        read_timeout=LONGEST_INVOCATION_SECONDS,
        tcp_keepalive=True,
        retries={"mode": "standard", "total_max_attempts": 1},
    )
    installation, alerts_url = find_installation(sqs, environment)
    read_object = FailedBatches(s3).read
    boxes = [
        (queue, SqsDeadLetters(sqs, installation, queue, reading_of(queue, installation, read_object)))
        for queue in chosen
    ]
    return PostOffice(boxes, AwsFrontDoor(functions, sqs, alerts_url))
