# How changes reach stream-router, and where those go that no retry helps.

mock_provider "aws" {
  source = "./tests/aws"
}

variables {
  project_name     = "data-platform"
  environment      = "prod"
  pipeline_configs = "s3://configs/pipelines/"
  lambda_zips      = "s3://artifacts/interlock/0.1.0/"
  slack_channel_id = "C0123456789"
}

run "a_batch_that_fails_is_halved_retried_for_a_while_and_kept_whole" {
  command = plan

  assert {
    condition = alltrue([
      for mapping in aws_lambda_event_source_mapping.stream_router :
      mapping.bisect_batch_on_function_error && mapping.maximum_retry_attempts > 0 &&
      length(mapping.destination_config[0].on_failure) == 1 &&
      contains(mapping.function_response_types, "ReportBatchItemFailures")
    ])
    error_message = "Each stream needs bisection, a bound of retries, a place for failures, and partial answers."
  }
}

run "no_record_from_before_the_mapping_is_missed" {
  command = plan

  assert {
    condition     = alltrue([for mapping in aws_lambda_event_source_mapping.stream_router : mapping.starting_position == "TRIM_HORIZON"])
    error_message = "LATEST would leave out what is written while the mapping is made."
  }
}

run "a_stream_has_no_more_filters_than_lambda_takes" {
  command = plan

  assert {
    # https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html: 5, or 10 on request.
    condition     = alltrue([for mapping in aws_lambda_event_source_mapping.stream_router : length(mapping.filter_criteria[0].filter) <= 5])
    error_message = "A mapping takes five filters."
  }
}

run "parallelism_is_what_was_asked_for" {
  command = plan

  variables {
    stream_parallelization_factor = 10
  }

  assert {
    condition     = alltrue([for mapping in aws_lambda_event_source_mapping.stream_router : mapping.parallelization_factor == 10])
    error_message = "stream_parallelization_factor must reach both streams."
  }
}

run "failed_batches_stay_for_thirty_days_and_are_listed_in_a_queue" {
  command = plan

  assert {
    condition     = aws_s3_bucket_lifecycle_configuration.failures.rule[0].expiration[0].days == 30
    error_message = "Failed batches are kept for 30 days."
  }

  assert {
    condition = (
      aws_s3_bucket_notification.failures.eventbridge &&
      jsondecode(aws_cloudwatch_event_rule.failures.event_pattern) == {
        source      = ["aws.s3"]
        detail-type = ["Object Created"]
        detail      = { bucket = { name = [aws_s3_bucket.failures.bucket] } }
      } &&
      aws_cloudwatch_event_target.this["failures"].arn == "arn:aws:sqs:eu-central-1:123456789012:${aws_sqs_queue.dead_letters["stream-failures-dead"].name}"
    )
    error_message = "Every failed batch must be told to the queue."
  }

  assert {
    condition     = length(aws_s3_bucket_notification.failures.queue) == 0
    error_message = "A queue that S3 notifies itself begins with a test message, which would set its alarm off."
  }

  assert {
    condition = (
      aws_s3_bucket_public_access_block.failures.block_public_acls && aws_s3_bucket_public_access_block.failures.block_public_policy &&
      aws_s3_bucket_public_access_block.failures.ignore_public_acls && aws_s3_bucket_public_access_block.failures.restrict_public_buckets
    )
    error_message = "Records are nobody else's to read."
  }
}
