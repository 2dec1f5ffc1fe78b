"""From an HTTP request to a GraphQL one (GraphQL over HTTP, "Request Parameters", "GET", "POST").

Everything malformed is refused with 400 and a message that says which parameter, never what was in it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl

from router import json_codec
from router.request.messages import GraphQLRequest
from router.server.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.server.document_ids import DocumentIds
    from servicekit.asgi import Receive

_OBJECTS = ("variables", "extensions")
# The rest of a body that is not wanted is still under way; only closing the connection ends it.
_CLOSE = ((b"connection", b"close"),)


class ClientGone(Exception):
    """The client closed the connection before its request was complete."""


class BodyLimits(NamedTuple):
    """How large a body may be, in bytes, and when it must have arrived, in the event loop's time."""

    size: int
    deadline: float


async def read_body(receive: Receive, declared_length: str | None, limits: BodyLimits) -> bytes:
    """The whole body.

    Raises:
        Refusal: it is larger than allowed, which is noticed before more than that was read, or slower.
        ClientGone: it will never be complete.
    """
    if declared_length is not None and declared_length.isdecimal() and int(declared_length) > limits.size:
        raise _too_large(limits.size)
    try:
        async with asyncio.timeout_at(limits.deadline):
            return await _read(receive, limits.size)
    except TimeoutError as error:
        raise Refusal("REQUEST_TIMEOUT", "The body did not arrive in time.", headers=_CLOSE) from error


async def _read(receive: Receive, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def _too_large(limit: int) -> Refusal:
    return Refusal("PAYLOAD_TOO_LARGE", f"A body has at most {limit} bytes.", headers=_CLOSE)


class Origin(NamedTuple):
    """What a request has besides its parameters: headers, an id in its path, and when its answer is due."""

    headers: Mapping[str, str]
    ids: DocumentIds
    id_in_path: str | None
    deadline: float


def decode_json(body: bytes) -> object:
    """The JSON value that a body holds. Raises `Refusal`."""
    try:
        return json_codec.decode(body)
    except ValueError as error:
        raise Refusal("BAD_REQUEST", "The body is not JSON in UTF-8.") from error


def from_object(document: object, origin: Origin) -> GraphQLRequest:
    """Decode a POST, or an entry of a batch. Raises `Refusal`."""
    if not isinstance(document, dict):
        raise Refusal("BAD_REQUEST", "The body is not a JSON object.")
    return _request(document, origin, read_only=False)


def from_query_string(query_string: bytes, origin: Origin) -> GraphQLRequest:
    """Decode a GET. Raises `Refusal`."""
    try:
        pairs = parse_qsl(query_string.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError as error:
        raise Refusal("BAD_REQUEST", "The query string is not UTF-8 in percent-encoding.") from error
    parameters: dict[str, object] = {}
    for name, value in pairs:
        if name in parameters:
            raise Refusal("BAD_REQUEST", f"The parameter `{name[:40]}` is given twice.")
        parameters[name] = _json(name, value) if name in _OBJECTS else value
    return _request(parameters, origin, read_only=True)


def _json(name: str, text: str) -> object:
    if not text:
        return None
    try:
        return json_codec.decode(text.encode())
    except ValueError as error:
        raise Refusal("BAD_REQUEST", f"The parameter `{name}` is not JSON.") from error


def _request(parameters: Mapping[str, object], origin: Origin, *, read_only: bool) -> GraphQLRequest:
    query, operation_name = parameters.get("query"), parameters.get("operationName")
    variables, extensions = (_object(parameters, name) for name in _OBJECTS)
    document_id = origin.ids.find(parameters, extensions, origin.id_in_path)
    if query is None and document_id is None:
        origin.ids.refuse_unsupported(extensions)
    if (query is not None or document_id is None) and (not isinstance(query, str) or not query):
        raise Refusal("BAD_REQUEST", "The parameter `query` is missing or not a string.")
    if not isinstance(operation_name, str | None):
        raise Refusal("BAD_REQUEST", "The parameter `operationName` is not a string.")
    return GraphQLRequest(
        query=query if isinstance(query, str) else "",
        document_id=document_id,
        operation_name=operation_name or None,
        variables=variables,
        extensions=extensions,
        headers=origin.headers,
        read_only=read_only,
        deadline=origin.deadline,
    )


def _object(parameters: Mapping[str, object], name: str) -> dict[str, object]:
    value = parameters.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Refusal("BAD_REQUEST", f"The parameter `{name}` is not an object.")
    return value
