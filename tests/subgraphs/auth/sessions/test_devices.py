from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subgraphs.auth.sessions.devices import (
    KNOWN_FOR,
    SEEN_AGAIN,
    Device,
    KnownDevice,
    coarse_network,
    describe,
    is_new,
    was_just_seen,
)

NOW = datetime(2026, 6, 1, tzinfo=UTC)
HOME = Device("Firefox on Windows", "203.0.113.0/24")

APPLE = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
IPHONE = "iPhone; CPU iPhone OS 18_5 like Mac OS X"
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Windows"),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/138.0.0.0 Safari/537.36", "Chrome on Windows"),
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0",
            "Edge on Windows",
        ),
        (
            f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} Chrome/138.0.0.0 Safari/537.36 OPR/122.0.0.0",
            "Opera on Linux",
        ),
        (
            f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {APPLE} Version/18.5 Safari/605.1.15",
            "Safari on Mac",
        ),
        (
            f"Mozilla/5.0 ({IPHONE}) {APPLE} Version/18.5 Mobile/15E148 Safari/604.1",
            "Safari on iPhone",
        ),
        (
            f"Mozilla/5.0 ({IPHONE}) {APPLE} CriOS/138.0.7204.53 Mobile/15E148 Safari/604.1",
            "Chrome on iPhone",
        ),
        (
            f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
            "Samsung Internet on Android",
        ),
        ("Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0", "Firefox on Android"),
        (f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {WEBKIT} Chrome/138.0.0.0 Safari/537.36", "Chrome on ChromeOS"),
        ("curl/8.5.0", "Unknown device"),
        ("", "Unknown device"),
        ("SomeApp (Android 15)", "Android"),
    ],
)
def test_a_browser_is_described_in_a_few_words(user_agent: str, words: str) -> None:
    assert describe(user_agent) == words


@given(st.text())
def test_no_text_of_a_client_gets_into_the_words(user_agent: str) -> None:
    assert len(describe(user_agent)) < 40
    assert describe(user_agent + "\x00<script>") == describe(user_agent)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("127.0.0.1", "127.0.0.0/24"),
    ],
)
def test_an_address_is_stored_as_its_network(address: str, network: str) -> None:
    assert coarse_network(ip_address(address)) == network
    assert coarse_network(None) == ""


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ([], False),
        ([KnownDevice(HOME, NOW - timedelta(days=100))], False),
        ([KnownDevice(HOME, NOW - KNOWN_FOR)], True),
        ([KnownDevice(Device(HOME.words, "198.51.100.0/24"), NOW)], True),
        ([KnownDevice(Device("Chrome on Windows", HOME.network), NOW)], True),
        ([KnownDevice(Device(), NOW), KnownDevice(HOME, NOW + timedelta(hours=1))], False),
    ],
    ids=["first login", "known", "long ago", "another network", "another browser", "a clock that was ahead"],
)
def test_a_device_is_new_if_the_user_has_not_used_it_lately(known: list[KnownDevice], *, expected: bool) -> None:
    assert is_new(HOME, known, NOW) is expected


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ([], False),
        ([KnownDevice(HOME, NOW)], True),
        ([KnownDevice(HOME, NOW - SEEN_AGAIN)], False),
        ([KnownDevice(HOME, NOW + timedelta(seconds=1))], False),
        ([KnownDevice(Device("Edge on Windows", HOME.network), NOW)], False),
    ],
)
def test_the_time_of_a_device_is_written_once_a_minute(known: list[KnownDevice], *, expected: bool) -> None:
    assert was_just_seen(HOME, known, NOW) is expected
