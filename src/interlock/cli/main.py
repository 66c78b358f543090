"""`interlock COMMAND ...`: the table of commands, each imported only when it is asked for.

Exit codes: 0 fine, 1 the answer is no, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import Any, NoReturn

from interlock.domain.plain_text import one_line

FINE, NO, WRONG_USAGE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Command:
    """A command: the module that has `add_parser(subparsers)`, and what it needs beyond the core."""

    module: str
    summary: str
    extra: str  # of `pip install interlock[...]`


COMMANDS = {
    "validate": Command("interlock.cli.validate", "check pipeline and calendar files", "yaml"),
    "calendar": Command(
        "interlock.cli.calendar", "print when pipelines will run, and their deadlines", "yaml"
    ),
    "explain": Command("interlock.cli.explain", "why did it (not) run?", "cli"),
    "rerun": Command("interlock.cli.rerun", "run one date (again)", "cli"),
    "backfill": Command("interlock.cli.backfill", "run past dates, few at a time", "cli"),
    "shadow-report": Command(
        "interlock.cli.shadow_report", "compare a dry run with the jobs that ran outside", "cli"
    ),
    "redrive": Command("interlock.cli.redrive", "put dead letters back", "cli"),
    "simulate": Command("interlock.cli.simulate", "play scenarios on a hand-set clock", "cli"),
    "torture": Command("interlock.cli.torture", "search for a world that breaks a promise", "cli"),
    "local": Command("interlock.cli.local", "run the whole stack on this machine", "local"),
}


class _Parser(argparse.ArgumentParser):
    """argparse, whose errors are one line that says what to do."""

    def error(self, message: str) -> NoReturn:
        # argparse quotes what was typed as it was typed, line breaks included.
        self.exit(WRONG_USAGE, f"{self.prog}: {one_line(message, 500)}; see {self.prog} --help\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        parsed = _parser(asked=arguments[0] if arguments else "").parse_args(arguments)
        code = int(parsed.func(parsed))
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # The reader has seen enough. At exit the interpreter flushes once more, and must not complain.
        # https://docs.python.org/3/library/signal.html#note-on-sigpipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NO
    except KeyboardInterrupt:
        return 130  # as shells report an interrupt


def _parser(asked: str) -> argparse.ArgumentParser:
    parser = _Parser(prog="interlock", description="Starts data pipelines once their data is there.")
    _refuse_unknown(parser, asked)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        if name == asked:
            _module(parser, name, command).add_parser(commands)
        else:
            commands.add_parser(name, help=command.summary)
    return parser


def _refuse_unknown(parser: argparse.ArgumentParser, asked: str) -> None:
    if not asked:
        parser.error(f"name a command ({', '.join(COMMANDS)})")
    if asked not in COMMANDS and not asked.startswith("-"):
        meant = get_close_matches(asked, COMMANDS, n=1)
        hint = f"did you mean {meant[0]}?" if meant else f"there are {', '.join(COMMANDS)}"
        parser.error(f"unknown command {asked!r}, {hint}")


def _module(parser: argparse.ArgumentParser, name: str, command: Command) -> Any:
    try:
        return import_module(command.module)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "interlock":
            raise
        parser.exit(
            WRONG_USAGE,
            f"interlock {name}: {error.name} is missing; pip install 'interlock[{command.extra}]'\n",
        )


if __name__ == "__main__":
    sys.exit(main())
