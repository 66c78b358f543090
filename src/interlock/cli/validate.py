"""`interlock validate PATH...`: every mistake in pipeline and calendar files, before they are shipped."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO

from interlock.cli.pipeline_files import Unreadable, each_file, read_file
from interlock.pipeline_yaml import (
    Checked,
    CheckedCalendar,
    Mistake,
    PipelineInvalid,
    check_calendar,
    check_pipeline,
    is_calendar_file,
)
from interlock.pipeline_yaml.dependencies import doubtful, first_circle, upstreams_in_step
from interlock.pipeline_yaml.mistake import path_text, printable
from interlock.pipeline_yaml.pools import differing_slots


@dataclass(slots=True)
class _Report:
    files: int = 0
    pipelines: dict[str, Mistake] = field(
        default_factory=dict
    )  # id -> where, should another file have it too
    mistakes: list[Mistake] = field(default_factory=list)
    warnings: list[Mistake] = field(default_factory=list)
    checked: dict[str, Checked] = field(default_factory=dict)  # by pipeline id
    invalid: set[str] = field(default_factory=set)  # ids in files with mistakes
    calendars: dict[str, Mistake] = field(default_factory=dict)  # name -> where
    all_calendars_known: bool = True  # none is in a file with mistakes

    def add_calendar(self, checked: CheckedCalendar, file: str) -> None:
        """As `add`."""
        name = checked.calendar.name
        first = self.calendars.get(name)
        message = f"{name} is also the name in {first.file if first else ''}; give each calendar its own"
        here = Mistake(file, checked.line, path_text(("calendar", "name")), message)
        if first:
            self.mistakes.append(here)
        else:
            self.calendars[name] = here
        self.warnings += checked.warnings

    def add_missing_calendars(self) -> None:
        """Those that pipelines name and no file defines; one file alone says nothing of the others."""
        if self.files > 1 and self.all_calendars_known:
            named = [each for checked in self.checked.values() for each in checked.calendars]
            self.warnings += [
                each.missing(self.calendars) for each in named if each.name not in self.calendars
            ]

    def add(self, checked: Checked, file: str) -> None:
        """A valid file; its id may be taken all the same."""
        name = checked.pipeline.id
        first = self.pipelines.get(name)
        message = f"{name} is also the id in {first.file if first else ''}; give each pipeline its own"
        here = Mistake(file, checked.line, path_text(("pipeline", "id")), message)
        if first:
            self.mistakes.append(here)
        else:
            self.pipelines[name] = here
            self.checked[name] = checked
        self.warnings += checked.warnings

    def add_dependencies(self) -> None:
        """What only all files together show: pipelines that wait for each other, or for one that is not there."""
        in_step = {name: upstreams_in_step(checked.pipeline) for name, checked in self.checked.items()}
        told: set[frozenset[str]] = set()
        for name, checked in self.checked.items():
            found = first_circle(name, checked.dependencies, lambda upstream: in_step.get(upstream, ()))
            if found and frozenset(found[1]) not in told:
                told.add(frozenset(found[1]))
                self.mistakes.append(found[0])
            if self.files > 1:  # one file alone says nothing of the others
                self.warnings += self._doubts(checked)

    def add_pools(self) -> None:
        """Slots that files count differently."""
        named = [checked.pool for checked in self.checked.values() if checked.pool is not None]
        self.warnings += differing_slots(named)

    def _doubts(self, checked: Checked) -> Iterator[Mistake]:
        for dependency in checked.dependencies:
            upstream = self.checked.get(dependency.upstream)
            doubt = doubtful(checked.pipeline, dependency, upstream.pipeline if upstream else None)
            if doubt and dependency.upstream not in self.invalid:
                yield dependency.wrong(doubt)


def add_parser(subparsers: Any) -> None:
    """Adds `validate` to the command line."""
    parser = subparsers.add_parser(
        "validate",
        help="check pipeline and calendar files",
        description="Checks pipeline and calendar files: exit code 0 all valid, 1 mistakes, 2 wrong usage.",
    )
    parser.add_argument(
        "paths", nargs="+", metavar="PATH", help="a file, or a folder with *.yaml and *.yml below"
    )
    parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")
    parser.set_defaults(func=_run)


def _run(parsed: argparse.Namespace) -> int:
    return validate(parsed.paths, as_json=parsed.as_json, out=sys.stdout)


def validate(paths: Sequence[str], *, as_json: bool, out: TextIO) -> int:
    """Checks what is at `paths` and writes mistakes, warnings and a summary; returns the exit code."""
    report = _Report()
    try:
        for path in each_file(paths):
            report.files += 1
            _check(path, report)
        report.add_dependencies()
        report.add_missing_calendars()
        report.add_pools()
    except Unreadable as error:
        out.write(json.dumps({"error": str(error)}) + "\n" if as_json else f"interlock validate: {error}\n")
        return 2
    if as_json:
        out.write(json.dumps(_as_data(report), indent=2) + "\n")
    else:
        out.writelines(f"{line}\n" for line in _lines(report))
    return 1 if report.mistakes else 0


def _check(path: Path, report: _Report) -> None:
    file, text = printable(str(path)), read_file(path)
    is_calendar = is_calendar_file(text)
    try:
        if is_calendar:
            report.add_calendar(check_calendar(text, file), file)
        else:
            report.add(check_pipeline(text, file), file)
    except PipelineInvalid as invalid:
        report.mistakes += invalid.mistakes
        report.invalid |= {invalid.pipeline_id} if invalid.pipeline_id else set()
        report.all_calendars_known &= not is_calendar


def _as_data(report: _Report) -> dict[str, Any]:
    return {
        "valid": not report.mistakes,
        "files": report.files,
        "pipelines": sorted(report.pipelines),
        "calendars": sorted(report.calendars),
        "mistakes": [asdict(mistake) for mistake in report.mistakes],
        "warnings": [asdict(warning) for warning in report.warnings],
    }


def _lines(report: _Report) -> Iterator[str]:
    yield from map(str, report.mistakes)
    for warning in report.warnings:
        yield f"{warning} (warning)"
    warned = f", {_count(len(report.warnings), 'warning')}" if report.warnings else ""
    if report.mistakes:
        wrong = len({mistake.file for mistake in report.mistakes})
        found = _count(len(report.mistakes), "mistake")
        yield f"{found} in {wrong} of {_count(report.files, 'file')}{warned}"
    else:
        calendars = f" and {_count(len(report.calendars), 'calendar')}" if report.calendars else ""
        yield f"{_count(len(report.pipelines), 'pipeline')}{calendars} valid{warned}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
