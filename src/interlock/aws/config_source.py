"""`ConfigSource` on S3: the user's YAML below one prefix."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from interlock.aws.errors import calling
from interlock.config_ports import ConfigWithheld
from interlock.ports import CallFailed

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_YAML = (".yaml", ".yml")
_MOST_BYTES = 256 * 1024  # of a config

# What S3 answers of one object, again and again until somebody changes something.
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
_CHANGES = {
    "AccessDenied": "let config-sync's role read it and decrypt it (its KMS key among the module's decryption_key_arns),"
    " or upload it again without that key",
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
    "InvalidObjectState": "it is archived: restore it, or upload it again in the storage class STANDARD",
    # Encrypted with a key that whoever asks has to send along.
    "InvalidRequest": "upload it again without an encryption key of your own (SSE-C)",
}
# https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
_KMS_CHANGE = "enable its KMS key, or upload it again under another one"


class S3Configs:
    """Names are keys without the prefix; folders below it count."""

    def __init__(self, client: S3Client, bucket: str, prefix: str) -> None:
        self._client, self._bucket = client, bucket
        folder = prefix.strip("/")
        self._prefix = f"{folder}/" if folder else ""

    def listing(self) -> Mapping[str, str]:
        return {
            item["Key"].removeprefix(self._prefix): _etag(item)
            for item in self._objects()
            if item["Key"].lower().endswith(_YAML)
        }

    def read(self, name: str) -> tuple[bytes, str] | None:
        try:
            with calling("s3.GetObject"):
                answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)
                with answer["Body"] as body:
                    # One byte more than allowed shows that it is too large, whatever its size.
                    return body.read(_MOST_BYTES + 1), _etag(answer)
        except CallFailed as failed:
            if failed.code == "NoSuchKey" or (failed.code == "AccessDenied" and self._is_gone(name)):
                return None
            change = _what_to_change(failed.code)
            if change is None:
                raise
            raise ConfigWithheld(failed.code, f"cannot be read; {change} ({failed})") from failed

    def _is_gone(self, name: str) -> bool:
        """Who may not list the whole bucket is refused a file that is not there, as if it were withheld.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html#API_GetObject_RequestSyntax
        """
        return all(item["Key"] != self._prefix + name for item in self._objects())

    def _objects(self) -> Iterator[Mapping[str, Any]]:
        page: Any = {"NextContinuationToken": None}
        while "NextContinuationToken" in page:
            token = page["NextContinuationToken"]
            more = {"ContinuationToken": token} if token else {}
            with calling("s3.ListObjectsV2"):
                page = self._client.list_objects_v2(Bucket=self._bucket, Prefix=self._prefix, **more)
            yield from page.get("Contents", ())


def _etag(answer: Mapping[str, Any]) -> str:
    return str(answer["ETag"]).strip('"')


def _what_to_change(code: str) -> str | None:
    return _KMS_CHANGE if code.startswith("KMS.") else _CHANGES.get(code)
