# Every setting of the module, each with a value that a large installation might have.

module "interlock" {
  source = "../.."

  project_name = "my-data-platform"
  environment  = "prod"

  # Uploaded into a bucket that the module makes. A bucket of yours: "s3://my-bucket/pipelines/".
  pipeline_configs    = "${path.module}/pipelines"
  config_notification = "s3"
  lambda_zips         = "s3://my-artifacts/interlock/0.1.0/"

  # Alerts. Instead of Slack, webhook_secret_arn names a secret with the address to post to.
  slack_channel_id   = "C0123456789"
  slack_secret_arn   = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:interlock-slack-AbCdEf"
  slack_api_url      = "https://slack.com/api"
  webhook_secret_arn = null

  # Jobs that pipelines may start.
  enable_glue_trigger                = true
  glue_job_arns                      = ["arn:aws:glue:eu-central-1:123456789012:job/etl-*"]
  enable_emr_trigger                 = true
  emr_cluster_arns                   = ["arn:aws:elasticmapreduce:eu-central-1:123456789012:cluster/j-2AXXXXXXGAPLF"]
  enable_emr_serverless_trigger      = true
  emr_serverless_application_arns    = ["arn:aws:emr-serverless:eu-central-1:123456789012:/applications/00f1r0vhzzl6qz0m"]
  emr_serverless_execution_role_arns = ["arn:aws:iam::123456789012:role/spark-jobs"]
  enable_step_function_trigger       = true
  step_function_arns                 = ["arn:aws:states:eu-central-1:123456789012:stateMachine:load-*"]
  enable_lambda_trigger              = true
  lambda_function_arns               = ["arn:aws:lambda:eu-central-1:123456789012:function:report-*"]

  # What their configs may name: ${secret:databricks-token}, ${INTERLOCK_DATA_BUCKET}.
  job_secret_arns  = ["arn:aws:secretsmanager:eu-central-1:123456789012:secret:databricks-token-*"]
  job_environment  = { INTERLOCK_DATA_BUCKET = "my-data-lake" }
  allowed_commands = []

  # A private Airflow is reached from the VPC.
  vpc_subnet_ids         = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  vpc_security_group_ids = ["sg-0123456789abcdef0"]
  vpc_functions          = ["orchestrator"]
  allowed_private_cidrs  = ["10.20.0.0/16"]

  # Keys of yours; what the policy of the first must say is the output kms_key_policy_statements.
  kms_key_arn         = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  decryption_key_arns = ["arn:aws:kms:eu-central-1:123456789012:key/5678abcd-12ab-34cd-56ef-1234567890ab"]

  lambda_concurrency            = { orchestrator = 200, config_sync = 1 }
  stream_parallelization_factor = 4
  watchdog_interval_minutes     = 1

  log_retention_days     = 90
  events_ttl_days        = 365
  archive_retention_days = 90
  deletion_protection    = true

  # It still speaks when Interlock itself does not.
  sns_alarm_topic_arn = "arn:aws:sns:eu-central-1:123456789012:platform-on-call"

  permissions_boundary_arn = "arn:aws:iam::123456789012:policy/platform-boundary"
  tags                     = { CostCenter = "data-platform" }
}

output "kms_key_policy_statements" {
  description = "For the owner of the key: what its policy must say."
  value       = module.interlock.kms_key_policy_statements
}

output "control_table" {
  description = "For upstream jobs: where they put sensors."
  value       = module.interlock.control_table
}
