"""The socket under simple-websocket: with gevent's own sockets, and with threads where the lock is what matters (gevent patches it)."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import gevent  # type: ignore[import-untyped]
import gevent.socket  # type: ignore[import-untyped]
import pytest

from services.monitor.whole_socket import WholeSocket, harden


@pytest.fixture
def pair() -> Iterator[tuple[gevent.socket.socket, gevent.socket.socket]]:
    ours, theirs = gevent.socket.socketpair()
    yield ours, theirs
    ours.close()
    theirs.close()


Pair = tuple[gevent.socket.socket, gevent.socket.socket]


def read_all(sock: gevent.socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size and (part := sock.recv(1 << 20)):
        data += part
    return data


def test_four_megabytes_arrive_whole(pair: Pair) -> None:
    message = bytes(range(256)) * (4 << 12)
    reader = gevent.spawn(read_all, pair[1], len(message))
    assert WholeSocket(pair[0], 10).send(message) == len(message)
    assert reader.get(timeout=10) == message


def test_frames_of_several_writers_do_not_mix() -> None:
    size = 1 << 20
    ours, theirs = socket.socketpair()
    with ours, theirs, ThreadPoolExecutor() as pool:
        sock = WholeSocket(ours, 10)
        writers = [pool.submit(sock.send, letter * size) for letter in (b"a", b"b", b"c")]
        data = read_all(theirs, 3 * size)
        assert [writer.result(10) for writer in writers] == [size] * 3
    assert sorted(data[place * size : (place + 1) * size] for place in range(3)) == [b"a" * size, b"b" * size, b"c" * size]


def test_a_client_that_does_not_read_costs_the_time_limit_once(pair: Pair) -> None:
    sock = WholeSocket(pair[0], 0.1)
    with gevent.Timeout(5), pytest.raises(TimeoutError):
        sock.send(b"x" * (16 << 20))
    with gevent.Timeout(0.05), pytest.raises(BrokenPipeError):
        sock.send(b"nothing may follow half a frame")
    assert len(read_all(pair[1], 16 << 20)) < 16 << 20, "and the connection is shut down"


def test_a_lost_connection_is_an_error_and_not_a_crash(pair: Pair) -> None:
    pair[1].close()
    with pytest.raises(OSError, match="Broken pipe"):
        WholeSocket(pair[0], 1).send(b"x")


def test_tcp_gives_up_on_silent_peers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as sock:
        WholeSocket(sock, 10)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000


def test_no_compression_is_negotiated(pair: Pair) -> None:
    environ = {"HTTP_SEC_WEBSOCKET_EXTENSIONS": "permessage-deflate", "gunicorn.socket": pair[0]}
    harden(environ)
    assert list(environ) == ["gunicorn.socket"]
    assert isinstance(environ["gunicorn.socket"], WholeSocket)
