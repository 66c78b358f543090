# What the tables promise: nothing is lost by a mistake, and what is old goes by itself.

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

run "every_table_can_be_brought_back_to_any_second" {
  command = plan

  assert {
    condition     = alltrue([for table in aws_dynamodb_table.this : table.point_in_time_recovery[0].enabled])
    error_message = "Point-in-time recovery must be on for every table."
  }
}

run "no_table_can_be_deleted_by_mistake" {
  command = plan

  assert {
    condition     = alltrue([for table in aws_dynamodb_table.this : table.deletion_protection_enabled])
    error_message = "Deletion protection must be on for every table unless it is asked off."
  }
}

run "deletion_protection_can_be_taken_off_before_the_end" {
  command = plan

  variables {
    deletion_protection = false
  }

  assert {
    condition     = alltrue([for table in aws_dynamodb_table.this : !table.deletion_protection_enabled])
    error_message = "deletion_protection = false must reach every table."
  }
}

run "rows_that_name_their_end_go_by_themselves" {
  command = plan

  assert {
    condition     = alltrue([for table in aws_dynamodb_table.this : table.ttl[0].enabled && table.ttl[0].attribute_name == "ttl"])
    error_message = "Every table must delete rows by their attribute ttl."
  }
}

run "control_and_joblog_tell_of_every_change_with_both_images" {
  command = plan

  assert {
    condition = (
      toset([for name, table in aws_dynamodb_table.this : name if table.stream_enabled]) == toset(["control", "joblog"]) &&
      alltrue([for name in ["control", "joblog"] : aws_dynamodb_table.this[name].stream_view_type == "NEW_AND_OLD_IMAGES"])
    )
    error_message = "stream-router compares the new image with the old one."
  }
}

run "what_is_due_and_events_by_type_are_found_by_an_index" {
  command = plan

  assert {
    condition = {
      for name, table in aws_dynamodb_table.this : name => [for index in table.global_secondary_index : "${index.name}: ${index.hash_key} ${index.range_key}"]
      } == {
      control = ["due: dueShard dueAt"]
      joblog  = []
      rerun   = []
      events  = ["GSI1: eventType timestamp"]
    }
    error_message = "The watchdog reads what is due, and audits events by type, without a scan."
  }
}

run "nothing_is_paid_for_while_nothing_happens" {
  command = plan

  assert {
    condition     = alltrue([for table in aws_dynamodb_table.this : table.billing_mode == "PAY_PER_REQUEST"])
    error_message = "Tables are paid by the request."
  }
}
