# What orchestrator may do for jobs, type by type: docs/jobs.md says why. Databricks, Airflow and HTTP need the network
# and `job_secret_arns` alone.

locals {
  # arn:aws:states:R:A:stateMachine:NAME -> arn:aws:states:R:A:execution:NAME:*
  job_execution_arns = [for arn in var.step_function_arns : "${replace(arn, ":stateMachine:", ":execution:")}:*"]

  job_permissions = concat(
    [for permission in [
      {
        sid       = "GlueJobs"
        actions   = ["glue:BatchStopJobRun", "glue:GetJob", "glue:GetJobRun", "glue:GetJobRuns", "glue:StartJobRun"]
        resources = var.glue_job_arns
      },
      {
        # Why a run that Glue calls a success failed all the same (`verifyInsights`).
        # https://docs.aws.amazon.com/glue/latest/dg/monitor-job-insights.html
        sid       = "GlueInsights"
        actions   = ["logs:FilterLogEvents"]
        resources = [for group in ["logs-v2", "error"] : "arn:${local.partition}:logs:${local.here}:log-group:/aws-glue/jobs/${group}*:*"]
      },
    ] : permission if var.enable_glue_trigger],
    [for permission in [
      {
        sid = "EmrSteps"
        actions = [
          "elasticmapreduce:AddJobFlowSteps", "elasticmapreduce:CancelSteps",
          "elasticmapreduce:DescribeStep", "elasticmapreduce:ListSteps",
        ]
        resources = var.emr_cluster_arns
      },
    ] : permission if var.enable_emr_trigger],
    [for permission in [
      {
        sid       = "EmrServerlessApplications"
        actions   = ["emr-serverless:ListJobRuns", "emr-serverless:StartJobRun"]
        resources = var.emr_serverless_application_arns
      },
      {
        sid       = "EmrServerlessJobRuns"
        actions   = ["emr-serverless:CancelJobRun", "emr-serverless:GetJobRun"]
        resources = [for arn in var.emr_serverless_application_arns : "${arn}/jobruns/*"]
      },
      {
        sid       = "EmrServerlessRoles"
        actions   = ["iam:PassRole"]
        resources = var.emr_serverless_execution_role_arns
        condition = { StringEquals = { "iam:PassedToService" = ["emr-serverless.amazonaws.com"] } }
      },
    ] : permission if var.enable_emr_serverless_trigger],
    [for permission in [
      {
        sid       = "StartStateMachines"
        actions   = ["states:StartExecution"]
        resources = var.step_function_arns
      },
      {
        sid       = "FollowExecutions"
        actions   = ["states:DescribeExecution", "states:StopExecution"]
        resources = local.job_execution_arns
      },
    ] : permission if var.enable_step_function_trigger],
    [for permission in [
      {
        sid       = "InvokeFunctions"
        actions   = ["lambda:InvokeFunction"]
        resources = var.lambda_function_arns
      },
    ] : permission if var.enable_lambda_trigger],
    [for permission in [
      {
        sid       = "JobSecrets"
        actions   = ["secretsmanager:GetSecretValue"]
        resources = var.job_secret_arns
      },
    ] : permission if length(var.job_secret_arns) > 0],
  )
}
