"""`interlock local up` brings everything up, says how to use it, keeps to loopback, and leaves nothing when told to end."""

import json
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import boto3
import pytest

from interlock.cli.main import main
from interlock.local import emulator_patches
from local.emulator_kit import eventually
from local.processes import bound_addresses, is_alive, needs_proc, tree_of
from pipeline_text import PIPELINE

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("up")]

LOOPBACK = {"0100007F"}
PATIENCE = 60.0


@contextmanager
def started(tmp_path: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The command in a process of its own, all of whose files lie in `tmp_path`."""
    environment = {
        "PYTHONPATH": ":".join(filter(None, sys.path)),
        "TMPDIR": str(tmp_path),
        "PATH": "/usr/bin:/bin",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "interlock.cli.main", "local", "up", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def read_until(process: subprocess.Popen[str], last: str) -> list[str]:
    assert process.stdout is not None
    lines: list[str] = []
    while not lines or lines[-1] != last:
        line = process.stdout.readline()
        assert line, process.stderr.read() if process.stderr else ""
        lines.append(line.strip())
    return lines


def client(service: str, environment: dict[str, str]) -> Any:
    return boto3.client(
        service,
        environment["AWS_DEFAULT_REGION"],
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )


def options_of(line: str) -> dict[str, str]:
    """`--name value` pairs of a printed command."""
    words = shlex.split(line)[3:]
    return dict(zip(words[::2], words[1::2], strict=True))


@needs_proc
def test_the_lines_it_prints_start_the_sample_s_job_and_ctrl_c_ends_it_well(tmp_path: Path) -> None:
    jobs = tmp_path / "jobs.yaml"
    jobs.write_text("gold-revenue-etl: {seconds: 0.1}\n")
    files = tmp_path / "files"
    files.mkdir()
    with started(files, "--jobs", str(jobs)) as process:
        lines = read_until(process, "Slack:")
        tree = tree_of(process.pid)
        export = next(line for line in lines if line.startswith("export "))
        dynamodb = client("dynamodb", dict(pair.split("=", 1) for pair in shlex.split(export)[1:]))
        puts = [line for line in lines if line.startswith("aws dynamodb put-item") and "SENSOR#" in line]
        query = options_of(next(line for line in lines if line.startswith("aws dynamodb query")))

        for line in puts:
            put = options_of(line)
            dynamodb.put_item(TableName=put["--table-name"], Item=json.loads(put["--item"]))

        eventually(lambda: "JOB_COMPLETED" in event_types(dynamodb, query), PATIENCE)
        explained = printed_by(next(line for line in lines if line.startswith("interlock explain")), export)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)

    assert process.returncode == 0
    assert " succeeded at " in explained.splitlines()[0]
    assert not [pid for pid in tree if is_alive(pid)]
    assert list(files.iterdir()) == []


def printed_by(line: str, export: str) -> str:
    """What the command of a printed line prints, in a shell that did the `export` before it."""
    exported = dict(pair.split("=", 1) for pair in shlex.split(export)[1:])
    command = [sys.executable, "-m", "interlock.cli.main", *shlex.split(line)[1:]]
    environment = {"PYTHONPATH": ":".join(filter(None, sys.path)), "PATH": "/usr/bin:/bin"} | exported
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout


def event_types(dynamodb: Any, query: dict[str, str]) -> list[str]:
    answer = dynamodb.query(
        TableName=query["--table-name"],
        KeyConditionExpression=query["--key-condition-expression"],
        ExpressionAttributeValues=json.loads(query["--expression-attribute-values"]),
    )
    return [item["eventType"]["S"] for item in answer["Items"] if "eventType" in item]


@needs_proc
def test_as_json_it_names_every_place_and_listens_on_loopback_alone(tmp_path: Path) -> None:
    pipelines = tmp_path / "pipelines"
    (pipelines / "below").mkdir(parents=True)
    trigger = "schedule: {trigger: {key: up, check: exists}}\n"
    (pipelines / "good.yaml").write_text(PIPELINE + trigger + "job: {type: glue, config: {jobName: etl}}\n")
    (pipelines / "below" / "bad.yaml").write_text("pipeline: {id: bad}\njob: {type: gleu}\n")
    files = tmp_path / "files"
    files.mkdir()
    with started(files, "--json", "--pipelines", str(pipelines)) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        listening = {address for pid in tree_of(process.pid) for address in bound_addresses(pid)}
        tables = client("dynamodb", told["environment"]).list_tables()["TableNames"]
        process.terminate()
        rest, _ = process.communicate(timeout=PATIENCE)

    assert (told["pipelines"], told["refused"]) == (["gold-revenue"], ["below/bad.yaml"])
    assert set(told["tables"].values()) <= set(tables)
    assert "always-fails" in told["glueJobs"]
    assert set(told["jobServices"]) == {"glue", "emr", "emr-serverless", "databricks", "airflow"}
    assert listening == LOOPBACK
    assert process.returncode == 0
    assert rest == ""
    assert list(files.iterdir()) == []


def test_ctrl_c_while_it_starts_leaves_nothing_behind_either(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        eventually(lambda: list(tmp_path.glob("interlock-emulator-*/emulator.log")), PATIENCE)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)

    assert process.returncode == 130
    assert list(tmp_path.iterdir()) == []


def test_without_the_emulator_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(emulator_patches, "version", not_installed)

    assert main(["local", "up"]) == 2
    assert capsys.readouterr().err.endswith("pip install 'interlock[local]'\n")


def not_installed(name: str) -> str:
    raise PackageNotFoundError(name)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--pipelines", "nowhere"], "'nowhere' is no folder"),
        (["--pipelines", "empty"], "no *.yaml or *.yml below"),
        (["--jobs", "nowhere.yaml"], "nowhere.yaml:1: cannot be read"),
        (["--jobs", "jobs.yaml"], "jobs.yaml:1: etl.outcom: unknown key"),
    ],
)
def test_wrong_usage_is_one_line_and_starts_nothing(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "jobs.yaml").write_text("etl: {outcom: fail}\n")
    began = time.monotonic()

    code = main(["local", "up", *arguments])

    error = capsys.readouterr().err
    assert code == 2
    assert said in error
    assert error.count("\n") == 1
    assert time.monotonic() - began < 5
