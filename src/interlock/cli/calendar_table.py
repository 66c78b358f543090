"""The lines of `interlock calendar`, as a table for people and as data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from interlock.domain.execution_date import zone_of
from interlock.domain.outlook import Outlook, sla_zone
from interlock.domain.pipeline import Pipeline, Start
from interlock.domain.schedule import Period, cron_form
from interlock.pipeline_yaml.mistake import printable

_DEADLINES = ("trigger_deadline", "inclusion_deadline", "sla_warning", "sla_deadline")
_TITLES = {
    "trigger_deadline": "TRIGGER UNTIL",
    "inclusion_deadline": "START BY",
    "sla_warning": "SLA WARNING",
    "sla_deadline": "SLA DEADLINE",
}
_GAP = "  "


@dataclass(frozen=True, slots=True)
class PipelineOutlook:
    """All lines of one pipeline."""

    pipeline: Pipeline
    lines: Sequence[Outlook]
    truncated: bool


def table(shown: PipelineOutlook, since: str, until: str) -> Iterator[str]:
    """A heading, and a line for each date, in columns; only those that some line fills."""
    pipeline = shown.pipeline
    yield f"{pipeline.id}: {_heading(pipeline)}"
    if not shown.lines:
        yield f"{_GAP}nothing is expected from {since} to {until}"
        return
    used = [name for name in _DEADLINES if any(getattr(line, name) for line in shown.lines)]
    zone, its_sla_zone = zone_of(pipeline), sla_zone(pipeline)
    titles = ["DATE", "FIRES" if pipeline.schedule.cron else "BEGINS"]
    titles += [] if zone.key == "UTC" else ["UTC"]
    titles += [_TITLES[name] for name in used]
    if zone != its_sla_zone:
        titles = [f"{title} ({its_sla_zone.key})" if title.startswith("SLA") else title for title in titles]
    rows = [_cells(line, used, zone, its_sla_zone) for line in shown.lines]
    widths = [max(map(len, column)) for column in zip(titles, *(cells for cells, _ in rows), strict=True)]
    for cells, remark in [(titles, ""), *rows]:
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        yield printable(f"{_GAP}{_GAP.join([*padded, remark])}".rstrip())
    if shown.truncated:
        yield f"{_GAP}… and more: only the first {len(shown.lines)} are shown; ask for fewer --days"


def _heading(pipeline: Pipeline) -> str:
    schedule = pipeline.schedule
    if schedule.cron:
        kind = f"cron {schedule.cron}"
        kind += " and its trigger, both" if schedule.start is Start.ALL else ""
    elif schedule.include:
        kind = "included dates"
    elif schedule.trigger:
        kind = f"each {'hour' if cron_form(pipeline) is Period.HOURLY else 'day'}, when its trigger comes"
    else:
        kind = "only a rerun request starts it"
    return f"{kind}, {schedule.timezone}" + (" (dry run: nothing is started)" if pipeline.dry_run else "")


def _cells(
    line: Outlook, used: Sequence[str], zone: ZoneInfo, its_sla_zone: ZoneInfo
) -> tuple[list[str], str]:
    begins = [f"{line.at.astimezone(zone):%a %Y-%m-%d %H:%M %Z}"]
    begins += [] if zone.key == "UTC" else [f"{line.at:%Y-%m-%d %H:%M}"]
    if line.date is None:
        return ["-"] * (1 + len(begins) + len(used)), line.notes[0]
    if line.excluded is not None:
        return [line.date, *begins, *["-"] * len(used)], f"skipped: {line.excluded}"
    dues = [_due(getattr(line, name), its_sla_zone if name.startswith("sla") else zone) for name in used]
    return [line.date, *begins, *dues], "; ".join(line.notes)


def _due(at: datetime | None, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%a %m-%d %H:%M %Z}" if at else "-"


def as_data(shown: PipelineOutlook) -> dict[str, Any]:
    """The same for programs: instants in UTC."""
    pipeline = shown.pipeline
    zone = zone_of(pipeline)
    return {
        "pipeline": pipeline.id,
        "schedule": pipeline.schedule_id,
        "timezone": pipeline.schedule.timezone,
        "expected": [
            {
                "date": line.date,
                "at": _instant(line.at),
                "local": line.at.astimezone(zone).isoformat(),
                "fires": pipeline.schedule.cron is not None
                and line.date is not None
                and line.excluded is None,
                "excluded": line.excluded,
                "triggerDeadline": _instant(line.trigger_deadline),
                "inclusionDeadline": _instant(line.inclusion_deadline),
                "slaWarning": _instant(line.sla_warning),
                "slaDeadline": _instant(line.sla_deadline),
                "notes": list(line.notes),
            }
            for line in shown.lines
        ],
        "truncated": shown.truncated,
    }


def _instant(at: datetime | None) -> str | None:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else None
