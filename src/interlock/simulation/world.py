"""The whole control plane in memory on a hand-set clock: real functions, stores and adapters on a simulated AWS.

A hop takes no time; what happens at one instant happens in a fixed order (`invocations`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

from interlock.aws import alarm_event, execution_event, keys
from interlock.aws.control_table import DynamoControlTable
from interlock.aws.event_bus import event_from_detail
from interlock.aws.job_log import DynamoJobLog
from interlock.aws.table import Item, Key
from interlock.domain.job_record import JobRecord
from interlock.domain.message import is_alert
from interlock.domain.run import Outcome, RunKey
from interlock.pipeline_yaml import Checked
from interlock.simulation.alert_queue import SimulatedQueue
from interlock.simulation.asl import StateMachineWalker
from interlock.simulation.asl_definition import Machine
from interlock.simulation.asl_errors import ExecutionDoesNotExist, FunctionError
from interlock.simulation.asl_execution import ExecutionStatus, Step, Transition
from interlock.simulation.asl_parsing import parse_machine
from interlock.simulation.aws_clients import (
    BucketClient,
    EventsClient,
    OurFunctionsClient,
    SecretsClient,
    WorkflowClient,
)
from interlock.simulation.clock import VirtualClock
from interlock.simulation.cron_fires import SchedulerClient
from interlock.simulation.deliveries import Deliveries
from interlock.simulation.faults import FaultPlan
from interlock.simulation.history import History, Kind
from interlock.simulation.invocations import (
    DELIVERY,
    TICK,
    TIMELINE,
    TIMER,
    Accounts,
    FunctionFailed,
    Functions,
)
from interlock.simulation.job_services import Job, JobServices, end_of
from interlock.simulation.memory_rows import Rows
from interlock.simulation.memory_table import MemoryTable
from interlock.simulation.our_calls import OurCalls
from interlock.simulation.our_functions import (
    ALERT_DISPATCHER,
    CONFIG_SYNC,
    EVENT_SINK,
    ORCHESTRATOR,
    OWN_MACHINE,
    STREAM_ROUTER,
    WATCHDOG,
    Simulated,
    handlers,
)
from interlock.simulation.quiet_ticks import QuietTicks
from interlock.simulation.run_lines import run_line
from interlock.simulation.scenario import Channel, Fault, JobPlay
from interlock.simulation.table_streams import Record, TableStream
from interlock.simulation.tally import Tally
from interlock.simulation.waiting import answer_at
from interlock.simulation.watchdog_alarm import WatchdogAlarm
from interlock.simulation.witness import Execution, Rest, Witness

_STATE_MACHINE = Path(__file__).resolve().parents[3] / "statemachine" / "pipeline_run.asl.json"
_TICK = timedelta(minutes=1)
_BROKEN_OFF = {Step.FAILED: "FAILED", Step.TIMED_OUT: "TIMED_OUT", Step.ABORTED: "ABORTED"}


class World:
    """Everything that a scenario plays in."""

    def __init__(
        self,
        start: datetime,
        plays: Mapping[str, tuple[JobPlay, ...]],
        check: Callable[[bytes, str], Checked],
        faults: FaultPlan | None = None,
    ) -> None:
        """`check` reads a config file as `check_pipeline` does; `faults` are there before the scenario adds its own."""
        self.clock = VirtualClock(start)
        self.history = History(self.clock.now)
        self.witness = Witness(self.history)
        self.faults = faults or FaultPlan()
        self.deliveries = Deliveries(self.history)
        self.environment: dict[str, str] = {}
        self.watchdog_paused = False
        self._rows = {name: Rows(now=self.clock.now) for name in ("control", "joblog", "rerun", "events")}
        self.control_rows = self._rows["control"]
        calls = OurCalls(self.faults, self.history, partial(answer_at, self.clock))
        self.control = MemoryTable("control", calls, self._on_change, self.control_rows)
        self.joblog = MemoryTable("joblog", calls, self._on_change, self._rows["joblog"])
        self.rerun = MemoryTable("rerun", calls, self.witness.on_change, self._rows["rerun"])
        self.secrets = SecretsClient(calls)
        self.bucket = BucketClient(calls)
        self.scheduler = SchedulerClient(self.clock, self.history, calls, self.deliveries, self._fire)
        self.jobs = JobServices(self.clock, self.history, plays, self._report, self.witness.on_start)
        self._queue = SimulatedQueue(self.clock, calls, self.deliveries, self._to(ALERT_DISPATCHER))
        self.machine = StateMachineWalker(
            state_machine(),
            self.clock,
            self._invoke_task,
            self._on_transition,
            priority=DELIVERY,
            timer_priority=TIMER,
        )
        self._workflow = WorkflowClient(self.machine, calls)
        ours = dict(handlers(self._simulated(calls, check)))
        self._alarm = WatchdogAlarm(start, self._on_alarm)
        self._quiet = QuietTicks(self.control, self.control_rows, self.faults)
        ours[WATCHDOG] = self._alarm.hears(self._quiet.notes(ours[WATCHDOG]))
        self.functions = Functions(
            ours,
            self.clock,
            self.history,
            Accounts(Tally(), Tally()),
            self.witness.invocations.append,
            self.deliveries,
        )
        self._sent: list[tuple[str, Record]] = []
        deliver = self._to(STREAM_ROUTER)
        self._streams = {
            name: TableStream(name, self.clock, self.history, deliver, self.deliveries, self._sent)
            for name in ("control", "joblog")
        }

    def _simulated(self, calls: OurCalls, check: Callable[[bytes, str], Checked]) -> Simulated:
        return Simulated(
            clock=self.clock,
            history=self.history,
            calls=calls,
            control=self.control,
            joblog=self.joblog,
            rerun=self.rerun,
            events_table=MemoryTable("events", calls, self.witness.on_change, self._rows["events"]),
            workflow=self._workflow,
            events=EventsClient(calls, self._on_event),
            functions=OurFunctionsClient(calls, self._invoke_async),
            scheduler=self.scheduler,
            bucket=self.bucket,
            check=check,
            secrets=self.secrets,
            queue=self._queue,
            jobs=self.jobs,
            environment=self.environment,
            publish=self._on_job_event,
            call_back=self._report,
        )

    # -- life before the first instant, and after it

    def load(self, files: Mapping[str, bytes], calendars: Iterable[Item]) -> Tally:
        """Bring configs and calendars in; answers what that cost, which is no cost of the scenario."""
        for calendar in calendars:
            self.control.from_outside().put(calendar)
        for name, text in files.items():
            self.bucket.put(name, text)
        self.functions.invoke(CONFIG_SYNC, {})
        self.clock.run_until(self.clock.now())
        spent, self.functions.accounts = self.functions.accounts.scenario, Accounts(Tally(), Tally())
        return spent

    def begin(self) -> None:
        """From here on time passes: the watchdog ticks, cron schedules fire."""
        self.scheduler.begin()
        self.clock.at(self.clock.now() + _TICK, TICK, self._tick)

    def sync_configs(self) -> None:
        """A file in the bucket changed, and S3 says so."""
        for at in self.deliveries.instants(Channel.INVOCATION, None):
            self.functions.invoke_async(CONFIG_SYNC, {"Records": [{"eventSource": "aws:s3"}]}, at=at)

    def arm(self, fault: Fault) -> None:
        """From now on, and as long as it lasts."""
        armed = self.faults.arm(fault)
        if fault.lasts is not None:
            self.clock.at(self.clock.now() + fault.lasts, TIMELINE, lambda: self.faults.disarm(armed))

    def stop_execution(self, key: RunKey) -> bool:
        """Somebody stops it in the console; False when there is none to stop."""
        run = DynamoControlTable(self.control.from_outside()).run(key)
        with suppress(ExecutionDoesNotExist):  # it was not set going yet
            if (
                run is not None
                and self.machine.describe(run.execution_name).status is ExecutionStatus.RUNNING
            ):
                self.machine.stop(run.execution_name)
                return True
        return False

    def redeliver(self, last: int | None, *, reverse: bool) -> int:
        """The streams deliver their last records again; answers how many."""
        again = self._sent[:] if last is None else self._sent[-last:]
        for table, record in reversed(again) if reverse else again:
            self._streams[table].redeliver([record])
        self.history.faults["redelivery"] += len(again)
        return len(again)

    def rest(self) -> Rest:
        """Everything that is there now."""
        return Rest(
            at=self.clock.now(),
            tables={
                name: {key: row.item for key, row in rows.by_key.items()} for name, rows in self._rows.items()
            },
            executions=tuple(self._executions()),
            schedules=self.scheduler.definitions(),
            config_files=dict(self.bucket.files),
            on_their_way=sum(stream.waiting for stream in self._streams.values()) + self._queue.waiting,
            dead_letters=tuple(self.deliveries.dead_letters),
        )

    def _executions(self) -> Iterator[Execution]:
        pipelines = self._workflow.pipeline_of_execution
        tokens = self.machine.open_tokens()
        for one in self.machine.executions:
            state = one.entered[-1] if one.entered else ""
            yield Execution(one.name, one.status, pipelines.get(one.name), state, tokens.get(one.name))

    def _tick(self) -> None:
        self._alarm.minute_begins(self.clock.now())
        quiet = None if self.watchdog_paused else self._quiet.cost_of(self.clock.now())
        if quiet is not None:
            self.functions.accounts.background.add(quiet)
            self._alarm.heard(self.clock.now())
        elif not self.watchdog_paused:
            event = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}
            self.functions.invoke_async(WATCHDOG, event, may_be_idle=True)
        self.clock.at(self.clock.now() + _TICK, TICK, self._tick)

    # -- from one service to the next

    def _to(self, function: str) -> Any:
        return lambda event: self.functions.invoke(function, event)

    def _fire(self, target: str, text: str, at: datetime) -> None:
        self.functions.invoke_async(target, json.loads(text), at=at)

    def _invoke_async(self, function: str, payload: Mapping[str, Any], pipeline: str | None) -> None:
        may_be_idle = function in (CONFIG_SYNC, WATCHDOG)
        for at in self.deliveries.instants(Channel.INVOCATION, pipeline):
            self.functions.invoke_async(function, payload, at=at, may_be_idle=may_be_idle)

    def _invoke_task(self, function: str, payload: Any) -> Mapping[str, Any]:
        if payload.get("taskToken"):
            self._workflow.pipeline_of_token[payload["taskToken"]] = payload["run"]["pipelineId"]
        try:
            return self.functions.invoke(function, payload)
        except FunctionFailed as failure:
            raise FunctionError(failure.error_type, failure.message) from None

    def _on_transition(self, transition: Transition) -> None:
        error = f" ({transition.error})" if transition.error else ""
        text = f"{transition.execution} {transition.step} {transition.state}{error}"
        pipeline = self._workflow.pipeline_of_execution.get(transition.execution)
        self.history.add(Kind.STATE, text, pipeline)
        status = _BROKEN_OFF.get(transition.step)
        if status is not None:
            self._on_broken_off(transition.execution, status)

    def _on_broken_off(self, name: str, status: str) -> None:
        """An execution of ours that did not reach its end: a rule on the default bus lets its event through."""
        execution = self.machine.describe(name)
        detail = {"executionArn": execution.arn, "stateMachineArn": OWN_MACHINE, "name": name}
        self._on_job_event(
            execution_event.SOURCE,
            execution_event.DETAIL_TYPE,
            {**detail, "status": status, "input": execution.input},
        )

    def _on_change(self, table: str, key: Key, old: Item | None, new: Item | None) -> None:
        self.witness.on_change(table, key, old, new)
        self._streams[table].on_change(key, old, new)
        if table == "control" and key[1].startswith(keys.RowKind.RUN):
            told = run_line(old, new)
            if told is not None:
                self.history.add(Kind.RUN, told[0], keys.pipeline_of(key[0]), told[1])

    def _on_event(self, entry: Mapping[str, Any]) -> None:
        """The bus' rules: everything to the event sink, what people must know to the alert queue."""
        event = event_from_detail(entry["Detail"])
        self.history.publish(event)
        envelope = self._envelope(entry["Source"], entry["DetailType"], entry["Detail"])
        self._on_bus(envelope, event.pipeline_id, is_alert=is_alert(event))

    def _on_bus(self, envelope: Mapping[str, Any], pipeline: str | None, *, is_alert: bool) -> None:
        for at in self.deliveries.instants(Channel.BUS, pipeline):
            self.functions.invoke_async(EVENT_SINK, envelope, at=at)
        if not is_alert:
            return
        body = json.dumps(envelope)
        for at in self.deliveries.instants(Channel.BUS, pipeline):
            if at > self.clock.now():
                self.clock.at(at, DELIVERY, lambda: self._queue.send(body, pipeline))
            else:
                self._queue.send(body, pipeline)

    def _on_job_event(self, source: str, kind: str, detail: Mapping[str, Any]) -> None:
        if self.deliveries.is_lost(Channel.JOB_EVENT):
            self.history.add(Kind.LOST, f"the default bus loses {kind}")
            return
        self._on_default_bus(self._envelope(source, kind, detail), self._pipeline_told_of(detail))

    def _on_default_bus(self, envelope: Mapping[str, Any], pipeline: str | None) -> None:
        for at in self.deliveries.instants(Channel.JOB_EVENT, pipeline):
            self.functions.invoke_async(STREAM_ROUTER, envelope, at=at)

    def _pipeline_told_of(self, detail: Mapping[str, Any]) -> str | None:
        named = {value for value in detail.values() if isinstance(value, str)}
        of_jobs = (job.record.pipeline_id for job in reversed(self.jobs.jobs) if job.name in named)
        return next(of_jobs, self._workflow.pipeline_of_execution.get(str(detail.get("name"))))

    def _on_alarm(self, detail: Mapping[str, Any]) -> None:
        self.history.add(Kind.OUTSIDE, f"CloudWatch: {detail['alarmName']} goes off")
        envelope = self._envelope(alarm_event.SOURCE, alarm_event.DETAIL_TYPE, detail)
        self._on_default_bus(envelope, None)
        self._on_bus(envelope, None, is_alert=True)

    def _envelope(self, source: str, kind: str, detail: Mapping[str, Any]) -> dict[str, Any]:
        """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html"""
        return {
            "version": "0",
            "id": f"{len(self.history.lines)}",
            "detail-type": kind,
            "source": source,
            "account": "000000000000",
            "time": f"{self.clock.now():%Y-%m-%dT%H:%M:%SZ}",
            "region": "us-east-1",
            "resources": [],
            "detail": detail,
        }

    def _report(self, job: Job) -> None:
        """A job tells of its own end, or calls back: a `JOB#` record, as outsiders write it."""
        play, request = job.play, job.request
        outcome = Outcome(end_of(play), error=play.error, category=play.category, report=play.report)
        record = JobRecord(request.key, request.attempt, self.clock.now(), outcome, request.run_id)
        DynamoJobLog(self.joblog.from_outside()).put(record)


@cache
def state_machine() -> Machine:
    """The definition that is deployed, filled in as Terraform fills it in."""
    # Terraform fills in `${...}` alone; JSONata's `$name` stays.
    text = _STATE_MACHINE.read_text().replace("${orchestrator_arn}", ORCHESTRATOR)
    return parse_machine(json.loads(text))
