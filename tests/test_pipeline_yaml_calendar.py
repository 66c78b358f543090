"""Calendar files and holiday codes: what is read, and what is said of each mistake."""

from __future__ import annotations

from datetime import date

import pytest

from interlock.domain.calendar import Calendar
from interlock.pipeline_yaml import PipelineInvalid, check_calendar, check_pipeline, is_calendar_file
from interlock.pipeline_yaml.public_holidays import HolidaysUnknown, check_holidays, holiday_dates


@pytest.mark.parametrize(
    ("text", "calendar"),
    [
        (
            "calendar:\n  name: company\n  dates: [2026-12-25, '2026-12-26']\n  days: [sunday, Mon]\n",
            Calendar("company", frozenset({date(2026, 12, 25), date(2026, 12, 26)}), frozenset({0, 6})),
        ),
        (
            "calendar: {name: a.b_c-1, dates: [2028-02-29]}",
            Calendar("a.b_c-1", frozenset({date(2028, 2, 29)})),
        ),
    ],
)
def test_a_calendar_file_is_read(text: str, calendar: Calendar) -> None:
    assert is_calendar_file(text.encode())
    assert check_calendar(text, "c.yaml").calendar == calendar


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("calendar: {}", "c.yaml:1: calendar.name: is required; add it"),
        ("calendar: 3", "c.yaml:1: calendar: must be a mapping, not 3; write key: value lines"),
        (
            "calendar:\n  name: x\n  dates:\n",
            "c.yaml:3: calendar.dates: has no value; write one or remove it",
        ),
        ("calendar:\n  name: x\n  nme: y\n", 'c.yaml:3: calendar.nme: unknown key; did you mean "name"?'),
        ("calendar: {name: x}\nowner: me\n", "c.yaml:2: owner: unknown key; remove it (known: calendar)"),
        ("calendar: {name: 'a b'}", "calendar.name: may hold only letters, digits"),
        (f"calendar: {{name: {'x' * 129}}}", "calendar.name: may hold only letters, digits"),
        ("calendar: {name: 'holidays:US'}", "calendar.name: may hold only letters, digits"),
        ("calendar: {name: x, dates: [2026-02-30]}", "calendar.dates[0]: 2026-02-30 is no date"),
        ("calendar: {name: x, dates: [25.12.2026]}", "calendar.dates[0]: must be a date such as 2026-12-25"),
        ("calendar: {name: x, dates: 2026-12-25}", "calendar.dates: must be a list"),
        (
            "calendar: {name: x, days: [sundey]}",
            'calendar.days[0]: "sundey" is not known here; did you mean sunday?',
        ),
        (
            f"calendar: {{name: x, dates: [{'2026-12-25, ' * 2001}]}}",
            "calendar.dates: has more than 2000 entries",
        ),
    ],
)
def test_each_mistake_of_a_calendar_file_has_its_line_and_path(text: str, mistake: str) -> None:
    assert is_calendar_file(text.encode())
    with pytest.raises(PipelineInvalid) as caught:
        check_calendar(text, "c.yaml")

    assert len(caught.value.mistakes) == 1
    assert mistake in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbfcalendar: {name: x}",
        b"# ours\n---\ncalendar:\n  name: x\n",
        b"{calendar: {name: x}}",
        b"{\n  'calendar': {name: x}}",
        b'"calendar" : {name: x}\n',
        b"  calendar:\n    name: x\n",
    ],
)
def test_a_calendar_file_is_known_however_it_is_written(text: bytes) -> None:
    assert is_calendar_file(text)
    assert check_calendar(text, "c.yaml").calendar.name == "x"


@pytest.mark.parametrize(
    "text",
    [
        b"pipeline: {id: x}\ncalendar: {name: y}\n",
        b"schedule: {include: {calendar: y}}",
        b"- calendar\n",
        b"calendar: [",
        b"",
        b"\xffcalendar",
    ],
)
def test_another_file_is_no_calendar_file(text: bytes) -> None:
    assert not is_calendar_file(text)


def test_a_calendar_without_a_day_is_allowed_and_likely_not_meant() -> None:
    checked = check_calendar("calendar: {name: x}", "c.yaml")

    assert [str(warning) for warning in checked.warnings] == [
        "c.yaml:1: calendar: holds no day; add dates or days"
    ]


def test_a_pipeline_tells_where_it_names_calendars() -> None:
    text = "pipeline: {id: x}\nschedule:\n  include:\n    calendar: open\nexclusions: {calendar: company}\n"

    checked = check_pipeline(text + "job: {type: glue, config: {jobName: x}}\n", "p.yaml")

    assert [(named.name, named.at.line, named.at.path) for named in checked.calendars] == [
        ("open", 4, "schedule.include.calendar"),
        ("company", 5, "exclusions.calendar"),
    ]


@pytest.mark.parametrize("code", ["US", "US-NY", "DE-BY", "GB-ENG", "NO", "XNYS", "XLON", "XECB"])
def test_a_known_code_is_accepted_and_has_holidays(code: str) -> None:
    assert check_holidays(code) == code
    assert len(holiday_dates(code, [2026])) >= 5


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("ZZ", "is not a country whose holidays are known; write its ISO 3166 code, such as US or DE"),
        ("US-NYC", "is not a region whose holidays are known; did you mean US-NY?"),
        ("DE-ZZ", "there are DE-BB, DE-BE"),
        ("AF-KAB", "write AF alone"),
        ("ZZ-NY", "is not a country"),
        ("XNYX", "is not an exchange whose holidays are known; did you mean XNYS?"),
        ("XXXX", "write its ISO 10383 code, such as XNYS or XLON"),
    ],
)
def test_an_unknown_code_is_refused_with_what_is_known(code: str, hint: str) -> None:
    with pytest.raises(HolidaysUnknown) as caught:
        check_holidays(code)

    assert hint in str(caught.value)


def test_an_unknown_code_is_a_mistake_of_its_line() -> None:
    text = "pipeline: {id: x}\nschedule: {cron: 0 6 * * *}\nexclusions:\n  holidays: XNYX\n"
    text += "job: {type: glue, config: {jobName: x}}\n"

    with pytest.raises(PipelineInvalid, match=r'p\.yaml:4: exclusions\.holidays: "XNYX" is not an exchange'):
        check_pipeline(text, "p.yaml")


@pytest.mark.parametrize(
    ("code", "day", "is_holiday"),
    [
        ("US", date(2026, 7, 4), True),
        pytest.param("US", date(2026, 7, 3), True, id="observed"),
        pytest.param("XNYS", date(2026, 4, 3), True, id="Good Friday closes the exchange"),
        pytest.param("US", date(2026, 4, 3), False, id="and no office"),
        pytest.param("US-NY", date(2026, 2, 12), True, id="Lincoln's birthday in New York"),
        pytest.param("US", date(2026, 2, 12), False, id="and nowhere else"),
        ("US", date(2027, 7, 5), False),  # of another year than asked for
    ],
)
def test_holidays_are_those_of_the_place(code: str, day: date, is_holiday: bool) -> None:
    assert (day in holiday_dates(code, [2026])) is is_holiday
