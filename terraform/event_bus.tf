# The bus that every event of ours is put on, its archive, and the rules that carry alerts and records away from it.

resource "aws_cloudwatch_event_bus" "this" {
  name               = local.bus_name
  description        = "Every event of Interlock (${var.environment}): docs/events.md lists them."
  kms_key_identifier = local.key_arn

  # An event that may not be encrypted, because the key's policy does not let the bus, reaches no rule.
  # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-encryption-event-bus-dlq.html
  dynamic "dead_letter_config" {
    for_each = local.key_arn == null ? [] : [local.queue_arns["rule-failures-dead"]]

    content {
      arn = dead_letter_config.value
    }
  }

  tags = local.tags
}

# An event is the word of whoever wrote the run's row. Nobody else speaks for them, whatever an identity policy allows.
resource "aws_cloudwatch_event_bus_policy" "this" {
  event_bus_name = aws_cloudwatch_event_bus.this.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OnlyInterlockPutsEvents"
      Effect    = "Deny"
      Principal = "*"
      Action    = "events:PutEvents"
      Resource  = local.bus_arn
      Condition = {
        ArnNotEquals = { "aws:PrincipalArn" = [local.role_arns["stream_router"], local.role_arns["watchdog"]] }
        # EventBridge itself replays the archive; a service has no ARN, and would else be among the others.
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalisawsservice
        Bool = { "aws:PrincipalIsAWSService" = "false" }
      }
    }]
  })
}

# For a replay: `aws events start-replay` puts events on the bus again, and each is known by its eventId.
resource "aws_cloudwatch_event_archive" "this" {
  name               = local.bus_name
  description        = "Events of Interlock (${var.environment}), for a replay."
  event_source_arn   = aws_cloudwatch_event_bus.this.arn
  event_pattern      = jsonencode({ source = ["interlock"] })
  retention_days     = var.archive_retention_days
  kms_key_identifier = local.key_arn
}

locals {
  # Everything that EventBridge delivers by a rule of ours, to a function or a queue. Adding one here gives it its target,
  # its dead letters and its alarm. No ARN is in it: what there is must be known before any account is.
  rules = merge(
    {
      every-event = { bus = local.bus_name, function = "event_sink", queue = null }
      alerts      = { bus = local.bus_name, function = null, queue = "alerts" }
      job-ends    = { bus = "default", function = "stream_router", queue = null }
      alarms      = { bus = "default", function = "stream_router", queue = null }
      alarms-kept = { bus = "default", function = "event_sink", queue = null }
      alarms-told = { bus = "default", function = null, queue = "alerts" }
      failures    = { bus = "default", function = null, queue = "stream-failures-dead" }
      tick        = { bus = "default", function = "watchdog", queue = null }
    },
    var.config_notification == "eventbridge" ? { configs = { bus = "default", function = "config_sync", queue = null } } : {},
  )
  rule_names = { for name in keys(local.rules) : name => "${local.prefix}-${name}" }
  # The ARN of a rule on the default bus has no bus in it.
  rule_arns = {
    for name, rule in local.rules :
    name => "arn:${local.partition}:events:${local.here}:rule/${rule.bus == "default" ? "" : "${rule.bus}/"}${local.rule_names[name]}"
  }
}

# What EventBridge cannot deliver within a day is kept, not dropped.
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
resource "aws_cloudwatch_event_target" "this" {
  for_each = local.rules

  rule           = local.rule_names[each.key]
  event_bus_name = each.value.bus == "default" ? null : each.value.bus
  target_id      = "1"
  arn            = each.value.function == null ? local.queue_arns[each.value.queue] : local.function_arns[each.value.function]

  dead_letter_config {
    arn = aws_sqs_queue.dead_letters["rule-failures-dead"].arn
  }

  depends_on = [
    aws_cloudwatch_event_rule.every_event,
    aws_cloudwatch_event_rule.alerts,
    aws_cloudwatch_event_rule.job_ends,
    aws_cloudwatch_event_rule.alarms,
    aws_cloudwatch_event_rule.alarms_kept,
    aws_cloudwatch_event_rule.alarms_told,
    aws_cloudwatch_event_rule.failures,
    aws_cloudwatch_event_rule.tick,
    aws_cloudwatch_event_rule.configs,
    aws_sqs_queue_policy.rule_failures,
    aws_sqs_queue_policy.alerts,
    aws_sqs_queue_policy.stream_failures,
    aws_lambda_permission.rules,
    # What the functions use is there before the first tick, and still there at the last.
    aws_dynamodb_table.this,
    aws_scheduler_schedule_group.this,
    aws_iam_role_policy.scheduler,
    aws_sfn_state_machine.pipeline_run,
  ]
}

resource "aws_lambda_permission" "rules" {
  for_each = { for name, rule in local.rules : name => rule.function if rule.function != null }

  statement_id  = "rule-${each.key}"
  action        = "lambda:InvokeFunction"
  function_name = local.functions[each.value]
  principal     = "events.amazonaws.com"
  source_arn    = local.rule_arns[each.key]

  depends_on = [module.stream_router, module.watchdog, module.event_sink, module.config_sync]
}
