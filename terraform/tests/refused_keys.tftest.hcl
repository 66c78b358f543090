# Keys that the queues, the bus or the tables could not use.

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

run "the_alias_of_the_aws_managed_key_of_sqs_is_refused" {
  command = plan

  variables {
    kms_key_arn = "alias/aws/sqs"
  }

  expect_failures = [var.kms_key_arn]
}

run "the_arn_of_an_alias_is_refused" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:alias/interlock"
  }

  expect_failures = [var.kms_key_arn]
}

run "an_alias_to_decrypt_with_is_refused" {
  command = plan

  variables {
    decryption_key_arns = ["alias/configs"]
  }

  expect_failures = [var.decryption_key_arns]
}

run "a_key_that_aws_manages_is_refused" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  }

  override_data {
    target = data.aws_kms_key.given

    values = {
      arn         = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
      enabled     = true
      key_manager = "AWS"
      key_spec    = "SYMMETRIC_DEFAULT"
      key_state   = "Enabled"
      key_usage   = "ENCRYPT_DECRYPT"
    }
  }

  expect_failures = [data.aws_kms_key.given]
}

run "a_disabled_key_is_refused" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  }

  override_data {
    target = data.aws_kms_key.given

    values = {
      arn         = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
      enabled     = false
      key_manager = "CUSTOMER"
      key_spec    = "SYMMETRIC_DEFAULT"
      key_state   = "Disabled"
      key_usage   = "ENCRYPT_DECRYPT"
    }
  }

  expect_failures = [data.aws_kms_key.given]
}

run "a_key_about_to_be_deleted_is_refused" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  }

  override_data {
    target = data.aws_kms_key.given

    values = {
      arn         = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
      enabled     = false
      key_manager = "CUSTOMER"
      key_spec    = "SYMMETRIC_DEFAULT"
      key_state   = "PendingDeletion"
      key_usage   = "ENCRYPT_DECRYPT"
    }
  }

  expect_failures = [data.aws_kms_key.given]
}

run "a_key_for_signatures_is_refused" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  }

  override_data {
    target = data.aws_kms_key.given

    values = {
      arn         = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
      enabled     = true
      key_manager = "CUSTOMER"
      key_spec    = "ECC_NIST_P256"
      key_state   = "Enabled"
      key_usage   = "SIGN_VERIFY"
    }
  }

  expect_failures = [data.aws_kms_key.given]
}

run "a_key_of_another_region_is_refused" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  }

  override_data {
    target = data.aws_kms_key.given

    values = {
      arn         = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
      enabled     = true
      key_manager = "CUSTOMER"
      key_spec    = "SYMMETRIC_DEFAULT"
      key_state   = "Enabled"
      key_usage   = "ENCRYPT_DECRYPT"
    }
  }

  expect_failures = [data.aws_kms_key.given]
}
