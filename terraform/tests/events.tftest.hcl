# Events, the rules that carry them, and what happens when a target cannot be reached.

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

run "every_target_of_a_rule_has_a_dead_letter_queue" {
  command = plan

  variables {
    config_notification = "eventbridge"
  }

  assert {
    condition     = length(aws_cloudwatch_event_target.this) >= 9 && alltrue([for target in aws_cloudwatch_event_target.this : length(target.dead_letter_config) == 1])
    error_message = "An event that cannot be delivered must not be dropped."
  }
}

run "every_rule_has_a_target_and_an_alarm_for_what_it_cannot_deliver" {
  command = plan

  variables {
    config_notification = "eventbridge"
  }

  assert {
    condition = toset([for target in aws_cloudwatch_event_target.this : target.rule]) == toset(concat(
      [
        aws_cloudwatch_event_rule.every_event.name, aws_cloudwatch_event_rule.alerts.name, aws_cloudwatch_event_rule.job_ends.name,
        aws_cloudwatch_event_rule.alarms.name, aws_cloudwatch_event_rule.alarms_kept.name, aws_cloudwatch_event_rule.alarms_told.name,
        aws_cloudwatch_event_rule.failures.name, aws_cloudwatch_event_rule.tick.name,
      ],
      aws_cloudwatch_event_rule.configs[*].name,
    ))
    error_message = "A rule without target does nothing."
  }

  assert {
    condition = toset([for target in aws_cloudwatch_event_target.this : target.rule]) == toset([
      for alarm in aws_cloudwatch_metric_alarm.this : alarm.dimensions["RuleName"] if alarm.metric_name == "FailedInvocations"
    ])
    error_message = "Each rule needs an alarm on failed invocations."
  }
}

run "every_function_a_rule_invokes_lets_only_that_rule" {
  command = plan

  variables {
    config_notification = "eventbridge"
  }

  assert {
    condition = alltrue([
      for name, permission in aws_lambda_permission.rules :
      permission.principal == "events.amazonaws.com" && endswith(permission.source_arn, "/prod-interlock-${name}")
    ])
    error_message = "The permission must name the one rule."
  }

  assert {
    condition     = length(aws_lambda_permission.rules) == length([for target in aws_cloudwatch_event_target.this : target if strcontains(target.arn, ":lambda:")])
    error_message = "Each function that is a target needs a permission."
  }
}

run "only_stream_router_the_watchdog_and_a_replay_speak_on_the_bus" {
  command = plan

  assert {
    condition = [
      for statement in jsondecode(aws_cloudwatch_event_bus_policy.this.policy).Statement : [statement.Effect, statement.Principal, statement.Action, statement.Resource]
    ] == [["Deny", "*", "events:PutEvents", "arn:aws:events:eu-central-1:123456789012:event-bus/prod-interlock-events"]]
    error_message = "Whatever identity policies allow, nobody else may put events on our bus."
  }

  assert {
    condition = one(jsondecode(aws_cloudwatch_event_bus_policy.this.policy).Statement).Condition == {
      ArnNotEquals = {
        "aws:PrincipalArn" = [
          "arn:aws:iam::123456789012:role/prod-interlock-stream-router-eu-central-1",
          "arn:aws:iam::123456789012:role/prod-interlock-watchdog-eu-central-1",
        ]
      }
      Bool = { "aws:PrincipalIsAWSService" = "false" }
    }
    error_message = "The two functions that publish, and EventBridge itself for a replay, are the only exceptions."
  }
}

run "every_event_is_archived_for_a_replay" {
  command = plan

  assert {
    condition = (
      aws_cloudwatch_event_archive.this.retention_days == 30 &&
      jsondecode(aws_cloudwatch_event_archive.this.event_pattern) == { source = ["interlock"] }
    )
    error_message = "The archive keeps every event of ours for archive_retention_days."
  }
}

run "the_watchdog_ticks_every_minute" {
  command = plan

  assert {
    condition     = aws_cloudwatch_event_rule.tick.schedule_expression == "rate(1 minute)"
    error_message = "One minute is \"1 minute\": EventBridge refuses \"1 minutes\"."
  }
}

run "the_watchdog_ticks_as_seldom_as_asked_and_its_alarm_waits_as_long" {
  command = plan

  variables {
    watchdog_interval_minutes = 5
  }

  assert {
    condition     = aws_cloudwatch_event_rule.tick.schedule_expression == "rate(5 minutes)"
    error_message = "The tick follows watchdog_interval_minutes."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.watchdog_silent.period == 300
    error_message = "An alarm that looks at single minutes would go off between two ticks."
  }
}
