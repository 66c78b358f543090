# Settings that do nothing without a second one. They plan cleanly, and are missed when the first job is refused: a plan warns.

locals {
  without_effect = [for each in [
    { given = var.glue_job_arns, name = "glue_job_arns", needs = "enable_glue_trigger = true", has = var.enable_glue_trigger },
    { given = var.emr_cluster_arns, name = "emr_cluster_arns", needs = "enable_emr_trigger = true", has = var.enable_emr_trigger },
    { given = var.emr_serverless_application_arns, name = "emr_serverless_application_arns", needs = "enable_emr_serverless_trigger = true", has = var.enable_emr_serverless_trigger },
    { given = var.step_function_arns, name = "step_function_arns", needs = "enable_step_function_trigger = true", has = var.enable_step_function_trigger },
    { given = var.lambda_function_arns, name = "lambda_function_arns", needs = "enable_lambda_trigger = true", has = var.enable_lambda_trigger },
    { given = var.allowed_private_cidrs, name = "allowed_private_cidrs", needs = "vpc_subnet_ids (of orchestrator)", has = length(var.vpc_subnet_ids) > 0 && contains(var.vpc_functions, "orchestrator") },
  ] : "${each.name} does nothing without ${each.needs}" if length(each.given) > 0 && !each.has]
}

check "every_setting_has_an_effect" {
  assert {
    condition     = length(local.without_effect) == 0
    error_message = "${join("; ", local.without_effect)}: jobs that need it are refused. Set both, or leave both out."
  }
}
