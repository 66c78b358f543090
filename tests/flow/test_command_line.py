"""Commands that a person points at an environment, on the tables that the stack works on."""

import json
from datetime import timedelta

import pytest

from flow.world import DATE, ORDERS, QUICK, SECONDS, UPSTREAM, World
from interlock.aws import keys
from interlock.cli.main import main
from interlock.domain.run import RunKey, RunStatus
from local.emulator_kit import eventually, unique

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("flow")]


@pytest.fixture
def where(world: World, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "local")
    emulator = world.session.emulator
    place = ["--endpoint-url", emulator.endpoint, "--region", emulator.region]
    return ["--environment", world.session.stack.options.environment, *place]


def test_a_backfill_runs_each_date_once_and_the_same_command_finds_it_done(
    world: World, where: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline = world.declare(QUICK, rules=())
    command = ["backfill", pipeline, "--from", "2026-02-01", "--to", "2026-02-03", "--json", *where]

    assert (main(command), main(command)) == (0, 0)

    answers = capsys.readouterr().out.split("\n}\n")
    assert [json.loads(answer + "}")["counts"] for answer in answers[:2]] == [{"succeeded": 3}] * 2
    assert sorted(job.arguments["--par_day"] for job in world.jobs(pipeline)) == [
        "20260201",
        "20260202",
        "20260203",
    ]


def test_a_rerun_is_followed_to_its_end_and_a_second_one_is_refused(world: World, where: list[str]) -> None:
    pipeline = world.declare(QUICK, rules=())
    command = ["rerun", pipeline, "2026-02-01", "--wait", *where]

    assert (main(command), main(command)) == (0, 1)

    run = world.control.run(RunKey(pipeline, "stream", "2026-02-01"))
    assert run is not None
    assert (run.status, run.attempt) == ("SUCCEEDED", 1)


def test_a_dry_run_starts_nothing_and_is_compared_with_what_ran_outside(
    world: World, where: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline = unique("flow")
    config = {
        "pipeline": {"id": pipeline},
        "schedule": {"trigger": UPSTREAM},
        "validation": {"rules": [ORDERS]},
        "job": {"type": "glue"},
        "dryRun": True,
    }
    world.upload(f"{pipeline}.yaml", json.dumps(config))
    eventually(lambda: world.control.config(pipeline), SECONDS)
    world.open_ready(pipeline)
    ended = world.reaches(pipeline, RunStatus.SUCCEEDED)

    reported_at = ended.updated_at + timedelta(hours=1)
    partition, sort = keys.job_key(ended.key, reported_at, 1)
    world.put("joblog", {"PK": partition, "SK": sort, "event": "fail", "durationSeconds": 60})

    told = ["DRY_RUN_WOULD_TRIGGER", "DRY_RUN_COMPLETED", "DRY_RUN_WOULD_RETRY"]
    assert set(told) <= set(world.hears(pipeline, *told))
    assert main(["shadow-report", pipeline, "--from", DATE, "--to", DATE, "--json", *where]) == 0
    (compared,) = json.loads(capsys.readouterr().out)["dates"]
    assert (compared["verdict"], compared["outside"]["succeeded"]) == ("agreed", False)
    assert world.jobs(pipeline) == []
