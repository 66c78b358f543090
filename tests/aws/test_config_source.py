"""The user's YAML in a bucket."""

import pytest
from botocore.exceptions import ClientError

from interlock.aws import config_source
from interlock.aws.config_source import S3Configs
from interlock.config_ports import ConfigWithheld
from interlock.pipeline_yaml.document import MOST_BYTES
from interlock.ports import CallFailed


@pytest.fixture
def s3(aws):
    s3 = aws("s3")
    s3.create_bucket(Bucket="configs", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return s3


def put(s3, key, body=b"x"):
    return s3.put_object(Bucket="configs", Key=key, Body=body)["ETag"].strip('"')


def test_the_listing_has_every_yaml_file_below_the_prefix_with_its_etag(s3):
    etag = put(s3, "pipelines/gold.yaml")
    for key in ("pipelines/team/silver.yml", "pipelines/README.md", "pipelines-old/x.yaml", "y.yaml"):
        put(s3, key)

    listing = S3Configs(s3, "configs", "pipelines/").listing()

    assert sorted(listing) == ["gold.yaml", "team/silver.yml"]
    assert listing["gold.yaml"] == etag


@pytest.mark.parametrize("prefix", ["pipelines", "pipelines/", "/pipelines/"])
def test_a_prefix_may_be_written_with_or_without_slashes(s3, prefix):
    put(s3, "pipelines/gold.yaml", b"text")
    source = S3Configs(s3, "configs", prefix)

    assert list(source.listing()) == ["gold.yaml"]
    assert source.read("gold.yaml")[0] == b"text"


def test_without_a_prefix_the_whole_bucket_counts(s3):
    put(s3, "team/gold.yaml")

    assert list(S3Configs(s3, "configs", "").listing()) == ["team/gold.yaml"]


def test_a_listing_goes_on_beyond_one_page(s3):
    for number in range(1005):
        put(s3, f"p/{number:04}.yaml")

    assert len(S3Configs(s3, "configs", "p").listing()) == 1005


def test_a_file_is_read_with_the_etag_of_what_was_read(s3):
    etag = put(s3, "p/gold.yaml", b"pipeline: {}")
    source = S3Configs(s3, "configs", "p")

    assert source.read("gold.yaml") == (b"pipeline: {}", etag)
    assert source.listing() == {"gold.yaml": etag}


def test_a_file_that_is_gone_is_none(s3):
    assert S3Configs(s3, "configs", "p").read("gold.yaml") is None


def test_an_empty_file_is_read(s3):
    put(s3, "p/gold.yaml", b"")

    assert S3Configs(s3, "configs", "p").read("gold.yaml")[0] == b""


def test_of_a_huge_file_one_byte_more_than_allowed_is_read(s3):
    put(s3, "p/gold.yaml", b"x" * 2_000_000)

    content, _ = S3Configs(s3, "configs", "p").read("gold.yaml")

    assert len(content) == MOST_BYTES + 1 == config_source._MOST_BYTES + 1


def test_a_bucket_that_does_not_exist_is_a_failed_call(s3):
    with pytest.raises(CallFailed) as failed:
        S3Configs(s3, "nowhere", "p").listing()

    assert (failed.value.call, failed.value.code) == ("s3.ListObjectsV2", "NoSuchBucket")


ODD_NAMES = {
    "a blank": "gold revenue.yaml",
    "a plus": "a+b.yaml",
    "a percent sign": "100%25.yaml",
    "a question mark and a hash": "a?b#c=d.yaml",
    "letters of other alphabets": "größe/日本/😀.yaml",
    "what XML escapes": "q\"'<>&.yaml",
    "a line break": "new\nline.yaml",
    "two slashes": "a//b.yaml",
    "a backslash": "a\\b.yaml",
    "dots": "a/../b.yaml",
    "as many bytes as S3 takes": "x" * (1024 - len("p/.yaml")) + ".yaml",
}


@pytest.mark.parametrize("name", ODD_NAMES.values(), ids=ODD_NAMES)
def test_a_name_is_read_as_it_is_listed(s3, name):
    put(s3, f"p/{name}", b"text")
    source = S3Configs(s3, "configs", "p")

    assert list(source.listing()) == [name]
    assert source.read(name)[0] == b"text"


def test_a_folder_is_no_file_whatever_its_name(s3):
    put(s3, "p/team.yaml/", b"")
    put(s3, "p/team.yaml/gold.yaml")

    assert list(S3Configs(s3, "configs", "p").listing()) == ["team.yaml/gold.yaml"]


def test_an_archived_file_is_withheld_until_it_is_uploaded_again(s3):
    s3.put_object(Bucket="configs", Key="p/gold.yaml", Body=b"x", StorageClass="GLACIER")

    with pytest.raises(
        ConfigWithheld, match="archived: restore it, or upload it again in the storage class"
    ) as withheld:
        S3Configs(s3, "configs", "p").read("gold.yaml")

    assert withheld.value.code == "InvalidObjectState"


class Refusing:
    """S3, as it answers for one object."""

    def __init__(self, code, message="", listed=("p/gold.yaml",)):
        self._error = ClientError({"Error": {"Code": code, "Message": message}}, "GetObject")
        self._listed = listed

    def get_object(self, **_):
        raise self._error

    def list_objects_v2(self, **_):
        return {"Contents": [{"Key": key} for key in self._listed]}


# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("AccessDenied", "let config-sync's role read it and decrypt it"),
        ("KMS.DisabledException", "enable its KMS key, or upload it again under another one"),
        ("KMS.NotFoundException", "enable its KMS key, or upload it again under another one"),
        ("KMS.KMSInvalidStateException", "enable its KMS key, or upload it again under another one"),
        ("InvalidRequest", r"upload it again without an encryption key of your own \(SSE-C\)"),
    ],
)
def test_a_file_that_is_not_handed_over_is_withheld_with_what_to_change_and_s3s_own_words(code, change):
    with pytest.raises(ConfigWithheld, match=change) as withheld:
        S3Configs(Refusing(code, "role/x may not kms:Decrypt"), "configs", "p").read("gold.yaml")

    assert withheld.value.code == code
    assert f"{code}: role/x may not kms:Decrypt" in str(withheld.value)


def test_a_file_that_is_gone_is_none_to_who_may_list_its_folder_alone():
    assert (
        S3Configs(Refusing("AccessDenied", listed=["p/other.yaml"]), "configs", "p").read("gold.yaml") is None
    )


@pytest.mark.parametrize(
    "code", ["SlowDown", "InternalError", "RequestTimeout", "NoSuchBucket", "ExpiredToken"]
)
def test_what_is_no_matter_of_one_file_is_a_failed_call(code):
    with pytest.raises(CallFailed, match=code):
        S3Configs(Refusing(code), "configs", "p").read("gold.yaml")
