"""The device of a session, in coarse words: `Firefox on Windows`, and the network from which it comes.

The words come from tables, so no text of a client is stored. They are coarse on purpose: they tell a user which session
is which, and a new version of a browser is the same device. Browsers themselves say less and less in `User-Agent`
(https://www.rfc-editor.org/rfc/rfc9110#section-10.1.5), so a library with a thousand expressions would find no more.

This module is pure: it has no I/O and reads no clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING, Final, Self

from servicekit.client_address import site_network

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from servicekit.client_address import IPAddress

UNKNOWN_DEVICE: Final = "Unknown device"
# For how long a device is known after its last login.
KNOWN_FOR: Final = timedelta(days=180)
# After a login from a device, its time is written again only after this time.
SEEN_AGAIN: Final = timedelta(minutes=1)
# How many devices of a user are remembered. A user with more of them gets more notices.
MAX_KNOWN: Final = 50
_IPV4_COARSE_BITS: Final = 24

# A browser names the browsers that it is compatible with, too. So the first row that occurs in the text counts.
_BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Chromium/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True, slots=True)
class Device:
    """Where a session is used.

    Attributes:
        words: the browser and the system, or `UNKNOWN_DEVICE`.
        network: the network of the client, /24 of IPv4 or /48 of IPv6; empty if it is not known.
    """

    words: str = UNKNOWN_DEVICE
    network: str = ""

    @classmethod
    def of(cls, user_agent: str, address: IPAddress | None) -> Self:
        return cls(describe(user_agent), coarse_network(address))


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """A device from which a user has logged in."""

    device: Device
    last_seen_at: datetime


def describe(user_agent: str) -> str:
    """Return the words for a `User-Agent`. Any text is accepted."""
    browser = next((name for part, name in _BROWSERS if part in user_agent), None)
    system = next((name for part, name in _SYSTEMS if part in user_agent), None)
    return " on ".join(each for each in (browser, system) if each is not None) or UNKNOWN_DEVICE


def coarse_network(address: IPAddress | None) -> str:
    """Return the network that is stored of an address. It does not identify a person, but tells a town from another."""
    if isinstance(address, IPv4Address):
        return str(IPv4Network((address, _IPV4_COARSE_BITS), strict=False))
    return site_network(address) or ""


def is_new(device: Device, known: Sequence[KnownDevice], now: datetime) -> bool:
    """Whether the user should get a notice of a login from `device`.

    Args:
        device: the device of the login.
        known: all devices from which the user has logged in before. The first login needs no notice.
        now: the time of the login.
    """
    return bool(known) and not any(each.device == device and now - each.last_seen_at < KNOWN_FOR for each in known)


def was_just_seen(device: Device, known: Sequence[KnownDevice], now: datetime) -> bool:
    """Whether the stored time of the last login from `device` is recent enough, so that it is not written again."""
    return any(each.device == device and timedelta(0) <= now - each.last_seen_at < SEEN_AGAIN for each in known)
