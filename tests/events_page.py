"""`docs/events.md`, from the fields that `domain/event_fields.py` documents and from scenarios that show each event.

`python tests/events_page.py > docs/events.md` writes it anew.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from interlock.aws.event_bus import detail_text
from interlock.domain.event import EventType, Severity, severity_of
from interlock.domain.event_fields import EVENTS, VERDICT_FIELDS, Field, Kind
from interlock.event_schema import ENVELOPE
from interlock.simulation.play import play
from interlock.simulation.played import Played
from interlock.simulation.scenario_yaml import read_scenario_file

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "events.md"
FOLDER = ROOT / "pipelines" / "scenarios"

FAMILIES: Mapping[str, tuple[str, ...]] = {
    "A run": (
        "RUN_OPENED",
        "VALIDATION_PASSED",
        "VALIDATION_EXHAUSTED",
        "SLOT_AWAITED",
        "JOB_TRIGGERED",
        "JOB_COMPLETED",
        "JOB_FAILED",
        "JOB_TIMEOUT",
        "JOB_POLL_EXHAUSTED",
        "JOB_RETRIED",
        "RETRY_EXHAUSTED",
        "INFRA_FAILURE",
        "SFN_TIMEOUT",
    ),
    "SLA": ("SLA_WARNING", "SLA_BREACH", "SLA_MET", "RELATIVE_SLA_WARNING", "RELATIVE_SLA_BREACH"),
    "Reruns": ("LATE_DATA_ARRIVAL", "RERUN_ACCEPTED", "RERUN_REJECTED"),
    "After the run": (
        "POST_RUN_BASELINE_CAPTURED",
        "BASELINE_CAPTURE_FAILED",
        "POST_RUN_PASSED",
        "POST_RUN_FAILED",
        "POST_RUN_DRIFT",
        "POST_RUN_DRIFT_INFLIGHT",
        "POST_RUN_SENSOR_MISSING",
    ),
    "What did not happen": (
        "SCHEDULE_MISSED",
        "IRREGULAR_SCHEDULE_MISSED",
        "SENSOR_DEADLINE_EXPIRED",
        "TRIGGER_RECOVERED",
        "PIPELINE_EXCLUDED",
        "WATCHDOG_DEGRADED",
    ),
    "Input": ("CONFIG_LOADED", "CONFIG_INVALID", "SENSOR_INVALID"),
    "Dry run": (
        "DRY_RUN_WOULD_TRIGGER",
        "DRY_RUN_SLA_PROJECTION",
        "DRY_RUN_COMPLETED",
        "DRY_RUN_LATE_DATA",
        "DRY_RUN_DRIFT",
        "DRY_RUN_WOULD_RERUN",
        "DRY_RUN_RERUN_REJECTED",
        "DRY_RUN_WOULD_RETRY",
        "DRY_RUN_RETRY_EXHAUSTED",
    ),
    "Infrastructure": ("INFRA_ALARM",),
}
# Which scenario shows an event type: its first event of that type is the example.
SHOWN_BY: Mapping[str, str] = {
    "RUN_OPENED": "waking/the-last-needed-write-starts-the-job.yaml",
    "VALIDATION_PASSED": "waking/the-last-needed-write-starts-the-job.yaml",
    "VALIDATION_EXHAUSTED": "expiry/says-which-rule-was-missing.yaml",
    "SLOT_AWAITED": "slots/runs-of-a-pool-take-turns-in-order.yaml",
    "JOB_TRIGGERED": "waking/the-last-needed-write-starts-the-job.yaml",
    "JOB_COMPLETED": "jobs/a-callback-ends-an-http-job.yaml",
    "JOB_FAILED": "retries/transient-failures-use-maxretries.yaml",
    "JOB_TIMEOUT": "retries/a-job-that-never-ends-is-cancelled.yaml",
    "JOB_POLL_EXHAUSTED": "retries/a-job-that-never-ends-is-cancelled.yaml",
    "JOB_RETRIED": "retries/transient-failures-use-maxretries.yaml",
    "RETRY_EXHAUSTED": "retries/transient-failures-use-maxretries.yaml",
    "INFRA_FAILURE": "retries/half-an-hour-of-refusals-fails-the-attempt.yaml",
    "SFN_TIMEOUT": "absence/workflow-gone-and-nobody-told.yaml",
    "SLA_WARNING": "sla/a-late-finish-stays-breached.yaml",
    "SLA_BREACH": "sla/a-late-finish-stays-breached.yaml",
    "SLA_MET": "sla/a-cron-run-is-met-before-its-deadline.yaml",
    "RELATIVE_SLA_WARNING": "sla/a-relative-sla-is-warned-of-at-three-quarters.yaml",
    "RELATIVE_SLA_BREACH": "sla/a-relative-sla-is-warned-of-at-three-quarters.yaml",
    "LATE_DATA_ARRIVAL": "drift/late-data-and-drift-share-one-budget.yaml",
    "RERUN_ACCEPTED": "reruns/a-request-during-a-run-is-refused.yaml",
    "RERUN_REJECTED": "reruns/a-request-during-a-run-is-refused.yaml",
    "POST_RUN_BASELINE_CAPTURED": "drift/drift-by-percent-is-measured-from-the-baseline.yaml",
    "BASELINE_CAPTURE_FAILED": "late-data/a-baseline-that-cannot-be-kept-does-not-hold-back-the-success.yaml",
    "POST_RUN_PASSED": "drift/drift-by-percent-is-measured-from-the-baseline.yaml",
    "POST_RUN_FAILED": "post-run/a-verdict-is-told-when-it-changes.yaml",
    "POST_RUN_DRIFT": "drift/drift-by-percent-is-measured-from-the-baseline.yaml",
    "POST_RUN_DRIFT_INFLIGHT": "drift/drift-in-flight-is-told-once-a-sensor.yaml",
    "POST_RUN_SENSOR_MISSING": "post-run/a-sensor-that-never-existed-is-missing.yaml",
    "SCHEDULE_MISSED": "absence/missed-fire-is-announced-once.yaml",
    "IRREGULAR_SCHEDULE_MISSED": "absence/inclusion-missed.yaml",
    "SENSOR_DEADLINE_EXPIRED": "absence/trigger-deadline-expires.yaml",
    "TRIGGER_RECOVERED": "absence/missed-fire-is-recovered.yaml",
    "PIPELINE_EXCLUDED": "cron/an-excluded-fire-is-said-once.yaml",
    "WATCHDOG_DEGRADED": "absence/degraded-part-stops-no-other.yaml",
    "CONFIG_LOADED": "neighbours/a-malformed-config-is-refused-and-the-others-run-on.yaml",
    "CONFIG_INVALID": "neighbours/a-malformed-config-is-refused-and-the-others-run-on.yaml",
    "SENSOR_INVALID": "neighbours/an-unreadable-hour-is-reported-once.yaml",
    "DRY_RUN_WOULD_TRIGGER": "dry-run/a-dry-run-says-when-it-would-start-and-starts-nothing.yaml",
    "DRY_RUN_SLA_PROJECTION": "dry-run/its-sla-is-projected-and-never-breaches.yaml",
    "DRY_RUN_COMPLETED": "dry-run/a-dry-run-says-when-it-would-start-and-starts-nothing.yaml",
    "DRY_RUN_LATE_DATA": "dry-run/late-data-and-drift-would-rerun-it-within-its-budget.yaml",
    "DRY_RUN_DRIFT": "dry-run/late-data-and-drift-would-rerun-it-within-its-budget.yaml",
    "DRY_RUN_WOULD_RERUN": "dry-run/a-request-would-rerun-it-within-its-budget.yaml",
    "DRY_RUN_RERUN_REJECTED": "dry-run/a-request-would-rerun-it-within-its-budget.yaml",
    "DRY_RUN_WOULD_RETRY": "dry-run/outside-failures-use-the-retry-budget.yaml",
    "DRY_RUN_RETRY_EXHAUSTED": "dry-run/outside-failures-use-the-retry-budget.yaml",
    "INFRA_ALARM": "alarms/a-silent-watchdog-sets-off-an-alarm.yaml",
}

_HEAD = """\
# Events

Everything that Interlock does or notices is an event on the EventBridge bus `<environment>-interlock-events`: source
`interlock`, detail-type the type below, and a `detail` as [`events.schema.json`](events.schema.json) (JSON Schema
2020-12) describes it. A rule that catches every breach:

```json
{"source": ["interlock"], "detail-type": ["SLA_BREACH", "RELATIVE_SLA_BREACH"]}
```

An event is written with the change that it tells of, and delivered at least once: `eventId` is the same each time.
Warnings and worse reach Slack, in one thread a run; so does the `JOB_COMPLETED` of a run that has a thread, and no
other event. An event that would be larger than EventBridge takes is cut down: its `detail` then names the fields that
are missing in `leftOut`, and says why in `leftOutBecause`.

This page is generated from what the code says of itself, and its examples from the scenarios that they link to.
"""


def example(event_type: str, played: Played) -> str:
    """The first event of this type, as the bus carried it."""
    event = next(found.event for found in played.events() if found.event.type == event_type)
    return json.dumps(json.loads(detail_text(event)), indent=2, ensure_ascii=False)


def page(example_of: Callable[[str], str]) -> str:
    """The whole page; `example_of` a type is its example as JSON."""
    parts = [_HEAD, "## Every event\n", _table(("field", "", "meaning"), map(_envelope_row, ENVELOPE))]
    parts += ["A verdict, in `rules` and `unmet`:\n", _fields(VERDICT_FIELDS)]
    parts += ["## Types\n", _table(("type", "severity", "Slack", "published when"), _index())]
    for family, types in FAMILIES.items():
        parts.append(f"## {family}\n")
        parts += [_section(EventType(name), example_of(name)) for name in types]
    return "\n".join(parts)


def _section(event_type: EventType, shown: str) -> str:
    told, scenario = EVENTS[event_type], SHOWN_BY[event_type]
    title = read_scenario_file(FOLDER / scenario).name
    lines = [f"### {event_type}\n", f"{told.when}\n"]
    lines.append(f"Severity **{severity_of(event_type)}**; Slack: {_slack(event_type)}.\n")
    lines.append(_fields(told.fields) if told.fields else "Its `detail` is empty.\n")
    lines.append(f"Example, from [{title}](../pipelines/scenarios/{scenario}):\n")
    lines.append(f"```json\n{shown}\n```\n")
    return "\n".join(lines)


def _index() -> Iterator[tuple[str, ...]]:
    for types in FAMILIES.values():
        for name in types:
            link = f"[`{name}`](#{name.lower()})"
            event_type = EventType(name)
            yield link, str(severity_of(event_type)), _slack(event_type), EVENTS[event_type].when


def _slack(event_type: EventType) -> str:
    if event_type is EventType.JOB_COMPLETED:
        return "when `recovered`"
    return "no" if severity_of(event_type) is Severity.INFO else "yes"


def _envelope_row(name: str) -> tuple[str, ...]:
    schema = ENVELOPE[name]
    values = schema.get("enum", ())
    listed = ", ".join(f"`{value}`" for value in values if value) if len(values) < 10 else ""
    meaning = ". ".join(filter(None, (listed, schema.get("description"))))
    return f"`{name}`", _kind_of(schema), meaning


def _kind_of(schema: Mapping[str, Any]) -> str:
    if "pattern" in schema:
        return Kind.INSTANT
    types = schema.get("type", "string")
    names = [types] if isinstance(types, str) else types
    words = {"string": Kind.TEXT, "integer": Kind.WHOLE, "object": Kind.MAPPING}
    return " or ".join(str(words.get(name, name)) for name in names)


def _fields(fields: tuple[Field, ...]) -> str:
    return _table(("`detail` field", "", "meaning"), map(_field_row, fields))


def _field_row(field: Field) -> tuple[str, ...]:
    values = f"{', '.join(f'`{value}`' for value in field.values)}: " if field.values else ""
    kind = f"{field.kind}{' or null' if field.or_null else ''}{'' if field.always else ', optional'}"
    return f"`{field.name}`", kind, values + field.meaning


def _table(head: tuple[str, ...], rows: Any) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def main() -> None:
    played = {name: play(read_scenario_file(FOLDER / name)) for name in sorted(set(SHOWN_BY.values()))}
    sys.stdout.write(page(lambda event_type: example(event_type, played[SHOWN_BY[event_type]])))


if __name__ == "__main__":
    logging.disable()  # what the functions log in the scenarios is no part of the page
    main()
