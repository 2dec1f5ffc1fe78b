"""Runs the GraphQL request of an HTTP request, or all requests of a batch at the same time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from router.request.log_fields import RequestRecord
from router.request.request_and_response import GraphQLResponse, Outcome, ResponseStream
from router.server.http_refusals import HttpRefusal

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from router.request.request_and_response import Execute, GraphQLRequest, Response
    from router.server.request_reading import Batch


class BatchExecution:
    """Runs requests with `execute`, which processes one GraphQL request."""

    def __init__(self, execute: Execute) -> None:
        self._execute = execute

    def __call__(self, request: GraphQLRequest | Batch) -> Awaitable[Response | list[GraphQLResponse]]:
        """Return what runs a request or a batch, and returns its response or responses."""
        if isinstance(request, list):
            return asyncio.gather(*map(self._execute_entry, request))
        return self._execute(request)

    async def _execute_entry(self, entry: GraphQLRequest | HttpRefusal) -> GraphQLResponse:
        """Return the response to one request of a batch. If the request is refused, the response has one error."""
        if isinstance(entry, HttpRefusal):
            return _refused(entry)
        response = await self._execute(entry)
        if isinstance(response, ResponseStream):
            await response.parts.aclose()
            return _refused(HttpRefusal("BAD_REQUEST", "An operation of a batch cannot have a streamed response."))
        return response


def _refused(refusal: HttpRefusal) -> GraphQLResponse:
    return GraphQLResponse(body=refusal.body, outcome=Outcome.REFUSED, record=RequestRecord(errors=1))
