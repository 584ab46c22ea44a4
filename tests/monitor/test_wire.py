"""WebSocket's bytes, against another implementation of them."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websocket import ABNF

from services.monitor.wire import BINARY, CLOSE, PING, TOO_BIG, Broken, MessageReader, closing, closing_code, framed

payloads = st.lists(st.binary(max_size=700), min_size=1, max_size=8)


def sent(payload: bytes, opcode: int = BINARY, fin: int = 1) -> bytes:
    """As a client sends it, masked."""
    frame: bytes = ABNF(fin=fin, opcode=opcode, mask_value=1, data=payload).format()
    return frame


def read(*parts: bytes) -> list[tuple[int, bytes]]:
    reader = MessageReader()
    return [message for part in parts for message in reader.feed(part)]


@given(payloads, st.integers(1, 50))
def test_messages_are_read_however_they_are_cut(messages: list[bytes], size: int) -> None:
    stream = b"".join(map(sent, messages))
    pieces = [stream[place : place + size] for place in range(0, len(stream), size)]
    assert read(*pieces) == [(BINARY, message) for message in messages]


@given(st.lists(st.binary(max_size=300), min_size=2, max_size=8))
def test_parts_become_one_message_and_a_ping_may_come_between(parts: list[bytes]) -> None:
    first, *rest = parts
    frames = [sent(first, BINARY, 0), sent(b"?", PING), *(sent(part, 0, 0) for part in rest[:-1]), sent(rest[-1], 0, 1)]
    assert read(b"".join(frames)) == [(PING, b"?"), (BINARY, b"".join(parts))]


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 200_000])
def test_frames_of_every_length_are_whole(size: int) -> None:
    payload = os.urandom(size)
    frame = framed(payload)
    header = {True: 2, False: 4 if size < 65_536 else 10}[size < 126]
    assert frame[0] == 0x82
    assert (frame[header:], len(frame)) == (payload, header + size)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (sent(b"x" * 5000), TOO_BIG),
        (b"\x82\xff" + (1 << 63).to_bytes(8, "big"), TOO_BIG),
        (sent(b"x" * 3000, BINARY, 0) + sent(b"x" * 3000, 0, 1), TOO_BIG),
        (framed(b"not masked"), 1002),
        (b"\xc2" + sent(b"compressed")[1:], 1002),
        (b"\x83" + sent(b"no such opcode")[1:], 1002),
        (sent(b"part of a ping", PING, 0), 1002),
        (b"\x89\xfe" + sent(b"x" * 126)[2:], 1002),
        (sent(b"a part of nothing", 0), 1002),
        (sent(b"first", BINARY, 0) + sent(b"another first"), 1002),
    ],
    ids=[
        "size",
        "told-size",
        "size-of-parts",
        "no-mask",
        "reserved-bit",
        "opcode",
        "ping-in-parts",
        "long-ping",
        "no-first-part",
        "two-first-parts",
    ],
)
def test_what_is_no_message_is_refused_before_it_is_kept(data: bytes, code: int) -> None:
    with pytest.raises(Broken) as refused:
        read(data)
    assert refused.value.code == code


def test_a_close_frame_carries_its_code() -> None:
    frame = closing(4408, "x" * 500)
    assert len(frame) <= 127
    assert read(sent(frame[2:], CLOSE)) == [(CLOSE, frame[2:])]
    assert (closing_code(frame[2:]), closing_code(b"")) == (4408, 1005)
