"""`docs/jobs.md` tells of the code that there is: its examples are played, its tables compared with what they describe."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest

from interlock.aws.job_log import read_job_record
from interlock.domain.overdue import REFUSALS_LAST
from interlock.domain.pipeline import JobType
from interlock.domain.retry import category_of
from interlock.domain.run import FailureCategory, JobEnd, Outcome, RunStatus
from interlock.pipeline_yaml import check_pipeline
from interlock.pipeline_yaml.job_config import CONFIG_OF_TYPE, PERIOD_WORDS
from interlock.pipeline_yaml.model import JobSection
from interlock.simulation.play import play
from interlock.simulation.played import Played
from interlock.simulation.scenario_yaml import read_scenario
from interlock.steps.await_job import _FIRST_POLL, _POLL_BESIDE_EVENTS, _SLOWEST_POLL
from interlock.triggers import (
    airflow,
    databricks,
    databricks_states,
    emr,
    emr_serverless,
    emr_states,
    execution_states,
    glue,
    glue_insights,
    glue_states,
    lambda_function,
    step_function,
)
from interlock.triggers.background import EARLY_SECONDS
from interlock.triggers.http import _ACCEPTED_WITHIN_SECONDS
from interlock.triggers.http_calls import BODY_BYTES
from interlock.triggers.outside import ANSWER_SECONDS
from interlock.triggers.status_code import failure_category

PAGE = Path(__file__).parent.parent / "docs" / "jobs.md"
TEXT = PAGE.read_text(encoding="utf-8")
START = datetime(2026, 3, 2, 5, 55, tzinfo=UTC)


def section(title: str, level: str = "##") -> str:
    """What stands below a heading, up to the next one of its level."""
    found = re.search(rf"^{level} {re.escape(title)}\n(.*?)(?=^{level} |^## |\Z)", TEXT, re.S | re.M)
    assert found, f"docs/jobs.md has no section {title}"
    return found[1]


def table(text: str, head: str) -> list[list[str]]:
    """The rows of the table whose first column is called so."""
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith(f"| {head} |"):
            next(lines)
            break
    else:
        raise AssertionError(f"no table of {head}")
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split(" | ")])
    return rows


def codes(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


# ---------------------------------------------------------------- examples


@dataclass(frozen=True)
class Example:
    """One YAML block."""

    text: str

    @property
    def pipeline_id(self) -> str:
        return check_pipeline(self.text.encode(), "docs/jobs.md").pipeline.id

    @property
    def job_type(self) -> str:
        return str(check_pipeline(self.text.encode(), "docs/jobs.md").pipeline.job.type)


EXAMPLES = [Example(block) for block in re.findall(r"^```yaml\n(.*?)^```$", TEXT, re.S | re.M)]
CALLBACK = json.loads(re.findall(r"^```json\n(.*?)^```$", TEXT, re.S | re.M)[0])


def played(example: Example, folder: Path) -> Played:
    """The world outside does its part in ten minutes; a callback is the item of the page, and nothing else."""
    (folder / "example.yaml").write_text(example.text, encoding="utf-8")
    timeline: list[dict[str, Any]] = [
        {"at": "+0m", "secrets": {name: f"value-of-{name}" for name in names}}
        for names in [re.findall(r"\$\{secret:([^}]+)\}", example.text)]
        if names
    ]
    jobs = {}
    if CALLBACK["PK"] == f"PIPELINE#{example.pipeline_id}":
        jobs = {example.pipeline_id: [{"outcome": "never"}]}
        timeline.append({"at": "+30m", "raw": {"table": "joblog", "item": CALLBACK}})
    scenario = {
        "scenario": "an example of the page",
        "start": START.isoformat(),
        "configs": [{"file": "example.yaml"}],
        "jobs": jobs,
        "timeline": timeline,
        "until": "+2h",
        "expect": {"jobs": {example.pipeline_id: 1}},
    }
    return play(read_scenario(json.dumps(scenario), "docs/jobs.md", folder))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.pipeline_id)
def test_an_example_is_a_whole_pipeline_without_a_warning(example: Example) -> None:
    assert check_pipeline(example.text.encode(), "docs/jobs.md").warnings == ()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.pipeline_id)
def test_an_example_starts_its_job_once_and_succeeds(example: Example, tmp_path: Path) -> None:
    world = played(example, tmp_path)

    (run,) = world.runs.values()
    triggered = [told.event for told in world.events() if told.event.type == "JOB_TRIGGERED"]
    assert (run.status, run.attempt) == (RunStatus.SUCCEEDED, 1)
    assert [event.detail["jobType"] for event in triggered] == [example.job_type]


def test_every_type_has_an_example_in_its_section() -> None:
    shown = {
        job_type: {
            Example(block).job_type
            for block in re.findall(r"^```yaml\n(.*?)^```$", section(job_type), re.S | re.M)
        }
        for job_type in JobType
    }

    assert shown == {job_type: {str(job_type)} for job_type in JobType}


def test_the_callback_of_the_page_ends_the_example_that_waits_for_one(tmp_path: Path) -> None:
    (example,) = [each for each in EXAMPLES if CALLBACK["PK"] == f"PIPELINE#{each.pipeline_id}"]

    (run,) = played(example, tmp_path).runs.values()

    assert run.run_id == CALLBACK["runId"]
    assert run.outcome is not None
    assert run.outcome.report == {
        name: CALLBACK[name] for name in ("recordsProcessed", "durationSeconds", "metrics")
    }


def test_the_callback_of_the_page_is_kept_for_thirty_days() -> None:
    kept = datetime.fromtimestamp(CALLBACK["ttl"], UTC) - read_job_record(CALLBACK).at

    assert kept == timedelta(days=30)


# ---------------------------------------------------------------- keys


@pytest.mark.parametrize("job_type", JobType)
def test_the_keys_of_a_type_are_those_that_the_loader_knows(job_type: JobType) -> None:
    rows = table(section(job_type), "`config` key")
    known = {
        field.alias or name: field.is_required()
        for name, field in CONFIG_OF_TYPE[job_type].model_fields.items()
    }

    assert [key for row in rows for key in codes(row[0])] == list(known)
    assert {codes(row[0])[0] for row in rows if row[1] == "yes"} == {
        key for key, needed in known.items() if needed
    }


def test_the_keys_of_a_job_and_their_defaults_are_those_that_the_loader_knows() -> None:
    rows = table(section("The keys of `job`", "###"), "key")
    fields = {field.alias or name: field for name, field in JobSection.model_fields.items()}

    assert {codes(row[0])[0] for row in rows} == set(fields)
    for key, told, _ in rows:
        default = fields[codes(key)[0]].get_default(call_default_factory=True)
        if re.fullmatch(r"\d+", told):
            assert int(told) == default, key


def test_the_sections_are_the_types_in_the_order_of_the_first_table() -> None:
    listed = [codes(row[0])[0] for row in table(TEXT, "type")]

    assert set(listed) == set(JobType)
    assert [title for title in re.findall(r"^## (.*)$", TEXT, re.M) if title in set(JobType)] == listed


def test_a_link_within_the_page_leads_to_a_heading() -> None:
    anchors = {
        re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-")
        for title in re.findall(r"^#+ (.*)$", TEXT, re.M)
    }

    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= anchors


def test_the_placeholders_are_those_that_are_expanded() -> None:
    rows = table(section("The period, secrets, variables", "###"), "placeholder")
    told = {name for row in rows for name in re.findall(r"`\$\{(\w+)\}`", row[0])}

    assert told - {"INTERLOCK_X"} == set(PERIOD_WORDS)


# ---------------------------------------------------------------- permissions

# Which modules call which AWS services for a type, and what IAM calls the service.
CALLERS: Mapping[str, Mapping[str, tuple[str, list[ModuleType]]]] = {
    "glue": {"glue": ("glue", [glue, glue_insights]), "logs": ("logs", [glue_insights])},
    "emr": {"emr": ("elasticmapreduce", [emr])},
    "emr-serverless": {"emr-serverless": ("emr-serverless", [emr_serverless])},
    "step-function": {"stepfunctions": ("states", [step_function])},
    "lambda": {"lambda": ("lambda", [lambda_function])},
}
# What IAM calls otherwise than the API does, and what a call needs beside its own action.
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
NAMED = {"lambda:Invoke": "lambda:InvokeFunction"}
BESIDE = {"emr-serverless": {"iam:PassRole"}, "lambda": {"dynamodb:PutItem"}}


def actions_needed(job_type: str) -> set[str]:
    """An action for each operation that the adapter calls."""
    session = boto3.session.Session("testing", "testing", region_name="eu-west-1")
    needed = set(BESIDE.get(job_type, ()))
    for service, (prefix, modules) in CALLERS[job_type].items():
        source = "".join(map(inspect.getsource, modules))
        for method, operation in session.client(service).meta.method_to_api_mapping.items():  # type: ignore[call-overload]
            if re.search(rf"\.{method}\(", source):
                action = f"{prefix}:{operation}"
                needed.add(NAMED.get(action, action))
    return needed


@pytest.mark.parametrize("job_type", CALLERS)
def test_the_permissions_of_a_type_are_those_that_its_calls_need(job_type: str) -> None:
    found = re.search(r"^\*\*Permissions\*\*.*?\n\n", section(job_type), re.S | re.M)
    assert found

    told = set(re.findall(r"`([a-z-]+:[A-Z]\w+)`", found[0]))
    assert told == actions_needed(job_type)


# ---------------------------------------------------------------- failures

Ends = Mapping[str, tuple[JobEnd, FailureCategory | None]]
ENDS: Mapping[str, Ends] = {
    "glue": glue_states.ENDED,
    "emr": emr_states._STEP_ENDED,
    "emr-serverless": emr_states._JOB_RUN_ENDED,
    "step-function": execution_states.ENDED,
    # The newer codes say less than the states that they are to replace, where both have one word.
    "databricks": {**databricks_states._CODES, **databricks_states._RESULTS},
    "airflow": {state: (end, None) for state, end in airflow._ENDED.items()},
}
BAD_ENDS = [
    pytest.param(job_type, state, category_of(Outcome(end, category=category)), id=f"{job_type} {state}")
    for job_type, ends in ENDS.items()
    for state, (end, category) in ends.items()
    if end is not JobEnd.SUCCESS
]


def categories_told(job_type: str, code: str) -> list[str]:
    return [row[1] for row in table(section(job_type), "what you see") if code in codes(row[0])]


@pytest.mark.parametrize(("job_type", "state", "category"), BAD_ENDS)
def test_a_remote_end_has_the_category_that_its_row_says(
    job_type: str, state: str, category: FailureCategory
) -> None:
    assert categories_told(job_type, state) == [str(category)]


# AWS's codes for throttling, which every service has, are left out: the page tells of them once.
PASSING = {
    "glue": glue._PASSING,
    "emr-serverless": emr_serverless._PASSING,
    "step-function": step_function._PASSING,
    "databricks": databricks._PASSING,
}


@pytest.mark.parametrize("job_type", PASSING)
def test_the_refusals_that_are_waited_out_are_those_that_the_adapter_knows(job_type: str) -> None:
    rows = table(section(job_type), "what you see")

    assert {code for row in rows if row[1] == "waited out" for code in codes(row[0])} == PASSING[job_type]


def test_an_http_status_has_the_category_that_its_row_says() -> None:
    rows = table(section("http"), "what you see")
    told = {int(code): row[1] for row in rows for code in codes(row[0]) if re.fullmatch(r"[45]\d\d", code)}

    assert {code: category.split()[-1] for code, category in told.items()} == {
        code: str(failure_category(code)) for code in told
    }


def test_a_failure_is_told_with_what_becomes_of_it() -> None:
    becomes = {*FailureCategory, "waited out", "waited out, later TRANSIENT", "asked again"}

    for job_type in JobType:
        for row in table(section(job_type), "what you see"):
            assert row[1] in becomes, row
            assert row[2], row


@pytest.mark.parametrize(
    "told",
    [
        f"After {REFUSALS_LAST.seconds // 60} minutes: `INFRA_FAILURE`",
        f"Every {_POLL_BESIDE_EVENTS.seconds // 60} minutes beside events",
        f"after {_FIRST_POLL.seconds} s, then growing by half up to every {_SLOWEST_POLL.seconds // 60} minutes",
        f"has {ANSWER_SECONDS / 60:.0f} minutes to answer",
        f"2xx must come within {_ACCEPTED_WITHIN_SECONDS:.0f} s",
        f"within the first {EARLY_SECONDS:.0f} s",
        f"At most {BODY_BYTES // 1024} KB of an answer",
    ],
)
def test_a_number_of_the_page_is_the_codes(told: str) -> None:
    assert told in TEXT
