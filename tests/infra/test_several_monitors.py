"""Two monitors behind the real gateway: sockets spread over them, and those of one that is killed go on at the other without a hole."""

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import redis

from infra.layout import Layout
from infra.services import nginx_config
from shared import bus
from tests.conftest import GATEWAY_SECRET
from tests.monitor.fake_api import fake_api
from tests.monitor.producing import RUN, Producer
from tests.monitor.sockets import Client, Monitor, connect, running_monitor
from tests.servers import free_port, process, wait_until

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


@contextlib.contextmanager
def gateway(layout: Layout, api_url: str = "http://127.0.0.1:1") -> Iterator[int]:
    """nginx with the product's own configuration; storage and objects are not there."""
    layout.run_dir.mkdir(parents=True)
    given = dict.fromkeys(("GROUNDUP_STORAGE_URL", "S3_ENDPOINT_URL"), "http://127.0.0.1:1")
    environment = {
        **given,
        "GROUNDUP_API_URL": api_url,
        "GROUNDUP_MONITOR_URL": layout.url("monitor"),
        "GROUNDUP_GATEWAY_SECRET": GATEWAY_SECRET,
    }
    file = layout.run_dir / "nginx.conf"
    file.write_text(nginx_config(layout, environment))
    with process([str(NGINX), "-p", str(layout.run_dir), "-c", str(file), "-g", "daemon off;"]):
        yield layout.port


@pytest.fixture
def two(tmp_path: Path, redis_url: str) -> Iterator[tuple[list[Monitor], list["subprocess.Popen[bytes]"], int]]:
    with contextlib.ExitStack() as stack:
        started = [stack.enter_context(running_monitor(tmp_path / name, redis_url)) for name in ("one", "two")]
        monitors, servers = zip(*started, strict=True)
        ports = dict(zip(("GROUNDUP_MONITOR_PORT", "GROUNDUP_MONITOR_2_PORT"), (str(one.port) for one in monitors), strict=True))
        settings = {"GROUNDUP_DATA_DIR": str(tmp_path / "data"), "GROUNDUP_PORT": str(free_port()), "GROUNDUP_MONITOR_PROCESSES": "2"}
        yield list(monitors), list(servers), stack.enter_context(gateway(Layout.read({**settings, **ports})))


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with contextlib.closing(bus.connect(redis_url)) as client:
        yield client


def knock(port: int, ticket: str) -> Client:
    """As a browser does, which has no gateway secret; tried again while nginx does not listen yet."""
    opened: list[Client] = []

    def try_it() -> bool:
        opened.append(connect(port, ticket))
        return True

    wait_until(try_it, "a socket through the gateway")
    return opened[0]


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
def test_sockets_of_a_killed_monitor_go_on_at_the_other_one(two: Any, client: redis.Redis) -> None:
    monitors, servers, port = two
    child = Producer()
    child.steps(1, 5)
    child.publish(client)
    # Tickets of the one are good at both.
    sockets = [knock(port, monitors[0].ticket()) for _ in range(12)]
    spread = [monitor.figure("groundup_sockets_open") for monitor in monitors]
    assert sum(spread) == 12
    assert min(spread) >= 4
    for socket in sockets:
        socket.subscribe(RUN, bus.epoch(client), 0)
        socket.read_until(5)
        socket.send({"type": "ticket"})
        socket.ticket = socket.receive()["ticket"]
    for worker in psutil.Process(servers[0].pid).children():
        worker.kill()
    servers[0].kill()
    child.steps(6, 9)
    child.publish(client)
    told = [follow(socket, port, 9) for socket in sockets]
    for socket in sockets:
        socket.ws.shutdown()
    assert told == [list(range(1, 10))] * 12
    assert monitors[1].figure("groundup_sockets_open") <= 12


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
def test_the_gateway_says_by_which_credential_a_ticket_was_asked_for(tmp_path: Path, redis_url: str) -> None:
    with contextlib.ExitStack() as stack:
        api = stack.enter_context(fake_api())
        url = f"http://127.0.0.1:{api.server_port}"
        more = {"GROUNDUP_API_URL": url, "GROUNDUP_RIGHTS_SECONDS": "0.2"}
        monitor, _ = stack.enter_context(running_monitor(tmp_path / "one", redis_url, **more))
        settings = {
            "GROUNDUP_MONITOR_PORT": str(monitor.port),
            "GROUNDUP_DATA_DIR": str(tmp_path / "data"),
            "GROUNDUP_PORT": str(free_port()),
        }
        port = stack.enter_context(gateway(Layout.read(settings), url))

        def socket_of(credential: str) -> Client:
            made_up = {"Authorization": f"Bearer {credential}", "X-Groundup-Credential": "ses_2"}
            address = f"http://127.0.0.1:{port}/api/v1/ws-tickets"
            wait_until(lambda: httpx.post(address, trust_env=False).status_code == 401, "the gateway asks who is there")
            return connect(port, httpx.post(address, headers=made_up, trust_env=False).raise_for_status().json()["ticket"])

        with socket_of("tok_1") as token, socket_of("ses_2") as browser:
            api.valid = {"ses_2"}
            assert token.closing_code() == 4403
            browser.send({"type": "ping", "id": 1})
            assert browser.receive()["type"] == "pong"


def follow(socket: Client, port: int, last: int) -> list[int]:
    """Everything until `last`; where the connection breaks, by another one with the ticket for that, as the dashboard does."""
    try:
        socket.read_until(last)
        return [seq for seq in socket.seqs if isinstance(seq, int)]
    except Exception:  # noqa: BLE001  (the library has one for each way in which a connection may end)
        seqs = [seq for seq in socket.seqs if isinstance(seq, int)]
    with knock(port, socket.ticket) as again:
        again.subscribe(RUN, socket.epoch, seqs[-1])
        assert again.read_until(last)[0] == f"subscribed {seqs[-1]}"
        return [*seqs, *(seq for seq in again.seqs if isinstance(seq, int))]


def test_a_layout_names_its_monitors(tmp_path: Path) -> None:
    alone = Layout.read({"GROUNDUP_DATA_DIR": str(tmp_path)})
    assert (alone.monitors, alone.monitor_upstream) == (["monitor"], "")
    three = Layout.read({"GROUNDUP_DATA_DIR": str(tmp_path), "GROUNDUP_MONITOR_PROCESSES": "3", "GROUNDUP_MONITOR_3_PORT": "9999"})
    assert [three.ports[name] for name in three.monitors] == [8082, 8087, 9999]
    assert three.monitor_upstream.count("server 127.0.0.1:") == 3
    assert set(three.monitors) < set(three.readiness)
