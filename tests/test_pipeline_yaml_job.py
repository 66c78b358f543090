"""`job.config` of each type: its keys, the placeholders in its texts, secrets that should not be there."""

from __future__ import annotations

import pytest

from pipeline_text import TRIGGER, mistakes_in, mistakes_with, pipeline_with, warnings_with

COMPLETE = {
    "glue": "{jobName: j, arguments: {--a: b, --n: 1, --flag: true}, verifyInsights: false}",
    "emr": "{clusterId: c, stepName: s, jar: s3://b/j.jar, args: [a]}",
    "emr-serverless": (
        "{applicationId: a, executionRoleArn: 'arn:aws:iam::1:role/r', jobDriver: {sparkSubmit: {}}, "
        "configurationOverrides: {}, executionTimeoutMinutes: 0}"
    ),
    "step-function": "{stateMachineArn: 'arn:aws:states:eu-west-1:1:stateMachine:m', input: '{}'}",
    "lambda": "{functionName: f, payload: {a: [1, null]}, async: true}",
    "databricks": "{workspaceUrl: https://x.example, token: '${secret:t}', jobId: 7, parameters: {a: b}}",
    "airflow": (
        "{url: https://x.example, dagId: d, conf: {}, apiVersion: v1, "
        "auth: {type: basic, username: u, password: '${secret:p}'}}"
    ),
    "http": "{url: https://x.example, method: put, headers: {A: b}, body: text, callback: true}",
    "command": "{command: [echo, hello]}",
}


def job(job_type: str, config: str, *more: str) -> str:
    return f"job: {{{', '.join([f'type: {job_type}', f'config: {config}', *more])}}}\n"


def mistakes(job_type: str, config: str) -> list[str]:
    found = mistakes_with(job=job(job_type, config))
    return [mistake.removeprefix("job.config.") for mistake in found]


def warnings(job_type: str, config: str) -> list[str]:
    return warnings_with(f"schedule: {{trigger: {TRIGGER}}}", job=job(job_type, config))


@pytest.mark.parametrize(("job_type", "config"), COMPLETE.items())
def test_each_type_takes_all_keys_it_documents(job_type: str, config: str):
    assert mistakes(job_type, config) == []


@pytest.mark.parametrize("config", COMPLETE.values())
def test_a_config_is_kept_as_it_was_written(config: str):
    job_type = next(name for name, text in COMPLETE.items() if text == config)

    assert set(pipeline_with(job=job(job_type, config)).job.config) <= set(
        config.replace("{", " ").replace(":", " ").split()
    )


@pytest.mark.parametrize(
    ("job_type", "required"),
    [
        ("glue", ["jobName"]),
        ("emr", ["jar", "clusterId"]),
        ("emr-serverless", ["applicationId", "executionRoleArn", "jobDriver"]),
        ("step-function", ["stateMachineArn"]),
        ("lambda", ["functionName"]),
        ("databricks", ["jobId", "workspaceUrl", "token"]),
        ("airflow", ["url", "dagId"]),
        ("http", ["url"]),
        ("command", ["command"]),
    ],
)
def test_each_type_misses_what_it_cannot_start_without(job_type: str, required: list[str]):
    wanted = [f"{key}: is required" for key in required]

    assert [
        mistake[: len(start)] for mistake, start in zip(mistakes(job_type, "{}"), wanted, strict=True)
    ] == wanted
    assert mistakes_with(job=f"job: {{type: {job_type}}}\n") == mistakes_with(job=job(job_type, "{}"))


def test_a_dry_run_needs_no_config_because_it_starts_nothing():
    observing = [f"schedule: {{trigger: {TRIGGER}}}", "dryRun: true"]

    assert mistakes_with(*observing, job="job: {type: glue}\n") == []
    assert mistakes_with(*observing, job=job("glue", "{}")) == ["job.config.jobName: is required; add it"]


@pytest.mark.parametrize(
    ("job_type", "config", "wanted"),
    [
        ("glue", "{jobname: j}", 'jobname: unknown key; did you mean "jobName"?'),
        (
            "glue",
            "{jobName: j, arguments: [a]}",
            "arguments: must be a mapping of names to values, not a list",
        ),
        (
            "glue",
            "{jobName: j, arguments: {--a: [b]}}",
            'arguments: needs text, a number, true or false for "--a"',
        ),
        (
            "glue",
            "{jobName: j, verifyInsights: on}",
            'verifyInsights: must be true or false, not "on"; write true',
        ),
        ("emr", "{clusterId: c, jar: j, command: [a]}", "command: excludes jar"),
        ("emr", "{clusterId: c, command: [a], args: [b]}", "args: belongs to jar"),
        ("emr", "{clusterId: c, command: 5}", "command: must be a list of arguments or one text, not 5"),
        ("emr", "{clusterId: c, command: []}", "command: is empty; write a list of arguments, or one text"),
        (
            "emr",
            "{clusterId: c, command: [a, 7]}",
            "command: needs text for argument 2, not 7; put it in quotes",
        ),
        (
            "emr-serverless",
            "{applicationId: a, executionRoleArn: 'arn:a', jobDriver: {hive: {}}, executionTimeoutMinutes: 12h}",
            "executionTimeoutMinutes: must be",
        ),
        (
            "emr-serverless",
            "{applicationId: a, executionRoleArn: 'arn:a', jobDriver: {hive: {}}, executionTimeoutMinutes: -1}",
            "executionTimeoutMinutes: must be",
        ),
        ("step-function", "{stateMachineArn: my-machine}", "stateMachineArn: must be an ARN"),
        ("lambda", "{functionName: f, payload: 5}", "payload: must be text or a mapping, not 5"),
        (
            "databricks",
            "{workspaceUrl: https://x, token: '${secret:t}', jobId: 1, tasks: [{}]}",
            "tasks: excludes jobId",
        ),
        (
            "databricks",
            "{workspaceUrl: https://x, token: '${secret:t}', tasks: [{}], parameters: {a: b}}",
            "parameters: belongs to jobId; put the parameters of a one-time run into its tasks",
        ),
        (
            "databricks",
            "{workspaceUrl: https://x, token: '${secret:t}', jobId: nightly load}",
            'jobId: must be the number of the job, not "nightly load"',
        ),
        ("airflow", "{url: https://x, dagId: d, auth: {type: bearer}}", "auth.token: is required for bearer"),
        (
            "airflow",
            "{url: https://x, dagId: d, auth: {type: jwt, username: u}}",
            "auth.password: is required for jwt",
        ),
        (
            "airflow",
            "{url: https://x, dagId: d, apiVersion: v1, auth: {type: jwt, username: u, password: '${secret:p}'}}",
            "auth.type: jwt is for Airflow 3; with apiVersion v1 use basic or bearer",
        ),
        (
            "airflow",
            "{url: https://x, dagId: d, auth: {type: magic}}",
            'auth.type: "magic" is not known here; use basic',
        ),
        (
            "airflow",
            "{url: https://x, dagId: d, auth: {type: bearer, tokn: x, token: '${secret:t}'}}",
            "auth.tokn: unknown key; did",
        ),
        (
            "airflow",
            "{url: https://x, dagId: d, apiVersion: v3}",
            'apiVersion: "v3" is not known here; use v2 or v1',
        ),
        ("http", "{url: ftp://x}", "url: must be a URL that starts with https:// or http://"),
        ("http", "{url: https://x, method: FETCH}", 'method: "FETCH" is not known here; '),
        ("command", "{command: python job.py}", 'command: must be a list, not "python job.py"'),
        ("command", "{command: []}", "command: is empty"),
        ("command", "{command: [a, 5]}", "command[1]: must be text, not 5"),
    ],
)
def test_a_config_that_could_not_start_is_refused(job_type: str, config: str, wanted: str):
    found = mistakes(job_type, config)

    assert len(found) == 1
    assert found[0].startswith(wanted)


ROLE = "executionRoleArn: 'arn:aws:iam::1:role/r'"
MACHINE = "stateMachineArn: 'arn:aws:states:eu-west-1:1:stateMachine:m'"
TOKEN = "token: '${secret:t}', jobId: 1"


@pytest.mark.parametrize(
    ("job_type", "config", "wanted"),
    [
        (
            "emr-serverless",
            f"{{applicationId: a, {ROLE}, jobDriver: {{spark: {{}}}}}}",
            'jobDriver.spark: unknown key; did you mean "sparkSubmit"?',
        ),
        (
            "emr-serverless",
            f"{{applicationId: a, {ROLE}, jobDriver: {{presto: {{}}}}}}",
            "jobDriver.presto: unknown key; use sparkSubmit or hive",
        ),
        (
            "emr-serverless",
            f"{{applicationId: a, {ROLE}, jobDriver: {{sparkSubmit: {{}}, hive: {{}}}}}}",
            "jobDriver.hive: excludes sparkSubmit; keep one of the two",
        ),
        (
            "step-function",
            f"{{{MACHINE}, input: '{{day: 1}}'}}",
            'input: is text that is not JSON: "{day: 1}"; write a mapping, or JSON in quotes',
        ),
        (
            "lambda",
            "{functionName: f, payload: hello}",
            'payload: is text that is not JSON: "hello"; write a mapping',
        ),
        (
            "databricks",
            f"{{workspaceUrl: https://x.example/api/2.1, {TOKEN}}}",
            "workspaceUrl: must end with the host, as in https://<workspace>.cloud.databricks.com",
        ),
        (
            "airflow",
            "{url: 'https://u:p@x.example', dagId: d}",
            "url: holds a user; write user and password into auth, the password as ${secret:NAME}",
        ),
        (
            "airflow",
            "{url: 'https://x.example/?a=b', dagId: d}",
            "url: must end with host or path; remove what",
        ),
        (
            "airflow",
            "{url: https://x.example/af/api/v2/, dagId: d}",
            "url: must end before /api, which is added; the version is apiVersion",
        ),
        (
            "http",
            "{url: https://x.example, headers: {content-length: 4}}",
            "headers.content-length: cannot be set, it follows from the request; remove it",
        ),
    ],
)
def test_what_every_start_would_be_refused_for_is_told_before_anything_runs(
    job_type: str, config: str, wanted: str
):
    found = mistakes(job_type, config)

    assert len(found) == 1
    assert found[0].startswith(wanted)


@pytest.mark.parametrize(
    ("job_type", "config"),
    [
        ("step-function", f"{{{MACHINE}, input: '{{\"day\": ${{ATTEMPT}}}}'}}"),
        ("lambda", "{functionName: f, payload: '${INTERLOCK_PAYLOAD}'}"),
        ("databricks", f"{{workspaceUrl: 'https://x.example/', {TOKEN}}}"),
        ("databricks", f"{{workspaceUrl: '${{INTERLOCK_WORKSPACE}}', {TOKEN}}}"),
        ("airflow", "{url: 'https://x.example/team-a/', dagId: d}"),
        ("airflow", "{url: 'https://x.example/apian', dagId: d}"),
        ("airflow", "{url: '${INTERLOCK_AIRFLOW}', dagId: d}"),
    ],
)
def test_what_only_its_start_can_judge_is_left_to_it(job_type: str, config: str):
    assert mistakes(job_type, config) == []


@pytest.mark.parametrize(
    ("pipeline_id", "job_type", "refused"),
    [
        ("scheduled__orders", "airflow", True),
        ("asset_triggered__orders", "airflow", True),
        ("manual__orders", "airflow", False),
        ("scheduled-orders", "airflow", False),
        ("scheduled__orders", "http", False),
    ],
)
def test_an_id_that_airflow_keeps_for_its_own_runs_is_refused_for_its_jobs(
    pipeline_id: str, job_type: str, refused: bool
):
    config = "{url: https://x.example, dagId: d}" if job_type == "airflow" else "{url: https://x.example}"

    found = mistakes_in(f"pipeline: {{id: {pipeline_id}}}\n{job(job_type, config)}")

    assert [mistake.partition(",")[0] for mistake in found] == (
        [f'pipeline.id: begins with "{pipeline_id.partition("__")[0]}__"'] if refused else []
    )


def test_an_unknown_type_does_not_hide_what_else_is_wrong_with_the_job():
    found = mistakes_with(job="job: {type: gleu, config: {jobName: j}, maxRetrys: 1}\n")

    assert [mistake.partition(": ")[0] for mistake in found] == ["job.type", "job.maxRetrys"]


@pytest.mark.parametrize(
    "text",
    [
        "${DATE} ${HOUR} ${PAR_DAY} ${PAR_HOUR} ${PIPELINE} ${ATTEMPT} ${RUN_ID}",
        "${secret:prod/db+x@1}",
        "${INTERLOCK_STAGE}",
        "$DATE and $ {x} and }",
        "$${HOME} is literal, and $${ too, $${${DATE}}",
    ],
)
def test_a_text_may_have_the_placeholders_that_are_replaced(text: str):
    assert mistakes("http", f"{{url: https://x.example, body: {{a: ['{text}']}}}}") == []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("${DAT}", 'has the unknown placeholder "${DAT}"; did you mean ${DATE}?'),
        ("${date}", "did you mean ${DATE}?"),
        ("${HOME}", 'has the unknown placeholder "${HOME}"; '),
        ("${}", 'has the unknown placeholder "${}"'),
        ("${secret:}", 'has the unknown placeholder "${secret:}"'),
        ("${secret:a b}", "has the unknown placeholder"),
        ("${INTERLOCK_}", "has the unknown placeholder"),
        ("${interlock_x}", "has the unknown placeholder"),
        ("${${DATE}}", 'has a "${" that is never closed'),
        ("${DATE", 'has a "${" that is never closed'),
    ],
)
def test_any_other_placeholder_is_a_mistake(text: str, wanted: str):
    found = mistakes("http", f"{{url: https://x.example, body: {{a: ['{text}']}}}}")

    assert found
    assert found[0].startswith("body.a[0]: ")
    assert wanted in found[0]


def test_a_placeholder_repeated_in_a_text_is_one_mistake():
    assert len(mistakes("http", "{url: https://x.example, body: '${A} ${A} ${B} ${A}'}")) == 2


def test_a_placeholder_in_a_key_is_a_mistake_because_nothing_replaces_it():
    found = mistakes("http", "{url: https://x.example, body: {'${DATE}': 1}}")

    assert [mistake.partition(";")[0] for mistake in found] == [
        'body["${DATE}"]: has a placeholder in the key, where none is expanded'
    ]


@pytest.mark.parametrize(
    ("job_type", "config", "path"),
    [
        ("databricks", "{workspaceUrl: https://x, token: dapi123, jobId: 1}", "token"),
        (
            "airflow",
            "{url: https://x, dagId: d, auth: {type: basic, username: u, password: p}}",
            "auth.password",
        ),
        ("http", "{url: https://x, headers: {Authorization: Bearer abc}}", "headers.Authorization"),
        ("http", "{url: https://x, headers: {X-Api-Key: abc}}", "headers.X-Api-Key"),
        ("http", "{url: https://x, body: {clientSecret: abc}}", "body.clientSecret"),
        ("http", "{url: 'https://user:pass@x.example/'}", "url"),
        ("http", "{url: 'https://x.example/?token=abc'}", "url"),
        ("http", "{url: 'https://x.example/flows?v=1&sig=abc'}", "url"),
        ("command", "{command: [curl, 'https://x.example/?access_token=abc']}", "command[1]"),
        ("http", "{url: 'https://x.example/?token=${secret:t}'}", None),
        ("http", "{url: 'https://x.example/?design=abc&token='}", None),
        ("http", "{url: https://x, body: {token: '${secret:t}', tokenCount: x, author: me}}", None),
        ("http", "{url: https://x, headers: {Authorization: 'Bearer ${INTERLOCK_TOKEN}'}}", None),
    ],
)
def test_a_secret_in_clear_is_a_warning(job_type: str, config: str, path: str | None):
    wanted = [
        f"job.config.{path}: is a secret in clear; put it into Secrets Manager and write ${{secret:NAME}}"
    ]

    assert warnings(job_type, config) == (wanted if path else [])
