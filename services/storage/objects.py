"""Objects in S3. A key is made by us and written once; what is read is compared with the hash that the database knows."""

import hashlib
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, IncompleteReadError, ResponseStreamingError

from services.storage.settings import MIB, StorageSettings
from shared.crash import crash_point
from shared.errors import EnvironmentFault, GroundupError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

log = logging.getLogger(__name__)
PUT_SECONDS: Final = 3600
GET_SECONDS: Final = 6 * 3600
PROBE_SECONDS: Final = 2
_ABSENT: Final = frozenset({"NoSuchKey", "404", "NotFound"})
_NO_BUCKET: Final = "NoSuchBucket"
_TOO_SHORT: Final = frozenset({"InvalidRange", "416"})


class DamagedObject(GroundupError):
    """An object is not what was written. Says the key, what was expected and what was found."""

    code = "damaged-object"


class MissingObject(DamagedObject):
    code = "missing-object"


class MissingBucket(EnvironmentFault):
    """The whole bucket is gone, a disk that is not mounted, say. Nothing is known about any object."""

    code = "no-such-bucket"


class BrokenRead(EnvironmentFault):
    """An answer ended before the bytes that it announced: the connection broke, or the endpoint has less than it thinks."""


class ObjectStore:
    """One bucket. Raises EnvironmentFault where the endpoint does not answer, MissingObject where there is no such key."""

    def __init__(self, settings: StorageSettings, *, is_new: Callable[[], bool] = lambda: True) -> None:
        """`is_new`: whether no object can be in it yet, so that a bucket that is missing may be created."""
        self.settings, self.is_new = settings, is_new
        self._session = boto3.Session(
            aws_access_key_id=settings.access_key_id, aws_secret_access_key=settings.secret_access_key, region_name=settings.region
        )
        self._making_client = threading.Lock()
        self._client_for = lru_cache(maxsize=16)(self._make_client)
        self._bucket_exists = False

    def ensure_bucket(self) -> None:
        """Create the bucket where it is missing; asks the endpoint once per process."""
        if not self._bucket_exists:
            self._find_bucket(self._client(self.settings.endpoint_url))

    def ping(self) -> None:
        """Like ensure_bucket, but asks each time, once, and does not wait long for the answer."""
        self._find_bucket(self._client(self.settings.endpoint_url, probe=True))

    def _find_bucket(self, client: "S3Client") -> None:
        with self._faults(self.settings.bucket):
            try:
                client.head_bucket(Bucket=self.settings.bucket)
            except ClientError as error:
                if error.response["Error"]["Code"] not in {*_ABSENT, _NO_BUCKET}:
                    raise
                if not self.is_new():
                    raise MissingBucket(
                        f"S3 has no bucket {self.settings.bucket}, and the database knows objects in it",
                        remedy="bring back the disk or folder of the S3 endpoint, or create the bucket yourself to go on without them",
                    ) from error
                client.create_bucket(Bucket=self.settings.bucket)
        self._bucket_exists = True

    def put_url(self, key: str, origin: str = "") -> str:
        """Where to PUT an object's bytes, signed for the host of `origin`; default: the endpoint as services reach it."""
        return self._presign("put_object", key, origin, PUT_SECONDS)

    def get_url(self, key: str, origin: str = "") -> str:
        return self._presign("get_object", key, origin, GET_SECONDS)

    def put(self, key: str, data: bytes, sha256: str) -> None:
        """Write an object that services make themselves, and read it back. One that is there and right is not written again."""
        if self.size(key) == len(data):
            try:
                return self.verify(key, sha256, len(data))
            except DamagedObject as error:
                log.warning("%s; written again", error)
        with self._faults(key):
            self._s3().put_object(Bucket=self.settings.bucket, Key=key, Body=data)
        return self.verify(key, sha256, len(data))

    def size(self, key: str) -> int | None:
        try:
            with self._faults(key):
                return self._s3().head_object(Bucket=self.settings.bucket, Key=key)["ContentLength"]
        except MissingObject:
            return None

    def verify(self, key: str, sha256: str, size: int) -> None:
        """Read an object to its end. Raises DamagedObject where it differs."""
        for _chunk in self.stream_verified(key, sha256, size):
            pass

    def read_verified(self, key: str, sha256: str, size: int) -> bytes:
        return b"".join(self.stream_verified(key, sha256, size))

    def stream_verified(self, key: str, sha256: str, size: int) -> Iterator[bytes]:
        """An object's bytes in pieces. Raises DamagedObject at the end where they were not the expected ones."""
        digest, count = hashlib.sha256(), 0
        for chunk in self._stream(key):
            digest.update(chunk)
            count += len(chunk)
            if count > size:
                raise DamagedObject(f"{key}: expected {size} bytes, found more")
            yield chunk
        if count != size or digest.hexdigest() != sha256:
            raise DamagedObject(f"{key}: expected {size} bytes with SHA-256 {sha256}, found {count} bytes with {digest.hexdigest()}")

    def read_range(self, key: str, start: int, end: int) -> bytes:
        """Bytes `start` to `end` (excluded), which cannot be compared with a hash: for showing, not for training.

        Raises DamagedObject where the object ends before.
        """
        data = b"".join(self._stream(key, f"bytes={start}-{end - 1}"))
        if len(data) != end - start:
            raise DamagedObject(f"{key}: expected {end - start} bytes from {start} on, found {len(data)}")
        return data

    def delete(self, key: str) -> None:
        with self._faults(key):
            self._s3().delete_object(Bucket=self.settings.bucket, Key=key)

    def delete_below(self, prefix: str) -> None:
        for key, _size, _changed_at in list(self.list_below(prefix)):
            self.delete(key)
            crash_point("storage.between_objects")

    def list_below(self, prefix: str) -> Iterator[tuple[str, int, float]]:
        """Key, bytes and time of change (seconds since the epoch) of every object, in the order of keys."""
        with self._faults(prefix):
            for page in self._s3().get_paginator("list_objects_v2").paginate(Bucket=self.settings.bucket, Prefix=prefix):
                for entry in page.get("Contents", []):
                    yield entry["Key"], entry["Size"], entry["LastModified"].timestamp()

    def close(self) -> None:
        for probe in (False, True):
            self._client(self.settings.endpoint_url, probe).close()
        self._client_for.cache_clear()

    def _stream(self, key: str, byte_range: str = "") -> Iterator[bytes]:
        with self._faults(key):
            extra = {"Range": byte_range} if byte_range else {}
            body = self._s3().get_object(Bucket=self.settings.bucket, Key=key, **extra)["Body"]  # type: ignore[arg-type]
            try:
                yield from body.iter_chunks(MIB)
            finally:
                body.close()

    def _presign(self, operation: Literal["get_object", "put_object"], key: str, origin: str, seconds: int) -> str:
        self.ensure_bucket()
        client = self._client(origin or self.settings.endpoint_url)
        return client.generate_presigned_url(operation, Params={"Bucket": self.settings.bucket, "Key": key}, ExpiresIn=seconds)

    def _s3(self) -> "S3Client":
        self.ensure_bucket()
        return self._client(self.settings.endpoint_url)

    def _client(self, url: str, probe: bool = False) -> "S3Client":
        with self._making_client:
            return self._client_for(url, probe)

    def _make_client(self, url: str, probe: bool) -> "S3Client":
        """The time-outs are short because a task or a request waits behind each call. The CRT client, which ignores endpoint addresses,
        is for managed transfers only, and we make none.
        """
        config = Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            connect_timeout=PROBE_SECONDS if probe else 5,
            read_timeout=PROBE_SECONDS if probe else 30,
            retries={"max_attempts": 0 if probe else 2, "mode": "standard"},
            max_pool_connections=32,
        )
        return self._session.client("s3", endpoint_url=url, config=config)

    @contextmanager
    def _faults(self, key: str) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == _NO_BUCKET:
                raise MissingBucket(
                    f"S3 has no bucket {self.settings.bucket}",
                    remedy="bring back the disk or folder of the S3 endpoint; only an installation without objects may create it anew",
                ) from error
            if code in _ABSENT:
                raise MissingObject(f"{key}: there is no such object") from error
            if code in _TOO_SHORT:
                raise DamagedObject(f"{key}: it ends before the bytes that were asked for") from error
            raise EnvironmentFault(f"S3 refused {key}: {error}", remedy="check the S3 keys and the S3 endpoint's log") from error
        except (IncompleteReadError, ResponseStreamingError) as error:
            raise BrokenRead(f"{key}: reading it broke off: {error}", remedy="try again") from error
        except BotoCoreError as error:
            raise EnvironmentFault(
                f"S3 at {self.settings.endpoint_url} does not answer: {error}", remedy="`groundup doctor` tells what is down"
            ) from error
