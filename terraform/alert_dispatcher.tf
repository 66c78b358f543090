# alert-dispatcher: what people must know, from the queue to Slack or a webhook.

locals {
  alert_channel = var.webhook_secret_arn != null ? "webhook" : "slack"
  # Nobody is told while there is no channel: the rule is off, and alerts do not pile up.
  alerts_have_a_channel = var.slack_channel_id != null || var.webhook_secret_arn != null

  own_alert_secret = var.webhook_secret_arn == null && var.slack_secret_arn == null
  alert_secret_arn = local.own_alert_secret ? aws_secretsmanager_secret.slack[0].arn : coalesce(var.webhook_secret_arn, var.slack_secret_arn)
}

check "alerts_have_a_channel" {
  assert {
    condition     = local.alerts_have_a_channel
    error_message = "No alert channel: set slack_channel_id (or webhook_secret_arn), or nobody hears of failures, SLA breaches and missed schedules. Events are kept all the same."
  }
}

# Without a value, so that no token is ever in Terraform's state: docs/deploy.md says how it gets there.
resource "aws_secretsmanager_secret" "slack" {
  #checkov:skip=CKV2_AWS_57:A bot's token is rotated by people, at Slack: docs/deploy.md. The new one is read within a minute.
  #checkov:skip=CKV_AWS_149:Without kms_key_arn a key that AWS owns encrypts it: whether one of the account's own is worth its price is the account's choice.

  count = local.own_alert_secret ? 1 : 0

  name        = "${local.prefix}/slack"
  description = "Token of the Slack bot that tells the alerts of Interlock (${var.environment})."
  kms_key_id  = local.key_arn

  # Slack shows the token again; a name that waits for its recovery would be refused to the next apply, for weeks.
  recovery_window_in_days = 0

  tags = local.tags
}

resource "aws_sqs_queue" "alerts" {
  name = "${local.prefix}-alerts"
  # Not less than its function's time-out, or Lambda refuses the mapping; and after a crash the claim on the thread
  # (90 s) has lapsed when the message comes back. https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
  visibility_timeout_seconds = 90
  message_retention_seconds  = 14 * 24 * 60 * 60
  max_message_size           = 1024 * 1024 # the most SQS allows, four times what the provider takes by default

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters["alerts-dead"].arn
    maxReceiveCount     = 20 # with growing pauses: hours of a channel that is down
  })

  # EventBridge cannot use the key that AWS manages for SQS; it can this, and a key of the user's whose policy allows it.
  # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-troubleshooting.html#eb-sqs-encrypted
  kms_master_key_id       = local.key_arn
  sqs_managed_sse_enabled = local.key_arn == null ? true : null

  tags = local.tags
}

resource "aws_sqs_queue_policy" "alerts" {
  queue_url = aws_sqs_queue.alerts.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "FromTheRules"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = local.queue_arns["alerts"]
        Condition = { ArnEquals = { "aws:SourceArn" = [local.rule_arns["alerts"], local.rule_arns["alarms-told"]] } }
      },
      local.encrypted_transport_only["alerts"],
    ]
  })
}

module "alert_dispatcher" {
  source = "./modules/lambda"

  surroundings = local.surroundings["alert_dispatcher"]
  function = {
    name                 = local.functions["alert_dispatcher"]
    role_name            = local.role_names["alert_dispatcher"]
    description          = "Tells people, one thread a run."
    zip                  = local.zips["alert_dispatcher"]
    timeout_seconds      = 60
    reserved_concurrency = local.concurrency["alert_dispatcher"]

    environment = merge(
      local.common_environment,
      {
        EVENTS_TABLE     = local.tables["events"]
        EVENTS_TTL_DAYS  = tostring(var.events_ttl_days)
        ALERT_QUEUE_URL  = aws_sqs_queue.alerts.url
        ALERT_CHANNEL    = local.alert_channel
        ALERT_SECRET_ARN = local.alert_secret_arn
        SLACK_API_URL    = var.slack_api_url
      },
      var.slack_channel_id == null ? {} : { SLACK_CHANNEL_ID = var.slack_channel_id },
    )

    permissions = concat(local.key_permissions, local.decryption_permissions, [
      {
        sid       = "KeepThreads"
        actions   = ["dynamodb:GetItem", "dynamodb:UpdateItem"]
        resources = [local.table_arns["events"]]
      },
      {
        # Lambda takes messages in this role's name; a pause after a failure is the function's own.
        # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
        sid       = "TakeAlerts"
        actions   = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
        resources = [local.queue_arns["alerts"]]
      },
      {
        sid       = "ReadToken"
        actions   = ["secretsmanager:GetSecretValue"]
        resources = [local.alert_secret_arn]
      },
    ])
  }

  depends_on = [terraform_data.zips_are_there]
}

resource "aws_lambda_event_source_mapping" "alerts" {
  event_source_arn        = aws_sqs_queue.alerts.arn
  function_name           = module.alert_dispatcher.arn
  batch_size              = 10
  function_response_types = ["ReportBatchItemFailures"]

  tags = local.tags
}

resource "aws_cloudwatch_event_rule" "alerts" {
  name           = local.rule_names["alerts"]
  description    = "What people must know of Interlock (${var.environment})."
  event_bus_name = aws_cloudwatch_event_bus.this.name
  state          = local.alerts_have_a_channel ? "ENABLED" : "DISABLED"

  # domain/message.py decides what is an alert; this keeps the rest from ever reaching the queue.
  event_pattern = jsonencode({
    source = ["interlock"]
    "$or" = [
      { detail = { severity = ["warning", "critical"] } },
      { detail-type = ["JOB_COMPLETED"], detail = { detail = { recovered = [true] } } },
    ]
  })

  tags = local.tags
}
