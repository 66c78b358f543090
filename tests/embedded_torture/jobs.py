"""Where the worlds' jobs run, and which of them were really started: facts of the services, not of our functions."""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from embedded_torture.worlds import Corner
from interlock.aws import keys
from interlock.aws.dynamo_table import DynamoTable
from interlock.domain.run import RunKey
from interlock.local.job_services import JobFailed, JobRun, LocalJob
from interlock.local.session import AIRFLOW_LOGIN, DATABRICKS_TOKEN, Session
from local.emulator_kit import deploy, make_machine
from triggers.loopback import Exchange, Loopback, loopback

MARK = "rid=${RUN_ID};date=${DATE};attempt=${ATTEMPT};"  # in each job's arguments: whose start this is
_MARKED = re.compile(r"rid=([^;]+);date=([^;]+);attempt=(\d+);")
_HANGS_SECONDS = 900.0
PLAYED = ("glue", "emr", "emr-serverless", "databricks", "airflow")  # by a stand-in
# These tell a file when they begin and when they are over.
_SCRIPT = """
echo "$1 begun $(date +%s.%N)" >> "$2"
sleep "$3"
echo "$1 over $(date +%s.%N)" >> "$2"
exit "$4"
"""
_FAIL = {"Type": "Fail", "Error": "Told", "Cause": "to fail"}
_FUNCTION = """
    import time

    def tell(file, mark, what):
        with open(file, "a") as told:
            told.write(f"{mark} {what} {time.time()}\\n")

    def handler(event, context):
        tell(event["file"], event["mark"], "begun")
        time.sleep(event["seconds"])
        tell(event["file"], event["mark"], "over")
        return {"statusCode": event["status"]}
"""


@dataclass(frozen=True)
class Started:
    """One start that a service has really made."""

    run_id: str
    date: str
    attempt: int
    begun_at: float  # epoch seconds
    over_at: float | None  # None: it is alive

    def lived_with(self, other: Started) -> bool:
        mine, others = self.over_at or time.time(), other.over_at or time.time()
        return self.begun_at < others and other.begun_at < mine


@dataclass
class Jobs:
    """All job services of one session."""

    session: Session
    folder: Path
    http: Loopback
    function: str
    token: str
    password: str
    _machines: dict[str, str] = field(default_factory=dict)
    _http: defaultdict[str, list[Started]] = field(default_factory=lambda: defaultdict(list))
    _starts: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _corners: dict[str, Corner] = field(default_factory=dict)

    def config_of(self, corner: Corner) -> dict[str, Any]:
        """`job.config` of a pipeline, whose job is known to its service from now on."""
        self._corners[corner.id] = corner
        if corner.job_type in PLAYED:
            self.session.glue.jobs[_job_name(corner)] = LocalJob(self._played(corner))
        return _CONFIGS[corner.job_type](self, corner)

    def starts(self, corner: Corner) -> list[Started]:
        """In the order in which they began."""
        match corner.job_type:
            case "step-function":
                found = self._executions(self._machines[corner.id])
            case "lambda" | "command":
                found = _told(self._file(corner))
            case "http":
                with self._lock:
                    found = list(self._http[corner.id])
            case _:
                service = self.session.job_services[corner.job_type]
                found = [_of_stand_in(run) for run in service.runs(_job_name(corner))]
        return sorted(found, key=lambda start: start.begun_at)

    def machine(self, corner: Corner) -> str:
        """A state machine that does what each attempt's job is to do."""
        branches = [
            {"Condition": f"{{% $states.input.attempt = '{start}' %}}", "Next": f"Work{start}"}
            for start in range(1, len(corner.works))
        ]
        last = len(corner.works)
        states: dict[str, Any] = {"Which": {"Type": "Choice", "Choices": branches, "Default": f"Work{last}"}}
        for start, work in enumerate(corner.works, 1):
            seconds = _HANGS_SECONDS if work.ending == "hang" else max(1, round(work.seconds))
            states |= {
                f"Work{start}": {"Type": "Wait", "Seconds": seconds, "Next": f"End{start}"},
                f"End{start}": _FAIL if work.ending == "fail" else {"Type": "Succeed"},
            }
        first = "Which" if branches else f"Work{last}"
        if not branches:
            del states["Which"]
        self._machines[corner.id] = make_machine(self.session.emulator, {"StartAt": first, "States": states})
        return self._machines[corner.id]

    def _executions(self, machine: str) -> list[Started]:
        states = self.session.emulator.client("stepfunctions")
        found = []
        for listed in states.list_executions(stateMachineArn=machine)["executions"]:
            told = states.describe_execution(executionArn=listed["executionArn"])
            over_at = told["stopDate"].timestamp() if "stopDate" in told else None
            mark = json.loads(told["input"])["mark"]
            found.append(_marked(mark, told["startDate"].timestamp(), over_at))
        return found

    def _played(self, corner: Corner) -> Callable[[Mapping[str, Any], JobRun], None]:
        def work(_: Mapping[str, Any], run: JobRun) -> None:
            todo = corner.work(self._next_start(corner))
            run.sleep(_HANGS_SECONDS if todo.ending == "hang" else todo.seconds)
            if corner.calls_back and todo.ending != "hang":
                self._call_back(corner, _of_stand_in(run), "fail" if todo.ending == "fail" else "success")
            if todo.ending == "fail":
                raise JobFailed("failed, as it was told to")

        return work

    def answer(self, exchange: Exchange) -> None:
        """A request that starts an http job."""
        received = exchange.received
        corner = self._corners[received.path.rpartition("/")[2]]
        todo = corner.work(self._next_start(corner))
        begun = _marked(received.json["mark"], time.time(), None)
        with self._lock:
            self._http[corner.id].append(begun)
        if corner.calls_back:
            threading.Timer(todo.seconds, self._end_http, (corner, begun, todo.ending)).start()
            exchange.answer(202)
            return
        time.sleep(min(todo.seconds, 1.5))
        self._end_http(corner, begun, None)
        exchange.answer(400 if todo.ending == "fail" else 200)

    def _end_http(self, corner: Corner, begun: Started, ending: str | None) -> None:
        with self._lock:
            starts = self._http[corner.id]
            starts[starts.index(begun)] = Started(
                begun.run_id, begun.date, begun.attempt, begun.begun_at, time.time()
            )
        if ending is not None:
            self._call_back(corner, begun, "fail" if ending == "fail" else "success")

    def _call_back(self, corner: Corner, start: Started, event: str) -> None:
        """The job tells of its own end, as its last act."""
        key = RunKey(corner.id, "stream", start.date)
        partition, sort = keys.job_key(key, datetime.now(UTC), start.attempt)
        table = DynamoTable(self.session.emulator.client("dynamodb"), self.session.stack.table("joblog"))
        table.put({"PK": partition, "SK": sort, "event": event, "runId": start.run_id})

    def _next_start(self, corner: Corner) -> int:
        with self._lock:
            self._starts[corner.id] += 1
            return self._starts[corner.id]

    def _file(self, corner: Corner) -> Path:
        return self.folder / f"{corner.id}.starts"


def _job_name(corner: Corner) -> str:
    return corner.id if corner.job_type == "glue" else str(corner.number)


def _glue(_: Jobs, corner: Corner) -> dict[str, Any]:
    return {"jobName": corner.id, "arguments": {"--mark": MARK}}


def _emr(_: Jobs, corner: Corner) -> dict[str, Any]:
    return {"clusterId": str(corner.number), "command": ["spark-submit", "etl.py", MARK]}


def _emr_serverless(_: Jobs, corner: Corner) -> dict[str, Any]:
    return {
        "applicationId": str(corner.number),
        "executionRoleArn": "arn:aws:iam::000000000000:role/jobs",
        "jobDriver": {"sparkSubmit": {"entryPoint": "s3://jobs/etl.py", "entryPointArguments": [MARK]}},
    }


def _step_function(jobs: Jobs, corner: Corner) -> dict[str, Any]:
    return {"stateMachineArn": jobs.machine(corner), "input": {"mark": MARK, "attempt": "${ATTEMPT}"}}


def _lambda(jobs: Jobs, corner: Corner) -> dict[str, Any]:
    (work, *_), file = corner.works, str(jobs._file(corner))
    status = 500 if work.ending == "fail" else 200
    payload = {"mark": MARK, "file": file, "seconds": min(work.seconds, 2.0), "status": status}
    return {"functionName": jobs.function, "payload": payload}


def _http(jobs: Jobs, corner: Corner) -> dict[str, Any]:
    return {"url": f"{jobs.http.url}/{corner.id}", "callback": corner.calls_back, "body": {"mark": MARK}}


def _command(jobs: Jobs, corner: Corner) -> dict[str, Any]:
    (work, *_), file = corner.works, str(jobs._file(corner))
    seconds, code = str(min(work.seconds, 2.0)), "3" if work.ending == "fail" else "0"
    return {"command": ["/bin/sh", "-c", _SCRIPT, "job", MARK, file, seconds, code]}


def _databricks(jobs: Jobs, corner: Corner) -> dict[str, Any]:
    return {
        "workspaceUrl": jobs.session.job_services["databricks"].url,
        "token": f"${{secret:{jobs.token}}}",
        "jobId": corner.number,
        "parameters": {"mark": MARK},
    }


def _airflow(jobs: Jobs, corner: Corner) -> dict[str, Any]:
    return {
        "url": jobs.session.job_services["airflow"].url,
        "dagId": str(corner.number),
        "conf": {"mark": MARK},
        "auth": {"type": "jwt", "username": AIRFLOW_LOGIN[0], "password": f"${{secret:{jobs.password}}}"},
    }


_CONFIGS: Mapping[str, Callable[[Jobs, Corner], dict[str, Any]]] = {
    "glue": _glue,
    "emr": _emr,
    "emr-serverless": _emr_serverless,
    "step-function": _step_function,
    "lambda": _lambda,
    "http": _http,
    "command": _command,
    "databricks": _databricks,
    "airflow": _airflow,
}


def _marked(text: str, begun_at: float, over_at: float | None) -> Started:
    found = _MARKED.search(text)
    assert found is not None, text
    return Started(found[1], found[2], int(found[3]), begun_at, over_at)


def _of_stand_in(run: JobRun) -> Started:
    return _marked(str(run.arguments), run.started_at, run.ended_at)


def _told(file: Path) -> list[Started]:
    """A process that was killed tells of no end: it is over when its successor begins at the latest."""
    lines = file.read_text().splitlines() if file.exists() else []
    over = {line.split(" ")[0]: float(line.split(" ")[2]) for line in lines if " over " in line}
    begun = [line.split(" ") for line in lines if " begun " in line]
    return [_marked(mark, float(at), over.get(mark)) for mark, _, at in begun]


@contextmanager
def job_services(session: Session, folder: Path) -> Iterator[Jobs]:
    served: list[Jobs] = []
    with loopback(lambda exchange: served[0].answer(exchange)) as http:
        secrets = session.emulator.client("secretsmanager")
        for name, value in (("databricks", DATABRICKS_TOKEN), ("airflow", AIRFLOW_LOGIN[1])):
            secrets.create_secret(Name=f"torture/{name}", SecretString=value)
        function = deploy(session.emulator, _FUNCTION, Timeout=60)
        served.append(Jobs(session, folder, http, function, "torture/databricks", "torture/airflow"))
        yield served[0]
