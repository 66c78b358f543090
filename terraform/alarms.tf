# Alarms beside those of each function (modules/lambda). Each becomes an event INFRA_ALARM, and goes to a topic if one
# is given.

locals {
  alarm_topic_arns = var.sns_alarm_topic_arn == null ? [] : [var.sns_alarm_topic_arn]

  # namespace, metric, dimensions: more than `above` of it in `minutes`.
  alarms = merge(
    {
      for name, purpose in local.dead_letter_queues : "${name}-not-empty" => {
        description = "${purpose} See them with `interlock redrive --dry-run`; put them back with `interlock redrive` once the cause is gone."
        namespace   = "AWS/SQS"
        metric      = "ApproximateNumberOfMessagesVisible"
        dimensions  = { QueueName = "${local.prefix}-${name}" }
        statistic   = "Maximum"
        above       = 0
        minutes     = 1
      }
    },
    {
      for name, rule in local.rules : "${name}-undelivered" => {
        description = "EventBridge could not deliver an event of the rule ${local.rule_names[name]} to its target: they wait in ${local.prefix}-rule-failures-dead. Is the target there, and may EventBridge use it (and its KMS key)?"
        namespace   = "AWS/Events"
        metric      = "FailedInvocations"
        dimensions  = merge({ RuleName = local.rule_names[name] }, rule.bus == "default" ? {} : { EventBusName = rule.bus })
        statistic   = "Sum"
        above       = 0
        minutes     = 1
      }
    },
    {
      alerts-waiting = {
        description = "An alert has waited for 15 minutes: the channel does not take it. Look at the log of ${local.functions["alert_dispatcher"]}: token, channel, Slack itself."
        namespace   = "AWS/SQS"
        metric      = "ApproximateAgeOfOldestMessage"
        dimensions  = { QueueName = "${local.prefix}-alerts" }
        statistic   = "Maximum"
        above       = 15 * 60
        minutes     = 1
      }
      stream-behind = {
        description = "Changes wait for stream-router for more than a minute: runs start late. A batch that fails again and again, or too few at once (stream_parallelization_factor)?"
        namespace   = "AWS/Lambda"
        metric      = "IteratorAge"
        dimensions  = { FunctionName = local.functions["stream_router"] }
        statistic   = "Maximum"
        above       = 60 * 1000
        minutes     = 3
      }
      failures-not-kept = {
        description = "What failed could not even be kept in ${local.failures_bucket}: it is lost to stream-router. The watchdog's sweep heals what it can."
        namespace   = "AWS/Lambda"
        metric      = "DestinationDeliveryFailures"
        dimensions  = { FunctionName = local.functions["stream_router"] }
        statistic   = "Sum"
        above       = 0
        minutes     = 1
      }
      executions-failed = {
        description = "A workflow broke; its run is closed with the reason, and told. Many at once: is orchestrator failing?"
        namespace   = "AWS/States"
        metric      = "ExecutionsFailed"
        dimensions  = { StateMachineArn = local.state_machine_arn }
        statistic   = "Sum"
        above       = 0
        minutes     = 1
      }
      executions-timed-out = {
        description = "A workflow was ended by Step Functions for its age; its run is closed with the reason, and told."
        namespace   = "AWS/States"
        metric      = "ExecutionsTimedOut"
        dimensions  = { StateMachineArn = local.state_machine_arn }
        statistic   = "Sum"
        above       = 0
        minutes     = 1
      }
    },
  )
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name        = "${local.prefix}-${each.key}"
  alarm_description = each.value.description

  namespace   = each.value.namespace
  metric_name = each.value.metric
  dimensions  = each.value.dimensions
  statistic   = each.value.statistic

  period              = 60
  evaluation_periods  = each.value.minutes
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.above
  treat_missing_data  = "notBreaching"

  alarm_actions = local.alarm_topic_arns
  ok_actions    = local.alarm_topic_arns

  tags = local.tags
}

# Alarms on our own infrastructure that go off; those of others concern somebody else. That one is kept and told does not
# hang on stream-router, which puts it on the bus: it may be about stream-router.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html

locals {
  own_alarms = jsonencode({
    source      = ["aws.cloudwatch"]
    detail-type = ["CloudWatch Alarm State Change"]
    detail = {
      alarmName = [{ prefix = "${local.prefix}-" }]
      state     = { value = ["ALARM"] }
    }
  })
}

resource "aws_cloudwatch_event_rule" "alarms" {
  name          = local.rule_names["alarms"]
  description   = "Alarms of Interlock (${var.environment}) that go off, to be put on its bus."
  event_pattern = local.own_alarms

  tags = local.tags
}

resource "aws_cloudwatch_event_rule" "alarms_kept" {
  name          = local.rule_names["alarms-kept"]
  description   = "Alarms of Interlock (${var.environment}) that go off, to be stored."
  event_pattern = local.own_alarms

  tags = local.tags
}

resource "aws_cloudwatch_event_rule" "alarms_told" {
  name          = local.rule_names["alarms-told"]
  description   = "Alarms of Interlock (${var.environment}) that go off, for people."
  state         = local.alerts_have_a_channel ? "ENABLED" : "DISABLED"
  event_pattern = local.own_alarms

  tags = local.tags
}
