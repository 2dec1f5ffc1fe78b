"""Finds the access token in the headers of a request."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from router.request.repeated_headers import computed_once

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from router.settings.sections.authentication import TokenSource


@dataclass(frozen=True)
class FoundToken:
    """An access token as the client sent it.

    `scheme` is the word before the token in the header, in lower case, such as `bearer`. If there is no such word,
    `scheme` is empty.
    """

    text: str
    scheme: str = ""

    @cached_property
    def digest(self) -> bytes:
        """The SHA-256 digest of the token."""
        return hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).digest()


class TokenSources:
    """Looks for a token in the sources of the setting `authentication.jwt.sources`, in their order.

    If the setting has no sources, the source is the header `Authorization` with the scheme `Bearer` (RFC 6750 §2.1).
    With `with_dpop`, the first source is the header `Authorization` with the scheme `DPoP` (RFC 9449 §7.1).
    """

    def __init__(self, sources: Sequence[TokenSource], *, with_dpop: bool = False) -> None:
        self._readers = tuple(map(_reader, sources)) or (_header_reader("authorization", "bearer"),)
        if with_dpop:
            self._readers = (_header_reader("authorization", "dpop"), *self._readers)

    def find(self, headers: Mapping[str, str]) -> FoundToken | None:
        """Return the token of the first source that has one, or None. The names in `headers` are in lower case."""
        return computed_once(self._find, headers)

    def _find(self, headers: Mapping[str, str]) -> FoundToken | None:
        for read in self._readers:
            found = read(headers)
            if found is not None:
                return found
        return None


def _reader(source: TokenSource) -> Callable[[Mapping[str, str]], FoundToken | None]:
    if source.cookie is not None:
        return _cookie_reader(source.cookie)
    assert source.header is not None  # noqa: S101 - a source has a header or a cookie
    return _header_reader(source.header, source.scheme.lower())


def _header_reader(name: str, scheme: str) -> Callable[[Mapping[str, str]], FoundToken | None]:
    def plain(headers: Mapping[str, str]) -> FoundToken | None:
        value = headers.get(name)
        return FoundToken(value) if value else None

    def with_scheme(headers: Mapping[str, str]) -> FoundToken | None:
        value = headers.get(name)
        if value is None:
            return None
        # The scheme is case-insensitive (RFC 9110 §11.1). If no token follows the scheme, the token is an empty text,
        # which is refused later.
        word, _, token = value.partition(" ")
        return FoundToken(token.strip(" "), scheme) if word.lower() == scheme else None

    return with_scheme if scheme else plain


def _cookie_reader(name: str) -> Callable[[Mapping[str, str]], FoundToken | None]:
    def read(headers: Mapping[str, str]) -> FoundToken | None:
        for pair in headers.get("cookie", "").split(";"):
            key, _, value = pair.partition("=")
            if key.strip() == name:
                return FoundToken(value.strip().strip('"'))
        return None

    return read
