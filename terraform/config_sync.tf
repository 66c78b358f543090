# config-sync: brings the stored configs in step with the YAML files in the bucket.

module "config_sync" {
  source = "./modules/lambda"

  surroundings = local.surroundings["config_sync"]
  function = {
    name            = local.functions["config_sync"]
    role_name       = local.role_names["config_sync"]
    description     = "Reads the pipelines' YAML; refuses what is wrong in words that say what to change."
    zip             = local.zips["config_sync"]
    timeout_seconds = 900 # the first pass over thousands of files takes minutes
    # Every pass looks at all files: a burst of uploads needs one or two passes, not one for each at once. Lambda keeps
    # throttled events and tries again: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
    reserved_concurrency    = local.concurrency["config_sync"]
    throttled_minutes       = 30
    invocation_failures_arn = local.queue_arns["invocation-failures-dead"]

    environment = merge(local.common_environment, {
      CONTROL_TABLE        = local.tables["control"]
      CONFIG_BUCKET        = local.configs_bucket
      CONFIG_PREFIX        = local.configs_prefix
      SCHEDULER_GROUP_NAME = local.prefix
      SCHEDULER_ROLE_ARN   = local.scheduler_role_arn
      STREAM_ROUTER_ARN    = local.function_arns["stream_router"]
    })

    permissions = concat(local.key_permissions, local.decryption_permissions, [
      {
        sid       = "ReadConfigs"
        actions   = ["s3:GetObject"]
        resources = ["${local.configs_bucket_arn}/${local.configs_prefix}*"]
      },
      {
        sid       = "ListConfigs"
        actions   = ["s3:ListBucket"]
        resources = [local.configs_bucket_arn]
        condition = { StringEquals = { "s3:prefix" = [local.configs_prefix] } }
      },
      {
        sid       = "StoreConfigs"
        actions   = ["dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"]
        resources = [local.table_arns["control"]]
      },
      {
        sid       = "ScheduleFires"
        actions   = ["scheduler:CreateSchedule", "scheduler:DeleteSchedule", "scheduler:UpdateSchedule"]
        resources = [local.schedule_arns]
      },
      local.pass_scheduler_role,
    ])
  }

  depends_on = [terraform_data.zips_are_there, aws_sqs_queue.dead_letters]
}
