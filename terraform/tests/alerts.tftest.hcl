# Who is told: Slack, a webhook, a topic, or knowingly nobody.

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

run "a_control_plane_that_tells_nobody_says_so_at_each_plan" {
  command = plan

  variables {
    slack_channel_id = null
  }

  assert {
    condition     = aws_cloudwatch_event_rule.alerts.state == "DISABLED" && aws_cloudwatch_event_rule.alarms_told.state == "DISABLED"
    error_message = "Without a channel alerts must not pile up in the queue."
  }

  expect_failures = [check.alerts_have_a_channel]
}

run "the_bots_token_has_a_secret_without_a_value" {
  command = plan

  assert {
    condition     = aws_secretsmanager_secret.slack[0].name == "prod-interlock/slack"
    error_message = "The module makes the secret; somebody puts the token there, so that no state holds it."
  }

  assert {
    condition     = aws_cloudwatch_event_rule.alerts.state == "ENABLED"
    error_message = "With a channel people are told."
  }
}

run "a_secret_of_the_users_is_taken_as_it_is" {
  command = plan

  variables {
    slack_secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:slack-AbCdEf"
  }

  assert {
    condition     = length(aws_secretsmanager_secret.slack) == 0 && output.alert_secret_arn == var.slack_secret_arn
    error_message = "No second secret is made."
  }
}

run "a_webhook_is_a_channel" {
  command = plan

  variables {
    slack_channel_id   = null
    webhook_secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:hook-AbCdEf"
  }

  assert {
    condition     = aws_cloudwatch_event_rule.alerts.state == "ENABLED" && length(aws_secretsmanager_secret.slack) == 0
    error_message = "Alerts go to the webhook; no secret for Slack is made."
  }
}

run "an_alert_comes_back_only_after_its_function_has_given_up" {
  command = plan

  assert {
    # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    condition     = aws_sqs_queue.alerts.visibility_timeout_seconds >= 60
    error_message = "Lambda refuses a mapping whose queue gives messages back before the function's time-out."
  }

  assert {
    condition     = aws_lambda_event_source_mapping.alerts.function_response_types == toset(["ReportBatchItemFailures"])
    error_message = "One alert that the channel refuses must not send the others of its batch again."
  }
}

run "eventbridge_and_nobody_else_may_put_alerts_into_the_queue" {
  command = plan

  assert {
    condition = [
      for statement in jsondecode(aws_sqs_queue_policy.alerts.policy).Statement : [statement.Principal.Service, statement.Action] if statement.Effect == "Allow"
    ] == [["events.amazonaws.com", "sqs:SendMessage"]]
    error_message = "The queue's policy allows one service one action."
  }

  assert {
    condition = alltrue(flatten([
      for statement in jsondecode(aws_sqs_queue_policy.alerts.policy).Statement : [
        for arn in statement.Condition.ArnEquals["aws:SourceArn"] : strcontains(arn, ":rule/") && !strcontains(arn, "*")
      ] if statement.Effect == "Allow"
    ]))
    error_message = "Only our rules, each by its ARN."
  }
}

run "every_alarm_goes_to_the_topic_too" {
  command = plan

  variables {
    sns_alarm_topic_arn = "arn:aws:sns:eu-central-1:123456789012:on-call"
  }

  assert {
    condition = alltrue([
      for alarm in concat(values(aws_cloudwatch_metric_alarm.this), [aws_cloudwatch_metric_alarm.watchdog_silent]) :
      alarm.alarm_actions == toset([var.sns_alarm_topic_arn]) && alarm.ok_actions == toset([var.sns_alarm_topic_arn])
    ])
    error_message = "The topic hears when an alarm goes off and when it is over."
  }
}
