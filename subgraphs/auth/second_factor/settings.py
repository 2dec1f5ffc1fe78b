"""The domain and the pages of passkeys, from `AUTH_PUBLIC_URL` and `AUTH_WEBAUTHN_ORIGINS`."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from servicekit.http_url import is_loopback

if TYPE_CHECKING:
    from subgraphs.auth.second_factor.passkeys import RelyingParty

_LOCAL: Final = "localhost"
# The pages of the platform on one machine: the REST layer with its online banking page, the router and the service.
_LOCAL_PORTS: Final = (8000, 4000)
_ORIGIN: Final = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?")


def parse_origins(text: str) -> tuple[str, ...]:
    """Return the origins in a comma-separated list.

    Raises:
        ValueError: the message names the wrong part.
    """
    origins = tuple(part.strip().rstrip("/").lower() for part in text.split(",") if part.strip())
    for origin in origins:
        host = urlsplit(origin).hostname
        if _ORIGIN.fullmatch(origin) is None:
            raise ValueError(f"{origin!r} is not of the form https://host or https://host:port")
        if origin.startswith("http:") and host != _LOCAL:
            raise ValueError(f"{origin!r}: browsers use passkeys on https pages only, except on {_LOCAL}")
    return origins


def relying_party(public_url: str, origins: tuple[str, ...]) -> RelyingParty | None:
    """Return the relying party: its id is the host of `public_url`.

    Without `origins`, passkeys work on the pages of the public URL. If the host is an address of this machine, the id
    is `localhost`. If it is another address, or the URL is not https, there are no passkeys, because browsers have none
    there: the result is None.

    Raises:
        ValueError: an origin does not belong to the host, or there can be no passkeys.
    """
    from subgraphs.auth.second_factor.passkeys import RelyingParty  # noqa: PLC0415 - webauthn imports slowly

    parts = urlsplit(public_url)
    host = (parts.hostname or "").lower()
    if is_loopback(host):
        ports = (parts.port, *_LOCAL_PORTS)
        local = tuple(f"http://{_LOCAL}:{port}" for port in ports if port)
        return RelyingParty(_LOCAL, _checked(origins, _LOCAL) or local)
    if parts.scheme != "https" or _is_address(host):
        if origins:
            raise ValueError(f"passkeys need a public URL with https and a domain, not {parts.scheme}://{host}")
        return None
    port = f":{parts.port}" if parts.port else ""
    return RelyingParty(host, _checked(origins, host) or (f"https://{host}{port}",))


def _checked(origins: tuple[str, ...], host: str) -> tuple[str, ...]:
    for origin in origins:
        found = urlsplit(origin).hostname or ""
        if found != host and not found.endswith(f".{host}"):
            raise ValueError(f"{origin!r} is not a page of {host}, the host of the public URL")
    return origins


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
