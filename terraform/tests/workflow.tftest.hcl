# The workflow of a run, and what surrounds it.

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

run "the_workflow_is_one_that_can_sleep_for_days" {
  command = plan

  assert {
    condition     = aws_sfn_state_machine.pipeline_run.type == "STANDARD"
    error_message = "An execution sleeps for days: an express workflow ends after five minutes."
  }
}

run "broken_workflows_are_logged_and_traced_without_task_tokens" {
  command = plan

  assert {
    condition = (
      aws_sfn_state_machine.pipeline_run.logging_configuration[0].level == "ERROR" &&
      !aws_sfn_state_machine.pipeline_run.logging_configuration[0].include_execution_data &&
      aws_sfn_state_machine.pipeline_run.tracing_configuration[0].enabled
    )
    error_message = "Who reads a task token in a log can end a run's sleep."
  }
}

run "no_log_is_kept_for_ever_unless_asked" {
  command = plan

  variables {
    log_retention_days = 7
  }

  assert {
    condition     = aws_cloudwatch_log_group.state_machine.retention_in_days == 7
    error_message = "log_retention_days must reach the workflow's log."
  }
}

run "roles_can_be_taken_on_by_one_service_for_this_control_plane_alone" {
  command = plan

  assert {
    condition = one(jsondecode(aws_iam_role.scheduler.assume_role_policy).Statement).Condition == {
      StringEquals = { "aws:SourceAccount" = "123456789012" }
      ArnEquals    = { "aws:SourceArn" = "arn:aws:scheduler:eu-central-1:123456789012:schedule-group/prod-interlock" }
    }
    error_message = "Another account's schedules must not use the role."
  }

  assert {
    condition = one(jsondecode(aws_iam_role.state_machine.assume_role_policy).Statement).Condition == {
      StringEquals = { "aws:SourceAccount" = "123456789012" }
      ArnEquals    = { "aws:SourceArn" = "arn:aws:states:eu-central-1:123456789012:stateMachine:prod-interlock-pipeline-run" }
    }
    error_message = "Another workflow must not use the role."
  }
}

run "a_permissions_boundary_reaches_every_role" {
  command = plan

  variables {
    permissions_boundary_arn = "arn:aws:iam::123456789012:policy/boundary"
  }

  assert {
    condition     = alltrue([for role in [aws_iam_role.scheduler, aws_iam_role.state_machine] : role.permissions_boundary == var.permissions_boundary_arn])
    error_message = "An organisation that asks for a boundary refuses roles without."
  }
}
