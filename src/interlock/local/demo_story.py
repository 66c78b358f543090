"""The demo's story, act by act: what the world outside does, what it waits to see, and what the reader is told meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar

from botocore.exceptions import ClientError

from interlock.domain.event import Event, EventType
from interlock.domain.pipeline_codec import decode_pipeline
from interlock.domain.run import Run, RunStatus
from interlock.local.demo_checks import Crash, Look
from interlock.local.demo_flights import AIRPORTS
from interlock.local.demo_jobs import (
    ARRIVALS,
    DEPARTURES,
    DIGEST,
    WEATHER,
    flights_key,
    observations_key,
    result_key,
    weather_key,
)
from interlock.local.demo_material import (
    BACK_OFF_SECONDS,
    BLIZZARD,
    DAY_AFTER,
    EDITED,
    HOURS,
    LATE_FLIGHTS,
    PIPELINES,
    SLA_SECONDS,
    cut_in_mid_line,
    digest_firing_at,
    edited,
    flights_by_airport,
    weather_of,
    without_its_last,
)
from interlock.local.demo_report import cancellation_lines, digest_lines, pipeline_lines, weather_lines
from interlock.local.demo_stage import Stage
from interlock.local.demo_telling import Teller
from interlock.local.job_services import JobRun

# What Slack must hear in one thread each: what its first message names, and how many messages there are.
MESSAGES = {f"{DEPARTURES}, {BLIZZARD}": 4, f"{ARRIVALS}, {BLIZZARD}": 3, "Config refused": 1}

# A schedule may fire a minute late and is given half a minute more; the watchdog looks once a minute.
HEALED_WITHIN_SECONDS = 180
NOT_BEFORE_SECONDS = 20  # until the digest's minute: long enough for its config to be loaded

PATIENCE_SECONDS = 60  # for anything that takes a second or two; a busy machine is slower
BEAT_SECONDS = 1.0  # so that a reader can follow
AFTERMATH_SECONDS = 2.0  # in which a second start, event or message would come

Answer = TypeVar("Answer")


class StoryStopped(Exception):
    """Something that had to happen did not; says in which act, what was awaited and what was seen instead."""

    def __init__(self, message: str, logged: Sequence[str]) -> None:
        super().__init__(message)
        self.logged = logged  # the functions' last errors


@dataclass
class Facts:
    """What the world outside did, for the judgement."""

    looks: list[Look] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)  # of the blizzard's flights as they came in
    last_reading_at: dict[str, float] = field(default_factory=dict)  # date -> epoch second
    crash: Crash | None = None
    edit_uploaded_at: float = 0.0
    refused_at: float = 0.0  # when the events table told of it
    stored_before: str = ""  # the config in force before the edit
    asked_for_arrivals_at: float = 0.0
    corrected_at: float = 0.0  # when the flights of a day that was computed changed
    explanation: Sequence[str] = ()  # of the arrivals' run while it waited
    digest_fire: datetime = field(default_factory=lambda: datetime.now(UTC))  # set when its config is made


@dataclass
class Story:
    """Played once, from the first act to the last."""

    stage: Stage
    tell: Teller
    facts: Facts = field(default_factory=Facts)
    _act: str = "Before the first act"

    def play(self) -> Facts:
        self._load_configs()
        self._ask_for_arrivals()
        self._data_is_late()
        self._config_is_refused()
        self._start_is_crashed()
        self._last_reading_arrives()
        self._job_is_retried()
        self._data_changes_after_success()
        self._ordinary_day()
        self._results_are_there()
        self._sla_is_breached()
        self._arrivals_expire()
        self._missed_fire_is_healed()
        self._all_is_told()
        return self.facts

    # -- the acts

    def _load_configs(self) -> None:
        self.tell.say(f"Three pipelines are uploaded to {self.stage.config_folder}")
        for name, text in PIPELINES.items():
            self.stage.upload_config(f"{name}.yaml", text)
            self._until(partial(self.stage.config, name), f"the config of {name} in the control table")
        loaded = [self.stage.config(name) for name in PIPELINES]
        self.tell.say("Read, checked and loaded:")
        self.tell.detail(pipeline_lines(decode_pipeline(config.text) for config in loaded if config))
        self._lose_a_schedule()

    def _lose_a_schedule(self) -> None:
        fire = datetime.now(UTC) + timedelta(seconds=NOT_BEFORE_SECONDS + 60)
        self.facts.digest_fire = fire = fire.replace(second=0, microsecond=0)
        self.stage.upload_config(f"{DIGEST}.yaml", digest_firing_at(fire))
        # Its schedule is made after its config is stored, and CONFIG_LOADED is in neither's way.
        self._until(partial(self._deleted_schedule, DIGEST), f"the schedule of {DIGEST}")
        self.tell.say(
            f"A fourth, {DIGEST}, runs by the clock: at {fire:%H:%M} UTC. Somebody takes its schedule in EventBridge"
            " for an old one and deletes it: see the last act."
        )

    def _ask_for_arrivals(self) -> None:
        self.facts.asked_for_arrivals_at = self.stage.write_sensor(ARRIVALS, "weather", BLIZZARD, hours=HOURS)
        self.stage.write_sensor(ARRIVALS, "day-closed", BLIZZARD, status="closed")
        self.tell.say(f"{ARRIVALS} is asked for and has one minute. Its data will never come: see act 8.")

    def _data_is_late(self) -> None:
        self._begin("Act 1", "Data is late, the run waits and says why")
        self.tell.say(
            f"The airlines close 8 February: sensor day-closed. This write opens the run of {DEPARTURES}."
        )
        self.stage.write_sensor(DEPARTURES, "day-closed", BLIZZARD, status="closed")
        self._look("the run was opened", None)
        for airport in AIRPORTS:
            time.sleep(BEAT_SECONDS)
            came = self._deliver_flights(BLIZZARD, airport)
            self.facts.counts.append(came)
            self._look(f"{airport}'s flights came", came)

    def _config_is_refused(self) -> None:
        self._begin("Act 2", "A malformed config is refused, the others run on")
        stored = self.stage.config(DEPARTURES)
        self.facts.stored_before = stored.text if stored else ""
        self.tell.say(f"While the run waits, a colleague uploads {EDITED} with two slips of the pen.")
        self.facts.edit_uploaded_at = time.time()
        self.stage.upload_config(EDITED, edited())
        refusal = self._until(lambda: self._event(DEPARTURES, EventType.CONFIG_INVALID), "CONFIG_INVALID")
        self.facts.refused_at = time.time()
        self.tell.say("Refused; the last good config stays in force, and the run goes on waiting:")
        self.tell.detail(str(mistake) for mistake in refusal.detail["mistakes"])
        self._until(partial(self._heard, "Config refused", 1), "Slack to hear of it")

    def _start_is_crashed(self) -> None:
        self._begin("Act 3", "A function is crashed in the middle of a start")
        self.stage.lake.put(observations_key(BLIZZARD), weather_of(BLIZZARD))
        self.stage.crash_next_start(self._crashed)
        self.tell.say(
            f"The observations are complete: {WEATHER} starts. Its function will not live to hear the answer."
        )
        self.stage.write_sensor(WEATHER, "observations", BLIZZARD, hours=HOURS)
        crash = self._until(lambda: self.facts.crash, f"a start of {WEATHER}'s job")
        self.tell.say(
            f"Glue has accepted {crash.job_run}; the orchestrator's process is killed before it hears of it."
        )
        known = self._until(
            lambda: self._event(WEATHER, EventType.JOB_TRIGGERED), f"{WEATHER} to know its job"
        )
        found = known.detail.get("jobId")
        self.tell.say(
            f"The state machine tries again. The step asks Glue before it starts anything: {found}."
        )
        self._until(lambda: self._in(WEATHER, BLIZZARD, RunStatus.SUCCEEDED), f"{WEATHER} to succeed")
        starts = len(self.stage.jobs(WEATHER))
        self.tell.say(f"{WEATHER} succeeded. Starts in Glue's own record: {starts}.")

    def _last_reading_arrives(self) -> None:
        self._begin("Act 4", "The last reading arrives, the job starts")
        time.sleep(BEAT_SECONDS)
        # The feed reports its hours before its upload is complete: it happens to the best.
        self.stage.lake.put(weather_key(BLIZZARD), cut_in_mid_line(weather_of(BLIZZARD)))
        self.tell.say("The weather comes at last: sensor weather = 72 hours. Now every rule holds.")
        at = self.stage.write_sensor(DEPARTURES, "weather", BLIZZARD, hours=HOURS)
        self.facts.last_reading_at[BLIZZARD] = at
        job = self._until(lambda: self._job(1), f"the job of {DEPARTURES} to start")
        self.tell.say(f"Glue has started {job.id}, {job.started_at - at:.2f} s after the PutItem.")

    def _job_is_retried(self) -> None:
        self._begin("Act 5", "The job fails once and is retried")
        first = self._until(lambda: self._ended(1), "the first attempt's end")
        self.tell.say(f"{first.id} {first.state}:")
        self.tell.detail([first.error or "without a reason"])
        self._deliver_weather(BLIZZARD)
        self.tell.say(f"Meanwhile the rest of the upload arrives. The back-off is {BACK_OFF_SECONDS:g} s.")
        second = self._until(lambda: self._job(2), "the second attempt")
        self.tell.say(f"Attempt 2: Glue has started {second.id}.")
        self._until(lambda: self._in(DEPARTURES, BLIZZARD, RunStatus.SUCCEEDED), f"{DEPARTURES} to succeed")
        self.tell.say(f"{DEPARTURES} of 8 February succeeded.")

    def _data_changes_after_success(self) -> None:
        self._begin("Act 6", "Data changes after success")
        self.tell.say(
            f"LaGuardia's feed of 8 February was not complete: {LATE_FLIGHTS} flights come late. The day was computed"
            " without them."
        )
        self.facts.corrected_at = time.time()
        self.facts.counts.append(self._deliver_flights(BLIZZARD, AIRPORTS[-1], whole=True))
        late = self._until(lambda: self._event(DEPARTURES, EventType.LATE_DATA_ARRIVAL), "LATE_DATA_ARRIVAL")
        self.tell.detail([late.message])
        third = self._until(lambda: self._job(3), "the rerun")
        self.tell.say(f"One rerun, within its budget: Glue has started {third.id}.")
        self._until(
            lambda: (run := self._in(DEPARTURES, BLIZZARD, RunStatus.SUCCEEDED)) and run.attempt == 3,
            "the rerun to succeed",
        )
        self.tell.say(f"{DEPARTURES} of 8 February succeeded again, with all its flights.")

    def _ordinary_day(self) -> None:
        self._begin("Act 7", "An ordinary day")
        self.tell.say("9 February: all data is there in time.")
        for airport in AIRPORTS:
            self._deliver_flights(DAY_AFTER, airport)
        self._deliver_weather(DAY_AFTER)
        self.stage.write_sensor(DEPARTURES, "weather", DAY_AFTER, hours=HOURS)
        at = self.stage.write_sensor(DEPARTURES, "day-closed", DAY_AFTER, status="closed")
        self.facts.last_reading_at[DAY_AFTER] = at
        self._until(lambda: self._in(DEPARTURES, DAY_AFTER, RunStatus.SUCCEEDED), "9 February to succeed")
        self.tell.say(f"{DEPARTURES} of 9 February succeeded.")

    def _results_are_there(self) -> None:
        self.tell.heading("Meanwhile: what the jobs computed, read back from S3")
        days = {"8 February": BLIZZARD, "9 February": DAY_AFTER}
        lake = self.stage.lake
        departures = {day: lake.rows(result_key(DEPARTURES, date)) for day, date in days.items()}
        self.tell.text(cancellation_lines(departures), indent=2)
        self.tell.text(["", *weather_lines(lake.rows(result_key(WEATHER, BLIZZARD)))], indent=2)

    def _sla_is_breached(self) -> None:
        self._begin("Act 8", "An SLA, told on time")
        self.tell.say(f"interlock explain {ARRIVALS} {BLIZZARD}")
        self.facts.explanation = self.stage.explain(ARRIVALS, BLIZZARD)
        self.tell.detail(self.facts.explanation)
        due = self.facts.asked_for_arrivals_at + SLA_SECONDS
        if (left := due - time.time()) > 0:
            self.tell.say(f"{ARRIVALS} promised its day within {SLA_SECONDS:g} s; {left:.0f} s are left.")
            time.sleep(left)
        breach = self._until(
            lambda: self._event(ARRIVALS, EventType.RELATIVE_SLA_BREACH), "RELATIVE_SLA_BREACH"
        )
        late = breach.at.timestamp() - due
        self.tell.say(f"Breached, and told {max(late, 0):.1f} s after its time:")
        self.tell.detail([breach.message])

    def _arrivals_expire(self) -> None:
        self._begin("Act 9", "Data that never comes")
        run = self._until(lambda: self.stage.run(ARRIVALS, BLIZZARD), f"a run of {ARRIVALS}")
        while run.status is RunStatus.WAITING and (left := run.window_ends_at.timestamp() - time.time()) > 0:
            self.tell.say(f"{ARRIVALS} still waits; {left:.0f} s of its minute are left.")
            time.sleep(min(left + 0.1, 10))
            run = self.stage.run(ARRIVALS, BLIZZARD) or run
        self._until(lambda: self._in(ARRIVALS, BLIZZARD, RunStatus.EXPIRED), f"{ARRIVALS} to expire")
        told = self._until(
            lambda: self._event(ARRIVALS, EventType.VALIDATION_EXHAUSTED), "VALIDATION_EXHAUSTED"
        )
        self.tell.say("Expired:")
        self.tell.detail([told.message])

    def _missed_fire_is_healed(self) -> None:
        self._begin("Act 10", "A schedule that is gone")
        fire = self.facts.digest_fire
        self.tell.say(
            f"{DIGEST} should have started at {fire:%H:%M}:00 UTC, and nobody fired. The watchdog gives EventBridge a minute"
            " and a half, and looks once a minute."
        )
        date = fire.date().isoformat()
        recovered = self._until(
            lambda: self._event(DIGEST, EventType.TRIGGER_RECOVERED),
            "TRIGGER_RECOVERED",
            HEALED_WITHIN_SECONDS,
        )
        self.tell.detail([recovered.message])
        self._until(lambda: self._in(DIGEST, date, RunStatus.SUCCEEDED), f"{DIGEST} to succeed")
        self._until(partial(self._completed, DIGEST, date), f"JOB_COMPLETED of {DIGEST}")
        self.tell.say("Started by the watchdog, and its job has computed:")
        self.tell.detail(digest_lines(self.stage.lake.rows(result_key(DIGEST, date))))

    def _all_is_told(self) -> None:
        """Events and messages come a moment after the moves they tell of; one too many would, too."""
        for pipeline, date in ((DEPARTURES, BLIZZARD), (DEPARTURES, DAY_AFTER), (WEATHER, BLIZZARD)):
            self._until(partial(self._completed, pipeline, date), f"JOB_COMPLETED of {pipeline}, {date}")
        for about, messages in MESSAGES.items():
            self._until(partial(self._heard, about, messages), f"{messages} messages in Slack on {about!r}")
        time.sleep(AFTERMATH_SECONDS)

    # -- what the world outside does

    def _deleted_schedule(self, pipeline: str) -> bool:
        try:
            self.stage.delete_schedule(pipeline)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            return False  # not made yet
        return True

    def _deliver_flights(self, date: str, airport: str, *, whole: bool = False) -> int:
        """One airport's part of the feed; how many flights are there now. The blizzard's last part is not whole at first."""
        parts = dict(flights_by_airport(date))
        if (date, airport) == (BLIZZARD, AIRPORTS[-1]) and not whole:
            parts[airport] = without_its_last(parts[airport], LATE_FLIGHTS)
        self.stage.lake.put(flights_key(date, airport), parts[airport])
        came = sum(parts[name].count("\n") - 1 for name in AIRPORTS[: AIRPORTS.index(airport) + 1])
        self.stage.write_sensor(DEPARTURES, "flights", date, count=came)
        return came

    def _deliver_weather(self, date: str) -> None:
        self.stage.lake.put(weather_key(date), weather_of(date))

    def _crashed(self, processes: int) -> None:
        """Called in the middle of the start: Glue has the job, and the function that wanted its answer is dead."""
        self.facts.crash = Crash(processes, time.time(), self.stage.jobs(WEATHER)[-1].id)

    # -- what it waits to see

    def _look(self, after: str, count: int | None) -> None:
        """Wait until the row tells of this count of flights, and show why the run waits."""

        def told() -> Run | None:
            run = self.stage.run(DEPARTURES, BLIZZARD)
            seen = [verdict.seen for verdict in run.verdicts if verdict.key == "flights"] if run else []
            return run if seen == [count] else None

        run = self._until(told, f"the run's row to tell of {count} flights")
        self.facts.looks.append(Look(after, run.status, run.verdicts))
        self.tell.say(f"{after[0].upper()}{after[1:]}. Why the run waits, as its row says:")
        self.tell.detail(
            f"[{'x' if verdict.holds else ' '}] {verdict.reason}, since {verdict.since:%H:%M:%S} UTC"
            for verdict in run.verdicts
        )

    def _event(self, pipeline: str, event_type: EventType) -> Event | None:
        return next((event for event in self.stage.events(pipeline) if event.type is event_type), None)

    def _completed(self, pipeline: str, date: str) -> bool:
        return any(
            event.type is EventType.JOB_COMPLETED and event.date == date
            for event in self.stage.events(pipeline)
        )

    def _heard(self, about: str, messages: int) -> bool:
        return any(len(thread) >= messages for thread in self.stage.threads(about))

    def _in(self, pipeline: str, date: str, status: RunStatus) -> Run | None:
        run = self.stage.run(pipeline, date)
        return run if run and run.status is status else None

    def _job(self, number: int) -> JobRun | None:
        runs = self.stage.jobs(DEPARTURES)
        return runs[number - 1] if len(runs) >= number else None

    def _ended(self, number: int) -> JobRun | None:
        job = self._job(number)
        return job if job and job.ended_at else None

    def _begin(self, act: str, title: str) -> None:
        self._act = act
        self.tell.heading(f"{act}: {title}")

    def _until(
        self, question: Callable[[], Answer | None], what: str, seconds: float = PATIENCE_SECONDS
    ) -> Answer:
        deadline = time.monotonic() + seconds
        while not (answer := question()):
            if time.monotonic() > deadline:
                waited = f"{self._act}: waited {seconds:g} s for {what}"
                stand = self.stage.summary([*PIPELINES, DIGEST])
                raise StoryStopped(f"{waited}; {stand}", self.stage.logged_errors())
            time.sleep(0.05)
        return answer
