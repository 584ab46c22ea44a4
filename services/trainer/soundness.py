"""Whether a checkpoint is what its manifest says, told before anything of it is used."""

import hashlib
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from services.trainer.rundir import FORMATS, Manifest
from shared.errors import UserError
from shared.internal import FileRef

MANIFEST: Final = "manifest.json"
_HASHING_THREADS: Final = 4


class DamagedCheckpoint(Exception):
    """Its bytes are wrong. Says which file, what was expected of it and what was found."""


class UnfitCheckpoint(UserError):
    """It is sound, but made by another version or for another model. Says what was expected and what was found."""


def verify(folder: Path, committed: Sequence[FileRef] = ()) -> Manifest:
    """Compare every file with the manifest, and all that were `committed`, the manifest itself among them, with what they were then.

    Raises DamagedCheckpoint, UnfitCheckpoint.
    """
    _compare(folder, committed)
    manifest = read_manifest(folder)
    _compare(folder, [file for file in manifest.files if file not in committed])
    return manifest


def _compare(folder: Path, files: Sequence[FileRef]) -> None:
    with ThreadPoolExecutor(_HASHING_THREADS) as pool:  # hashing leaves the interpreter to others
        for expected, found in zip(files, pool.map(lambda file: _find(folder, file), files), strict=True):
            if found != expected:
                raise DamagedCheckpoint(
                    f"{folder / expected.name}: expected {expected.bytes} bytes with SHA-256 {expected.sha256}, "
                    f"found {found.bytes} bytes with {found.sha256}"
                )


def read_manifest(folder: Path) -> Manifest:
    """Raises DamagedCheckpoint where it is missing or torn, UnfitCheckpoint where its format is not one that can be read here."""
    path = folder / MANIFEST
    if not path.is_file():
        raise DamagedCheckpoint(f"{path}: expected the manifest, found no such file; the checkpoint was not written to its end")
    try:
        content: Any = json.loads(path.read_bytes())
    except ValueError as error:
        raise DamagedCheckpoint(f"{path}: expected a manifest, found {error}") from error
    found = content.get("format") if isinstance(content, dict) else None
    if isinstance(found, int) and found not in FORMATS:
        known = " or ".join(map(str, FORMATS))
        raise UnfitCheckpoint(f"{path}: expected format {known}, found {found}", remedy="use the version of Groundup that wrote it")
    try:
        return Manifest.model_validate(content)
    except ValueError as error:
        raise DamagedCheckpoint(f"{path}: expected a manifest, found {error}") from error


def _find(folder: Path, expected: FileRef) -> FileRef:
    if not (folder / expected.name).is_file():
        raise DamagedCheckpoint(f"{folder / expected.name}: expected {expected.bytes} bytes, found no such file")
    return describe(folder / expected.name)


def describe(path: Path) -> FileRef:
    return FileRef(name=path.name, bytes=path.stat().st_size, sha256=sha256(path))


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def flush(path: Path) -> None:
    """To the disk, so that the name that comes later never stands for less than it says."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
