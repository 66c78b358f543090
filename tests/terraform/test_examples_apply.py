"""The examples are applied as they are written, onto an emulator of the account and region that they name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from interlock.local.emulator import Emulator, isolated_session, local_client
from interlock.local.zips import build_zips
from terraform.provider import Provider
from terraform.workspace import Workspace, a_copy_of_the_sources

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("terraform")]

ACCOUNT, REGION = "123456789012", "eu-central-1"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"


class Account:
    """Somebody's, with nothing of ours in it."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator, self._session = emulator, isolated_session(ACCOUNT)

    def client(self, service: str) -> Any:
        return local_client(self._session, service, self._emulator.endpoint, REGION)

    def make_bucket(self, name: str) -> None:
        self.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})

    def workspace(self, provider: Provider, sources: Path, example: str) -> Workspace:
        emulated = {
            "TFSTUB_ENDPOINT": self._emulator.endpoint,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "local",
        }
        workspace = Workspace(provider, sources, sources / "terraform" / "examples" / example, emulated)
        workspace.init()
        return workspace


@pytest.fixture
def account() -> Iterator[Account]:
    with Emulator(region=REGION) as emulator:
        yield Account(emulator)


def test_the_minimal_example_needs_a_bucket_alone(
    stand_in: Provider, account: Account, tmp_path: Path
) -> None:
    account.make_bucket("my-bucket")
    build_zips(tmp_path / "dist", for_aws=False)  # as a release has them
    workspace = account.workspace(stand_in, a_copy_of_the_sources(tmp_path), "minimal")

    workspace.apply()

    functions = account.client("lambda").list_functions()["Functions"]
    assert len(functions) == 7


def test_the_complete_example_puts_everything_under_its_key(
    stand_in: Provider, account: Account, tmp_path: Path
) -> None:
    key = account.client("kms").create_key()["KeyMetadata"]["Arn"]
    account.make_bucket("my-artifacts")
    s3 = account.client("s3")
    for name, path in build_zips(tmp_path / "zips", for_aws=False).items():
        content = path.read_bytes()
        s3.put_object(Bucket="my-artifacts", Key=f"interlock/0.1.0/{name}.zip", Body=content)
    sources = a_copy_of_the_sources(tmp_path)
    main = sources / "terraform" / "examples" / "complete" / "main.tf"
    main.write_text(main.read_text().replace(KEY, key))
    workspace = account.workspace(stand_in, sources, "complete")

    workspace.apply()

    assert set(keys_used(account)) == {key}
    files = s3.list_objects_v2(Bucket=f"prod-interlock-configs-{ACCOUNT}-{REGION}")["Contents"]
    local = {path.name for path in (main.parent / "pipelines").iterdir()}
    assert {file["Key"] for file in files} == {f"pipelines/{name}" for name in local}


def keys_used(account: Account) -> Iterator[str | None]:
    """Of each thing that the module made under a key, or should have."""
    dynamodb, sqs, s3 = (account.client(service) for service in ("dynamodb", "sqs", "s3"))
    for table in dynamodb.list_tables()["TableNames"]:
        yield (
            dynamodb.describe_table(TableName=table)["Table"].get("SSEDescription", {}).get("KMSMasterKeyArn")
        )
    for url in sqs.list_queues()["QueueUrls"]:
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        yield found.get("KmsMasterKeyId")
    for bucket in s3.list_buckets()["Buckets"]:
        if bucket["Name"].startswith("prod-interlock-"):
            (rule,) = s3.get_bucket_encryption(Bucket=bucket["Name"])["ServerSideEncryptionConfiguration"][
                "Rules"
            ]
            yield rule["ApplyServerSideEncryptionByDefault"].get("KMSMasterKeyID")
    for function in account.client("lambda").list_functions()["Functions"]:
        yield function.get("KMSKeyArn")
    for group in account.client("logs").describe_log_groups()["logGroups"]:
        yield group.get("kmsKeyId")
    yield account.client("events").describe_event_bus(Name="prod-interlock-events").get("KmsKeyIdentifier")
