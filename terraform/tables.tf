# The four tables. Keys are spelled in src/interlock/aws/keys.py; this file only knows PK, SK and two indexes.

locals {
  table_definitions = {
    control = { streamed = true, index = "due" }
    joblog  = { streamed = true, index = null }
    rerun   = { streamed = false, index = null }
    events  = { streamed = false, index = "GSI1" }
  }
  index_definitions = {
    # What is due: the watchdog reads its rows by time, and pays for these alone.
    due = { hash = "dueShard", range = "dueAt", range_type = "N", projection = "INCLUDE", included = ["waitsFor", "tries"] }
    # Events of one type, by time.
    GSI1 = { hash = "eventType", range = "timestamp", range_type = "S", projection = "ALL", included = null }
  }
}

resource "aws_dynamodb_table" "this" {
  #checkov:skip=CKV_AWS_119:Without kms_key_arn a key that AWS owns encrypts it: whether one of the account's own is worth its price is the account's choice.

  for_each = local.table_definitions

  name         = local.tables[each.key]
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "PK"
  range_key    = "SK"

  stream_enabled   = each.value.streamed
  stream_view_type = each.value.streamed ? "NEW_AND_OLD_IMAGES" : null

  deletion_protection_enabled = var.deletion_protection

  attribute {
    name = "PK"
    type = "S"
  }

  attribute {
    name = "SK"
    type = "S"
  }

  dynamic "attribute" {
    for_each = each.value.index == null ? {} : {
      (local.index_definitions[each.value.index].hash)  = "S"
      (local.index_definitions[each.value.index].range) = local.index_definitions[each.value.index].range_type
    }

    content {
      name = attribute.key
      type = attribute.value
    }
  }

  dynamic "global_secondary_index" {
    for_each = each.value.index == null ? [] : [each.value.index]

    content {
      name               = global_secondary_index.value
      hash_key           = local.index_definitions[global_secondary_index.value].hash
      range_key          = local.index_definitions[global_secondary_index.value].range
      projection_type    = local.index_definitions[global_secondary_index.value].projection
      non_key_attributes = local.index_definitions[global_secondary_index.value].included
    }
  }

  ttl {
    enabled        = true
    attribute_name = "ttl"
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    # Not enabled is still encrypted, with a key that AWS owns, at no cost.
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.howitworks.html
    enabled     = local.key_arn != null
    kms_key_arn = local.key_arn
  }

  tags = local.tags
}
