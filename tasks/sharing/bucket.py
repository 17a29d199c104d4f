"""Objects in an S3 bucket, by boto3.

Address, region and credentials are what boto3 finds: AWS_ENDPOINT_URL (or AWS_ENDPOINT_URL_S3), AWS_REGION,
AWS_ACCESS_KEY_ID, ~/.aws/config (there also `s3 = addressing_style = virtual`; with an endpoint of one's own, as
MinIO has, the bucket's name is in the path by default), instance roles.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError, PartialCredentialsError

from tasks.errors import FULL, RIGHTS, DaylongError, MachineFault, NoRoom, TransientError
from tasks.sharing.objects import Conflict, Facts, Held

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 60.0
ATTEMPTS = 4
"""Of each request, with pauses that grow: errors of 500, slowness and lost connections."""

ABSENT = frozenset({"404", "NoSuchKey", "NotFound"})
TAKEN = frozenset({"412", "409", "PreconditionFailed", "ConditionalRequestConflict"})
REFUSED = frozenset({
    "403", "401", "AccessDenied", "AllAccessDisabled", "ExpiredToken", "InvalidAccessKeyId", "InvalidToken",
    "RequestTimeTooSkewed", "SignatureDoesNotMatch", "AuthorizationHeaderMalformed", "PermanentRedirect",
})  # fmt: skip


class Bucket:
    """The objects under `s3://bucket/prefix`. Used by many threads at a time."""

    def __init__(self, url: str, **config: Any) -> None:
        self.url = url
        self._bucket, _, prefix = url.removeprefix("s3://").partition("/")
        self._prefix = f"{prefix}/" if prefix else ""
        self._config = config

    def __repr__(self) -> str:
        return f"Bucket({self.url!r})"

    @cached_property
    def _client(self) -> Any:
        config = Config(
            **{
                "connect_timeout": CONNECT_TIMEOUT_S,
                "read_timeout": READ_TIMEOUT_S,
                "retries": {"mode": "standard", "total_max_attempts": ATTEMPTS},
                "max_pool_connections": 32,
                # Servers other than Amazon's often know none but what a request must have; TLS and the values' own
                # digests tell what was damaged.
                "request_checksum_calculation": "when_required",
                "response_checksum_validation": "when_required",
                **self._config,
            }
        )
        try:
            return boto3.session.Session().client("s3", config=config)
        except (BotoCoreError, ValueError) as error:
            raise MachineFault(f"{self.url}: {_first_line(error)}") from error

    def get(self, name: str) -> Held | None:
        with self._translating():
            try:
                found = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)
                return Held(found["Body"].read(), found["ETag"], found["LastModified"].timestamp())
            except ClientError as error:
                if _code(error) in ABSENT:
                    return None
                raise

    def find(self, name: str) -> Facts | None:
        with self._translating():
            try:
                found = self._client.head_object(Bucket=self._bucket, Key=self._prefix + name)
            except ClientError as error:
                if _code(error) in ABSENT:
                    return None
                raise
            return Facts(name, found["ContentLength"], found["LastModified"].timestamp())

    def put(self, name: str, data: bytes) -> str:
        return self._write(name, data)

    def put_new(self, name: str, data: bytes) -> str:
        return self._write(name, data, IfNoneMatch="*")

    def replace(self, name: str, data: bytes, tag: str) -> str:
        return self._write(name, data, IfMatch=tag)

    def _write(self, name: str, data: bytes, **condition: str) -> str:
        with self._translating():
            try:
                put = self._client.put_object(Bucket=self._bucket, Key=self._prefix + name, Body=data, **condition)
                return str(put["ETag"])
            except ClientError as error:
                if not condition or _code(error) not in TAKEN | ABSENT:
                    raise
        held = self.get(name)
        if held is not None and held.data == data:
            return held.tag  # our own, whose answer was lost: the client asked again
        raise Conflict(f"{self.url}: {name} was written by another process meanwhile")

    def delete(self, name: str) -> None:
        with self._translating():
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + name)

    def list(self, prefix: str) -> Iterator[Facts]:
        with self._translating():
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix + prefix
            )
            for page in pages:
                for found in page.get("Contents", ()):
                    name = found["Key"].removeprefix(self._prefix)
                    yield Facts(name, found["Size"], found["LastModified"].timestamp())

    def download(self, name: str, target: Path) -> None:
        """Write an object to a file, part by part: for those that are too large for the memory."""
        with self._translating():
            self._client.download_file(self._bucket, self._prefix + name, str(target))

    @contextmanager
    def _translating(self) -> Iterator[None]:
        """Turn what boto3 raises into errors for people, in one line."""
        try:
            yield
        except DaylongError:
            raise
        except ClientError as error:
            raise self._explain(error) from error
        except (NoCredentialsError, PartialCredentialsError, NoRegionError) as error:
            raise MachineFault(
                f"{self.url}: {_first_line(error)}. Set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION."
            ) from error
        except Exception as error:  # of boto3, urllib3 and the connection, by many names
            if isinstance(error, OSError) and error.errno in FULL | RIGHTS:  # of this machine's disk
                raise
            raise TransientError(
                f"{self.url}: can't be reached now ({_first_line(error)}). See to the network and AWS_ENDPOINT_URL; "
                "the same command then goes on from here."
            ) from error

    def _explain(self, error: ClientError) -> DaylongError:
        code = _code(error)
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code == "NoSuchBucket":
            return MachineFault(f"{self.url}: there is no bucket {self._bucket}. Make it, or mend its name.")
        if status == 507 or any(word in code for word in ("Quota", "StorageFull", "InsufficientStorage")):
            return NoRoom(
                f"{self.url}: the bucket is full ({code}). Make room, or prune the cache (daylong cache prune); the "
                "same command then goes on from here."
            )
        if code in REFUSED:
            return MachineFault(f"{self.url}: access is refused ({code}). See to its credentials and their rights.")
        if status == 501 or code == "NotImplemented":
            return MachineFault(f"{self.url}: the store doesn't know what is asked for ({_first_line(error)}).")
        return TransientError(
            f"{self.url}: the store fails now ({_first_line(error)}); the same command then goes on from here."
        )


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
