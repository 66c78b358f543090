"""Commands that a person points at an environment, on the tables that the stack works on."""

import json

import pytest

from flow.world import QUICK, World
from interlock.cli.main import main
from interlock.domain.run import RunKey

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
