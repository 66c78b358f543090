"""Scenario files are read strictly: what is right becomes values, what is wrong is all listed with line and path."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from interlock.domain.event import EventType
from interlock.domain.run import FailureCategory
from interlock.pipeline_yaml import Mistake, read_pipeline
from interlock.simulation.scenario import Bound, Fault, JobPlay, JobResult, Report, Scenario, Sensor
from interlock.simulation.scenario_yaml import ScenarioInvalid, read_scenario, read_scenario_file
from scenario_text import a_scenario, scenario_text

DOCUMENTED = """
scenario: data that changes after success asks for one rerun   # a sentence that can be false
start: 2026-03-02T07:50:00Z
configs:
  - pipeline: {id: gold-revenue, owner: analytics}
    schedule:
      trigger: {key: upstream-complete, check: equals, field: status, value: ready}
      evaluation: {window: 1h, interval: 5m}
    validation:
      trigger: ALL
      rules: [{key: row-count, check: gte, field: count, value: 1000}]
    job: {type: glue, config: {jobName: gold-revenue-etl}, maxRetries: 1}
calendars:
  - {name: company, dates: ["2026-12-25"], days: [sunday]}
jobs:
  gold-revenue:
    - {outcome: fail, after: 5m, category: TRANSIENT, error: "Rate exceeded"}
    - {outcome: succeed, after: 10m, recordsProcessed: 1200, durationSeconds: 600, metrics: {bytes: 5}}
timeline:
  - {at: "+5m",  sensor: {pipeline: gold-revenue, key: row-count, data: {count: 1000, date: "2026-03-02", updatedAt: "2026-03-02T07:55:00Z"}}}
  - {at: "+10m", sensor: {pipeline: gold-revenue, key: upstream-complete, data: {status: ready, date: "2026-03-02"}}}
  - {at: "+2h",  sensor: {pipeline: gold-revenue, key: row-count, data: {count: 1300, date: "2026-03-02"}}}
until: "+6h"
expect:
  events:
    - {type: JOB_TRIGGERED, pipeline: gold-revenue, date: "2026-03-02", at: "+10m", within: 10s}
    - {type: JOB_FAILED}
    - {type: JOB_TRIGGERED, attempt: 2}
    - {type: JOB_COMPLETED}
    - {type: LATE_DATA_ARRIVAL}
    - {type: RERUN_ACCEPTED}
    - {type: JOB_TRIGGERED, attempt: 3}
    - {type: JOB_COMPLETED}
  never: [SLA_BREACH, {type: JOB_TRIGGERED, pipeline: other}]
  count: {RETRY_EXHAUSTED: 0, JOB_FAILED: 1}
  jobs:
    gold-revenue: 3
  runs:
    - {pipeline: gold-revenue, date: "2026-03-02", status: SUCCEEDED, attempts: 3}
  alerts:
    - {type: JOB_FAILED, contains: "Rate exceeded"}
  threads: {gold-revenue: 1}
"""  # noqa: E501  as documented


@pytest.fixture(scope="module")
def documented() -> Scenario:
    return read_scenario(DOCUMENTED, "documented.yaml", Path())


def test_the_documented_example_reads_as_it_says(documented: Scenario) -> None:
    start = datetime(2026, 3, 2, 7, 50, tzinfo=UTC)

    assert documented.name == "data that changes after success asks for one rerun"
    assert (documented.start, documented.until) == (start, start + timedelta(hours=6))
    assert [entry.at - start for entry in documented.timeline] == [
        timedelta(minutes=5),
        timedelta(minutes=10),
        timedelta(hours=2),
    ]
    assert documented.timeline[1].action == Sensor(
        "gold-revenue", "upstream-complete", {"status": "ready", "date": "2026-03-02"}
    )
    assert documented.calendars[0].days == ("sunday",)


def test_the_documented_jobs_read_as_they_say(documented: Scenario) -> None:
    failing, succeeding = documented.jobs["gold-revenue"]

    assert failing == JobPlay(
        JobResult.FAIL, timedelta(minutes=5), FailureCategory.TRANSIENT, error="Rate exceeded"
    )
    assert succeeding.report == {"recordsProcessed": 1200, "durationSeconds": 600, "metrics": {"bytes": 5}}


def test_the_documented_expectations_read_as_they_say(documented: Scenario) -> None:
    expect = documented.expect

    assert [pattern.attempt for pattern in expect.events if pattern.type is EventType.JOB_TRIGGERED] == [
        None,
        2,
        3,
    ]
    assert expect.events[0].around is not None
    assert expect.events[0].around.within == timedelta(seconds=10)
    assert [pattern.pipeline_id for pattern in expect.never] == [None, "other"]
    assert expect.count[EventType.RETRY_EXHAUSTED] == Bound("==", expect.jobs["gold-revenue"].number * 0)


def test_an_inline_config_becomes_the_file_that_it_stands_for(documented: Scenario) -> None:
    pipeline = read_pipeline(documented.configs[0].text, "x.yaml")

    assert documented.configs[0].name == "gold-revenue.yaml"
    assert (pipeline.id, pipeline.job.max_retries) == ("gold-revenue", 1)


def test_entries_happen_in_order_of_time_then_of_the_file() -> None:
    scenario = a_scenario(
        '{at: "+2m", remove_config: late}',
        '{at: "+1m", remove_config: first}',
        '{at: "+1m", remove_config: second}',
    )

    assert [getattr(entry.action, "pipeline_id", "") for entry in scenario.timeline] == [
        "first",
        "second",
        "late",
    ]


def test_states_is_another_name_for_stepfunctions() -> None:
    (entry,) = a_scenario('{at: "+0s", fault: {call: states.StartExecution, when: after}}').timeline

    assert entry.action == Fault("stepfunctions.StartExecution", after=True)


def test_a_report_leaves_the_attempt_to_the_run_unless_it_names_one() -> None:
    (entry,) = a_scenario('{at: "+0s", report: {pipeline: a, date: d, event: fail, error: e}}').timeline

    assert isinstance(entry.action, Report)
    assert (entry.action.attempt, entry.action.run_id, entry.action.fields) == (None, None, {"error": "e"})


def test_a_repeated_config_makes_copies_with_ids_of_their_own() -> None:
    configs = """\
      - repeat: 3
        pipeline: {id: quiet}
        schedule: {trigger: {key: landed, check: exists}}
        job: {type: glue, config: {jobName: quiet}}
    """

    made = a_scenario(configs=configs).configs

    ids = [read_pipeline(config.text, config.name).id for config in made]
    assert ids == ["quiet-0001", "quiet-0002", "quiet-0003"]


def test_a_config_may_be_a_file_beside_the_scenario(tmp_path: Path) -> None:
    (tmp_path / "sessions.yaml").write_text(
        "pipeline: {id: sessions}\nschedule: {trigger: {key: a, check: exists}}\n"
        "job: {type: glue, config: {jobName: s}}\n"
    )

    scenario = a_scenario(folder=tmp_path, configs="  - {file: sessions.yaml}\n")

    assert [config.name for config in scenario.configs] == ["sessions.yaml"]


@pytest.mark.parametrize(
    ("mistaken", "line", "path", "words"),
    [
        pytest.param("until: soon", 3, "until", "is no instant", id="an instant that is none"),
        pytest.param(
            "until: 2026-03-02T09:00:00", 3, "until", "is no instant", id="an instant without a zone"
        ),
        pytest.param("until: 2026-03-01T09:00:00Z", 3, "until", "before start", id="an end before the start"),
        pytest.param(
            "until: +1h\ncalender: []", 4, "calender", "did you mean calendars?", id="a misspelt section"
        ),
    ],
)
def test_a_mistake_is_told_with_line_path_and_advice(mistaken: str, line: int, path: str, words: str) -> None:
    text = scenario_text().replace("until: +1h", mistaken)

    (found,) = _mistakes(text)

    assert (found.line, found.path) == (line, path)
    assert words in found.message


@pytest.mark.parametrize(
    ("entry", "path", "words"),
    [
        ('{at: "+1m", sensro: {}}', "timeline[0].sensro", "did you mean sensor?"),
        ('{at: "+1m"}', "timeline[0]", "does nothing"),
        ("{sensor: {pipeline: a, key: b, data: {}}}", "timeline[0]", "at is missing"),
        (
            '{at: "+1m", sensor: {pipeline: a, key: b, dat: {}}}',
            "timeline[0].sensor.dat",
            "did you mean data?",
        ),
        ('{at: "+1m", sensor: {pipeline: a, key: b, data: [1]}}', "timeline[0].sensor.data", "is no mapping"),
        (
            '{at: "+1m", sensor: {pipeline: a, key: b, data: {n: .nan}}}',
            "timeline[0].sensor.data.n",
            "not a finite",
        ),
        ('{at: "+1m", fault: {call: putItem}}', "timeline[0].fault.call", "is no call"),
        ('{at: "+1m", fault: {call: a.B, times: 0}}', "timeline[0].fault.times", "from 1 to"),
        ('{at: "+1m", fault: {call: a.B, when: later}}', "timeline[0].fault.when", "did you mean after?"),
        ('{at: "+1m", fault: {call: a.B, skip: -1}}', "timeline[0].fault.skip", "from 0 to"),
        ('{at: "+1m", fault: {call: a.B, lasts: 0}}', "timeline[0].fault.lasts", "no time at all"),
        ('{at: "+1m", fault: {call: a.B, lasts: soon}}', "timeline[0].fault.lasts", "is no duration"),
        ('{at: "+1m", fault: {call: a.B, function: router}}', "timeline[0].fault.function", "stream-router"),
        ('{at: "+1m", fault: {call: a.B, error: stall}}', "timeline[0].fault", "add for: 20s"),
        ('{at: "+1m", fault: {call: a.B, for: 20s}}', "timeline[0].fault", "of error: stall alone"),
        (
            '{at: "+1m", fault: {call: dynamodb.GetItem, error: stale}}',
            "timeline[0].fault.call",
            "is consistent; only dynamodb.Query",
        ),
        (
            '{at: "+1m", fault: {call: dynamodb.Query, error: stale, pipeline: a}}',
            "timeline[0].fault",
            "pipeline says nothing of a stale answer",
        ),
        ('{at: "+1m", delay: {what: stream}}', "timeline[0].delay", "by is missing"),
        ('{at: "+1m", delay: {by: 1m}}', "timeline[0].delay", "what is missing"),
        ('{at: "+1m", delay: {what: queue, by: 0s}}', "timeline[0].delay.by", "no time at all"),
        ('{at: "+1m", duplicate: {what: sqs}}', "timeline[0].duplicate.what", "known are stream, bus"),
        ('{at: "+1m", duplicate: {what: bus, next: 0}}', "timeline[0].duplicate.next", "from 1 to"),
        ('{at: "+1m", batch: {size: 0}}', "timeline[0].batch.size", "from 1 to 10000"),
        ('{at: "+1m", redrive: false}', "timeline[0].redrive", "write redrive: true"),
        ('{at: "+1m", redeliver: {}}', "timeline[0].redeliver", "either last: n or all: true"),
        (
            '{at: "+1m", redeliver: {last: 1, all: true}}',
            "timeline[0].redeliver",
            "either last: n or all: true",
        ),
        ('{at: "+1m", drop: {}}', "timeline[0].drop", "next is missing"),
        ('{at: "+1m", watchdog: {pause: yes}}', "timeline[0].watchdog.pause", "write true or false"),
        (
            '{at: "+1m", raw: {table: events, item: {PK: a, SK: b}}}',
            "timeline[0].raw.table",
            "known are control",
        ),
        ('{at: "+1m", raw: {table: control, item: {PK: a}}}', "timeline[0].raw.item", "lacks its keys"),
        (
            '{at: "+1m", report: {pipeline: a, date: b, event: done}}',
            "timeline[0].report.event",
            "known are success",
        ),
        ("{at: 2026-03-01T00:00:00Z, remove_config: a}", "timeline[0].at", "before start"),
    ],
)
def test_a_wrong_entry_is_told_at_its_place(entry: str, path: str, words: str) -> None:
    (found,) = _mistakes(scenario_text(entry))

    assert found.path == path
    assert words in found.message


@pytest.mark.parametrize(
    ("expect", "path", "words"),
    [
        ("{event: []}", "expect.event", "did you mean events?"),
        ("{events: [{type: JOB_FAILD}]}", "expect.events[0].type", "did you mean JOB_FAILED?"),
        ("{events: [{type: JOB_FAILED, atempt: 2}]}", "expect.events[0].atempt", "did you mean attempt?"),
        ("{events: [{type: JOB_FAILED, within: 2s}]}", "expect.events[0].within", "add at"),
        ("{never: [SLA_BREECH]}", "expect.never[0]", "did you mean SLA_BREACH?"),
        ("{count: {JOB_FAILED: many}}", "expect.count.JOB_FAILED", "is no count"),
        ("{jobs: {a: -1}}", "expect.jobs.a", "is no count"),
        ("{runs: [{pipeline: a, date: b, status: DONE}]}", "expect.runs[0].status", "did you mean NONE?"),
        ("{runs: [{pipeline: a}]}", "expect.runs[0]", "date is missing"),
        ("{cost: {transitons: 1}}", "expect.cost.transitons", "did you mean transitions?"),
        ("{alerts_count: {TOTAL: 1}}", "expect.alerts_count.TOTAL", "did you mean total?"),
    ],
)
def test_a_wrong_expectation_is_told_at_its_place(expect: str, path: str, words: str) -> None:
    (found,) = _mistakes(scenario_text(expect=expect))

    assert found.path == path
    assert words in found.message


@pytest.mark.parametrize(
    ("jobs", "path", "words"),
    [
        ("{a: [{outcome: crash}]}", "jobs.a[0].outcome", "known are succeed"),
        ("{a: [{refuse: X, after: 5m}]}", "jobs.a[0]", "refuse stands alone; remove after"),
        ("{a: []}", "jobs.a", "is empty"),
        ("{a: {outcome: fail}}", "jobs.a", "write a list"),
        ("{a: [{after: 5 minutes}]}", "jobs.a[0].after", "write 90s, 5m, 1h30m or 2d"),
        ("{a: [{insight: disk full}]}", "jobs.a[0].insight", "write a mapping"),
        ("{a: [{insight: {failed: job}}]}", "jobs.a[0].insight", "reason is missing"),
        ("{a: [{insight: {failed: jobs, reason: x}}]}", "jobs.a[0].insight.failed", "did you mean job?"),
        ("{a: [{insight: {failed: job, reason: x, at: 5m}}]}", "jobs.a[0].insight.at", "known are"),
    ],
)
def test_a_wrong_outcome_is_told_at_its_place(jobs: str, path: str, words: str) -> None:
    (found,) = _mistakes(scenario_text(jobs=jobs))

    assert found.path == path
    assert words in found.message


def test_all_mistakes_are_told_at_once() -> None:
    text = scenario_text(
        "{at: never, sensor: {pipeline: a}}", jobs="{a: [{outcom: fail}]}", expect="{jbs: {}}"
    )

    assert [found.path for found in _mistakes(text)] == [
        "jobs.a[0].outcom",
        "timeline[0].at",
        "timeline[0].sensor",
        "timeline[0].sensor",
        "expect.jbs",
    ]


def test_a_mistake_in_an_inline_config_is_told_at_its_line() -> None:
    text = scenario_text(configs="  - pipeline: {id: a}\n    schedule: {}\n    jop: {type: glue}\n")

    places = [(found.line, found.path) for found in _mistakes(text)]

    assert (7, "configs[0].jop") in places


def test_an_id_that_two_configs_have_is_a_mistake() -> None:
    config = "  - {pipeline: {id: a}, schedule: {trigger: {key: k, check: exists}}, job: {type: glue, config: {jobName: a}}}\n"

    (found,) = _mistakes(scenario_text(configs=config * 2))

    assert "a second time" in found.message


@pytest.mark.parametrize("name", ["missing.yaml", ".", "../outside/missing.yaml"])
def test_a_config_file_that_cannot_be_read_is_a_mistake(name: str, tmp_path: Path) -> None:
    text = scenario_text(configs=f"  - {{file: {name}}}\n")

    with pytest.raises(ScenarioInvalid) as invalid:
        read_scenario(text, "test.yaml", tmp_path)

    assert "cannot be read" in str(invalid.value)


def test_a_mistake_in_a_config_file_names_that_file(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("pipeline: {id: a}\n")

    with pytest.raises(ScenarioInvalid) as invalid:
        read_scenario(scenario_text(configs="  - {file: bad.yaml}\n"), "test.yaml", tmp_path)

    assert str(invalid.value).startswith("bad.yaml:1: ")


def test_a_value_that_dynamodb_cannot_hold_is_a_mistake() -> None:
    entry = f'{{at: "+1m", sensor: {{pipeline: a, key: b, data: {{big: "{"x" * 410_000}"}}}}}}'

    (found,) = _mistakes(scenario_text(entry))

    assert "larger than the 400 KB" in found.message


def test_control_characters_may_be_tried_in_a_reading() -> None:
    (entry,) = a_scenario(
        '{at: "+1m", sensor: {pipeline: a, key: "b\\u0007", data: {n: "\\0\\e[2J"}}}'
    ).timeline

    assert isinstance(entry.action, Sensor)
    assert (entry.action.key, entry.action.data) == ("b\x07", {"n": "\x00\x1b[2J"})


def test_a_file_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ScenarioInvalid, match="cannot be read"):
        read_scenario_file(tmp_path / "nowhere.yaml")


def test_a_whole_scenario_needs_only_a_name_a_start_and_an_end() -> None:
    scenario = read_scenario("scenario: nothing\nstart: 2026-03-02T08:00:00+01:00\nuntil: +0s", "x", Path())

    assert scenario.start == datetime(2026, 3, 2, 7, tzinfo=UTC)
    assert (scenario.configs, scenario.timeline, scenario.jobs) == ((), (), {})


def _mistakes(text: str) -> tuple[Mistake, ...]:
    with pytest.raises(ScenarioInvalid) as invalid:
        read_scenario(text, "test.yaml", Path())
    return invalid.value.mistakes


@pytest.mark.parametrize(
    ("calendars", "mistake"),
    [
        ("", "there is no calendar company; add a file with calendar: {name: company, dates: [...]}"),
        ("calendars: [{name: comany}]\n", "there is no calendar company; did you mean comany?"),
    ],
)
def test_a_config_that_names_a_calendar_that_the_scenario_does_not_give_is_a_mistake(
    calendars: str, mistake: str, tmp_path: Path
) -> None:
    text = (
        "scenario: s\nstart: 2026-03-02T00:00:00Z\nuntil: +1h\nconfigs:\n"
        "  - pipeline: {id: gold}\n"
        "    schedule: {cron: 0 6 * * *, exclude: {calendar: company}}\n"
        "    job: {type: glue, config: {jobName: x}}\n"
    )

    with pytest.raises(ScenarioInvalid) as caught:
        read_scenario(text + calendars, "s.yaml", tmp_path)

    assert [str(one) for one in caught.value.mistakes] == [
        f"s.yaml:6: configs[0].schedule.exclude.calendar: {mistake}"
    ]
