"""Which redirect URIs a client may register, and which URI of a request is one of them (RFC 6749 §3.1.2, RFC 8252 §7).

The comparison is exact, character by character. There is one exception: a native application listens on a port of the
loopback interface that it learns at run time, so the port of `http://127.0.0.1/...` and `http://[::1]/...` may differ.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

_LOOPBACK_ADDRESSES: Final = frozenset({"127.0.0.1", "::1"})
_LOOPBACK: Final = _LOOPBACK_ADDRESSES | {"localhost"}
# Printable ASCII without characters that URLs do not have, or that browsers and parsers read differently.
_CHARACTERS: Final = re.compile(r"""[^\x00-\x20\x7F-\U0010FFFF"<>\\^`{|}*]+""")
_MAX_LENGTH: Final = 2_000
# A private-use scheme is a reversed domain name, so it has a dot (RFC 8252 §7.1). `javascript:` and `data:` have none.
_PRIVATE_SCHEME: Final = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+")
_WRONG_SCHEME: Final = (
    "must begin with https:, http: (loopback addresses), or a reversed domain name (native applications)"
)


def problem(uri: str, *, is_public: bool) -> str | None:
    """Return why a client may not register `uri`; None if it may.

    Args:
        uri: a redirect URI.
        is_public: whether the client has no secret, as native applications.
    """
    parts = _split(uri)
    if parts is None:
        return "is not an absolute URI of at most 2000 printable ASCII characters"
    if "#" in uri:
        return "has a fragment"
    if parts.username is not None or parts.password is not None:
        return "contains user information"
    if any(segment in {".", ".."} for segment in parts.path.split("/")):
        return "has a path with dots"
    return None if _has_own_scheme(parts, is_public=is_public) else _WRONG_SCHEME


def _has_own_scheme(parts: SplitResult, *, is_public: bool) -> bool:
    """Whether nobody else receives what is sent to the URI: TLS, this device, or an application of this device."""
    if parts.scheme == "https":
        return bool(parts.hostname)
    if parts.scheme == "http":
        return parts.hostname in _LOOPBACK
    return is_public and _PRIVATE_SCHEME.fullmatch(parts.scheme) is not None


def is_registered(uri: str, registered: tuple[str, ...]) -> bool:
    """Whether a request may name `uri`: it is one of the registered URIs."""
    return any(uri == each or _differs_in_port(uri, each) for each in registered)


def origin(uri: str) -> str:
    """Return the source of a valid URI for a Content Security Policy: `https://host:port`, or `scheme:`."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in {"http", "https"} else f"{parts.scheme}:"


def _differs_in_port(uri: str, registered: str) -> bool:
    given, known = _split(uri), _split(registered)
    if given is None or known is None or known.port is not None or "@" in given.netloc:
        return False
    if known.scheme != "http" or known.hostname not in _LOOPBACK_ADDRESSES or given.port is None:
        return False
    return uri == registered.replace(known.netloc, f"{known.netloc}:{given.port}", 1)


def _split(uri: str) -> SplitResult | None:
    if len(uri) > _MAX_LENGTH or _CHARACTERS.fullmatch(uri) is None:
        return None
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return None
    return parts if parts.scheme else None
