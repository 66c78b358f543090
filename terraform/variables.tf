variable "project_name" {
  type        = string
  description = "Whose control plane it is: the tag `Project` of everything, and the dashboard's name. 2 to 32 characters: lower-case letters, digits, hyphens."

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,31}$", var.project_name))
    error_message = "project_name must be 2 to 32 lower-case letters, digits and hyphens, beginning with a letter, like \"my-data-platform\"."
  }
}

variable "environment" {
  type        = string
  description = "First part of every name: `prod` makes `prod-interlock-control` and so on. One per account and region. Changing it makes a second control plane and removes this one. 1 to 16 characters: lower-case letters, digits, hyphens."

  validation {
    # The longest name made of it, P-failures-<account>-<region>, has then 63 characters, the most S3 allows.
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    condition     = can(regex("^[a-z][a-z0-9-]{0,15}$", var.environment))
    error_message = "environment must be 1 to 16 lower-case letters, digits and hyphens, beginning with a letter, like \"prod\": bucket names are made of it, and S3 allows them 63 characters."
  }

  validation {
    # Alarms are told by their prefix, `<environment>-interlock-`: it must not be another environment's.
    condition     = !strcontains(var.environment, "interlock")
    error_message = "environment must not contain \"interlock\": every name already does, as in \"prod-interlock-control\". Use \"prod\"."
  }
}

variable "pipeline_configs" {
  type        = string
  description = "Where the pipelines' YAML is: `s3://bucket/prefix/`, a bucket of yours, or a local directory, which the module uploads into a bucket it makes. Every file below is a pipeline or a calendar."

  validation {
    condition     = !can(regex("^s3://[^/]+/.*[^/]$", var.pipeline_configs))
    error_message = "pipeline_configs must end with a slash, like \"s3://my-bucket/pipelines/\": without it \"pipelines\" would also mean \"pipelines-old/\"."
  }

  validation {
    condition     = !startswith(var.pipeline_configs, "s3://") || can(regex("^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/([^/]+/)*([^/]+/?)$", var.pipeline_configs))
    error_message = "pipeline_configs must name a bucket and a prefix that ends with a slash, like \"s3://my-bucket/pipelines/\"."
  }

  validation {
    condition     = startswith(var.pipeline_configs, "s3://") || length(try(fileset(var.pipeline_configs, "**/*.{yaml,yml}"), [])) > 0
    error_message = "pipeline_configs must be \"s3://bucket/prefix/\", or a directory with .yaml files in it: none is below \"${var.pipeline_configs}\", seen from where terraform runs (`~` means nothing here). Write \"$${path.module}/pipelines\"."
  }
}

variable "config_notification" {
  type        = string
  default     = "s3"
  description = "How a changed config is noticed at once. `s3`: by the bucket's notification, which then belongs to the module (a bucket has one set of notifications; a plan is refused while it has others). `eventbridge`: the bucket already sends its events to EventBridge. `none`: not at once, but by the watchdog's look every 5 minutes."

  validation {
    condition     = contains(["s3", "eventbridge", "none"], var.config_notification)
    error_message = "config_notification must be \"s3\", \"eventbridge\" or \"none\"."
  }
}

variable "lambda_zips" {
  type        = string
  default     = null
  description = "Where the functions' zips are: a directory, or `s3://bucket/prefix/` in the same region (a new prefix for each release, or a change is not seen). Default: `dist/` of the release; in a checkout of the sources `./build.sh` makes it."

  validation {
    condition     = var.lambda_zips == null ? true : !startswith(var.lambda_zips, "s3://") || can(regex("^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/([^/]+/)*$", var.lambda_zips))
    error_message = "lambda_zips must be a directory, or a bucket and prefix that ends with a slash, like \"s3://my-artifacts/interlock/0.1.0/\"."
  }
}

variable "slack_channel_id" {
  type        = string
  default     = null
  description = "Slack channel that alerts go to, by its id (`C0123456789`, at the end of the channel's details). The bot must have been invited to it. Without it, and without `webhook_secret_arn`, nobody is told of alerts: they are only kept."

  validation {
    condition     = var.slack_channel_id == null ? true : can(regex("^[CGD][A-Z0-9-]{2,20}$", var.slack_channel_id))
    error_message = "slack_channel_id must be the channel's id, like \"C0123456789\", not its name: Slack shows it at the end of the channel's details."
  }
}

variable "slack_secret_arn" {
  type        = string
  default     = null
  description = "Secrets Manager secret that holds the Slack bot's token (`xoxb-...`, scope `chat:write`). Default: the module makes one without a value, which you put there: no token is ever in Terraform's state. One of yours must exist before the plan is made."

  validation {
    condition     = var.slack_secret_arn == null ? true : can(regex("^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\\d{12}:secret:\\S+-[A-Za-z0-9]{6}$", var.slack_secret_arn))
    error_message = "slack_secret_arn must be the whole ARN of a Secrets Manager secret, with the six characters at its end, or no role could read it; never the token itself."
  }
}

variable "slack_api_url" {
  type        = string
  default     = "https://slack.com/api"
  description = "Slack's API. GovSlack: `https://slack-gov.com/api`."

  validation {
    condition     = can(regex("^https?://[^/]+(/.*)?$", var.slack_api_url)) && !endswith(var.slack_api_url, "/")
    error_message = "slack_api_url must be an address without a slash at its end, like \"https://slack.com/api\"."
  }
}

variable "webhook_secret_arn" {
  type        = string
  default     = null
  description = "Instead of Slack's API: Secrets Manager secret that holds the address (https) to which each alert is posted as JSON. It must exist before the plan is made."

  validation {
    condition     = var.webhook_secret_arn == null ? true : can(regex("^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\\d{12}:secret:\\S+-[A-Za-z0-9]{6}$", var.webhook_secret_arn))
    error_message = "webhook_secret_arn must be the whole ARN of a Secrets Manager secret that holds the address, with the six characters at its end; never the address itself: it is a credential."
  }
}

variable "kms_key_arn" {
  type        = string
  default     = null
  description = "KMS key of yours that encrypts tables, queues, buckets, logs, the bus, functions' settings (not the workflow, which holds keys of rows alone). Its policy must let AWS services use it: output `kms_key_policy_statements`. Default: keys that AWS owns, at no cost. EventBridge cannot use `alias/aws/sqs`. It must exist before the plan is made, which looks whether it can be used."

  validation {
    condition     = var.kms_key_arn == null ? true : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:\\d{12}:key/[A-Za-z0-9-]+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a key (arn:aws:kms:REGION:ACCOUNT:key/ID) of your own, not an alias: EventBridge cannot put alerts into a queue under an AWS managed key like alias/aws/sqs. Leave it out to use keys that AWS owns."
  }
}

variable "decryption_key_arns" {
  type        = list(string)
  default     = []
  description = "KMS keys under which things of yours are encrypted that Interlock reads: the config bucket, the secrets. It may decrypt with them, nothing else. `kms_key_arn` need not be repeated."

  validation {
    condition     = alltrue([for arn in var.decryption_key_arns : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:\\d{12}:key/[A-Za-z0-9-]+$", arn))])
    error_message = "decryption_key_arns must be ARNs of keys, like \"arn:aws:kms:eu-central-1:123456789012:key/ID\", not of aliases."
  }
}

variable "enable_glue_trigger" {
  type        = bool
  default     = false
  description = "Whether pipelines may start the Glue jobs in `glue_job_arns`."
}

variable "glue_job_arns" {
  type        = list(string)
  default     = []
  description = "Glue jobs that pipelines may start; `*` may stand in the job's name. Used with `enable_glue_trigger`."

  validation {
    condition     = alltrue([for arn in var.glue_job_arns : can(regex("^arn:aws[a-z-]*:glue:[a-z0-9-]+:\\d{12}:job/.+$", arn))])
    error_message = "glue_job_arns must be ARNs of Glue jobs, like \"arn:aws:glue:REGION:ACCOUNT:job/NAME\"."
  }
}

variable "enable_emr_trigger" {
  type        = bool
  default     = false
  description = "Whether pipelines may add steps to the EMR clusters in `emr_cluster_arns`."
}

variable "emr_cluster_arns" {
  type        = list(string)
  default     = []
  description = "EMR clusters that pipelines may add steps to. Used with `enable_emr_trigger`."

  validation {
    condition     = alltrue([for arn in var.emr_cluster_arns : can(regex("^arn:aws[a-z-]*:elasticmapreduce:[a-z0-9-]+:\\d{12}:cluster/.+$", arn))])
    error_message = "emr_cluster_arns must be ARNs of EMR clusters, like \"arn:aws:elasticmapreduce:REGION:ACCOUNT:cluster/j-ID\"."
  }
}

variable "enable_emr_serverless_trigger" {
  type        = bool
  default     = false
  description = "Whether pipelines may start job runs in the EMR Serverless applications in `emr_serverless_application_arns`."
}

variable "emr_serverless_application_arns" {
  type        = list(string)
  default     = []
  description = "EMR Serverless applications in which pipelines may start job runs. Used with `enable_emr_serverless_trigger`."

  validation {
    condition     = alltrue([for arn in var.emr_serverless_application_arns : can(regex("^arn:aws[a-z-]*:emr-serverless:[a-z0-9-]+:\\d{12}:/applications/[A-Za-z0-9*?-]+$", arn))])
    error_message = "emr_serverless_application_arns must be ARNs of applications, like \"arn:aws:emr-serverless:REGION:ACCOUNT:/applications/ID\"."
  }
}

variable "emr_serverless_execution_role_arns" {
  type        = list(string)
  default     = []
  description = "Roles that pipelines may give to EMR Serverless job runs (`executionRoleArn`). Used with `enable_emr_serverless_trigger`."

  validation {
    condition     = alltrue([for arn in var.emr_serverless_execution_role_arns : can(regex("^arn:aws[a-z-]*:iam::\\d{12}:role/[A-Za-z0-9+=,.@_/-]+$", arn))])
    error_message = "emr_serverless_execution_role_arns must be ARNs of roles, each written out (no `*`: whoever may pass any role may become any), like \"arn:aws:iam::ACCOUNT:role/NAME\"."
  }
}

variable "enable_step_function_trigger" {
  type        = bool
  default     = false
  description = "Whether pipelines may start executions of the state machines in `step_function_arns`."
}

variable "step_function_arns" {
  type        = list(string)
  default     = []
  description = "State machines (Standard) whose executions pipelines may start; `*` may stand in the name. Used with `enable_step_function_trigger`."

  validation {
    condition     = alltrue([for arn in var.step_function_arns : can(regex("^arn:aws[a-z-]*:states:[a-z0-9-]+:\\d{12}:stateMachine:[^:]+$", arn))])
    error_message = "step_function_arns must be ARNs of state machines, like \"arn:aws:states:REGION:ACCOUNT:stateMachine:NAME\"."
  }
}

variable "enable_lambda_trigger" {
  type        = bool
  default     = false
  description = "Whether pipelines may invoke the functions in `lambda_function_arns`."
}

variable "lambda_function_arns" {
  type        = list(string)
  default     = []
  description = "Functions that pipelines may invoke; `*` may stand in the name. A name with a version or alias (`NAME:live`) is an ARN of its own. Used with `enable_lambda_trigger`."

  validation {
    condition     = alltrue([for arn in var.lambda_function_arns : can(regex("^arn:aws[a-z-]*:lambda:[a-z0-9-]+:\\d{12}:function:[^:]+(:[^:]+)?$", arn))])
    error_message = "lambda_function_arns must be ARNs of functions, like \"arn:aws:lambda:REGION:ACCOUNT:function:NAME\"."
  }
}

variable "job_secret_arns" {
  type        = list(string)
  default     = []
  description = "Secrets that job configs may name as `$${secret:NAME}` (tokens of Databricks, Airflow, HTTP targets); `*` may stand for the six characters at the end."

  validation {
    condition     = alltrue([for arn in var.job_secret_arns : can(regex("^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\\d{12}:secret:[^*\\s].*(\\*|-[A-Za-z0-9?]{6})$", arn))])
    error_message = "job_secret_arns must be ARNs of secrets with what AWS adds to the name, like \"arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-*\": without it they name nothing; \"*\" alone would open every secret of the account to every pipeline."
  }
}

variable "job_environment" {
  type        = map(string)
  default     = {}
  description = "What job configs may name as `$${INTERLOCK_X}`: names begin with `INTERLOCK_`. Nothing secret: it is readable in the function's settings."

  validation {
    condition     = alltrue([for name in keys(var.job_environment) : can(regex("^INTERLOCK_[A-Z0-9_]+$", name))])
    error_message = "job_environment must have names like \"INTERLOCK_DATA_BUCKET\": job configs can read no others."
  }
}

variable "allowed_private_cidrs" {
  type        = list(string)
  default     = []
  description = "Private address ranges that jobs of type http, airflow and databricks may reach (with `vpc_subnet_ids`). All others that are not public are refused."

  validation {
    condition     = alltrue([for range in var.allowed_private_cidrs : can(cidrhost(range, 0))])
    error_message = "allowed_private_cidrs must be address ranges, like \"10.20.0.0/16\"."
  }
}

variable "allowed_commands" {
  type        = list(string)
  default     = []
  description = "Programs that jobs of type command may run inside the orchestrator function, each as the job's first word names it (`/opt/report`). They run with the function's own permissions. Default: none."

  validation {
    condition     = alltrue([for program in var.allowed_commands : can(regex("^(/|)[^,*\\s/.][^,*\\s]*$", program)) && !strcontains(program, "../") && (startswith(program, "/") || !strcontains(program, "/"))])
    error_message = "allowed_commands must be programs, each a bare name or an absolute path, without spaces, commas, \"*\" or \"..\", like \"/opt/report\"."
  }
}

variable "lambda_concurrency" {
  type        = map(number)
  default     = {}
  description = "Reserved concurrency by function (`orchestrator = 50`): at most so many at once, taken from what the account has; -1 reserves nothing. config_sync has 1, for each of its passes reads all files: set it to -1 in an account whose concurrency is below 101, where AWS refuses reservations."

  validation {
    condition     = alltrue([for name in keys(var.lambda_concurrency) : contains(["stream_router", "orchestrator", "sla_monitor", "watchdog", "event_sink", "alert_dispatcher", "config_sync"], name)])
    error_message = "lambda_concurrency must name functions: stream_router, orchestrator, sla_monitor, watchdog, event_sink, alert_dispatcher, config_sync."
  }

  validation {
    # 0 would stop the function, and an alarm would be all there is.
    condition     = alltrue([for count in values(var.lambda_concurrency) : count == -1 || (count >= 1 && floor(count) == count)])
    error_message = "lambda_concurrency must be whole numbers from 1, or -1 for none reserved: 0 would stop the function."
  }

  validation {
    condition     = try(var.lambda_concurrency["watchdog"], 2) == -1 || try(var.lambda_concurrency["watchdog"], 2) >= 2
    error_message = "lambda_concurrency of watchdog must be at least 2: its sweep goes on beside its tick."
  }
}

variable "stream_parallelization_factor" {
  type        = number
  default     = 1
  description = "How many batches of one shard of a table's stream are handled at once, 1 to 10. More is faster when thousands of sensors are written a minute, and costs nothing while they are not. The changes of one item stay in order."

  validation {
    condition     = contains(range(1, 11), var.stream_parallelization_factor)
    error_message = "stream_parallelization_factor must be a whole number from 1 to 10."
  }
}

variable "watchdog_interval_minutes" {
  type        = number
  default     = 1
  description = "Minutes between two looks of the watchdog, 1 to 5. What should have happened and did not is told that much later at most; a tick costs about as much as a Lambda invocation."

  validation {
    condition     = contains([1, 2, 3, 4, 5], var.watchdog_interval_minutes)
    error_message = "watchdog_interval_minutes must be a whole number from 1 to 5: EventBridge has no schedule under a minute, and alerts would come later than promised with more than 5."
  }
}

variable "log_retention_days" {
  type        = number
  default     = 30
  description = "Days that CloudWatch keeps the logs. Less is cheaper; 0 keeps them for ever."

  validation {
    # https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
    condition     = contains([0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be one of those that CloudWatch knows: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653, or 0 for ever."
  }
}

variable "events_ttl_days" {
  type        = number
  default     = 90
  description = "Days that an event stays in the events table, from 7. `interlock explain` and Slack's threads read it."

  validation {
    condition     = var.events_ttl_days >= 7 && floor(var.events_ttl_days) == var.events_ttl_days
    error_message = "events_ttl_days must be a whole number from 7: threads and explanations of the week's runs need the events."
  }
}

variable "archive_retention_days" {
  type        = number
  default     = 30
  description = "Days that EventBridge's archive keeps each event for a replay. 0 keeps them for ever."

  validation {
    condition     = var.archive_retention_days >= 0 && floor(var.archive_retention_days) == var.archive_retention_days
    error_message = "archive_retention_days must be a whole number of days; 0 keeps events for ever."
  }
}

variable "deletion_protection" {
  type        = bool
  default     = true
  description = "Whether the tables refuse to be deleted. Set it to false, and apply, before you take the control plane down."
}

variable "sns_alarm_topic_arn" {
  type        = string
  default     = null
  description = "SNS topic that hears of every alarm too, beside the event INFRA_ALARM: it still speaks when Interlock itself does not. CloudWatch must be allowed to publish to it."

  validation {
    condition     = var.sns_alarm_topic_arn == null ? true : can(regex("^arn:aws[a-z-]*:sns:[a-z0-9-]+:\\d{12}:[A-Za-z0-9_-]+$", var.sns_alarm_topic_arn))
    error_message = "sns_alarm_topic_arn must be the ARN of a standard SNS topic, like \"arn:aws:sns:REGION:ACCOUNT:NAME\"."
  }
}

variable "vpc_subnet_ids" {
  type        = list(string)
  default     = []
  description = "Private subnets that the functions run in, in at least two zones. They need a way to AWS's services (NAT, or VPC endpoints), or every function fails. Default: outside any VPC."

  validation {
    condition     = alltrue([for id in var.vpc_subnet_ids : startswith(id, "subnet-")])
    error_message = "vpc_subnet_ids must be ids of subnets, like \"subnet-0123456789abcdef0\"."
  }
}

variable "vpc_security_group_ids" {
  type        = list(string)
  default     = []
  description = "Security groups of the functions in `vpc_subnet_ids`. They only call out: no ingress rule is needed."

  validation {
    condition     = alltrue([for id in var.vpc_security_group_ids : startswith(id, "sg-")])
    error_message = "vpc_security_group_ids must be ids of security groups, like \"sg-0123456789abcdef0\"."
  }
}

variable "vpc_functions" {
  type        = set(string)
  default     = ["stream_router", "orchestrator", "sla_monitor", "watchdog", "event_sink", "alert_dispatcher", "config_sync"]
  description = "Which functions run in `vpc_subnet_ids`. `[\"orchestrator\"]` is enough to reach a private Airflow."

  validation {
    condition     = length(var.vpc_functions) > 0 && alltrue([for name in var.vpc_functions : contains(["stream_router", "orchestrator", "sla_monitor", "watchdog", "event_sink", "alert_dispatcher", "config_sync"], name)])
    error_message = "vpc_functions must name functions: stream_router, orchestrator, sla_monitor, watchdog, event_sink, alert_dispatcher, config_sync."
  }
}

variable "permissions_boundary_arn" {
  type        = string
  default     = null
  description = "IAM policy that bounds every role the module makes, where your organisation asks for one."

  validation {
    condition     = var.permissions_boundary_arn == null ? true : can(regex("^arn:aws[a-z-]*:iam::(\\d{12}|aws):policy/.+$", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn must be the ARN of an IAM policy, like \"arn:aws:iam::ACCOUNT:policy/NAME\"."
  }
}

variable "tags" {
  type        = map(string)
  default     = {}
  description = "Tags of everything, beside `Project`, `Environment` and `ManagedBy`."

  validation {
    # https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
    condition = length(var.tags) <= 40 && alltrue([
      for name, value in var.tags :
      length(name) <= 128 && length(value) <= 256 && !startswith(lower(name), "aws:") && can(regex("^[\\p{L}\\p{N}\\p{Z}_.:/=+@-]*$", "${name}${value}"))
    ])
    error_message = "tags must be at most 40, with names up to 128 and values up to 256 characters: letters, digits, spaces and _.:/=+-@, which every service takes. None may begin with \"aws:\"."
  }
}
