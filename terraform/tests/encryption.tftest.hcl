# Everything is encrypted: with keys that AWS owns, or all of it with the one that was given.

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

run "without_a_key_queues_use_one_that_eventbridge_can_use" {
  command = plan

  assert {
    condition = alltrue([
      for queue in concat(values(aws_sqs_queue.dead_letters), [aws_sqs_queue.alerts]) :
      queue.sqs_managed_sse_enabled && queue.kms_master_key_id == null
    ])
    error_message = "SQS's own key, never alias/aws/sqs: EventBridge cannot use that one."
  }
}

run "without_a_key_buckets_and_tables_use_those_that_aws_owns" {
  command = plan

  variables {
    pipeline_configs = "./tests/configs/good"
  }

  assert {
    condition     = alltrue([for table in aws_dynamodb_table.this : !table.server_side_encryption[0].enabled])
    error_message = "Not enabled means a key that AWS owns, at no cost; enabled without ARN would mean one that costs."
  }

  assert {
    condition = alltrue([
      for bucket in [aws_s3_bucket_server_side_encryption_configuration.failures, aws_s3_bucket_server_side_encryption_configuration.configs[0]] :
      one(bucket.rule).apply_server_side_encryption_by_default[0].sse_algorithm == "AES256"
    ])
    error_message = "Buckets are encrypted with S3's own keys."
  }
}

run "a_key_encrypts_tables_queues_buckets_logs_bus_archive_and_secret" {
  command = plan

  variables {
    kms_key_arn      = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    pipeline_configs = "./tests/configs/good"
  }

  assert {
    condition = alltrue([
      for table in aws_dynamodb_table.this : table.server_side_encryption[0].enabled && table.server_side_encryption[0].kms_key_arn == var.kms_key_arn
    ])
    error_message = "Every table must be under the key."
  }

  assert {
    condition     = alltrue([for queue in concat(values(aws_sqs_queue.dead_letters), [aws_sqs_queue.alerts]) : queue.kms_master_key_id == var.kms_key_arn])
    error_message = "Every queue must be under the key."
  }

  assert {
    condition = alltrue([
      for bucket in [aws_s3_bucket_server_side_encryption_configuration.failures, aws_s3_bucket_server_side_encryption_configuration.configs[0]] :
      one(bucket.rule).apply_server_side_encryption_by_default[0].kms_master_key_id == var.kms_key_arn
    ])
    error_message = "Both buckets must be under the key."
  }

  assert {
    condition = (
      aws_cloudwatch_event_bus.this.kms_key_identifier == var.kms_key_arn &&
      aws_cloudwatch_event_archive.this.kms_key_identifier == var.kms_key_arn &&
      aws_secretsmanager_secret.slack[0].kms_key_id == var.kms_key_arn &&
      aws_cloudwatch_log_group.state_machine.kms_key_id == var.kms_key_arn
    )
    error_message = "Bus, archive, secret and log group must be under the key."
  }

  assert {
    condition     = toset(flatten([for statement in jsondecode(output.kms_key_policy_statements) : statement.Principal.Service])) == toset(["events.amazonaws.com", "logs.eu-central-1.amazonaws.com"])
    error_message = "The key's owner must be told which services its policy must let in."
  }
}

run "a_workflow_that_breaks_off_tells_its_input_with_a_key_too" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  }

  assert {
    condition     = !strcontains(aws_iam_role_policy.state_machine.policy, "kms:") && length(try(aws_sfn_state_machine.pipeline_run.encryption_configuration, [])) == 0
    error_message = "Under a key of the account's Step Functions leaves the input out of its events: nobody would learn whose run it was."
  }
}
