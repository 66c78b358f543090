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

_UNFINISHED = "unfinished"  # no file has this etag


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
    gave_up: set[str] = field(default_factory=set)  # files that have left a pipeline id, a calendar or a rule
    calendars_seen: set[str] = field(default_factory=set)  # calendars that are known to be there
    _deferred: dict[str, tuple[ConfigFile, Announcement | None]] = field(default_factory=dict)

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
        return source in self.known and self.known[source].etag == _UNFINISHED

    def record(self, file: ConfigFile, told: Announcement | None) -> None:
        """Of a file that gave something up only with `finish`: till then a pass that dies here is made anew."""
        self.known[file.source] = file
        if file.source in self.gave_up:
            self._deferred[file.source] = file, told
        else:
            self.ports.ledger.put_file(file, told, self.now)

    def finish(self) -> None:
        """Whoever was refused for what others have given up has been tried again."""
        for file, told in self._deferred.values():
            self.ports.ledger.put_file(file, told, self.now)
        self._deferred.clear()

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
    if before and not before.valid and (before.etag, before.missing) == (etag, missing):
        return  # that has been said
    held = held_by(name, current)
    if held is not None and current.was_begun(name):
        _finish(held, current)
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
    current.record(file, announcement.config_invalid(name, mistakes, kept, current.now))
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
