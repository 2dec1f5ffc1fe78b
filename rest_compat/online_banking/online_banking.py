"""Serves the online banking page, and passes its GraphQL requests on to the router.

    GET /                                the page
    GET /banking/<name>.<hash>.<suffix>  the files of the page, which every cache can keep for ever
    POST /graphql                        a GraphQL request, forwarded to the router

The page uses ES modules without a build step. Its content security policy allows files and requests of this origin
only, and no inline scripts or styles. In production, the page and the forwarding are off unless `REST_ONLINE_BANKING`
switches them on (docs/environment.md).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from servicekit.static_files import IMMUTABLE, PAGE
from servicekit.static_folder import StaticFolder, StaticPage

if TYPE_CHECKING:
    from servicekit.asgi import ASGIApp, Receive, Scope, Send

PAGE_PATH: Final = "/"
GRAPHQL_PATH: Final = "/graphql"
# The paths of this module, as they are logged.
PATHS: Final = (PAGE_PATH, GRAPHQL_PATH, "/banking/:file")
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
        self._page = StaticPage(self._folder, _INDEX, _FILES, {"graphql": GRAPHQL_PATH})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            root: str = scope.get("root_path", "")
            path: str = scope["path"].removeprefix(root)
            if path == GRAPHQL_PATH:
                await self._forwarding(scope, receive, send)
                return
            if scope["method"] in {"GET", "HEAD"}:
                if path == PAGE_PATH:
                    await self._page.at(root).send(scope, send, PAGE, _HEADERS)
                    return
                file = self._folder.files.get(path.removeprefix(_FILES)) if path.startswith(_FILES) else None
                if file is not None:
                    await file.send(scope, send, IMMUTABLE)
                    return
        await self._app(scope, receive, send)
