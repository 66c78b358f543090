"""`interlock simulate FILE...`: plays scenarios on a hand-set clock and says which went as expected."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from interlock.pipeline_yaml.mistake import Mistake, printable
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
    logging.getLogger("interlock").setLevel(logging.CRITICAL + 1)
    return simulate(
        parsed.files,
        as_json=parsed.as_json,
        timeline=parsed.timeline,
        report=parsed.report,
        out=sys.stdout,
    )


def simulate(names: Sequence[str], *, as_json: bool, timeline: bool, report: bool, out: TextIO) -> int:
    """Plays what is at `names` and writes verdicts and a summary; returns the exit code."""
    passed = failed = 0
    mistakes: list[Mistake] = []
    scenarios: list[dict[str, Any]] = []
    for name in names:
        for path in _files_of(name):
            try:
                verdict = _judge(path)
            except ScenarioInvalid as invalid:
                mistakes += invalid.mistakes
                if not as_json:
                    out.writelines(f"{mistake}\n" for mistake in invalid.mistakes)
                continue
            passed, failed = passed + verdict.passed, failed + (not verdict.passed)
            if as_json:
                scenarios.append(verdict_data(verdict, timeline=timeline, report=report))
            else:
                out.writelines(
                    f"{line}\n" for line in verdict_text(verdict, timeline=timeline, report=report)
                )
    if as_json:
        data = {
            "scenarios": scenarios,
            "mistakes": [_mistake_data(mistake) for mistake in mistakes],
            "passed": passed,
            "failed": failed,
        }
        out.write(json.dumps(data, indent=2) + "\n")
    else:
        out.write(f"{passed} passed, {failed} failed\n")
    return 2 if mistakes else 1 if failed else 0


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


def _mistake_data(mistake: Mistake) -> dict[str, Any]:
    return {"file": mistake.file, "line": mistake.line, "path": mistake.path, "message": mistake.message}
