"""Requests to addresses that a person has typed in. They must not reach what only this machine or its network may reach (SSRF).

A name is resolved once, and the connection goes to the address that was checked: a second look-up could answer otherwise.
"""

import asyncio
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import httpx

from shared.errors import InvalidField

Resolve = Callable[..., list[Any]]
_NAT64: Final = IPv6Network("64:ff9b::/96")
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Destination:
    """`url`: with the checked address in place of the name, `host` as the other side knows itself."""

    url: str
    host: str
    name: str


def destination(url: str, *, allowed: frozenset[str] = frozenset(), resolve: Resolve = socket.getaddrinfo) -> Destination:
    """`allowed`: names, or `name:port`, that may be private. Raises InvalidField where it is no address of the public internet."""
    try:
        parts, port = urlsplit(url), urlsplit(url).port
    except ValueError:
        raise _refused("is no address") from None
    if parts.scheme not in _PORTS:
        raise _refused("must begin with https:// or http://")
    if not parts.hostname:
        raise _refused("has no host name")
    if parts.username or parts.password:
        raise _refused("must not carry a user name or password")
    port = port or _PORTS[parts.scheme]
    address = _checked(parts.hostname, port, allowed, resolve)
    bracketed = f"[{address}]" if address.version == 6 else str(address)
    return Destination(urlunsplit((parts.scheme, f"{bracketed}:{port}", parts.path or "/", parts.query, "")), parts.netloc, parts.hostname)


def _checked(name: str, port: int, allowed: frozenset[str], resolve: Resolve) -> IPv4Address | IPv6Address:
    try:
        found = resolve(name, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise _refused(f"the name {name} is not known: {error}") from None
    addresses = [ip_address(entry[4][0].split("%")[0]) for entry in found]
    if not addresses:
        raise _refused(f"the name {name} has no address")
    if not {name.lower(), f"{name.lower()}:{port}"} & allowed:
        for address in addresses:
            if not is_public(address):
                remedy = "an administrator may allow the host in GROUNDUP_WEBHOOK_ALLOW"
                raise InvalidField("url", f"{name} is {address}, which is not public", remedy=remedy, code="private-address")
    return addresses[0]


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether anybody may reach it; an IPv4 address that is wrapped in an IPv6 one counts as itself."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast


def post(target: Destination, body: bytes, headers: Mapping[str, str], *, timeout: float) -> int:
    """The status of the answer; what else it says is not read, and where it would send us we do not go. `timeout`: seconds for all of it,
    since a server that sends a byte now and then would never exceed one for each read. Raises httpx.HTTPError."""
    return asyncio.run(_post(target, body, headers, timeout))


async def _post(target: Destination, body: bytes, headers: Mapping[str, str], timeout: float) -> int:
    extensions = {"sni_hostname": target.name} if target.url.startswith("https:") else {}
    sent = {**headers, "Host": target.host}
    try:
        async with (
            asyncio.timeout(timeout),
            httpx.AsyncClient(timeout=timeout, trust_env=False, follow_redirects=False) as client,
            client.stream("POST", target.url, content=body, headers=sent, extensions=extensions) as answer,
        ):
            return answer.status_code
    except TimeoutError:
        raise httpx.ReadTimeout("no answer in time") from None


def _refused(message: str) -> InvalidField:
    return InvalidField("url", message, remedy="give the full address of a webhook, as in https://example.org/hook")
