"""Bring the stored configs in step with the user's YAML files: one pass, safely repeated, each file on its own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from interlock.domain import announcement
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
    removed = [file for source, file in sorted(known.items()) if source not in listing]
    for file in removed:
        known.pop(file.source)
    # The valid ones last: a file that was refused for naming another's pipeline does not take it over.
    by_validity = sorted(known.values(), key=lambda file: file.valid)
    owners = {file.pipeline_id: file.source for file in by_validity if file.pipeline_id is not None}
    failures: list[str] = []
    for name in _to_read(listing, known, some_removed=bool(removed)):
        _guarded(partial(_sync_file, name, known.get(name), owners, ports, now), name, failures)
    for file in removed:
        _guarded(partial(_forget_file, file, ports), file.source, failures)
    if failures:
        raise SyncFailed("; ".join(failures[:10]))


def _to_read(listing: Mapping[str, str], known: Mapping[str, ConfigFile], *, some_removed: bool) -> list[str]:
    def differs(name: str, etag: str) -> bool:
        file = known.get(name)
        # A file may be invalid only because another one, now removed, held its pipeline id.
        return file is None or file.etag != etag or (some_removed and not file.valid)

    return [name for name, etag in sorted(listing.items()) if differs(name, etag)]


def _guarded(work: Callable[[], None], name: str, failures: list[str]) -> None:
    try:
        work()
    except CallFailed as error:
        log.error("config file could not be brought in step", extra={"source": name, "error": str(error)})
        failures.append(f"{name}: {error}")


def _sync_file(
    name: str, before: ConfigFile | None, owners: dict[str, str], ports: ConfigSyncPorts, now: datetime
) -> None:
    content = ports.source.read(name)
    if content is None:
        return  # removed since the listing: the next pass forgets it
    text, etag = content
    version = before.version + 1 if before else 1
    try:
        checked = ports.check(text, name)
        _refuse_second_owner(checked.pipeline.id, name, owners)
    except PipelineInvalid as invalid:
        if before is not None and not before.valid and before.etag == etag:
            return  # as invalid as it was: that has been said
        pipeline_id = (before.pipeline_id if before else None) or invalid.pipeline_id
        mistakes = [str(mistake) for mistake in invalid.mistakes]
        last_good = before is not None and before.pipeline_id is not None
        told = announcement.config_invalid(name, mistakes, last_good, now)
        file = ConfigFile(name, etag, pipeline_id, valid=False, version=version)
        ports.ledger.put_file(file, told, now)
        log.warning(
            "config invalid", extra={"source": name, "pipeline": pipeline_id, "mistakes": len(mistakes)}
        )
        return
    _store(checked.pipeline, name, etag, checked.warnings, ports, now)
    if before is not None and before.pipeline_id not in (None, checked.pipeline.id):
        _remove_pipeline(before.pipeline_id or "", name, ports)
        owners.pop(before.pipeline_id or "", None)
    owners[checked.pipeline.id] = name
    ports.ledger.put_file(ConfigFile(name, etag, checked.pipeline.id, valid=True, version=version), None, now)


def _refuse_second_owner(pipeline_id: str, name: str, owners: Mapping[str, str]) -> None:
    owner = owners.get(pipeline_id, name)
    if owner != name:
        message = f"pipeline.id {pipeline_id} is already defined by {owner}; give one of them another id"
        raise PipelineInvalid([Mistake(name, 1, "pipeline.id", message)], pipeline_id)


def _store(
    pipeline: Pipeline, name: str, etag: str, warnings: Iterable[Any], ports: ConfigSyncPorts, now: datetime
) -> None:
    stored = ports.control.config(pipeline.id)
    text = encode_pipeline(pipeline)
    if stored is None or stored.text != text or stored.source != name:
        version = stored.version + 1 if stored else 1
        told = announcement.config_loaded(name, now, [str(warning) for warning in warnings])
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
