"""Files on S3: boto3 lists and deletes them, because it knows versions and has no folders; PyArrow does the rest."""

import io
from collections.abc import Iterable, Iterator
from functools import cached_property, partial
from itertools import islice
from typing import IO, Any, TypeVar

from pyarrow import fs

from stedi_dagster import aws
from stedi_dagster.errors import AwsError
from stedi_dagster.storage.base import Entry, OldVersion, Storage

SCHEME = "s3://"
# S3's limit for one request.
_KEYS_PER_REQUEST = 1000
_ATTEMPTS = 8
_T = TypeVar("_T")


class S3Storage(Storage):
    """All buckets that the credentials can access; paths are s3:// URLs with names as they are, unescaped."""

    @cached_property
    def client(self) -> Any:
        """boto3's client."""
        return aws.client("s3")

    @cached_property
    def filesystem(self) -> fs.FileSystem:
        """PyArrow's file system."""
        return fs.S3FileSystem(
            region=self.client.meta.region_name,
            endpoint_override=aws.endpoint("s3"),
            retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=_ATTEMPTS),
        )

    def entries(self, folder: str) -> list[Entry]:
        """See `Storage.entries`; as S3 has no folders, a folder without files does not exist."""
        bucket, prefix = split(f"{folder}/")
        aws.check_region_of(bucket)
        with aws.aws_errors(f"listing {SCHEME}{bucket}"):
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            entries = [
                Entry(f"{SCHEME}{bucket}/{found['Key']}", found["Size"], found["ETag"])
                for page in pages
                for found in page.get("Contents", ())
                # The console creates such keys when somebody "creates a folder".
                if not found["Key"].endswith("/")
            ]
        if not entries:
            raise FileNotFoundError(folder)
        return entries

    def digest(self, path: str) -> str | None:  # noqa: ARG002 - same for any file
        """See `Storage.digest`: an ETag changes only with the content."""
        return None

    def delete(self, paths: Iterable[str]) -> None:
        """See `Storage.delete`.

        Raises:
            AwsError: S3 kept one of them.
        """
        by_bucket: dict[str, set[str]] = {}
        for path in paths:
            bucket, key = split(path)
            by_bucket.setdefault(bucket, set()).add(key)
        for bucket, keys in by_bucket.items():
            # Deleting only the key would leave its versions, from which the file can be restored.
            versions = self._versions(bucket, _common_prefix(keys))
            self._delete(bucket, [version for version in versions if version["Key"] in keys])

    def old_versions(self, folder: str) -> Iterator[OldVersion]:
        """See `Storage.old_versions`."""
        bucket, prefix = split(f"{folder}/")
        for found in self._pages(bucket, prefix):
            key, version = found["Key"], found["VersionId"]
            if not found["IsLatest"] or "Size" not in found:
                open_content = partial(self._open_version, bucket, key, version) if "Size" in found else io.BytesIO
                yield OldVersion(f"{SCHEME}{bucket}/{key}", version, open_content)

    def delete_versions(self, versions: Iterable[OldVersion]) -> None:
        """See `Storage.delete_versions`."""
        by_bucket: dict[str, list[dict[str, str]]] = {}
        for found in versions:
            bucket, key = split(found.path)
            by_bucket.setdefault(bucket, []).append({"Key": key, "VersionId": found.version})
        for bucket, old in by_bucket.items():
            self._delete(bucket, old)

    def delete_unfinished(self, folder: str) -> None:
        """See `Storage.delete_unfinished`: S3 shows objects only once they are complete."""

    def _open_version(self, bucket: str, key: str, version: str) -> IO[bytes]:
        with aws.aws_errors(f"reading an old version in {SCHEME}{bucket}"):
            return io.BytesIO(self.client.get_object(Bucket=bucket, Key=key, VersionId=version)["Body"].read())

    def write(self, path: str, content: bytes) -> None:
        """See `Storage.write`."""
        bucket, key = split(path)
        with aws.aws_errors(f"writing to {SCHEME}{bucket}"):
            self.client.put_object(Bucket=bucket, Key=key, Body=content)

    def check_replaceable(self, path: str) -> None:
        """See `Storage.check_replaceable`: starts an upload, which needs the same permission, and aborts it."""
        bucket, key = split(path)
        with aws.aws_errors(f"writing to {SCHEME}{bucket}"):
            upload = self.client.create_multipart_upload(Bucket=bucket, Key=key)
            self.client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload["UploadId"])

    def _replace(self, path: str, stream: IO[bytes]) -> None:
        bucket, key = split(path)
        with aws.aws_errors(f"writing to {SCHEME}{bucket}"):
            self.client.upload_fileobj(stream, bucket, key)

    def _versions(self, bucket: str, prefix: str) -> Iterator[dict[str, str]]:
        """Every version and every delete marker below a prefix, in the form that `delete_objects` expects."""
        for found in self._pages(bucket, prefix):
            yield {"Key": found["Key"], "VersionId": found["VersionId"]}

    def _pages(self, bucket: str, prefix: str) -> Iterator[dict[str, Any]]:
        with aws.aws_errors(f"listing the versions in {SCHEME}{bucket}"):
            for page in self.client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
                yield from (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))

    def _delete(self, bucket: str, versions: Iterable[dict[str, str]]) -> None:
        with aws.aws_errors(f"deleting in {SCHEME}{bucket}"):
            for chunk in _chunks(versions):
                answer = self.client.delete_objects(Bucket=bucket, Delete={"Objects": chunk, "Quiet": True})
                if kept := answer.get("Errors"):
                    codes = ", ".join(sorted({error["Code"] for error in kept}))
                    raise AwsError(f"S3 did not delete {len(kept)} files in {bucket} ({codes}).")

    def delete_folder(self, folder: str) -> None:
        """See `Storage.delete_folder`."""
        self.delete(self.list(folder))

    def within(self, path: str) -> str:
        """See `Storage.within`."""
        return path.removeprefix(SCHEME)


def split(url: str) -> tuple[str, str]:
    """The bucket and the key of an s3:// URL."""
    bucket, _, key = url.removeprefix(SCHEME).partition("/")
    return bucket, key


def _common_prefix(keys: set[str]) -> str:
    # The common prefix of all keys is that of the first and the last.
    first, last = min(keys), max(keys)
    return first[: next((at for at, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), None)]


def _chunks(items: Iterable[_T]) -> Iterator[list[_T]]:
    remaining = iter(items)
    while chunk := list(islice(remaining, _KEYS_PER_REQUEST)):
        yield chunk
