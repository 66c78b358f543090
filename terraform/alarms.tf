# Alarms beside those of each function (modules/lambda). Each becomes an event INFRA_ALARM, and goes to a topic if one
# is given.

locals {
  alarm_topic_arns = var.sns_alarm_topic_arn == null ? [] : [var.sns_alarm_topic_arn]

  # What is amiss while a rule's events do not arrive.
  missing_without = {
    every-event = "events do not reach the events table."
    alerts      = "alerts do not reach their queue, and nobody is told of them."
    job-ends    = "ends of jobs are noticed late, by polls."
    alarms      = "alarms do not reach the bus; they are told and stored all the same."
    alarms-kept = "alarms do not reach the events table."
    alarms-told = "alarms do not reach the alert channel."
    failures    = "failed batches lie in ${local.failures_bucket}, but redrive does not find them."
    tick        = "the watchdog is not called, and what does not happen is not noticed."
    configs     = "changed configs are noticed late, every 5 minutes."
  }

  # namespace, metric, dimensions: more than `above` of it in `minutes`.
  alarms = merge(
    {
      for name, purpose in local.dead_letter_queues : "${name}-not-empty" => {
        description = "${purpose} What and why: `interlock redrive ${trimsuffix(name, "-dead")} --dry-run --environment ${var.environment}`. Mend the cause, then put them back: the same without --dry-run."
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
        description = "EventBridge cannot deliver to the target of the rule ${local.rule_names[name]}: ${local.missing_without[name]} Is the target there, and may EventBridge use it (and its KMS key)? What waits comes back by `interlock redrive rule-failures --environment ${var.environment}`."
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
        description = "An alert has waited for 15 minutes, and nobody takes it from the queue. Does ${local.functions["alert_dispatcher"]} run, is its event source mapping enabled?"
        namespace   = "AWS/SQS"
        metric      = "ApproximateAgeOfOldestMessage"
        dimensions  = { QueueName = "${local.prefix}-alerts" }
        statistic   = "Maximum"
        above       = 15 * 60
        minutes     = 1
      }
      # Not by its age: that leaves out what was received three times, as an alert that is tried again soon was. Between two
      # tries it is hidden. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
      alerts-not-taken = {
        description = "For 15 minutes there was always an alert that was tried and not told: the channel does not take it. Its log says why: `aws logs tail /aws/lambda/${local.functions["alert_dispatcher"]} --since 15m`: token, channel, Slack itself."
        namespace   = "AWS/SQS"
        metric      = "ApproximateNumberOfMessagesNotVisible"
        dimensions  = { QueueName = "${local.prefix}-alerts" }
        statistic   = "Maximum"
        above       = 0
        minutes     = 15
      }
      stream-behind = {
        description = "Changes wait for stream-router for more than a minute: runs start late. Is ${local.functions["stream_router"]}-errors or -throttles on too? Then that first. Else more is written at once than it keeps up with: raise stream_parallelization_factor."
        namespace   = "AWS/Lambda"
        metric      = "IteratorAge"
        dimensions  = { FunctionName = local.functions["stream_router"] }
        statistic   = "Maximum"
        above       = 60 * 1000
        minutes     = 3
      }
      failures-not-kept = {
        description = "Changes that failed could not even be kept in ${local.failures_bucket}: they are lost to stream-router; the watchdog's sweep heals what it can within the hour. May stream-router write to the bucket, and use its KMS key? Look at runs of that minute: `interlock explain PIPELINE --environment ${var.environment}`."
        namespace   = "AWS/Lambda"
        metric      = "DestinationDeliveryFailures"
        dimensions  = { FunctionName = local.functions["stream_router"] }
        statistic   = "Sum"
        above       = 0
        minutes     = 1
      }
      executions-failed = {
        description = "The workflow of a run broke off. The run is closed, and an INFRA_FAILURE says which: see `interlock explain PIPELINE DATE --environment ${var.environment}`, then `interlock rerun`. Many at once: is ${local.functions["orchestrator"]}-errors on?"
        namespace   = "AWS/States"
        metric      = "ExecutionsFailed"
        dimensions  = { StateMachineArn = local.state_machine_arn }
        statistic   = "Sum"
        above       = 0
        minutes     = 1
      }
      executions-timed-out = {
        description = "Step Functions ended the workflow of a run for its age. The run is closed, and an INFRA_FAILURE says which: see `interlock explain PIPELINE DATE --environment ${var.environment}`, then `interlock rerun`. Was ${local.functions["orchestrator"]} unreachable for days?"
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
