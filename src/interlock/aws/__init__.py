"""The ports on DynamoDB, Step Functions, EventBridge, Scheduler, SQS and S3."""
