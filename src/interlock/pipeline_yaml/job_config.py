"""`job.config` of each job type: its keys, and what holds for the texts in all of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, field_validator

from interlock.domain.pipeline import JobType
from interlock.pipeline_yaml.mistake import YamlPath, closest, shown
from interlock.pipeline_yaml.rules import Section
from interlock.pipeline_yaml.scalars import one_of

PERIOD_WORDS = ("DATE", "HOUR", "PAR_DAY", "PAR_HOUR", "PIPELINE", "ATTEMPT", "RUN_ID")
PLACEHOLDERS = " ".join(f"${{{word}}}" for word in (*PERIOD_WORDS, "secret:NAME", "INTERLOCK_X"))
# https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html; the colon is for ARNs
_SECRET = re.compile(r"secret:[A-Za-z0-9/_+=.@:-]{1,512}")
_ENVIRONMENT = re.compile(r"INTERLOCK_[A-Z0-9_]{1,200}")
_SENSITIVE_KEY = re.compile(
    r"(^|[-_.]|(?<=[a-z])(?=[A-Z]))(token|password|secret|authorization|api[-_]?key)$", re.IGNORECASE
)
_PASSWORD_IN_URL = re.compile(r"://[^/@:\s]+:[^/@\s]+@")
_SECRET_IN_QUERY = re.compile(
    r"[?&](\w{0,60}[-_])?(token|password|secret|api[-_]?key|sig|signature)=[^&\s]", re.IGNORECASE
)


class Method(StrEnum):
    """HTTP methods that can start a job."""

    GET = "GET"
    POST = "POST"
    PUT = "PUT"
    PATCH = "PATCH"
    DELETE = "DELETE"


def _check_url(value: str) -> str:
    if not value.startswith(("https://", "http://", "${")) or re.search(r"\s", value):
        raise ValueError(f"must be a URL that starts with https:// or http://, not {shown(value)}")
    return value


def _check_arn(value: str) -> str:
    if not value.startswith(("arn:", "${")):
        raise ValueError(f"must be an ARN (arn:aws:…), not {shown(value)}")
    return value


def _text_or_mapping(value: Any) -> Any:
    if not isinstance(value, str | dict):
        raise ValueError(f"must be text or a mapping, not {shown(value)}")
    return value


def _scalars(value: Any) -> Any:
    if not isinstance(value, dict):
        raise ValueError(f"must be a mapping of names to values, not {shown(value)}")
    for name, item in value.items():
        if item is None or isinstance(item, dict | list):
            raise ValueError(f"needs text, a number, true or false for {shown(name)}, not {shown(item)}")
    return value


def _job_id(value: Any) -> Any:
    known = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not re.fullmatch(r"[0-9]{1,19}", known) and "${" not in known:
        raise ValueError(f"must be the number of the job, not {shown(value)}")
    return value


_SCALAR_SCHEMA = {"type": ["string", "number", "boolean"]}

Text = Annotated[str, Field(min_length=1, max_length=2048)]
Url = Annotated[
    Text, AfterValidator(_check_url), WithJsonSchema({"type": "string", "pattern": r"^(https?://|\$\{)"})
]
Arn = Annotated[
    Text, AfterValidator(_check_arn), WithJsonSchema({"type": "string", "pattern": r"^(arn:|\$\{)"})
]
Body = Annotated[Any, BeforeValidator(_text_or_mapping), WithJsonSchema({"type": ["string", "object"]})]
Mapping = dict[str, Any]
Scalars = Annotated[
    Mapping,
    BeforeValidator(_scalars),
    WithJsonSchema({"type": "object", "additionalProperties": _SCALAR_SCHEMA}),
]
Argv = Annotated[list[Annotated[str, Field(max_length=8192)]], Field(min_length=1, max_length=200)]
JobId = Annotated[str | int, BeforeValidator(_job_id), WithJsonSchema({"type": ["integer", "string"]})]


class GlueConfig(Section):
    """An AWS Glue job."""

    job_name: Text = Field(description="Name of the Glue job.")
    arguments: Scalars | None = Field(
        default=None, description="Job arguments, such as --source. --par_day and --par_hour are added."
    )
    verify_insights: bool = Field(
        default=True,
        description="Whether SUCCEEDED is cross-checked with the job's error insight log stream.",
    )


class EmrConfig(Section):
    """A step on a running EMR cluster: a jar with args, or a command."""

    cluster_id: Text = Field(description="Id of the cluster, j-…")
    step_name: Text | None = Field(
        default=None, description="Name of the step; the run id is appended. Default: the pipeline's id."
    )
    jar: Text | None = Field(default=None, description="The jar to run. Either this or command.")
    args: Argv | None = Field(
        default=None,
        description="Arguments of the jar. Nothing is added: placeholders, such as ${DATE}, tell it its period.",
    )
    command: Argv | Text | None = Field(
        default=None,
        description="Run through command-runner.jar: a list of arguments, or one text split at blanks. Nothing is "
        "added: placeholders, such as ${DATE}, tell it its period.",
    )

    @field_validator("command", mode="before")
    @classmethod
    def _is_argv_or_text(cls, value: Any) -> Any:
        if not isinstance(value, str | list):
            raise ValueError(f"must be a list of arguments or one text, not {shown(value)}")
        if not value:
            raise ValueError("is empty; write a list of arguments, or one text")
        for number, argument in enumerate(value if isinstance(value, list) else (), 1):
            if not isinstance(argument, str):
                raise ValueError(f"needs text for argument {number}, not {shown(argument)}; put it in quotes")
        return value


class EmrServerlessConfig(Section):
    """A job run of an EMR Serverless application."""

    application_id: Text = Field(description="Id of the application.")
    execution_role_arn: Arn = Field(description="Role that the job runs as.")
    job_driver: Mapping = Field(
        min_length=1,
        description="As in StartJobRun: sparkSubmit or hive. Nothing is added: placeholders, such as ${DATE}, tell it "
        "its period.",
    )
    configuration_overrides: Mapping | None = Field(
        default=None,
        description="As in StartJobRun: where the logs go (monitoringConfiguration), applicationConfiguration.",
    )
    execution_timeout_minutes: int | None = Field(
        default=None,
        ge=0,
        le=1_000_000,
        description="When EMR Serverless itself cancels the job run. Its default is 720; 0 is never.",
    )


class StepFunctionConfig(Section):
    """An execution of another state machine."""

    state_machine_arn: Arn = Field(description="The state machine to start.")
    input: Body | None = Field(
        default=None, description="Input of the execution: a mapping, or JSON as text."
    )


class LambdaConfig(Section):
    """A Lambda function."""

    function_name: Text = Field(description="Name or ARN of the function.")
    payload: Body | None = Field(
        default=None, description="What the function is invoked with: a mapping, or JSON as text."
    )
    async_: bool = Field(
        default=False,
        alias="async",
        description="Invoke and do not wait: a JOB# record tells the end. Needed beyond 10 minutes.",
    )


class DatabricksConfig(Section):
    """A Databricks job: one that exists (jobId) or a run submitted as it stands (tasks)."""

    workspace_url: Url = Field(description="https://… of the workspace.")
    token: Text = Field(description="Access token; write ${secret:NAME}.")
    job_id: JobId | None = Field(default=None, description="Job to run now. Either this or tasks.")
    tasks: Annotated[list[Mapping], Field(min_length=1, max_length=100)] | None = Field(
        default=None, description="Tasks of a one-time run, as in the Jobs API. Either this or jobId."
    )
    parameters: Mapping | None = Field(
        default=None,
        description="Job parameters of this run, such as day: ${PAR_DAY}. The job must define them; not with tasks.",
    )


class AirflowAuth(Section):
    """How Airflow knows us."""

    type: Literal["basic", "bearer", "jwt"] = Field(
        description="basic and jwt send username and password (jwt to /auth/token first), bearer sends token."
    )
    username: Text | None = Field(default=None, description="For basic and jwt.")
    password: Text | None = Field(default=None, description="For basic and jwt; write ${secret:NAME}.")
    token: Text | None = Field(default=None, description="For bearer; write ${secret:NAME}.")


class AirflowConfig(Section):
    """An Airflow DAG run."""

    url: Url = Field(description="Base URL of the Airflow web server.")
    dag_id: Text = Field(description="The DAG to run.")
    conf: Mapping | None = Field(default=None, description="conf of the DAG run.")
    api_version: Literal["v2", "v1"] = Field(
        default="v2", description="Which of Airflow's REST APIs: v2 (Airflow 3) or v1 (2)."
    )
    auth: AirflowAuth | None = Field(
        default=None, description="How to authenticate; without it requests carry no credentials."
    )


class HttpConfig(Section):
    """A request to any HTTP service."""

    url: Url = Field(
        description="Where the request goes. Non-public addresses need the installation's leave."
    )
    method: Annotated[Method, one_of(Method, any_case=True)] = Field(
        default=Method.POST, description="HTTP method."
    )
    headers: Scalars | None = Field(
        default=None, description="Headers; write ${secret:NAME} for credentials."
    )
    body: Body | None = Field(
        default=None, description="Text, or a mapping sent as JSON. Default: the period as JSON."
    )
    callback: bool = Field(
        default=False,
        description="2xx only means accepted; a JOB# record tells the end. Default: 2xx is success.",
    )


class CommandConfig(Section):
    """A command on the machine (local stack, or named commands that the installation allows)."""

    command: Argv = Field(description="Program and arguments as a list; no shell reads it.")


CONFIG_OF_TYPE: dict[JobType, type[Section]] = {
    JobType.GLUE: GlueConfig,
    JobType.EMR: EmrConfig,
    JobType.EMR_SERVERLESS: EmrServerlessConfig,
    JobType.STEP_FUNCTION: StepFunctionConfig,
    JobType.LAMBDA: LambdaConfig,
    JobType.DATABRICKS: DatabricksConfig,
    JobType.AIRFLOW: AirflowConfig,
    JobType.HTTP: HttpConfig,
    JobType.COMMAND: CommandConfig,
}


def disagreeing_keys(job_type: JobType, config: dict[str, Any]) -> Iterator[tuple[YamlPath, str]]:
    """Keys of one type that exclude or need each other."""
    if job_type is JobType.EMR:
        yield from _exactly_one(config, "jar", "command")
        if "args" in config and "jar" not in config:
            yield ("args",), "belongs to jar; add jar, or put the arguments into command"
    if job_type is JobType.DATABRICKS:
        yield from _exactly_one(config, "jobId", "tasks")
        if "tasks" in config and "parameters" in config:
            # https://docs.databricks.com/api/workspace/jobs/submit
            yield ("parameters",), "belongs to jobId; put the parameters of a one-time run into its tasks"
    auth = config.get("auth")
    if job_type is JobType.AIRFLOW and isinstance(auth, dict):
        needed = {"basic": ("username", "password"), "jwt": ("username", "password"), "bearer": ("token",)}
        kind = auth.get("type")
        for key in needed.get(kind, ()) if isinstance(kind, str) else ():
            if key not in auth:
                yield ("auth", key), f"is required for {kind}; add it"
        if kind == "jwt" and config.get("apiVersion") == "v1":
            yield (
                ("auth", "type"),
                "jwt is for Airflow 3; with apiVersion v1 use basic or bearer",
            )


def _exactly_one(config: dict[str, Any], one: str, other: str) -> Iterator[tuple[YamlPath, str]]:
    if one in config and other in config:
        yield (other,), f"excludes {one}; keep one of the two"
    if one not in config and other not in config:
        yield (one,), f"is required unless there is {other}; add one of the two"


def bad_placeholders(value: Any, path: YamlPath = ()) -> Iterator[tuple[YamlPath, str]]:
    """Every `${...}` below `value` that nothing would expand."""
    match value:
        case str():
            yield from ((path, message) for message in dict.fromkeys(_bad_in_text(value)))
        case list():
            for index, item in enumerate(value):
                yield from bad_placeholders(item, (*path, index))
        case dict():
            for key, item in value.items():
                if "${" in key:
                    yield (
                        (*path, key),
                        "has a placeholder in the key, where none is expanded; move it to the value",
                    )
                yield from bad_placeholders(item, (*path, key))


def _bad_in_text(text: str) -> Iterator[str]:
    for piece in re.split(r"(?<!\$)\$\{", text)[1:]:  # `$${` is meant literally
        name, closed, _ = piece.partition("}")
        if not closed:
            yield 'has a "${" that is never closed; add "}"'
        elif not (name in PERIOD_WORDS or _SECRET.fullmatch(name) or _ENVIRONMENT.fullmatch(name)):
            meant = closest(name, PERIOD_WORDS)
            hint = f"did you mean ${{{meant}}}?" if meant else f"use one of {PLACEHOLDERS}"
            yield f"has the unknown placeholder {shown('${' + name + '}')}; {hint}"


def secrets_in_clear(value: Any, path: YamlPath = ()) -> Iterator[tuple[YamlPath, str]]:
    """Every text below `value` that looks like a secret written down."""
    match value:
        case list():
            for index, item in enumerate(value):
                yield from secrets_in_clear(item, (*path, index))
        case dict():
            for key, item in value.items():
                yield from secrets_in_clear(item, (*path, key))
        case str() if _is_secret(value, path):
            yield path, "is a secret in clear; put it into Secrets Manager and write ${secret:NAME}"


def _is_secret(text: str, path: YamlPath) -> bool:
    if "${secret:" in text or "${INTERLOCK_" in text:
        return False
    key = path[-1] if path else ""
    named = isinstance(key, str) and _SENSITIVE_KEY.search(key)
    return bool(named or _PASSWORD_IN_URL.search(text) or _SECRET_IN_QUERY.search(text))
