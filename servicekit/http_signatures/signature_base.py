"""The signature base (RFC 9421 §2.5): the text that is signed, with a line for each covered component of a request."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


class ComponentMissing(Exception):
    """The signature covers a component that the request does not have, or that is not supported."""


class NotAscii(Exception):
    """A covered component has a character that is not ASCII, so that it cannot be part of a signature base."""


class SignedRequest(NamedTuple):
    """The parts of a request that a signature can cover.

    Attributes:
        method: the method, in upper case.
        authority: the header `Host` as it was received.
        path: the path as it was received, with its percent-encoding.
        query: the query without its question mark; empty if there is none.
        headers: the headers by their names in lower case. If a header has several lines, the values are joined by `, `.
    """

    method: str
    authority: str
    path: str
    query: str
    headers: Mapping[str, str]


def normal_authority(authority: str) -> str:
    """Return `@authority` (RFC 9421 §2.2.3): in lower case, and without the default port of `http` and `https`.

    The default ports of both schemes are removed, because a proxy may have ended TLS before the request arrived.
    """
    host, colon, port = authority.lower().rpartition(":")
    return host if colon and port in {"80", "443"} else authority.lower()


def normal_query(query: str) -> str:
    """Return `@query` (RFC 9421 §2.2.7): a question mark, even if there is no query, and the query."""
    return f"?{query}"


_DERIVED: Final[Mapping[str, Callable[[SignedRequest], str]]] = MappingProxyType(
    {
        "@method": lambda request: request.method,
        "@authority": lambda request: normal_authority(request.authority),
        "@path": lambda request: request.path or "/",
        "@query": lambda request: normal_query(request.query),
    }
)


def component_line(name: str, value: str) -> str:
    """Return the line of one component."""
    return f'"{name}": {value}'


def signature_base(components: Iterable[str], parameters: str, request: SignedRequest) -> bytes:
    """Return the signature base of `request`.

    Args:
        components: the names of the covered components.
        parameters: the value of `@signature-params`: the list of components and the parameters of the signature.
        request: the request.

    Raises:
        ComponentMissing: the request does not have one of the components.
        NotAscii: one of the components has a character that is not ASCII.
    """
    lines = [component_line(name, _value(name, request)) for name in components]
    return encode_base([*lines, component_line("@signature-params", parameters)])


def encode_base(lines: Iterable[str]) -> bytes:
    """Return the signature base with these lines.

    Raises:
        NotAscii: a line has a character that is not ASCII.
    """
    try:
        return "\n".join(lines).encode("ascii")
    except UnicodeEncodeError as error:
        raise NotAscii from error


def _value(name: str, request: SignedRequest) -> str:
    derived = _DERIVED.get(name)
    value = derived(request) if derived is not None else request.headers.get(name)
    if value is None:
        raise ComponentMissing
    return value
