output "control_table" {
  description = "For upstream jobs: the table they put sensors and rerun requests into (`PIPELINE#<id>`, `SENSOR#<key>`)."
  value       = { name = aws_dynamodb_table.this["control"].name, arn = aws_dynamodb_table.this["control"].arn }
}

output "joblog_table" {
  description = "For jobs that report their own end: the table they put `JOB#` records into."
  value       = { name = aws_dynamodb_table.this["joblog"].name, arn = aws_dynamodb_table.this["joblog"].arn }
}

output "events_table" {
  description = "For dashboards and audits: every event, by pipeline, and by type through the index GSI1."
  value       = { name = aws_dynamodb_table.this["events"].name, arn = aws_dynamodb_table.this["events"].arn }
}

output "rerun_table" {
  description = "For audits: every rerun with its source and reason."
  value       = { name = aws_dynamodb_table.this["rerun"].name, arn = aws_dynamodb_table.this["rerun"].arn }
}

output "event_bus" {
  description = "For rules of yours: the bus that every event is put on (docs/events.md)."
  value       = { name = aws_cloudwatch_event_bus.this.name, arn = aws_cloudwatch_event_bus.this.arn }
}

output "event_archive_arn" {
  description = "For a replay: `aws events start-replay --event-source-arn`."
  value       = aws_cloudwatch_event_archive.this.arn
}

output "state_machine_arn" {
  description = "For whoever looks at a run's workflow."
  value       = aws_sfn_state_machine.pipeline_run.arn
}

output "pipeline_configs" {
  description = "For data engineers: where the pipelines' YAML goes."
  value       = "s3://${local.configs_bucket}/${local.configs_prefix}"
}

output "alert_secret_arn" {
  description = "For whoever puts the Slack bot's token there: `aws secretsmanager put-secret-value --secret-id`."
  value       = local.alert_secret_arn
}

output "dead_letter_queues" {
  description = "For `interlock redrive` and the person on call: URL by name."
  value       = { for name, queue in aws_sqs_queue.dead_letters : name => queue.url }
}

output "functions" {
  description = "For alarms and rules of yours: ARN, role and log group by function."
  value = {
    for name, function in {
      stream_router    = module.stream_router
      orchestrator     = module.orchestrator
      sla_monitor      = module.sla_monitor
      watchdog         = module.watchdog
      event_sink       = module.event_sink
      alert_dispatcher = module.alert_dispatcher
      config_sync      = module.config_sync
    } : name => { arn = function.arn, role_arn = function.role_arn, log_group = function.log_group_name }
  }
}

output "dashboard_url" {
  description = "For everyone: the CloudWatch dashboard."
  value       = "https://${local.region}.${local.console}/cloudwatch/home?region=${local.region}#dashboards/dashboard/${aws_cloudwatch_dashboard.this.dashboard_name}"
}

output "kms_key_policy_statements" {
  description = "For the owner of `kms_key_arn`: JSON of the statements that the key's policy needs beside its own, so that EventBridge and CloudWatch Logs may use it."
  value       = jsonencode(local.key_policy_statements)
}
