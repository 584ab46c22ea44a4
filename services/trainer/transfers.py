"""Files over presigned URLs: streamed, hashed on the way, and in place only when whole and right."""

import hashlib
import logging
import os
import re
import shutil
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from threading import Event
from typing import IO, Final

import httpx

from services.trainer.soundness import sha256
from shared.errors import EnvironmentFault, GroundupError
from shared.internal import FileRef, Located

log = logging.getLogger(__name__)
CHUNK: Final = 1 << 20
_FILE_NAME: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,100}")


class TransferFailed(EnvironmentFault):
    """The network or the store is at fault; it is worth another try."""


class Damaged(GroundupError):
    """The bytes are not those that were promised."""


class Halted(GroundupError):
    """Somebody asked us to stop."""


def store_client() -> httpx.Client:
    """For presigned URLs; bytes come as they are stored."""
    return httpx.Client(timeout=httpx.Timeout(60, connect=5), headers={"Accept-Encoding": "identity"}, trust_env=False)


class Transfers:
    """`interrupt` ends a transfer between two chunks with Halted."""

    def __init__(self, http: httpx.Client, interrupt: Event) -> None:
        self.http, self.interrupt = http, interrupt

    def fetch(self, source: Located, target: Path) -> None:
        """Download to `target`; damage gets a second try. Raises TransferFailed, Damaged, Halted; then there is no `target`."""
        try:
            self._fetch_once(source, target)
        except Damaged as error:
            log.warning("%s; once more", error)
            self._fetch_once(source, target)

    def _fetch_once(self, source: Located, target: Path) -> None:
        part = target.with_name(f"{target.name}.{uuid.uuid4().hex}.part")
        try:
            digest = self._download(source, part)
            if digest != source.sha256:
                raise Damaged(f"{source.name}: its SHA-256 is {digest}, not {source.sha256}")
            part.replace(target)
        except httpx.HTTPError as error:
            raise TransferFailed(f"{source.name}: {error!r}") from error
        finally:
            part.unlink(missing_ok=True)

    def _download(self, source: Located, part: Path) -> str:
        digest, size = hashlib.sha256(), 0
        with self.http.stream("GET", source.url) as response, part.open("wb") as file:
            if response.status_code == 404:
                raise Damaged(f"{source.name}: the store has no such object")
            if response.status_code != 200:
                raise TransferFailed(f"{source.name}: the store answered {response.status_code}")
            for chunk in response.iter_raw(CHUNK):
                if self.interrupt.is_set():
                    raise Halted(f"{source.name}: given up")
                if (size := size + len(chunk)) > source.bytes:
                    raise Damaged(f"{source.name}: longer than its {source.bytes} bytes")
                digest.update(chunk)
                file.write(chunk)
        return digest.hexdigest()

    def fetch_cached(self, source: Located, cache: Path) -> Path:
        """The file in a cache named by content, downloaded where it is not there yet or is damaged."""
        kept = cache / source.sha256
        if is_intact(kept, source):
            kept.touch()
            return kept
        cache.mkdir(parents=True, exist_ok=True)
        self.fetch(source, kept)
        return kept

    def fetch_folder(self, sources: Iterable[Located], folder: Path, copies: Iterable[Path] = ()) -> None:
        """Every file into `folder` under its own name. What is there already, or in one of the folders `copies`, is not downloaded."""
        folder.mkdir(parents=True, exist_ok=True)
        nearby = list(copies)
        for source in sources:
            target = folder / file_name(source.name)
            if is_intact(target, source):
                continue
            copy = next((copy / source.name for copy in nearby if is_intact(copy / source.name, source)), None)
            if copy is None or not is_linked(copy, target):
                self.fetch(source, target)

    def put(self, path: Path, url: str) -> None:
        """Upload a file by one PUT. Raises TransferFailed, Halted."""
        size = path.stat().st_size
        try:
            with path.open("rb") as file:
                response = self.http.put(url, content=self._chunks(file), headers={"Content-Length": str(size)})
        except httpx.HTTPError as error:
            raise TransferFailed(f"{path.name}: {error!r}") from error
        if not response.is_success:
            raise TransferFailed(f"{path.name}: the store answered {response.status_code}")

    def _chunks(self, file: IO[bytes]) -> Iterator[bytes]:
        while chunk := file.read(CHUNK):
            if self.interrupt.is_set():
                raise Halted(f"{file.name}: given up")
            yield chunk


def file_name(name: str) -> str:
    """`name`, if it names a file and not a path; it came over the network. Raises Damaged."""
    if not _FILE_NAME.fullmatch(name):
        raise Damaged(f"'{name}' is not a file's name")
    return name


def is_intact(path: Path, expected: Located) -> bool:
    if holds(path, expected):
        return True
    if path.is_file():
        log.warning("%s is damaged; it is fetched again", path)
    return False


def holds(path: Path, expected: Located | FileRef) -> bool:
    """Whether the file is there with just these bytes. Others may remove it at any moment."""
    try:
        return path.is_file() and path.stat().st_size == expected.bytes and sha256(path) == expected.sha256
    except FileNotFoundError:
        return False


def is_linked(copy: Path, target: Path) -> bool:
    """False where the copy has gone since it was looked at: what an earlier agent left is removed beside us (recovery.py)."""
    try:
        link(copy, target)
    except FileNotFoundError:
        log.info("%s has gone meanwhile; it is fetched", copy)
        target.unlink(missing_ok=True)
        return False
    return True


def link(source: Path, target: Path) -> None:
    """One file under two names, or a copy where the file system has no hard links."""
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
