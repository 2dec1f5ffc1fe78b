"""The address of the client that sent a request, even if the request came through proxies (`X-Forwarded-For`).

Anybody can write any address into the header, so an entry is believed only if a trusted proxy wrote it. Only the peer
of the connection is known for certain. If the peer is a trusted proxy, the last entry of the header is believed. If
this entry is a trusted proxy too, the entry before it is believed, and so on from right to left. The first address that
is not a trusted proxy is the client. The entries left of the client may be invented:

```
X-Forwarded-For: 10.9.9.9, 203.0.113.7, 192.0.2.10        peer 127.0.0.1, trusted: 127.0.0.0/8, 192.0.2.0/24
                 invented  client       trusted proxy
```

`ClientAddressMiddleware` stores the result in a context variable for the time of the request. `outgoing_headers` sends
it to the next process.
"""

from __future__ import annotations

import ipaddress
from contextvars import ContextVar
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TYPE_CHECKING, Final, Self, TypeAlias

import msgspec

from servicekit.results_for_short_texts import ResultsForShortTexts
from servicekit.value_in_context import ValueInContext

if TYPE_CHECKING:
    from collections.abc import Sequence

    from servicekit.asgi import ASGIApp, Receive, Scope, Send

IPAddress: TypeAlias = IPv4Address | IPv6Address

HEADER: Final = b"x-forwarded-for"
# The largest number of proxies that are read from the header. The rest of a longer header is ignored. Real requests
# pass fewer proxies.
MAX_HOPS: Final = 16
# Each customer of a provider gets at least a /64 network (RFC 6177), and can use all addresses of this network.
_IPV6_CUSTOMER_BITS: Final = 64
_IPV6_SITE_BITS: Final = 48
_COARSE_IPV4_BITS: Final = 24
# The length of the longest address: `[`, eight groups of four digits, the zone of an interface, `]:65535`.
_MAX_ENTRY: Final = 80


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """The networks whose `X-Forwarded-For` is believed."""

    networks: tuple[IPv4Network | IPv6Network, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a comma-separated list of networks (CIDR notation) and single addresses. `none` means an empty list.

        Raises:
            ValueError: an entry is not a network. The message contains the entry.
        """
        if text.strip().lower() == "none":
            return cls(())
        networks = []
        for entry in text.split(","):
            try:
                networks.append(ipaddress.ip_network(entry.strip()))
            except ValueError as error:
                raise ValueError(f"a comma-separated list of networks such as 10.0.0.0/8, or none: {error}") from error
        return cls(tuple(networks))

    def __contains__(self, address: IPAddress) -> bool:
        return any(address in network for network in self.networks)

    def __str__(self) -> str:
        return ",".join(str(network) for network in self.networks) or "none"


LOOPBACK: Final = TrustedProxies.parse("127.0.0.0/8,::1/128")


class ClientPath(msgspec.Struct, frozen=True):
    """The addresses that a request passed, from the client to the peer of the connection.

    Attributes:
        hops: the client's address first, then the trusted proxies in order; empty when the connection has no address,
            as on a Unix socket.
    """

    hops: tuple[IPAddress, ...] = ()

    @property
    def client(self) -> IPAddress | None:
        """The address of the client; None when the connection has no address."""
        return self.hops[0] if self.hops else None

    @property
    def forwarded_for(self) -> str:
        """Return the value of `X-Forwarded-For` for a request to the next process.

        The value is empty if the connection has no address.
        """
        return ", ".join(str(hop) for hop in self.hops)


def client_path(peer: str | None, forwarded_for: Sequence[str], trusted: TrustedProxies) -> ClientPath:
    """Return the addresses that a request passed, as far as trusted proxies report them.

    If a trusted proxy sent an entry that is not an address, such as `unknown`, this proxy counts as the client.

    Args:
        peer: the address of the other end of the connection.
        forwarded_for: the values of the header's lines in their order.
        trusted: the proxies whose header is believed.
    """
    address = None if peer is None else _peers(peer)
    if address is None:
        return ClientPath()
    if not forwarded_for:
        return ClientPath((address,))
    hops = [address]
    # The split starts at the right and stops early, so a long header takes no more time than a short one.
    entries = ",".join(forwarded_for).rsplit(",", 2 * MAX_HOPS)
    while entries and hops[-1] in trusted and len(hops) < MAX_HOPS:
        entry = entries.pop().strip()
        if not entry:  # empty elements of a list are ignored (RFC 9110 §5.6.1.2)
            continue
        address = parse_address(entry)
        if address is None:
            break
        hops.append(address)
    return ClientPath(tuple(reversed(hops)))


def parse_address(text: str) -> IPAddress | None:
    """Return the address in an entry of `X-Forwarded-For`, or None if the entry contains no address.

    The address may be plain, with a port, or in brackets. An IPv4 address that is written as IPv6 (`::ffff:192.0.2.1`)
    is returned as IPv4, so that one client has one address. The zone of an interface (`fe80::1%eth0`) is dropped.
    """
    if len(text) > _MAX_ENTRY:
        return None
    host = text.strip().strip('"')
    if host.startswith("["):
        host, bracket, port = host[1:].partition("]")
        if not bracket or (port and not (port.startswith(":") and _is_port(port[1:]))):
            return None
    elif host.count(":") == 1:
        host, _, port = host.partition(":")
        if not _is_port(port):
            return None
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


_peers: Final = ResultsForShortTexts(parse_address)


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit()


def customer_network(address: IPAddress | None) -> str:
    """Return the key for rate limits: an IPv4 address itself, or the /64 network of an IPv6 address.

    If `address` is not an IP address, return `unknown`.
    """
    if address is None:
        return "unknown"
    if isinstance(address, IPv4Address):
        return str(address)
    return str(IPv6Network((address, _IPV6_CUSTOMER_BITS), strict=False))


def site_network(address: IPAddress | None) -> str | None:
    """Return the /48 network of the IPv6 address; None for any other address.

    A provider may give all /64 networks of a /48 to one customer (RFC 6177 §2), or to many customers.
    """
    if not isinstance(address, IPv6Address):
        return None
    return str(IPv6Network((address, _IPV6_SITE_BITS), strict=False))


def coarse_network(address: IPAddress | None) -> str | None:
    """Return the network of an address for records that people read: the /24 of IPv4, the /48 of IPv6; None for None.

    It shows from where a request came, without the address of a single person.
    """
    if address is None:
        return None
    bits = _COARSE_IPV4_BITS if isinstance(address, IPv4Address) else _IPV6_SITE_BITS
    return str(ipaddress.ip_network((address, bits), strict=False))


_UNKNOWN: Final = ClientPath()
_current: ContextVar[ClientPath] = ContextVar("client_path", default=_UNKNOWN)


def current() -> ClientPath:
    """Return the addresses that the request of the current task passed. Outside a request, the result is empty."""
    return _current.get()


def serving(path: ClientPath) -> ValueInContext[ClientPath]:
    """Inside the block, `current()` returns `path`, in this task and in the tasks that it starts."""
    return ValueInContext(_current, path)


def serve_in_task(path: ClientPath) -> None:
    """`current()` returns `path` until the end of this task, and in the tasks that it starts."""
    _current.set(path)


def outgoing_headers() -> dict[str, str]:
    """Return the header that sends the addresses of the current request to another process of the platform."""
    forwarded_for = current().forwarded_for
    return {"x-forwarded-for": forwarded_for} if forwarded_for else {}


def path_of(scope: Scope, trusted: TrustedProxies) -> ClientPath:
    """Return the addresses that an ASGI request passed.

    They come from its connection and its `X-Forwarded-For` lines.
    """
    peer = scope.get("client")
    lines = [value.decode("latin-1") for name, value in scope["headers"] if name == HEADER]
    return client_path(peer[0] if peer else None, lines, trusted)


class ClientAddressMiddleware:
    """Sets the `ClientPath` that `current` returns while the application serves an HTTP request."""

    def __init__(self, app: ASGIApp, trusted: TrustedProxies = LOOPBACK) -> None:
        self._app = app
        self._trusted = trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with serving(path_of(scope, self._trusted)):
            await self._app(scope, receive, send)
