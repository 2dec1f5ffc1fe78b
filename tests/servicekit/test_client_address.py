from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from servicekit import client_address
from servicekit.client_address import (
    LOOPBACK,
    MAX_HOPS,
    ClientAddressMiddleware,
    ClientPath,
    TrustedProxies,
    client_path,
    coarse_network,
    customer_network,
    parse_address,
    site_network,
)
from servicekit.errors import ConfigurationError
from servicekit.settings import ProcessSettings, load

if TYPE_CHECKING:
    from servicekit.asgi import Receive, Scope, Send

TRUSTED = TrustedProxies.parse("127.0.0.0/8, 192.0.2.0/24, 2001:db8:1::/48")
CLIENT = "203.0.113.7"


def client(peer: str, *lines: str, trusted: TrustedProxies = TRUSTED) -> str:
    return str(client_path(peer, lines, trusted).client)


@pytest.mark.parametrize(
    ("peer", "lines", "expected"),
    [
        # Without the header, and from a peer that is not trusted, the peer is the client.
        (CLIENT, [], CLIENT),
        (CLIENT, ["10.9.9.9"], CLIENT),
        (CLIENT, ["127.0.0.1"], CLIENT),
        # Right to left over trusted proxies; what stands left of the client is invented.
        ("127.0.0.1", [CLIENT], CLIENT),
        ("127.0.0.1", [f"10.9.9.9, {CLIENT}, 192.0.2.10"], CLIENT),
        ("127.0.0.1", [f"127.0.0.1, {CLIENT}"], CLIENT),
        # A request from inside: every hop is trusted, the first one is the client.
        ("127.0.0.1", ["192.0.2.1, 127.0.0.2"], "192.0.2.1"),
        # Several lines are one list in their order (RFC 9110 §5.3).
        ("127.0.0.1", ["10.9.9.9", CLIENT, "192.0.2.10"], CLIENT),
        ("127.0.0.1", [CLIENT, "10.9.9.9"], "10.9.9.9"),
        # Empty elements, spaces and tabs.
        ("127.0.0.1", [f" ,, \t{CLIENT} , ,"], CLIENT),
        ("127.0.0.1", ["", ","], "127.0.0.1"),
        # Ports, brackets, quotes.
        ("127.0.0.1", [f"{CLIENT}:51234"], CLIENT),
        ("127.0.0.1", ["[2001:db8::1]:443"], "2001:db8::1"),
        ("127.0.0.1", ["[2001:db8::1]"], "2001:db8::1"),
        ("127.0.0.1", ['"[2001:db8::1]:443"'], "2001:db8::1"),
        ("127.0.0.1", ["2001:db8::1"], "2001:db8::1"),
        # A client has one address, also when it is written as IPv6; the peer of a dual-stack socket is written so.
        ("127.0.0.1", [f"::ffff:{CLIENT}"], CLIENT),
        ("::ffff:127.0.0.1", [CLIENT], CLIENT),
        ("2001:db8:1::5", [CLIENT], CLIENT),
        ("2001:db8:2::5", [CLIENT], "2001:db8:2::5"),
        ("fe80::1%eth0", [], "fe80::1"),
        # An entry that is not an address ends the way at the proxy that sent it.
        ("127.0.0.1", [f"{CLIENT}, unknown"], "127.0.0.1"),
        ("127.0.0.1", [f"{CLIENT}, _hidden, 192.0.2.1"], "192.0.2.1"),
        ("127.0.0.1", ["203.0.113.07"], "127.0.0.1"),
        ("127.0.0.1", ["3405803783"], "127.0.0.1"),
        ("127.0.0.1", ["203.0.113.7.example"], "127.0.0.1"),
        ("127.0.0.1", ["203.0.113.7:http"], "127.0.0.1"),
        ("127.0.0.1", ["[2001:db8::1]443"], "127.0.0.1"),
        ("127.0.0.1", ["[2001:db8::1"], "127.0.0.1"),
        ("127.0.0.1", ["\u0662\u0660\u0663.0.113.7"], "127.0.0.1"),
        ("127.0.0.1", ["x" * 60_000], "127.0.0.1"),
    ],
)
def test_the_client_is_the_first_hop_from_the_right_that_is_not_trusted(
    peer: str, lines: list[str], expected: str
) -> None:
    assert client(peer, *lines) == expected


def test_without_trusted_proxies_the_peer_is_the_client() -> None:
    assert client("127.0.0.1", CLIENT, trusted=TrustedProxies.parse("none")) == "127.0.0.1"


def test_a_connection_without_an_address_has_no_client() -> None:
    path = client_path(None, [CLIENT], TRUSTED)
    assert path.client is None
    assert path.forwarded_for == ""
    assert customer_network(path.client) == "unknown"


def test_the_way_that_is_passed_on_has_no_invented_entries() -> None:
    path = client_path("127.0.0.1", [f"10.9.9.9, {CLIENT}", "192.0.2.10:80"], TRUSTED)
    assert path.forwarded_for == f"{CLIENT}, 192.0.2.10, 127.0.0.1"


def test_the_next_process_finds_the_same_client() -> None:
    first = client_path("127.0.0.1", [f"10.9.9.9, {CLIENT}"], TRUSTED)
    second = client_path("127.0.0.1", [first.forwarded_for], TRUSTED)
    assert second.client == first.client


def test_a_long_chain_is_cut() -> None:
    path = client_path("127.0.0.1", ["127.0.0.1, " * 10_000 + CLIENT + ", 127.0.0.1" * 10_000], LOOPBACK)
    assert len(path.hops) == MAX_HOPS


@given(st.lists(st.text(max_size=60), max_size=5), st.sampled_from(["127.0.0.1", CLIENT, "::1", "nonsense"]))
def test_any_header_gives_a_way_that_can_be_passed_on(lines: list[str], peer: str) -> None:
    path = client_path(peer, lines, TRUSTED)
    assert all(parse_address(hop) is not None for hop in path.forwarded_for.split(", ") if hop)
    assert path.forwarded_for.isascii()


@given(st.lists(st.text(max_size=30), max_size=4))
def test_a_client_cannot_choose_its_address(invented: list[str]) -> None:
    """Whatever a client sends, the trusted proxy appends the true address behind it."""
    assert client("127.0.0.1", ",".join(invented), CLIENT) == CLIENT


def test_only_ipv6_addresses_have_a_site() -> None:
    assert site_network(ipaddress.ip_address("2001:db8:1:2:3:4:5:6")) == "2001:db8:1::/48"
    assert site_network(ipaddress.ip_address("203.0.113.7")) is None
    assert site_network(None) is None


def test_a_record_for_people_has_a_network_of_many_persons() -> None:
    assert coarse_network(ipaddress.ip_address("203.0.113.7")) == "203.0.113.0/24"
    assert coarse_network(ipaddress.ip_address("2001:db8:1:2:3:4:5:6")) == "2001:db8:1::/48"
    assert coarse_network(None) is None


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
    ],
)
def test_a_limit_counts_ipv6_by_the_network_of_a_customer(address: str, expected: str) -> None:
    assert customer_network(ipaddress.ip_address(address)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("10.1.2.3", "10.1.2.3/32"),
        (" 10.0.0.0/8 , ::1 ", "10.0.0.0/8,::1/128"),
        ("none", "none"),
        ("NONE", "none"),
    ],
)
def test_the_variable_has_networks_or_addresses(text: str, expected: str) -> None:
    assert str(load(ProcessSettings, {"MOSAFE_TRUSTED_PROXIES": text}).trusted_proxies) == expected


@pytest.mark.parametrize("text", ["all", "10.0.0.1/8", "10.0.0.0/8,", "10.0.0.0/8 ::1", "*"])
def test_a_malformed_network_stops_the_start(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(ProcessSettings, {"MOSAFE_TRUSTED_PROXIES": text})
    assert caught.value.variable == "MOSAFE_TRUSTED_PROXIES"
    assert "networks" in caught.value.problem


async def echo(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Respond with the header for the next process."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    body = client_address.outgoing_headers().get("x-forwarded-for", "-")
    await send({"type": "http.response.body", "body": body.encode()})


async def test_the_middleware_makes_the_way_current_for_one_request() -> None:
    transport = httpx.ASGITransport(app=ClientAddressMiddleware(echo, TRUSTED), client=("192.0.2.1", 50_000))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        plain = await http.get("/")
        forwarded = await http.get("/", headers=[("x-forwarded-for", "10.9.9.9"), ("x-forwarded-for", CLIENT)])
    assert plain.text == "192.0.2.1"
    assert forwarded.text == f"{CLIENT}, 192.0.2.1"
    assert client_address.current() == ClientPath()
    assert client_address.outgoing_headers() == {}
