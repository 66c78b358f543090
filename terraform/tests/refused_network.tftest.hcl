# Half a VPC, or things that are none.

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

run "subnets_without_security_groups_are_refused" {
  command = plan

  variables {
    vpc_subnet_ids = ["subnet-1", "subnet-2"]
  }

  expect_failures = [terraform_data.settings]
}

run "security_groups_without_subnets_are_refused" {
  command = plan

  variables {
    vpc_security_group_ids = ["sg-1"]
  }

  expect_failures = [terraform_data.settings]
}

run "a_subnets_name_in_place_of_its_id_is_refused" {
  command = plan

  variables {
    vpc_subnet_ids         = ["private-a"]
    vpc_security_group_ids = ["sg-1"]
  }

  expect_failures = [var.vpc_subnet_ids]
}

run "a_security_groups_name_in_place_of_its_id_is_refused" {
  command = plan

  variables {
    vpc_subnet_ids         = ["subnet-1"]
    vpc_security_group_ids = ["default"]
  }

  expect_failures = [var.vpc_security_group_ids]
}

run "an_unknown_function_in_the_vpc_is_refused" {
  command = plan

  variables {
    vpc_functions = ["router"]
  }

  expect_failures = [var.vpc_functions]
}

run "a_vpc_without_functions_is_refused" {
  command = plan

  variables {
    vpc_functions = []
  }

  expect_failures = [var.vpc_functions]
}
