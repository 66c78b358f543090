"""`interlock simulate FILE...`: plays scenarios on a hand-set clock and says which went as expected."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO

from interlock.pipeline_yaml.mistake import Mistake, printable
from interlock.simulation.invocations import GoesInCircles
from interlock.simulation.output import Verdict, judged, verdict_data, verdict_text
from interlock.simulation.play import play
from interlock.simulation.scenario_yaml import ScenarioInvalid, read_scenario_file

_SUFFIXES = (".yaml", ".yml")


def add_parser(subparsers: Any) -> None:
    """Adds `simulate` to the command line."""
    parser = subparsers.add_parser(
        "simulate",
        help="play scenarios on a hand-set clock",
        description="Plays scenarios: exit code 0 all as expected, 1 some not, 2 a file that cannot be read.",
    )
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="a scenario, or a folder with *.yaml and *.yml below"
    )
    parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")
    parser.add_argument("--timeline", action="store_true", help="everything that happened, with its reasons")
    parser.add_argument("--report", action="store_true", help="what was counted, and its AWS list price")
    parser.set_defaults(func=_run)


def _run(parsed: argparse.Namespace) -> int:
    # What our functions log goes to CloudWatch; here it would only disturb.
    ours = logging.getLogger("interlock")
    before = ours.level
    ours.setLevel(logging.CRITICAL + 1)
    try:
        return simulate(
            parsed.files,
            as_json=parsed.as_json,
            timeline=parsed.timeline,
            report=parsed.report,
            out=sys.stdout,
        )
    finally:
        ours.setLevel(before)


@dataclass(slots=True)
class _Printer:
    """Writes what is known of each file as soon as it is, and keeps the sum."""

    as_json: bool
    timeline: bool
    report: bool
    out: TextIO
    passed: int = 0
    failed: int = 0
    mistakes: list[Mistake] = field(default_factory=list)
    scenarios: list[dict[str, Any]] = field(default_factory=list)

    def judged(self, verdict: Verdict) -> None:
        self.passed, self.failed = self.passed + verdict.passed, self.failed + (not verdict.passed)
        if self.as_json:
            self.scenarios.append(verdict_data(verdict, timeline=self.timeline, report=self.report))
        else:
            self._lines(verdict_text(verdict, timeline=self.timeline, report=self.report))

    def unreadable(self, invalid: ScenarioInvalid) -> None:
        self.mistakes += invalid.mistakes
        if not self.as_json:
            self._lines(map(str, invalid.mistakes))

    def endless(self, path: Path, why: GoesInCircles) -> None:
        self.failed += 1
        if self.as_json:
            self.scenarios.append({"file": printable(str(path)), "passed": False, "endless": str(why)})
        else:
            self._lines([f"FAIL 0 {printable(str(path))}", f"  goes round in circles: {why}"])

    def summary(self) -> None:
        sums = {"passed": self.passed, "failed": self.failed}
        if self.as_json:
            mistakes = [asdict(mistake) for mistake in self.mistakes]
            data = {"scenarios": self.scenarios, "mistakes": mistakes, **sums}
            self.out.write(json.dumps(data, indent=2) + "\n")
        else:
            self._lines([f"{self.passed} passed, {self.failed} failed"])

    def _lines(self, lines: Iterable[str]) -> None:
        self.out.writelines(f"{line}\n" for line in lines)


def simulate(names: Sequence[str], *, as_json: bool, timeline: bool, report: bool, out: TextIO) -> int:
    """Plays what is at `names` and writes verdicts and a summary; returns the exit code."""
    printer = _Printer(as_json, timeline, report, out)
    for path in (path for name in names for path in _files_of(name)):
        try:
            printer.judged(_judge(path))
        except ScenarioInvalid as invalid:
            printer.unreadable(invalid)
        except GoesInCircles as why:
            printer.endless(path, why)
    printer.summary()
    return 2 if printer.mistakes else 1 if printer.failed else 0


def _judge(path: Path) -> Verdict:
    return judged(printable(str(path)), play(read_scenario_file(path)))


def _files_of(name: str) -> Iterator[Path]:
    """The file, or in order of their names those below the folder."""
    if not os.path.isdir(name):
        yield Path(name)
        return
    for folder, below, files in os.walk(name):
        below.sort()
        yield from (Path(folder, file) for file in sorted(files) if file.endswith(_SUFFIXES))
