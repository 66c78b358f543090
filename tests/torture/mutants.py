"""Deliberate bugs, each a slip that could have been ours: the search of `mutation` must find every one of them.

One that it misses is a promise that nobody checks, or a world that is never made.
"""

from __future__ import annotations

from dataclasses import dataclass

_ASL = "statemachine/pipeline_run.asl.json"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One bug in one place."""

    name: str
    promise: str  # of the design's six, and what of it the bug breaks
    file: str
    old: str  # occurs once in the file
    new: str


SAFE, ONCE, SILENT = "never unsafe", "exactly one start", "never silent"
VAGUE, NEIGHBOUR, LOST = "never vague", "a bad neighbour", "nothing is lost"


def _ours(name: str, promise: str, file: str, old: str, new: str) -> Mutant:
    return Mutant(name, promise, f"src/interlock/{file}", old, new)


MUTANTS: tuple[Mutant, ...] = (
    # -- nothing starts before its rules hold
    _ours(
        "rules-not-read-again-at-start",
        f"{SAFE}: who was woken is ready, until its data is not",
        "steps/start_job.py",
        "            if not readiness.ready:\n                _back_to_waiting(run, readiness, ports, now)\n",
        "",
    ),
    _ours(
        "greater-taken-for-at-least",
        f"{SAFE}: a rule holds at its very bound",
        "domain/rule_check.py",
        "Check.GT: operator.gt,",
        "Check.GT: operator.ge,",
    ),
    _ours(
        "one-less-is-enough",
        f"{SAFE}: `atLeast` counts from 0",
        "domain/rule_check.py",
        "sum(held) >= count, count)",
        "sum(held) >= count - 1, count)",
    ),
    _ours(
        "fresh-from-the-future",
        f"{SAFE}: a forged clock proves freshness",
        "domain/rule_check.py",
        "    if age < -CLOCK_TOLERANCE:\n        return False\n",
        "",
    ),
    _ours(
        "another-dates-reading",
        f"{SAFE}: a reading of another date is seen",
        "domain/sensor.py",
        "        if reading_covers(reading.period, run_date):\n            return reading",
        "        if reading_covers(reading.period, run_date) or sensor_key == configured_key:\n            return reading",
    ),
    _ours(
        "upstream-of-any-end",
        f"{SAFE}: an upstream that failed is taken for one that has succeeded",
        "domain/upstream_outcome.py",
        "run.status is RunStatus.SUCCEEDED and (dry_run",
        "run.status in (RunStatus.SUCCEEDED, RunStatus.FAILED) and (dry_run",
    ),
    _ours(
        "excluded-date-opened-by-trigger",
        f"{SAFE}: exclusions hold for the cron alone",
        "steps/open_run.py",
        "    if reason is not None:\n        subject",
        '    if reason is not None and opened_by != "trigger":\n        subject',
    ),
    _ours(
        "opened-after-the-door-closed",
        f"{SAFE}: nothing starts by itself after the trigger's deadline",
        "steps/open_run.py",
        "now > deadline and not door_open:",
        "now > deadline + pipeline.schedule.evaluation.window and not door_open:",
    ),
    _ours(
        "one-slot-too-many",
        f"{SAFE}: a limit counts those that run, and not the one that comes",
        "domain/pool.py",
        "len(holders) < waiting[0].slots:",
        "len(holders) <= waiting[0].slots:",
    ),
    # -- exactly one start per attempt
    _ours(
        "open-without-looking",
        f"{ONCE}: a redelivered trigger replaces its run",
        "aws/control_table.py",
        'self._table.put(run_item(run), only_if=(absent("PK"),))',
        "self._table.put(run_item(run))",
    ),
    _ours(
        "move-under-a-start",
        f"{ONCE}: a run ends while its job is being started",
        "aws/control_table.py",
        'equals("version", before.version), _same_intent(before))',
        'equals("version", before.version))',
    ),
    _ours(
        "intent-after-the-call",
        f"{ONCE}: who dies after the call leaves no trace of it",
        "steps/start_job.py",
        "            run = ports.control.note(run, replace(run, intent=intent_of(run, pipeline, now)))\n"
        "            job = started_as(run, ports.triggers.of_type(pipeline.job.type).start(request), ports)",
        "            begun = ports.triggers.of_type(pipeline.job.type).start(request)\n"
        "            run = ports.control.note(run, replace(run, intent=intent_of(run, pipeline, now)))\n"
        "            job = started_as(run, begun, ports)",
    ),
    _ours(
        "earlier-start-not-looked-for",
        f"{ONCE}: the job of a try that died is started again",
        "steps/started_job.py",
        "found = ports.triggers.of_type(intent.job_type).find(request)",
        "found = ports.triggers.of_type(intent.job_type).find(request) if run.synchronous else None",
    ),
    _ours(
        "time-out-taken-for-refusal",
        f"{ONCE}: a start of unknown outcome is forgotten",
        "steps/start_job.py",
        "        intent = run.intent if error.unknown_outcome else None\n",
        "        intent = None\n",
    ),
    _ours(
        "unknown-outcome-repeated",
        f"{ONCE}: a start that nobody can ask about is made again",
        "domain/retry.py",
        "    if outcome.start_unknown:",
        "    if outcome.start_unknown and spent >= budget:",
    ),
    _ours(
        "one-run-id-for-all-attempts",
        f"{ONCE}: a retry is taken for the attempt before",
        "domain/run.py",
        "return attempt_name(self.key, self.attempt, self.created_at)",
        "return attempt_name(self.key, 1, self.created_at)",
    ),
    _ours(
        "execution-name-reused",
        f"{ONCE}: a run that is opened again is never executed",
        "domain/run.py",
        '"execution_name": execution_name(run.key, count, run.created_at),',
        '"execution_name": run.execution_name,',
    ),
    _ours(
        "wake-forgotten",
        f"{ONCE}: a write at which the rules hold waits for the next look",
        "steps/wake_runs.py",
        '        log.info("run woken", extra=fields(run))\n        machine.succeed(run.task_token)\n',
        '        log.info("run woken", extra=fields(run))\n',
    ),
    _ours(
        "dependents-not-woken",
        f"{ONCE}: a success wakes nobody who waits for it",
        "steps/route_change.py",
        "        raise\n    if succeeded:\n",
        "        raise\n    if succeeded and moved.rerun_accepted:\n",
    ),
    _ours(
        "expired-for-ever",
        f"{ONCE}: a window that closed blocks the data that arrives a minute later",
        "steps/wake_runs.py",
        "        if readiness.ready and current is not None and current.status is RunStatus.EXPIRED:",
        "        if readiness.ready and current is not None and now < current.window_ends_at:",
    ),
    _ours(
        "today-in-utc",
        f"{ONCE}: a dateless reading opens the day that it is in Greenwich",
        "domain/fires.py",
        "    local, form = local_of(now, zone_of(pipeline)), cron_form(pipeline)\n",
        "    local, form = now.replace(tzinfo=None), cron_form(pipeline)\n",
    ),
    _ours(
        "rerun-beside-a-running-job",
        f"{ONCE}: a request during a run starts a second job",
        "domain/rerun.py",
        "    if run.status in (RunStatus.WAITING, RunStatus.RUNNING):",
        "    if run.status is RunStatus.WAITING:",
    ),
    _ours(
        "cancel-forgotten",
        f"{ONCE}: a job that took too long runs on beside its retry",
        "steps/complete_run.py",
        "left = _cancelled(run, pipeline, ports) if outcome.may_live else None",
        "left = None",
    ),
    _ours(
        "retried-beside-one-that-was-left",
        f"{ONCE}: `onTimeout: leave` is followed by another job",
        "domain/retry.py",
        "    if left is not None and left.may_live:\n",
        "    if left is not None and left.may_live and job.on_timeout is not OnTimeout.LEAVE:\n",
    ),
    _ours(
        "stale-job-not-stopped",
        f"{ONCE}: who lost its workflow leaves its job alone",
        "steps/complete_run.py",
        "left = _cancelled(run, pipeline, ports, at_last=at_last) if may_live else None",
        "left = None",
    ),
    # -- attempts, budgets, ends
    _ours(
        "attempt-not-compared",
        f"{ONCE}: a retry is judged by the record of the attempt before",
        "domain/job_record.py",
        "    if record.attempt != run.attempt or record.run_id",
        "    if record.run_id",
    ),
    _ours(
        "run-id-not-compared",
        f"{ONCE}: a run is judged by the job of somebody else",
        "domain/job_record.py",
        "record.attempt != run.attempt or record.run_id not in (None, run.run_id, remote_id):",
        "record.attempt != run.attempt:",
    ),
    _ours(
        "outcome-of-the-attempt-before",
        f"{ONCE}: a retry keeps the end that its forerunner had",
        "domain/run.py",
        '    "outcome": None,\n',
        "",
    ),
    _ours(
        "one-retry-too-many",
        f"{ONCE}: a budget of retries is compared with <=",
        "domain/retry.py",
        "    if spent >= budget:",
        "    if spent > budget:",
    ),
    _ours(
        "one-rerun-too-many",
        f"{ONCE}: a budget of requests is compared with <=",
        "domain/rerun.py",
        "    if run.manual_reruns >= job.max_manual_reruns:",
        "    if run.manual_reruns > job.max_manual_reruns:",
    ),
    _ours(
        "drift-reruns-not-counted",
        f"{ONCE}: late data runs a date again for ever",
        "steps/find_late_data.py",
        '"code_retries": 0, "drift_reruns": run.drift_reruns + 1}',
        '"code_retries": 0}',
    ),
    Mutant(
        "back-off-forgotten",
        f"{ONCE}: a retry is made at once",
        _ASL,
        '"Timestamp": "{% $states.input.retryAt %}"',
        '"Timestamp": "{% $states.context.State.EnteredTime %}"',
    ),
    Mutant(
        "time-out-ends-nothing",
        f"{SILENT}: a job that never ends keeps its run open",
        _ASL,
        '"Next": "CompleteRun",\n          "Output"',
        '"Next": "RunOver",\n          "Output"',
    ),
    _ours(
        "end-written-over",
        f"{ONCE}: a report that comes later replaces the end that judges the attempt",
        "aws/control_table.py",
        'condition = (equals("attempt", run.attempt), absent("outcome"), open_statuses)',
        'condition = (equals("attempt", run.attempt), open_statuses)',
    ),
    _ours(
        "window-runs-while-it-backs-off",
        f"{ONCE}: the window of a retry is counted from the failure before",
        "steps/complete_run.py",
        "window_ends_at = decision.retry_at + pipeline",
        "window_ends_at = now + pipeline",
    ),
    _ours(
        "job-may-take-twice-as-long",
        f"{ONCE}: a job has another time than its pipeline gives it",
        "steps/started_job.py",
        '"job_ends_by": now + poll_window',
        '"job_ends_by": now + 2 * poll_window',
    ),
    _ours(
        "force-not-heard",
        f"{ONCE}: a forced request is refused for want of news",
        "domain/rerun.py",
        "and not force and unchanged",
        "and unchanged",
    ),
    _ours(
        "rerun-without-news",
        f"{ONCE}: a request after a success is accepted whatever its sensors say",
        "domain/rerun.py",
        "and not force and unchanged",
        "and not force and run is None",
    ),
    # -- never silent
    _ours(
        "last-shard-alone",
        f"{SILENT}: what is due of most pipelines is never looked at",
        "steps/tick.py",
        "            found += control.due(",
        "            found = control.due(",
    ),
    _ours(
        "missed-fire-announced-each-tick",
        f"{SILENT}: what is told stays due",
        "steps/keep_promises.py",
        "change_promise(promise, settled(promise, verdict, [told]))",
        "change_promise(promise, changed(promise, [told], verdict=verdict))",
    ),
    _ours(
        "breach-settled-without-its-event",
        f"{SILENT}: a promise is settled, and nobody told",
        "steps/judge_sla.py",
        "run, unmet, pipeline, now)\n        return settled(promise, str(verdict), [told])",
        "run, unmet, pipeline, now)\n        return settled(promise, str(verdict))",
    ),
    _ours(
        "failed-run-meets-its-sla",
        f"{SILENT}: any end in time meets the SLA",
        "domain/sla.py",
        "        return run.first_succeeded_at\n",
        "        return run.first_succeeded_at or (None if run.is_open else run.updated_at)\n",
    ),
    _ours(
        "sla-judged-by-the-start",
        f"{SILENT}: a job that began in time is taken for one that ended in time",
        "domain/sla.py",
        "        return run.first_succeeded_at\n",
        "        return run.first_succeeded_at or run.started_at\n",
    ),
    _ours(
        "one-shot-not-cancelled",
        f"{SILENT}: the schedule of a promise that was kept stays",
        "steps/mirror_deadline.py",
        "            ports.deadlines.remove(kind, key)\n",
        "            pass\n",
    ),
    _ours(
        "dead-workflow-not-closed",
        f"{SILENT}: a run whose workflow is gone stays RUNNING",
        "steps/check_runs.py",
        "        why = why_stale(run, due, now)\n        if why is not None:\n"
        "            close_stale_run(run, why, ports, now)\n        else:\n            poll_job(",
        "        why = None\n        if why is not None:\n"
        "            close_stale_run(run, why, ports, now)\n        else:\n            poll_job(",
    ),
    _ours(
        "one-post-run-sensor-is-enough",
        f"{SILENT}: a missing sensor is not missed beside one that came",
        "steps/judge_post_run.py",
        "return any(written_mark(sensor) not in run.told",
        "return all(written_mark(sensor) not in run.told",
    ),
    _ours(
        "success-not-watched",
        f"{SILENT}: what was written between baseline and success is no late data",
        "steps/run_moved.py",
        "        watch_success(moved.key, pipeline, control, reruns, machine, now)\n",
        "",
    ),
    _ours(
        "any-write-is-late-data",
        f"{SILENT}: a heartbeat after success runs the date again",
        "domain/late_data.py",
        "field not in known or value_mark(known[field]) == value_mark(value):",
        "field not in known:",
    ),
    _ours(
        "late-data-told-each-time",
        f"{SILENT}: the same change is told with each write",
        "steps/find_late_data.py",
        "    told = remembered(run.told, *facts)\n",
        "    told = run.told\n",
    ),
    _ours(
        "drift-at-its-threshold",
        f"{SILENT}: drift is told that is none",
        "domain/drift.py",
        "        return moved > threshold",
        "        return moved >= threshold",
    ),
    _ours(
        "post-run-rules-not-judged",
        f"{SILENT}: nobody hears that the rules after a success do not hold",
        "steps/find_late_data.py",
        "    if judged is None or judged.verdict == run.post_run_verdict:",
        "    if judged is None or judged.verdict != run.post_run_verdict:",
    ),
    _ours(
        "post-run-verdict-told-each-time",
        f"{SILENT}: the same verdict is told with each write",
        "steps/find_late_data.py",
        "    if judged is None or judged.verdict == run.post_run_verdict:",
        "    if judged is None:",
    ),
    # -- never vague
    _ours(
        "reasons-not-kept",
        f"{VAGUE}: nobody can read what a run waits for",
        "steps/read_readiness.py",
        "        control.note(run, replace(run, verdicts=readiness.verdicts))\n",
        "        return\n",
    ),
    _ours(
        "expired-for-the-reasons-of-before",
        f"{VAGUE}: an expired run names the rules that were missing at its last look but one",
        "steps/evaluate_readiness.py",
        "moved(run, RunStatus.EXPIRED, now, [told], verdicts=readiness.verdicts)",
        "moved(run, RunStatus.EXPIRED, now, [told])",
    ),
    _ours(
        "one-instant-for-all-reasons",
        f"{VAGUE}: since when a rule has stood is forgotten with each look",
        "domain/readiness.py",
        "since = last.since if last is not None and last.holds == holds and last.since else now",
        "since = now",
    ),
    # -- one bad neighbour
    _ours(
        "odd-report-not-refused",
        f"{NEIGHBOUR}: a record with a key that nobody can read fails for ever",
        "aws/keys.py",
        "    if not (_is_whole(epoch_ms, 15) and int(epoch_ms) <= _LATEST_EPOCH_MS):",
        "    if int(epoch_ms) > _LATEST_EPOCH_MS:",
    ),
    _ours(
        "bad-input-delivered-again",
        f"{NEIGHBOUR}: a record that nobody can read holds up its shard",
        "functions/stream_router.py",
        "        report_bad_input(pipeline_id, change.sort_key, problem, ports.control, change.at)\n",
        "        report_bad_input(pipeline_id, change.sort_key, problem, ports.control, change.at)\n        raise\n",
    ),
    # -- nothing is lost
    _ours(
        "failed-records-taken-for-done",
        f"{LOST}: a partial batch failure is swallowed",
        "aws/stream.py",
        "            failed[change.partition_key] = change.sequence_number\n",
        "",
    ),
    _ours(
        "failed-alerts-taken-for-done",
        f"{LOST}: an alert that Slack refused is gone",
        "aws/queue.py",
        '            log.exception("message failed", extra={"message_id": message_id})\n'
        "            failed.append(message_id)\n",
        '            log.exception("message failed", extra={"message_id": message_id})\n',
    ),
    _ours(
        "events-of-moves-alone",
        f"{LOST}: what a row says without a new status is not published",
        "aws/outbox.py",
        'if not new or (change.old or {}).get("version") == new.get("version"):',
        'if not new or (change.old or {}).get("status") == new.get("status"):',
    ),
    _ours(
        "lost-events-stay-lost",
        f"{LOST}: a record that the stream lost is never published",
        "steps/sweep_pipelines.py",
        "    _publish_lost(rows.events, ports, now)\n",
        "",
    ),
    _ours(
        "lost-triggers-stay-lost",
        f"{LOST}: a trigger whose record was lost opens nothing",
        "steps/sweep_pipelines.py",
        "        if key in known:\n",
        "        if key not in known:\n",
    ),
    _ours(
        "delivered-ids-forgotten",
        f"{LOST}: an alert that comes twice is told twice",
        "aws/event_store.py",
        '            add_to_set={"delivered": event_id},\n',
        "",
    ),
    _ours(
        "thread-claimed-by-nobody",
        f"{LOST}: two workers write in one thread at once, and open two",
        "aws/event_store.py",
        "only_if=(nobody_writes,),",
        "only_if=(),",
    ),
    _ours(
        "second-fact-not-told",
        f"{LOST}: of one subject only the first fact is told",
        "aws/control_table.py",
        "        if mark in told:\n            return\n",
        "        if told:\n            return\n",
    ),
    _ours(
        "request-not-deleted",
        f"{LOST}: a refused request stays, and swallows the next equal one",
        "steps/request_rerun.py",
        '    log.info("rerun rejected", extra=fields(run or asked.key, reason=decision.reason))\n'
        "    _forget(asked, control)\n",
        '    log.info("rerun rejected", extra=fields(run or asked.key, reason=decision.reason))\n',
    ),
    _ours(
        "slots-kept-by-who-ran",
        f"{LOST}: a job that ended keeps its slot",
        "aws/read_change.py",
        "_OPEN = (RunStatus.WAITING, RunStatus.RUNNING)",
        "_OPEN = (RunStatus.WAITING,)",
    ),
    _ours(
        "finished-row-stays",
        f"{LOST}: a run that has failed is never forgotten",
        "aws/run_item.py",
        "    if not run.is_open:\n",
        "    if run.status is RunStatus.SUCCEEDED:\n",
    ),
)
