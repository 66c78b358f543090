# event-sink: stores each event once.

module "event_sink" {
  source = "./modules/lambda"

  surroundings = local.surroundings["event_sink"]
  function = {
    name                    = local.functions["event_sink"]
    role_name               = local.role_names["event_sink"]
    description             = "Stores each event once."
    zip                     = local.zips["event_sink"]
    timeout_seconds         = 60
    reserved_concurrency    = local.concurrency["event_sink"]
    invocation_failures_arn = local.queue_arns["invocation-failures-dead"]

    environment = merge(local.common_environment, {
      EVENTS_TABLE    = local.tables["events"]
      EVENTS_TTL_DAYS = tostring(var.events_ttl_days)
    })

    permissions = concat(local.key_permissions, [
      {
        sid       = "StoreEvents"
        actions   = ["dynamodb:PutItem"]
        resources = [local.table_arns["events"]]
      },
    ])
  }

  depends_on = [terraform_data.zips_are_there, aws_sqs_queue.dead_letters]
}

resource "aws_cloudwatch_event_rule" "every_event" {
  name           = local.rule_names["every-event"]
  description    = "Every event of Interlock (${var.environment}), to be stored."
  event_bus_name = aws_cloudwatch_event_bus.this.name
  event_pattern  = jsonencode({ source = ["interlock"] })

  tags = local.tags
}
