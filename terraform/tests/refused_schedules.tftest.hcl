# Numbers that AWS does not know, or under which a promise of ours would not hold.

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

run "a_watchdog_interval_of_half_a_minute_is_refused" {
  command = plan

  variables {
    watchdog_interval_minutes = 0.5
  }

  expect_failures = [var.watchdog_interval_minutes]
}

run "a_watchdog_interval_of_zero_is_refused" {
  command = plan

  variables {
    watchdog_interval_minutes = 0
  }

  expect_failures = [var.watchdog_interval_minutes]
}

run "a_watchdog_interval_of_six_minutes_is_refused" {
  command = plan

  variables {
    watchdog_interval_minutes = 6
  }

  expect_failures = [var.watchdog_interval_minutes]
}

run "a_log_retention_that_cloudwatch_does_not_know_is_refused" {
  command = plan

  variables {
    log_retention_days = 31
  }

  expect_failures = [var.log_retention_days]
}

run "an_events_ttl_of_a_day_is_refused" {
  command = plan

  variables {
    events_ttl_days = 1
  }

  expect_failures = [var.events_ttl_days]
}

run "half_a_day_of_archive_is_refused" {
  command = plan

  variables {
    archive_retention_days = 0.5
  }

  expect_failures = [var.archive_retention_days]
}

run "a_stream_parallelization_of_11_is_refused" {
  command = plan

  variables {
    stream_parallelization_factor = 11
  }

  expect_failures = [var.stream_parallelization_factor]
}

run "concurrency_of_an_unknown_function_is_refused" {
  command = plan

  variables {
    lambda_concurrency = { router = 5 }
  }

  expect_failures = [var.lambda_concurrency]
}

run "concurrency_of_zero_is_refused" {
  command = plan

  variables {
    lambda_concurrency = { orchestrator = 0 }
  }

  expect_failures = [var.lambda_concurrency]
}

run "a_watchdog_that_cannot_overlap_itself_is_refused" {
  command = plan

  variables {
    lambda_concurrency = { watchdog = 1 }
  }

  expect_failures = [var.lambda_concurrency]
}
