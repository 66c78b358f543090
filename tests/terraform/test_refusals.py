"""Each mistake is refused before anything changes, in words that say what to change.

The mistakes are those of terraform/tests (runs named `..._refused`), and one more whose file is too large to be kept.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping

import pytest

from terraform.provider import ROOT, Provider
from terraform.refusals import a_mistake_like, mistakes, words_of_refusals
from terraform.workspace import a_workspace

# For xdist: all are refused in one go.
pytestmark = pytest.mark.xdist_group("terraform-refusals")

TOO_LARGE = "a_config_file_of_5_mb_is_refused"

WORDS = {
    "a_bucket_prefix_without_slash_is_refused": 'pipeline_configs must end with a slash, like "s3://my-bucket/pipelines/"',
    "a_bucket_without_prefix_is_refused": "pipeline_configs must name a bucket and a prefix",
    "a_config_folder_without_yaml_is_refused": "or a directory with .yaml files in it",
    "a_config_folder_that_does_not_exist_is_refused": "or a directory with .yaml files in it",
    "a_config_file_that_is_not_yaml_is_refused": "not_yaml/orders.yaml is not YAML. Run `interlock validate",
    "a_config_file_without_pipeline_id_is_refused": "no_pipeline_id/orders.yaml is neither a pipeline (pipeline.id is missing)",
    "two_config_files_with_one_pipeline_id_are_refused": "rename or remove one: orders-copy.yml, orders.yaml",
    TOO_LARGE: "has 5242880 bytes: a pipeline's YAML has at most 262144. Is it another kind of file? Move it out",
    "a_bucket_that_notifies_a_queue_is_refused": 'Set config_notification = "eventbridge"',
    "a_bucket_that_notifies_another_function_is_refused": "already notifies others",
    "a_bucket_that_sends_its_events_to_eventbridge_is_refused": 'config_notification = "eventbridge"',
    "a_zips_folder_without_zips_is_refused": "stream_router.zip",
    "an_environment_name_of_17_characters_is_refused": "environment must be 1 to 16 lower-case letters",
    "an_environment_name_with_a_capital_is_refused": "environment must be 1 to 16 lower-case letters",
    "an_environment_name_with_interlock_in_it_is_refused": 'Use "prod"',
    "a_41st_tag_is_refused": "tags must be at most 40",
    "a_glue_trigger_without_arns_is_refused": "glue_job_arns is empty: name the jobs",
    "an_emr_trigger_without_arns_is_refused": "emr_cluster_arns is empty: name the clusters",
    "an_emr_serverless_trigger_without_arns_is_refused": "emr_serverless_execution_role_arns is empty: name the applications",
    "a_step_function_trigger_without_arns_is_refused": "step_function_arns is empty: name the state machines",
    "a_lambda_trigger_without_arns_is_refused": "lambda_function_arns is empty: name the functions",
    "a_star_in_place_of_glue_job_arns_is_refused": 'like "arn:aws:glue:REGION:ACCOUNT:job/NAME"',
    "a_role_with_a_star_for_emr_serverless_is_refused": "each written out (no `*`",
    "a_watchdog_interval_of_half_a_minute_is_refused": "EventBridge has no schedule under a minute",
    "a_watchdog_interval_of_zero_is_refused": "must be a whole number from 1 to 5",
    "a_log_retention_that_cloudwatch_does_not_know_is_refused": "must be one of those that CloudWatch knows: 1, 3",
    "concurrency_of_an_unknown_function_is_refused": "lambda_concurrency must name functions: stream_router",
    "an_unknown_function_in_the_vpc_is_refused": "vpc_functions must name functions: stream_router",
    "subnets_without_security_groups_are_refused": "belong together: give both, or neither",
    "the_alias_of_the_aws_managed_key_of_sqs_is_refused": "EventBridge cannot put alerts into a queue under an AWS managed key",
    "a_key_that_aws_manages_is_refused": "Make a key of your own, or leave kms_key_arn out",
    "a_disabled_key_is_refused": "Enable the key, or name another",
    "a_key_of_another_region_is_refused": "name a key of the same region",
    "a_slack_channel_beside_a_webhook_is_refused": "alerts go to one channel; leave out one of them",
    "a_slack_token_in_place_of_its_secret_is_refused": "never the token itself",
    "a_slack_secrets_arn_without_its_last_characters_is_refused": "with the six characters at its end",
    "a_job_secrets_arn_that_names_nothing_is_refused": 'like "arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-*"',
    "more_jobs_than_a_roles_policies_can_name_are_refused": "Name many by one pattern",
    "more_settings_than_a_function_takes_are_refused": "Lambda takes 4,096",
}


@pytest.fixture(scope="module")
def said(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """What Terraform said to each mistake."""
    workspace = a_workspace(provider, tmp_path_factory.mktemp("refusals") / "project")
    large = workspace.folder / "large"
    large.mkdir()
    (large / "orders.yaml").write_bytes(b"# a log, by mistake\n" + b"x" * (5 * 1024 * 1024 - 20))
    like = a_mistake_like("a_config_file_that_is_not_yaml_is_refused", TOO_LARGE, pipeline_configs="./large")
    return words_of_refusals(workspace, mistakes() | {TOO_LARGE: like})


@pytest.mark.parametrize("mistake", WORDS)
def test_a_refusal_says_what_to_change(said: Mapping[str, str], mistake: str) -> None:
    assert WORDS[mistake] in said[mistake]


def test_a_module_without_the_folders_beside_it_says_how_to_name_it(
    provider: Provider, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """So it is with one slash in its source: Terraform then takes along the one folder alone."""
    workspace = a_workspace(provider, tmp_path_factory.mktemp("alone") / "project")
    shutil.rmtree(workspace.root / "statemachine")
    name = "a_bucket_prefix_without_slash_is_refused"
    alone = a_mistake_like(name, "alone", pipeline_configs="s3://configs/pipelines/")

    words = words_of_refusals(workspace, {"alone": alone})["alone"]

    assert "the module's folder after two slashes" in words
    assert "templatefile" not in words


def test_every_mistake_is_refused(said: Mapping[str, str]) -> None:
    assert [mistake for mistake, words in said.items() if not words] == []


def test_every_refusal_begins_with_what_is_wrong(said: Mapping[str, str]) -> None:
    """A variable's name, or the file or bucket that is at fault: not Terraform's own words about a type or a function."""
    begins = re.compile(
        r"(Invalid value for variable|Resource (pre|post)condition failed): "
        r"([a-z_]+ (must|is|and)|enable_\w+_trigger is|lambda_concurrency of|lambda_zips: |\./|The bucket )"
    )

    assert {name: words for name, words in said.items() if not begins.match(words)} == {}


def test_every_rule_of_a_variable_is_tried_by_a_mistake(said: Mapping[str, str]) -> None:
    lines = (ROOT / "terraform" / "variables.tf").read_text().splitlines()
    rules = {number for number, line in enumerate(lines, 1) if line == "  validation {"}
    tried = {
        int(found) for words in said.values() for found in re.findall(r"rule at variables\.tf:(\d+)", words)
    }

    assert len(rules) > 30
    assert {lines[rule + 1] for rule in rules - tried} == set()


def test_every_rule_between_variables_is_tried_by_a_mistake(said: Mapping[str, str]) -> None:
    text = (ROOT / "terraform" / "settings.tf").read_text()
    rules = [json.loads(words) for words in re.findall(r"error_message = (.*)", text)]

    assert len(rules) > 5
    assert [words for words in rules if not any(words in each for each in said.values())] == []
