"""`interlock explain PIPELINE [DATE]`: why did it (not) run?"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, TextIO

from interlock.aws.config_ledger import DynamoConfigLedger
from interlock.aws.control_table import DynamoControlTable
from interlock.cli.cloud import Cloud, WrongUsage, add_cloud_arguments, answered
from interlock.domain.explanation import Mark
from interlock.domain.explanation_text import explanation_data, explanation_lines
from interlock.domain.plain_text import one_line
from interlock.steps.explain_run import SCHEDULES, NothingToExplain, explain_run


def add_parser(subparsers: Any) -> None:
    """Adds `explain` to the command line."""
    parser = subparsers.add_parser(
        "explain",
        help="why did it (not) run?",
        description="Says why a pipeline did or did not run, and what would have to change:"
        " exit code 0 explained, 1 there is no such pipeline, 2 wrong usage.",
    )
    parser.add_argument("pipeline", metavar="PIPELINE", help="its id")
    parser.add_argument(
        "date", metavar="DATE", nargs="?", help="2026-03-01, 2026-03-01T18 or 2026-03-01T18:15 (default: now)"
    )
    parser.add_argument("--schedule", choices=SCHEDULES, help="of the run (default: what the config says)")
    parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")
    add_cloud_arguments(parser)
    parser.set_defaults(func=_run)


def _run(parsed: argparse.Namespace) -> int:
    def answer(cloud: Cloud) -> int:
        return explain(parsed, cloud, datetime.now(UTC), sys.stdout)

    return answered("explain", parsed, answer, as_json=parsed.as_json)


def explain(parsed: argparse.Namespace, cloud: Cloud, now: datetime, out: TextIO) -> int:
    """Writes the explanation as of `now`; returns the exit code. Raises `WrongUsage` for what is no date."""
    control, ledger = DynamoControlTable(cloud.control), DynamoConfigLedger(cloud.control)
    try:
        found = explain_run(parsed.pipeline, parsed.date, parsed.schedule, control, ledger, now)
    except ValueError as error:
        raise WrongUsage(str(error)) from error
    if isinstance(found, NothingToExplain):
        reason = _reason(found)
        out.write(
            json.dumps({"pipeline": found.pipeline_id, "error": reason}) + "\n"
            if parsed.as_json
            else f"{reason}\n"
        )
        return 1
    if parsed.as_json:
        out.write(json.dumps(explanation_data(found), indent=2) + "\n")
    else:
        out.writelines(f"{line}\n" for line in _laid_out(explanation_lines(found), out))
    return 0


def _reason(found: NothingToExplain) -> str:
    near = f"; there are {', '.join(found.near)}" if found.near else ""
    return one_line(f"{found.pipeline_id} {found.reason}{near}", 1000)


_BOLD, _GREEN, _RED, _END = "\x1b[1m", "\x1b[32m", "\x1b[31m", "\x1b[0m"
_COLOURS = {Mark.MET: _GREEN, Mark.UNMET: _RED}


def _laid_out(lines: Sequence[str], out: TextIO) -> Iterator[str]:
    """For a terminal folded at its edge, with titles and marks that stand out; as they are for anything else."""
    coloured = not os.environ.get("NO_COLOR")  # https://no-color.org
    if not out.isatty():
        yield from lines
        return
    width = max(40, shutil.get_terminal_size().columns)
    for line in lines:
        indent = " " * (len(line) - len(line.lstrip(" ")) + 4)
        folded = textwrap.wrap(line, width, subsequent_indent=indent, break_on_hyphens=False) or [""]
        title = bool(line) and not line.startswith(" ")
        if coloured:
            folded[0] = _marked(folded[0])
            folded = [f"{_BOLD}{part}{_END}" for part in folded] if title else folded
        yield from folded


def _marked(line: str) -> str:
    mark = line.lstrip(" ")[:1]
    colour = _COLOURS.get(Mark(mark)) if mark in tuple(Mark) else None
    return line.replace(mark, f"{colour}{mark}{_END}", 1) if colour else line
