"""Makes a GraphQL request from parameters in a body or query string (GraphQL over HTTP, "Request Parameters").

A request with a malformed parameter is refused with 400. The message has the name of the parameter, not its value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import msgspec

from router import json_codec
from router.request.request_and_response import GraphQLRequest
from router.server.http_refusals import HttpRefusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.server.find_document_id import DocumentIds

_OBJECTS = ("variables", "extensions")


class RequestHead(msgspec.Struct, frozen=True, eq=False):
    """What a request has besides its parameters: HTTP headers, a deadline, and perhaps a document id in the path.

    `ids` finds the document id in the parameters.
    """

    headers: Mapping[str, str]
    ids: DocumentIds
    id_in_path: str | None
    deadline: float


def from_object(document: object, head: RequestHead) -> GraphQLRequest:
    """Make a request from the JSON value of a POST body, or from one element of a batch.

    Raises:
        HttpRefusal: The value or a parameter is malformed.
    """
    if not isinstance(document, dict):
        raise HttpRefusal("BAD_REQUEST", "The body is not a JSON object.")
    return _request(document, head, read_only=False)


def from_query_string(query_string: bytes, head: RequestHead) -> GraphQLRequest:
    """Make a request from the query string of a GET. Raises `HttpRefusal` if a parameter is malformed."""
    try:
        pairs = parse_qsl(query_string.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError as error:
        raise HttpRefusal("BAD_REQUEST", "The query string is not UTF-8 in percent-encoding.") from error
    parameters: dict[str, object] = {}
    for name, value in pairs:
        if name in parameters:
            raise HttpRefusal("BAD_REQUEST", f"The parameter `{name[:40]}` is given twice.")
        parameters[name] = _json(name, value) if name in _OBJECTS else value
    return _request(parameters, head, read_only=True)


def _json(name: str, text: str) -> object:
    if not text:
        return None
    try:
        return json_codec.decode(text.encode())
    except ValueError as error:
        raise HttpRefusal("BAD_REQUEST", f"The parameter `{name}` is not JSON.") from error


def _request(parameters: Mapping[str, object], head: RequestHead, *, read_only: bool) -> GraphQLRequest:
    query, operation_name = parameters.get("query"), parameters.get("operationName")
    variables = _object(parameters, "variables") if "variables" in parameters else {}
    extensions = _object(parameters, "extensions") if "extensions" in parameters else {}
    document_id = head.ids.find(parameters, extensions, head.id_in_path)
    if query is None and document_id is None:
        head.ids.refuse_unsupported(extensions)
    if query == "":
        raise HttpRefusal("BAD_REQUEST", "The parameter `query` is empty.")
    if (query is not None or document_id is None) and not isinstance(query, str):
        raise HttpRefusal("BAD_REQUEST", "The parameter `query` is missing or not a string.")
    if operation_name is not None and not isinstance(operation_name, str):
        raise HttpRefusal("BAD_REQUEST", "The parameter `operationName` is not a string.")
    return GraphQLRequest(
        query=query if isinstance(query, str) else "",
        document_id=document_id,
        operation_name=operation_name or None,
        variables=variables,
        extensions=extensions,
        headers=head.headers,
        read_only=read_only,
        deadline=head.deadline,
    )


def _object(parameters: Mapping[str, object], name: str) -> dict[str, object]:
    value = parameters.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise HttpRefusal("BAD_REQUEST", f"The parameter `{name}` is not an object.")
    return value
