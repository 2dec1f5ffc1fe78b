"""Reads a supergraph from its source, a file or a URL."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Protocol

from router.transport.remote_text_file import Address, RemoteTextFile, TextFileUnavailable
from servicekit.errors import StartupError

if TYPE_CHECKING:
    from pathlib import Path

    from router.settings.sections.supergraph import SupergraphSource

Stamp = tuple[int, int, int]


def is_url(location: str) -> bool:
    """Return whether the location of a supergraph is a URL and not a path."""
    return location.startswith(("http://", "https://"))


def stamp(path: Path) -> Stamp | None:
    """Return a value that changes when the file at `path` is written or replaced; None if there is no file.

    If `path` is a symbolic link, the value also changes when the link points to another file.
    """
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


class SourceUnavailable(StartupError):
    """The supergraph cannot be read. The message has the location of the supergraph and the reason."""


class Source(Protocol):
    """A file or URL with the SDL of the supergraph. `name` is the path or URL for messages."""

    name: str

    async def read(self) -> str:
        """Return the current SDL.

        Raises:
            SourceUnavailable: the SDL cannot be read.
        """
        ...

    def close(self) -> None:
        """Close the connections of the source."""
        ...


class FileSource:
    """A supergraph in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path)

    def text(self) -> str:
        """Return the current SDL, like `read`. This method can be called without an event loop."""
        try:
            return self.path.read_text(encoding="utf-8")
        except OSError as error:
            raise SourceUnavailable(f"{self.path}: cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise SourceUnavailable(f"{self.path}: is not UTF-8 text") from error

    async def read(self) -> str:
        """Return the current SDL (see `Source.read`).

        The file is read in the event loop. This takes about a millisecond; to start a thread would take longer.
        """
        return self.text()

    def close(self) -> None:
        """Do nothing: a file has no connections."""


class UrlSource:
    """A supergraph at a URL.

    Each request has the ETag of the last response, so that the server does not send an unchanged SDL again.
    """

    def __init__(self, url: str, settings: SupergraphSource) -> None:
        self.name = url.partition("?")[0]
        authority = settings.certificate_authority
        try:
            tls = ssl.create_default_context(cafile=authority) if authority is not None else None
        except OSError as error:
            raise StartupError(f"supergraph: {authority} holds no certificates: {error.strerror}") from error
        headers = {name: value.get_secret_value() for name, value in settings.headers.items()}
        self._file = RemoteTextFile(Address(url=url, headers=headers, timeout=settings.timeout, tls=tls))
        self._last = ""

    async def read(self) -> str:
        """Return the current SDL (see `Source.read`). If the SDL is unchanged, return the SDL of the last response."""
        try:
            text = await self._file.read()
        except TextFileUnavailable as error:
            raise SourceUnavailable(f"{self.name}: {error}") from error
        if text is not None:
            self._last = text
        return self._last

    def close(self) -> None:
        """Close the connection."""
        self._file.close()
