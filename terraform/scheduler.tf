# EventBridge Scheduler: the group that config-sync and sla-monitor keep their schedules in, and the role these take on.

resource "aws_scheduler_schedule_group" "this" {
  name = local.prefix

  tags = local.tags
}

resource "aws_iam_role" "scheduler" {
  name                 = local.scheduler_role_name
  description          = "What the schedules of ${local.prefix} may do."
  permissions_boundary = var.permissions_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "scheduler.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = { "aws:SourceAccount" = local.account }
        ArnEquals    = { "aws:SourceArn" = local.schedule_group_arn }
      }
    }]
  })

  tags = local.tags
}

resource "aws_iam_role_policy" "scheduler" {
  name = "permissions"
  role = aws_iam_role.scheduler.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "FireCronsAndSlas"
      Effect   = "Allow"
      Action   = ["lambda:InvokeFunction"]
      Resource = [local.function_arns["stream_router"], local.function_arns["sla_monitor"]]
    }]
  })
}

locals {
  # Whoever makes a schedule gives it the role.
  # https://docs.aws.amazon.com/scheduler/latest/UserGuide/setting-up.html#setting-up-execution-role
  pass_scheduler_role = {
    sid       = "GiveSchedulesTheirRole"
    actions   = ["iam:PassRole"]
    resources = [local.scheduler_role_arn]
    condition = { StringEquals = { "iam:PassedToService" = ["scheduler.amazonaws.com"] } }
  }
}
