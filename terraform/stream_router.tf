# stream-router: every change in the control and joblog tables, every cron fire, every job's end.

locals {
  router_batch_records  = 100
  router_stream_retries = 1000 # of a batch, a second or more apart, before its records are kept elsewhere

  # Which rows' changes it is woken for, any of a table's patterns: the others concern nobody and cost nothing.
  # https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
  stream_filters = {
    control = [
      {
        Keys = {
          SK = {
            S = [
              { prefix = "SENSOR#" },
              { prefix = "RUN#" },
              { prefix = "RERUN_REQUEST#" },
              { prefix = "NOTICE#" },
              { prefix = "FILE#" },
              { prefix = "DUE#sla#" },
              { prefix = "DUE#relative-sla#" },
              "CONFIG",
              "WATCHDOG",
            ]
          }
        }
      },
      # Of the other promises those that were settled: they may tell of it.
      {
        Keys     = { SK = { S = [{ prefix = "DUE#" }] } }
        NewImage = { verdict = { S = [{ exists = true }] } }
      },
    ]
    joblog = [
      {
        Keys = { SK = { S = [{ prefix = "JOB#" }] } }
      },
    ]
  }
}

module "stream_router" {
  source = "./modules/lambda"

  surroundings = local.surroundings["stream_router"]
  function = {
    name                    = local.functions["stream_router"]
    role_name               = local.role_names["stream_router"]
    description             = "Routes every change: opens runs, wakes sleepers, publishes events."
    zip                     = local.zips["stream_router"]
    timeout_seconds         = 60
    reserved_concurrency    = local.concurrency["stream_router"]
    invocation_failures_arn = local.queue_arns["invocation-failures-dead"]

    environment = merge(local.common_environment, {
      CONTROL_TABLE     = local.tables["control"]
      JOBLOG_TABLE      = local.tables["joblog"]
      RERUN_TABLE       = local.tables["rerun"]
      STATE_MACHINE_ARN = local.state_machine_arn
      EVENT_BUS_NAME    = local.bus_name
      SLA_MONITOR_ARN   = local.function_arns["sla_monitor"]
    })

    permissions = concat(local.key_permissions, [
      {
        sid = "DecideOverRuns"
        actions = [
          "dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem",
        ]
        resources = [local.table_arns["control"]]
      },
      {
        sid       = "RecordJobEnds"
        actions   = ["dynamodb:GetItem", "dynamodb:PutItem"]
        resources = [local.table_arns["joblog"]]
      },
      {
        sid       = "RecordReruns"
        actions   = ["dynamodb:PutItem"]
        resources = [local.table_arns["rerun"]]
      },
      {
        # A task token is its machine's own: https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-policy-template-list.html#stepfunctions-callback-policy
        sid       = "StartAndWakeWorkflows"
        actions   = ["states:SendTaskFailure", "states:SendTaskSuccess", "states:StartExecution"]
        resources = [local.state_machine_arn]
      },
      {
        sid       = "PublishEvents"
        actions   = ["events:PutEvents"]
        resources = [local.bus_arn]
      },
      {
        sid       = "TellSlaMonitor"
        actions   = ["lambda:InvokeFunction"]
        resources = [local.function_arns["sla_monitor"]]
      },
      {
        # Lambda reads the streams in this role's name.
        # https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html
        sid       = "ReadStreams"
        actions   = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]
        resources = [for table in keys(local.stream_filters) : "${local.table_arns[table]}/stream/*"]
      },
      {
        # This one knows no resources.
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
        sid       = "ListStreams"
        actions   = ["dynamodb:ListStreams"]
        resources = ["*"]
      },
      {
        # https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
        sid       = "KeepFailedBatches"
        actions   = ["s3:PutObject"]
        resources = ["${local.failures_bucket_arn}/*"]
      },
      {
        sid       = "FindFailuresBucket"
        actions   = ["s3:ListBucket"]
        resources = [local.failures_bucket_arn]
      },
    ])
  }

  depends_on = [terraform_data.zips_are_there, aws_sqs_queue.dead_letters]
}

resource "aws_lambda_event_source_mapping" "stream_router" {
  for_each = local.stream_filters

  event_source_arn  = aws_dynamodb_table.this[each.key].stream_arn
  function_name     = module.stream_router.arn
  starting_position = "TRIM_HORIZON"

  batch_size                     = local.router_batch_records
  bisect_batch_on_function_error = true
  maximum_retry_attempts         = local.router_stream_retries
  parallelization_factor         = var.stream_parallelization_factor
  function_response_types        = ["ReportBatchItemFailures"]

  filter_criteria {
    dynamic "filter" {
      for_each = each.value

      content {
        pattern = jsonencode({ dynamodb = filter.value })
      }
    }
  }

  destination_config {
    on_failure {
      destination_arn = aws_s3_bucket.failures.arn
    }
  }

  tags = local.tags
}
