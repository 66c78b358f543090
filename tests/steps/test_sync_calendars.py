"""Calendar rows follow the user's files and the years; none goes, or is wanting, while a pipeline names it."""

from datetime import UTC, date, datetime

import pytest

from builders import at
from config_world import BROKEN, Configs, a_file
from interlock.aws.config_ledger import DynamoConfigLedger
from interlock.ports import CallFailed
from interlock.simulation.faults import FunctionCrashed
from interlock.steps.sync_configs import SyncFailed
from world_builder import later

COMPANY = b"calendar: {name: company, dates: [2026-12-25], days: [sunday]}\n"


def a_pipeline_of(calendar, pipeline_id="gold", key="calendar"):
    schedule = f'schedule: {{cron: "0 6 * * *", exclude: {{{key}: {calendar}}}}}'
    return f"pipeline: {{id: {pipeline_id}}}\n{schedule}\njob: {{type: glue, config: {{jobName: etl}}}}\n".encode()


def days_of(world, name="company"):
    stored = DynamoConfigLedger(world.table.from_outside()).calendar(name)
    return stored and (sorted(map(str, stored.calendar.dates)), sorted(stored.calendar.days))


def recorded(world):
    return sorted(file.source for file in DynamoConfigLedger(world.table).files())


# ---------------------------------------------------------------- coming, changing


@pytest.mark.parametrize("name", ["a_company", "z_company"])
def test_a_calendar_is_there_before_the_pipelines_of_its_pass(name):
    world = Configs(gold=a_pipeline_of("company"), **{name: COMPANY})

    world.sync()

    assert list(world.stored) == ["gold"]
    assert days_of(world) == (["2026-12-25"], [6])
    assert world.said == [("CONFIG_LOADED", None), ("CONFIG_LOADED", "gold")]
    assert world.events[0].message == f"calendar company loaded from {name}.yaml"


def test_a_calendar_that_changes_replaces_its_row_and_is_told():
    world = Configs(company=COMPANY)
    world.sync()

    world.write(company=COMPANY.replace(b"12-25", b"12-24"))
    world.sync()

    assert days_of(world) == (["2026-12-24"], [6])
    assert world.told == ["CONFIG_LOADED"] * 2


def test_a_calendar_that_changes_in_its_comments_alone_is_not_told_again():
    world = Configs(company=COMPANY)
    world.sync()

    world.write(company=COMPANY + b"# note\n")
    world.sync()
    world.bucket.read_names.clear()
    world.sync()

    assert world.told == ["CONFIG_LOADED"]
    assert world.bucket.read_names == []


def test_an_invalid_calendar_keeps_the_last_good_one_and_says_so():
    world = Configs(company=COMPANY, gold=a_pipeline_of("company"))
    world.sync()

    world.write(company=b"calendar:\n  name: company\n  dates: [2026-02-30]\n")
    world.sync()

    assert days_of(world) == (["2026-12-25"], [6])
    assert world.said[-1] == ("CONFIG_INVALID", None)
    assert "the last good config stays in force" in world.events[-1].message
    assert world.events[-1].detail["mistakes"] == [
        "company.yaml:3: calendar.dates[0]: 2026-02-30 is no date; look at the calendar"
    ]


@pytest.mark.parametrize("text", [b"calendar: [", b"\xff", b"calendar: {name: x, nam: y}"])
def test_a_file_that_cannot_be_read_any_more_keeps_its_calendar(text):
    world = Configs(company=COMPANY, gold=a_pipeline_of("company"))
    world.sync()

    world.write(company=text)
    world.sync()
    world.write(company=COMPANY, gold=a_pipeline_of("company", "silver"))
    world.sync()

    assert days_of(world) == (["2026-12-25"], [6])
    assert list(world.stored) == ["silver"]


def test_of_two_files_that_name_one_calendar_the_first_holds_it():
    world = Configs(a=COMPANY, b=b"calendar: {name: company, days: [monday]}")

    world.sync()

    assert days_of(world) == (["2026-12-25"], [6])
    assert "calendar.name: company is already defined by a.yaml" in world.events[-1].message


@pytest.mark.parametrize("gives_up", [{"a": None}, {"a": b"calendar: {name: other}"}, {"a": a_file("gold")}])
def test_a_second_file_holds_the_calendar_that_the_first_gives_up(gives_up):
    world = Configs(
        a=COMPANY, b=b"calendar: {name: company, days: [monday]}", c=a_pipeline_of("company", "silver")
    )
    world.sync()

    world.write(**gives_up)
    world.sync()

    assert days_of(world) == ([], [0])
    assert world.told.count("CONFIG_INVALID") == 1


def test_a_renamed_file_keeps_its_calendar():
    world = Configs(a=COMPANY, gold=a_pipeline_of("company"))
    world.sync()

    world.write(a=None, b=COMPANY)
    world.sync()
    world.sync()

    assert days_of(world) == (["2026-12-25"], [6])
    assert "CONFIG_INVALID" not in world.told
    assert recorded(world) == ["b.yaml", "gold.yaml"]


def test_a_row_that_somebody_put_there_is_a_calendar_too():
    world = Configs(gold=a_pipeline_of("company"))
    world.table.from_outside().put({"PK": "CALENDAR#company", "SK": "CALENDAR", "days": ["sunday"]})

    world.sync()

    assert list(world.stored) == ["gold"]


# ---------------------------------------------------------------- a pipeline that names none


@pytest.mark.parametrize(
    ("calendars", "hint"),
    [
        ({}, "add a file with calendar: {name: company, dates: [...]}"),
        ({"a": b"calendar: {name: company-eu}"}, "did you mean company-eu?"),
        ({"a": b"calendar: {name: banks}"}, "or name one of banks"),
    ],
)
def test_a_pipeline_that_names_no_calendar_is_refused_and_told_what_to_do(calendars, hint):
    world = Configs(gold=a_pipeline_of("company"), **calendars)

    world.sync()
    world.sync()

    assert world.stored == {}
    assert world.said.count(("CONFIG_INVALID", "gold")) == 1
    assert "gold.yaml:2: schedule.exclude.calendar: there is no calendar company" in world.events[-1].message
    assert hint in world.events[-1].message


def test_a_pipeline_that_was_refused_is_tried_again_when_its_calendar_appears():
    world = Configs(gold=a_pipeline_of("company"), silver=a_pipeline_of("banks", "silver"))
    world.sync()
    world.bucket.read_names.clear()

    world.write(company=COMPANY)
    world.sync()

    assert list(world.stored) == ["gold"]
    assert world.told.count("CONFIG_INVALID") == 2
    assert world.bucket.read_names == ["company.yaml", "gold.yaml"]


def test_a_pass_that_dies_between_a_calendar_and_who_waits_for_it_is_made_good():
    world = Configs(gold=a_pipeline_of("company"))
    world.sync()
    world.write(company=COMPANY)
    world.calls.arrange("s3.GetObject", lambda: None)
    world.calls.arrange("s3.GetObject", FunctionCrashed("s3.GetObject"))
    with pytest.raises(FunctionCrashed):
        world.sync()

    world.sync()

    assert list(world.stored) == ["gold"]


def test_a_pipeline_that_waits_for_two_calendars_says_which_is_still_missing():
    both = a_pipeline_of("company").replace(b"exclude", b"include: {calendar: banks}, exclude", 1)
    both = both.replace(b'cron: "0 6 * * *", ', b"")
    world = Configs(gold=both)
    world.sync()

    world.write(company=COMPANY)
    world.sync()
    world.sync()

    assert world.told.count("CONFIG_INVALID") == 2
    assert "there is no calendar banks" in world.events[-1].message
    assert "company" not in world.events[-1].detail["mistakes"][0].split(";")[0]


def test_a_change_that_names_no_calendar_keeps_the_last_good_config():
    world = Configs(gold=a_file("gold"))
    world.sync()

    world.write(gold=a_pipeline_of("company"))
    world.sync()

    assert list(world.stored) == ["gold"]
    assert "the last good config stays in force" in world.events[-1].message


# ---------------------------------------------------------------- going


def test_a_calendar_that_no_pipeline_names_goes_with_its_file():
    world = Configs(company=COMPANY, gold=a_file("gold"))
    world.sync()

    world.write(company=None)
    world.sync()

    assert (days_of(world), recorded(world)) == (None, ["gold.yaml"])


def test_a_calendar_that_a_pipeline_names_stays_without_its_file_and_that_is_said_once():
    world = Configs(company=COMPANY, gold=a_pipeline_of("company"))
    world.sync()

    world.write(company=None)
    for _ in range(3):
        world.sync()

    assert days_of(world) == (["2026-12-25"], [6])
    assert world.told.count("CONFIG_INVALID") == 1
    assert "no file defines it any more, but gold names it; put the file back" in world.events[-1].message


@pytest.mark.parametrize("change", [{"gold": None}, {"gold": a_file("gold")}])
@pytest.mark.parametrize("at_once", [True, False], ids=["in one pass", "later"])
def test_a_calendar_without_a_file_goes_with_the_last_pipeline_that_names_it(change, at_once):
    world = Configs(company=COMPANY, gold=a_pipeline_of("company"))
    world.sync()

    world.write(company=None)
    if not at_once:
        world.sync()
    world.write(**change)
    world.sync()

    assert days_of(world) is None
    assert world.told.count("CONFIG_INVALID") == (0 if at_once else 1)


@pytest.mark.parametrize("text", [b"calendar: {name: other}", a_file("silver")])
def test_a_calendar_whose_file_holds_something_else_stays_while_it_is_named(text):
    world = Configs(company=COMPANY, gold=a_pipeline_of("company"))
    world.sync()

    world.write(company=text)
    world.sync()

    assert days_of(world) == (["2026-12-25"], [6])
    assert world.said.count(("CONFIG_INVALID", None)) == 1


def test_a_file_that_is_put_back_defines_its_calendar_again():
    world = Configs(company=COMPANY, gold=a_pipeline_of("company"))
    world.sync()
    world.write(company=None)
    world.sync()

    world.write(company=COMPANY.replace(b"sunday", b"monday"))
    world.sync()
    world.write(gold=None)
    world.sync()

    assert days_of(world) == (["2026-12-25"], [0])
    assert recorded(world) == ["company.yaml"]


def test_a_pipeline_file_that_becomes_a_calendar_gives_up_its_pipeline():
    world = Configs(gold=a_file("gold", cron="0 6 * * *"))
    world.sync()

    world.write(gold=COMPANY)
    world.sync()

    assert (world.stored, world.bucket.schedules) == ({}, {})
    assert days_of(world) is not None


def test_a_calendar_stays_while_a_pipeline_that_is_invalid_now_names_it_in_its_last_good_config():
    world = Configs(company=COMPANY, gold=a_pipeline_of("company"))
    world.sync()
    world.write(gold=BROKEN)
    world.sync()

    world.write(company=None)
    world.sync()

    assert days_of(world) is not None


def test_no_calendar_goes_in_a_pass_that_could_not_bring_all_pipelines_in_step():
    world = Configs(company=COMPANY, gold=a_file("gold"), silver=a_file("silver"))
    world.sync()
    world.write(company=None, gold=a_pipeline_of("company"))
    world.calls.arrange("scheduler.UpdateSchedule", CallFailed("scheduler.UpdateSchedule", "Throttling"))

    with pytest.raises(SyncFailed):
        world.sync()
    assert days_of(world) is not None

    world.sync()
    assert days_of(world) is not None


@pytest.mark.parametrize("call", ["dynamodb.GetItem", "dynamodb.PutItem", "dynamodb.DeleteItem"])
@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("named", [False, True], ids=["unnamed", "named"])
def test_a_calendar_that_changes_its_name_is_lost_at_no_crash(call, nth, after, named):
    world = Configs(company=COMPANY, gold=a_pipeline_of("company") if named else a_file("gold"))
    world.sync()
    world.write(company=b"calendar: {name: other, days: [monday]}")
    for _ in range(nth - 1):
        world.calls.arrange(call, lambda: None, after=after)
    world.calls.arrange(call, FunctionCrashed(call), after=after)

    for _ in range(2):
        try:
            world.sync()
        except FunctionCrashed:
            world.sync()

    assert days_of(world, "other") == ([], [0])
    assert (days_of(world) is not None) is named
    assert world.told.count("CONFIG_INVALID") == named


# ---------------------------------------------------------------- public holidays


def test_the_holidays_that_a_pipeline_names_are_computed_before_it_is_stored():
    world = Configs(gold=a_pipeline_of("US-NY", key="holidays"))

    world.sync()

    dates = DynamoConfigLedger(world.table.from_outside()).calendar("holidays:US-NY").calendar.dates
    assert {day.year for day in dates} == {2025, 2026, 2027, 2028}
    assert date(2026, 7, 3) in dates  # observed: the 4th is a Saturday
    assert world.told == ["CONFIG_LOADED"]


def test_holidays_are_computed_anew_with_the_year_and_not_before():
    world = Configs(gold=a_pipeline_of("US", key="holidays"))
    world.sync(at("2026-12-30T08:00"))
    writes = len(world.table.query("CONFIG_FILES"))
    world.sync(at("2026-12-31T23:59"))
    assert world.table.query("CONFIG_FILES")[0].get("version") == 1
    assert writes == 2

    world.sync(datetime(2027, 1, 1, tzinfo=UTC))

    dates = DynamoConfigLedger(world.table.from_outside()).calendar("holidays:US").calendar.dates
    assert {day.year for day in dates} == {2026, 2027, 2028, 2029}


def test_holidays_that_no_pipeline_names_any_more_go():
    world = Configs(
        gold=a_pipeline_of("US", key="holidays"), silver=a_pipeline_of("US", "silver", "holidays")
    )
    world.sync()

    world.write(gold=a_file("gold"))
    world.sync()
    assert days_of(world, "holidays:US") is not None

    world.write(silver=None)
    world.sync()

    assert (days_of(world, "holidays:US"), recorded(world)) == (None, ["gold.yaml"])


def test_no_file_can_pass_for_computed_holidays():
    world = Configs(gold=b'calendar: {name: "holidays:US", days: [sunday]}')

    world.sync()

    assert world.told == ["CONFIG_INVALID"]
    assert days_of(world, "holidays:US") is None


def test_a_pass_that_dies_while_it_computes_holidays_is_made_good():
    world = Configs(gold=a_pipeline_of("XNYS", key="holidays"))
    world.calls.arrange("dynamodb.PutItem", FunctionCrashed("dynamodb.PutItem"), after=True)

    with pytest.raises(FunctionCrashed):
        world.sync()
    world.sync(later(minutes=5))

    assert list(world.stored) == ["gold"]
    assert days_of(world, "holidays:XNYS") is not None


def test_a_file_that_becomes_a_pipeline_again_has_its_schedule_although_the_pass_between_died():
    pipeline = a_file("gold", cron="0 6 * * *")
    world = Configs(a=COMPANY, c=a_pipeline_of("company", "silver"))
    world.sync()
    world.write(a=pipeline)
    world.sync()
    schedules = dict(world.bucket.schedules)
    world.write(a=COMPANY)
    world.calls.arrange("dynamodb.DeleteItem", FunctionCrashed("removing gold"))
    with pytest.raises(FunctionCrashed):
        world.sync()

    world.write(a=pipeline)
    world.sync()

    assert world.bucket.schedules == schedules
    assert sorted(schedules) == ["gold", "silver"]
