# What each function gets, shown with one: log group, role, place for failed invocations, two alarms.

mock_provider "aws" {
  source = "./tests/aws"
}

variables {
  function = {
    name            = "prod-interlock-watchdog"
    role_name       = "prod-interlock-watchdog-eu-central-1"
    description     = "Looks."
    zip             = { s3_bucket = "artifacts", s3_key = "watchdog.zip" }
    timeout_seconds = 60
    environment     = { CONTROL_TABLE = "prod-interlock-control" }
    permissions = [{
      sid       = "Read"
      actions   = ["dynamodb:GetItem"]
      resources = ["arn:aws:dynamodb:eu-central-1:123456789012:table/prod-interlock-control"]
    }]
    invocation_failures_arn = "arn:aws:sqs:eu-central-1:123456789012:failures"
  }
  surroundings = {
    account            = "123456789012"
    partition          = "aws"
    region             = "eu-central-1"
    log_retention_days = 14
    subnet_ids         = []
    security_group_ids = []
    alarm_topic_arns   = []
    tags               = { Project = "data-platform" }
  }
}

run "its_log_group_is_made_with_retention_before_lambda_makes_one_without" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  assert {
    condition     = aws_cloudwatch_log_group.this.name == "/aws/lambda/${aws_lambda_function.this.function_name}" && aws_cloudwatch_log_group.this.retention_in_days == 14
    error_message = "Lambda's own log group keeps everything for ever."
  }
}

run "its_role_may_do_what_was_given_log_and_keep_failures_and_nothing_else" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.this.policy).Statement == [
      {
        Sid      = "Read"
        Effect   = "Allow"
        Action   = ["dynamodb:GetItem"]
        Resource = ["arn:aws:dynamodb:eu-central-1:123456789012:table/prod-interlock-control"]
      },
      {
        Sid      = "WriteLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = ["arn:aws:logs:eu-central-1:123456789012:log-group:/aws/lambda/prod-interlock-watchdog:*"]
      },
      {
        Sid      = "KeepFailedInvocations"
        Effect   = "Allow"
        Action   = ["sqs:SendMessage"]
        Resource = ["arn:aws:sqs:eu-central-1:123456789012:failures"]
      },
    ]
    error_message = "No more than that, and no \"*\"."
  }
}

run "it_runs_python_on_arm" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  assert {
    condition     = aws_lambda_function.this.runtime == "python3.13" && aws_lambda_function.this.architectures == tolist(["arm64"])
    error_message = "The zips are built for python3.13 on arm64."
  }
}

run "an_asynchronous_invocation_that_fails_is_kept" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  assert {
    condition = (
      aws_lambda_function_event_invoke_config.this[0].destination_config[0].on_failure[0].destination == var.function.invocation_failures_arn &&
      aws_lambda_function_event_invoke_config.this[0].maximum_retry_attempts == 2
    )
    error_message = "After its retries the payload goes to the queue."
  }
}

run "errors_and_throttles_set_an_alarm_off" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  assert {
    condition = alltrue([
      for alarm in [aws_cloudwatch_metric_alarm.errors, aws_cloudwatch_metric_alarm.throttles] :
      alarm.dimensions == tomap({ FunctionName = "prod-interlock-watchdog" }) && startswith(alarm.alarm_name, "prod-interlock-watchdog-")
    ])
    error_message = "Both alarms look at this function."
  }
}

run "in_a_vpc_it_may_attach_to_it" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  variables {
    surroundings = {
      account            = "123456789012"
      partition          = "aws"
      region             = "eu-central-1"
      log_retention_days = 14
      subnet_ids         = ["subnet-1", "subnet-2"]
      security_group_ids = ["sg-1"]
      alarm_topic_arns   = []
      tags               = { Project = "data-platform" }
    }
  }

  assert {
    condition     = aws_lambda_function.this.vpc_config[0].subnet_ids == toset(["subnet-1", "subnet-2"]) && aws_lambda_function.this.vpc_config[0].security_group_ids == toset(["sg-1"])
    error_message = "The function must be in the subnets, with the security groups."
  }

  assert {
    condition     = contains(flatten(jsondecode(aws_iam_role_policy.vpc[0].policy).Statement[*].Action), "ec2:CreateNetworkInterface")
    error_message = "Without it Lambda refuses the function."
  }
}
