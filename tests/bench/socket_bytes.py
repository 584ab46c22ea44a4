"""What a minimal WebSocket client sends, and how it reads."""

import struct

from tests.conftest import GATEWAY_SECRET, headers


def masked(payload: bytes, first: int = 0x82) -> bytes:
    """A client's frame; the mask is zero, which leaves the bytes as they are."""
    size = bytes([0x80 | len(payload)]) if len(payload) < 126 else struct.pack("!BH", 0xFE, len(payload))
    return bytes([first]) + size + bytes(4) + payload


def split(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """Whole frames of a server, as (opcode, payload), and what is left."""
    frames, place = [], 0
    while len(data) - place >= 2:
        size, start = data[place + 1], place + 2
        if size == 126:
            size, start = int.from_bytes(data[start : start + 2], "big"), start + 2
        elif size == 127:
            size, start = int.from_bytes(data[start : start + 8], "big"), start + 8
        if len(data) < start + size:
            break
        frames.append((data[place] & 0x0F, data[start : start + size]))
        place = start + size
    return frames, data[place:]


def ticket_request() -> bytes:
    lines = {"Host": "localhost", "Content-Length": "0", "Connection": "close", **headers("viewer")}
    return b"POST /api/v1/ws-tickets HTTP/1.1\r\n" + as_lines(lines)


def upgrade_request(ticket: str) -> bytes:
    lines = {
        "Host": "localhost",
        "Upgrade": "websocket",
        "Connection": "upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        "X-Groundup-Gateway": GATEWAY_SECRET,
    }
    return f"GET /ws/v1?ticket={ticket} HTTP/1.1\r\n".encode() + as_lines(lines)


def as_lines(lines: dict[str, str]) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in lines.items()).encode() + b"\r\n"
