"""`interlock local up` and `interlock local demo`: the whole stack on this machine."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from interlock.cli.pipeline_files import Unreadable, each_file, read_file
from interlock.local.scripted_jobs import BUILT_IN, JobsInvalid, read_scripts


def add_parser(subparsers: Any) -> None:
    """Adds `local` to the command line."""
    parser = subparsers.add_parser("local", help="run the whole stack on this machine")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_up(commands)
    demo = commands.add_parser("demo", help="a story on real data: wait, start, fail, crash, expire")
    demo.set_defaults(func=_demo)


def _add_up(commands: Any) -> None:
    up = commands.add_parser(
        "up",
        help="start it, and leave it running until Ctrl-C",
        description="Starts an emulated AWS on loopback, deploys Interlock, prints how to use it, and runs until Ctrl-C.",
    )
    up.add_argument(
        "--pipelines",
        metavar="DIR",
        help="folder with pipelines to load (default: the samples whose jobs run on this machine)",
    )
    up.add_argument(
        "--jobs",
        metavar="FILE",
        type=Path,
        help="more Glue jobs: `name: {seconds: 3, outcome: succeed | fail | never, error: text}`",
    )
    up.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")
    up.set_defaults(func=_up)


def _up(parsed: argparse.Namespace) -> int:
    from interlock.local.emulator import EmulatorDidNotStart
    from interlock.local.emulator_patches import PatchDoesNotFit, check_version
    from interlock.local.up import Plan, samples_for, up

    try:
        check_version()
        jobs = {**BUILT_IN, **(read_scripts(parsed.jobs) if parsed.jobs else {})}
        files = _files_in(parsed.pipelines) if parsed.pipelines else samples_for(jobs)
    except (JobsInvalid, PatchDoesNotFit, Unreadable) as error:
        print(f"interlock local up: {error}", file=sys.stderr)
        return 2
    try:
        return up(Plan(files, jobs, parsed.as_json), sys.stdout)
    except EmulatorDidNotStart as error:
        print(f"interlock local up: {error}", file=sys.stderr)
        return 1


def _files_in(folder: str) -> dict[str, bytes]:
    """By their path below the folder, as `aws s3 sync` names them."""
    if not Path(folder).is_dir():
        raise Unreadable(f"--pipelines: {folder!r} is no folder; name one with *.yaml in it")
    return {path.relative_to(folder).as_posix(): read_file(path) for path in each_file([folder])}


def _demo(_: argparse.Namespace) -> int:
    from interlock.local.demo import run_demo

    return run_demo(sys.stdout)
