"""An event becomes a message in its run's thread: once, in one thread, and never lost."""

from datetime import timedelta

import pytest

from aws.tables import a_memory_table
from event_builder import AT, an_event
from interlock.aws.event_store import DynamoEventStore
from interlock.domain.event import EventType
from interlock.ports import CallFailed, DeliveryError
from interlock.simulation.faults import FunctionCrashed
from interlock.steps.deliver_alert import (
    CLAIM,
    AlertDelivery,
    MustWait,
    QueuedEvent,
    ThreadTaken,
    deliver_alert,
    seconds_to_wait,
)

LATER = AT + CLAIM + timedelta(seconds=1)
BUSY = DeliveryError("Slack: 429", permanent=False, retry_after_seconds=30)
DOWN = DeliveryError("Slack: 500", permanent=False)
ARCHIVED = DeliveryError("Slack: is_archived", permanent=True)


class Channel:
    """Takes messages in order; raises what is laid out for the next ones."""

    def __init__(self, *failures):
        self.failures = list(failures)
        self.sent = []  # (event id, thread)

    def send(self, alert, thread):
        failure = self.failures.pop(0) if self.failures else None
        if isinstance(failure, (DeliveryError, CallFailed)):
            raise failure
        self.sent.append((alert.event_id, thread))
        if failure is not None:
            raise failure
        return thread or f"ts-{len(self.sent)}"

    @property
    def ids(self):
        return [event_id for event_id, _ in self.sent]


class Queue:
    def __init__(self):
        self.postponed = {}

    def postpone(self, receipt, seconds):
        self.postponed[receipt] = seconds


@pytest.fixture
def store():
    return DynamoEventStore(a_memory_table(), timedelta(days=90))


def failed(event_id, **changes):
    return an_event(EventType.JOB_FAILED, event_id=event_id, **changes)


def deliver_all(delivery, *events, receives=1):
    """The errors, by event id; None for what was delivered."""
    outcomes = {}
    for event in events:
        try:
            delivery.deliver(QueuedEvent(event, f"receipt-{event.event_id}", receives))
            outcomes[event.event_id] = None
        except Exception as error:  # noqa: BLE001  (each message fails on its own, as in the handler)
            outcomes[event.event_id] = type(error)
    return outcomes


# ---------------------------------------------------------------- one alert


def test_the_alerts_of_a_run_share_one_thread(store):
    channel = Channel()

    deliver_alert(failed("a"), store, channel, AT)
    deliver_alert(failed("b"), store, channel, AT)
    deliver_alert(failed("c", date="2026-03-03"), store, channel, AT)

    assert channel.sent == [("a", None), ("b", "ts-1"), ("c", None)]


def test_an_event_that_comes_twice_is_told_once(store):
    channel = Channel()

    deliver_alert(failed("a"), store, channel, AT)
    deliver_alert(failed("a"), store, channel, AT)

    assert channel.ids == ["a"]


def test_an_event_that_matters_to_nobody_is_not_told(store):
    channel = Channel()

    deliver_alert(an_event(EventType.JOB_TRIGGERED), store, channel, AT)

    assert channel.sent == []


def test_the_recovery_goes_into_the_thread_of_its_trouble(store):
    channel = Channel()

    deliver_alert(failed("a"), store, channel, AT)
    deliver_alert(
        an_event(EventType.JOB_COMPLETED, event_id="b", detail={"recovered": True}), store, channel, AT
    )

    assert channel.sent == [("a", None), ("b", "ts-1")]


def test_two_workers_never_open_two_threads(store):
    class Overtaken(Channel):
        """While its message is on its way, another worker takes up the next alert of the run."""

        def send(self, alert, thread):
            if alert.event_id == "a":
                with pytest.raises(ThreadTaken):
                    deliver_alert(failed("b"), store, self, AT)
            return super().send(alert, thread)

    channel = Overtaken()
    deliver_alert(failed("a"), store, channel, AT)
    deliver_alert(failed("b"), store, channel, AT)

    assert channel.sent == [("a", None), ("b", "ts-1")]


@pytest.mark.parametrize("opened", [False, True])
def test_an_alert_that_two_workers_have_at_once_is_sent_once(store, opened):
    class Twice(Channel):
        """While it is on its way, another worker is handed the same alert."""

        def send(self, alert, thread):
            if alert.event_id == "b" and not meanwhile:
                meanwhile.append(True)
                with pytest.raises(ThreadTaken):
                    deliver_alert(failed("b"), store, self, AT)
            return super().send(alert, thread)

    meanwhile, channel = [], Twice()
    if opened:
        deliver_alert(failed("a"), store, channel, AT)

    deliver_alert(failed("b"), store, channel, AT)
    deliver_alert(failed("b"), store, channel, AT)

    assert channel.ids.count("b") == 1


def test_who_claims_a_thread_just_after_the_same_alert_was_sent_sends_nothing(store):
    class Late(DynamoEventStore):
        """Between its look and its claim another worker does the same, and is through."""

        def claim_thread(self, *asked):
            if not others:
                others.append(True)
                deliver_alert(failed("a"), store, channel, AT)
            return store.claim_thread(*asked)

        thread, release_thread = store.thread, store.release_thread

    others, channel = [], Channel()

    deliver_alert(failed("a"), Late.__new__(Late), channel, AT)
    deliver_alert(failed("b"), store, channel, AT)

    assert channel.sent == [("a", None), ("b", "ts-1")]


def test_the_claim_of_a_worker_that_died_lapses(store):
    channel = Channel(FunctionCrashed("slack.chat.postMessage"))

    with pytest.raises(FunctionCrashed):
        deliver_alert(failed("a"), store, channel, AT)
    with pytest.raises(ThreadTaken):
        deliver_alert(failed("a"), store, channel, AT + CLAIM)
    deliver_alert(failed("a"), store, channel, LATER)

    assert channel.ids == ["a", "a"]  # sent, not marked: at least once


def test_an_opening_that_failed_leaves_the_thread_free(store):
    channel = Channel(DOWN)

    with pytest.raises(DeliveryError):
        deliver_alert(failed("a"), store, channel, AT)
    deliver_alert(failed("a"), store, channel, AT)

    assert channel.sent == [("a", None)]


def test_an_opening_without_a_secret_leaves_the_thread_free(store):
    channel = Channel(CallFailed("secretsmanager.GetSecretValue", "AccessDeniedException"))

    with pytest.raises(CallFailed):
        deliver_alert(failed("a"), store, channel, AT)
    deliver_alert(failed("a"), store, channel, AT)

    assert channel.sent == [("a", None)]


def test_a_thread_that_had_to_be_opened_anew_is_the_one_replied_in(store):
    class Gone(Channel):
        def send(self, alert, thread):
            return super().send(alert, None if thread == "ts-1" else thread)

    channel = Gone()
    for event_id in ("a", "b", "c"):
        deliver_alert(failed(event_id), store, channel, AT)

    assert channel.sent == [("a", None), ("b", None), ("c", "ts-2")]


def test_events_without_a_run_have_threads_of_their_own(store):
    channel = Channel()

    for event_id in ("a", "b"):
        event = an_event(
            EventType.CONFIG_INVALID, event_id=event_id, pipeline_id=None, schedule_id=None, date=None
        )
        deliver_alert(event, store, channel, AT)

    assert channel.sent == [("a", None), ("b", None)]


# ---------------------------------------------------------------- a batch of them


def test_what_is_not_delivered_comes_back_when_the_channel_says(store):
    queue = Queue()

    outcomes = deliver_all(AlertDelivery(store, Channel(BUSY), queue, AT), failed("a"))

    assert outcomes == {"a": DeliveryError}
    assert queue.postponed == {"receipt-a": 30}


def test_after_a_call_for_a_pause_nothing_more_of_the_batch_is_sent(store):
    channel, queue = Channel(BUSY), Queue()

    outcomes = deliver_all(
        AlertDelivery(store, channel, queue, AT), failed("a"), failed("b", pipeline_id="silver")
    )

    assert (outcomes["b"], channel.sent) == (MustWait, [])
    assert queue.postponed == {"receipt-a": 30, "receipt-b": 30}


def test_what_nobody_needs_to_be_told_is_not_held_up_by_a_pause(store):
    delivery = AlertDelivery(store, Channel(BUSY), Queue(), AT)

    outcomes = deliver_all(delivery, failed("a"), an_event(EventType.JOB_TRIGGERED, event_id="b"))

    assert outcomes["b"] is None


def test_a_later_alert_does_not_overtake_an_earlier_one_of_its_run(store):
    channel, queue = Channel(DOWN), Queue()

    outcomes = deliver_all(AlertDelivery(store, channel, queue, AT), failed("a"), failed("b"))

    assert (outcomes["b"], channel.sent) == (MustWait, [])


def test_other_runs_do_not_wait_for_one_that_fails(store):
    channel = Channel(DOWN)

    outcomes = deliver_all(
        AlertDelivery(store, channel, Queue(), AT), failed("a"), failed("b", pipeline_id="silver")
    )

    assert outcomes["b"] is None


def test_an_alert_that_will_never_be_taken_does_not_hold_up_its_run(store):
    channel, queue = Channel(ARCHIVED), Queue()

    outcomes = deliver_all(AlertDelivery(store, channel, queue, AT), failed("a"), failed("b"))

    assert outcomes == {"a": DeliveryError, "b": None}
    assert queue.postponed == {"receipt-a": 60}


def test_a_pause_ends_with_its_batch(store):
    channel = Channel(BUSY)
    deliver_all(AlertDelivery(store, channel, Queue(), AT), failed("a"))

    outcomes = deliver_all(AlertDelivery(store, channel, Queue(), LATER), failed("a"))

    assert outcomes == {"a": None}


def test_a_table_that_fails_is_a_reason_to_come_back_soon():
    class Throttled:
        def thread(self, *_):
            raise CallFailed("dynamodb.GetItem", "ThrottlingException")

    queue = Queue()
    outcomes = deliver_all(AlertDelivery(Throttled(), Channel(), queue, AT), failed("a"))

    assert outcomes == {"a": CallFailed}
    assert queue.postponed == {"receipt-a": 2}


@pytest.mark.parametrize(
    ("error", "receives", "seconds"),
    [
        (DOWN, 1, 2),
        (DOWN, 2, 4),
        (DOWN, 9, 512),
        pytest.param(DOWN, 10, 900, id="15 minutes at most"),
        pytest.param(DOWN, 10_000, 900, id="however often it came"),
        pytest.param(BUSY, 1, 30, id="the channel says how long"),
        pytest.param(BUSY, 5, 32, id="and was wrong about it often enough"),
        pytest.param(
            DeliveryError("", permanent=False, retry_after_seconds=86_400), 1, 900, id="a day is too long"
        ),
        pytest.param(ARCHIVED, 7, 60, id="permanent: on to the dead letters, at a pace people can follow"),
        (ThreadTaken(""), 1, 2),
        pytest.param(MustWait("", 30), 1, 30, id="as long as what it waits for"),
        pytest.param(MustWait("", 30), 6, 64, id="or longer"),
    ],
)
def test_the_wait_grows_with_each_receive_and_is_never_less_than_the_channel_asks_for(
    error, receives, seconds
):
    assert seconds_to_wait(error, receives) == seconds
