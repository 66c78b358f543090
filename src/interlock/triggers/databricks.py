"""Databricks jobs over the Jobs API 2.1. A start is repeatable by its `idempotency_token`: the run id of the attempt.

https://docs.databricks.com/api/workspace/jobs
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from interlock.domain.run import Outcome
from interlock.ports import JobRequest, JobTrigger, OnlyRepeatingTells, StartedJob, TriggerError
from interlock.triggers.databricks_states import outcome_of
from interlock.triggers.job_config import optional_mapping, required_text, scalar_text
from interlock.triggers.json_api import JsonAnswer, JsonApi, look_up_failed

if TYPE_CHECKING:
    from interlock.triggers.outside import Outside

_RUN_NOW, _SUBMIT = "/api/2.1/jobs/run-now", "/api/2.1/jobs/runs/submit"
_GET, _LIST, _CANCEL = "/api/2.1/jobs/runs/get", "/api/2.1/jobs/runs/list", "/api/2.1/jobs/runs/cancel"
# `error_code` counts before the status, which older endpoints leave at 400.
# https://docs.databricks.com/api/account/errors
_PASSING = frozenset(
    {
        # Rate limits are counted by the second. https://docs.databricks.com/aws/en/resources/limits
        "REQUEST_LIMIT_EXCEEDED",
        "RESOURCE_EXHAUSTED",
        # More runs were created within the hour than a workspace may. https://kb.databricks.com/jobs/job-rate-limit
        "INVALID_STATE",
        "ABORTED",  # two calls were in each other's way
        "TEMPORARILY_UNAVAILABLE",
        "DEADLINE_EXCEEDED",
    }
)
# A run that does not exist is INVALID_PARAMETER_VALUE to older endpoints: an id is all that they are given.
_NO_SUCH_RUN = frozenset({"RESOURCE_DOES_NOT_EXIST", "NOT_FOUND", "INVALID_PARAMETER_VALUE"})
# An invalid token is answered with 401, or with 403 as a missing right is; either may be mended while the job runs.
_CREDENTIALS_REFUSED = frozenset({401, 403})
# Of 20 runs each, the number that is listed unless another is asked for.
_PAGES = 10
# By how much our clock may be ahead of the service's.
_CLOCKS_DIFFER = timedelta(minutes=5)
_UNSURE = (
    "Databricks: whether an earlier try started one of the job's runs will be known from the same start made again, "
    "once the rules hold; a parameter with ${RUN_ID} would have told"
)
_TOO_MANY = (
    "Databricks: there are too many runs to look through for the one that an earlier try may have started"
)


class DatabricksTrigger(JobTrigger):
    """Config: `workspaceUrl`, `token`, and `jobId` with `parameters`, or `tasks`.

    A job is told its period by placeholders alone: run-now is not documented to take a parameter that the job does not
    define, so none is added to those that are written. A one-time run takes no parameters but those of its tasks.
    """

    asked_with = ("workspaceUrl", "token")

    def __init__(self, outside: Outside) -> None:
        self._http = outside.http

    def start(self, request: JobRequest) -> StartedJob:
        api = self._api(request.config)
        # A token that was seen before answers with the run that it started, also when that has ended; when that was
        # deleted, with an error. https://docs.databricks.com/api/workspace/jobs/runnow
        answer = api.call("POST", *_asked_for(request))
        if not answer.succeeded:
            raise _refusal(api, answer, may_have_worked=True)
        run_id = answer.body.get("run_id")
        if not isinstance(run_id, int):
            raise api.misunderstood("it accepted the start and named no run")
        return _started(run_id)

    def find(self, request: JobRequest) -> StartedJob | None:
        try:
            return self._found(self._api(request.config), request)
        except OnlyRepeatingTells:
            raise
        except TriggerError as error:
            raise look_up_failed(error) from None

    def status(self, handle: Mapping[str, Any]) -> Outcome | None:
        api = self._api(handle)
        answer = api.call("GET", f"{_GET}?{urlencode({'run_id': handle['runId']})}")
        if not answer.succeeded:
            raise _refusal(api, answer)
        return outcome_of(answer.body)

    def cancel(self, handle: Mapping[str, Any]) -> None:
        """The run ends a little later. For one that has ended this does nothing, and only such a run can be deleted."""
        # https://docs.databricks.com/api/workspace/jobs/cancelrun and deleterun
        api = self._api(handle)
        answer = api.call("POST", _CANCEL, {"run_id": int(handle["runId"])})
        if not answer.succeeded and _code(answer) not in _NO_SUCH_RUN:
            raise _refusal(api, answer)

    def _api(self, config: Mapping[str, Any]) -> JsonApi:
        token = required_text(config, "token")
        url = required_text(config, "workspaceUrl")
        if "?" in url or "#" in url:
            message = (
                "job.config.workspaceUrl must end with the host: https://<workspace>.cloud.databricks.com"
            )
            raise TriggerError(message, permanent=True)
        return JsonApi(self._http, "Databricks", url, {"Authorization": f"Bearer {token}"}, [token])

    def _found(self, api: JsonApi, request: JobRequest) -> StartedJob | None:
        """Nothing says how soon a run is listed. One that is missing here is at worst asked for again by its token."""
        unsure = False
        for run in self._runs(api, request):
            ours = _is_ours(run, request)
            if ours and isinstance(run.get("run_id"), int):
                return _started(run["run_id"])
            unsure = unsure or ours is None
        if unsure:
            raise OnlyRepeatingTells(_UNSURE)
        return None

    def _runs(self, api: JsonApi, request: JobRequest) -> Iterator[Mapping[str, Any]]:
        """What may be the run of the earlier try."""
        query = {"run_type": "SUBMIT_RUN"} if _is_submitted(request) else {"job_id": _job_id(request)}
        # In two parts: a run that waits in a queue may have no start time yet. The active ones first: a run that ends
        # meanwhile is in both rather than in neither.
        yield from self._pages(api, {**query, "active_only": "true"})
        since = {} if request.since is None else {"start_time_from": _earliest(request)}
        yield from self._pages(api, {**query, "completed_only": "true", **since})

    def _pages(self, api: JsonApi, query: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        # https://docs.databricks.com/api/workspace/jobs/listruns
        page: dict[str, Any] = {}
        for _ in range(_PAGES):
            answer = api.call("GET", f"{_LIST}?{urlencode({**query, **page})}")
            if not answer.succeeded:
                raise _refusal(api, answer)
            yield from _mappings(answer.body.get("runs"))
            if not answer.body.get("next_page_token"):
                return
            page = {"page_token": answer.body["next_page_token"]}
        raise OnlyRepeatingTells(_TOO_MANY)


def _asked_for(request: JobRequest) -> tuple[str, dict[str, Any]]:
    """Which call starts the job, and its body."""
    # A job or a workspace that is busy has the run wait in its queue, whatever the job's own setting. Without, the run
    # would be skipped, and by its token each start made again would be that skipped run.
    known = {"idempotency_token": request.run_id, "queue": {"enabled": True}}
    if _is_submitted(request):
        tasks = request.config["tasks"]
        if not isinstance(tasks, list) or not tasks:
            raise TriggerError("job.config.tasks must be a list of tasks", permanent=True)
        return _SUBMIT, {"run_name": request.run_id, "tasks": tasks, **known}
    parameters = _parameters(request)
    told = {"job_parameters": parameters} if parameters else {}
    return _RUN_NOW, {"job_id": _job_id(request), **told, **known}


def _is_submitted(request: JobRequest) -> bool:
    return request.config.get("tasks") is not None


def _job_id(request: JobRequest) -> int:
    try:
        return int(str(request.config.get("jobId")))
    except ValueError:
        raise TriggerError("job.config.jobId must be the number of a job", permanent=True) from None


def _parameters(request: JobRequest) -> dict[str, str]:
    """Job parameters are texts to Databricks."""
    return {
        name: scalar_text(value) for name, value in optional_mapping(request.config, "parameters").items()
    }


def _is_ours(run: Mapping[str, Any], request: JobRequest) -> bool | None:
    """None: the listing does not tell."""
    started_at = run.get("start_time")
    if request.since is not None and isinstance(started_at, int) and 0 < started_at < _earliest(request):
        return False
    if _is_submitted(request):
        return bool(run.get("run_name") == request.run_id)
    # A run of a job bears no name of ours, but it shows the parameters that it was started with.
    marks = {name: value for name, value in _parameters(request).items() if request.run_id in value}
    shown = _mappings(run.get("job_parameters"))
    if not marks or not shown:
        return None
    return any((parameter.get("name"), parameter.get("value")) in marks.items() for parameter in shown)


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _earliest(request: JobRequest) -> int:
    """In milliseconds, as Databricks counts."""
    assert request.since is not None, "asked where it is known"
    return int((request.since - _CLOCKS_DIFFER).timestamp() * 1000)


def _started(run_id: int) -> StartedJob:
    # As text: ids have 64 bits, more than a JSON number keeps in every hand that it passes through.
    return StartedJob({"runId": str(run_id)}, remote_id=str(run_id))


def _refusal(api: JsonApi, answer: JsonAnswer, *, may_have_worked: bool = False) -> TriggerError:
    # The credentials of a start are those that it was written with; those of a job that runs may be rotating just now.
    rotating = not may_have_worked and answer.status in _CREDENTIALS_REFUSED
    return api.refusal(answer, may_have_worked=may_have_worked, passes=rotating or _code(answer) in _PASSING)


def _code(answer: JsonAnswer) -> str:
    return str(answer.body.get("error_code"))
