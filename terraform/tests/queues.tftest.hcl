# Queues: what could not be handled waits there, and somebody hears of it.

mock_provider "aws" {
  source = "./tests/aws"
}

variables {
  project_name     = "data-platform"
  environment      = "prod"
  pipeline_configs = "s3://configs/pipelines/"
  lambda_zips      = "s3://artifacts/interlock/0.1.0/"
  slack_channel_id = "C0123456789"
}

run "every_dead_letter_queue_has_an_alarm" {
  command = plan

  assert {
    condition = length(aws_sqs_queue.dead_letters) == 4 && toset([for queue in aws_sqs_queue.dead_letters : queue.name]) == toset([
      for alarm in aws_cloudwatch_metric_alarm.this : alarm.dimensions["QueueName"]
      if alarm.metric_name == "ApproximateNumberOfMessagesVisible" && alarm.threshold == 0
    ])
    error_message = "The first message in a dead-letter queue must set an alarm off."
  }
}

run "alerts_that_wait_too_long_set_an_alarm_off" {
  command = plan

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["alerts-waiting"].dimensions == tomap({ QueueName = aws_sqs_queue.alerts.name }) &&
      aws_cloudwatch_metric_alarm.this["alerts-waiting"].metric_name == "ApproximateAgeOfOldestMessage" &&
      aws_cloudwatch_metric_alarm.this["alerts-waiting"].threshold == 900
    )
    error_message = "An alert that is 15 minutes old is one that nobody takes from the queue."
  }
}

run "an_alert_that_is_tried_again_and_again_sets_an_alarm_off_though_sqs_leaves_it_out_of_the_age" {
  command = plan

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["alerts-not-taken"].dimensions == tomap({ QueueName = aws_sqs_queue.alerts.name }) &&
      aws_cloudwatch_metric_alarm.this["alerts-not-taken"].metric_name == "ApproximateNumberOfMessagesNotVisible" &&
      aws_cloudwatch_metric_alarm.this["alerts-not-taken"].evaluation_periods == 15
    )
    error_message = "Between two tries an alert is hidden; its age is no longer told after the third."
  }
}

run "what_failed_waits_for_two_weeks" {
  command = plan

  assert {
    condition     = alltrue([for queue in aws_sqs_queue.dead_letters : queue.message_retention_seconds == 14 * 24 * 60 * 60])
    error_message = "SQS keeps messages for 14 days at most."
  }
}

run "no_message_travels_unencrypted" {
  command = plan

  assert {
    condition = alltrue([
      for policy in concat([aws_sqs_queue_policy.alerts, aws_sqs_queue_policy.rule_failures, aws_sqs_queue_policy.stream_failures], values(aws_sqs_queue_policy.only_encrypted)) :
      contains([
        for statement in jsondecode(policy.policy).Statement : try(statement.Condition.Bool["aws:SecureTransport"], null) if statement.Effect == "Deny"
      ], "false")
    ])
    error_message = "Every queue must refuse plain HTTP."
  }
}

run "what_a_rule_cannot_deliver_it_may_leave_in_the_queue_for_it" {
  command = plan

  assert {
    condition = toset(flatten([
      for statement in jsondecode(aws_sqs_queue_policy.rule_failures.policy).Statement : [
        for arn in statement.Condition.ArnEquals["aws:SourceArn"] : reverse(split("/", arn))[0]
      ] if statement.Effect == "Allow"
    ])) == toset([for target in aws_cloudwatch_event_target.this : target.rule])
    error_message = "Each rule may use the queue, and nobody else."
  }
}

run "what_the_bus_cannot_encrypt_it_may_leave_there_too" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  }

  assert {
    condition = contains(flatten([
      for statement in jsondecode(aws_sqs_queue_policy.rule_failures.policy).Statement : statement.Condition.ArnEquals["aws:SourceArn"] if statement.Effect == "Allow"
    ]), "arn:aws:events:eu-central-1:123456789012:event-bus/prod-interlock-events")
    error_message = "Under a key the bus itself has dead letters."
  }
}
