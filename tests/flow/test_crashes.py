"""Whatever dies or comes twice on the way: one start for each attempt, and the run goes on."""

import json
from typing import Any

import pytest

from flow.relay import Relay
from flow.world import HEALTHY, QUICK, World
from interlock.aws import keys
from interlock.domain.run import RunStatus
from local.emulator_kit import eventually, make_machine
from triggers.loopback import Exchange, loopback

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("flow")]


def test_an_execution_whose_starter_dies_is_started_once(world: World, step_functions: Relay) -> None:
    emulator, killed = world.session.emulator, []
    machine = make_machine(emulator, {"StartAt": "Last", "States": {"Last": {"Type": "Succeed"}}})
    orchestrator = world.session.stack.function("orchestrator")
    step_functions.cut_next_start(lambda: killed.append(emulator.kill_function(orchestrator)))
    pipeline = world.declare({"type": "step-function", "config": {"stateMachineArn": machine}})

    world.open_ready(pipeline)

    run = world.reaches(pipeline, RunStatus.SUCCEEDED)
    assert killed[0] >= 1
    listed = emulator.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
    assert [each["executionArn"] for each in listed] == [run.remote_id]


def test_a_request_whose_sender_dies_is_not_sent_again_but_told(world: World) -> None:
    emulator, orchestrator = world.session.emulator, world.session.stack.function("orchestrator")

    def die(exchange: Exchange) -> None:
        emulator.kill_function(orchestrator)
        exchange.drop()

    with loopback(die) as server:
        pipeline = world.declare({"type": "http", "config": {"url": f"{server.url}/exports"}})
        world.open_ready(pipeline)
        run = world.reaches(pipeline, RunStatus.FAILED)

    assert len(server.received) == 1
    told = world.reads(pipeline, messages=2)  # that it failed, and that no attempt is left
    assert all("unknown outcome" in text and run.run_id in text for text in told)
    assert len(told) == 2


def test_a_start_whose_answer_is_lost_is_found_and_not_repeated(world: World) -> None:
    pipeline, cut = world.declare(QUICK), []
    world.session.glue.cut_next_start(lambda: cut.append(True))

    world.open_ready(pipeline)

    world.reaches(pipeline, RunStatus.SUCCEEDED)
    assert cut == [True]
    assert len(world.jobs(pipeline)) == 1


def test_a_router_that_dies_at_its_work_loses_nothing(world: World) -> None:
    pipeline = world.declare(QUICK)
    router, emulator = world.session.stack.function("stream_router"), world.session.emulator

    world.open_ready(pipeline)
    eventually(lambda: emulator.kill_function(router))

    world.reaches(pipeline, RunStatus.SUCCEEDED)
    assert len(world.jobs(pipeline)) == 1


def test_a_stream_that_is_delivered_twice_changes_nothing(world: World) -> None:
    pipeline = world.declare(QUICK)
    world.open_ready(pipeline)
    world.reaches(pipeline, RunStatus.SUCCEEDED)
    before = sorted(world.hears(pipeline, *HEALTHY))
    stored = world.session.invocations()["event_sink"]
    records = records_of(world, pipeline)

    again = world.session.emulator.client("lambda").invoke(
        FunctionName=world.session.stack.function("stream_router"), Payload=json.dumps({"Records": records})
    )

    assert json.load(again["Payload"]) == {"batchItemFailures": []}
    assert len(world.jobs(pipeline)) == 1
    # Everything is published again; that is stored once and heard by nobody.
    eventually(lambda: world.session.invocations()["event_sink"] >= stored + len(before))
    assert sorted(world.events(pipeline)) == before
    assert world.threads(pipeline) == []


def records_of(world: World, pipeline: str) -> list[dict[str, Any]]:
    """The control stream's records of one pipeline, as Lambda hands them to a function."""
    session = world.session
    table = session.emulator.client("dynamodb").describe_table(TableName=session.stack.table("control"))
    arn = table["Table"]["LatestStreamArn"]
    streams = session.emulator.client("dynamodbstreams")
    (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    iterator: str | None = streams.get_shard_iterator(
        StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    found: list[dict[str, Any]] = []
    while iterator:
        page = streams.get_records(ShardIterator=iterator)
        mine = [
            each
            for each in page["Records"]
            if each["dynamodb"]["Keys"]["PK"]["S"] == keys.partition(pipeline)
        ]
        found += [as_delivered(record, arn) for record in mine]
        iterator = page.get("NextShardIterator") if page["Records"] else None
    return found


def as_delivered(record: dict[str, Any], arn: str) -> dict[str, Any]:
    at = record["dynamodb"]["ApproximateCreationDateTime"].timestamp()
    body = record["dynamodb"] | {"ApproximateCreationDateTime": at}
    return record | {"dynamodb": body, "eventSourceARN": arn}
