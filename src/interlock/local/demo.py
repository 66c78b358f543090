"""`interlock local demo`: a blizzard closes New York's airports, and the control plane works through it on this machine.

A story in ten acts on the embedded stack, with real flights and weather, judged at its end by what really happened.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

from interlock.aws.dynamo_table import DynamoTable
from interlock.aws.job_log import DynamoJobLog
from interlock.domain.event import EventType
from interlock.local import demo_checks, demo_watch_checks
from interlock.local.demo_checks import Act, Refusal
from interlock.local.demo_flights import AIRPORTS
from interlock.local.demo_jobs import ARRIVALS, DEPARTURES, DIGEST, WEATHER, Lake, demo_jobs
from interlock.local.demo_material import (
    BACK_OFF_SECONDS,
    BLIZZARD,
    DAY_AFTER,
    EDITED,
    MISSING,
    MISSPELT,
    PIPELINES,
    SLA_SECONDS,
    SLA_WARNING_SECONDS,
)
from interlock.local.demo_record import Record
from interlock.local.demo_report import act_lines, broken_lines, slack_lines, transition_lines
from interlock.local.demo_stage import Stage
from interlock.local.demo_story import Facts, Story, StoryStopped
from interlock.local.demo_telling import Teller
from interlock.local.emulator import EmulatorDidNotStart
from interlock.local.session import Session, embedded_stack
from interlock.local.slack_endpoint import SlackMessage
from interlock.local.up import sigterm_as_interrupt

DATA_BUCKET = "nyc-flights"
OPENING = (
    "Interlock waits until a pipeline's data is there, starts its job exactly once, sees it through and tells Slack.",
    "",
    "8 February 2013, New York: a blizzard closes the airports. Real flights and weather, pipelines that wait for"
    " them, jobs that compute. No account, no Docker: AWS is emulated on 127.0.0.1; the functions, the state machine"
    " and the tables are the real ones; stand-ins for Glue and Slack keep a record of their own.",
)
NEXT = {
    "{interlock} local up": "this stack, for you to play with",
    "{interlock} simulate pipelines/scenarios": "hours of such trouble in milliseconds",
    "{interlock} validate pipelines": "every mistake of a file at once; samples to copy",
    "src/interlock/local/demo_pipelines": "the pipelines of this story",
    "README.md": "your first pipeline in five minutes",
}


def run_demo(out: TextIO) -> int:
    """0 only if every act happened as told."""
    tell = Teller(out)
    tell.text(OPENING)
    tell.heading("Setting up")
    tell.say("Starting an emulated AWS; building and deploying the functions as on a real account.")
    try:
        with sigterm_as_interrupt():
            acts = play(tell)
    except (StoryStopped, EmulatorDidNotStart) as stopped:
        tell.verdict(False, f"The demo did not get to its end. {stopped}")
        tell.text(stopped.logged if isinstance(stopped, StoryStopped) else [])
        return 1
    except KeyboardInterrupt:
        tell.text(["", "Stopped. Nothing is left behind."])
        raise
    return 1 if any(act.broken for act in acts) else 0


def play(tell: Teller) -> list[Act]:
    """The whole story on a stack of its own, judged and shown."""
    with embedded_stack({}) as session:
        played = play_on(session, tell)
        tell.say("The story is over: ending the emulated AWS and removing its files.")
    report(played, tell)
    tell.heading("Where to go next")
    # After `make demo` the command is in a folder that no PATH names.
    interlock = "interlock" if shutil.which("interlock") else ".venv/bin/interlock"
    tell.text((f"{where.format(interlock=interlock):50}{what}" for where, what in NEXT.items()), indent=2)
    return played.acts


@dataclass(frozen=True)
class Played:
    """What came of the story."""

    acts: list[Act]  # judged, in the order they were played
    records: Mapping[str, Record]  # of the runs
    threads: list[list[SlackMessage]]


def play_on(session: Session, tell: Teller) -> Played:
    """The story on this stack, whoever deployed it."""
    where = session.emulator.endpoint
    tell.say(f"{len(session.stack.functions)} functions deployed at {where}. Starting each once.")
    session.warm_up()
    stage = _furnished(session)
    acts, records = judge(stage, Story(stage, tell).play())
    return Played(acts, records, session.slack.threads())


def _furnished(session: Session) -> Stage:
    s3 = session.emulator.client("s3")
    s3.create_bucket(Bucket=DATA_BUCKET)
    lake = Lake(s3, DATA_BUCKET)
    joblog = DynamoTable(session.emulator.client("dynamodb"), session.stack.table("joblog"))
    session.glue.jobs.update(demo_jobs(lake, DynamoJobLog(joblog)))
    return Stage(session, lake)


def judge(stage: Stage, facts: Facts) -> tuple[list[Act], dict[str, Record]]:
    """The acts in the order they were played, and the records of the runs."""
    blizzard, day_after = stage.record(DEPARTURES, BLIZZARD), stage.record(DEPARTURES, DAY_AFTER)
    weather, arrivals = stage.record(WEATHER, BLIZZARD), stage.record(ARRIVALS, BLIZZARD)
    digest = stage.record(DIGEST, facts.digest_fire.date().isoformat())
    last, came = facts.last_reading_at, facts.counts
    acts = [
        demo_checks.data_was_late(blizzard, facts.looks, came[: len(AIRPORTS)], last[BLIZZARD]),
        demo_checks.refused(_refusal(stage, facts)),
        demo_checks.survived_crash(weather, facts.crash),
        demo_checks.started_promptly(blizzard, last[BLIZZARD]),
        demo_checks.failed_and_retried(blizzard, "breaks off", BACK_OFF_SECONDS, came[len(AIRPORTS) - 1]),
        demo_watch_checks.reran_for_late_data(blizzard, facts.corrected_at, (came[-2], came[-1])),
        demo_checks.went_unnoticed(day_after, last[DAY_AFTER]),
        demo_watch_checks.breached_on_time(
            arrivals,
            facts.asked_for_arrivals_at,
            SLA_WARNING_SECONDS,
            SLA_SECONDS,
            facts.explanation,
            "arrivals",
        ),
        demo_checks.expired(arrivals, MISSING, *stage.start_requests()),
        demo_watch_checks.healed(digest, facts.digest_fire),
    ]
    records = {
        f"{DEPARTURES} {BLIZZARD}": blizzard,
        f"{DEPARTURES} {DAY_AFTER}": day_after,
        f"{WEATHER} {BLIZZARD}": weather,
        f"{ARRIVALS} {BLIZZARD}": arrivals,
        f"{DIGEST} {facts.digest_fire.date()}": digest,
    }
    return acts, records


def _refusal(stage: Stage, facts: Facts) -> Refusal:
    stored = stage.config(DEPARTURES)
    return Refusal(
        file=EDITED,
        mistakes=MISSPELT,
        seconds=facts.refused_at - facts.edit_uploaded_at,
        events=[event for event in stage.events(DEPARTURES) if event.type is EventType.CONFIG_INVALID],
        threads=stage.threads("Config refused"),
        stored_as_before=stored is not None and stored.text == facts.stored_before,
        after={name: [event.at for event in stage.events(name)] for name in PIPELINES},
    )


def report(played: Played, tell: Teller) -> None:
    """Everything that is shown of the story after its last act."""
    tell.heading("Slack, as the person on call reads it")
    tell.text(slack_lines(played.threads))
    tell.heading("The state machine's transitions, from each execution's history")
    tell.text(transition_lines(played.records), indent=2)
    tell.heading("What happened")
    tell.text(act_lines(played.acts))
    broken = broken_lines(played.acts)
    tell.text(["", *broken] if broken else [])
    claims = sum(len(act.claims) for act in played.acts)
    held = f"{claims - len(broken)} of {claims} claims hold, by the run rows, the events table, Glue's own record and Slack"
    tell.verdict(not broken, f"{held}. {tell.elapsed:.0f} s.")
