"""What `/metrics` of storage tells: what is kept, how much room is left, what its worker still has to do."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.storage.models import CheckpointFile, DatasetVersion, Part, PreparedTokens, Reservation, Shard, Tokenizer, Upload
from services.storage.objects import ObjectStore
from services.storage.room import disk_free
from serving.figures import gauge, gauges

_BYTES: Final = {
    "text": select(func.sum(Part.bytes)).where(Part.verified_at.is_not(None)),
    "tokens": select(func.sum(Shard.bytes)),
    "checkpoints": select(func.sum(CheckpointFile.bytes)),
}
_TASKS: Final[dict[str, Any]] = {
    "tokens_under_way": select(func.count(PreparedTokens.id)).where(PreparedTokens.state.in_(("pending", "running"))),
    "tokens_failed": select(func.count(PreparedTokens.id)).where(PreparedTokens.state == "failed"),
    "tokenizer_under_way": select(func.count(Tokenizer.id)).where(Tokenizer.state == "training"),
    "tokenizer_failed": select(func.count(Tokenizer.id)).where(Tokenizer.state == "failed"),
}


def of_objects(objects: ObjectStore) -> Callable[[Session], Iterator[Any]]:
    """What reads the figures of a catalogue and of the disk its objects are on."""

    def read(session: Session) -> Iterator[Any]:
        yield gauges("groundup_storage_bytes", "Bytes of stored objects", "kind", _numbers(session, _BYTES))
        reserved = _number(session, select(func.sum(Reservation.bytes)))
        yield gauge("groundup_storage_reserved_bytes", "Room set aside for checkpoints on their way", reserved)
        if (free := disk_free(objects)) is not None:
            yield gauge("groundup_storage_disk_free_bytes", "Free for objects on their disk; absent where the disk is another's", free)
        if (quota := objects.settings.quota) is not None:
            yield gauge("groundup_storage_quota_bytes", "Most that checkpoints may take; absent where nothing limits them", quota)
        yield gauge("groundup_dataset_versions", "Dataset versions", _number(session, select(func.count(DatasetVersion.id))))
        uploads = select(func.count(Upload.id)).where(Upload.version_id.is_(None))
        yield gauge("groundup_uploads_open", "Uploads that are not complete", _number(session, uploads))
        tasks = "Work of storage's worker: tokens being prepared, tokenizers being trained"
        yield gauges("groundup_storage_tasks", tasks, "task", _numbers(session, _TASKS))

    return read


def _numbers(session: Session, queries: Mapping[str, Any]) -> dict[str, float]:
    return {name: _number(session, query) for name, query in queries.items()}


def _number(session: Session, query: Any) -> float:
    return float(session.scalar(query) or 0)
