"""Addresses that a person types in: what they may be, and that a second look-up changes nothing."""

import socket
import time
from ipaddress import ip_address
from typing import Any

import httpx
import pytest

from serving.outgoing import destination, is_public, post
from shared.errors import InvalidField
from tests.monitor.webhooks import TRICKLES, receiver, tarpit


def answers(*addresses: str) -> Any:
    return lambda _name, port, **_: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255"),
        *("::1", "::", "fe80::1", "fc00::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "2002:7f00:1::", "ff02::1"),
    ],
)
def test_what_only_this_network_may_reach_is_refused(address: str) -> None:
    assert not is_public(ip_address(address))
    with pytest.raises(InvalidField) as raised:
        destination("https://hooks.example/x", resolve=answers("93.184.215.14", address))
    assert (raised.value.problem_code, raised.value.errors[0].field) == ("private-address", "url")
    assert "GROUNDUP_WEBHOOK_ALLOW" in raised.value.remedy


@pytest.mark.parametrize(
    "url",
    [
        *("", "example.org", "ftp://example.org/x", "file:///etc/passwd", "https://", "https://user:pw@example.org/", "http://[::1"),
        *("http://x:99999/", "gopher://127.0.0.1:6379/_SET"),
    ],
)
def test_what_is_no_address_of_a_webhook_is_refused(url: str) -> None:
    with pytest.raises(InvalidField) as raised:
        destination(url, resolve=answers("93.184.215.14"))
    assert raised.value.errors[0].field == "url"
    assert raised.value.remedy


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "127.1", "[::1]", "[::ffff:7f00:1]"])
def test_this_machine_by_any_spelling_is_refused(name: str) -> None:
    with pytest.raises(InvalidField):
        destination(f"http://{name}:8081/internal/auth")


def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    found = destination("https://hooks.example:8443/a/b?c=d#e", resolve=answers("93.184.215.14"))
    assert (found.url, found.host, found.name) == ("https://93.184.215.14:8443/a/b?c=d", "hooks.example:8443", "hooks.example")
    assert destination("http://hooks.example", resolve=answers("2606:2800::1")).url == "http://[2606:2800::1]:80/"


def test_an_allowed_host_may_be_private_and_only_with_its_port() -> None:
    allowed = frozenset({"inside", "other:8080"})
    assert destination("http://inside/x", allowed=allowed, resolve=answers("10.0.0.1")).url == "http://10.0.0.1:80/x"
    assert destination("http://OTHER:8080/x", allowed=allowed, resolve=answers("10.0.0.1")).url == "http://10.0.0.1:8080/x"
    with pytest.raises(InvalidField):
        destination("http://other/x", allowed=allowed, resolve=answers("10.0.0.1"))


def test_where_it_would_be_sent_to_it_does_not_go() -> None:
    with receiver() as hook:
        hook.status = 302
        there = destination(hook.url, allowed=frozenset({"127.0.0.1"}))
        assert post(there, b"{}", {"X-One": "1"}, timeout=5) == 302
        assert (hook.bodies, hook.headers[0]["X-One"]) == ([b"{}"], "1")
        assert hook.headers[0]["Host"] == hook.url.split("/")[2]


@pytest.mark.parametrize("kind", TRICKLES)
def test_an_answer_that_never_ends_has_one_time_limit(kind: str) -> None:
    with tarpit(kind, seconds=20) as pit:
        began = time.monotonic()
        with pytest.raises(httpx.TimeoutException):
            post(destination(pit.url, allowed=frozenset({"127.0.0.1"})), b"{}", {}, timeout=0.5)
        assert time.monotonic() - began < 10
