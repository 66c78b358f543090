"""Bring the stored configs in step with the user's YAML files: one pass, safely repeated, each file on its own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from interlock.domain import announcement
from interlock.domain.event import Announcement
from interlock.domain.pipeline import Pipeline
from interlock.domain.pipeline_codec import StoredPipelineUnreadable, decode_pipeline, encode_pipeline
from interlock.pipeline_yaml import Checked, Mistake, PipelineInvalid, check_pipeline
from interlock.ports import (
    CallFailed,
    ConfigFile,
    ConfigLedger,
    ConfigSource,
    ControlTable,
    CronSchedules,
    StoredConfig,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ConfigSyncPorts:
    source: ConfigSource
    ledger: ConfigLedger
    control: ControlTable
    schedules: CronSchedules
    check: Callable[[bytes, str], Checked] = check_pipeline  # raises `PipelineInvalid`


class SyncFailed(Exception):
    """Some files could not be brought in step; the others were. The next pass tries them again."""


def sync_configs(ports: ConfigSyncPorts, now: datetime) -> None:
    """Compare the listing with what the last pass recorded, file by file; only what differs is read.

    The record of a file is written last, so a pass that dies is repeated by the next.
    """
    listing = ports.source.listing()
    known = {file.source: file for file in ports.ledger.files()}
    removed = [known.pop(source) for source in sorted(set(known) - set(listing))]
    current = _Pass(ports, now, listing, known, ids_given_up=bool(removed))
    failures: list[str] = []
    for name in sorted(listing):
        if name not in known or known[name].etag != listing[name]:
            _guarded(partial(_sync_file, name, current), name, failures)
    if current.ids_given_up:
        # A file may be invalid only because another one held its pipeline id until now.
        for name in sorted(name for name, file in known.items() if not file.valid):
            _guarded(partial(_sync_file, name, current), name, failures)
    for file in removed:
        _guarded(partial(_forget_file, file, ports), file.source, failures)
    if failures:
        raise SyncFailed("; ".join(failures[:10]))


@dataclass(slots=True)
class _Pass:
    """One look at all files."""

    ports: ConfigSyncPorts
    now: datetime
    listing: Mapping[str, str]
    known: dict[str, ConfigFile]
    ids_given_up: bool  # some pipeline id has no file any more, or another one


def _guarded(work: Callable[[], None], name: str, failures: list[str]) -> None:
    try:
        work()
    except CallFailed as error:
        log.error("config file could not be brought in step", extra={"source": name, "error": str(error)})
        failures.append(f"{name}: {error}")


def _sync_file(name: str, current: _Pass) -> None:
    content = current.ports.source.read(name)
    if content is None:
        return  # removed since the listing: the next pass forgets it
    text, etag = content
    before = current.known.get(name)
    version = before.version + 1 if before else 1
    held = _held_by(name, before, current.ports)
    try:
        checked = current.ports.check(text, name)
        pipeline = checked.pipeline
        stored = current.ports.control.config(pipeline.id)
        _refuse_second_owner(pipeline.id, name, stored, current.listing)
    except PipelineInvalid as invalid:
        if before is None or before.valid or before.etag != etag:  # else that has been said
            file = ConfigFile(name, etag, held or invalid.pipeline_id, valid=False, version=version)
            _refuse(file, invalid, current, last_good=held is not None)
        return
    _store(pipeline, stored, name, etag, checked.warnings, current)
    if before is not None and before.pipeline_id not in (None, pipeline.id):
        # Also when an earlier pass died after it had removed the config.
        current.ids_given_up = True
        if held is not None:
            _remove_pipeline(held, name, current.ports)
    _record(ConfigFile(name, etag, pipeline.id, valid=True, version=version), None, current)


def _held_by(name: str, file: ConfigFile | None, ports: ConfigSyncPorts) -> str | None:
    """The pipeline whose config in force came from this file: one that was refused holds none."""
    if file is None or file.pipeline_id is None:
        return None
    stored = ports.control.config(file.pipeline_id)
    return file.pipeline_id if stored is not None and stored.source == name else None


def _refuse_second_owner(
    pipeline_id: str, name: str, stored: StoredConfig | None, listing: Mapping[str, str]
) -> None:
    if stored is not None and stored.source != name and stored.source in listing:
        message = (
            f"pipeline.id {pipeline_id} is already defined by {stored.source}; give one of them another id"
        )
        raise PipelineInvalid([Mistake(name, 1, "pipeline.id", message)], pipeline_id)


def _refuse(file: ConfigFile, invalid: PipelineInvalid, current: _Pass, *, last_good: bool) -> None:
    mistakes = [str(mistake) for mistake in invalid.mistakes]
    _record(file, announcement.config_invalid(file.source, mistakes, last_good, current.now), current)
    log.warning(
        "config invalid",
        extra={"source": file.source, "pipeline": file.pipeline_id, "mistakes": len(mistakes)},
    )


def _record(file: ConfigFile, told: Announcement | None, current: _Pass) -> None:
    current.ports.ledger.put_file(file, told, current.now)
    current.known[file.source] = file


def _store(
    pipeline: Pipeline,
    stored: StoredConfig | None,
    name: str,
    etag: str,
    warnings: Iterable[Any],
    current: _Pass,
) -> None:
    text, ports = encode_pipeline(pipeline), current.ports
    if stored is None or stored.text != text or stored.source != name:
        version = stored.version + 1 if stored else 1
        told = announcement.config_loaded(name, current.now, [str(warning) for warning in warnings])
        ports.control.put_config(StoredConfig(pipeline.id, text, name, etag, version), told)
        log.info("config loaded", extra={"pipeline": pipeline.id, "source": name})
    # Also when the config was stored before: an earlier pass may have died between the two.
    if pipeline.schedule.cron and not pipeline.dry_run:
        ports.schedules.put(pipeline)
    elif stored is not None and _may_have_cron(stored.text):
        ports.schedules.remove(pipeline.id)


def _may_have_cron(text: str) -> bool:
    try:
        return decode_pipeline(text).schedule.cron is not None
    except StoredPipelineUnreadable:
        return True  # whoever wrote over the row; removing a schedule that is not there is no error


def _forget_file(file: ConfigFile, ports: ConfigSyncPorts) -> None:
    if file.pipeline_id is not None:
        _remove_pipeline(file.pipeline_id, file.source, ports)
    ports.ledger.remove_file(file.source)


def _remove_pipeline(pipeline_id: str, source: str, ports: ConfigSyncPorts) -> None:
    """Unless another file holds it by now: renaming a file removes no pipeline."""
    stored = ports.control.config(pipeline_id)
    if stored is not None and stored.source == source:
        ports.schedules.remove(pipeline_id)
        ports.control.remove_config(pipeline_id)
        log.info("config removed", extra={"pipeline": pipeline_id, "source": source})
