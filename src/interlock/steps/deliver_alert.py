"""Tell people: an event that matters becomes a message in its run's thread, once if nothing crashes."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from interlock.domain.event import Event
from interlock.domain.message import alert_of, is_alert, thread_of
from interlock.ports import AlertChannel, AlertQueue, CallFailed, DeliveryError, EventStore, Lost
from interlock.steps.event_log import event_fields

log = logging.getLogger(__name__)

# Longer than a dispatcher may live (its time-out is 60 s), so that no living worker's claim lapses.
CLAIM = timedelta(seconds=90)
LONGEST_WAIT_SECONDS = 900
# Nothing helps until a person acts, so the message is left to the queue's dead-letter alarm. Each receive
# counts: a short wait makes it ring while the alert matters, yet leaves minutes to invite the bot.
PERMANENT_WAIT_SECONDS = 60


class ThreadTaken(Exception):
    """Another worker is sending a message of this thread: perhaps the first, to reply to, perhaps this very one."""


class MustWait(Exception):
    """Not tried: the channel asked for a pause, or an earlier alert of the same run is not delivered yet."""

    def __init__(self, why: str, seconds: int) -> None:
        super().__init__(f"{why}; {seconds} s")
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class QueuedEvent:
    """An event as the queue delivered it."""

    event: Event
    receipt: str
    receives: int  # how often it was received, from 1


def deliver_alert(event: Event, store: EventStore, channel: AlertChannel, now: datetime) -> None:
    """Send it unless it was. A crash between sending and marking sends it again: Slack cannot be asked.

    Raises `DeliveryError`, `ThreadTaken`, `CallFailed`.
    """
    if not is_alert(event):
        return
    thread, about = thread_of(event), event.pipeline_id
    known = store.thread(thread, about)
    if event.event_id in known.delivered:
        log.info("alert was delivered before", extra=event_fields(event))
        return
    alert, claimed_until = alert_of(event), now + CLAIM
    try:
        known = store.claim_thread(thread, about, now, claimed_until)
    except Lost:
        raise ThreadTaken(f"another worker writes in the thread {thread} of {about}") from None
    if event.event_id in known.delivered:  # just now, by whoever had it twice at once with us
        store.release_thread(thread, about, claimed_until)
        log.info("alert was delivered meanwhile", extra=event_fields(event))
        return
    try:
        reference = channel.send(alert, known.reference)
    except (DeliveryError, CallFailed):  # CallFailed: the channel's secret cannot be read
        with suppress(CallFailed):  # then the claim lapses by itself
            store.release_thread(thread, about, claimed_until)
        raise
    store.mark_delivered(thread, about, event.event_id, reference, now)
    log.info("alert delivered", extra=event_fields(event, opened_thread=known.reference is None))


class AlertDelivery:
    """The alerts of one batch, to be handed over in order of event time.

    A standard queue keeps no order beyond that: alerts of one run that come in different batches are shown as
    they come. Each message names its event's time.
    """

    def __init__(self, store: EventStore, channel: AlertChannel, queue: AlertQueue, now: datetime) -> None:
        self._store, self._channel, self._queue, self._now = store, channel, queue, now
        self._pause: int | None = None  # seconds that the channel asked everybody to wait
        self._held: dict[
            tuple[str | None, str], int
        ] = {}  # thread -> seconds until its earlier alert is tried again

    def deliver(self, queued: QueuedEvent) -> None:
        """Deliver it, or tell the queue when to bring it back and raise: it is dead-lettered in the end."""
        try:
            self._check_turn(queued.event)
            deliver_alert(queued.event, self._store, self._channel, self._now)
        except (DeliveryError, ThreadTaken, MustWait, CallFailed) as error:
            seconds = seconds_to_wait(error, queued.receives)
            log.warning(
                "alert not delivered", extra=event_fields(queued.event, reason=str(error), again_in=seconds)
            )
            self._remember(error, queued.event, seconds)
            self._queue.postpone(queued.receipt, seconds)
            raise

    def _check_turn(self, event: Event) -> None:
        if not is_alert(event):
            return
        if self._pause is not None:
            # Slack may disable an app that goes on posting: https://docs.slack.dev/apis/web-api/rate-limits
            raise MustWait("the channel asked for a pause", self._pause)
        held = self._held.get((event.pipeline_id, thread_of(event)))
        if held is not None:
            raise MustWait("an earlier alert of the same run waits", held)

    def _remember(self, error: Exception, event: Event, seconds: int) -> None:
        if isinstance(error, DeliveryError) and error.permanent:
            return  # it may be this message alone: the run's others need not share its end
        if isinstance(error, DeliveryError) and error.retry_after_seconds is not None:
            self._pause = seconds
        self._held[event.pipeline_id, thread_of(event)] = seconds


def seconds_to_wait(error: Exception, receives: int) -> int:
    """Until a message comes back: doubling from 2 s to 15 minutes, but never less than the channel asks for."""
    if isinstance(error, DeliveryError) and error.permanent:
        return PERMANENT_WAIT_SECONDS
    least = error.seconds if isinstance(error, MustWait) else 0
    if isinstance(error, DeliveryError):
        least = error.retry_after_seconds or 0
    # Growing even if the channel says "after 1 s" each time: in a burst of alerts each receive counts, and one that
    # came in vain too often would be dead-lettered although the channel works.
    return int(min(max(2 ** min(receives, 10), least), LONGEST_WAIT_SECONDS))
