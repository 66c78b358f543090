# Names and ARNs of what the module makes. They are put together here rather than read from the resources: functions
# name each other, and a plan shows every policy whole before anything exists.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.region

  # https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html
  console = lookup({ aws-cn = "console.amazonaws.cn", aws-us-gov = "console.amazonaws-us-gov.com" }, local.partition, "console.aws.amazon.com")

  prefix = "${var.environment}-interlock"
  # Every name and condition below that ends in it is of this account and region.
  here = "${local.region}:${local.account}"

  own_tags = {
    Project     = var.project_name
    Environment = var.environment
    ManagedBy   = "interlock"
  }
  tags = merge(var.tags, local.own_tags)

  tables = { for name in ["control", "joblog", "rerun", "events"] : name => "${local.prefix}-${name}" }
  table_arns = {
    for name, table in local.tables : name => "arn:${local.partition}:dynamodb:${local.here}:table/${table}"
  }

  # The names of the folders in `lambdas/`.
  functions = {
    for name in ["stream_router", "orchestrator", "sla_monitor", "watchdog", "event_sink", "alert_dispatcher", "config_sync"] :
    name => "${local.prefix}-${replace(name, "_", "-")}"
  }
  function_arns = {
    for name, function in local.functions : name => "arn:${local.partition}:lambda:${local.here}:function:${function}"
  }
  # IAM knows no regions: the region keeps the roles of two apart.
  role_names = {
    for name, function in local.functions : name => "${function}-${local.region}"
  }
  role_arns = {
    for name, role in local.role_names : name => "arn:${local.partition}:iam::${local.account}:role/${role}"
  }

  state_machine_name = "${local.prefix}-pipeline-run"
  state_machine_arn  = "arn:${local.partition}:states:${local.here}:stateMachine:${local.state_machine_name}"

  bus_name = "${local.prefix}-events"
  bus_arn  = "arn:${local.partition}:events:${local.here}:event-bus/${local.bus_name}"

  schedule_arns      = "arn:${local.partition}:scheduler:${local.here}:schedule/${local.prefix}/*"
  scheduler_role_arn = "arn:${local.partition}:iam::${local.account}:role/${local.scheduler_role_name}"
  # Of the group, not of its schedules: that is what Scheduler names as source.
  # https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
  schedule_group_arn  = "arn:${local.partition}:scheduler:${local.here}:schedule-group/${local.prefix}"
  scheduler_role_name = "${local.prefix}-scheduler-${local.region}"
}
