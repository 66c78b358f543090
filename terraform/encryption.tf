# One key of the user's for everything, or keys that AWS owns.

data "aws_kms_key" "given" {
  count = var.kms_key_arn == null ? 0 : 1

  key_id = var.kms_key_arn

  lifecycle {
    postcondition {
      condition     = self.key_manager == "CUSTOMER"
      error_message = "kms_key_arn is a key that AWS manages: its policy does not let EventBridge put alerts into the queue, and cannot be changed. Make a key of your own, or leave kms_key_arn out."
    }

    postcondition {
      condition     = self.enabled && self.key_state == "Enabled"
      error_message = "kms_key_arn is ${self.key_state}: nothing could be written. Enable the key, or name another."
    }

    postcondition {
      condition     = self.key_usage == "ENCRYPT_DECRYPT" && self.key_spec == "SYMMETRIC_DEFAULT"
      error_message = "kms_key_arn is a key for ${self.key_usage} (${self.key_spec}): queues and tables need a symmetric key for ENCRYPT_DECRYPT."
    }

    postcondition {
      condition     = split(":", self.arn)[3] == data.aws_region.current.region
      error_message = "kms_key_arn is in ${split(":", self.arn)[3]}, but this provider works in ${data.aws_region.current.region}: name a key of the same region (of a multi-region key, its replica there)."
    }
  }
}

locals {
  # Through the data source, so that a key nobody could use is refused before anything is made.
  key_arn = one(data.aws_kms_key.given[*].arn)

  # What a function does with tables and queues under the key, its role must be allowed to do with the key.
  # https://docs.aws.amazon.com/kms/latest/developerguide/services-dynamodb.html
  # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
  key_permissions = [for arn in data.aws_kms_key.given[*].arn : {
    sid       = "UseKey"
    actions   = ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"]
    resources = [arn]
  }]

  # Things of the user's may be under keys of theirs.
  decryption_permissions = [for permission in [{
    sid       = "ReadWhatIsEncrypted"
    actions   = ["kms:Decrypt"]
    resources = var.decryption_key_arns
  }] : permission if length(var.decryption_key_arns) > 0]

  # What the key's policy must say beside the account's own rights. Only the key's owner can write it there. In a key's
  # policy the resource "*" is this key: https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-overview.html
  key_policy_statements = [
    {
      # Into the alert queue and the dead-letter queues.
      # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html#compatibility-with-aws-services
      Sid       = "InterlockQueues"
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource  = "*"
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    },
    {
      # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-encryption-key-policy.html
      Sid       = "InterlockBusLooksAtKey"
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = ["kms:DescribeKey"]
      Resource  = "*"
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    },
    {
      # The archive re-encrypts: https://docs.aws.amazon.com/eventbridge/latest/userguide/encryption-archives.html
      Sid       = "InterlockBusAndArchive"
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = ["kms:Decrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"]
      Resource  = "*"
      Condition = { StringEquals = { "kms:EncryptionContext:aws:events:event-bus:arn" = local.bus_arn } }
    },
    {
      # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
      Sid       = "InterlockLogs"
      Effect    = "Allow"
      Principal = { Service = "logs.${local.region}.amazonaws.com" }
      Action    = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"]
      Resource  = "*"
      Condition = {
        ArnLike = {
          "kms:EncryptionContext:aws:logs:arn" = [
            "arn:${local.partition}:logs:${local.here}:log-group:/aws/lambda/${local.prefix}-*",
            "arn:${local.partition}:logs:${local.here}:log-group:/aws/vendedlogs/states/${local.prefix}-*",
          ]
        }
      }
    },
  ]
}
