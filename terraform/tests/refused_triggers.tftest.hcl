# Jobs that pipelines may start: each trigger names them, and nothing is opened by mistake.

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

run "a_glue_trigger_without_arns_is_refused" {
  command = plan

  variables {
    enable_glue_trigger = true
  }

  expect_failures = [terraform_data.settings]
}

run "an_arn_of_another_service_in_glue_job_arns_is_refused" {
  command = plan

  variables {
    glue_job_arns = ["arn:aws:lambda:eu-central-1:123456789012:function:nightly"]
  }

  expect_failures = [var.glue_job_arns]
}

run "a_star_in_place_of_glue_job_arns_is_refused" {
  command = plan

  variables {
    glue_job_arns = ["*"]
  }

  expect_failures = [var.glue_job_arns]
}

run "an_emr_trigger_without_arns_is_refused" {
  command = plan

  variables {
    enable_emr_trigger = true
  }

  expect_failures = [terraform_data.settings]
}

run "an_arn_of_another_service_in_emr_cluster_arns_is_refused" {
  command = plan

  variables {
    emr_cluster_arns = ["arn:aws:glue:eu-central-1:123456789012:job/nightly"]
  }

  expect_failures = [var.emr_cluster_arns]
}

run "a_star_in_place_of_emr_cluster_arns_is_refused" {
  command = plan

  variables {
    emr_cluster_arns = ["*"]
  }

  expect_failures = [var.emr_cluster_arns]
}

run "an_emr_serverless_trigger_without_arns_is_refused" {
  command = plan

  variables {
    enable_emr_serverless_trigger = true
  }

  expect_failures = [terraform_data.settings]
}

run "an_emr_serverless_trigger_without_roles_is_refused" {
  command = plan

  variables {
    enable_emr_serverless_trigger   = true
    emr_serverless_application_arns = ["arn:aws:emr-serverless:eu-central-1:123456789012:/applications/00f"]
  }

  expect_failures = [terraform_data.settings]
}

run "an_emr_serverless_trigger_without_applications_is_refused" {
  command = plan

  variables {
    enable_emr_serverless_trigger      = true
    emr_serverless_execution_role_arns = ["arn:aws:iam::123456789012:role/job"]
  }

  expect_failures = [terraform_data.settings]
}

run "an_arn_of_another_service_in_emr_serverless_application_arns_is_refused" {
  command = plan

  variables {
    emr_serverless_application_arns = ["arn:aws:glue:eu-central-1:123456789012:job/nightly"]
  }

  expect_failures = [var.emr_serverless_application_arns]
}

run "a_star_in_place_of_emr_serverless_application_arns_is_refused" {
  command = plan

  variables {
    emr_serverless_application_arns = ["*"]
  }

  expect_failures = [var.emr_serverless_application_arns]
}

run "an_arn_of_another_service_in_emr_serverless_execution_role_arns_is_refused" {
  command = plan

  variables {
    emr_serverless_execution_role_arns = ["arn:aws:glue:eu-central-1:123456789012:job/nightly"]
  }

  expect_failures = [var.emr_serverless_execution_role_arns]
}

run "a_star_in_place_of_emr_serverless_execution_role_arns_is_refused" {
  command = plan

  variables {
    emr_serverless_execution_role_arns = ["*"]
  }

  expect_failures = [var.emr_serverless_execution_role_arns]
}

run "a_step_function_trigger_without_arns_is_refused" {
  command = plan

  variables {
    enable_step_function_trigger = true
  }

  expect_failures = [terraform_data.settings]
}

run "an_arn_of_another_service_in_step_function_arns_is_refused" {
  command = plan

  variables {
    step_function_arns = ["arn:aws:glue:eu-central-1:123456789012:job/nightly"]
  }

  expect_failures = [var.step_function_arns]
}

run "a_star_in_place_of_step_function_arns_is_refused" {
  command = plan

  variables {
    step_function_arns = ["*"]
  }

  expect_failures = [var.step_function_arns]
}

run "a_lambda_trigger_without_arns_is_refused" {
  command = plan

  variables {
    enable_lambda_trigger = true
  }

  expect_failures = [terraform_data.settings]
}

run "an_arn_of_another_service_in_lambda_function_arns_is_refused" {
  command = plan

  variables {
    lambda_function_arns = ["arn:aws:glue:eu-central-1:123456789012:job/nightly"]
  }

  expect_failures = [var.lambda_function_arns]
}

run "a_star_in_place_of_lambda_function_arns_is_refused" {
  command = plan

  variables {
    lambda_function_arns = ["*"]
  }

  expect_failures = [var.lambda_function_arns]
}

run "a_role_with_a_star_for_emr_serverless_is_refused" {
  command = plan

  variables {
    emr_serverless_execution_role_arns = ["arn:aws:iam::123456789012:role/*"]
  }

  expect_failures = [var.emr_serverless_execution_role_arns]
}

run "a_star_for_the_job_secrets_is_refused" {
  command = plan

  variables {
    job_secret_arns = ["*"]
  }

  expect_failures = [var.job_secret_arns]
}

run "every_secret_of_the_account_for_jobs_is_refused" {
  command = plan

  variables {
    job_secret_arns = ["arn:aws:secretsmanager:eu-central-1:123456789012:secret:*"]
  }

  expect_failures = [var.job_secret_arns]
}

run "a_job_environment_name_without_interlock_is_refused" {
  command = plan

  variables {
    job_environment = { DATA_BUCKET = "raw" }
  }

  expect_failures = [var.job_environment]
}

run "an_address_that_is_no_range_is_refused" {
  command = plan

  variables {
    allowed_private_cidrs = ["10.20.0.1"]
  }

  expect_failures = [var.allowed_private_cidrs]
}

run "a_star_for_the_commands_is_refused" {
  command = plan

  variables {
    allowed_commands = ["*"]
  }

  expect_failures = [var.allowed_commands]
}

run "a_job_secrets_arn_that_names_nothing_is_refused" {
  command = plan

  variables {
    job_secret_arns = ["arn:aws:secretsmanager:eu-central-1:123456789012:secret:databricks/token"]
  }

  expect_failures = [var.job_secret_arns]
}

run "more_jobs_than_a_roles_policies_can_name_are_refused" {
  command = plan

  variables {
    enable_glue_trigger = true
    glue_job_arns       = [for number in range(200) : "arn:aws:glue:eu-central-1:123456789012:job/job-${number}"]
  }

  expect_failures = [terraform_data.settings]
}

run "more_settings_than_a_function_takes_are_refused" {
  command = plan

  variables {
    job_environment = { for number in range(100) : "INTERLOCK_PLACE_${number}" => "s3://a-bucket/with/a/long/prefix/" }
  }

  expect_failures = [terraform_data.settings]
}
