# What plans cleanly, but does nothing alone: a plan warns of it.

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

run "arns_whose_trigger_is_off_are_warned_of" {
  command = plan

  variables {
    glue_job_arns                   = ["arn:aws:glue:eu-central-1:123456789012:job/etl"]
    emr_cluster_arns                = ["arn:aws:elasticmapreduce:eu-central-1:123456789012:cluster/j-1"]
    emr_serverless_application_arns = ["arn:aws:emr-serverless:eu-central-1:123456789012:/applications/00f"]
    step_function_arns              = ["arn:aws:states:eu-central-1:123456789012:stateMachine:load"]
    lambda_function_arns            = ["arn:aws:lambda:eu-central-1:123456789012:function:report"]
  }

  assert {
    condition     = length(local.without_effect) == 5
    error_message = "Each list is named with what it needs."
  }

  assert {
    condition     = local.without_effect[0] == "glue_job_arns does nothing without enable_glue_trigger = true"
    error_message = "The warning says what to set."
  }

  expect_failures = [check.every_setting_has_an_effect]
}

run "private_addresses_that_nothing_reaches_are_warned_of" {
  command = plan

  variables {
    allowed_private_cidrs  = ["10.20.0.0/16"]
    vpc_subnet_ids         = ["subnet-1", "subnet-2"]
    vpc_security_group_ids = ["sg-1"]
    vpc_functions          = ["watchdog"]
  }

  expect_failures = [check.every_setting_has_an_effect]
}

run "private_addresses_that_orchestrator_reaches_are_not" {
  command = plan

  variables {
    allowed_private_cidrs  = ["10.20.0.0/16"]
    vpc_subnet_ids         = ["subnet-1", "subnet-2"]
    vpc_security_group_ids = ["sg-1"]
  }

  assert {
    condition     = length(local.without_effect) == 0
    error_message = "Both are given."
  }
}
