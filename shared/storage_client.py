"""What api, agent and generator ask of the storage service."""

from shared.http import InternalClient
from shared.internal import (
    CheckpointRef,
    CheckpointUpload,
    Located,
    Message,
    Prepared,
    PrepareRequest,
    Resolved,
    ResolveRequest,
    TokenShards,
    UploadUrls,
)


class LocatedFiles(Message):
    files: list[Located]


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
        return self.post("/internal/uploads", upload, UploadUrls)

    def complete_checkpoint_upload(self, upload: CheckpointUpload) -> None:
        """Storage reads every object back, which takes its time, and checks its hash. Raises InvalidFields naming the file that differs."""
        self.call("POST", "/internal/uploads/complete", upload, timeout=600)

    def presign_checkpoint(self, checkpoint: CheckpointRef) -> list[Located]:
        """Where to read a checkpoint's files."""
        return self.post("/internal/objects/presign", checkpoint, LocatedFiles).files

    def delete_run_objects(self, run_id: str) -> None:
        """Delete all checkpoint objects of a run. Safe to repeat."""
        self.call("DELETE", f"/internal/objects/{run_id}")
