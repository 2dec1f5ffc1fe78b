"""Where a supergraph comes from: a file, or a URL."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Protocol

from router.transport.remote_document import Address, DocumentUnavailable, RemoteDocument
from servicekit.errors import StartupError

if TYPE_CHECKING:
    from pathlib import Path

    from router.settings.sections.supergraph import SupergraphSource

Stamp = tuple[int, int, int]


def is_url(location: str) -> bool:
    """Whether a supergraph's location is a URL rather than a path."""
    return location.startswith(("http://", "https://"))


def stamp(path: Path) -> Stamp | None:
    """Changes whenever the file is written or replaced, or a link to it changes; None if there is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


class SourceUnavailable(StartupError):
    """The supergraph cannot be read; the message names the place and the reason."""


class Source(Protocol):
    """A place with the supergraph's SDL. `name` is used in messages."""

    name: str

    async def read(self) -> str:
        """The current SDL.

        Raises:
            SourceUnavailable: it cannot be read.
        """
        ...

    def close(self) -> None:
        """Close connections."""
        ...


class FileSource:
    """A supergraph in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path)

    def text(self) -> str:
        """The same as `read`, for a caller without an event loop."""
        try:
            return self.path.read_text(encoding="utf-8")
        except OSError as error:
            raise SourceUnavailable(f"{self.path}: cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise SourceUnavailable(f"{self.path}: is not UTF-8 text") from error

    async def read(self) -> str:
        """See `Source.read`. Reading takes about a millisecond; a thread would cost more."""
        return self.text()

    def close(self) -> None:
        """A file has no connections."""


class UrlSource:
    """A supergraph at a URL, fetched with the last ETag, so that an unchanged one is not sent again."""

    def __init__(self, url: str, settings: SupergraphSource) -> None:
        self.name = url.partition("?")[0]
        authority = settings.certificate_authority
        try:
            tls = ssl.create_default_context(cafile=authority) if authority is not None else None
        except OSError as error:
            raise StartupError(f"supergraph: {authority} holds no certificates: {error.strerror}") from error
        headers = {name: value.get_secret_value() for name, value in settings.headers.items()}
        self._document = RemoteDocument(Address(url=url, headers=headers, timeout=settings.timeout, tls=tls))
        self._last = ""

    async def read(self) -> str:
        """See `Source.read`."""
        try:
            text = await self._document.read()
        except DocumentUnavailable as error:
            raise SourceUnavailable(f"{self.name}: {error}") from error
        if text is not None:
            self._last = text
        return self._last

    def close(self) -> None:
        """Close the connection."""
        self._document.close()
