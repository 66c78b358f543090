"""DAG runs of Apache Airflow, over its REST API. A start is repeatable by its `dag_run_id`: the run id of the attempt.

v2 is Airflow 3's, https://airflow.apache.org/docs/apache-airflow/stable/stable-rest-api-ref.html;
v1 is Airflow 2's, https://airflow.apache.org/docs/apache-airflow/2.11.0/stable-rest-api-ref.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from interlock.domain.plain_text import one_line
from interlock.domain.run import JobEnd, Outcome
from interlock.ports import JobRequest, JobTrigger, StartedJob, TriggerError
from interlock.triggers.airflow_access import airflow_api, refused
from interlock.triggers.job_config import optional_mapping, period, required_text
from interlock.triggers.json_api import JsonAnswer, JsonApi, look_up_failed

if TYPE_CHECKING:
    from interlock.triggers.outside import Outside

# `DagRunState`, the same in both APIs.
# https://airflow.apache.org/docs/apache-airflow/stable/_api/airflow/utils/state/index.html
_RUNNING = frozenset({"queued", "running"})
_ENDED = {"success": JobEnd.SUCCESS, "failed": JobEnd.FAIL}
_MOST_NAMED = 5  # of the tasks that failed


class AirflowTrigger(JobTrigger):
    """Config: `url`, `dagId`, `conf` (without one: the period), `apiVersion` (v2), `auth`."""

    asked_with = ("url", "apiVersion", "auth")

    def __init__(self, outside: Outside) -> None:
        self._http = outside.http

    def start(self, request: JobRequest) -> StartedJob:
        started = _started(request)
        api = airflow_api(self._http, request.config, starting=True)
        _refuse_paused(api, started.handle)
        answer = api.call("POST", f"{_dag(started.handle)}/dagRuns", _asked_for(request))
        if answer.status == 409:
            return self._existing(api, started, answer)
        if not answer.succeeded:
            raise refused(api, answer, starting=True)
        if answer.body.get("dag_run_id") != request.run_id:
            raise api.misunderstood("it accepted the start and named another DAG run, or none")
        return started

    def find(self, request: JobRequest) -> StartedJob | None:
        started = _started(request)
        try:
            return started if _is_there(airflow_api(self._http, request.config), started.handle) else None
        except TriggerError as error:
            raise look_up_failed(error) from None

    def status(self, handle: Mapping[str, Any]) -> Outcome | None:
        api = airflow_api(self._http, handle)
        answer = api.call("GET", _run(handle))
        if not answer.succeeded:
            raise _refusal(api, answer, handle)
        return _outcome(answer, api, handle)

    def cancel(self, handle: Mapping[str, Any]) -> None:
        """Marks the DAG run failed. Airflow then starts no other task, and ends those that run at their next heartbeat.

        What such a task has started itself ends with it from 3.3.1 on: https://github.com/apache/airflow/discussions/74298
        """
        api = airflow_api(self._http, handle)
        answer = api.call("GET", _run(handle))
        # One that has ended would become a failed one: Airflow writes over whatever state there is.
        if answer.succeeded and answer.body.get("state") not in _ENDED:
            answer = api.call("PATCH", _run(handle), {"state": "failed"})
        if not answer.succeeded and not _says_there_is_none(answer, handle):
            raise _refusal(api, answer, handle)

    def _existing(self, api: JsonApi, started: StartedJob, conflict: JsonAnswer) -> StartedJob:
        """409: a try before this one was heard. Or, to v1, another DAG run bears the same logical date, the present."""
        try:
            there = _is_there(api, started.handle)
        except TriggerError as error:
            raise look_up_failed(error) from None
        if not there:
            raise api.refusal(conflict, passes=True)
        return started


def _asked_for(request: JobRequest) -> dict[str, Any]:
    conf = period(request) if request.config.get("conf") is None else optional_mapping(request.config, "conf")
    asked = {"dag_run_id": request.run_id, "conf": conf}
    # v2 demands a logical date; null is none, and as often as one likes. v1 takes the present where it is missing.
    return asked if request.config.get("apiVersion") == "v1" else {**asked, "logical_date": None}


def _refuse_paused(api: JsonApi, handle: Mapping[str, Any]) -> None:
    """The run of a paused DAG would stay queued until somebody unpauses it, whatever the rules say by then."""
    try:
        answer = api.call("GET", _dag(handle))
        if not answer.succeeded:
            raise refused(api, answer, starting=True)
    except TriggerError as error:
        # Whatever became of this call, it has started nothing.
        raise TriggerError(str(error), permanent=error.permanent) from None
    if answer.body.get("is_paused") is True:
        dag = one_line(handle["dagId"], 100)
        raise TriggerError(
            f"Airflow: the DAG {dag} is paused; unpause it, and the run starts", permanent=False
        )


def _is_there(api: JsonApi, handle: Mapping[str, Any]) -> bool:
    answer = api.call("GET", _run(handle))
    if _says_there_is_none(answer, handle):
        return False
    if not answer.succeeded:
        raise _refusal(api, answer, handle)
    if answer.body.get("dag_run_id") != handle["dagRunId"]:
        raise api.misunderstood("asked for the DAG run, it told of another, or of none")
    return True


def _says_there_is_none(answer: JsonAnswer, handle: Mapping[str, Any]) -> bool:
    # Airflow's own 404 names the run. A proxy that has lost its Airflow, or another address, answers 404 as well, and may
    # quote the path.
    said = answer.body.get("detail")
    return answer.status == 404 and isinstance(said, str) and handle["dagRunId"] in said


def _refusal(api: JsonApi, answer: JsonAnswer, handle: Mapping[str, Any]) -> TriggerError:
    """Of a call about a DAG run that was started."""
    if answer.status == 404 and not _says_there_is_none(answer, handle):
        return api.refusal(answer, passes=True)
    return refused(api, answer)


def _outcome(answer: JsonAnswer, api: JsonApi, handle: Mapping[str, Any]) -> Outcome | None:
    """None while the DAG run goes on."""
    state = str(answer.body.get("state"))
    if state in _RUNNING:
        return None
    if state not in _ENDED:
        raise TriggerError(f"Airflow reports the state {state[:60]!r}, which nobody knows", permanent=True)
    if _ENDED[state] is JobEnd.SUCCESS:
        return Outcome(JobEnd.SUCCESS)
    return Outcome(JobEnd.FAIL, error=f"DAG run failed: {_why(api, handle)}")


def _why(api: JsonApi, handle: Mapping[str, Any]) -> str:
    """Which tasks failed; a DAG run knows no reason of its own."""
    try:
        answer = api.call("GET", f"{_run(handle)}/taskInstances?state=failed&limit={_MOST_NAMED}")
    except TriggerError:
        return "its tasks could not be asked for"
    tasks = answer.body.get("task_instances")
    found = [task for task in tasks if isinstance(task, Mapping)] if isinstance(tasks, list) else []
    names = ", ".join(dict.fromkeys(str(task.get("task_id")) for task in found))
    return one_line(f"task {names}", 500) if names else "no task of it says that it failed"


def _started(request: JobRequest) -> StartedJob:
    return StartedJob({"dagId": required_text(request.config, "dagId"), "dagRunId": request.run_id})


def _dag(handle: Mapping[str, Any]) -> str:
    try:
        return f"/dags/{quote(handle['dagId'], safe='')}"
    except UnicodeEncodeError:
        raise TriggerError("job.config.dagId holds something that cannot be sent", permanent=True) from None


def _run(handle: Mapping[str, Any]) -> str:
    return f"{_dag(handle)}/dagRuns/{quote(handle['dagRunId'], safe='')}"
