"""Did Interlock keep watching? The acts after the jobs: late data, an SLA, a schedule that is gone, and why a run waits.

Pure, as `demo_checks` is.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from interlock.domain.event import EventType
from interlock.domain.run import RunStatus
from interlock.local.demo_checks import START_WITHIN_SECONDS, Act
from interlock.local.demo_record import Claim, Record

# A one-shot schedule fires within its second, and a message takes a few hops; the machine may be busy.
ON_TIME_SECONDS = 5.0


def reran_for_late_data(record: Record, late_at: float, records: tuple[int, int]) -> Act:
    """`records`: what the job had processed before the late data came (epoch second), and what it had to afterwards."""
    job = record.jobs[2] if len(record.jobs) > 2 else None
    delay = job.started_at - late_at if job else None
    measured = "never rerun" if delay is None else f"{delay:.2f} s from write to the rerun's start"
    processed = [event.detail.get("recordsProcessed") for event in record.of_type(EventType.JOB_COMPLETED)]
    late = [event.message for event in record.of_type(EventType.LATE_DATA_ARRIVAL)]
    return Act(
        "Data changes after success: one rerun",
        f"LaGuardia corrected its flights. Attempt 3 processed {records[1]} flights instead of {records[0]}.",
        measured,
        (
            Claim("late data was told once, with the sensor", _one_naming("flights", late), f"{late}"),
            record.had(EventType.RERUN_ACCEPTED, [3]),
            Claim(
                f"the rerun started within {START_WITHIN_SECONDS:g} s of the correction",
                delay is not None and 0 <= delay <= START_WITHIN_SECONDS,
                measured,
            ),
            Claim(
                f"the job reported {records[0]}, then {records[1]} records",
                processed == list(records),
                f"{processed}",
            ),
            record.ended(RunStatus.SUCCEEDED, 3),
        ),
    )


def breached_on_time(
    record: Record,
    asked_at: float,
    warning_seconds: float,
    deadline_seconds: float,
    explanation: Sequence[str],
    missing: str,
) -> Act:
    """`asked_at`: the first reading (epoch second), from which the SLA counts. `missing`: the sensor that never came.

    `explanation`: what `interlock explain` said while the run waited.
    """
    warned, breached = (
        [event.at.timestamp() - asked_at for event in record.of_type(event_type)]
        for event_type in (EventType.RELATIVE_SLA_WARNING, EventType.RELATIVE_SLA_BREACH)
    )
    measured = f"breach told {breached[0]:.1f} s after the first reading" if breached else "never told"
    why = [event.message for event in record.of_type(EventType.RELATIVE_SLA_BREACH)]
    return Act(
        "An SLA is breached, and told on time",
        f"Warned at {warning_seconds:g} s, breached at {deadline_seconds:g} s; the alert says what was missing.",
        measured,
        (
            _on_time("the warning", warned, warning_seconds),
            _on_time("the breach", breached, deadline_seconds),
            Claim(f"the breach says that {missing} is missing", _one_naming(missing, why), f"{why}"),
            Claim(
                f"explain named {missing} while the run waited",
                any(missing in line for line in explanation),
                f"{list(explanation)}",
            ),
        ),
    )


def _on_time(what: str, told: Sequence[float], due: float) -> Claim:
    # A stream tells a write's time in whole seconds: the clock may begin one early.
    # https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_StreamRecord.html
    holds = len(told) == 1 and -1 <= told[0] - due <= ON_TIME_SECONDS
    return Claim(
        f"{what} was told once, within {ON_TIME_SECONDS:g} s of its time", holds, f"{told} of {due:g} s"
    )


def healed(record: Record, fire: datetime) -> Act:
    """`fire`: the instant at which a schedule should have fired that somebody had deleted."""
    started = record.jobs[0].started_at - fire.timestamp() if record.jobs else None
    measured = "never started" if started is None else f"started {started:.0f} s after its minute"
    return Act(
        "A schedule that is gone: the watchdog starts its run",
        "Somebody deleted it in EventBridge. The ledger of promises knew of the fire; its run was started and told.",
        measured,
        (
            record.had(EventType.RUN_OPENED, [1]),
            Claim(
                "the recovery was told once",
                len(record.of_type(EventType.TRIGGER_RECOVERED)) == 1,
                f"{len(record.of_type(EventType.TRIGGER_RECOVERED))} times",
            ),
            record.job_states("SUCCEEDED"),
            record.ended(RunStatus.SUCCEEDED, 1),
            Claim("it started after its minute, not before", started is not None and started > 0, measured),
        ),
    )


def _one_naming(part: str, texts: Sequence[str]) -> bool:
    return len(texts) == 1 and part in texts[0]
