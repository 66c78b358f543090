output "arn" {
  description = "The function, for whoever invokes it."
  value       = aws_lambda_function.this.arn
}

output "role_arn" {
  description = "Its role, for resource policies that name it."
  value       = aws_iam_role.this.arn
}

output "log_group_name" {
  description = "Where its log lines are."
  value       = aws_cloudwatch_log_group.this.name
}
