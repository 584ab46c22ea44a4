"""What api, agent and generator ask of the storage service."""

from pydantic import Field

from shared.conversation import CheckpointRef
from shared.http import InternalClient
from shared.internal import CheckpointUpload, Located, Message, Prepared, PrepareRequest, Resolved, ResolveRequest, TokenShards, UploadUrls


class LocatedFiles(Message):
    files: list[Located]


class VerifiedCheckpoint(Message):
    """What reading the objects back showed, in words. `damage`: files whose bytes differ, twice. `unsure`: files that could not be read to
    their end, or are not there: that may be a disk that is not mounted.
    """

    damage: list[str]
    unsure: list[str] = Field(default_factory=list)


class StoredCheckpoint(Message):
    """Objects below one checkpoint's prefix, committed or not. `changed_at`: of the newest, seconds since the epoch."""

    run_id: str
    checkpoint_id: str
    bytes: int
    changed_at: float


class StoredCheckpoints(Message):
    items: list[StoredCheckpoint]


class Capacity(Message):
    """`disk_free_bytes`: of the disk that the objects are on, less what is spared; None where it is somebody else's.
    `used_bytes`: what counts towards the quota: checkpoint files that are there, and room for those that are being uploaded.
    """

    disk_free_bytes: int | None
    used_bytes: int | None = None


class StorageClient(InternalClient):
    def resolve(self, request: ResolveRequest) -> Resolved:
        """Raises InvalidField (`dataset` or `tokenizer`) where there is no such thing or it is not ready."""
        return self.post("/internal/resolve", request, Resolved)

    def prepare(self, request: PrepareRequest) -> Prepared:
        """Ask for a dataset's tokens and how far they are. Safe to repeat; the first call starts the work."""
        return self.post("/internal/prepared", request, Prepared)

    def token_shards(self, prepared_id: str) -> TokenShards:
        """With presigned URLs. Raises Conflict while they are not ready."""
        return self.get(f"/internal/prepared/{prepared_id}", TokenShards)

    def start_checkpoint_upload(self, upload: CheckpointUpload) -> UploadUrls:
        """Raises InsufficientStorage where it cannot fit, before any byte moves."""
        return self.post("/internal/uploads", upload, UploadUrls)

    def complete_checkpoint_upload(self, upload: CheckpointUpload) -> None:
        """Storage reads every object back, which takes its time, and checks its hash. Raises InvalidFields naming the file that differs."""
        self.call("POST", "/internal/uploads/complete", upload, timeout=600)

    def presign_checkpoint(self, checkpoint: CheckpointRef) -> list[Located]:
        """Where to read a checkpoint's files. Raises NotFound with the code `no-such-file`, which says nothing about their bytes."""
        return self.post("/internal/objects/presign", checkpoint, LocatedFiles).files

    def verify_checkpoint(self, checkpoint: CheckpointRef) -> VerifiedCheckpoint:
        """Have storage read these files back, which takes its time."""
        return VerifiedCheckpoint.model_validate(self.call("POST", "/internal/objects/verify", checkpoint, timeout=600))

    def delete_checkpoint_objects(self, run_id: str, checkpoint_id: str, *, changed_before: float | None = None) -> None:
        """Delete a checkpoint's objects. Safe to repeat. Raises Conflict where one has changed at or after `changed_before`."""
        condition = "" if changed_before is None else f"?changed_before={changed_before!r}"
        self.call("DELETE", f"/internal/objects/{run_id}/{checkpoint_id}{condition}", timeout=60)

    def stored_checkpoints(self) -> list[StoredCheckpoint]:
        """Everything below the checkpoints' prefix, committed or not."""
        return StoredCheckpoints.model_validate(self.call("GET", "/internal/objects", timeout=120)).items

    def capacity(self) -> Capacity:
        return self.get("/internal/capacity", Capacity)

    def delete_run_objects(self, run_id: str) -> None:
        """Delete all checkpoint objects of a run. Safe to repeat."""
        self.call("DELETE", f"/internal/objects/{run_id}")
