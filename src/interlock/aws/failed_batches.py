"""The bucket in which Lambda keeps what no retry of a stream helped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interlock.aws.errors import calling
from interlock.domain.bad_input import BadInput
from interlock.ports import CallFailed

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# An invocation's event has at most 6 MB; as text within JSON its quotes and controls take up to six bytes each.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_LARGEST = 40 * 1024 * 1024
# Without the right to list a bucket, S3 answers for what is gone as for what is forbidden.
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
_GONE = ("NoSuchKey", "NoSuchVersion", "404")


class FailedBatches:
    """Objects of the failures bucket."""

    def __init__(self, client: S3Client) -> None:
        self._client = client

    def read(self, bucket: str, key: str) -> bytes:
        """`BadInput` for an object that is gone, or larger than any that Lambda writes."""
        try:
            with calling("s3.GetObject"):
                answer = self._client.get_object(Bucket=bucket, Key=key)
                if answer["ContentLength"] > _LARGEST:
                    raise BadInput(
                        f"{key[:300]!r} has {answer['ContentLength']} bytes: Lambda did not write it"
                    )
                return answer["Body"].read()
        except CallFailed as error:
            if error.code in _GONE:
                raise BadInput(
                    f"{key[:300]!r} is gone from {bucket}: objects are kept for 30 days"
                ) from error
            raise
