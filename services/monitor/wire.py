"""WebSocket's bytes (RFC 6455) on a server's side, without extensions: frames out, a client's messages in."""

import struct
from collections.abc import Iterator
from typing import Final

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
_CONTINUATION: Final = 0x0
_DATA: Final = frozenset({_CONTINUATION, TEXT, BINARY})
_KNOWN: Final = _DATA | {CLOSE, PING, PONG}
_FINAL, _MASKED, _RESERVED = 0x80, 0x80, 0x70
MAX_CONTROL_BYTES: Final = 125
MAX_MESSAGE_BYTES: Final = 4 << 10
"""The longest frame that has a meaning, a subscription, is a quarter of that."""

PROTOCOL_ERROR: Final = 1002
NO_STATUS: Final = 1005
TOO_BIG: Final = 1009


class Broken(Exception):
    """What the client sent is no WebSocket message, or too long a one; `code` is how the socket is to be closed."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def framed(payload: bytes, opcode: int = BINARY) -> bytes:
    """A whole frame. It is the same for every client, so many can be sent the same bytes."""
    size = len(payload)
    if size <= MAX_CONTROL_BYTES:
        return bytes((_FINAL | opcode, size)) + payload
    if size < 1 << 16:
        return struct.pack("!BBH", _FINAL | opcode, 126, size) + payload
    return struct.pack("!BBQ", _FINAL | opcode, 127, size) + payload


def closing(code: int, reason: str) -> bytes:
    """`reason`: ASCII, at most 123 bytes of it are sent."""
    return framed(struct.pack("!H", code) + reason.encode()[: MAX_CONTROL_BYTES - 2], CLOSE)


def closing_code(payload: bytes) -> int:
    """Of a close frame that came in."""
    return int.from_bytes(payload[:2], "big") if len(payload) >= 2 else NO_STATUS


class MessageReader:
    """Puts a client's messages together. Holds at most one of them, and a frame that is not yet whole.

    frames: how many have come, parts of messages included; whoever limits them sets it back.
    """

    __slots__ = ("_opcode", "_parts", "_rest", "frames")

    def __init__(self) -> None:
        self._rest = b""
        self._parts = b""
        self._opcode = _CONTINUATION
        self.frames = 0

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Whole messages, as (opcode, payload). Raises Broken; then nothing can follow."""
        self._rest += data
        while frame := self._take_frame():
            self.frames += 1
            final, opcode, payload = frame
            if opcode not in _DATA:
                yield opcode, payload
            elif message := self._join(final, opcode, payload):
                yield message

    def _take_frame(self) -> tuple[bool, int, bytes] | None:
        rest = self._rest
        if len(rest) < 2:
            return None
        opcode, size, start = rest[0] & 0x0F, rest[1] & 0x7F, 2
        self._check(rest[0], rest[1])
        if size == 126:
            size, start = int.from_bytes(rest[2:4], "big"), 4
        elif size == 127:
            size, start = int.from_bytes(rest[2:10], "big"), 10
        if len(rest) < start:
            return None
        if size + len(self._parts) > MAX_MESSAGE_BYTES:
            raise Broken(TOO_BIG, f"at most {MAX_MESSAGE_BYTES} bytes a message")
        end = start + 4 + size
        if len(rest) < end:
            return None
        self._rest = rest[end:]
        return bool(rest[0] & _FINAL), opcode, _unmasked(rest[start + 4 : end], rest[start : start + 4])

    @staticmethod
    def _check(first: int, second: int) -> None:
        opcode = first & 0x0F
        if first & _RESERVED or opcode not in _KNOWN:
            raise Broken(PROTOCOL_ERROR, "a frame of an extension that was not agreed on")
        if not second & _MASKED:
            raise Broken(PROTOCOL_ERROR, "a client's frames are masked")
        if opcode not in _DATA and (not first & _FINAL or second & 0x7F > MAX_CONTROL_BYTES):
            raise Broken(PROTOCOL_ERROR, "a control frame is short and whole")

    def _join(self, final: bool, opcode: int, payload: bytes) -> tuple[int, bytes] | None:
        if (opcode == _CONTINUATION) != (self._opcode != _CONTINUATION):
            raise Broken(PROTOCOL_ERROR, "the parts of a message follow each other")
        self._opcode = self._opcode or opcode
        self._parts += payload
        if not final:
            return None
        message = (self._opcode, self._parts)
        self._opcode, self._parts = _CONTINUATION, b""
        return message


def _unmasked(data: bytes, mask: bytes) -> bytes:
    size = len(data)
    keys = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(data, "big") ^ int.from_bytes(keys, "big")).to_bytes(size, "big")
