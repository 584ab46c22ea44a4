"""What the environment says to the storage service and its worker alone. Read once, in an entry point."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from shared.settings import secret

MIB: Final = 1 << 20


@dataclass(frozen=True)
class StorageSettings:
    """`public_url` is where browsers and clients read and write objects; empty means the origin they called us by, as the gateway
    passes requests for objects on. By default that is so for an endpoint which only we can reach.

    `chunk_bytes` of text are tokenised by one task; a row that shows no sign of life for `stall_seconds` is taken up again by the sweep,
    and an open upload that gets no part for `upload_seconds` is dropped by it.

    `data_folder`: where an endpoint of ours keeps its objects, so that the room on its disk is known. `quota`: bytes of all checkpoints.
    """

    endpoint_url: str
    public_url: str
    bucket: str
    access_key_id: str
    secret_access_key: str
    region: str
    chunk_bytes: int = 8 * MIB
    stall_seconds: float = 30.0
    sweep_seconds: float = 15.0
    upload_seconds: float = 86400.0
    data_folder: Path | None = None
    quota: int | None = None

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "StorageSettings":
        quota = environ.get("GROUNDUP_CHECKPOINT_QUOTA_BYTES", "").strip()
        endpoint_url = environ.get("S3_ENDPOINT_URL", "http://127.0.0.1:8085").rstrip("/")
        return cls(
            endpoint_url=endpoint_url,
            public_url=environ.get("S3_PUBLIC_URL", "").rstrip("/") or ("" if _is_ours_alone(endpoint_url) else endpoint_url),
            bucket=environ.get("S3_BUCKET", "groundup"),
            access_key_id=secret(environ, "AWS_ACCESS_KEY_ID"),
            secret_access_key=secret(environ, "AWS_SECRET_ACCESS_KEY"),
            region=environ.get("AWS_REGION", "us-east-1"),
            chunk_bytes=max(4096, int(environ.get("GROUNDUP_STORAGE_CHUNK_BYTES", 8 * MIB))),
            stall_seconds=float(environ.get("GROUNDUP_STORAGE_STALL_SECONDS", "30")),
            sweep_seconds=float(environ.get("GROUNDUP_STORAGE_SWEEP_SECONDS", "15")),
            upload_seconds=float(environ.get("GROUNDUP_STORAGE_UPLOAD_SECONDS", "86400")),
            data_folder=_data_folder(environ.get("GROUNDUP_S3_DATA_DIR", ""), endpoint_url),
            quota=int(quota) if quota else None,
        )


def _is_ours_alone(endpoint_url: str) -> bool:
    """This machine, or a name without a dot, which is one of the containers' network."""
    host = urlsplit(endpoint_url).hostname or ""
    return host == "127.0.0.1" or "." not in host


def _data_folder(given: str, endpoint_url: str) -> Path | None:
    """Of an endpoint elsewhere nothing is known, whatever else this machine's own one may have left here."""
    folder = Path(given)
    return folder if given and _is_ours_alone(endpoint_url) and folder.is_dir() else None
