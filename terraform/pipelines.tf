# Where the pipelines' YAML is: a bucket of the user's, or one made here from a local directory.

locals {
  configs_given_in_s3 = startswith(var.pipeline_configs, "s3://")

  configs_place      = local.configs_given_in_s3 ? regex("^s3://([^/]+)/(.*)$", var.pipeline_configs) : ["${local.prefix}-configs-${local.account}-${local.region}", "pipelines/"]
  configs_bucket     = local.configs_place[0]
  configs_prefix     = local.configs_place[1]
  configs_bucket_arn = "arn:${local.partition}:s3:::${local.configs_bucket}"

  # config-sync judges every file, and refuses with line and path. Here is what Terraform can see before anything changes.
  config_files = local.configs_given_in_s3 ? toset([]) : fileset(var.pipeline_configs, "**/*.{yaml,yml}")
  # Of base64, 4 characters are 3 bytes; those that fill it up are none.
  config_bytes     = { for file in local.config_files : file => floor(length(trim(filebase64("${var.pipeline_configs}/${file}"), "=")) * 3 / 4) }
  config_content   = { for file in local.config_files : file => try(yamldecode(file("${var.pipeline_configs}/${file}")), null) if local.config_bytes[file] <= local.config_most_bytes }
  config_ids       = { for file, content in local.config_content : file => try(tostring(content.pipeline.id), null) }
  config_calendars = { for file, content in local.config_content : file => try(tostring(content.calendar.name), null) }

  config_most_bytes = 256 * 1024 # as config-sync reads
}

resource "aws_s3_bucket" "configs" {
  #checkov:skip=CKV_AWS_18:Access logs need a bucket of the account's to go to; CloudTrail's data events tell the same, and are the account's choice.
  #checkov:skip=CKV_AWS_144:The files are copies of a directory, which Terraform uploads again.
  #checkov:skip=CKV_AWS_145:Without kms_key_arn a key that AWS owns encrypts it: whether one of the account's own is worth its price is the account's choice.

  count = local.configs_given_in_s3 ? 0 : 1

  bucket = local.configs_bucket

  tags = merge(local.tags, { Purpose = "YAML of the pipelines." })
}

resource "aws_s3_bucket_public_access_block" "configs" {
  count = local.configs_given_in_s3 ? 0 : 1

  bucket = aws_s3_bucket.configs[0].id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "configs" {
  count = local.configs_given_in_s3 ? 0 : 1

  bucket = aws_s3_bucket.configs[0].id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm     = local.key_arn == null ? "AES256" : "aws:kms"
      kms_master_key_id = local.key_arn
    }
    bucket_key_enabled = true
  }
}

resource "aws_s3_bucket_versioning" "configs" {
  count = local.configs_given_in_s3 ? 0 : 1

  bucket = aws_s3_bucket.configs[0].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "configs" {
  count = local.configs_given_in_s3 ? 0 : 1

  bucket = aws_s3_bucket.configs[0].id

  rule {
    id     = "old-versions"
    status = "Enabled"

    filter {}

    noncurrent_version_expiration {
      noncurrent_days = 90
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
}

resource "aws_s3_bucket_policy" "configs" {
  count = local.configs_given_in_s3 ? 0 : 1

  bucket = aws_s3_bucket.configs[0].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OnlyEncryptedTransport"
      Effect    = "Deny"
      Principal = "*"
      Action    = ["s3:GetObject", "s3:PutObject"]
      Resource  = "${local.configs_bucket_arn}/*"
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })
}

resource "aws_s3_object" "config" {
  for_each = local.config_files

  bucket       = aws_s3_bucket.configs[0].id
  key          = "${local.configs_prefix}${each.value}"
  source       = "${var.pipeline_configs}/${each.value}"
  source_hash  = filemd5("${var.pipeline_configs}/${each.value}")
  content_type = "application/yaml"

  # An object takes ten tags, all else fifty: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
  tags = length(local.tags) <= 10 ? local.tags : local.own_tags

  override_provider {
    default_tags {
      tags = {}
    }
  }

  # Uploaded when config-sync is told of it, and under the bucket's own rules.
  depends_on = [
    aws_s3_bucket_notification.configs,
    aws_s3_bucket_server_side_encryption_configuration.configs,
    aws_s3_bucket_versioning.configs,
  ]

  lifecycle {
    precondition {
      condition     = local.config_bytes[each.value] <= local.config_most_bytes
      error_message = "${var.pipeline_configs}/${each.value} has ${local.config_bytes[each.value]} bytes: a pipeline's YAML has at most ${local.config_most_bytes}. Is it another kind of file? Move it out of the directory."
    }

    precondition {
      condition     = try(local.config_content[each.value], true) != null
      error_message = "${var.pipeline_configs}/${each.value} is not YAML. Run `interlock validate ${var.pipeline_configs}`: it names every mistake with its line."
    }

    precondition {
      condition     = try(local.config_content[each.value], null) == null ? true : local.config_ids[each.value] != null || local.config_calendars[each.value] != null
      error_message = "${var.pipeline_configs}/${each.value} is neither a pipeline (pipeline.id is missing) nor a calendar (calendar.name). Run `interlock validate ${var.pipeline_configs}`."
    }

    precondition {
      condition     = try(local.config_ids[each.value], null) == null ? true : length([for id in values(local.config_ids) : id if id == local.config_ids[each.value]]) == 1
      error_message = "${var.pipeline_configs}/${each.value}: another file declares the same pipeline.id. Each pipeline has one file; rename or remove one: ${join(", ", [for file, id in local.config_ids : file if id == try(local.config_ids[each.value], null)])}."
    }
  }
}

# A bucket has one set of notifications, and whoever writes it replaces the others'.
data "aws_s3_bucket_notification" "present" {
  count = local.configs_given_in_s3 && var.config_notification == "s3" ? 1 : 0

  bucket = local.configs_bucket

  lifecycle {
    postcondition {
      condition = !self.eventbridge && length(self.queue) == 0 && length(self.topic) == 0 && alltrue([
        for notification in self.lambda_function : notification.lambda_function_arn == local.function_arns["config_sync"]
      ])
      error_message = "The bucket ${local.configs_bucket} already notifies others, and the module would replace that. Set config_notification = \"eventbridge\" if it sends its events to EventBridge, or \"none\": configs are then read every 5 minutes."
    }
  }
}

resource "aws_lambda_permission" "configs" {
  count = var.config_notification == "s3" ? 1 : 0

  statement_id   = "configs"
  action         = "lambda:InvokeFunction"
  function_name  = local.functions["config_sync"]
  principal      = "s3.amazonaws.com"
  source_arn     = local.configs_bucket_arn
  source_account = local.account

  depends_on = [module.config_sync]
}

resource "aws_s3_bucket_notification" "configs" {
  count = local.configs_given_in_s3 && var.config_notification != "s3" ? 0 : (var.config_notification == "none" ? 0 : 1)

  bucket      = local.configs_given_in_s3 ? local.configs_bucket : aws_s3_bucket.configs[0].id
  eventbridge = var.config_notification == "eventbridge"

  dynamic "lambda_function" {
    for_each = var.config_notification == "s3" ? [true] : []

    content {
      id                  = "${local.prefix}-configs"
      lambda_function_arn = module.config_sync.arn
      events              = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]
      filter_prefix       = local.configs_prefix
    }
  }

  depends_on = [
    aws_lambda_permission.configs,
    data.aws_s3_bucket_notification.present,
    # A file that is told of is loaded at once: into a table, into schedules.
    aws_dynamodb_table.this,
    aws_scheduler_schedule_group.this,
    aws_iam_role_policy.scheduler,
  ]
}

resource "aws_cloudwatch_event_rule" "configs" {
  count = var.config_notification == "eventbridge" ? 1 : 0

  name        = "${local.prefix}-configs"
  description = "Changed pipeline configs of Interlock (${var.environment})."

  event_pattern = jsonencode({
    source      = ["aws.s3"]
    detail-type = ["Object Created", "Object Deleted"]
    detail = {
      bucket = { name = [local.configs_bucket] }
      object = { key = [{ prefix = local.configs_prefix }] }
    }
  })

  tags = local.tags
}
