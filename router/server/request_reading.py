"""Reads the GraphQL request, or the batch of GraphQL requests, from an HTTP request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.server.http_refusals import HttpRefusal
from router.server.media_types import is_json
from router.server.request_body import decode_json
from router.server.request_parameters import RequestHead, from_object, from_query_string

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.request.request_and_response import GraphQLRequest
    from router.server.find_document_id import DocumentIds
    from router.server.http_request import HttpRequest
    from router.server.http_request_checks import HttpRequestChecks
    from router.settings.sections.limits import LimitName

    Batch = list[GraphQLRequest | HttpRefusal]


class RequestReader:
    """Reads GraphQL requests from HTTP requests whose head was checked."""

    def __init__(self, ids: DocumentIds, checks: HttpRequestChecks) -> None:
        self._ids = ids
        self._checks = checks

    async def read(self, http_request: HttpRequest) -> GraphQLRequest | Batch:
        """Return the GraphQL request or the batch. In a batch, a refused request is replaced by its `HttpRefusal`.

        Raises:
            HttpRefusal: The HTTP request is not a GraphQL request, or exceeds a limit.
            ClientGone: The client closed the connection before the body was complete.
        """
        head = RequestHead(http_request.headers, self._ids, self._ids.in_path(http_request.path), http_request.deadline)
        if http_request.scope["method"] == "POST":
            return await self._from_post(http_request, head)
        await self._checks.limited_body(http_request)
        return from_query_string(http_request.scope["query_string"], head)

    async def _from_post(self, http_request: HttpRequest, head: RequestHead) -> GraphQLRequest | Batch:
        check_content_type(http_request.headers)
        return self.from_body(await self._checks.limited_body(http_request), head, http_request.exceeds)

    def from_body(self, body: bytes, head: RequestHead, exceeds: list[LimitName]) -> GraphQLRequest | Batch:
        """Return the GraphQL request or the batch in the body of a POST, as `read` does.

        Limits in measure mode that a batch exceeds are added to `exceeds`.

        Raises:
            HttpRefusal: The body is not a GraphQL request, or exceeds a limit.
        """
        document = decode_json(body)
        if isinstance(document, list):
            self._checks.check_batch(exceeds, document)
            return [_entry(entry, head) for entry in document]
        return from_object(document, head)


def check_content_type(headers: Mapping[str, str]) -> None:
    """Raise `HttpRefusal` if the body of a POST is not JSON in UTF-8 without a content coding."""
    if not is_json(headers.get("content-type")):
        raise HttpRefusal("UNSUPPORTED_MEDIA_TYPE", "Send the content type application/json, in UTF-8.")
    if headers.get("content-encoding", "identity").lower() != "identity":
        identity = ((b"accept-encoding", b"identity"),)
        raise HttpRefusal("UNSUPPORTED_MEDIA_TYPE", "Send the body without a content coding.", headers=identity)


def _entry(entry: object, head: RequestHead) -> GraphQLRequest | HttpRefusal:
    try:
        return from_object(entry, head)
    except HttpRefusal as refusal:
        return refusal
