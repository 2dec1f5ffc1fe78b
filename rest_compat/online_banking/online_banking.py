"""Serves the online banking page, and passes its GraphQL requests on to the router.

    GET /                                the page
    GET /banking/<version>/<file>        the files of the page, which a browser can keep for ever
    POST /graphql                        a GraphQL request, forwarded to the router

The page uses ES modules without a build step. Its content security policy allows files and requests of this origin
only, and no inline scripts or styles. In production, the page and the forwarding are off unless `REST_ONLINE_BANKING`
switches them on (docs/environment.md).
"""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING, Final

from servicekit.static_files import IMMUTABLE, REVALIDATE, StaticFile, StaticFolder

if TYPE_CHECKING:
    from servicekit.asgi import ASGIApp, Receive, Scope, Send

PAGE_PATH: Final = "/"
GRAPHQL_PATH: Final = "/graphql"
# The paths of this module, as they are logged.
PATHS: Final = (PAGE_PATH, GRAPHQL_PATH, "/banking/:version/:file")
_FILES: Final = "/banking/"
_FOLDER: Final = Path(__file__).parent / "page"
_INDEX: Final = "index.html"
_HEADERS: Final = (
    (
        b"content-security-policy",
        b"default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'",
    ),
    (b"referrer-policy", b"no-referrer"),
)


class OnlineBanking:
    """Serves the page and its files, and passes GraphQL requests to `forwarding`. All others are passed to `app`."""

    def __init__(self, app: ASGIApp, forwarding: ASGIApp) -> None:
        self._app = app
        self._forwarding = forwarding
        self._folder = StaticFolder(_FOLDER)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            root: str = scope.get("root_path", "")
            path: str = scope["path"].removeprefix(root)
            if path == GRAPHQL_PATH:
                await self._forwarding(scope, receive, send)
                return
            if scope["method"] in {"GET", "HEAD"}:
                if path == PAGE_PATH:
                    await self._page(root).send(scope, send, REVALIDATE, _HEADERS)
                    return
                if (file := self._file(path)) is not None:
                    await file.send(scope, send, IMMUTABLE)
                    return
        await self._app(scope, receive, send)

    def _page(self, root: str) -> StaticFile:
        """Return the HTML document. `root` is the path under which the application is mounted."""
        text = self._folder.files[_INDEX].content.decode()
        text = text.replace("{{files}}", html.escape(f"{root}{_FILES}{self._folder.version}"))
        text = text.replace("{{graphql}}", html.escape(f"{root}{GRAPHQL_PATH}"))
        return StaticFile(text.encode(), "text/html; charset=utf-8")

    def _file(self, path: str) -> StaticFile | None:
        """Return the file at `path`. Return None if there is no such file, or if `path` contains an old version."""
        version, _, name = path.removeprefix(_FILES).partition("/")
        if not path.startswith(_FILES) or version != self._folder.version or name == _INDEX:
            return None
        return self._folder.files.get(name)
