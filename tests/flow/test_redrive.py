"""What was dead-lettered while something was broken comes back once it is mended, and happens once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from flow.world import DATE, QUICK, SECONDS, World
from interlock.cli.main import main
from interlock.domain.run import RunStatus
from interlock.local.job_services import JobFailed, JobRun, LocalJob
from interlock.local.session import Session, embedded_stack, zips_folder
from local.emulator_kit import eventually

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("redrive")]


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    """A stack of its own, for it is broken on purpose."""
    with embedded_stack({}) as session:
        give_up_soon(session)
        session.warm_up()
        yield session


@pytest.fixture
def world(session: Session) -> World:
    return World(session)


def give_up_soon(session: Session) -> None:
    """What takes hours with the real patience."""
    emulator, stack = session.emulator, session.stack
    lambdas = emulator.client("lambda")
    mappings = lambdas.list_event_source_mappings(FunctionName=stack.function("stream_router"))
    for mapping in mappings["EventSourceMappings"]:
        lambdas.update_event_source_mapping(UUID=mapping["UUID"], MaximumRetryAttempts=1)
    for name in stack.functions:
        if name != "alert_dispatcher":
            kept = lambdas.get_function_event_invoke_config(FunctionName=stack.function(name))
            lambdas.put_function_event_invoke_config(
                FunctionName=stack.function(name),
                MaximumRetryAttempts=0,
                DestinationConfig=kept["DestinationConfig"],
            )


@contextmanager
def one_receive(session: Session) -> Iterator[None]:
    """An alert is dead-lettered at once, not after twenty receives."""
    sqs, url = session.emulator.client("sqs"), session.stack.queue_url
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])
    right = answer["Attributes"]["RedrivePolicy"]
    hasty = json.dumps(json.loads(right) | {"maxReceiveCount": 1})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": hasty})
    try:
        yield
    finally:
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": right})


@contextmanager
def broken(session: Session, function: str, **variables: str) -> Iterator[None]:
    """The function with wrong environment variables, mended at the end."""
    lambdas, name = session.emulator.client("lambda"), session.stack.function(function)
    right = session.stack.environment_of(function)
    lambdas.update_function_configuration(FunctionName=name, Environment={"Variables": right | variables})
    try:
        yield
    finally:
        lambdas.update_function_configuration(FunctionName=name, Environment={"Variables": right})


class Person:
    """At a terminal."""

    def __init__(self, world: World, capsys: pytest.CaptureFixture[str]) -> None:
        emulator = world.session.emulator
        place = ["--endpoint-url", emulator.endpoint, "--region", emulator.region]
        self._where = ["--environment", world.session.stack.options.environment, *place]
        self._capsys = capsys

    def redrives(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        """The exit code, and what is told of each queue."""
        self._capsys.readouterr()
        code = main(["redrive", *arguments, "--json", *self._where])
        return code, json.loads(self._capsys.readouterr().out)["queues"]

    def sees(self, queue: str, about: str | None, count: int = 1) -> list[dict[str, Any]]:
        """The queue's letters about a pipeline, once there are so many."""

        def there() -> list[dict[str, Any]]:
            _, told = self.redrives(queue, "--dry-run")
            letters = [letter for letter in told[queue]["left"] if letter["pipeline"] == about]
            return letters if len(letters) >= count else []

        return eventually(there, SECONDS)


@pytest.fixture
def person(world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Person:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "local")
    return Person(world, capsys)


def test_nothing_waits_where_nothing_has_failed_yet(person: Person) -> None:
    code, told = person.redrives()

    assert (code, {queue: each["found"] for queue, each in told.items()}) == (
        0,
        dict.fromkeys(("stream-failures", "invocation-failures", "rule-failures", "alerts"), 0),
    )


def test_a_write_that_the_router_failed_at_opens_its_run_once_it_is_redriven(
    world: World, person: Person
) -> None:
    pipeline = world.declare(QUICK)
    with broken(world.session, "stream_router", CONTROL_TABLE="no-such-table"):
        world.open_ready(pipeline)
        batch = person.sees("stream-failures", pipeline)[0]
        while_broken = person.redrives("stream-failures")
        notifications = bodies_of(world, "stream-failures")

    back = person.redrives("stream-failures")
    world.reaches(pipeline, RunStatus.SUCCEEDED)
    # As after a crash between the router's answer and the deletion.
    put_again(world, "stream-failures", notifications)
    again = person.redrives("stream-failures")

    assert "SENSOR#" in batch["what"]
    assert batch["error"] == "RetryAttemptsExhausted"
    assert while_broken[0] == 1
    assert all(
        "ResourceNotFoundException" in one["why"] for one in while_broken[1]["stream-failures"]["left"]
    )
    assert (back[0], again[0]) == (0, 0)
    assert again[1]["stream-failures"]["wentBack"] == len(notifications) >= 1
    assert len(world.jobs(pipeline)) == 1
    assert world.events(pipeline).count("RUN_OPENED") == 1


def test_an_event_that_the_sink_failed_at_is_stored_once_it_is_redriven(world: World, person: Person) -> None:
    with broken(world.session, "event_sink", EVENTS_TABLE="no-such-table"):
        pipeline = world.declare(QUICK)
        (kept,) = person.sees("invocation-failures", pipeline)

    code, _ = person.redrives("invocation-failures")

    assert (kept["what"], code) == ("CONFIG_LOADED for event-sink", 0)
    assert "ResourceNotFoundException" in kept["error"]
    assert world.events(pipeline) == ["CONFIG_LOADED"]


def test_an_event_whose_target_was_gone_is_stored_once_it_is_redriven(world: World, person: Person) -> None:
    lambdas, stack = world.session.emulator.client("lambda"), world.session.stack
    lambdas.delete_function(FunctionName=stack.function("event_sink"))
    try:
        pipeline = world.declare(QUICK)
        (kept,) = person.sees("rule-failures", pipeline)
    finally:
        stack._create_function("event_sink", zips_folder(world.session.emulator) / "event_sink.zip")

    code, _ = person.redrives("rule-failures")

    assert (kept["what"], code) == ("CONFIG_LOADED for event-sink", 0)
    assert kept["error"].startswith("NO_RESOURCE: ")
    assert world.events(pipeline) == ["CONFIG_LOADED"]


def test_a_batch_that_could_not_be_listed_opens_its_run_once_it_is_redriven(
    world: World, person: Person
) -> None:
    pipeline, sqs = world.declare(QUICK), world.session.emulator.client("sqs")
    url = dead_letter_queue(world, "stream-failures")
    sqs.delete_queue(QueueUrl=url)
    try:
        with broken(world.session, "stream_router", CONTROL_TABLE="no-such-table"):
            world.open_ready(pipeline)
            kept = person.sees("rule-failures", pipeline)
    finally:
        sqs.create_queue(QueueName=url.rpartition("/")[2])

    code, told = person.redrives("rule-failures")
    world.reaches(pipeline, RunStatus.SUCCEEDED)

    assert (code, told["rule-failures"]["wentBack"] >= 1) == (0, True)
    assert {one["error"] for one in kept} == {"RetryAttemptsExhausted"}
    assert len(world.jobs(pipeline)) == 1


def fails(_: object, run: JobRun) -> None:
    raise JobFailed(f"{run.id} found no orders")


def test_alerts_that_slack_did_not_take_reach_their_thread_once(world: World, person: Person) -> None:
    pipeline = world.declare(LocalJob(fails), maxRetries=0)
    slack_is_down = broken(world.session, "alert_dispatcher", SLACK_API_URL="http://127.0.0.1:9/api")
    with slack_is_down, one_receive(world.session):
        world.open_ready(pipeline)
        kept = person.sees("alerts", pipeline, count=2)
    bodies = bodies_of(world, "alerts")

    code, _ = person.redrives("alerts")
    told = world.reads(pipeline, messages=2)
    # As after a crash between sending one and deleting it from the dead letters.
    put_again(world, "alerts", bodies)
    again = person.redrives("alerts")
    eventually(lambda: not alerts_under_way(world), SECONDS)

    assert (code, again[0]) == (0, 0)
    assert {one["what"] for one in kept} == {"JOB_FAILED", "RETRY_EXHAUSTED"}
    assert {(one["pipeline"], one["date"]) for one in kept} == {(pipeline, DATE)}
    assert len(bodies) == len(told) == 2
    assert world.reads(pipeline, messages=2) == told
    assert person.redrives("alerts")[1]["alerts"]["found"] == 0


def dead_letter_queue(world: World, queue: str) -> str:
    name = f"{world.session.stack.prefix}-{queue}-dead"
    return str(world.session.emulator.client("sqs").get_queue_url(QueueName=name)["QueueUrl"])


def bodies_of(world: World, queue: str) -> list[str]:
    """Of the letters that are there."""
    sqs, url = world.session.emulator.client("sqs"), dead_letter_queue(world, queue)
    taken = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)["Messages"]
    return [message["Body"] for message in taken]


def put_again(world: World, queue: str, bodies: list[str]) -> None:
    for body in bodies:
        world.session.emulator.client("sqs").send_message(
            QueueUrl=dead_letter_queue(world, queue), MessageBody=body
        )


def alerts_under_way(world: World) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    url = world.session.stack.queue_url
    answer = world.session.emulator.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)
    return sum(int(answer["Attributes"][name]) for name in names)
