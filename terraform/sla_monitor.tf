# sla-monitor: has Scheduler wake it at the very second of an SLA's warning or deadline.

module "sla_monitor" {
  source = "./modules/lambda"

  surroundings = local.surroundings["sla_monitor"]
  function = {
    name                    = local.functions["sla_monitor"]
    role_name               = local.role_names["sla_monitor"]
    description             = "Creates, fires and cancels the one-shot schedules of SLAs."
    zip                     = local.zips["sla_monitor"]
    timeout_seconds         = 60
    reserved_concurrency    = local.concurrency["sla_monitor"]
    invocation_failures_arn = local.queue_arns["invocation-failures-dead"]

    environment = merge(local.common_environment, {
      CONTROL_TABLE        = local.tables["control"]
      SCHEDULER_GROUP_NAME = local.prefix
      SCHEDULER_ROLE_ARN   = local.scheduler_role_arn
      SLA_MONITOR_ARN      = local.function_arns["sla_monitor"]
    })

    permissions = concat(local.key_permissions, [
      {
        sid       = "JudgeSlas"
        actions   = ["dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"]
        resources = [local.table_arns["control"]]
      },
      {
        sid       = "MirrorDeadlines"
        actions   = ["scheduler:CreateSchedule", "scheduler:DeleteSchedule", "scheduler:UpdateSchedule"]
        resources = [local.schedule_arns]
      },
      local.pass_scheduler_role,
    ])
  }

  depends_on = [terraform_data.zips_are_there, aws_sqs_queue.dead_letters]
}
