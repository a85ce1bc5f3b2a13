"""One writer at a time on S3, where runs of several machines share a warehouse: an object that one of them holds.

S3 makes and replaces an object only if nobody else did so first (`If-None-Match`, `If-Match`). A holder that died
leaves the object behind; it is taken over once it was not renewed for a while, by S3's own clock.
"""

import json
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from stedi_dagster import aws
from stedi_dagster.errors import BusyError, PublishConflictError
from stedi_dagster.storage.s3 import split

_NAME = "_lock.json"
_LOST_TO_ANOTHER = {"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey", "404", "412"}
RENEWED_EVERY = 15.0
ABANDONED_AFTER = 90.0
_ASKED_EVERY = 1.0

_log = logging.getLogger(__name__)


class S3Lock:
    """The lock of one warehouse."""

    def __init__(self, warehouse: str, holder: str) -> None:
        """Prepare.

        Args:
            warehouse: its s3:// URL.
            holder: who takes the lock; shown to others that wait.
        """
        self._url = f"{warehouse}/{_NAME}"
        self._bucket, self._key = split(self._url)
        self._body = json.dumps({"holder": holder, "token": str(uuid.uuid4())}).encode()
        self._client = aws.client("s3")
        self._etag: str | None = None
        self._changing = threading.Lock()

    @contextmanager
    def held(self, *, timeout: float, waiting: Callable[[str], None]) -> Iterator[None]:
        """Take the lock, renew it for as long as it is needed, and let it go.

        Args:
            timeout: seconds to wait.
            waiting: called once, with who holds the lock, if it is not free.

        Raises:
            BusyError: somebody else held it for all of that time.
            AwsError: S3 does not let us.
        """
        self._take(timeout, waiting)
        done = threading.Event()
        renewing = threading.Thread(target=self._renew_until, args=(done,), daemon=True, name="lock renewal")
        renewing.start()
        try:
            yield
        finally:
            done.set()
            renewing.join()
            self._release()

    def confirm(self) -> None:
        """Make sure that the lock is still ours, as of now.

        Raises:
            PublishConflictError: it was taken over: this process stood still for too long.
            AwsError: S3 does not answer.
        """
        with self._changing, aws.aws_errors(f"renewing the lock {self._url}"):
            if not self._put(self._etag):
                raise PublishConflictError(
                    f"Another run took over the lock {self._url}, because this one did not renew it for "
                    f"{ABANDONED_AFTER:g} s. Nothing of this table is published; run it again."
                )

    def _take(self, timeout: float, waiting: Callable[[str], None]) -> None:
        deadline = time.monotonic() + timeout
        announced = False
        with aws.aws_errors(f"taking the lock {self._url}"):
            while not self._put(None):
                holder, etag, idle = self._look()
                if etag is not None and idle >= ABANDONED_AFTER and self._put(etag):
                    _log.warning("Took over the lock of %s, which was not renewed for %d s.", holder, idle)
                    return
                if not announced:
                    waiting(holder)
                    announced = True
                if time.monotonic() >= deadline:
                    raise BusyError(
                        f"The lakehouse is held by {holder} ({self._url}) and was not free within {timeout:g} s. "
                        "Nothing was published. Wait for that run, or raise STEDI_LOCK_TIMEOUT."
                    )
                time.sleep(min(_ASKED_EVERY, max(0.0, deadline - time.monotonic())))

    def _put(self, replacing: str | None) -> bool:
        """Write the object if it is not there, or is what it was; return whether that succeeded."""
        condition = {"IfNoneMatch": "*"} if replacing is None else {"IfMatch": replacing}
        try:
            answer = self._client.put_object(Bucket=self._bucket, Key=self._key, Body=self._body, **condition)
        except ClientError as error:
            if aws.code_of(error) not in _LOST_TO_ANOTHER:
                raise
            return self._is_ours()
        self._etag = answer["ETag"]
        return True

    def _is_ours(self) -> bool:
        """Whether the object is what we wrote: the answer to a request that succeeded may have been lost."""
        found = self._get()
        if found is None or found["Body"].read() != self._body:
            return False
        self._etag = found["ETag"]
        return True

    def _look(self) -> tuple[str, str | None, float]:
        """Who holds the lock, which version it is, and for how many seconds it was not renewed."""
        found = self._get()
        if found is None:
            return "another run", None, 0.0
        now: datetime = parsedate_to_datetime(found["ResponseMetadata"]["HTTPHeaders"]["date"])
        holder = json.loads(found["Body"].read())["holder"]
        return holder, found["ETag"], (now - found["LastModified"]).total_seconds()

    def _get(self) -> Any:
        try:
            return self._client.get_object(Bucket=self._bucket, Key=self._key)
        except ClientError as error:
            if aws.code_of(error) in _LOST_TO_ANOTHER:
                return None
            raise

    def _renew_until(self, done: threading.Event) -> None:
        while not done.wait(RENEWED_EVERY):
            try:
                with self._changing:
                    self._put(self._etag)
            except (ClientError, BotoCoreError) as error:
                # Publishing confirms the lock first, and says what is wrong.
                _log.warning("The lock %s could not be renewed (%s).", self._url, type(error).__name__)

    def _release(self) -> None:
        try:
            self._client.delete_object(Bucket=self._bucket, Key=self._key, IfMatch=self._etag)
        except (ClientError, BotoCoreError) as error:
            _log.warning(
                "The lock %s could not be let go (%s); it is free %d s from now.",
                self._url,
                type(error).__name__,
                ABANDONED_AFTER,
            )
        else:
            self._forget_renewals()

    def _forget_renewals(self) -> None:
        """Delete what a bucket with versions keeps of the lock: one for each renewal, also of holders that died.

        The latest version stays: it may already be the next holder's.
        """
        try:
            pages = self._client.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=self._key)
            for page in pages:
                older = [
                    {"Key": found["Key"], "VersionId": found["VersionId"]}
                    for found in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
                    if found["Key"] == self._key and not found["IsLatest"]
                ]
                if older:
                    self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": older, "Quiet": True})
        except (ClientError, BotoCoreError) as error:
            # An auditor's role may not; the next run deletes them.
            _log.debug("Old versions of the lock %s are left (%s).", self._url, type(error).__name__)
