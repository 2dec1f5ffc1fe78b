"""Serves the OpenAPI document, and in development the API reference for people.

    GET /openapi.json                                 the document: compressed, with an entity tag
    GET /docs                                         in development: Swagger UI, which can send requests
    GET /docs/page/<version>/<file>                   the files of the page around Swagger UI
    GET /docs/swagger/<version>/<file>                the files of Swagger UI, from the package fastapi-offline

In production, `/docs` is a path that does not exist. The content security policy of the page allows inline styles and
images in `data:` URLs, because Swagger UI needs them. It allows nothing from other servers.
"""

from __future__ import annotations

import html
import json
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rest_compat import openapi
from servicekit.static_files import IMMUTABLE, REVALIDATE, StaticFile, StaticFolder

if TYPE_CHECKING:
    from servicekit.asgi import ASGIApp, Receive, Scope, Send

DOCUMENT_PATH: Final = "/openapi.json"
REFERENCE_PATH: Final = "/docs"
# The paths of this module, as they are logged.
PATHS: Final = (DOCUMENT_PATH, REFERENCE_PATH, "/docs/:part/:version/:file")
_FOLDER: Final = Path(__file__).parent
_INDEX: Final = "index.html"
_POLICY: Final = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; object-src 'none'"
)


class ApiReference:
    """Serves the OpenAPI document.

    If `is_development`, it also serves `/docs`. All other requests are passed to `app`.
    """

    def __init__(self, app: ASGIApp, *, is_development: bool) -> None:
        self._app = app
        self._document = StaticFile(json.dumps(openapi.document()).encode(), "application/json")
        self._folders: dict[str, StaticFolder] = {}
        if is_development:
            self._folders = {"page": StaticFolder(_FOLDER), "swagger": StaticFolder(_swagger_ui())}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] in {"GET", "HEAD"}:
            path: str = scope["path"].removeprefix(scope.get("root_path", ""))
            if path == DOCUMENT_PATH:
                await self._document.send(scope, send, REVALIDATE)
                return
            if self._folders and path == REFERENCE_PATH:
                more = ((b"content-security-policy", _POLICY.encode()), (b"referrer-policy", b"no-referrer"))
                await self._page(scope.get("root_path", "")).send(scope, send, REVALIDATE, more)
                return
            if self._folders and (file := self._file(path)) is not None:
                await file.send(scope, send, IMMUTABLE)
                return
        await self._app(scope, receive, send)

    def _page(self, root: str) -> StaticFile:
        """Return the HTML document. `root` is the path under which the application is mounted."""
        text = self._folders["page"].files[_INDEX].content.decode()
        for name, part in (("{{files}}", "page"), ("{{swagger}}", "swagger")):
            text = text.replace(name, html.escape(f"{root}{REFERENCE_PATH}/{part}/{self._folders[part].version}"))
        text = text.replace("{{document}}", html.escape(f"{root}{DOCUMENT_PATH}"))
        return StaticFile(text.encode(), "text/html; charset=utf-8")

    def _file(self, path: str) -> StaticFile | None:
        """Return the file at `path`. Return None if there is no such file, or if `path` contains an old version."""
        part, _, rest = path.removeprefix(f"{REFERENCE_PATH}/").partition("/")
        folder = self._folders.get(part) if path.startswith(f"{REFERENCE_PATH}/") else None
        version, _, name = rest.partition("/")
        if folder is None or version != folder.version or name == _INDEX:
            return None
        return folder.files.get(name)


def _swagger_ui() -> Path:
    """Return the folder of Swagger UI. The package is not imported, because only its files are used."""
    spec = find_spec("fastapi_offline")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("No module named 'fastapi_offline'", name="fastapi_offline")
    return Path(spec.origin).parent / "static"
