"""Checkpoints: list, fetch, verify, keep, name, delete. What arrives counts only if its SHA-256 is the one that the run committed.

A checkpoint is named by its id, or by an alias as `project/name`.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from groundup.export import unpack
from groundup.problems import LocalProblem
from groundup.records import read
from groundup.transport import Transport

_FILE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}")
_CHUNK: Final = 1 << 20


@dataclass(frozen=True)
class CheckpointFile:
    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Checkpoint:
    id: str
    run_id: str
    step: int
    attempt: int | None = None
    tokens: int = 0
    metrics: dict[str, float | None] = field(default_factory=dict)
    bytes: int = 0
    created_at: str = ""
    run_name: str = ""
    project: str = "default"
    state: str = "committed"
    verified_at: str | None = None
    damage: str = ""
    pinned: bool = False
    pinned_by: str | None = None
    aliases: list[str] = field(default_factory=list)
    kept_because: list[str] = field(default_factory=list)
    expires_at: str | None = None
    files: list[CheckpointFile] = field(default_factory=list, metadata={"of": CheckpointFile})


@dataclass(frozen=True)
class AliasMove:
    """`before`: the checkpoint that had the alias."""

    alias: str
    before: str | None = None


@dataclass(frozen=True)
class ChangedCheckpoint(Checkpoint):
    moved: list[AliasMove] = field(default_factory=list, metadata={"of": AliasMove})


@dataclass(frozen=True)
class Refusal:
    id: str
    reasons: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Deletion:
    """`bytes`: of all in `deleted` together."""

    deleted: list[str] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list, metadata={"of": Refusal})
    bytes: int = 0


@dataclass(frozen=True)
class RunUsage:
    run_id: str
    run_name: str = ""
    project: str = ""
    count: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class Usage:
    """`level`: ok, warning or full. None: no quota, and a disk of which nothing is known."""

    count: int
    bytes: int
    level: str = "ok"
    message: str = ""
    expiring_bytes: int = 0
    pinned_bytes: int = 0
    quota_bytes: int | None = None
    disk_free_bytes: int | None = None
    by_run: list[RunUsage] = field(default_factory=list, metadata={"of": RunUsage})


class Checkpoints:
    def __init__(self, transport: Transport) -> None:
        self.transport = transport

    def newest(self, run_id: str) -> Checkpoint | None:
        """Of those that can be used."""
        usable = (checkpoint for checkpoint in self.list(run_id) if checkpoint.state == "committed")
        return max(usable, key=lambda checkpoint: (checkpoint.step, checkpoint.created_at), default=None)

    def get(self, checkpoint: str) -> Checkpoint:
        """By id, or by alias (`project/name`)."""
        kind = "aliases" if "/" in checkpoint else "checkpoints"
        return read(Checkpoint, self.transport.get(f"/api/v1/{kind}/{checkpoint}"))

    def change(self, checkpoint_id: str, *, pinned: bool | None = None, aliases: Sequence[str] | None = None) -> ChangedCheckpoint:
        """What is None stays; `aliases` are all that it is to have from now on."""
        given = {"pinned": pinned, "aliases": None if aliases is None else [*aliases]}
        body = {name: value for name, value in given.items() if value is not None}
        return read(ChangedCheckpoint, self.transport.patch(f"/api/v1/checkpoints/{checkpoint_id}", body))

    def delete(self, checkpoint_ids: Sequence[str], *, dry_run: bool = False) -> Deletion:
        """Delete those that nothing needs; with `dry_run` only tell which those are."""
        body = {"ids": [*checkpoint_ids], "dry_run": dry_run}
        return read(Deletion, self.transport.post("/api/v1/checkpoints/delete", body))

    def usage(self) -> Usage:
        return read(Usage, self.transport.get("/api/v1/checkpoints/usage"))

    def export(self, checkpoint_id: str, folder: Path, *, everything: bool = False) -> Path:
        """Unpack the checkpoint's folder (weights, tokenizer, config, card) into `folder`; returns where it is.

        Every file is compared with SHA256SUMS. Raises LocalProblem where one differs or the stream breaks off; then nothing is left.
        """
        return unpack(self.export_stream(checkpoint_id, everything=everything), folder)

    def export_stream(self, checkpoint_id: str, *, everything: bool = False) -> Iterator[bytes]:
        """The same as a tar. Raises Unreachable where it breaks off, as it does where storage finds damage."""
        query = "?include=all" if everything else ""
        with self.transport.download(f"/api/v1/checkpoints/{checkpoint_id}/download{query}") as response:
            yield from response.iter_bytes(_CHUNK)

    def download(self, checkpoint_id: str, folder: Path) -> list[Path]:
        """Fetch every file into `folder`; a file that is there and right is not fetched again.

        Raises LocalProblem where a file's SHA-256 differs; nothing of that file is kept.
        """
        folder.mkdir(parents=True, exist_ok=True)
        return [self._fetch(checkpoint_id, file, folder) for file in self.get(checkpoint_id).files]

    def verify(self, checkpoint_id: str, folder: Path | None = None) -> list[CheckpointFile]:
        """The files whose bytes are not what was committed (or are missing): of a downloaded copy, else of the stored objects."""
        files = self.get(checkpoint_id).files
        if folder is not None:
            return [file for file in files if not _matches(_inside(folder, file), file)]
        return [file for file in files if self._stored_digest(checkpoint_id, file) != file.sha256]

    def _fetch(self, checkpoint_id: str, file: CheckpointFile, folder: Path) -> Path:
        target = _inside(folder, file)
        if _matches(target, file):
            return target
        incoming = target.with_name(target.name + ".incoming")
        try:
            if self._stream(checkpoint_id, file, incoming) != file.sha256:
                raise LocalProblem(
                    f"{file.name} of {checkpoint_id} arrived damaged: its SHA-256 is not {file.sha256[:12]}...",
                    remedy="download again; if it stays so, the stored object is damaged: take an older checkpoint",
                )
            incoming.replace(target)
        finally:
            incoming.unlink(missing_ok=True)
        return target

    def _stream(self, checkpoint_id: str, file: CheckpointFile, target: Path) -> str:
        digest = hashlib.sha256()
        with target.open("wb") as out:
            for chunk in self._chunks(checkpoint_id, file):
                digest.update(chunk)
                out.write(chunk)
        return digest.hexdigest()

    def _stored_digest(self, checkpoint_id: str, file: CheckpointFile) -> str:
        digest = hashlib.sha256()
        for chunk in self._chunks(checkpoint_id, file):
            digest.update(chunk)
        return digest.hexdigest()

    def _chunks(self, checkpoint_id: str, file: CheckpointFile) -> Iterator[bytes]:
        with self.transport.download(f"/api/v1/checkpoints/{checkpoint_id}/files/{file.name}") as response:
            yield from response.iter_bytes(_CHUNK)

    def list(self, run_id: str | None = None) -> Iterator[Checkpoint]:
        path = f"/api/v1/runs/{run_id}/checkpoints" if run_id else "/api/v1/checkpoints"
        return (read(Checkpoint, item) for item in self.transport.items(path))


def _inside(folder: Path, file: CheckpointFile) -> Path:
    """A name from outside is a plain file name or nothing."""
    if not _FILE_NAME.fullmatch(file.name):
        raise LocalProblem(f"the server named a file '{file.name}', which is no file name", remedy="do not trust this server")
    return folder / file.name


def _matches(path: Path, file: CheckpointFile) -> bool:
    if not path.is_file() or path.stat().st_size != file.bytes:
        return False
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest() == file.sha256
