"""`make e2e-terraform`: Terraform deploys onto the emulator, the demo's whole story is played there, Terraform takes it down.

Exit 1 when a claim of the story, or of what Terraform does before and after it, does not hold.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from interlock.local.demo import play_on, report
from interlock.local.demo_story import StoryStopped
from interlock.local.demo_telling import Teller
from interlock.local.session import Session, embedded_stack
from interlock.local.up import sigterm_as_interrupt
from terraform.e2e_leftovers import leftovers
from terraform.e2e_stack import TerraformStack, terraform_stacks
from terraform.provider import NoProvider, Provider, find_provider
from terraform.workspace import TerraformFailed

TABLES = ("control", "joblog", "rerun", "events")


def main() -> int:
    tell = Teller(sys.stdout)
    try:
        provider = a_stand_in()
        with sigterm_as_interrupt():
            broken = played_and_taken_down(provider, tell)
    except NoProvider as missing:
        tell.text([f"e2e-terraform: not run: {missing}"])
        return 0
    except (TerraformFailed, StoryStopped) as stopped:
        tell.verdict(False, str(stopped)[-4000:])
        tell.text(stopped.logged if isinstance(stopped, StoryStopped) else [])
        return 1
    tell.verdict(not broken, "; ".join(broken) or "Terraform's stack told the whole story, and is gone.")
    return 1 if broken else 0


def a_stand_in() -> Provider:
    provider = find_provider()
    if not provider.is_stand_in:
        raise NoProvider(f"needs the offline stand-in: {provider.source} applies with an AWS account only")
    return provider


def played_and_taken_down(provider: Provider, tell: Teller) -> list[str]:
    """What did not hold."""
    tell.heading("Deploying with Terraform")
    with (
        tempfile.TemporaryDirectory(prefix="interlock-terraform-") as folder,
        embedded_stack({}, stack_of=terraform_stacks(provider, Path(folder))) as session,
    ):
        # Every function may do what its role of the module allows, and nothing else.
        session.emulator.enforce_permissions()
        tell.say("Applied; the functions' roles count from here on.")
        played = play_on(session, tell)
        report(played, tell)
        told_otherwise = [f"the story: {act.title}" for act in played.acts if act.broken]
        told_otherwise += [
            f"{one.who} was refused {one.action} on {one.resource}"
            for one in session.emulator.permissions()
            if not one.granted
        ]
        tell.heading("What Terraform says and does afterwards")
        return [*told_otherwise, *taken_down(session, tell)]


def taken_down(session: Session, tell: Teller) -> list[str]:
    """As docs/deploy.md says, after a destroy by mistake; what does not hold."""
    stack = session.stack
    assert isinstance(stack, TerraformStack)
    broken = []
    for ends_in, step in STEPS.items():
        found = step(stack)
        tell.say(found or ends_in)
        broken += [found] if found else []
    return broken


def a_plan_finds_nothing(stack: TerraformStack) -> str:
    changed = stack.planned_changes()
    return f"A plan would change {', '.join(changed)}." if changed else ""


def a_destroy_is_refused(stack: TerraformStack) -> str:
    rows = rows_of(stack)
    try:
        stack.workspace.destroy(**stack.variables())
    except TerraformFailed as refused:
        if "deletion protection" not in refused.text.lower():
            return f"A destroy failed, but not by deletion protection: {refused.text[-500:]}"
        kept = rows_of(stack)
        return "" if kept == rows else f"Of {rows} rows a refused destroy kept {kept}."
    return "A destroy went through in spite of deletion protection."


def unlocked_it_goes(stack: TerraformStack) -> str:
    unlocked = {**stack.variables(), "deletion_protection": False}
    stack.workspace.apply(**unlocked)
    empty_bucket(stack, stack.failures_bucket)
    stack.workspace.destroy(**unlocked)
    left = leftovers(stack.cloud, stack.prefix, not_ours=stack.bucket)
    return f"Destroyed, but still there: {', '.join(left)}." if left else ""


# What is to be told when the step held.
STEPS: Mapping[str, Callable[[TerraformStack], str]] = {
    "A plan finds nothing to change.": a_plan_finds_nothing,
    "Deletion protection refuses a destroy, and every row of the tables is still there.": a_destroy_is_refused,
    "Unlocked, emptied and destroyed: nothing of it is left but the user's bucket.": unlocked_it_goes,
}


def rows_of(stack: TerraformStack) -> dict[str, int]:
    dynamodb = stack.cloud.client("dynamodb")
    return {name: dynamodb.scan(TableName=stack.table(name), Select="COUNT")["Count"] for name in TABLES}


def empty_bucket(stack: TerraformStack, bucket: str) -> None:
    """What *Empty* in S3's console does: every version goes."""
    s3 = stack.cloud.client("s3")
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for found in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
            s3.delete_object(Bucket=bucket, Key=found["Key"], VersionId=found["VersionId"])


if __name__ == "__main__":
    sys.exit(main())
