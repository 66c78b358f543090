# What settings say of each other: a validation of a variable may look at the others only from Terraform 1.9 on.
# https://developer.hashicorp.com/terraform/language/validate

resource "terraform_data" "settings" {
  lifecycle {
    precondition {
      condition     = var.webhook_secret_arn == null || (var.slack_channel_id == null && var.slack_secret_arn == null)
      error_message = "webhook_secret_arn is given beside slack_channel_id or slack_secret_arn: alerts go to one channel; leave out one of them."
    }

    precondition {
      condition     = !var.enable_glue_trigger || length(var.glue_job_arns) > 0
      error_message = "enable_glue_trigger is true, but glue_job_arns is empty: name the jobs that pipelines may start, like [\"arn:aws:glue:REGION:ACCOUNT:job/etl-*\"]."
    }

    precondition {
      condition     = !var.enable_emr_trigger || length(var.emr_cluster_arns) > 0
      error_message = "enable_emr_trigger is true, but emr_cluster_arns is empty: name the clusters that pipelines may use, like [\"arn:aws:elasticmapreduce:REGION:ACCOUNT:cluster/j-ID\"]."
    }

    precondition {
      condition     = !var.enable_emr_serverless_trigger || (length(var.emr_serverless_application_arns) > 0 && length(var.emr_serverless_execution_role_arns) > 0)
      error_message = "enable_emr_serverless_trigger is true, but emr_serverless_application_arns or emr_serverless_execution_role_arns is empty: name the applications, and the roles that their job runs take on."
    }

    precondition {
      condition     = !var.enable_step_function_trigger || length(var.step_function_arns) > 0
      error_message = "enable_step_function_trigger is true, but step_function_arns is empty: name the state machines that pipelines may start, like [\"arn:aws:states:REGION:ACCOUNT:stateMachine:NAME\"]."
    }

    precondition {
      condition     = !var.enable_lambda_trigger || length(var.lambda_function_arns) > 0
      error_message = "enable_lambda_trigger is true, but lambda_function_arns is empty: name the functions that pipelines may invoke, like [\"arn:aws:lambda:REGION:ACCOUNT:function:NAME\"]."
    }

    precondition {
      # Of 10,240 in all policies of a role: what orchestrator may do for itself takes the rest.
      # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
      condition     = length(jsonencode([local.job_permissions, var.decryption_key_arns])) <= 7500
      error_message = "glue_job_arns and its like name too much for one role: IAM takes 10,240 characters in all of its policies. Name many by one pattern, like \"arn:aws:glue:REGION:ACCOUNT:job/etl-*\"."
    }

    precondition {
      # Of 4,096 for all settings of a function: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
      condition     = length(jsonencode([var.job_environment, var.allowed_private_cidrs, var.allowed_commands])) <= 3000
      error_message = "job_environment and allowed_private_cidrs and allowed_commands have more than 3,000 characters: Lambda takes 4,096 for all settings of a function. Keep what is large in S3, and name its place."
    }

    precondition {
      condition     = (length(var.vpc_subnet_ids) > 0) == (length(var.vpc_security_group_ids) > 0)
      error_message = "vpc_subnet_ids and vpc_security_group_ids belong together: give both, or neither."
    }
  }
}
