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
