# What the seven functions have in common: where their zips are, what surrounds them, what they are told.

locals {
  zips_in_s3  = var.lambda_zips == null ? false : startswith(var.lambda_zips, "s3://")
  zips_folder = local.zips_in_s3 ? null : trimsuffix(coalesce(var.lambda_zips, "${path.module}/../dist"), "/")
  zips_place  = local.zips_in_s3 ? regex("^s3://([^/]+)/(.*)$", var.lambda_zips) : null

  zips = {
    for name in keys(local.functions) : name => local.zips_in_s3 ? {
      filename  = null
      hash      = null
      s3_bucket = local.zips_place[0]
      s3_key    = "${local.zips_place[1]}${name}.zip"
      } : {
      filename  = "${local.zips_folder}/${name}.zip"
      hash      = try(filebase64sha256("${local.zips_folder}/${name}.zip"), null)
      s3_bucket = null
      s3_key    = null
    }
  }
  missing_zips = local.zips_in_s3 ? [] : [for name in keys(local.functions) : "${name}.zip" if !fileexists("${local.zips_folder}/${name}.zip")]

  surroundings = {
    for name in keys(local.functions) : name => {
      account                  = local.account
      partition                = local.partition
      region                   = local.region
      kms_key_arn              = local.key_arn
      log_retention_days       = var.log_retention_days
      subnet_ids               = contains(var.vpc_functions, name) ? var.vpc_subnet_ids : []
      security_group_ids       = contains(var.vpc_functions, name) ? var.vpc_security_group_ids : []
      permissions_boundary_arn = var.permissions_boundary_arn
      alarm_topic_arns         = local.alarm_topic_arns
      tags                     = local.tags
    }
  }

  concurrency = { for name in keys(local.functions) : name => lookup(merge({ config_sync = 1 }, var.lambda_concurrency), name, -1) }

  common_environment = {
    # The SDK's descriptions of the services we call, without the rest: most of a cold start. src/interlock/local/sdk_models.py
    AWS_DATA_PATH = "$LAMBDA_TASK_ROOT/sdk-models"
  }
}

# Nothing is made while something is missing that no later step could mend.
resource "terraform_data" "zips_are_there" {
  input = local.zips_in_s3 ? var.lambda_zips : "local"

  lifecycle {
    precondition {
      # Terraform copies what stands before the two slashes of a source, and nothing beside it.
      # https://developer.hashicorp.com/terraform/language/modules/sources#modules-in-package-sub-directories
      condition     = fileexists(local.workflow_file)
      error_message = "The module came without the folders beside it (statemachine/, dist/). Its source must name the whole project, and the module's folder after two slashes: \"git::https://...//terraform?ref=<tag>\"; a checkout's by a path from here: \"../interlock/terraform\"."
    }

    precondition {
      condition     = length(local.missing_zips) == 0
      error_message = "lambda_zips: ${join(", ", local.missing_zips)} not found in ${coalesce(local.zips_folder, "-")}. A release's tag carries them: source = \"git::https://...//terraform?ref=<tag>\". In a checkout of anything else `PYTHON=python3.13 ./build.sh` makes them, and lambda_zips = \"<checkout>/dist\" names them."
    }
  }
}
