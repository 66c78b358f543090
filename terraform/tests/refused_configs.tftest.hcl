# Places from which no pipeline could be read.

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

run "a_bucket_prefix_without_slash_is_refused" {
  command = plan

  variables {
    pipeline_configs = "s3://configs/pipelines"
  }

  expect_failures = [var.pipeline_configs]
}

run "a_bucket_without_prefix_is_refused" {
  command = plan

  variables {
    pipeline_configs = "s3://configs/"
  }

  expect_failures = [var.pipeline_configs]
}

run "a_bucket_name_with_a_capital_is_refused" {
  command = plan

  variables {
    pipeline_configs = "s3://Configs/pipelines/"
  }

  expect_failures = [var.pipeline_configs]
}

run "a_config_folder_that_does_not_exist_is_refused" {
  command = plan

  variables {
    pipeline_configs = "./no-such-folder"
  }

  expect_failures = [var.pipeline_configs]
}

run "a_config_folder_without_yaml_is_refused" {
  command = plan

  variables {
    pipeline_configs = "./tests/aws"
  }

  expect_failures = [var.pipeline_configs]
}

run "a_config_notification_of_another_kind_is_refused" {
  command = plan

  variables {
    config_notification = "sns"
  }

  expect_failures = [var.config_notification]
}

run "a_zips_prefix_without_slash_is_refused" {
  command = plan

  variables {
    lambda_zips = "s3://artifacts/interlock"
  }

  expect_failures = [var.lambda_zips]
}

run "a_config_file_that_is_not_yaml_is_refused" {
  command = plan

  variables {
    pipeline_configs = "./tests/configs/not_yaml"
  }

  expect_failures = [aws_s3_object.config]
}

run "a_config_file_without_pipeline_id_is_refused" {
  command = plan

  variables {
    pipeline_configs = "./tests/configs/no_pipeline_id"
  }

  expect_failures = [aws_s3_object.config]
}

run "two_config_files_with_one_pipeline_id_are_refused" {
  command = plan

  variables {
    pipeline_configs = "./tests/configs/same_pipeline_id"
  }

  expect_failures = [aws_s3_object.config]
}

run "a_zips_folder_without_zips_is_refused" {
  command = plan

  variables {
    lambda_zips = "./tests/configs"
  }

  expect_failures = [terraform_data.zips_are_there]
}

run "a_bucket_that_notifies_a_queue_is_refused" {
  command = plan

  override_data {
    target = data.aws_s3_bucket_notification.present

    values = {
      queue = [{
        id            = "theirs"
        queue_arn     = "arn:aws:sqs:eu-central-1:123456789012:theirs"
        events        = ["s3:ObjectCreated:*"]
        filter_prefix = ""
        filter_suffix = ""
      }]
    }
  }

  expect_failures = [data.aws_s3_bucket_notification.present]
}

run "a_bucket_that_notifies_another_function_is_refused" {
  command = plan

  override_data {
    target = data.aws_s3_bucket_notification.present

    values = {
      lambda_function = [{
        id                  = "theirs"
        lambda_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:staging-interlock-config-sync"
        events              = ["s3:ObjectCreated:*"]
        filter_prefix       = "pipelines/"
        filter_suffix       = ""
      }]
    }
  }

  expect_failures = [data.aws_s3_bucket_notification.present]
}

run "a_bucket_that_sends_its_events_to_eventbridge_is_refused" {
  command = plan

  override_data {
    target = data.aws_s3_bucket_notification.present

    values = {
      eventbridge = true
    }
  }

  expect_failures = [data.aws_s3_bucket_notification.present]
}
