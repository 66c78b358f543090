# watchdog: one look at what is due, every minute.

module "watchdog" {
  source = "./modules/lambda"

  surroundings = local.surroundings["watchdog"]
  function = {
    name                    = local.functions["watchdog"]
    role_name               = local.role_names["watchdog"]
    description             = "Finds what should have happened and did not; heals what it can, tells the rest."
    zip                     = local.zips["watchdog"]
    timeout_seconds         = 60
    reserved_concurrency    = local.concurrency["watchdog"]
    invocation_failures_arn = local.queue_arns["invocation-failures-dead"]

    environment = merge(local.common_environment, {
      CONTROL_TABLE     = local.tables["control"]
      EVENTS_TABLE      = local.tables["events"]
      STATE_MACHINE_ARN = local.state_machine_arn
      EVENT_BUS_NAME    = local.bus_name
      ORCHESTRATOR_ARN  = local.function_arns["orchestrator"]
      CONFIG_SYNC_ARN   = local.function_arns["config_sync"]
      WATCHDOG_ARN      = local.function_arns["watchdog"]
    })

    permissions = concat(local.key_permissions, [
      {
        sid       = "KeepPromises"
        actions   = ["dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"]
        resources = [local.table_arns["control"]]
      },
      {
        sid       = "FindWhatIsDue"
        actions   = ["dynamodb:Query"]
        resources = ["${local.table_arns["control"]}/index/due"]
      },
      {
        sid       = "FindLostEvents"
        actions   = ["dynamodb:Query"]
        resources = [local.table_arns["events"]]
      },
      {
        sid       = "StartMissedRuns"
        actions   = ["states:StartExecution"]
        resources = [local.state_machine_arn]
      },
      {
        sid       = "PublishLostEvents"
        actions   = ["events:PutEvents"]
        resources = [local.bus_arn]
      },
      {
        sid       = "HandOver"
        actions   = ["lambda:InvokeFunction"]
        resources = [for name in ["orchestrator", "config_sync", "watchdog"] : local.function_arns[name]]
      },
    ])
  }

  depends_on = [terraform_data.zips_are_there, aws_sqs_queue.dead_letters]
}

resource "aws_cloudwatch_event_rule" "tick" {
  name        = local.rule_names["tick"]
  description = "The watchdog's tick of Interlock (${var.environment})."
  # Written out, so that an apply switches on what a person switched off.
  state               = "ENABLED"
  schedule_expression = var.watchdog_interval_minutes == 1 ? "rate(1 minute)" : "rate(${var.watchdog_interval_minutes} minutes)"

  tags = local.tags
}

# Who watches the watchdog: CloudWatch, when its ticks are missing.
resource "aws_cloudwatch_metric_alarm" "watchdog_silent" {
  alarm_name        = "${local.prefix}-watchdog-silent"
  alarm_description = "The watchdog does not tick: what does not happen is not noticed. Is the rule ${local.rule_names["tick"]} enabled? Then its log says why: `aws logs tail /aws/lambda/${local.functions["watchdog"]} --since 15m`. After a first apply it passes by itself."

  namespace   = "Interlock"
  metric_name = "WatchdogTick"
  dimensions  = { function = local.functions["watchdog"] }
  statistic   = "Sum"

  # Five minutes of silence, and at least two missing ticks.
  period              = 60 * var.watchdog_interval_minutes
  evaluation_periods  = max(2, ceil(5 / var.watchdog_interval_minutes))
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"

  alarm_actions = local.alarm_topic_arns
  ok_actions    = local.alarm_topic_arns

  tags = local.tags
}
