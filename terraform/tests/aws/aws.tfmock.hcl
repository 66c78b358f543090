# What AWS would answer, where a made-up word would be refused: an account, a region, ARNs.

mock_data "aws_caller_identity" {
  defaults = {
    account_id = "123456789012"
  }
}

mock_data "aws_partition" {
  defaults = {
    partition  = "aws"
    dns_suffix = "amazonaws.com"
  }
}

mock_data "aws_region" {
  defaults = {
    region = "eu-central-1"
  }
}

mock_data "aws_kms_key" {
  defaults = {
    arn         = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    enabled     = true
    key_manager = "CUSTOMER"
    key_spec    = "SYMMETRIC_DEFAULT"
    key_state   = "Enabled"
    key_usage   = "ENCRYPT_DECRYPT"
  }
}
