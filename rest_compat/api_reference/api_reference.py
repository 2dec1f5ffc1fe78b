"""Serves the OpenAPI document, and in development the API reference.

    GET /openapi.json                                 the document: compressed, with an entity tag
    GET /docs                                         in development: Swagger UI, which can send requests
    GET /docs/files/<name>.<hash>.<suffix>            the files of the page, and of Swagger UI from fastapi-offline

In production, a request for `/docs` gets 404. The content security policy of the page allows inline styles and
images in `data:` URLs, because Swagger UI needs them. It allows nothing from other servers.
"""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rest_compat import openapi
from servicekit.static_files import IMMUTABLE, PAGE, StaticFile
from servicekit.static_folder import StaticFolder, StaticPage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from servicekit.asgi import ASGIApp, Receive, Scope, Send

DOCUMENT_PATH: Final = "/openapi.json"
REFERENCE_PATH: Final = "/docs"
# The paths of this module, as they are logged.
PATHS: Final = (DOCUMENT_PATH, REFERENCE_PATH, "/docs/files/:file")
_FILES: Final = "/docs/files/"
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
        self._files: Mapping[str, StaticFile] = {}
        self._page: StaticPage | None = None
        if is_development:
            folder = StaticFolder(_FOLDER, _swagger_ui())
            self._files = folder.files
            self._page = StaticPage(folder, _INDEX, _FILES, {"document": DOCUMENT_PATH})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] in {"GET", "HEAD"}:
            root: str = scope.get("root_path", "")
            path: str = scope["path"].removeprefix(root)
            if path == DOCUMENT_PATH:
                await self._document.send(scope, send, PAGE)
                return
            if self._page is not None and path == REFERENCE_PATH:
                more = ((b"content-security-policy", _POLICY.encode()), (b"referrer-policy", b"no-referrer"))
                await self._page.at(root).send(scope, send, PAGE, more)
                return
            file = self._files.get(path.removeprefix(_FILES)) if path.startswith(_FILES) else None
            if file is not None:
                await file.send(scope, send, IMMUTABLE)
                return
        await self._app(scope, receive, send)


def _swagger_ui() -> Path:
    """Return the folder of Swagger UI. The package is not imported, because only its files are used."""
    spec = find_spec("fastapi_offline")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("No module named 'fastapi_offline'", name="fastapi_offline")
    return Path(spec.origin).parent / "static"
