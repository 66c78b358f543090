"""What `make checkov` makes of checkov's reports: a failure, and a skip that gives no reason, are both wrong."""

from __future__ import annotations

import copy
from typing import Any

from terraform.run_checkov import read_report, with_policies_apart

CHECK: dict[str, Any] = {
    "check_id": "CKV_AWS_18",
    "check_name": "Ensure access logging",
    "check_result": {"result": "FAILED"},
    "file_path": "/pipelines.tf",
    "file_line_range": [22, 28],
    "resource": "aws_s3_bucket.configs",
}


def a_report(**results: list[Any]) -> dict[str, Any]:
    kinds = ("passed_checks", "failed_checks", "skipped_checks", "parsing_errors")
    return {"results": {kind: results.get(kind, []) for kind in kinds}}


def skipped(comment: str | None) -> dict[str, Any]:
    return {**CHECK, "check_result": {"result": "SKIPPED", "suppress_comment": comment}}


def test_nothing_is_wrong_where_every_check_passes_or_is_skipped_with_a_reason() -> None:
    report = read_report(a_report(passed_checks=[CHECK, CHECK], skipped_checks=[skipped("Why.")]))

    assert (report.passed, report.skipped, report.wrong) == (2, 1, ())


def test_a_check_that_fails_is_told_with_its_place() -> None:
    report = read_report(a_report(passed_checks=[CHECK], failed_checks=[CHECK]))

    assert report.wrong == ("pipelines.tf:22: aws_s3_bucket.configs: CKV_AWS_18 Ensure access logging",)


def test_a_check_that_is_skipped_without_a_reason_is_wrong() -> None:
    report = read_report(a_report(passed_checks=[CHECK], skipped_checks=[skipped("No comment provided")]))

    assert len(report.wrong) == 1
    assert "skipped without a reason: CKV_AWS_18" in report.wrong[0]


def test_a_file_that_cannot_be_read_is_wrong() -> None:
    report = read_report(a_report(passed_checks=[CHECK], parsing_errors=["/tables.tf"]))

    assert report.wrong == ("/tables.tf: cannot be read",)


def test_having_looked_at_nothing_is_wrong() -> None:
    assert read_report(a_report()).wrong == ("nothing was looked at",)


def test_policies_of_one_inner_module_do_not_share_a_name() -> None:
    policy = {"type": "aws_iam_role_policy", "name": "this"}
    function = {"type": "aws_lambda_function", "name": "this"}
    inner = [
        {
            "resources": [
                {**policy, "address": f"module.{name}.policy"},
                {**function, "address": f"module.{name}"},
            ]
        }
        for name in ("watchdog", "event_sink")
    ]
    plan = {"planned_values": {"root_module": {"child_modules": inner}}}

    apart = with_policies_apart(copy.deepcopy(plan))

    names = [
        each["name"]
        for part in apart["planned_values"]["root_module"]["child_modules"]
        for each in part["resources"]
    ]
    assert names == ["module.watchdog.policy", "this", "module.event_sink.policy", "this"]
