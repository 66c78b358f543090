"""`interlock calendar FILE...`: what it prints and how it exits."""

from __future__ import annotations

import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from builders import at
from interlock.cli.calendar import calendar
from interlock.cli.main import main

NOW = at("2026-03-27T23:30")
JOB = "job: {type: glue, config: {jobName: etl}}\n"
COMPANY = "calendar: {name: company, dates: [2026-03-31]}\n"


def a_pipeline(schedule: str, rest: str = "", name: str = "gold") -> str:
    return f"pipeline: {{id: {name}}}\nschedule: {{{schedule}}}\n{rest}{JOB}"


@pytest.fixture
def run(tmp_path: Path) -> Any:
    def ahead(*texts: str, first: date | None = None, days: int = 3, as_json: bool = False) -> Any:
        names = []
        for number, text in enumerate(texts):
            names.append(str(tmp_path / f"{number}.yaml"))
            Path(names[-1]).write_text(text, encoding="utf-8")
        out = io.StringIO()
        code = calendar(names, first, days, NOW, as_json=as_json, out=out)
        printed = out.getvalue().replace(f"{tmp_path}/", "")
        return code, json.loads(printed) if as_json else printed.splitlines()

    return ahead


def test_each_fire_is_a_line_with_its_local_time_its_instant_and_its_deadlines(run: Any) -> None:
    text = a_pipeline(
        'cron: "30 2 * * *", timezone: Europe/Berlin', 'sla: {deadline: "04:00", expectedDuration: 30m}\n'
    )

    code, lines = run(text)

    assert code == 0
    assert lines == [
        "gold: cron 30 2 * * *, Europe/Berlin",
        "  DATE        FIRES                      UTC               SLA WARNING           SLA DEADLINE",
        "  2026-03-28  Sat 2026-03-28 02:30 CET   2026-03-28 01:30  Sat 03-28 03:30 CET   Sat 03-28 04:00 CET",
        "  -           -                          -                 -                     -                     "
        "02:30 does not exist on 2026-03-29 in Europe/Berlin: no fire",
        "  2026-03-30  Mon 2026-03-30 02:30 CEST  2026-03-30 00:30  Mon 03-30 03:30 CEST  Mon 03-30 04:00 CEST",
    ]


def test_a_date_that_is_skipped_says_why(run: Any) -> None:
    schedule = 'cron: "0 6 * * *", exclude: {weekends: true, holidays: US, calendar: company}'

    _, lines = run(a_pipeline(schedule), COMPANY, first=date(2026, 3, 28), days=4)
    _, of_july = run(a_pipeline(schedule), COMPANY, first=date(2026, 7, 3), days=1)

    assert [line.partition("UTC")[2].strip() for line in lines[2:]] == [
        "skipped: 2026-03-28 is a Saturday, and weekends are excluded",
        "skipped: 2026-03-29 is a Sunday, and weekends are excluded",
        "",
        "skipped: 2026-03-31 is excluded by the calendar company",
    ]
    assert of_july[-1].endswith("skipped: 2026-07-03 is a holiday (US)")


def test_a_pipeline_of_a_trigger_shows_its_periods_and_when_its_door_closes(run: Any) -> None:
    _, lines = run(a_pipeline('trigger: {key: a, check: exists, deadline: "09:00"}'), days=1)

    assert lines == [
        "gold: each day, when its trigger comes, UTC",
        "  DATE        BEGINS                    TRIGGER UNTIL",
        "  2026-03-27  Fri 2026-03-27 00:00 UTC  Sat 03-28 09:00 UTC",
    ]


def test_included_dates_show_when_a_run_should_have_started(run: Any) -> None:
    schedule = (
        'include: {dates: [2026-03-28], calendar: company}, time: "10:00", trigger: {key: a, check: exists}'
    )

    _, lines = run(a_pipeline(schedule), COMPANY, days=10)

    assert [line.split("  ")[-1] for line in lines[1:]] == [
        "START BY",
        "Sat 03-28 10:00 UTC",
        "Tue 03-31 10:00 UTC",
    ]


@pytest.mark.parametrize(
    ("schedule", "first", "note"),
    [
        ('cron: "30 2 * * *"', date(2026, 10, 25), "02:30 comes twice, and the first one fires"),
        ("trigger: {key: a, check: exists}", date(2026, 3, 29), "lasts 23 h, for clocks change"),
        (
            'trigger: {key: a, check: exists, deadline: "02:30"}',
            date(2026, 3, 28),
            "trigger deadline 02:30 does not exist that day: the first instant after",
        ),
        (
            'trigger: {key: a, check: exists, deadline: "02:30"}',
            date(2026, 10, 24),
            "trigger deadline 02:30 comes twice: the first",
        ),
        (
            'include: {dates: [2026-03-29]}, time: "02:30"',
            date(2026, 3, 29),
            "lasts 23 h, for clocks change; start by 02:30 does not exist that day: the first instant after",
        ),
    ],
)
def test_what_clocks_do_is_noted(run: Any, schedule: str, first: date, note: str) -> None:
    _, lines = run(a_pipeline(f"{schedule}, timezone: Europe/Berlin"), first=first, days=1)

    assert len(lines) == 3
    assert lines[-1].endswith(note)


def test_the_sla_is_shown_in_its_own_timezone(run: Any) -> None:
    text = a_pipeline('cron: "0 6 * * *"', 'sla: {deadline: "08:00", timezone: Asia/Tokyo}\n')

    _, lines = run(text, days=1, first=date(2026, 3, 28))

    assert lines[1].endswith("SLA DEADLINE (Asia/Tokyo)")
    assert lines[2].endswith("Sun 03-29 08:00 JST")


def test_today_is_the_day_in_the_pipeline_s_own_timezone(run: Any) -> None:
    _, data = run(a_pipeline('cron: "0 6 * * *", timezone: Asia/Tokyo'), days=1, as_json=True)

    assert [line["date"] for line in data["pipelines"][0]["expected"]] == ["2026-03-28"]


def test_a_pipeline_of_which_nothing_is_expected_says_so(run: Any) -> None:
    code, lines = run(a_pipeline("timezone: UTC"))

    assert code == 0
    assert lines == [
        "gold: only a rerun request starts it, UTC",
        "  nothing is expected from 2026-03-27 to 2026-03-29",
    ]


def test_as_data_it_has_every_instant_in_utc(run: Any) -> None:
    text = a_pipeline('cron: "0 6 * * 1-5", timezone: America/New_York', 'sla: {deadline: "07:00"}\n')

    code, data = run(text, days=1, as_json=True)

    assert code == 0
    assert data["pipelines"][0]["expected"] == [
        {
            "date": "2026-03-27",
            "at": "2026-03-27T10:00:00Z",
            "local": "2026-03-27T06:00:00-04:00",
            "fires": True,
            "excluded": None,
            "triggerDeadline": None,
            "inclusionDeadline": None,
            "slaWarning": None,
            "slaDeadline": "2026-03-27T11:00:00Z",
            "notes": [],
        }
    ]


def test_a_pipeline_whose_calendar_is_in_no_file_is_not_guessed_at(run: Any) -> None:
    code, lines = run(a_pipeline('cron: "0 6 * * *", exclude: {calendar: compny}'), COMPANY)

    assert code == 1
    assert lines == [
        "0.yaml:2: schedule.exclude.calendar: there is no calendar compny; did you mean company?"
    ]


def test_files_with_mistakes_do_not_hide_the_others(run: Any) -> None:
    code, lines = run("pipeline: {}\n", a_pipeline('cron: "0 6 * * *"', name="silver"), days=1)

    assert code == 1
    assert lines[0].startswith("0.yaml:1: ")
    assert "silver: cron 0 6 * * *, UTC" in lines


def test_more_lines_than_anybody_reads_are_cut(run: Any) -> None:
    _, lines = run(a_pipeline('cron: "* * * * *"'), days=366)

    assert len(lines) == 2003
    assert lines[-1] == "  … and more: only the first 2000 are shown; ask for fewer --days"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--from", "tomorrow"], "'tomorrow' is not a date; write one such as 2026-03-01"),
        (["--from", "2026-02-30"], "'2026-02-30' is not a date"),
        (["--from", "9999-12-31"], "'9999-12-31' is not a date"),
        (["--days", "0"], "'0' is not a number of days from 1 to 366"),
        (["--days", "400"], "'400' is not a number of days"),
        (["--days", "٣"], "is not a number of days"),
    ],
)
def test_wrong_usage_is_one_line(
    arguments: list[str], error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["calendar", "x.yaml", *arguments])

    assert caught.value.code == 2
    said = capsys.readouterr().err
    assert error in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("text", [COMPANY, None])
def test_without_a_pipeline_there_is_nothing_to_print(
    text: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if text is not None:
        (tmp_path / "c.yaml").write_text(text, encoding="utf-8")

    assert main(["calendar", str(tmp_path)]) == 2
    assert capsys.readouterr().out.startswith("interlock calendar: ")


@pytest.mark.parametrize("first", [date(1900, 1, 1), date(2997, 12, 31)])
def test_the_first_and_the_last_years_have_a_calendar_too(run: Any, first: date) -> None:
    schedule = 'cron: "0 6 * * *", timezone: America/New_York, exclude: {holidays: US}'

    code, lines = run(a_pipeline(schedule), first=first, days=366)

    assert code == 0
    assert len(lines) == 368
