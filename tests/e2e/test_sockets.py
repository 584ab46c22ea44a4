"""Sockets through the whole stack, with two monitors behind the gateway: rights that are lost, and a monitor that is killed."""

from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.stack import Stack, running_stack
from tests.monitor.sockets import Client, connect
from tests.servers import wait_until


@pytest.fixture(scope="module")
def two_monitors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    more = {"GROUNDUP_MONITOR_PROCESSES": "2", "GROUNDUP_RIGHTS_SECONDS": "1"}
    with running_stack(tmp_path_factory.mktemp("stack") / "data", **more) as stack:
        yield stack


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def admin(stack: Stack) -> dict[str, str]:
    return bearer((stack.data_dir / "admin-token").read_text().strip())


def open_socket(stack: Stack, headers: dict[str, str]) -> Client:
    ticket = httpx.post(f"{stack.url}/api/v1/ws-tickets", headers=headers).raise_for_status().json()["ticket"]
    return connect(int(stack.url.rsplit(":", 1)[1]), ticket)


def test_who_loses_the_token_loses_the_socket(two_monitors: Stack) -> None:
    body = {"name": "passing", "role": "viewer"}
    made = httpx.post(f"{two_monitors.url}/api/v1/tokens", json=body, headers=admin(two_monitors)).raise_for_status().json()
    with open_socket(two_monitors, bearer(made["token"])) as passing, open_socket(two_monitors, admin(two_monitors)) as staying:
        passing.subscribe("cluster")
        assert passing.receive()["type"] == "subscribed"
        httpx.delete(f"{two_monitors.url}/api/v1/tokens/{made['id']}", headers=admin(two_monitors)).raise_for_status()
        assert passing.closing_code() == 4403
        staying.send({"type": "ping", "id": 1})
        assert staying.receive()["type"] == "pong"


def test_a_killed_monitor_is_another_ones_work_until_it_is_back(two_monitors: Stack) -> None:
    sockets = [open_socket(two_monitors, admin(two_monitors)) for _ in range(4)]
    for socket in sockets:
        socket.send({"type": "ticket"})
        socket.ticket = socket.receive()["ticket"]
    masters = [process for process in two_monitors.processes() if "services.monitor.wsgi:app" in " ".join(process.cmdline())]
    assert len(masters) == 4  # two, with a worker each
    two_monitors.kill("gunicorn", "services.monitor.wsgi:app")
    port = int(two_monitors.url.rsplit(":", 1)[1])
    for socket in sockets:
        with connect(port, socket.ticket) as again:
            again.subscribe("cluster")
            assert again.receive()["type"] == "subscribed"
        socket.ws.shutdown()
    wait_until(
        lambda: len([one for one in two_monitors.processes() if "services.monitor.wsgi:app" in " ".join(one.cmdline())]) == 4,
        "supervisord has started it again",
    )
