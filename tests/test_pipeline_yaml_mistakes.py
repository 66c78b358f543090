"""Every mistake of a file is told at once: line, path, what is wrong, what to do."""

from __future__ import annotations

import pytest

from interlock.pipeline_yaml import Mistake, PipelineInvalid, check_pipeline_node, compose, read_pipeline
from interlock.pipeline_yaml.mistake import MOST_MISTAKES
from pipeline_text import JOB, PIPELINE, TRIGGER, mistakes_in, mistakes_with, text_with, warnings_with

MANY_MISTAKES = """\
pipeline:
  id: gold revenue
  ownr: analytics
schedule:
  cron: "0 6 * *"
  trigger:
    key: upstream
    chek: exists
validation:
  rules:
    - {key: rows, check: gte, field: count, value: 1000}
    - all:
        - key: rows
          check: gte
          field: count
          value: many
job:
  type: gleu
  maxRetries: 11
sla: {deadline: 7:30}
dryRun: yes
"""


def test_all_mistakes_of_a_file_are_told_with_line_and_path():
    with pytest.raises(PipelineInvalid) as caught:
        read_pipeline(MANY_MISTAKES, "gold.yaml")

    assert [(mistake.line, mistake.path) for mistake in caught.value.mistakes] == [
        (2, "pipeline.id"),
        (3, "pipeline.ownr"),
        (5, "schedule.cron"),
        (8, "schedule.trigger.chek"),
        (16, "validation.rules[1].all[0].value"),
        (18, "job.type"),
        (19, "job.maxRetries"),
        (20, "sla.deadline"),
        (21, "dryRun"),
    ]


def test_a_key_that_is_missing_is_told_at_the_section_that_lacks_it():
    with pytest.raises(PipelineInvalid) as caught:
        read_pipeline(PIPELINE + "# why\njob:\n  type: emr\n  config:\n    jar: x.jar\n", "p.yaml")

    assert [(mistake.line, mistake.path) for mistake in caught.value.mistakes] == [
        (5, "job.config.clusterId")
    ]


def test_a_key_of_another_section_is_not_taken_for_a_misspelt_one():
    assert mistakes_in(PIPELINE + "job: {time: 07:30}") == [
        "job.type: is required; add it",
        'job.time: unknown key here; it belongs under "schedule"',
    ]


def test_a_mistake_is_one_line_that_an_editor_can_jump_to():
    with pytest.raises(PipelineInvalid) as caught:
        read_pipeline(PIPELINE + JOB + "slaa: {}\n", "gold.yaml")

    assert str(caught.value) == 'gold.yaml:3: slaa: unknown key; did you mean "sla"?'


@pytest.mark.parametrize(
    ("section", "path", "hint"),
    [
        ("schedul: {}", "schedul", 'did you mean "schedule"?'),
        ("post_run: {}", "post_run", 'did you mean "postRun"?'),
        ("sla: {expected_duration: 5m}", "sla.expected_duration", 'did you mean "expectedDuration"?'),
        ("sla: {DEADLINE: 07:30}", "sla.DEADLINE", 'did you mean "deadline"?'),
        ("cron: 0 6 * * *", "cron", 'it belongs under "schedule"'),
        ("postRun: {cron: 0 6 * * *}", "postRun.cron", 'it belongs under "schedule"'),
        ("rules: []", "rules", 'it belongs under "validation"'),
        ("validation: {rules: [{anyy: []}]}", "validation.rules[0].anyy", 'did you mean "any"?'),
        (
            "validation: {rules: [{not: {key: a, chekc: exists}}]}",
            "validation.rules[0].not.chekc",
            'did you mean "check"?',
        ),
        ("validation: {rules: [{all: [], wert: 1}]}", "validation.rules[0].wert", "remove it (known: all)"),
        ("schedule: {exclude: {weekend: true}}", "schedule.exclude.weekend", 'did you mean "weekends"?'),
        ('"what is this": 1', '["what is this"]', "remove it"),
    ],
)
def test_an_unknown_key_comes_with_the_one_that_was_meant(section: str, path: str, hint: str):
    mistakes = mistakes_with(section)

    assert len(mistakes) == 1
    assert mistakes[0].startswith(f"{path}: unknown key")
    assert hint in mistakes[0]


@pytest.mark.parametrize(
    ("section", "wanted"),
    [
        (
            "schedule: {timezone: Europe/Berln}",
            'timezone: "Europe/Berln" is not an IANA timezone; did you mean Europe/Berlin?',
        ),
        ("schedule: {timezone: localtime}", 'timezone: "localtime" is not an IANA timezone'),
        ("schedule: {timezone: ../../etc/passwd}", 'timezone: "../../etc/passwd" is not an IANA timezone'),
        ("schedule: {start: anny}", 'start: "anny" is not known here; did you mean any?'),
        (
            "schedule: {exclude: {days: [satruday]}}",
            'days[0]: "satruday" is not known here; did you mean saturday?',
        ),
        ("validation: {trigger: some}", 'trigger: "some" is not known here; use one of ALL, ANY'),
        ("validation: {rules: [{key: a, check: eq}]}", 'check: "eq" is not known here; did you mean equals?'),
        ("schedule: {exclude: {holidays: us}}", "holidays: must be a country, a region or an exchange"),
        ("schedule: {exclude: {dates: [2026-02-30]}}", "dates[0]: 2026-02-30 is no date"),
        (
            "schedule: {exclude: {dates: [20261225]}}",
            "dates[0]: must be a date such as 2026-12-25, not 20261225",
        ),
        ("schedule: {exclude: {weekends: no}}", 'weekends: must be true or false, not "no"; write false'),
        ("schedule: {evaluation: 5m}", 'evaluation: must be a mapping, not "5m"'),
        ("validation: {rules: {}}", "rules: must be a list, not a mapping"),
        ("validation: {rules: [exists]}", 'rules[0]: must be a mapping, not "exists"'),
        ("sla: {deadline: '24:00'}", 'deadline: must be a time such as "07:30"'),
        ("sla: {dayOffset: -1, deadline: 07:30}", "dayOffset: must be 0 or more, not -1"),
        ("postRun: {driftThreshold: -1}", "driftThreshold: must be a number of 0 or more"),
        ("postRun: {driftThreshold: true}", "driftThreshold: must be a number of 0 or more"),
        ("postRun: {driftField: ''}", "driftField: is empty"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_right(section: str, wanted: str):
    mistakes = mistakes_with(section)

    assert len(mistakes) == 1
    assert wanted in mistakes[0]


@pytest.mark.parametrize(
    "text", ["schedule:", "validation:\n  rules:", "schedule: {cron: null}", "sla: {deadline: ~}"]
)
def test_a_key_without_a_value_is_a_mistake_not_a_default(text: str):
    assert [mistake.rpartition(": ")[2] for mistake in mistakes_with(text)] == [
        "has no value; write one or remove it"
    ]


CRON = "cron: 0 6 * * *"
SENSOR = f"trigger: {TRIGGER}"
A_HUNDRED = ", ".join(f"{{key: s{number}, check: exists}}" for number in range(100))


@pytest.mark.parametrize(
    ("sections", "path"),
    [
        ([f"schedule: {{{CRON}, start: all}}"], "schedule.start"),
        ([f"schedule: {{{SENSOR}, start: all}}"], "schedule.start"),
        ([f"schedule: {{{CRON}, include: {{dates: [2026-12-25]}}}}"], "schedule.include"),
        (["schedule: {include: {}}"], "schedule.include"),
        (["schedule: {include: {dates: []}}"], "schedule.include"),
        ([f"schedule: {{{SENSOR}, time: 07:30}}"], "schedule.time"),
        (
            ["schedule: {include: {dates: [2026-12-25]}, time: 07:30}", 'sla: {deadline: ":30"}'],
            "schedule.time",
        ),
        ([f"schedule: {{{CRON}}}", "sla: {maxDuration: 1h}"], "sla.maxDuration"),
        ([f"schedule: {{{CRON}}}", "dryRun: true"], "dryRun"),
        (["schedule: {exclude: {weekends: true}}", "exclusions: {weekends: true}"], "exclusions"),
        ([f"schedule: {{{CRON}}}", 'sla: {deadline: ":30"}'], "sla.deadline"),
        (
            [f"schedule: {{{CRON}, trigger: {{key: a, check: exists, deadline: ':30'}}}}"],
            "schedule.trigger.deadline",
        ),
        (['sla: {deadline: ":30", dayOffset: 1}'], "sla.dayOffset"),
        ([f"schedule: {{{SENSOR}}}", "sla: {maxDuration: 1h, dayOffset: 1}"], "sla.dayOffset"),
        ([f"validation: {{rules: [{A_HUNDRED}]}}", f"schedule: {{{SENSOR}}}"], "validation.rules"),
        (["validation: {rules: [" + ", ".join([TRIGGER] * 301) + "]}"], "validation.rules"),
    ],
)
def test_keys_that_do_not_agree_are_a_mistake(sections: list[str], path: str):
    assert [mistake.partition(": ")[0] for mistake in mistakes_with(*sections)] == [path]


@pytest.mark.parametrize(
    "sections",
    [
        [f"schedule: {{{CRON}, {SENSOR}, start: all}}"],
        [f"schedule: {{{SENSOR}}}", "dryRun: true"],
        ["dryRun: false"],
        [f"schedule: {{{SENSOR}}}", "sla: {maxDuration: 1h, deadline: 07:30, dayOffset: 0}"],
        ["schedule: {cron: 5 * * * *}", 'sla: {deadline: ":30"}'],
        ["schedule: {cron: '0 6,18 * * *'}", 'sla: {deadline: ":30"}'],
        [f"schedule: {{{SENSOR}}}", 'sla: {deadline: ":30"}'],
        [f"validation: {{rules: [{A_HUNDRED}]}}"],
        [f"validation: {{rules: [{A_HUNDRED}]}}", "schedule: {trigger: {key: s7, check: exists}}"],
        ["schedule: {include: {dates: [2026-12-25]}, time: 07:30, exclude: {weekends: true}}"],
    ],
)
def test_keys_that_agree_are_fine(sections: list[str]):
    assert mistakes_with(*sections) == []


def test_keys_that_do_not_agree_are_told_beside_other_mistakes():
    paths = [
        mistake.partition(": ")[0]
        for mistake in mistakes_with("schedule: {start: all, typo: 1}", "sla: {maxDuration: 99h}")
    ]

    assert paths == ["schedule.typo", "schedule.start", "sla.maxDuration", "sla.maxDuration"]


@pytest.mark.parametrize(
    "cron",
    [
        "* * * * *",
        "*/15 8-18 * * *",
        "0 6 1,15 * *",
        "0 6 L * *",
        "0 6 * jan-mar mon",
        "0 6 * * sun",
        "0 6 * * 7",
        "0 6 * * 5#2",
        "0 6 * * L5",
        "0 22-2 * * fri-mon",
        "0 0 29 2 *",
        "0 6 ? * *",
        "0 6 30 2 mon",
        "0 6 30 2 L5",
        "5/20 * * * *",
    ],
)
def test_every_standard_form_of_cron_is_read(cron: str):
    assert mistakes_with(f"schedule: {{cron: '{cron}'}}") == []


@pytest.mark.parametrize(
    ("cron", "wanted"),
    [
        ("0 6 * *", "has 4 fields, not 5"),
        ("0 0 6 * * *", "has 6 fields, not 5"),
        ("@daily", "has 1 fields, not 5"),
        ("60 6 * * *", "minute 60 is out of range; use 0-59"),
        ("0 9-24 * * *", "hour 24 is out of range"),
        ("0 24 * * *", "hour 24 is out of range; use 0-23"),
        ("0 6 0 * *", "day of month 0 is out of range; use 1-31"),
        ("0 6 * 13 *", "month 13 is out of range; use 1-12"),
        ("0 6 * * 8", "weekday 8 is out of range; use 0-7"),
        ("*/90 * * * *", "a step of 90 does not fit minute; use 1-59"),
        ("*/0 * * * *", "a step of 0 does not fit minute"),
        ("x 6 * * *", '"x" is no minute'),
        ("1,,2 6 * * *", '"" is no minute'),
        ("R 6 * * *", '"r" is no minute'),
        ("H 6 * * *", '"h" is no minute'),
        ("0 6 15W * *", '"15w" is no day of month'),
        ("0 6 L-3 * *", '"l-3" is no day of month'),
        ("0 6 * mon *", '"mon" is no month'),
        ("0 0 30 2 *", "never fires"),
        ("0 0 31 2,4 *", "never fires"),
        ("* * * * L5,0-0", "does not support mixing literal values"),
    ],
)
def test_a_cron_that_would_not_do_what_it_says_is_refused(cron: str, wanted: str):
    mistakes = mistakes_with(f"schedule: {{cron: '{cron}'}}")

    assert len(mistakes) == 1
    assert wanted in mistakes[0]


@pytest.mark.parametrize(
    ("sections", "path"),
    [
        (["schedule: {cron: 5 * * * *, timezone: Europe/Berlin}"], "schedule.timezone"),
        (["schedule: {cron: '0 */6 * * *', timezone: America/New_York}"], "schedule.timezone"),
        ([], "schedule"),
        (
            [f"schedule: {{{CRON}, exclude: {{weekends: true, days: [mon, tue, wed, thu, fri]}}}}"],
            "schedule.exclude",
        ),
        ([f"schedule: {{{SENSOR}}}", "validation: {trigger: ANY}"], "validation.rules"),
        ([f"schedule: {{{SENSOR}}}", "sla: {expectedDuration: 1h}"], "sla"),
        ([f"schedule: {{{SENSOR}}}", "sla: {maxDuration: 1h, expectedDuration: 1h}"], "sla.expectedDuration"),
        ([f"schedule: {{{SENSOR}}}", "postRun: {driftField: rows}"], "postRun"),
    ],
)
def test_what_is_allowed_but_hardly_meant_is_a_warning(sections: list[str], path: str):
    assert [warning.partition(": ")[0] for warning in warnings_with(*sections)] == [path]


@pytest.mark.parametrize(
    "schedule",
    [
        "{cron: 5 * * * *}",
        "{cron: 5 * * * *, timezone: Asia/Tokyo}",
        "{cron: 5 * * * *, timezone: America/Mexico_City}",  # had summer time until 2022
        "{cron: 5 6 * * *, timezone: Europe/Berlin}",
    ],
)
def test_a_schedule_that_misses_no_hour_brings_no_warning(schedule: str):
    assert warnings_with(f"schedule: {schedule}") == []


def test_a_file_of_junk_tells_its_first_mistakes_and_how_many_more_there_are():
    mistakes = mistakes_in("".join(f"k{number}: 1\n" for number in range(1000)))

    assert len(mistakes) == MOST_MISTAKES + 1
    assert mistakes[-1] == f": {1000 + 2 - MOST_MISTAKES} more mistakes follow; mend these first"


def test_a_pipeline_inside_another_file_has_the_lines_and_paths_of_that_file():
    scenario = "scenario: x\nconfigs:\n  - pipeline: {id: a}\n    job: {type: glue, config: {jobName: etl}, maxRetries: 99}\n"
    node = compose(scenario, "s.yaml")
    configs = next(value for key, value in node.value if key.value == "configs")

    with pytest.raises(PipelineInvalid) as caught:
        check_pipeline_node(configs.value[0], "s.yaml", at=("configs", 0))

    assert caught.value.mistakes == (
        Mistake("s.yaml", 4, "configs[0].job.maxRetries", "must be 10 or less, not 99; lower it"),
    )


def test_a_mistake_stays_one_printable_line_whatever_the_file_holds():
    text = text_with('"a\\nb\\u202e": 1')

    with pytest.raises(PipelineInvalid) as caught:
        read_pipeline(text, "we\nird\udcff.yaml")

    assert str(caught.value).isprintable()
    assert len(caught.value.mistakes) == 1
