"""One pass of config sync: what it knows of all files, and how it records one or refuses it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from interlock.config_ports import ConfigFile, ConfigLedger, ConfigSource, CronSchedules
from interlock.domain import announcement
from interlock.domain.bad_input import BadInput
from interlock.domain.event import Announcement
from interlock.domain.pipeline import Pipeline
from interlock.pipeline_yaml import Checked, PipelineInvalid, check_pipeline
from interlock.ports import ControlTable
from interlock.steps.link_dependents import decoded, link_dependents, unlink_dependents
from interlock.steps.promise_ahead import drop_promises, promise_ahead

log = logging.getLogger(__name__)

_UNFINISHED = "unfinished"  # no etag of a file begins like this
GIVEN_UP = "given-up#"  # no file that we read ends like this


@dataclass(frozen=True, slots=True)
class ConfigSyncPorts:
    source: ConfigSource
    ledger: ConfigLedger
    control: ControlTable
    schedules: CronSchedules
    check: Callable[[bytes, str], Checked] = check_pipeline  # raises `PipelineInvalid`


@dataclass(slots=True)
class Pass:
    """One look at all files."""

    ports: ConfigSyncPorts
    now: datetime
    listing: Mapping[str, str]
    known: dict[str, ConfigFile]
    leaving: dict[str, ConfigFile]  # files that are gone, until what they held is put away
    given_up: bool  # a pipeline id, a calendar or a rule, since files that were refused were tried again
    # Files that were not read, or that claim what the tables do not say is theirs yet.
    unsettled: set[str] = field(default_factory=set)
    calendars_seen: set[str] = field(default_factory=set)  # calendars that are known to be there

    def records(self) -> Iterator[ConfigFile]:
        yield from self.known.values()
        yield from self.leaving.values()

    def begin(self, source: str, **changes: Any) -> None:
        """What the file holds is about to change, or to go, in several writes. Whoever dies between them leaves a
        record that equals no listing: else a file that is put back as it was before would not be read again.
        """
        records = self.leaving if source in self.leaving else self.known
        before = records.get(source, ConfigFile(source, _UNFINISHED, None, valid=True))
        records[source] = replace(before, etag=_UNFINISHED, **changes)
        self.ports.ledger.put_file(records[source], None, self.now)

    def was_begun(self, source: str) -> bool:
        """An earlier pass died in the middle: what it wrote may be there, and nobody was told."""
        return source in self.known and self.known[source].etag.startswith(_UNFINISHED)

    def record(self, file: ConfigFile, told: Announcement | None) -> None:
        self.ports.ledger.put_file(file, told, self.now)
        self.known[file.source] = file

    def give_up(self) -> None:
        """Before it is: a file may have been refused only for that. Who dies before it is tried again leaves the mark."""
        if not self.given_up:
            self.ports.ledger.put_file(ConfigFile(GIVEN_UP, "", None, valid=True), None, self.now)
        self.given_up = True

    def tried_again(self) -> None:
        """Those that were refused, after all others."""
        if self.given_up:
            self.ports.ledger.remove_file(GIVEN_UP)
        self.given_up = False

    def next_version(self, source: str) -> int:
        return self.known[source].version + 1 if source in self.known else 1


def held_by(name: str, current: Pass) -> str | None:
    """The pipeline whose config in force came from this file: one that was refused holds none."""
    file = current.known.get(name)
    if file is None or file.pipeline_id is None:
        return None
    stored = current.ports.control.config(file.pipeline_id)
    return file.pipeline_id if stored is not None and stored.source == name else None


def refuse(
    name: str, etag: str, invalid: PipelineInvalid, current: Pass, missing: tuple[str, ...] = ()
) -> None:
    """Keep what the file held, and say once what is wrong. `missing`: the calendars that are."""
    before = current.known.get(name)
    # What it keeps in force may have to be made whole first: so it is told at once, and recorded as it is at last.
    unfinished = f"{_UNFINISHED} {etag}"
    said = before.etag if before and not before.valid and before.missing == missing else None
    current.unsettled.discard(name)
    if said == etag:
        return
    held = held_by(name, current)
    begun = held is not None and current.was_begun(name)
    calendar = before.calendar if before else None
    mistakes = [str(mistake) for mistake in invalid.mistakes]
    kept = held is not None or calendar is not None
    file = ConfigFile(
        name,
        etag,
        held or invalid.pipeline_id,
        valid=False,
        version=current.next_version(name),
        calendar=calendar,
        calendars=before.calendars if before and held else (),
        missing=missing,
    )
    told = None if said == unfinished else announcement.config_invalid(name, mistakes, kept, current.now)
    if begun and held is not None:
        current.record(replace(file, etag=unfinished), told)
        _finish(held, current)
        told = None
    current.record(file, told)
    log.warning(
        "config invalid",
        extra={"source": name, "pipeline": file.pipeline_id, "mistakes": len(mistakes)},
    )


def _finish(pipeline_id: str, current: Pass) -> None:
    """A config stays in force around which an earlier pass died: it may have no schedule, link or promise any more."""
    ports = current.ports
    stored = ports.control.config(pipeline_id)
    pipeline = decoded(stored) if stored is not None else None
    if stored is None or pipeline is None:
        return
    link_dependents(pipeline, stored, ports.control)
    if has_schedule(pipeline):
        ports.schedules.put(pipeline)
    else:
        ports.schedules.remove(pipeline.id)
    promise(pipeline, stored.loaded_at, current)


def has_schedule(pipeline: Pipeline) -> bool:
    """One that only observes is never started by a clock."""
    return pipeline.schedule.cron is not None and not pipeline.dry_run


def promise(pipeline: Pipeline, loaded_at: datetime | None, current: Pass) -> None:
    """Its rows of the ledger, as far ahead as they are kept."""
    try:
        promise_ahead(pipeline, loaded_at or current.now, current.ports.control, current.now)
    except BadInput as problem:
        # A calendar's row that somebody wrote over: the sweep makes the promises once it is mended.
        log.warning("nothing promised", extra={"pipeline": pipeline.id, "problem": str(problem)[:300]})


def remove_pipeline(pipeline_id: str, source: str, ports: ConfigSyncPorts) -> None:
    """Unless another file holds it by now: renaming a file removes no pipeline."""
    stored = ports.control.config(pipeline_id)
    if stored is not None and stored.source == source:
        ports.schedules.remove(pipeline_id)
        unlink_dependents(stored, ports.control)
        drop_promises(pipeline_id, ports.control)
        ports.control.remove_config(pipeline_id)
        log.info("config removed", extra={"pipeline": pipeline_id, "source": source})
