"""Reads a scenario file (`SCENARIOS`): strict, all mistakes at once, whatever the file holds."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import yaml

from interlock.domain.schedule import Calendar
from interlock.pipeline_yaml.document import compose
from interlock.pipeline_yaml.mistake import Mistake, PipelineInvalid
from interlock.simulation.config_files import read_configs, read_file
from interlock.simulation.place import Findings, Place
from interlock.simulation.scenario import CalendarEntry, Expect, JobPlay, Scenario
from interlock.simulation.scenario_expect import read_expect
from interlock.simulation.scenario_timeline import read_plays, read_timeline

_SECTIONS = ("scenario", "start", "configs", "calendars", "jobs", "timeline", "until", "expect")
_LARGEST_FILE = 4 * 1024 * 1024
_MOST_VALUES = 200_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ScenarioInvalid(ValueError):
    """A file that is no scenario, with everything that is wrong in it."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = mistakes


def read_scenario_file(path: Path) -> Scenario:
    """The scenario in `path`; configs named there are read relative to it. Raises `ScenarioInvalid`."""
    shown = str(path)
    try:
        text = read_file(path, _LARGEST_FILE)
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL
        reason = getattr(error, "strerror", None) or error
        mistake = Mistake(shown, 1, "", f"cannot be read: {reason}")
        raise ScenarioInvalid((mistake,)) from error
    return read_scenario(text, shown, path.parent)


def read_scenario(text: bytes | str, file: str, folder: Path) -> Scenario:
    """The scenario in `text`; raises `ScenarioInvalid` with every mistake."""
    try:
        node = compose(text, file, _LARGEST_FILE, _MOST_VALUES)
    except PipelineInvalid as invalid:
        raise ScenarioInvalid(tuple(invalid.mistakes)) from invalid
    return read_scenario_node(node, file, folder)


def read_scenario_node(node: yaml.Node, file: str, folder: Path) -> Scenario:
    """The scenario that `node` describes, whoever made it; raises `ScenarioInvalid` with every mistake."""
    findings = Findings(file)
    scenario = None
    try:
        scenario = _read(Place(node, (), findings), folder)
    except PipelineInvalid as invalid:
        findings.mistakes.extend(invalid.mistakes)
    if findings.mistakes or scenario is None:
        raise ScenarioInvalid(tuple(sorted(findings.mistakes, key=lambda mistake: mistake.line)))
    return scenario


def _read(place: Place, folder: Path) -> Scenario:
    sections = place.fields(_SECTIONS, required=("scenario", "start", "until"))
    start = _start(sections["start"]) if "start" in sections else _EPOCH
    until = sections["until"].instant(start) if "until" in sections else start
    if until < start:
        sections["until"].wrong("is before start")
    configs = tuple(read_configs(sections["configs"], folder)) if "configs" in sections else ()
    calendars = tuple(map(_calendar, sections["calendars"].items())) if "calendars" in sections else ()
    # Such a config would be refused as it is loaded, before anything that the scenario could expect.
    known = {calendar.name for calendar in calendars}
    named = (calendar for config in configs for calendar in config.calendars)
    place.findings.mistakes += [one.missing(known) for one in named if one.name not in known]
    timeline = tuple(read_timeline(sections["timeline"], start)) if "timeline" in sections else ()
    told_of = (getattr(entry.action, "pipeline_id", None) for entry in timeline)
    pipelines = {*(config.pipeline_id for config in configs), *filter(None, told_of)}
    return Scenario(
        name=" ".join(sections["scenario"].text().split()) if "scenario" in sections else "",
        start=start,
        until=until,
        configs=configs,
        calendars=calendars,
        jobs=_jobs(sections["jobs"]) if "jobs" in sections else {},
        timeline=timeline,
        expect=read_expect(sections["expect"], start, pipelines) if "expect" in sections else Expect(),
    )


def _start(place: Place) -> datetime:
    if place.text().startswith("+"):
        place.wrong("is an offset from nothing; write an instant such as 2026-03-02T07:50:00Z")
        return _EPOCH
    return place.instant(_EPOCH)


def _jobs(place: Place) -> dict[str, tuple[JobPlay, ...]]:
    return {name: read_plays(plays) for name, plays in place.entries()}


def _calendar(place: Place) -> CalendarEntry:
    fields = place.fields(("name", "dates", "days"), required=("name",))
    calendar = CalendarEntry(
        name=fields["name"].text() if "name" in fields else "",
        dates=tuple(date.text() for date in fields["dates"].items()) if "dates" in fields else (),
        days=tuple(day.text() for day in fields["days"].items()) if "days" in fields else (),
    )
    try:
        Calendar.from_mapping(calendar.name, {"dates": calendar.dates, "days": calendar.days})
    except ValueError as error:
        place.wrong(str(error))
    return calendar
