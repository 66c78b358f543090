# One page for the person on call, top to bottom: is anything wrong, are runs moving, is anything held up, does anything fail.

locals {
  widget_rows = [
    {
      title = "Events by type (published)"
      metrics = [[{
        expression = "SEARCH('{Interlock,function,type} MetricName=\"EventPublished\" function=\"${local.functions["stream_router"]}\"', 'Sum', 60)"
        id         = "events"
      }]]
    },
    {
      title = "Runs: workflows started, succeeded, broken"
      metrics = [
        for metric in ["ExecutionsStarted", "ExecutionsSucceeded", "ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"] :
        ["AWS/States", metric, "StateMachineArn", local.state_machine_arn, { stat = "Sum" }]
      ]
    },
    {
      title = "Watchdog's ticks, and what could not be read"
      metrics = concat(
        [["Interlock", "WatchdogTick", "function", local.functions["watchdog"], { stat = "Sum" }]],
        [for metric in ["BadInput", "BadStateEvent", "StreamRecordFailed", "StreamRecordUnreadable"] : ["Interlock", metric, "function", local.functions["stream_router"], { stat = "Sum" }]],
      )
    },
    {
      title = "Held up: age of the oldest change (ms), of the oldest alert (s)"
      metrics = [
        ["AWS/Lambda", "IteratorAge", "FunctionName", local.functions["stream_router"], { stat = "Maximum" }],
        ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", "${local.prefix}-alerts", { stat = "Maximum", yAxis = "right" }],
      ]
    },
    {
      title   = "Dead letters waiting"
      metrics = [for name in keys(local.dead_letter_queues) : ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "${local.prefix}-${name}", { stat = "Maximum" }]]
    },
    {
      title   = "Errors by function"
      metrics = [for name in values(local.functions) : ["AWS/Lambda", "Errors", "FunctionName", name, { stat = "Sum" }]]
    },
    {
      title   = "Throttles by function"
      metrics = [for name in values(local.functions) : ["AWS/Lambda", "Throttles", "FunctionName", name, { stat = "Sum" }]]
    },
    {
      title   = "Duration by function (ms, 99th percentile)"
      metrics = [for name in values(local.functions) : ["AWS/Lambda", "Duration", "FunctionName", name, { stat = "p99" }]]
    },
    {
      title = "Tables: units used"
      metrics = concat([
        for table in values(local.tables) : ["AWS/DynamoDB", "ConsumedWriteCapacityUnits", "TableName", table, { stat = "Sum" }]
        ], [
        for table in values(local.tables) : ["AWS/DynamoDB", "ConsumedReadCapacityUnits", "TableName", table, { stat = "Sum", yAxis = "right" }]
      ])
    },
  ]

  alarm_names = concat(
    ["${local.prefix}-watchdog-silent"],
    [for name in keys(local.alarms) : "${local.prefix}-${name}"],
    [for name in values(local.functions) : "${name}-errors"],
    [for name in values(local.functions) : "${name}-throttles"],
  )
}

resource "aws_cloudwatch_dashboard" "this" {
  # Dashboards know no regions: the region keeps those of two apart.
  # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutDashboard.html
  dashboard_name = "${var.project_name}-${local.prefix}-${local.region}"

  dashboard_body = jsonencode({
    widgets = concat(
      [{
        type   = "alarm"
        x      = 0
        y      = 0
        width  = 24
        height = 4
        properties = {
          title  = "Alarms of ${local.prefix}"
          alarms = [for name in local.alarm_names : "arn:${local.partition}:cloudwatch:${local.here}:alarm:${name}"]
        }
      }],
      [
        for place, row in local.widget_rows : {
          type   = "metric"
          x      = place % 3 * 8
          y      = 4 + floor(place / 3) * 6
          width  = 8
          height = 6
          properties = {
            title   = row.title
            region  = local.region
            period  = 60
            view    = "timeSeries"
            metrics = row.metrics
          }
        }
      ],
    )
  })
}
