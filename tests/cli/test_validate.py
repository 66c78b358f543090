"""`interlock validate PATH...`: what it prints and how it exits."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import pytest

from interlock.cli.validate import validate

VALID = "pipeline: {id: NAME}\nschedule: {cron: 0 6 * * *}\njob: {type: glue, config: {jobName: etl}}\n"


def a_file(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def run(*paths: Path | str, as_json: bool = False) -> tuple[int, list[str]]:
    out = io.StringIO()
    code = validate([str(path) for path in paths], as_json=as_json, out=out)
    return code, out.getvalue().splitlines()


def test_valid_files_are_counted(tmp_path: Path):
    a_file(tmp_path / "a.yaml", VALID.replace("NAME", "a"))
    a_file(tmp_path / "deep" / "b.yml", VALID.replace("NAME", "b"))

    assert run(tmp_path) == (0, ["2 pipelines valid"])


def test_each_mistake_is_a_line_and_the_answer_is_no(tmp_path: Path):
    a_file(tmp_path / "good.yaml", VALID)
    bad = a_file(tmp_path / "bad.yaml", VALID.replace("jobName", "jobNam") + "slaa: {}\n")

    code, lines = run(tmp_path)

    assert code == 1
    assert lines == [
        f'{bad}:3: job.config.jobNam: unknown key; did you mean "jobName"?',
        f'{bad}:4: slaa: unknown key; did you mean "sla"?',
        "2 mistakes in 1 of 2 files",
    ]


def test_a_warning_is_shown_and_does_not_change_the_answer(tmp_path: Path):
    a_file(tmp_path / "a.yaml", VALID.replace("0 6", "0 *") + "sla: {deadline: ':30'}\n")
    berlin = a_file(
        tmp_path / "b.yaml",
        VALID.replace("NAME", "b").replace("0 6 * * *", "0 * * * *, timezone: Europe/Berlin"),
    )

    code, lines = run(tmp_path)

    assert code == 0
    assert lines[0].startswith(f"{berlin}:2: schedule.timezone: Europe/Berlin changes its clocks")
    assert lines[0].endswith("(warning)")
    assert lines[1:] == ["2 pipelines valid, 1 warning"]


def in_pool(name: str, slots: int) -> str:
    return VALID.replace("NAME", name).replace("etl}", f"etl}}, pool: {{name: warehouse, slots: {slots}}}")


def test_files_that_give_one_pool_different_numbers_of_slots_are_warned_of(tmp_path: Path):
    first = a_file(tmp_path / "a.yaml", in_pool("a", 4))
    second = a_file(tmp_path / "b.yaml", in_pool("b", 1))
    a_file(tmp_path / "c.yaml", in_pool("c", 4))

    code, lines = run(tmp_path)

    assert (code, lines[-1]) == (0, "3 pipelines valid, 1 warning")
    assert lines[0] == (
        f"{second}:3: job.pool.slots: gives the pool warehouse 1 slot, {first} gives it 4; "
        "each run goes by its own file's number: let them agree (warning)"
    )


def test_two_files_must_not_claim_one_id(tmp_path: Path):
    first = a_file(tmp_path / "a.yaml", VALID)
    second = a_file(tmp_path / "b.yaml", VALID)

    code, lines = run(tmp_path)

    assert code == 1
    assert lines[0] == f"{second}:1: pipeline.id: NAME is also the id in {first}; give each pipeline its own"


def test_a_file_named_twice_is_checked_once(tmp_path: Path):
    path = a_file(tmp_path / "a.yaml", VALID)
    link = tmp_path / "link.yaml"
    link.symlink_to(path)

    assert run(path, tmp_path, link) == (0, ["1 pipeline valid"])


def test_scenarios_and_hidden_folders_hold_no_pipelines(tmp_path: Path):
    a_file(tmp_path / "a.yaml", VALID)
    a_file(tmp_path / "scenarios" / "s.yaml", "scenario: x")
    a_file(tmp_path / ".git" / "g.yaml", "x")
    a_file(tmp_path / "notes.txt", "x")

    assert run(tmp_path) == (0, ["1 pipeline valid"])


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("nothing.yaml", "there is no '"),
        ("empty", "no *.yaml or *.yml below"),
        ("", "there is no ''"),
        ("a\0b", "there is no"),
        ("x" * 5000, "there is no"),
        ("pipe", "is no regular file"),
    ],
)
def test_a_path_without_pipelines_is_wrong_usage(tmp_path: Path, name: str, wanted: str):
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe")

    code, lines = run(f"{tmp_path}/{name}" if name else "")

    assert code == 2
    assert len(lines) == 1
    assert lines[0].startswith("interlock validate: ")
    assert wanted in lines[0]


def test_a_folder_that_cannot_be_listed_is_not_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    a_file(tmp_path / "a.yaml", VALID)
    (tmp_path / "closed").mkdir()
    listed = os.scandir

    def scandir(folder: str) -> Any:
        if folder.endswith(
            "closed"
        ):  # as root, who runs the tests in containers, no permission is ever missing
            raise PermissionError(13, "Permission denied", folder)
        return listed(folder)

    monkeypatch.setattr(os, "scandir", scandir)

    code, lines = run(tmp_path)

    assert code == 2
    assert lines == [
        f"interlock validate: {tmp_path}/closed cannot be read (Permission denied); check its permissions"
    ]


def test_a_file_that_is_too_large_is_a_mistake_of_that_file(tmp_path: Path):
    large = a_file(tmp_path / "large.yaml", "# " + "x" * 400_000)

    assert run(large) == (1, [f"{large}:1: is larger than 256 KB; shorten it", "1 mistake in 1 of 1 file"])


def test_json_says_the_same_as_data(tmp_path: Path):
    a_file(
        tmp_path / "good.yaml",
        VALID.replace("0 6", "0 *").replace("* * *}", "* * *, timezone: Europe/Berlin}"),
    )
    bad = a_file(tmp_path / "bad.yaml", "pipeline: {id: bad}\njob: {type: gleu}\n")

    code, lines = run(tmp_path, as_json=True)
    answer: dict[str, Any] = json.loads("".join(lines))

    assert code == 1
    assert answer["mistakes"] == [
        {
            "file": str(bad),
            "line": 2,
            "path": "job.type",
            "message": '"gleu" is not known here; did you mean glue?',
        }
    ]
    assert [warning["path"] for warning in answer["warnings"]] == ["schedule.timezone"]
    assert (answer["valid"], answer["files"], answer["pipelines"]) == (False, 2, ["NAME"])


def test_json_tells_of_wrong_usage_too(tmp_path: Path):
    code, lines = run(tmp_path / "nothing", as_json=True)

    assert code == 2
    assert "there is no" in json.loads("".join(lines))["error"]


def test_a_name_that_no_terminal_should_see_is_escaped(tmp_path: Path):
    folder = os.fsencode(tmp_path)
    with open(folder + b"/\xff\n\x1b.yaml", "wb") as opened:
        opened.write(b"nothing")

    code, lines = run(tmp_path)

    assert code == 1
    assert len(lines) == 2
    assert lines[0].isprintable()


# ---------------------------------------------------------------- pipelines that wait for pipelines


def a_dependent(path: Path, *rules: str, cron: str = "0 6 * * *", more: str = "") -> Path:
    text = VALID.replace("NAME", path.stem).replace("0 6 * * *", cron)
    written = "".join(f"    - {{check: succeeded, pipeline: {rule}}}\n" for rule in rules)
    return a_file(path, f"{text}validation:\n  rules:\n{written}{more}")


def test_pipelines_that_wait_for_each_other_are_one_mistake_at_a_rule(tmp_path: Path):
    first = a_dependent(tmp_path / "a.yaml", "d", "b")
    a_dependent(tmp_path / "b.yaml", "c, date: window")
    a_dependent(tmp_path / "c.yaml", "a")
    a_file(tmp_path / "d.yaml", VALID.replace("NAME", "d"))

    code, lines = run(tmp_path)

    assert (code, len(lines)) == (1, 2)
    assert lines[0].startswith(
        f"{first}:7: validation.rules[1].pipeline: these wait for each other: a -> b -> c -> a; "
    )
    assert lines[1] == "1 mistake in 1 of 4 files"


def test_each_circle_is_a_mistake_of_its_own(tmp_path: Path):
    for name, upstream in (("a", "b"), ("b", "a"), ("c", "d"), ("d", "c")):
        a_dependent(tmp_path / f"{name}.yaml", upstream)

    assert run(tmp_path)[1][-1] == "2 mistakes in 2 of 4 files"


def test_waiting_for_the_date_before_makes_no_circle(tmp_path: Path):
    a_dependent(tmp_path / "a.yaml", "b")
    a_dependent(tmp_path / "b.yaml", "a, date: previous", "b, date: previous")

    assert run(tmp_path) == (0, ["2 pipelines valid"])


def test_an_upstream_that_is_in_none_of_the_files_is_a_warning(tmp_path: Path):
    path = a_dependent(tmp_path / "a.yaml", "slver")
    a_file(tmp_path / "b.yaml", VALID.replace("NAME", "silver"))

    code, lines = run(tmp_path)

    assert code == 0
    assert lines[0].startswith(
        f"{path}:6: validation.rules[0].pipeline: none of these files is the pipeline slver; "
    )
    assert lines[1] == "2 pipelines valid, 1 warning"


def test_a_file_alone_says_nothing_of_the_pipelines_in_others(tmp_path: Path):
    assert run(a_dependent(tmp_path / "a.yaml", "silver")) == (0, ["1 pipeline valid"])


def test_an_upstream_whose_file_is_invalid_is_there(tmp_path: Path):
    a_dependent(tmp_path / "a.yaml", "silver")
    a_file(tmp_path / "silver.yaml", VALID.replace("NAME", "silver") + "slaa: {}\n")

    code, lines = run(tmp_path)

    assert (code, lines[-1]) == (1, "1 mistake in 1 of 2 files")


@pytest.mark.parametrize(
    ("upstream", "rule", "doubt"),
    [
        pytest.param(
            {"cron": "5 * * * *"}, "up", "up has hourly dates, so none of its runs is of a daily date"
        ),
        pytest.param({"cron": "5 * * * *"}, "up, date: previous", "up has hourly dates"),
        pytest.param({"cron": "5 * * * *"}, "up, date: window", None),
        pytest.param({"cron": "5 7 * * *"}, "up", None),
        pytest.param(
            {"more": "dryRun: true\n"}, "up", "up is a dry run, whose runs succeed for other dry runs alone"
        ),
    ],
)
def test_an_upstream_that_can_never_be_seen_to_succeed_is_a_warning(
    tmp_path: Path, upstream: dict[str, str], rule: str, doubt: str | None
):
    a_dependent(tmp_path / "down.yaml", rule)
    text = VALID.replace("NAME", "up").replace("0 6 * * *", upstream.get("cron", "0 6 * * *"))
    if "more" in upstream:
        text = text.replace("{cron: 0 6 * * *}", "{trigger: {key: k, check: exists}}") + upstream["more"]
    a_file(tmp_path / "up.yaml", text)

    code, lines = run(tmp_path)

    warned = [line for line in lines if line.endswith("(warning)")]
    assert code == 0
    assert [doubt in line for line in warned] == ([True] if doubt else [])


COMPANY = "calendar: {name: company, dates: [2026-12-25]}\n"


def test_calendar_files_are_checked_and_counted(tmp_path: Path):
    a_file(tmp_path / "a.yaml", VALID)
    a_file(tmp_path / "calendars" / "company.yaml", COMPANY)

    assert run(tmp_path) == (0, ["1 pipeline and 1 calendar valid"])


def test_a_mistake_in_a_calendar_file_has_its_line(tmp_path: Path):
    bad = a_file(tmp_path / "company.yaml", "calendar:\n  name: company\n  dates: [2026-02-30]\n")

    code, lines = run(bad)

    assert code == 1
    assert lines[0] == f"{bad}:3: calendar.dates[0]: 2026-02-30 is no date; look at the calendar"


def test_two_calendars_of_one_name_are_a_mistake(tmp_path: Path):
    first = a_file(tmp_path / "a.yaml", COMPANY)
    second = a_file(tmp_path / "b.yaml", COMPANY)

    code, lines = run(tmp_path)

    assert code == 1
    assert lines[0] == (
        f"{second}:1: calendar.name: company is also the name in {first}; give each calendar its own"
    )


@pytest.mark.parametrize(
    ("calendar", "warning"),
    [
        (COMPANY, []),
        (COMPANY.replace("company", "comany"), ["there is no calendar company; did you mean comany?"]),
        pytest.param("calendar: {name: comany, x: y}\n", [], id="perhaps it is in the file with mistakes"),
    ],
)
def test_a_calendar_that_is_in_none_of_the_files_is_a_warning(
    tmp_path: Path, calendar: str, warning: list[str]
):
    a_file(tmp_path / "a.yaml", VALID.replace("0 6 * * *", "0 6 * * *, exclude: {calendar: company}"))
    a_file(tmp_path / "b.yaml", calendar)

    _, lines = run(tmp_path, as_json=True)

    found = json.loads("\n".join(lines))["warnings"]
    assert [(each["path"], each["message"]) for each in found] == [
        ("schedule.exclude.calendar", message) for message in warning
    ]


def test_one_file_alone_says_nothing_of_calendars_elsewhere(tmp_path: Path):
    alone = a_file(tmp_path / "a.yaml", VALID.replace("0 6 * * *", "0 6 * * *, exclude: {calendar: company}"))

    assert run(alone) == (0, ["1 pipeline valid"])
