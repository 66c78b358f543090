# Channels that no alert would reach.

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

run "a_slack_channel_beside_a_webhook_is_refused" {
  command = plan

  variables {
    webhook_secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:slack-AbCdEf"
  }

  expect_failures = [terraform_data.settings]
}

run "a_slack_secret_beside_a_webhook_is_refused" {
  command = plan

  variables {
    slack_channel_id   = null
    slack_secret_arn   = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:slack-AbCdEf"
    webhook_secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:slack-AbCdEf"
  }

  expect_failures = [terraform_data.settings]
}

run "a_slack_channels_name_is_refused" {
  command = plan

  variables {
    slack_channel_id = "#alerts"
  }

  expect_failures = [var.slack_channel_id]
}

run "a_slack_token_in_place_of_its_secret_is_refused" {
  command = plan

  variables {
    slack_secret_arn = "xoxb-1-2"
  }

  expect_failures = [var.slack_secret_arn]
}

run "a_slack_secrets_arn_without_its_last_characters_is_refused" {
  command = plan

  variables {
    slack_secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:interlock/slack"
  }

  expect_failures = [var.slack_secret_arn]
}

run "a_webhook_secrets_arn_without_its_last_characters_is_refused" {
  command = plan

  variables {
    slack_channel_id   = null
    webhook_secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:interlock/webhook"
  }

  expect_failures = [var.webhook_secret_arn]
}

run "a_webhooks_address_in_place_of_its_secret_is_refused" {
  command = plan

  variables {
    webhook_secret_arn = "https://example.com/hook"
  }

  expect_failures = [var.webhook_secret_arn]
}

run "a_slack_address_that_ends_with_a_slash_is_refused" {
  command = plan

  variables {
    slack_api_url = "https://slack.com/api/"
  }

  expect_failures = [var.slack_api_url]
}

run "a_fifo_topic_for_alarms_is_refused" {
  command = plan

  variables {
    sns_alarm_topic_arn = "arn:aws:sns:eu-central-1:123456789012:alarms.fifo"
  }

  expect_failures = [var.sns_alarm_topic_arn]
}

run "a_roles_arn_as_permissions_boundary_is_refused" {
  command = plan

  variables {
    permissions_boundary_arn = "arn:aws:iam::123456789012:role/boundary"
  }

  expect_failures = [var.permissions_boundary_arn]
}
