# Where pipelines' YAML may be, and how a changed file is noticed.

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

run "the_bucket_tells_config_sync_of_every_changed_file" {
  command = plan

  assert {
    condition = (
      one(aws_s3_bucket_notification.configs[0].lambda_function).filter_prefix == "pipelines/" &&
      toset(one(aws_s3_bucket_notification.configs[0].lambda_function).events) == toset(["s3:ObjectCreated:*", "s3:ObjectRemoved:*"])
    )
    error_message = "The bucket's notification must tell of files written and removed below the prefix, and of no others."
  }

  assert {
    condition = (
      aws_lambda_permission.configs[0].source_arn == "arn:aws:s3:::configs" &&
      aws_lambda_permission.configs[0].source_account == "123456789012"
    )
    error_message = "Only this bucket, of this account, may invoke config-sync: bucket names go to whoever asks next."
  }

  assert {
    condition     = length(aws_s3_bucket.configs) == 0 && length(aws_cloudwatch_event_rule.configs) == 0
    error_message = "A bucket of the user's needs neither a bucket of the module's nor a rule."
  }
}

run "a_second_plan_takes_the_modules_own_notification_for_its_own" {
  command = plan

  override_data {
    target = data.aws_s3_bucket_notification.present

    values = {
      lambda_function = [{
        id                  = "prod-interlock-configs"
        lambda_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:prod-interlock-config-sync"
        events              = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]
        filter_prefix       = "pipelines/"
        filter_suffix       = ""
      }]
    }
  }

  assert {
    condition     = length(aws_s3_bucket_notification.configs) == 1
    error_message = "The notification stays."
  }
}

run "eventbridge_tells_of_changed_files_where_the_bucket_sends_its_events_there" {
  command = plan

  variables {
    config_notification = "eventbridge"
  }

  assert {
    condition = jsondecode(aws_cloudwatch_event_rule.configs[0].event_pattern) == {
      source      = ["aws.s3"]
      detail-type = ["Object Created", "Object Deleted"]
      detail = {
        bucket = { name = ["configs"] }
        object = { key = [{ prefix = "pipelines/" }] }
      }
    }
    error_message = "The rule must match files that come and files that go, below the prefix of the one bucket."
  }

  assert {
    condition     = aws_cloudwatch_event_target.this["configs"].rule == aws_cloudwatch_event_rule.configs[0].name
    error_message = "The rule needs its target."
  }

  assert {
    condition     = length(aws_s3_bucket_notification.configs) == 0 && length(data.aws_s3_bucket_notification.present) == 0
    error_message = "The bucket's notifications are the user's: they must be left alone."
  }
}

run "without_notification_the_bucket_is_left_alone" {
  command = plan

  variables {
    config_notification = "none"
  }

  assert {
    condition = (
      length(aws_s3_bucket_notification.configs) == 0 &&
      length(aws_lambda_permission.configs) == 0 &&
      length(aws_cloudwatch_event_rule.configs) == 0
    )
    error_message = "Nothing may be asked of the bucket."
  }
}

run "a_local_directory_is_uploaded_into_a_bucket_of_the_modules" {
  command = plan

  variables {
    pipeline_configs = "./tests/configs/good"
  }

  assert {
    condition     = toset([for object in aws_s3_object.config : object.key]) == toset(["pipelines/orders.yaml", "pipelines/calendars/finance-month-ends.yaml"])
    error_message = "Every YAML file must be uploaded below pipelines/, calendars included."
  }

  assert {
    condition     = aws_s3_bucket.configs[0].bucket == "prod-interlock-configs-123456789012-eu-central-1"
    error_message = "The bucket's name must be this account's and region's own."
  }

  assert {
    condition = (
      aws_s3_bucket_public_access_block.configs[0].block_public_acls &&
      aws_s3_bucket_public_access_block.configs[0].block_public_policy &&
      aws_s3_bucket_public_access_block.configs[0].ignore_public_acls &&
      aws_s3_bucket_public_access_block.configs[0].restrict_public_buckets &&
      aws_s3_bucket_versioning.configs[0].versioning_configuration[0].status == "Enabled"
    )
    error_message = "Nobody outside reads the configs, and an overwritten one can be brought back."
  }
}

run "a_slash_at_the_end_of_a_local_directory_changes_nothing" {
  command = plan

  variables {
    pipeline_configs = "./tests/configs/good/"
  }

  assert {
    condition     = contains([for object in aws_s3_object.config : object.key], "pipelines/orders.yaml")
    error_message = "The keys are the same with and without the slash."
  }
}

run "an_uploaded_directory_can_be_noticed_by_eventbridge_too" {
  command = plan

  variables {
    pipeline_configs    = "./tests/configs/good"
    config_notification = "eventbridge"
  }

  assert {
    condition     = aws_s3_bucket_notification.configs[0].eventbridge
    error_message = "The module's own bucket must send its events to EventBridge."
  }
}
