# Jobs that have ended, as AWS services tell it on the default bus; and of our own runs' executions those that did not
# reach their end. Of the first they are anybody's jobs: stream-router knows which are ours.

resource "aws_cloudwatch_event_rule" "job_ends" {
  name        = local.rule_names["job-ends"]
  description = "Ends of jobs, and broken executions of Interlock (${var.environment})."

  event_pattern = jsonencode({
    "$or" = [
      {
        source      = ["aws.glue"]
        detail-type = ["Glue Job State Change"]
      },
      {
        source      = ["aws.emr"]
        detail-type = ["EMR Step Status Change"]
        detail      = { state = [{ anything-but = ["PENDING", "RUNNING", "CANCEL_PENDING"] }] }
      },
      {
        source      = ["aws.emr-serverless"]
        detail-type = ["EMR Serverless Job Run State Change"]
        detail      = { state = [{ anything-but = ["SUBMITTED", "QUEUED", "PENDING", "SCHEDULED", "RUNNING", "CANCELLING"] }] }
      },
      {
        source      = ["aws.states"]
        detail-type = ["Step Functions Execution Status Change"]
        detail = {
          stateMachineArn = [{ anything-but = [local.state_machine_arn] }]
          status          = [{ anything-but = ["RUNNING", "PENDING_REDRIVE"] }]
        }
      },
      {
        source      = ["aws.states"]
        detail-type = ["Step Functions Execution Status Change"]
        detail = {
          stateMachineArn = [local.state_machine_arn]
          status          = ["FAILED", "TIMED_OUT", "ABORTED"]
        }
      },
    ]
  })

  tags = local.tags
}
