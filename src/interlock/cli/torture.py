"""`interlock torture`: random worlds, each judged by the promises; the first that breaks one is shrunk to a scenario file."""

from __future__ import annotations

import argparse
import logging
import os
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from interlock.cli.torture_telling import Telling
from interlock.simulation.place import unknown
from interlock.torture.found import shortest_of
from interlock.torture.profiles import MIXED, PROFILES
from interlock.torture.search import WorkerDied, be_silent, search
from interlock.torture.seed import Result
from interlock.torture.state import NoState, State

_SEEDS = re.compile(r"(\d{1,12})(?:\.\.(\d{1,12}))?", re.ASCII)
_DEFAULT_SEEDS = "1..200"
_MOST_JOBS = 1000
_DESCRIPTION = """\
Plays random worlds full of faults, one a seed, and checks every promise in each.
Exit code 0: none was broken, 1: some were.
What is found is shrunk, and written to a scenario file in this folder.
"""


def add_parser(subparsers: Any) -> None:
    """Adds `torture` to the command line."""
    parser = subparsers.add_parser(
        "torture",
        help="search for a world that breaks a promise",
        description=_DESCRIPTION,
        epilog=_epilog(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--seeds",
        default=_DEFAULT_SEEDS,
        type=_seeds,
        metavar="A..B",
        help="a seed is the number that a world is made from, the same world every time; "
        f"default {_DEFAULT_SEEDS}",
    )
    parser.add_argument(
        "--minutes",
        type=_minutes,
        metavar="N",
        help="go on from the first of the seeds, and beyond the last of them, until the time is over",
    )
    parser.add_argument(
        "--profile",
        default=MIXED.name,
        type=_profile,
        metavar="NAME",
        help=f"which worlds, see below; default {MIXED.name}",
    )
    parser.add_argument(
        "--jobs", default=os.cpu_count() or 1, type=_jobs, metavar="N", help="processes; default one a core"
    )
    parser.add_argument(
        "--state",
        type=Path,
        metavar="FILE",
        help="keep what is finished there, and go on from it the next time",
    )
    parser.add_argument(
        "--keep-going", action="store_true", help="play the other seeds too after one has failed"
    )
    parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")
    parser.set_defaults(func=_run)


def _epilog() -> str:
    widest = max(map(len, PROFILES))
    lines = [f"  {name:<{widest}}  {profile.looks_for}" for name, profile in PROFILES.items()]
    return "\n".join(["profiles, and what each looks for:", *lines])


def _seeds(text: str) -> range:
    found = _SEEDS.fullmatch(text)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
    if last < first:
        raise argparse.ArgumentTypeError(f"{text!r} are no seeds, write {_DEFAULT_SEEDS}")
    return range(first, last + 1)


def _minutes(text: str) -> float:
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0
    if not 0 < minutes < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} are no minutes, write 10")
    return minutes


def _jobs(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9 or not 1 <= int(text) <= _MOST_JOBS:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of processes from 1 to {_MOST_JOBS}")
    return int(text)


def _profile(text: str) -> str:
    if text not in PROFILES:
        raise argparse.ArgumentTypeError(unknown("profile", text, list(PROFILES)))
    return text


def _run(parsed: argparse.Namespace) -> int:
    ours = logging.getLogger("interlock")
    before = ours.level
    be_silent()
    try:
        return _torture(parsed)
    finally:
        ours.setLevel(before)


def _torture(parsed: argparse.Namespace) -> int:
    telling = Telling(
        parsed.profile,
        None if parsed.minutes else len(parsed.seeds),
        out=sys.stdout,
        progress=sys.stderr,
        as_json=parsed.as_json,
    )
    try:
        state = _State(parsed.state, parsed.profile, telling)
        return _searched(_Search(parsed, state.known, telling), state)
    except BrokenPipeError:
        raise  # whoever reads has seen enough
    except (NoState, WorkerDied, OSError) as error:
        telling.clear()
        print(f"interlock torture: {error}", file=sys.stderr)
        return 2 if isinstance(error, (NoState, OSError)) else 1


def _searched(searching: _Search, state: _State) -> int:
    try:
        for results in searching.results():
            state.add(results)
        return searching.end()
    except KeyboardInterrupt:
        searching.interrupted()
        raise


class _State:
    """The file, if there is one."""

    def __init__(self, path: Path | None, profile: str, telling: Telling) -> None:
        self._file = State(path) if path else None
        finished = self._file.finished() if self._file else []
        if finished is None:
            telling.sources_changed()
        self.known = {result.seed: result for result in finished or () if result.profile == profile}

    def add(self, results: list[Result]) -> None:
        if self._file:
            self._file.add(results)


@dataclass(slots=True)
class _Search:
    parsed: argparse.Namespace
    known: dict[int, Result]
    telling: Telling
    _failed: list[Result] = field(default_factory=list)

    def results(self) -> Iterator[list[Result]]:
        """What is played now; what is known already is told first."""
        parsed = self.parsed
        until = time.monotonic() + 60 * parsed.minutes if parsed.minutes else None
        first, last = parsed.seeds.start, parsed.seeds[-1]
        self._note([self.known[seed] for seed in self.known if first <= seed and (until or seed <= last)])
        left = (seed for seed in (count(first) if until else parsed.seeds) if seed not in self.known)

        def goes_on() -> bool:
            return (parsed.keep_going or not self._failed) and (until is None or time.monotonic() < until)

        for results in search(left, parsed.profile, parsed.jobs, goes_on):
            yield results  # what is told of is in the state already
            self._note(results)

    def _note(self, results: list[Result]) -> None:
        failed = [result for result in results if result.broken]
        self._failed += failed
        if self.parsed.keep_going:  # else the first of those that were begun is told at the end
            for result in failed:
                self.telling.failed(result)
        self.telling.played(results)

    def end(self) -> int:
        """The first that failed is shown in full, or if others were played too the first of each promise; the exit code."""
        failed = sorted(self._failed, key=lambda result: result.seed)
        first: dict[str, Result] = {}
        for result in failed:
            first.setdefault(result.broken[0].promise if self.parsed.keep_going else "any", result)
        for result in first.values():
            if not self.parsed.keep_going:
                self.telling.failed(result)
            self.telling.shortest(result, shortest_of(result, self.telling.shrinking))
        self.telling.summary(failed, stopped=not self.parsed.keep_going)
        return 1 if failed else 0

    def interrupted(self) -> None:
        """What is known so far."""
        for result in sorted(self._failed, key=lambda result: result.seed):
            self.telling.failed(result)
        self.telling.interrupted(goes_on=self.parsed.state is not None)
        self.telling.summary(self._failed, stopped=False)
