"""Where a supergraph comes from: a file of this machine, or an address."""

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
    """Whether a supergraph's location is an address rather than a path."""
    return location.startswith(("http://", "https://"))


def stamp(path: Path) -> Stamp | None:
    """Differs whenever a file was written, replaced, or is reached through another link; None when it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


class SourceUnavailable(StartupError):
    """The supergraph cannot be read now; the text names the place and the reason."""


class Source(Protocol):
    """A place that has the supergraph's SDL. `name` is for messages."""

    name: str

    async def read(self) -> str:
        """The SDL as it is there now.

        Raises:
            SourceUnavailable: it cannot be had.
        """
        ...

    def close(self) -> None:
        """Let go of what is open."""
        ...


class FileSource:
    """A file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path)

    def text(self) -> str:
        """What `read` gives, for a caller that may wait for a disk."""
        try:
            return self.path.read_text(encoding="utf-8")
        except OSError as error:
            raise SourceUnavailable(f"{self.path}: cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise SourceUnavailable(f"{self.path}: is not UTF-8 text") from error

    async def read(self) -> str:
        """See `Source.read`. A supergraph is read in a millisecond; a thread would cost more."""
        return self.text()

    def close(self) -> None:
        """Nothing stays open."""


class UrlSource:
    """An address; asked with the ETag it gave last, so that an unchanged supergraph is not sent again."""

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
