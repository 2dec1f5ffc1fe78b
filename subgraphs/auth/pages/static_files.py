"""The files that pages load: the style sheet, and the script for passkeys.

GET /oauth/<name>.<hash>.<suffix>   a file, which every cache can keep for ever
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from starlette.responses import Response

from servicekit.static_files import IMMUTABLE, StaticFile
from servicekit.static_folder import StaticFolder
from subgraphs.kit.service_routes import ServiceRoute

if TYPE_CHECKING:
    from starlette.requests import Request

    from servicekit.asgi import Receive, Scope, Send

_PREFIX: Final = "/oauth/"
_FOLDER: Final = StaticFolder(Path(__file__).parent)


class LinkedFile(NamedTuple):
    """A file as a page refers to it.

    Attributes:
        url: its path, with the hash of its content.
        integrity: the attribute with which a browser checks the content (Subresource Integrity).
    """

    url: str
    integrity: str


def _linked(name: str) -> LinkedFile:
    return LinkedFile(_FOLDER.url(_PREFIX, name), _FOLDER.integrity(name))


STYLE: Final = _linked("style.css")
SCRIPT: Final = _linked("passkeys.js")


class _FileResponse(Response):
    """Sends a file as the request wants it: compressed, in part, or not again."""

    def __init__(self, file: StaticFile) -> None:
        super().__init__()
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        await self._file.send(scope, send, IMMUTABLE)


def static_routes() -> tuple[ServiceRoute, ...]:
    """Return the routes of all files."""
    return tuple(_route(_PREFIX + name, file) for name, file in _FOLDER.files.items())


def _route(path: str, file: StaticFile) -> ServiceRoute:
    async def send(_request: Request) -> Response:
        return _FileResponse(file)

    return ServiceRoute(path, ("GET", "HEAD"), send)
