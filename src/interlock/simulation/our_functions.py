"""Our functions on the simulated AWS, wired as `lambdas/` wires them on the real one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from interlock.aws.alert_queue import SqsAlertQueue
from interlock.aws.config_ledger import DynamoConfigLedger
from interlock.aws.config_source import S3Configs
from interlock.aws.control_table import DynamoControlTable
from interlock.aws.cron_schedules import SchedulerCron
from interlock.aws.deadline_schedules import SchedulerDeadlines
from interlock.aws.event_bus import EventBridgeBus
from interlock.aws.event_store import DynamoEventStore
from interlock.aws.functions import LambdaFunctions, LambdaSlaMonitor
from interlock.aws.job_log import DynamoJobLog
from interlock.aws.rerun_log import DynamoRerunLog
from interlock.aws.secrets import SecretsManager
from interlock.aws.state_machine import StepFunctionsMachine
from interlock.aws.watchdog_memory import DynamoWatchdogMemory
from interlock.functions.alert_dispatcher import DispatcherPorts, alert_dispatcher
from interlock.functions.config_sync import config_sync
from interlock.functions.event_sink import event_sink
from interlock.functions.orchestrator import orchestrator
from interlock.functions.sla_monitor import sla_monitor
from interlock.functions.stream_router import stream_router
from interlock.functions.watchdog import watchdog
from interlock.pipeline_yaml import Checked
from interlock.simulation.airflow_target import AirflowTarget
from interlock.simulation.alert_channel import SimulatedSlack
from interlock.simulation.alert_queue import SimulatedQueue
from interlock.simulation.aws_clients import (
    BucketClient,
    EventsClient,
    OurFunctionsClient,
    SecretsClient,
    WorkflowClient,
)
from interlock.simulation.clock import VirtualClock
from interlock.simulation.cron_fires import SchedulerClient
from interlock.simulation.databricks_target import DatabricksTarget
from interlock.simulation.emr_clients import EmrClient, EmrServerlessClient
from interlock.simulation.history import History
from interlock.simulation.invocations import Handler
from interlock.simulation.job_answers import Publish
from interlock.simulation.job_clients import GlueClient, LambdaClient, StatesClient
from interlock.simulation.job_insights import LogsClient
from interlock.simulation.job_services import JobServices, PlayedTriggers, Tell
from interlock.simulation.job_targets import HttpByJobType, HttpTargets, Machine
from interlock.simulation.memory_table import MemoryTable
from interlock.simulation.our_calls import OurCalls
from interlock.simulation.routine_table import RoutineTable
from interlock.simulation.waiting import InBackground
from interlock.steps.mirror_deadline import SlaMonitorPorts
from interlock.steps.route_change import RouterPorts
from interlock.steps.sync_configs import ConfigSyncPorts
from interlock.steps.task import OrchestratorPorts
from interlock.steps.watchdog_ports import WatchdogPorts
from interlock.triggers.allowed_commands import AllowedCommands
from interlock.triggers.http_calls import HttpCalls
from interlock.triggers.outside import Outside
from interlock.triggers.table import TriggerTable

# A function's name is its ARN here: nothing of ours takes one apart.
STREAM_ROUTER, ORCHESTRATOR, WATCHDOG = "stream-router", "orchestrator", "watchdog"
SLA_MONITOR = "sla-monitor"
CONFIG_SYNC, EVENT_SINK, ALERT_DISPATCHER = "config-sync", "event-sink", "alert-dispatcher"
OWN_MACHINE = "pipeline-run"
_EVENTS_KEPT = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Simulated:
    """The simulated AWS, and the world around it, as our functions reach them."""

    clock: VirtualClock
    history: History
    calls: OurCalls
    control: MemoryTable
    joblog: MemoryTable
    rerun: MemoryTable
    events_table: MemoryTable
    workflow: WorkflowClient
    events: EventsClient
    functions: OurFunctionsClient
    scheduler: SchedulerClient
    bucket: BucketClient
    check: Callable[[bytes, str], Checked]
    secrets: SecretsClient
    queue: SimulatedQueue
    jobs: JobServices
    environment: Mapping[str, str]
    publish: Publish  # on the default bus
    call_back: Tell


def handlers(aws: Simulated) -> Mapping[str, Handler]:
    """Each function by its name, as Lambda would call it: event and instant in, answer out."""
    router = _router_ports(aws)
    tasks = _orchestrator_ports(aws)
    ticks = _watchdog_ports(aws)
    deadlines = SlaMonitorPorts(
        DynamoControlTable(aws.control),
        SchedulerDeadlines(cast(Any, aws.scheduler), "simulated", "simulated", SLA_MONITOR),
    )
    syncs = _config_sync_ports(aws)
    store = DynamoEventStore(aws.events_table, _EVENTS_KEPT)
    alerts = DispatcherPorts(
        store, SimulatedSlack(aws.calls, aws.history), SqsAlertQueue(cast(Any, aws.queue), "alerts")
    )
    return {
        STREAM_ROUTER: lambda event, now: stream_router(event, router, now),
        ORCHESTRATOR: lambda event, now: orchestrator(event, tasks, now),
        SLA_MONITOR: lambda event, now: sla_monitor(event, deadlines, now),
        WATCHDOG: lambda event, now: watchdog(event, ticks, now),
        CONFIG_SYNC: lambda event, now: config_sync(event, syncs, now),
        EVENT_SINK: lambda event, _: event_sink(event, store),
        ALERT_DISPATCHER: lambda event, now: alert_dispatcher(event, alerts, now),
    }


def _watchdog_ports(aws: Simulated) -> WatchdogPorts:
    return WatchdogPorts(
        control=DynamoControlTable(aws.control),
        functions=LambdaFunctions(cast(Any, aws.functions), ORCHESTRATOR, CONFIG_SYNC, WATCHDOG),
        machine=StepFunctionsMachine(cast(Any, aws.workflow), OWN_MACHINE),
        memory=DynamoWatchdogMemory(cast(Any, RoutineTable(aws.control))),
        bus=EventBridgeBus(cast(Any, aws.events), "simulated"),
        store=DynamoEventStore(aws.events_table, _EVENTS_KEPT),
        seconds=lambda: aws.clock.now().timestamp(),
    )


def _router_ports(aws: Simulated) -> RouterPorts:
    return RouterPorts(
        control=DynamoControlTable(aws.control),
        joblog=DynamoJobLog(aws.joblog),
        reruns=DynamoRerunLog(aws.rerun),
        machine=StepFunctionsMachine(cast(Any, aws.workflow), OWN_MACHINE),
        bus=EventBridgeBus(cast(Any, aws.events), "simulated"),
        sla_monitor=LambdaSlaMonitor(cast(Any, aws.functions), SLA_MONITOR),
    )


def _orchestrator_ports(aws: Simulated) -> OrchestratorPorts:
    return OrchestratorPorts(
        control=DynamoControlTable(aws.control),
        joblog=DynamoJobLog(aws.joblog),
        machine=StepFunctionsMachine(cast(Any, aws.workflow), OWN_MACHINE),
        triggers=PlayedTriggers(TriggerTable(_outside(aws))),
        secrets=SecretsManager(
            cast(Any, aws.secrets), aws.environment, clock=lambda: aws.clock.now().timestamp()
        ),
    )


def _outside(aws: Simulated) -> Outside:
    def credentials() -> list[str]:
        """What the world knows us by just now: a value that was replaced opens no door any more."""
        return [*aws.secrets.values.values(), *aws.environment.values()]

    clients: Mapping[str, Callable[[], Any]] = {
        "emr": lambda: EmrClient(aws.jobs, aws.calls, aws.publish),
        "emr-serverless": lambda: EmrServerlessClient(aws.jobs, aws.calls, aws.publish),
        "glue": lambda: GlueClient(aws.jobs, aws.calls, aws.publish),
        "stepfunctions": lambda: StatesClient(aws.jobs, aws.calls, aws.publish),
        "logs": lambda: LogsClient(aws.jobs, aws.calls),
        "lambda": lambda: LambdaClient(aws.jobs, aws.calls, aws.call_back),
    }
    by_http: Mapping[str, HttpCalls] = {
        "http": HttpTargets(aws.jobs, aws.calls, aws.call_back),
        "airflow": AirflowTarget(aws.jobs, aws.calls, credentials),
        "databricks": DatabricksTarget(aws.jobs, aws.calls, credentials),
    }
    return Outside(
        clients=lambda service: clients[service](),
        http=HttpByJobType(by_http),
        processes=Machine(aws.jobs),
        in_background=InBackground(aws.clock),
        allowed_commands=AllowedCommands.listed("*"),
    )


def _config_sync_ports(aws: Simulated) -> ConfigSyncPorts:
    return ConfigSyncPorts(
        source=S3Configs(cast(Any, aws.bucket), "configs", ""),
        ledger=DynamoConfigLedger(aws.control),
        control=DynamoControlTable(aws.control),
        schedules=SchedulerCron(cast(Any, aws.scheduler), "simulated", "simulated", STREAM_ROUTER),
        check=aws.check,
    )
