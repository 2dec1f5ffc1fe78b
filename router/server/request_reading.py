"""Reads GraphQL requests from HTTP requests: one, or the entries of a batch. Others are refused with a `Refusal`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

from router.server.document_ids import DocumentIds
from router.server.media_types import is_json
from router.server.refusals import Refusal
from router.server.request_decoding import BodyLimits, Origin, decode_json, from_object, from_query_string, read_body
from router.server.response_writing import ALLOW, METHODS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.policies.limit_watch import LimitWatch
    from router.request.messages import GraphQLRequest
    from router.settings.model import RouterSettings
    from router.settings.sections.limits import LimitName
    from servicekit.asgi import Receive, Scope

    Batch = list[GraphQLRequest | Refusal]

TOO_LARGE = "PAYLOAD_TOO_LARGE"


class Incoming(NamedTuple):
    """One HTTP request.

    `deadline` is when its response is due, in the event loop's time. `exceeds` collects the measured limits that it
    exceeds.
    """

    scope: Scope
    receive: Receive
    headers: Mapping[str, str]
    deadline: float
    exceeds: list[LimitName]

    @property
    def path(self) -> str:
        """The path below where the application is mounted."""
        path: str = self.scope["path"]
        return path.removeprefix(self.scope.get("root_path", ""))


class RequestReader:
    """Reads requests within the limits of the configuration."""

    def __init__(self, settings: RouterSettings, limits: LimitWatch) -> None:
        self._settings = settings
        self._limits = limits
        self._ids = DocumentIds(settings)

    def check_head(self, incoming: Incoming) -> None:
        """Whether path, size and method of a request's head are what is served. Raises `Refusal`."""
        path = self._settings.server.path
        if incoming.path != path and self._ids.in_path(incoming.path) is None:
            raise Refusal("NOT_FOUND", f"GraphQL is served under {path}.")
        self._check_size(incoming)
        if incoming.scope["method"] not in METHODS:
            raise Refusal("METHOD_NOT_ALLOWED", f"Use one of {', '.join(METHODS)}.", headers=ALLOW)

    def _check_size(self, incoming: Incoming) -> None:
        scope = incoming.scope
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        query: bytes = scope["query_string"]
        if self._exceeds(incoming, "url_bytes", len(raw_path) + len(query) + bool(query)):
            limit = self._settings.limits.url_bytes
            raise Refusal("URI_TOO_LONG", f"A path with its query string has at most {limit} bytes; use POST.")
        size = sum(len(name) + len(value) for name, value in scope["headers"])
        if self._exceeds(incoming, "header_bytes", size):
            limit = self._settings.limits.header_bytes
            raise Refusal("HEADERS_TOO_LARGE", f"The headers of a request have at most {limit} bytes.")
        if self._exceeds(incoming, "header_count", len(scope["headers"])):
            raise Refusal("HEADERS_TOO_LARGE", f"A request has at most {self._settings.limits.header_count} headers.")

    async def read(self, incoming: Incoming) -> GraphQLRequest | Batch:
        """What the client wants to be executed. Raises `Refusal`, and `ClientGone` if it left before it said so."""
        origin = Origin(incoming.headers, self._ids, self._ids.in_path(incoming.path), incoming.deadline)
        if incoming.scope["method"] == "POST":
            return await self._from_post(incoming, origin)
        await self._body(incoming)
        return from_query_string(incoming.scope["query_string"], origin)

    async def _from_post(self, incoming: Incoming, origin: Origin) -> GraphQLRequest | Batch:
        headers = incoming.headers
        if not is_json(headers.get("content-type")):
            raise Refusal("UNSUPPORTED_MEDIA_TYPE", "Send the content type application/json, in UTF-8.")
        if headers.get("content-encoding", "identity").lower() != "identity":
            identity = ((b"accept-encoding", b"identity"),)
            raise Refusal("UNSUPPORTED_MEDIA_TYPE", "Send the body without a content coding.", headers=identity)
        document = decode_json(await self._body(incoming))
        if isinstance(document, list):
            return self._batch(document, incoming, origin)
        return from_object(document, origin)

    def _batch(self, entries: list[object], incoming: Incoming, origin: Origin) -> Batch:
        if not self._settings.batching.enabled:
            raise Refusal("BATCHING_NOT_ENABLED", "This server takes one operation a request.")
        if not entries:
            raise Refusal("BAD_REQUEST", "The batch is empty.")
        if self._exceeds(incoming, "batch_size", len(entries)):
            limit = self._settings.limits.batch_size
            raise Refusal("BATCH_LIMIT_EXCEEDED", f"A batch has at most {limit} operations.")
        return [_entry(entry, origin) for entry in entries]

    async def _body(self, incoming: Incoming) -> bytes:
        limits = self._settings.limits
        size = limits.body_bytes if limits.enforces("body_bytes") else sys.maxsize
        bounds = BodyLimits(size, incoming.deadline)
        try:
            body = await read_body(incoming.receive, incoming.headers.get("content-length"), bounds)
        except Refusal as refusal:
            if refusal.code == TOO_LARGE:
                self._limits.recall(("body_bytes",))
            raise
        self._exceeds(incoming, "body_bytes", len(body))
        return body

    def _exceeds(self, incoming: Incoming, name: LimitName, counted: int) -> bool:
        """Whether a request is to be turned away; where a limit only measures, the request remembers that."""
        if self._limits.within(name, counted):
            return False
        if self._settings.limits.enforces(name):
            return True
        incoming.exceeds.append(name)
        return False


def _entry(entry: object, origin: Origin) -> GraphQLRequest | Refusal:
    try:
        return from_object(entry, origin)
    except Refusal as refusal:
        return refusal
