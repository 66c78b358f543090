"""The control plane as `terraform apply` makes it, on an emulator; otherwise what `interlock.local.stack.Stack` is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from interlock.local.stack import Cloud, Stack, StackOptions
from interlock.local.zips import build_zips
from terraform.provider import Provider
from terraform.workspace import Workspace, a_workspace

FOLDER = "embedded"  # of the root module, beside terraform/
# What a user writes, and what of the embedded world the module has variables for.
ROOT_MODULE = """
provider "aws" {
  region = var.region
}

variable "region" { type = string }
variable "environment" { type = string }
variable "pipeline_configs" { type = string }
variable "lambda_zips" { type = string }
variable "slack_channel_id" { type = string }
variable "slack_api_url" { type = string }
variable "job_role_arn" { type = string }
variable "job_arns" { type = map(list(string)) }
variable "config_notification" {
  type    = string
  default = "s3"
}
variable "deletion_protection" {
  type    = bool
  default = true
}

module "interlock" {
  source           = "../terraform"
  project_name     = "embedded"
  environment      = var.environment
  pipeline_configs = var.pipeline_configs

  config_notification = var.config_notification
  lambda_zips         = var.lambda_zips
  slack_channel_id    = var.slack_channel_id
  slack_api_url       = var.slack_api_url

  enable_glue_trigger                = true
  glue_job_arns                      = var.job_arns.glue
  enable_emr_trigger                 = true
  emr_cluster_arns                   = var.job_arns.emr
  enable_emr_serverless_trigger      = true
  emr_serverless_application_arns    = var.job_arns.emr_serverless
  emr_serverless_execution_role_arns = [var.job_role_arn]
  enable_step_function_trigger       = true
  step_function_arns                 = var.job_arns.step_function
  enable_lambda_trigger              = true
  lambda_function_arns               = var.job_arns.lambda
  job_secret_arns                    = var.job_arns.secrets

  # The stand-ins for what jobs run on.
  allowed_private_cidrs = ["127.0.0.0/8"]
  deletion_protection   = var.deletion_protection
}

output "interlock" { value = module.interlock }
"""


class TerraformStack(Stack):
    """Names are the same by contract, so whoever uses a `Stack` can use this one."""

    def __init__(
        self,
        cloud: Cloud,
        options: StackOptions,
        zips: Path,
        provider: Provider,
        folder: Path,
        chosen: Mapping[str, Any],
    ) -> None:
        super().__init__(cloud, options, zips)
        self._provider, self._folder, self._chosen = provider, folder, chosen
        self._workspace: Workspace | None = None

    @property
    def workspace(self) -> Workspace:
        """Where Terraform keeps its state of this stack."""
        if self._workspace is None:
            raise RuntimeError("not deployed yet")
        return self._workspace

    def deploy(self) -> TerraformStack:
        """As the documentation has a user do it: a bucket for configs, `apply`, the token into its secret."""
        self.cloud.client("s3").create_bucket(Bucket=self.bucket)
        build_zips(self._zips, for_aws=False)
        self._workspace = self._initialised()
        self.workspace.apply(**self.variables())
        self.cloud.client("secretsmanager").put_secret_value(
            SecretId=f"{self.prefix}/slack", SecretString=self.options.slack_token
        )
        self._give_functions_what_only_the_embedded_world_has()
        return self

    def _initialised(self) -> Workspace:
        root = self._folder / FOLDER
        root.mkdir(parents=True)
        (root / "main.tf").write_text(ROOT_MODULE)
        emulated = {
            "TFSTUB_ENDPOINT": self.cloud.endpoint,
            "AWS_REGION": self.cloud.region,
            "AWS_ACCESS_KEY_ID": self.cloud.account,
            "AWS_SECRET_ACCESS_KEY": "local",
        }
        return a_workspace(self._provider, self._folder, FOLDER, **emulated)

    def variables(self) -> Mapping[str, Any]:
        """What the root module is given."""
        return {
            **self._chosen,
            "region": self.cloud.region,
            "environment": self.options.environment,
            "pipeline_configs": f"s3://{self.bucket}/{self.config_prefix}",
            "lambda_zips": str(self._zips),
            "slack_channel_id": self.options.slack_channel,
            "slack_api_url": self.options.slack_api_url or "https://slack.com/api",
            "job_role_arn": f"arn:aws:iam::{self.cloud.account}:role/jobs",
            "job_arns": {
                "glue": [self.arn("glue", "job/*")],
                "emr": [self.arn("elasticmapreduce", "cluster/*")],
                "emr_serverless": [self.arn("emr-serverless", "/applications/*")],
                # As the tests that play jobs call theirs.
                "step_function": [self.arn("states", "stateMachine:machine-*")],
                "lambda": [self.arn("lambda", "function:function-*")],
                "secrets": [self.arn("secretsmanager", "secret:flow/*")],
            },
        }

    def planned_changes(self) -> list[str]:
        """What another apply would change, resources and outputs: what `plan -detailed-exitcode` looks for."""
        plan = self.workspace.plan(**self.variables())
        outputs = plan.document.get("output_changes", {})
        return [
            *(change.address for change in plan.changes),
            *(f"output.{name}" for name, change in outputs.items() if change["actions"] != ["no-op"]),
        ]

    def _give_functions_what_only_the_embedded_world_has(self) -> None:
        """Settings that the module cannot and should not have: on an account none of them has a meaning.

        The addresses of the emulator and of the jobs' stand-ins, where AWS's own are known to the SDK; and any command as
        a job, which on this machine is the user's own and on an account somebody else's.
        """
        functions = self.cloud.client("lambda")
        for name in self.functions:
            made = functions.get_function_configuration(FunctionName=self.function(name))
            functions.update_function_configuration(
                FunctionName=self.function(name),
                Environment={"Variables": made["Environment"]["Variables"] | self.embedded_settings(name)},
            )


def terraform_stacks(
    provider: Provider, folder: Path, **chosen: Any
) -> Callable[[Cloud, StackOptions, Path], Stack]:
    """For `embedded_stack`: how its stack is made; `chosen` are variables of the root module."""

    def made(cloud: Cloud, options: StackOptions, zips: Path) -> Stack:
        return TerraformStack(cloud, options, zips, provider, folder, chosen)

    return made
