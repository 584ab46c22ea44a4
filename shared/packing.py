"""The bytes of events: msgpack, which unlike JSON carries NaN."""

from typing import Any, Final

import msgpack

MAX_EVENT_BYTES: Final = 1 << 20
"""Largest packed event that is read; a longer one is refused before it is unpacked."""


def pack(value: object) -> bytes:
    return bytes(msgpack.packb(value, use_bin_type=True))


def unpack(data: bytes) -> Any:
    """Raises ValueError for anything that is not one small msgpack value."""
    if len(data) > MAX_EVENT_BYTES:
        raise ValueError(f"{len(data)} bytes, at most {MAX_EVENT_BYTES} are read")
    try:
        return msgpack.unpackb(data, raw=False, max_array_len=1 << 16, max_map_len=1 << 12, max_ext_len=0)
    except (ValueError, msgpack.UnpackException) as error:
        raise ValueError(f"not msgpack: {error}") from error
