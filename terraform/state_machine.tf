# The workflow of a run: statemachine/pipeline_run.asl.json, filled with the one function that it calls.

locals {
  workflow_file = "${path.module}/../statemachine/pipeline_run.asl.json"
}

resource "aws_cloudwatch_log_group" "state_machine" {
  #checkov:skip=CKV_AWS_158:Without kms_key_arn a key that AWS owns encrypts it: whether one of the account's own is worth its price is the account's choice.
  #checkov:skip=CKV_AWS_338:log_retention_days says for how long. The audit trail is not the log but the events, kept for events_ttl_days and archived.

  # Under this prefix Step Functions needs no change of the account's resource policy for logs, which has little room.
  # https://docs.aws.amazon.com/step-functions/latest/dg/bp-cwl.html
  name              = "/aws/vendedlogs/states/${local.state_machine_name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = local.key_arn

  tags = local.tags
}

resource "aws_iam_role" "state_machine" {
  name                 = "${local.state_machine_name}-${local.region}"
  description          = "What the workflow ${local.state_machine_name} may do."
  permissions_boundary = var.permissions_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "states.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = { "aws:SourceAccount" = local.account }
        ArnEquals    = { "aws:SourceArn" = local.state_machine_arn }
      }
    }]
  })

  tags = local.tags
}

resource "aws_iam_role_policy" "state_machine" {
  name = "permissions"
  role = aws_iam_role.state_machine.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "TakeSteps"
        Effect   = "Allow"
        Action   = ["lambda:InvokeFunction"]
        Resource = [local.function_arns["orchestrator"]]
      },
      {
        Sid    = "DeliverLogs"
        Effect = "Allow"
        Action = [
          "logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:DescribeLogGroups", "logs:DescribeResourcePolicies",
          "logs:GetLogDelivery", "logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:UpdateLogDelivery",
        ]
        Resource = ["*"] # these know no resources: https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html#cloudwatch-iam-policy
      },
      {
        Sid      = "Trace"
        Effect   = "Allow"
        Action   = ["xray:GetSamplingRules", "xray:GetSamplingTargets", "xray:PutTelemetryRecords", "xray:PutTraceSegments"]
        Resource = ["*"] # nor do these: https://docs.aws.amazon.com/step-functions/latest/dg/xray-iam.html
      },
    ]
  })
}

resource "aws_sfn_state_machine" "pipeline_run" {
  #checkov:skip=CKV_AWS_285:It is logged, but without data: a task token would be in it, and whoever has one can end a run's sleep.

  name     = local.state_machine_name
  type     = "STANDARD"
  role_arn = aws_iam_role.state_machine.arn

  definition = fileexists(local.workflow_file) ? templatefile(local.workflow_file, {
    orchestrator_arn = module.orchestrator.arn
  }) : "{}" # refused in functions.tf

  logging_configuration {
    level                  = "ERROR"
    log_destination        = "${aws_cloudwatch_log_group.state_machine.arn}:*"
    include_execution_data = false
  }

  tracing_configuration {
    enabled = true
  }

  # Encrypted by a key that AWS owns, whatever kms_key_arn says: under one of the account's the event of an execution that
  # breaks off comes without its input, and would not tell whose run it was. An execution holds keys of rows, no readings.
  # https://docs.aws.amazon.com/step-functions/latest/dg/encryption-at-rest.html

  tags = local.tags

  depends_on = [aws_iam_role_policy.state_machine]
}
