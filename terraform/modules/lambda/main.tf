# A function with what each of ours has: its log group, its own role, a place for invocations that failed, two alarms.

locals {
  in_vpc = length(var.surroundings.subnet_ids) > 0

  log_group_name = "/aws/lambda/${var.function.name}"
  here           = "${var.surroundings.region}:${var.surroundings.account}"

  permissions = concat(
    var.function.permissions,
    [{
      sid       = "WriteLogs"
      actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      resources = ["arn:${var.surroundings.partition}:logs:${local.here}:log-group:${local.log_group_name}:*"]
      condition = null
    }],
    [for arn in [var.function.invocation_failures_arn] : {
      sid       = "KeepFailedInvocations"
      actions   = ["sqs:SendMessage"]
      resources = [arn]
      condition = null
    } if arn != null],
  )
}

resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_158:Without kms_key_arn a key that AWS owns encrypts it: whether one of the account's own is worth its price is the account's choice.
  #checkov:skip=CKV_AWS_338:log_retention_days says for how long. The audit trail is not the log but the events, kept for events_ttl_days and archived.

  name              = local.log_group_name
  retention_in_days = var.surroundings.log_retention_days
  kms_key_id        = var.surroundings.kms_key_arn

  tags = var.surroundings.tags
}

resource "aws_iam_role" "this" {
  name                 = var.function.role_name
  description          = "What ${var.function.name} may do."
  permissions_boundary = var.surroundings.permissions_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })

  tags = var.surroundings.tags
}

resource "aws_iam_role_policy" "this" {
  name = "permissions"
  role = aws_iam_role.this.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      for permission in local.permissions : merge(
        {
          Sid      = permission.sid
          Effect   = "Allow"
          Action   = permission.actions
          Resource = permission.resources
        },
        permission.condition == null ? {} : { Condition = permission.condition },
      )
    ]
  })
}

# Apart from the others, so that what checkov overlooks here it sees there.
resource "aws_iam_role_policy" "vpc" {
  #checkov:skip=CKV_AWS_290:These know no finer resource when Lambda calls them.
  #checkov:skip=CKV_AWS_355:These know no finer resource when Lambda calls them.

  count = local.in_vpc ? 1 : 0

  name = "vpc"
  role = aws_iam_role.this.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid    = "AttachToVpc"
      Effect = "Allow"
      Action = [
        "ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses",
      ]
      # As in AWS's own AWSLambdaVPCAccessExecutionRole.
      # https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
      Resource = ["*"]
    }]
  })
}

resource "aws_lambda_function" "this" {
  #checkov:skip=CKV_AWS_50:The workflow's trace shows its invocations. A function's own would cost it the right to write traces on any resource.
  #checkov:skip=CKV_AWS_116:What fails at every try goes to the destinations of the invoke config below and of the event sources, which keep more than this queue would.
  #checkov:skip=CKV_AWS_117:Only those in vpc_functions have private addresses to reach. In a VPC each would need a NAT gateway, or endpoints, to reach AWS.
  #checkov:skip=CKV_AWS_272:A signing profile is the account's own. build.sh makes the same bytes anywhere, so the zips' sha256 can be compared.

  function_name = var.function.name
  description   = var.function.description
  role          = aws_iam_role.this.arn

  filename         = var.function.zip.filename
  source_code_hash = var.function.zip.hash
  s3_bucket        = var.function.zip.s3_bucket
  s3_key           = var.function.zip.s3_key

  runtime       = "python3.13"
  architectures = ["arm64"]
  handler       = "handler.handler"
  memory_size   = 256
  timeout       = var.function.timeout_seconds

  reserved_concurrent_executions = var.function.reserved_concurrency
  kms_key_arn                    = var.surroundings.kms_key_arn

  environment {
    variables = var.function.environment
  }

  dynamic "vpc_config" {
    for_each = local.in_vpc ? [true] : []

    content {
      subnet_ids         = var.surroundings.subnet_ids
      security_group_ids = var.surroundings.security_group_ids
    }
  }

  tags = var.surroundings.tags

  # Lambda makes a log group without retention when there is none, and takes the role's permissions as they are then.
  depends_on = [aws_cloudwatch_log_group.this, aws_iam_role_policy.this, aws_iam_role_policy.vpc]
}

resource "aws_lambda_function_event_invoke_config" "this" {
  count = var.function.invocation_failures_arn == null ? 0 : 1

  function_name                = aws_lambda_function.this.function_name
  maximum_event_age_in_seconds = 6 * 60 * 60
  maximum_retry_attempts       = 2

  destination_config {
    on_failure {
      destination = var.function.invocation_failures_arn
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "errors" {
  alarm_name        = "${var.function.name}-errors"
  alarm_description = "${var.function.name} failed in 3 of 5 minutes: single errors are tried again, these go on. Its log says why: `aws logs tail ${local.log_group_name} --since 15m`. After an upgrade: go back."

  namespace   = "AWS/Lambda"
  metric_name = "Errors"
  dimensions  = { FunctionName = var.function.name }
  statistic   = "Sum"

  period              = 60
  evaluation_periods  = 5
  datapoints_to_alarm = 3
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"

  alarm_actions = var.surroundings.alarm_topic_arns
  ok_actions    = var.surroundings.alarm_topic_arns

  tags = var.surroundings.tags
}

resource "aws_cloudwatch_metric_alarm" "throttles" {
  alarm_name        = "${var.function.name}-throttles"
  alarm_description = "${var.function.name} was refused capacity for ${var.function.throttled_minutes} minutes: its reserved concurrency, or the account's, is used up. Nothing is lost, it is late. Raise lambda_concurrency or the account's quota, if it does not pass."

  namespace   = "AWS/Lambda"
  metric_name = "Throttles"
  dimensions  = { FunctionName = var.function.name }
  statistic   = "Sum"

  period              = 60
  evaluation_periods  = var.function.throttled_minutes
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"

  alarm_actions = var.surroundings.alarm_topic_arns
  ok_actions    = var.surroundings.alarm_topic_arns

  tags = var.surroundings.tags
}
