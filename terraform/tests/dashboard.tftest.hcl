# The dashboard's address, which differs where AWS is apart.

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

run "the_address_opens_the_dashboard_of_this_region" {
  command = plan

  assert {
    condition     = output.dashboard_url == "https://eu-central-1.console.aws.amazon.com/cloudwatch/home?region=eu-central-1#dashboards/dashboard/data-platform-prod-interlock-eu-central-1"
    error_message = "The dashboard is of one region's control plane."
  }
}

run "in_govcloud_the_console_is_another" {
  command = plan

  override_data {
    target = data.aws_partition.current
    values = { partition = "aws-us-gov" }
  }

  assert {
    condition     = startswith(output.dashboard_url, "https://eu-central-1.console.amazonaws-us-gov.com/")
    error_message = "GovCloud has a console of its own."
  }
}
