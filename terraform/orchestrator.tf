# orchestrator: the state machine's steps, and the runs that the watchdog hands over. What it may do for jobs is in
# orchestrator_jobs.tf.

module "orchestrator" {
  source = "./modules/lambda"

  surroundings = local.surroundings["orchestrator"]
  function = {
    name                    = local.functions["orchestrator"]
    role_name               = local.role_names["orchestrator"]
    description             = "The steps of a run: evaluates its rules, starts its job, sees it through."
    zip                     = local.zips["orchestrator"]
    timeout_seconds         = 900 # of which a synchronous Lambda job may take ten minutes
    reserved_concurrency    = local.concurrency["orchestrator"]
    invocation_failures_arn = local.queue_arns["invocation-failures-dead"]

    environment = merge(
      # First: what is ours cannot be overwritten.
      var.job_environment,
      local.common_environment,
      {
        CONTROL_TABLE     = local.tables["control"]
        JOBLOG_TABLE      = local.tables["joblog"]
        STATE_MACHINE_ARN = local.state_machine_arn
      },
      length(var.allowed_private_cidrs) == 0 ? {} : { ALLOWED_PRIVATE_CIDRS = join(",", var.allowed_private_cidrs) },
      length(var.allowed_commands) == 0 ? {} : { ALLOWED_COMMANDS = join(",", var.allowed_commands) },
    )

    permissions = concat(
      local.key_permissions,
      local.decryption_permissions,
      [
        {
          sid = "MoveRuns"
          actions = [
            "dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem",
          ]
          resources = [local.table_arns["control"]]
        },
        {
          sid       = "ReadAndRecordJobs"
          actions   = ["dynamodb:PutItem", "dynamodb:Query"]
          resources = [local.table_arns["joblog"]]
        },
        {
          sid       = "StartAndWakeWorkflows"
          actions   = ["states:SendTaskFailure", "states:SendTaskSuccess", "states:StartExecution"]
          resources = [local.state_machine_arn]
        },
      ],
      local.job_permissions,
    )
  }

  depends_on = [terraform_data.zips_are_there, aws_sqs_queue.dead_letters]
}
