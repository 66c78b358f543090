"""What of a control plane is still on an emulator: after `terraform destroy`, nothing."""

from __future__ import annotations

from collections.abc import Iterator

from interlock.local.stack import Cloud
from terraform.e2e_picture import Reader


def leftovers(cloud: Cloud, prefix: str, not_ours: str) -> list[str]:
    """Everything whose name begins as ours do, by kind; `not_ours`: the user's bucket, which must notify nobody any more."""
    picture = dict(Reader(cloud, prefix).picture())
    if picture["buckets"].get(not_ours) == {"Name": not_ours}:
        del picture["buckets"][not_ours]
    deployed = [f"{kind}: {name}" for kind, found in picture.items() for name in found]
    return sorted([*deployed, *_for_an_account(cloud, prefix)])


def _for_an_account(cloud: Cloud, prefix: str) -> Iterator[str]:
    """What a picture leaves out."""
    for role in cloud.client("iam").list_roles()["Roles"]:
        if role["RoleName"].startswith(f"{prefix}-"):
            yield f"roles: {role['RoleName']}"
    for group in cloud.client("logs").describe_log_groups()["logGroups"]:
        if f"/{prefix}-" in group["logGroupName"]:
            yield f"log groups: {group['logGroupName']}"
    for archive in cloud.client("events").list_archives()["Archives"]:
        if archive["ArchiveName"].startswith(f"{prefix}-"):
            yield f"archives: {archive['ArchiveName']}"
    cloudwatch = cloud.client("cloudwatch")
    for alarm in cloudwatch.describe_alarms(AlarmNamePrefix=f"{prefix}-")["MetricAlarms"]:
        yield f"alarms: {alarm['AlarmName']}"
    for dashboard in cloudwatch.list_dashboards()["DashboardEntries"]:
        if prefix in dashboard["DashboardName"]:
            yield f"dashboards: {dashboard['DashboardName']}"
