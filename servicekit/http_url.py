"""Checks URLs of `http(s)` and of Unix sockets, and splits them into the parts that an HTTP/1.1 client needs."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

import msgspec

_DEFAULT_PORTS = {"http": 80, "https": 443}
_UNIX = re.compile(r"unix:(/[^?#]+)(?:\?path=(/[^#]*))?")


class SplitHttpUrl(msgspec.Struct, frozen=True):
    """A URL split for a request.

    `authority` is the value of the `Host` header, and `target` is the request target (RFC 9112 §3.2.1).
    """

    is_tls: bool
    host: str
    port: int
    authority: str
    target: str


def split_http_url(text: str) -> SplitHttpUrl:
    """Split an absolute URL.

    Raises:
        ValueError: The URL is not absolute `http(s)`, or carries credentials, which would end up in logs. The message
            does not repeat the URL.
    """
    url = urlsplit(text)
    if url.scheme not in _DEFAULT_PORTS or not url.hostname:
        raise ValueError("a URL is absolute and begins with http:// or https://")
    if url.username is not None or url.password is not None:
        raise ValueError("a URL carries no credentials; insert a header instead")
    try:
        port = url.port if url.port is not None else _DEFAULT_PORTS[url.scheme]
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError("a URL's port is a number from 1 to 65535")
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    return SplitHttpUrl(url.scheme == "https", url.hostname, port, url.netloc, target)


class SplitUnixUrl(msgspec.Struct, frozen=True):
    """The path of a Unix socket, and the request target of HTTP requests."""

    path: str
    target: str


def split_unix_url(text: str) -> SplitUnixUrl | None:
    """Split the URL of a Unix socket, such as `unix:/run/account.sock?path=/graphql`.

    Without `path` in the URL, the request target is `/graphql`. Return None if the URL does not begin with `unix:`.

    Raises:
        ValueError: The URL begins with `unix:`, but does not have this form.
    """
    if not text.startswith("unix:"):
        return None
    match = _UNIX.fullmatch(text)
    if match is None:
        raise ValueError("the URL of a Unix socket is unix:/path/of/socket?path=/graphql")
    return SplitUnixUrl(match[1], match[2] or "/graphql")


def is_loopback(host: str) -> bool:
    """Whether a host, as in a URL, is this machine: `localhost`, or a loopback address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
