terraform {
  required_version = ">= 1.7"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # 6.69: the data source that tells whether a bucket already notifies somebody.
      version = ">= 6.69, < 7.0"
    }
  }
}
