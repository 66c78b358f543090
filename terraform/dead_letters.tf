# Where what could not be delivered waits, with its content, until somebody has `interlock redrive` put it back.

locals {
  failures_bucket     = "${local.prefix}-failures-${local.account}-${local.region}"
  failures_bucket_arn = "arn:${local.partition}:s3:::${local.failures_bucket}"

  dead_letter_queues = {
    "alerts-dead"              = "Alerts that the channel did not take in twenty tries: people have not been told."
    "stream-failures-dead"     = "Failed batches of stream records that no retry helped: their objects in the failures bucket."
    "rule-failures-dead"       = "Events that EventBridge could not deliver to the target of a rule."
    "invocation-failures-dead" = "Asynchronous invocations that failed at every try."
  }
  queue_arns = {
    for name in concat(keys(local.dead_letter_queues), ["alerts"]) : name => "arn:${local.partition}:sqs:${local.here}:${local.prefix}-${name}"
  }
}

resource "aws_sqs_queue" "dead_letters" {
  for_each = local.dead_letter_queues

  name                      = "${local.prefix}-${each.key}"
  message_retention_seconds = 14 * 24 * 60 * 60 # the most SQS allows
  # Also the most, four times what the provider takes by default: a failed invocation is kept with its whole event.
  # https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
  max_message_size = 1024 * 1024

  kms_master_key_id       = local.key_arn
  sqs_managed_sse_enabled = local.key_arn == null ? true : null

  tags = merge(local.tags, { Purpose = each.value })
}

resource "aws_sqs_queue_redrive_allow_policy" "alerts_dead" {
  queue_url = aws_sqs_queue.dead_letters["alerts-dead"].id

  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [local.queue_arns["alerts"]]
  })
}

resource "aws_sqs_queue_policy" "rule_failures" {
  queue_url = aws_sqs_queue.dead_letters["rule-failures-dead"].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "FromOurRulesAndBus"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = local.queue_arns["rule-failures-dead"]
        # The bus has dead letters of its own only under a key (event_bus.tf).
        Condition = { ArnEquals = { "aws:SourceArn" = concat(values(local.rule_arns), local.key_arn == null ? [] : [local.bus_arn]) } }
      },
      local.encrypted_transport_only["rule-failures-dead"],
    ]
  })
}

resource "aws_sqs_queue_policy" "stream_failures" {
  queue_url = aws_sqs_queue.dead_letters["stream-failures-dead"].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "FromTheRule"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = local.queue_arns["stream-failures-dead"]
        Condition = { ArnEquals = { "aws:SourceArn" = [local.rule_arns["failures"]] } }
      },
      local.encrypted_transport_only["stream-failures-dead"],
    ]
  })
}

resource "aws_sqs_queue_policy" "only_encrypted" {
  for_each = toset(["alerts-dead", "invocation-failures-dead"])

  queue_url = aws_sqs_queue.dead_letters[each.key].id

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [local.encrypted_transport_only[each.key]]
  })
}

locals {
  # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-security-best-practices.html
  encrypted_transport_only = {
    for name, arn in local.queue_arns : name => {
      Sid       = "OnlyEncryptedTransport"
      Effect    = "Deny"
      Principal = "*"
      Action    = "sqs:SendMessage"
      Resource  = arn
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }
  }
}

# A destination in S3 gets the records themselves, one in SQS only their numbers, which mean nothing after a day.
# https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
resource "aws_s3_bucket" "failures" {
  #checkov:skip=CKV_AWS_18:Access logs need a bucket of the account's to go to; CloudTrail's data events tell the same, and are the account's choice.
  #checkov:skip=CKV_AWS_144:What is in it concerns the tables of this region, and expires after 30 days.
  #checkov:skip=CKV_AWS_145:Without kms_key_arn a key that AWS owns encrypts it: whether one of the account's own is worth its price is the account's choice.

  bucket = local.failures_bucket

  tags = merge(local.tags, { Purpose = "Batches of stream records that no retry helped." })
}

resource "aws_s3_bucket_public_access_block" "failures" {
  bucket = aws_s3_bucket.failures.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "failures" {
  bucket = aws_s3_bucket.failures.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm     = local.key_arn == null ? "AES256" : "aws:kms"
      kms_master_key_id = local.key_arn
    }
    bucket_key_enabled = true
  }
}

resource "aws_s3_bucket_versioning" "failures" {
  bucket = aws_s3_bucket.failures.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "failures" {
  bucket = aws_s3_bucket.failures.id

  rule {
    id     = "after-the-queue"
    status = "Enabled"

    filter {}

    # The queue forgets after 14 days; somebody may want to look at the content for longer.
    expiration {
      days = 30
    }
    noncurrent_version_expiration {
      noncurrent_days = 30
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
}

resource "aws_s3_bucket_policy" "failures" {
  bucket = aws_s3_bucket.failures.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OnlyEncryptedTransport"
      Effect    = "Deny"
      Principal = "*"
      Action    = ["s3:GetObject", "s3:PutObject"]
      Resource  = "${local.failures_bucket_arn}/*"
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })
}

# To the queue by way of EventBridge. A queue that S3 notifies itself begins with a test message, which would set the queue's
# alarm off; EventBridge gets events of objects alone.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-to-enable-disable-notification-intro.html
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventBridge.html
resource "aws_s3_bucket_notification" "failures" {
  bucket = aws_s3_bucket.failures.id

  eventbridge = true

  # What is told while nobody listens is not told again.
  depends_on = [aws_cloudwatch_event_target.this["failures"]]
}

resource "aws_cloudwatch_event_rule" "failures" {
  name        = local.rule_names["failures"]
  description = "Batches of stream records that no retry helped (Interlock, ${var.environment}): what waits to be redriven."

  event_pattern = jsonencode({
    source      = ["aws.s3"]
    detail-type = ["Object Created"]
    detail      = { bucket = { name = [local.failures_bucket] } }
  })

  tags = local.tags
}
