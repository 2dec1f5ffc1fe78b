"""Reads the GraphQL request, or the batch of GraphQL requests, from an HTTP request."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

from router.server.find_document_id import DocumentIds
from router.server.http_refusals import HttpRefusal
from router.server.media_types import is_json
from router.server.request_body import BodyLimits, decode_json, read_body
from router.server.request_parameters import RequestHead, from_object, from_query_string
from router.server.response_writing import ALLOW, METHODS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.policies.limit_checker import LimitChecker
    from router.request.request_and_response import GraphQLRequest
    from router.settings.model import RouterSettings
    from router.settings.sections.limits import LimitName
    from servicekit.asgi import Receive, Scope

    Batch = list[GraphQLRequest | HttpRefusal]

TOO_LARGE = "PAYLOAD_TOO_LARGE"


class HttpRequest(NamedTuple):
    """One HTTP request.

    `deadline` is the time on the event loop's clock at which the response must be complete. `exceeds` collects the
    limits in measure mode that the request exceeds.
    """

    scope: Scope
    receive: Receive
    headers: Mapping[str, str]
    deadline: float
    exceeds: list[LimitName]

    @property
    def path(self) -> str:
        """The path without the prefix under which the application is mounted (`root_path` in ASGI)."""
        path: str = self.scope["path"]
        return path.removeprefix(self.scope.get("root_path", ""))


class RequestReader:
    """Reads GraphQL requests, and checks the limits of body, headers, URL and batch."""

    def __init__(self, settings: RouterSettings, limits: LimitChecker) -> None:
        self._settings = settings
        self._limits = limits
        self._ids = DocumentIds(settings)

    def check_head(self, http_request: HttpRequest) -> None:
        """Raise `HttpRefusal` if the path or the method is not served, or if the URL or the headers are too large."""
        path = self._settings.server.path
        if http_request.path != path and self._ids.in_path(http_request.path) is None:
            raise HttpRefusal("NOT_FOUND", f"GraphQL is served under {path}.")
        self._check_size(http_request)
        if http_request.scope["method"] not in METHODS:
            raise HttpRefusal("METHOD_NOT_ALLOWED", f"Use one of {', '.join(METHODS)}.", headers=ALLOW)

    def _check_size(self, http_request: HttpRequest) -> None:
        scope = http_request.scope
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        query: bytes = scope["query_string"]
        if self._exceeds(http_request, "url_bytes", len(raw_path) + len(query) + bool(query)):
            limit = self._settings.limits.url_bytes
            raise HttpRefusal("URI_TOO_LONG", f"A path with its query string has at most {limit} bytes; use POST.")
        size = sum(len(name) + len(value) for name, value in scope["headers"])
        if self._exceeds(http_request, "header_bytes", size):
            limit = self._settings.limits.header_bytes
            raise HttpRefusal("HEADERS_TOO_LARGE", f"The headers of a request have at most {limit} bytes.")
        if self._exceeds(http_request, "header_count", len(scope["headers"])):
            raise HttpRefusal(
                "HEADERS_TOO_LARGE", f"A request has at most {self._settings.limits.header_count} headers."
            )

    async def read(self, http_request: HttpRequest) -> GraphQLRequest | Batch:
        """Return the GraphQL request or the batch. In a batch, a refused request is replaced by its `HttpRefusal`.

        Raises:
            HttpRefusal: The HTTP request is not a GraphQL request, or exceeds a limit.
            ClientGone: The client closed the connection before the body was complete.
        """
        head = RequestHead(http_request.headers, self._ids, self._ids.in_path(http_request.path), http_request.deadline)
        if http_request.scope["method"] == "POST":
            return await self._from_post(http_request, head)
        await self._body(http_request)
        return from_query_string(http_request.scope["query_string"], head)

    async def _from_post(self, http_request: HttpRequest, head: RequestHead) -> GraphQLRequest | Batch:
        headers = http_request.headers
        if not is_json(headers.get("content-type")):
            raise HttpRefusal("UNSUPPORTED_MEDIA_TYPE", "Send the content type application/json, in UTF-8.")
        if headers.get("content-encoding", "identity").lower() != "identity":
            identity = ((b"accept-encoding", b"identity"),)
            raise HttpRefusal("UNSUPPORTED_MEDIA_TYPE", "Send the body without a content coding.", headers=identity)
        document = decode_json(await self._body(http_request))
        if isinstance(document, list):
            return self._batch(document, http_request, head)
        return from_object(document, head)

    def _batch(self, entries: list[object], http_request: HttpRequest, head: RequestHead) -> Batch:
        if not self._settings.batching.enabled:
            raise HttpRefusal("BATCHING_NOT_ENABLED", "This server accepts one operation per request.")
        if not entries:
            raise HttpRefusal("BAD_REQUEST", "The batch is empty.")
        if self._exceeds(http_request, "batch_size", len(entries)):
            limit = self._settings.limits.batch_size
            raise HttpRefusal("BATCH_LIMIT_EXCEEDED", f"A batch has at most {limit} operations.")
        return [_entry(entry, head) for entry in entries]

    async def _body(self, http_request: HttpRequest) -> bytes:
        limits = self._settings.limits
        size = limits.body_bytes if limits.enforces("body_bytes") else sys.maxsize
        bounds = BodyLimits(size, http_request.deadline)
        try:
            body = await read_body(http_request.receive, http_request.headers.get("content-length"), bounds)
        except HttpRefusal as refusal:
            if refusal.code == TOO_LARGE:
                self._limits.count(("body_bytes",))
            raise
        self._exceeds(http_request, "body_bytes", len(body))
        return body

    def _exceeds(self, http_request: HttpRequest, name: LimitName, counted: int) -> bool:
        """Return whether the request exceeds the limit `name` and the limit is enforced.

        If the request exceeds the limit, but the limit is in measure mode, add `name` to `exceeds`.
        """
        if self._limits.within(name, counted):
            return False
        if self._settings.limits.enforces(name):
            return True
        http_request.exceeds.append(name)
        return False


def _entry(entry: object, head: RequestHead) -> GraphQLRequest | HttpRefusal:
    try:
        return from_object(entry, head)
    except HttpRefusal as refusal:
        return refusal
