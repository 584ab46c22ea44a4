"""Datasets: text in, as immutable versions."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from groundup.documents import BadFile, Document, check, find_documents
from groundup.parts import PART_BYTES, Part, cut
from groundup.problems import ApiProblem, LocalProblem
from groundup.records import read
from groundup.transport import Transport


@dataclass(frozen=True)
class DatasetVersion:
    """`files`: how many."""

    id: str
    dataset: str
    version: int
    bytes: int
    files: int
    created_at: str = ""
    created_by: str = ""

    @property
    def reference(self) -> str:
        return f"{self.dataset}@{self.version}"


@dataclass(frozen=True)
class Dataset:
    name: str
    versions: int
    latest: DatasetVersion | None = field(default=None, metadata={"of": DatasetVersion})
    created_at: str = ""


@dataclass(frozen=True)
class Push:
    """What a push did. `sent_bytes`: in the parts that storage did not have yet."""

    version: DatasetVersion
    parts: int
    sent_parts: int
    sent_bytes: int
    skipped: list[BadFile]


class Datasets:
    def __init__(self, transport: Transport, *, part_bytes: int = PART_BYTES) -> None:
        self.transport, self.part_bytes = transport, part_bytes

    def push(
        self, name: str, paths: Sequence[str], *, skip_bad: bool = False, on_progress: Callable[[int, int], None] | None = None
    ) -> Push:
        """Make a version of text files, folders and globs. Safe to repeat: only what storage lacks is sent.

        on_progress: called with (bytes sent, bytes to send). Raises LocalProblem naming files that are empty or not UTF-8,
        unless `skip_bad` leaves them out.
        """
        documents, bad = check(find_documents(paths))
        _refuse(documents, bad, skip_bad)
        parts = cut(documents, self.part_bytes)
        upload = self.transport.post("/api/v1/uploads", _manifest(name, documents, parts))
        missing = {str(item["sha256"]) for item in upload["missing"]}
        sent = list({part.sha256: part for part in parts if part.sha256 in missing}.values())
        self._send_parts(upload, sent, on_progress or (lambda _sent, _total: None))
        version = read(DatasetVersion, self.transport.post(f"/api/v1/uploads/{upload['id']}/complete", timeout=600))
        return Push(version, len(parts), len(sent), sum(part.size for part in sent), bad)

    def list(self) -> Iterator[Dataset]:
        return (read(Dataset, item) for item in self.transport.items("/api/v1/datasets"))

    def versions(self, name: str) -> Iterator[DatasetVersion]:
        return (read(DatasetVersion, item) for item in self.transport.items(f"/api/v1/datasets/{name}/versions"))

    def get(self, name: str, version: int) -> DatasetVersion:
        return read(DatasetVersion, self.transport.get(f"/api/v1/datasets/{name}/versions/{version}"))

    def files(self, name: str, version: int) -> Iterator[dict[str, Any]]:
        """Each `{"path", "bytes"}`."""
        return self.transport.items(f"/api/v1/datasets/{name}/versions/{version}/files")

    def documents(self, name: str, version: int) -> Iterator[dict[str, Any]]:
        """Each `{"index", "path", "bytes", "text"}`, the text cut at 2,000 characters."""
        return self.transport.items(f"/api/v1/datasets/{name}/versions/{version}/documents")

    def _send_parts(self, upload: dict[str, Any], parts: Sequence[Part], on_progress: Callable[[int, int], None]) -> None:
        total, sent = sum(part.size for part in parts), 0
        urls = _urls(upload)
        on_progress(sent, total)
        for part in parts:
            urls = self._put(upload["id"], part, urls)
            self.transport.post(f"/api/v1/uploads/{upload['id']}/parts/{part.sha256}", timeout=600)
            sent += part.size
            on_progress(sent, total)

    def _put(self, upload_id: str, part: Part, urls: dict[str, str]) -> dict[str, str]:
        """Returns the URLs to go on with: a URL that has expired during a long push is asked for again."""
        content = part.read()
        try:
            self.transport.put_object(urls[part.sha256], content)
        except ApiProblem as refusal:
            if refusal.status != 403:
                raise
            urls = urls | _urls(self.transport.get(f"/api/v1/uploads/{upload_id}"))
            self.transport.put_object(urls[part.sha256], content)
        return urls


def _refuse(documents: Sequence[Document], bad: Sequence[BadFile], skip_bad: bool) -> None:
    if bad and not skip_bad:
        listed = "; ".join(f"{file.source}: {file.why}" for file in bad[:5])
        more = f"; and {len(bad) - 5} more" if len(bad) > 5 else ""
        raise LocalProblem(listed + more, remedy="convert text to UTF-8 and remove empty files, or leave them out with --skip-bad")
    if not documents:
        raise LocalProblem(f"all {len(bad)} files are empty or not UTF-8", remedy="push text files")


def _manifest(name: str, documents: Sequence[Document], parts: Sequence[Part]) -> dict[str, Any]:
    return {
        "dataset": name,
        "files": [{"path": document.path, "bytes": document.size} for document in documents],
        "parts": [{"sha256": part.sha256, "bytes": part.size} for part in parts],
    }


def _urls(upload: dict[str, Any]) -> dict[str, str]:
    return {str(item["sha256"]): str(item["url"]) for item in upload["missing"]}
