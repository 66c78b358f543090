variable "function" {
  description = "The function, whole. Time in seconds, memory in MB."

  type = object({
    name        = string # of the function, and of its log group and alarms
    role_name   = string
    description = string

    zip = object({
      filename  = optional(string) # a local file, or ...
      hash      = optional(string) # ... its SHA-256 in base64: a changed zip is a change
      s3_bucket = optional(string)
      s3_key    = optional(string)
    })

    timeout_seconds      = number
    environment          = map(string)
    reserved_concurrency = optional(number, -1)
    throttled_minutes    = optional(number, 3) # of throttling before the alarm

    # What its role may do. `condition` as in a policy.
    permissions = list(object({
      sid       = string
      actions   = list(string)
      resources = list(string)
      condition = optional(map(map(list(string))))
    }))

    # Where an asynchronous invocation goes that failed at every try; null where nobody invokes it so.
    invocation_failures_arn = optional(string)
  })
}

variable "surroundings" {
  description = "What all functions have in common."

  type = object({
    account                  = string
    partition                = string
    region                   = string
    kms_key_arn              = optional(string)
    log_retention_days       = number
    subnet_ids               = list(string)
    security_group_ids       = list(string)
    permissions_boundary_arn = optional(string)
    alarm_topic_arns         = list(string)
    tags                     = map(string)
  })
}
