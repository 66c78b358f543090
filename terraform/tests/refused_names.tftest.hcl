# Names that AWS would refuse, or that would be mistaken for another control plane's.

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

run "an_environment_name_of_17_characters_is_refused" {
  command = plan

  variables {
    environment = "a2345678901234567"
  }

  expect_failures = [var.environment]
}

run "an_environment_name_with_a_capital_is_refused" {
  command = plan

  variables {
    environment = "Prod"
  }

  expect_failures = [var.environment]
}

run "an_environment_name_that_begins_with_a_digit_is_refused" {
  command = plan

  variables {
    environment = "1prod"
  }

  expect_failures = [var.environment]
}

run "an_environment_name_with_an_underscore_is_refused" {
  command = plan

  variables {
    environment = "prod_eu"
  }

  expect_failures = [var.environment]
}

run "an_empty_environment_name_is_refused" {
  command = plan

  variables {
    environment = ""
  }

  expect_failures = [var.environment]
}

run "an_environment_name_with_interlock_in_it_is_refused" {
  command = plan

  variables {
    environment = "my-interlock"
  }

  expect_failures = [var.environment]
}

run "a_project_name_of_33_characters_is_refused" {
  command = plan

  variables {
    project_name = "a23456789012345678901234567890123"
  }

  expect_failures = [var.project_name]
}

run "a_project_name_with_a_space_is_refused" {
  command = plan

  variables {
    project_name = "data platform"
  }

  expect_failures = [var.project_name]
}

run "a_tag_name_of_129_characters_is_refused" {
  command = plan

  variables {
    tags = { (join("", [for _ in range(129) : "a"])) = "x" }
  }

  expect_failures = [var.tags]
}

run "a_tag_value_of_257_characters_is_refused" {
  command = plan

  variables {
    tags = { Team = join("", [for _ in range(257) : "a"]) }
  }

  expect_failures = [var.tags]
}

run "a_41st_tag_is_refused" {
  command = plan

  variables {
    tags = { for number in range(41) : "tag-${number}" => "x" }
  }

  expect_failures = [var.tags]
}

run "a_tag_name_that_aws_reserves_is_refused" {
  command = plan

  variables {
    tags = { "aws:team" = "data" }
  }

  expect_failures = [var.tags]
}

run "a_tag_value_with_an_apostrophe_is_refused" {
  command = plan

  variables {
    tags = { Purpose = "the team's" }
  }

  expect_failures = [var.tags]
}
