"""What `interlock simulate --report` counts is what the same story costs on the embedded stack, call by call."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from flow.world import World
from interlock.domain.run import RunStatus
from interlock.local.job_services import JobFailed, JobRun, LocalJob
from interlock.local.session import Session, embedded_stack
from interlock.simulation.play import play
from interlock.simulation.scenario_yaml import read_scenario_file
from local.emulator_kit import eventually

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("flow-counts")]

SCENARIO = """
scenario: a run that waits, is woken, fails once and succeeds
start: 2026-03-01T08:00:00Z
configs:
  - pipeline: {id: counted, owner: tests}
    schedule:
      trigger: {key: upstream, check: equals, field: status, value: done}
      evaluation: {window: 10m, interval: 5m}
    validation: {rules: [{key: orders, check: gte, field: count, value: 1000}]}
    job: {type: glue, config: {jobName: counted}, maxRetries: 1, retryBackoff: 1s}
jobs:
  counted:
    - {outcome: fail, after: 3s}
    - {outcome: succeed, after: 3s}
timeline:
  - {at: "+1s", sensor: {pipeline: counted, key: upstream, data: {status: done, date: "2026-03-01"}}}
  - {at: "+5s", sensor: {pipeline: counted, key: orders, data: {count: 999, date: "2026-03-01"}}}
  - {at: "+9s", sensor: {pipeline: counted, key: orders, data: {count: 1000, date: "2026-03-01"}}}
until: "+50s"
expect: {count: {JOB_COMPLETED: 1}}
"""


@pytest.fixture
def quiet_stack() -> Iterator[Session]:
    """A stack of its own, whose watchdog does not tick into the count."""
    with embedded_stack({}) as session:
        session.emulator.client("events").disable_rule(Name=f"{session.stack.prefix}-tick")
        yield session


def in_the_simulator(folder: Path) -> tuple[Counter[str], Counter[str]]:
    path = folder / "counted.yaml"
    path.write_text(SCENARIO)
    cost = play(read_scenario_file(path)).cost
    return cost.calls, Counter({name.replace("-", "_"): count for name, count in cost.invocations.items()})


def on_the_stack(session: Session) -> tuple[Counter[str], Counter[str]]:
    attempts: list[JobRun] = []

    def fails_once(_: object, run: JobRun) -> None:
        attempts.append(run)
        run.sleep(3)  # a job that ends before AwaitJob looks is not put into the ledger
        if len(attempts) == 1:
            raise JobFailed("once")

    world = World(session)
    pipeline = world.declare(LocalJob(fails_once), maxRetries=1)
    session.warm_up()
    calls, invocations = settled(session)
    world.open(pipeline)
    settled(session)
    world.write(pipeline, "orders", count=999)
    settled(session)
    world.write(pipeline, "orders", count=1000)
    world.reaches(pipeline, RunStatus.SUCCEEDED)
    world.reads(pipeline, messages=2)
    calls_after, invocations_after = settled(session)
    return calls_after - calls, invocations_after - invocations


def settled(session: Session) -> tuple[Counter[str], Counter[str]]:
    """The counts, once nothing has been added to them for a while."""
    seen: list[object] = []

    def still() -> bool:
        seen.append((session.calls(), session.invocations()))
        return len(seen) > 4 and seen[-1] == seen[-5]

    eventually(lambda: time.sleep(0.3) or still(), 60)
    return session.calls(), session.invocations()


NOT_OF_AWS = frozenset({"slack.chat.postMessage"})
# The alert-dispatcher's container reads its token once a minute, whatever the number of runs.
ONCE_A_CONTAINER = frozenset({"secretsmanager.GetSecretValue"})
# A job's end is known twice, by its event and by the joblog's stream. Real functions learn of it at the same moment, and the
# slower one's conditional write is refused, which is a call too; the simulator's take turns.
RACES = {"dynamodb.UpdateItem": 2, "dynamodb.GetItem": 2, "stepfunctions.SendTaskSuccess": 2}


def test_the_simulator_counts_what_the_embedded_stack_calls(tmp_path: Path, quiet_stack: Session) -> None:
    calls, invocations = in_the_simulator(tmp_path)
    real_calls, real_invocations = on_the_stack(quiet_stack)

    counted = {name: count for name, count in calls.items() if name not in NOT_OF_AWS}
    real = {name: count for name, count in real_calls.items() if name not in ONCE_A_CONTAINER}
    assert set(real) == set(counted)
    off = {name: real[name] - counted[name] for name in counted if real[name] != counted[name]}
    assert {name: by for name, by in off.items() if abs(by) > RACES.get(name, 0)} == {}
    # How many records come in one batch is the stream's affair: here each is delivered as soon as it is written.
    batches, real_batches = invocations.pop("stream_router"), real_invocations.pop("stream_router")
    assert batches <= real_batches <= 2 * batches
    assert dict(+real_invocations) == dict(+invocations)
