"""Shows a page to a person who opens the router in a browser, and passes all other requests to the router.

    GET /, GET /graphql     with Accept: text/html    GraphiQL if it is installed, otherwise the explorer
    GET /                   with Accept: */*          some lines of text that name the endpoint, for a person with curl
    GET /ide/explorer, GET /ide/graphiql              the page with this name
    GET /ide/<page>/<name>.<hash>.<suffix>            the files of a page, which a browser can keep for ever

Each page has a content security policy that forbids requests to other origins. GraphiQL needs inline styles, images and
fonts in `data:` URLs, and workers from `blob:` URLs; only its page allows them.
"""

from __future__ import annotations

import json
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from servicekit.accept import parse_accept
from servicekit.asgi import header
from servicekit.static_files import IMMUTABLE, REVALIDATE, StaticFile
from servicekit.static_folder import StaticFolder, StaticPage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.settings.model import RouterSettings
    from servicekit.asgi import ASGIApp, Receive, Scope, Send

PREFIX: Final = "/ide/"
_FOLDER: Final = Path(__file__).parent
_INDEX: Final = "index.html"
_HTML: Final = frozenset({"text/html", "application/xhtml+xml"})
_TEXT: Final = frozenset({"text/plain", "text/*", "*/*"})
_JSON: Final = frozenset({"application/json", "application/graphql-response+json"})

_STRICT: Final = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"
# The additional sources that Monaco, the editor of GraphiQL, needs.
_MONACO: Final = (
    "; style-src 'self' 'unsafe-inline'; font-src 'self' data:; img-src 'self' data:; worker-src 'self' blob:"
)


class Page(msgspec.Struct, frozen=True):
    """A page: its name in paths, its files, and its content security policy."""

    name: str
    folder: StaticFolder
    policy: str

    def document(self, graphql_path: str) -> StaticPage:
        """Return the HTML document. `graphql_path` is the path of the endpoint."""
        paths = {"graphql": graphql_path, "explorer": f"{PREFIX}explorer"}
        return StaticPage(self.folder, _INDEX, f"{PREFIX}{self.name}/", paths)


@cache
def installed_pages() -> Mapping[str, Page]:
    """Return the installed pages by name. The first page is the default."""
    policies = {"graphiql": _STRICT + _MONACO, "explorer": _STRICT}
    return {
        name: Page(name, StaticFolder(_FOLDER / name), policy)
        for name, policy in policies.items()
        if (_FOLDER / name / _INDEX).exists()
    }


class IdePages:
    """Sends the pages and their files. All other requests are passed to `app`."""

    def __init__(self, app: ASGIApp, settings: RouterSettings) -> None:
        self._app = app
        self._graphql_path = settings.server.path
        self._pages = installed_pages()
        self._documents = {name: page.document(self._graphql_path) for name, page in self._pages.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] in {"GET", "HEAD"}:
            path: str = scope["path"].removeprefix(scope.get("root_path", ""))
            if path.startswith(PREFIX) and path != self._graphql_path:
                await self._send_file(scope, send, path.removeprefix(PREFIX))
                return
            if path in {"/", self._graphql_path} and prefers_html(header(scope, b"accept")):
                await self._send_page(scope, send, next(iter(self._pages.values())))
                return
            if path == "/" != self._graphql_path and accepts_text(header(scope, b"accept")):
                await self._pointer(scope).send(scope, send, REVALIDATE, ((b"vary", b"accept"),))
                return
        await self._app(scope, receive, send)

    def _pointer(self, scope: Scope) -> StaticFile:
        """Return the text that says where the endpoint is."""
        endpoint = f"{scope.get('root_path', '')}{self._graphql_path}"
        text = (
            f'This is a GraphQL router. Send operations as JSON to POST {endpoint}: {{"query": "{{ __typename }}"}}\n'
            "In a browser, this address shows a page for operations.\n"
        )
        return StaticFile(text.encode(), "text/plain; charset=utf-8")

    async def _send_page(self, scope: Scope, send: Send, page: Page) -> None:
        document = self._documents[page.name].at(scope.get("root_path", ""))
        more = (
            (b"content-security-policy", page.policy.encode()),
            (b"referrer-policy", b"no-referrer"),
            (b"vary", b"accept"),
        )
        await document.send(scope, send, REVALIDATE, more)

    async def _send_file(self, scope: Scope, send: Send, path: str) -> None:
        name, _, file_name = path.partition("/")
        page = self._pages.get(name)
        if page is not None and not file_name:
            await self._send_page(scope, send, page)
            return
        file = page.folder.files.get(file_name) if page is not None else None
        if page is None or file is None:
            await _send_not_found(scope, send)
            return
        # A browser takes the policy for a worker from the response with the worker's script, not from the page. So each
        # file is sent with the policy.
        await file.send(scope, send, IMMUTABLE, ((b"content-security-policy", page.policy.encode()),))


def prefers_html(accept: str | None) -> bool:
    """Return whether the client names HTML and prefers it to JSON, as a browser does."""
    best: dict[bool, float] = {}
    for each in parse_accept(accept):
        if each.value in _HTML or each.value in _JSON:
            is_html = each.value in _HTML
            best[is_html] = max(best.get(is_html, 0.0), each.quality)
    return best.get(True, 0.0) > best.get(False, 0.0)


def accepts_text(accept: str | None) -> bool:
    """Return whether the client accepts plain text. A client without an `Accept` header accepts it."""
    accepted = parse_accept(accept)
    return not accepted or any(each.value in _TEXT and each.quality > 0 for each in accepted)


async def _send_not_found(scope: Scope, send: Send) -> None:
    error = {"message": "There is no such file.", "extensions": {"code": "NOT_FOUND"}}
    body = json.dumps({"errors": [error]}).encode()
    headers = [
        (b"content-type", b"application/json; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": HTTPStatus.NOT_FOUND, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
