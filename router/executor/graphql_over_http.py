"""Encode requests to subgraphs as JSON bodies, and decode the JSON bodies of subgraph responses (execution §3.5).

Transports send and receive only bytes. The GraphQL over HTTP specification defines the format of these bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from router import json_codec
from router.transport.fetch_failures import without_graphql_response

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from router.executor.context_and_result import JsonObject
    from router.transport.interface import SubgraphRequest, SubgraphResponse, Transport


class EncodingLayer:
    """A `Transport` that encodes the body of a request, and passes the request on to the transport `inner`.

    Request stages run before this layer. If a stage has already set the body, the body is not encoded again.
    `reads_only_bodies` says whether `inner` reads only the body of a request, not its operation and variables.
    """

    def __init__(self, inner: Transport, *, reads_only_bodies: bool = False) -> None:
        self._inner = inner
        self.reads_only_bodies = reads_only_bodies

    def send(self, request: SubgraphRequest) -> Coroutine[Any, Any, SubgraphResponse]:
        """See `Transport.send`. Returns the coroutine of `inner`, because one more coroutine would take time."""
        return self._inner.send(request if request.body is not None else _encoded(request))

    async def aclose(self) -> None:
        """See `Transport.aclose`."""
        await self._inner.aclose()


def _encoded(request: SubgraphRequest) -> SubgraphRequest:
    return replace(request, body=encode_body(request))


def encode_body(request: SubgraphRequest) -> bytes:
    """Return the JSON body of a request (GraphQL over HTTP, "Request Parameters").

    The body has no `operationName` if the operation has no name, and no `variables` if there are none.
    """
    payload: dict[str, object] = {"query": request.operation}
    if request.operation_name is not None:
        payload["operationName"] = request.operation_name
    if request.variables:
        payload["variables"] = request.variables
    return json_codec.encode(payload)


def decode_response(
    subgraph: str, response: SubgraphResponse, decode: Callable[[bytes], object] = json_codec.decode
) -> JsonObject:
    """Return the GraphQL response in the body of an HTTP response with any status. Numbers keep all their digits.

    `decode` decodes JSON. If the bytes are not JSON, it raises ValueError.

    Raises:
        SubgraphUnreachable: The status is not 2xx, and the body is not a GraphQL response.
        SubgraphMalformedResponse: The status is 2xx, and the body is not a GraphQL response.
    """
    try:
        return _graphql_response(decode(response.body))
    except ValueError as error:
        raise without_graphql_response(subgraph, response.status, response.headers, str(error)) from error


def _graphql_response(value: object) -> JsonObject:
    if not isinstance(value, dict):
        raise ValueError("the body is not a JSON object")  # noqa: TRY004  (the subgraph's mistake, not the caller's)
    if "data" not in value and not isinstance(value.get("errors"), list):
        raise ValueError("the body has neither `data` nor a list of `errors`")
    return value
