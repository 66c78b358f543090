"""Objects of the failures bucket, on moto."""

import pytest

from interlock.aws import failed_batches
from interlock.aws.failed_batches import FailedBatches
from interlock.domain.bad_input import BadInput
from interlock.ports import CallFailed


@pytest.fixture
def s3(aws):
    s3 = aws("s3")
    s3.create_bucket(Bucket="failures", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return s3


def test_an_object_is_read_whole(s3):
    s3.put_object(Bucket="failures", Key="aws/lambda/a b", Body=b"{}")

    assert FailedBatches(s3).read("failures", "aws/lambda/a b") == b"{}"


def test_one_that_is_gone_is_said_to_be(s3):
    with pytest.raises(BadInput, match="'aws/1' is gone from failures: objects are kept for 30 days"):
        FailedBatches(s3).read("failures", "aws/1")


def test_one_that_lambda_cannot_have_written_is_not_read(s3, monkeypatch):
    monkeypatch.setattr(failed_batches, "_LARGEST", 1)
    s3.put_object(Bucket="failures", Key="k", Body=b"{}")

    with pytest.raises(BadInput, match="2 bytes: Lambda did not write it"):
        FailedBatches(s3).read("failures", "k")


def test_a_bucket_that_is_not_there_is_a_failed_call(s3):
    with pytest.raises(CallFailed, match="NoSuchBucket"):
        FailedBatches(s3).read("nowhere", "k")
