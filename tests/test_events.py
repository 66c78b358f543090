"""`docs/events.md` and `docs/events.schema.json` say what the code does: every type, its fields, an event that happened."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import events_page
from event_builder import an_event
from events_page import FAMILIES, PAGE, SHOWN_BY
from interlock.aws.event_bus import detail_text
from interlock.domain.event import EventType, severity_of
from interlock.domain.event_fields import EVENTS
from interlock.event_schema import event_schema, schema_text
from json_schema_check import violations

SCHEMA = event_schema()
STALE = "run `make schema`"


def on_the_bus(event_type: str, detail: dict[str, Any], **changes: Any) -> dict[str, Any]:
    text = detail_text(an_event(EventType(event_type), detail=detail))
    return {**json.loads(text), **changes}


def test_the_page_is_what_the_code_and_the_scenarios_say(capsys: pytest.CaptureFixture[str]) -> None:
    events_page.main()

    assert PAGE.read_text(encoding="utf-8") == capsys.readouterr().out, STALE


def test_the_published_schema_is_the_one_of_the_fields() -> None:
    published = Path(__file__).parent.parent / "docs" / "events.schema.json"

    assert published.read_text(encoding="utf-8") == schema_text(), STALE


def test_every_event_type_belongs_to_one_family_of_the_page() -> None:
    named = [name for types in FAMILIES.values() for name in types]

    assert sorted(named) == sorted(EventType)


def test_no_field_of_an_event_is_described_twice() -> None:
    for told in EVENTS.values():
        names = [field.name for field in told.fields]
        assert sorted(set(names)) == sorted(names)


OPENED = {"openedBy": "cron", "windowEndsAt": "2026-03-02T09:00:00Z"}


def test_an_event_as_it_stands_on_the_bus_fits() -> None:
    assert violations(on_the_bus("RUN_OPENED", OPENED), SCHEMA) == []


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(on_the_bus("RUN_OPENED", {"openedBy": "cron"}), id="a field is missing"),
        pytest.param(on_the_bus("RUN_OPENED", {**OPENED, "more": 1}), id="a field that nobody documents"),
        pytest.param(on_the_bus("RUN_OPENED", {**OPENED, "openedBy": 7}), id="another kind of value"),
        pytest.param(on_the_bus("RUN_OPENED", {**OPENED, "windowEndsAt": "soon"}), id="no instant"),
        pytest.param(on_the_bus("CONFIG_LOADED", OPENED), id="another type's detail"),
        pytest.param(on_the_bus("RUN_OPENED", OPENED, severity="critical"), id="another severity"),
        pytest.param(on_the_bus("RUN_OPENED", OPENED, type="RUN_DREAMT"), id="an unknown type"),
        pytest.param(on_the_bus("RUN_OPENED", OPENED, attempt=0), id="attempts count from 1"),
        pytest.param(on_the_bus("RUN_OPENED", OPENED, more=1), id="an envelope with more in it"),
    ],
)
def test_what_is_no_event_of_ours_does_not_fit(event: dict[str, Any]) -> None:
    assert violations(event, SCHEMA) != []


def test_an_event_that_was_cut_down_fits_although_fields_are_missing() -> None:
    rules = [{"rule": "r", "reason": "x" * 300_000, "seen": 1, "wanted": 2, "since": None}]

    event = on_the_bus("VALIDATION_PASSED", {"rules": rules})

    assert event["detail"]["leftOut"] == ["rules"]
    assert violations(event, SCHEMA) == []


@pytest.mark.parametrize("event_type", EVENTS)
def test_a_type_has_a_branch_with_its_own_severity(event_type: EventType) -> None:
    (branch,) = [one["then"] for one in SCHEMA["allOf"] if _type_of(one["if"]) == event_type]

    assert branch["properties"]["severity"] == {"const": severity_of(event_type)}
    assert branch["properties"]["detail"] == {"$ref": f"#/$defs/{event_type}"}
    assert SCHEMA["$defs"][event_type]["additionalProperties"] is False


def _type_of(condition: dict[str, Any]) -> str:
    return str(condition["properties"]["type"]["const"])


def test_every_event_type_is_documented_and_shown_by_a_scenario() -> None:
    assert sorted(EVENTS) == sorted(EventType)
    assert sorted(SHOWN_BY) == sorted(EventType)
