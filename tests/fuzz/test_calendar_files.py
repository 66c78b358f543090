"""However files of pipelines and calendars come, change, break and go, and wherever passes die: two quiet passes later
what is stored is what the files say, and no pipeline is in force whose calendar has no row."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config_world import Configs
from interlock.aws.config_ledger import DynamoConfigLedger
from interlock.domain.schedule import calendar_names
from interlock.simulation.faults import FunctionCrashed

CALLS = ("s3.GetObject", "dynamodb.GetItem", "dynamodb.PutItem", "dynamodb.DeleteItem", "dynamodb.Query")
CALENDARS = ("company", "banks")


def a_pipeline_file(name: str, exclude: str) -> bytes:
    job = "job: {type: glue, config: {jobName: etl}}\n"
    return f"pipeline: {{id: {name}}}\nschedule: {{cron: 0 6 * * *, exclude: {exclude}}}\n{job}".encode()


def a_calendar_file(name: str, day: str) -> bytes:
    return f"calendar: {{name: {name}, days: [{day}]}}\n".encode()


EXCLUDES = st.sampled_from(
    ["{weekends: true}", "{holidays: XNYS}", *(f"{{calendar: {name}}}" for name in CALENDARS)]
)
CONTENTS = st.one_of(
    st.builds(a_pipeline_file, st.sampled_from(["gold", "silver"]), EXCLUDES),
    st.builds(a_calendar_file, st.sampled_from(CALENDARS), st.sampled_from(["monday", "sunday"])),
    st.just(b"calendar: {nam: company}\n"),
    st.just(b"calendar: ["),
    st.none(),
)
CHANGES = st.dictionaries(st.sampled_from("abcd"), CONTENTS, max_size=3)
CRASHES = st.none() | st.tuples(st.sampled_from(CALLS), st.integers(0, 6), st.booleans())


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(CHANGES, CRASHES), min_size=1, max_size=5))
def test_calendars_and_pipelines_come_to_rest_in_step(
    history: list[tuple[dict[str, bytes | None], tuple[str, int, bool] | None]],
) -> None:
    world = Configs()
    for changes, crash in history:
        for name, text in changes.items():
            if text is not None or f"{name}.yaml" in world.bucket.files:
                world.write(**{name: text})
        arrange(world, crash)
        with suppress(FunctionCrashed):
            world.sync()
    world.calls.calm()
    world.sync()
    world.sync()
    before = (world.table.query("CONFIG_FILES"), len(world.events))
    world.sync()

    ledger = DynamoConfigLedger(world.table.from_outside())
    assert (world.table.query("CONFIG_FILES"), len(world.events)) == before  # at rest
    for pipeline in filter(None, map(world.outside.pipeline, ("gold", "silver"))):
        assert all(ledger.calendar(name) for name in calendar_names(pipeline))
        assert world.outside.config(pipeline.id).source in world.bucket.files
    for name in (*CALENDARS, "holidays:XNYS"):
        held = any(file.calendar == name for file in ledger.files())
        assert (ledger.calendar(name) is not None) is held
    for file in ledger.files():
        if file.valid and file.source in world.bucket.files and file.calendar:
            wanted = a_calendar_file(file.calendar, "monday")
            monday = world.bucket.files[file.source] == wanted
            assert ledger.calendar(file.calendar).calendar.days == frozenset({0 if monday else 6})


def arrange(world: Configs, crash: tuple[str, int, bool] | None) -> None:
    if crash is None:
        return
    call, calls_before, after = crash
    for _ in range(calls_before):
        world.calls.arrange(call, lambda: None, after=after)
    world.calls.arrange(call, FunctionCrashed(call), after=after)
