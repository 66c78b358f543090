"""A month's bill: what days of typical pipelines take, what stands there whether anything runs or not, at AWS's list prices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import ceil

from costs.days import KINDS, LINE_BYTES, METRIC, Counts, Kind, day_of, empty_day, of_a_file, times, together
from costs.durations import Work, gb_seconds
from interlock.aws.run_item import RUN_KEPT
from interlock.simulation.prices import OTHERS, PRICES, Price

DAYS = Decimal(365) / 12  # of a month
GB = 1_000_000_000

# What the module makes with an alert channel and else its defaults: `tests/terraform/test_deploy_page.py` counts them.
ALARMS = 33
DASHBOARDS, SECRETS = 1, 1

# Lambda asks a queue that it is fed from by five long polls of 20 seconds, message or not.
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
POLLS_A_DAY = 5 * 3 * 24 * 60
REQUESTS_A_MESSAGE = 3  # sent, received, deleted

# Lambda's own lines of an invocation (START, END, REPORT), and the line of a metric: each tick and each event has one.
INVOCATION_LOG_BYTES = 350 + 3 * LINE_BYTES  # assumed
METRIC_LOG_BYTES = 230 + LINE_BYTES

# Days that things stay: `events_ttl_days`, `archive_retention_days`, `log_retention_days`; those of a run's
# row. Beside it the baseline, which stays as long, and what goes after 30 days; assumed.
EVENTS_DAYS, ARCHIVE_DAYS, LOG_DAYS, RUNS_DAYS = 90, 30, 30, RUN_KEPT.days
BASELINE_BYTES, SHORT_LIVED_BYTES, SHORT_LIVED_DAYS = 1_000, 3_000, 30

LIST_PAGE = 1000  # keys
LOOKS_A_DAY = 12 * 24

_PRICE: Mapping[str, Price] = {price.thing: price for price in (*PRICES, *OTHERS)}
SERVICES: Mapping[str, tuple[str, ...]] = {
    "Step Functions": ("transitions",),
    "Lambda": ("lambda_invocations", "gb_seconds"),
    "DynamoDB": ("dynamodb_read_units", "dynamodb_write_units", "table_gb", "recoverable_gb"),
    "EventBridge": ("events", "scheduled_invocations", "archived_gb", "archive_gb"),
    "CloudWatch": ("alarms", "dashboards", "metrics", "logged_gb", "log_gb"),
    "X-Ray": ("traces",),
    "SQS": ("sqs_requests",),
    "Secrets Manager": ("secrets", "secretsmanager.GetSecretValue"),
    "S3": ("s3.ListObjectsV2",),
}


@dataclass(frozen=True)
class Volume:
    """So many pipelines of each kind; and the part of invocations, beside the watchdog's, that start a container."""

    pipelines: Mapping[str, int]
    cold: Decimal

    @property
    def runs_a_day(self) -> int:
        return sum(self.pipelines[kind.name] * kind.runs for kind in KINDS)

    @property
    def files(self) -> int:
        return sum(self.pipelines.values())


# Of ten daily runs each finds a cold function; a function that is called some times a minute hardly ever starts.
VOLUMES = (
    Volume({"ready": 8, "waits": 1, "retried": 1, "hourly": 0}, cold=Decimal(1)),
    Volume({"ready": 32, "waits": 4, "retried": 4, "hourly": 40}, cold=Decimal("0.2")),
    Volume({"ready": 3200, "waits": 400, "retried": 400, "hourly": 4000}, cold=Decimal("0.01")),
)


def month_of(volume: Volume) -> Counts:
    """Everything that has a price, counted for a month."""
    day = together(
        empty_day(),
        *(times(day_of(kind), volume.pipelines[kind.name]) for kind in KINDS),
        times(of_a_file(), volume.files),
    )
    looks = {"s3.ListObjectsV2": Decimal(LOOKS_A_DAY * (ceil(volume.files / LIST_PAGE) - 1))}
    return _of_days(together(day, looks), volume) | _standing()


def _of_days(day: Counts, volume: Volume) -> dict[str, Decimal]:
    month = times(day, DAYS)
    invocations = {
        name.removeprefix("invocations of "): count
        for name, count in month.items()
        if name.startswith("invocations of ")
    }
    logged = (
        month.get("log bytes", Decimal(0))
        + month["lambda_invocations"] * INVOCATION_LOG_BYTES
        + (invocations["watchdog"] + month["events"]) * METRIC_LOG_BYTES
    )
    return {
        "transitions": month["transitions"],
        "lambda_invocations": month["lambda_invocations"],
        "gb_seconds": gb_seconds(
            Work(invocations, month["AWS calls"], month["calls that only looked"], volume.cold)
        ),
        "dynamodb_read_units": month["dynamodb_read_units"],
        # The simulator's table has no index by type, in which each event is written once more.
        "dynamodb_write_units": month["dynamodb_write_units"] + month["index write units"],
        "events": month["events"],
        # As if none were deleted before its time.
        "scheduled_invocations": month.get("scheduler.CreateSchedule", Decimal(0)),
        "logged_gb": logged / GB,
        "log_gb": logged / GB * LOG_DAYS / DAYS,
        "traces": month.get("stepfunctions.StartExecution", Decimal(0)),  # each, as if none were sampled away
        "sqs_requests": month["messages"] * REQUESTS_A_MESSAGE + POLLS_A_DAY * DAYS,
        "secretsmanager.GetSecretValue": invocations.get("alert-dispatcher", Decimal(0)),
        "s3.ListObjectsV2": month["s3.ListObjectsV2"],
        # The watchdog's is sent in every hour of the day.
        "metrics": Decimal(24 + sum(name.startswith(METRIC) and count > 0 for name, count in day.items()))
        / 24,
        **_stored(day, volume),
    }


def _stored(day: Counts, volume: Volume) -> dict[str, Decimal]:
    """On any day from when the first rows go; until then it is less."""
    events = day["event row bytes"] * EVENTS_DAYS
    others = (
        day["run row bytes"] * RUNS_DAYS
        + volume.runs_a_day * BASELINE_BYTES * RUNS_DAYS
        + volume.runs_a_day * SHORT_LIVED_BYTES * SHORT_LIVED_DAYS
    )
    return {
        "table_gb": (2 * events + others) / GB,  # the index by type holds every event again
        "recoverable_gb": (events + others) / GB,
        "archived_gb": day["archived bytes"] * DAYS / GB,
        "archive_gb": day["archived bytes"] * ARCHIVE_DAYS / GB,
    }


def _standing() -> dict[str, Decimal]:
    return {
        "alarms": Decimal(ALARMS),
        "dashboards": Decimal(DASHBOARDS),
        "secrets": Decimal(SECRETS),
    }


def dollars(month: Counts) -> Iterator[tuple[str, str, Decimal, Decimal]]:
    """Service, thing, count, dollars: of all that is counted."""
    for service, things in SERVICES.items():
        for thing in things:
            count = month[thing]
            yield service, thing, count, _PRICE[thing].of(count)


def by_service(month: Counts) -> dict[str, Decimal]:
    found = dict.fromkeys(SERVICES, Decimal(0))
    for service, _, _, amount in dollars(month):
        found[service] += amount
    return found


def a_thousand_runs(kind: Kind) -> Counts:
    """What pipelines of one kind take for so many runs, with what their pipelines stand there for in that time."""
    return times(day_of(kind), Decimal(1000) / kind.runs)
