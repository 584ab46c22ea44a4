"""What a client says it will upload, checked before anything is written."""

import hashlib
import json
import re
from collections.abc import Sequence
from itertools import accumulate
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from services.storage.settings import MIB
from shared.errors import FieldError, InvalidField, InvalidFields
from shared.internal import Digest
from shared.spec import Name

MAX_PART: Final = 64 * MIB
MAX_FILES: Final = 200_000
MAX_PARTS: Final = 100_000
MAX_STREAM: Final = 1 << 45
_FORBIDDEN: Final = re.compile(r"[\x00-\x1f\x7f\\]")
_EMPTY_FILE: Final = "is empty; leave empty files out"
Id = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,80}$", description="as this service gave it")]
Bytes = Annotated[int, Field(ge=0, le=MAX_STREAM)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FileEntry(Strict):
    path: str = Field(description="relative, with '/' between folders")
    bytes: Bytes


class PartEntry(Strict):
    sha256: Digest
    bytes: Bytes


class NewUpload(Strict):
    """Files, one after the other, make one stream; the parts cut it into pieces of 1 byte to 64 MiB, between characters."""

    dataset: Name
    files: list[FileEntry] = Field(description=f"1 to {MAX_FILES}")
    parts: list[PartEntry]


def check(upload: NewUpload) -> None:
    """Raises InvalidField(s) naming what cannot be."""
    for field, entries, most in (("files", upload.files, MAX_FILES), ("parts", upload.parts, MAX_PARTS)):
        if not 1 <= len(entries) <= most:
            remedy = "choose at least one file with text in it" if not entries else "join small files, or make several datasets"
            raise InvalidField(field, f"{len(entries)} given; 1 to {most} are possible", remedy=remedy)
    if errors := [*_file_errors(upload.files), *_part_errors(upload.parts)]:
        raise InvalidFields(tuple(errors[:100]))
    of_files, of_parts = total(upload.files), total(upload.parts)
    if of_files != of_parts:
        raise InvalidField(
            "parts", f"they have {of_parts} bytes, the files {of_files}", remedy="cut the files' bytes, end to end, into parts"
        )
    if of_files > MAX_STREAM:
        raise InvalidField("files", f"{of_files} bytes are more than the {MAX_STREAM} possible", remedy="make several datasets")


def total(entries: Sequence[FileEntry] | Sequence[PartEntry]) -> int:
    return sum(entry.bytes for entry in entries)


def offsets(entries: Sequence[FileEntry] | Sequence[PartEntry]) -> list[int]:
    """Where each entry begins in the stream."""
    return list(accumulate((entry.bytes for entry in entries), initial=0))[:-1]


def content_digest(upload: NewUpload) -> str:
    """Equal for uploads that make the same version."""
    listing = [[(file.path, file.bytes) for file in upload.files], [(part.sha256, part.bytes) for part in upload.parts]]
    return hashlib.sha256(json.dumps(listing).encode()).hexdigest()


def _file_errors(files: list[FileEntry]) -> list[FieldError]:
    errors, seen = [], set()
    for index, file in enumerate(files):
        if file.bytes == 0:
            errors.append(FieldError(f"files.{index}.bytes", f"'{file.path}' {_EMPTY_FILE}"))
        if wrong := _path_error(file.path):
            errors.append(FieldError(f"files.{index}.path", f"{file.path!r} {wrong}"))
        elif file.path in seen:
            errors.append(FieldError(f"files.{index}.path", f"'{file.path}' is given twice; each path may occur once"))
        seen.add(file.path)
    return errors


def _path_error(path: str) -> str:
    if not 1 <= len(path) <= 1024:
        return "must have 1 to 1,024 characters"
    if not path.isprintable() and _not_encodable(path):
        return "has half a character in it; rename the file"
    if path.startswith("/"):
        return "is absolute; give it relative to the folder you upload"
    if _FORBIDDEN.search(path):
        return "has a control character or a backslash; rename the file"
    if any(name in {"", ".", ".."} for name in path.split("/")):
        return "has an empty part, '.' or '..' in it; give a plain relative path"
    return ""


def _not_encodable(path: str) -> bool:
    """JSON can spell half of a surrogate pair, which is no character."""
    return any("\ud800" <= character <= "\udfff" for character in path)


def _part_errors(parts: list[PartEntry]) -> list[FieldError]:
    errors, sizes = [], dict[str, int]()
    for index, part in enumerate(parts):
        if not 1 <= part.bytes <= MAX_PART:
            errors.append(FieldError(f"parts.{index}.bytes", f"{part.bytes} bytes; a part has 1 to {MAX_PART}"))
        if sizes.setdefault(part.sha256, part.bytes) != part.bytes:
            errors.append(FieldError(f"parts.{index}.bytes", f"{part.bytes} bytes here, {sizes[part.sha256]} above, for the same hash"))
    return errors
