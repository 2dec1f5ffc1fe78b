"""Generates the OpenAPI 3.1 document from the route table."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from http import HTTPStatus
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from rest_compat import error_translation, errors, openapi_links, scalars
from rest_compat.errors import Reason, RestError
from rest_compat.handler import IDEMPOTENCY_KEY
from rest_compat.negotiation import CSV
from rest_compat.openapi_errors import SCHEMAS, error_content
from rest_compat.openapi_links import operation_id
from rest_compat.representations import ACCOUNT, BALANCE, SESSION, STATEMENT_ENTRY, TRANSACTION, USER
from rest_compat.route import PARAMETER_MARK
from rest_compat.routes import ROUTES, TAGS
from rest_compat.statements import StatementPage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rest_compat.body_schemas import InputField
    from rest_compat.route import DocumentedResponse, Route
    from rest_compat.scalars import JsonSchema

SECURITY_SCHEME: Final = "accessToken"
API_KEY_SCHEME: Final = "apiKey"
BOUND_TOKEN_SCHEME: Final = "boundToken"  # noqa: S105 - the name of a scheme

_DESCRIPTION: Final = """\
The bank's REST interface. Bodies are JSON objects in UTF-8, amounts are decimal strings, times are RFC 3339 in UTC.

Errors have one envelope, or are `application/problem+json` (RFC 9457) for clients that name it in `Accept`.
Responses to `GET` have an `ETag`; `HEAD` and `OPTIONS` work on every route. Anything that is not documented here is
refused, including unknown fields and parameters."""

_TEXT: Final[JsonSchema] = {"type": "string"}
_SECONDS: Final[JsonSchema] = {"type": "integer", "minimum": 0}

# Maps the name of a header to its OpenAPI header object. `required` means: if the document lists the header for a
# response, the response always has it.
HEADERS: Final[Mapping[str, JsonSchema]] = {
    "X-Request-Id": {"description": "The id of the request in the bank's logs.", "required": True, "schema": _TEXT},
    "Cache-Control": {"description": "`no-store` for money and tokens.", "required": True, "schema": _TEXT},
    "Vary": {"description": "The request headers on which the response depends.", "required": True, "schema": _TEXT},
    "ETag": {
        "description": "The entity tag of the body; weak if the body has the time of the request.",
        "required": True,
        "schema": _TEXT,
    },
    "Location": {"description": "The path of the new resource.", "required": True, "schema": _TEXT},
    "Link": {"description": "The next page, `rel=next`, if there is one.", "schema": _TEXT},
    "Idempotent-Replayed": {
        "description": "`true` when this repeats the response to an earlier request with the same key.",
        "schema": {"type": "string", "const": "true"},
    },
    "WWW-Authenticate": {"description": "How to authenticate.", "required": True, "schema": _TEXT},
    "DPoP-Nonce": {"description": "The nonce that the proof must have (RFC 9449 §9).", "schema": _TEXT},
    "Retry-After": {"description": "Seconds to wait.", "required": True, "schema": _SECONDS},
    "RateLimit": {
        "description": "The limit, what is left of its quota, and the seconds until there is more.",
        "required": True,
        "schema": _TEXT,
    },
    "RateLimit-Policy": {"description": "The limit, its quota, and its window in seconds.", "schema": _TEXT},
    "Accept": {"description": "The media type to send instead.", "required": True, "schema": _TEXT},
}
_ALWAYS: Final = ("X-Request-Id", "Cache-Control", "Vary")
_SECURITY_SCHEMES: Final[Mapping[str, JsonSchema]] = {
    SECURITY_SCHEME: {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The access token from register, login or refresh; it is valid for ten minutes.",
    },
    API_KEY_SCHEME: {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "An API key of a machine. It may also be sent as a bearer token.",
    },
    BOUND_TOKEN_SCHEME: {
        "type": "http",
        "scheme": "DPoP",
        "description": (
            "An access token that is bound to a key, with a proof for this request in the header `DPoP`"
            " (RFC 9449). Its `htu` is the public URL of the request, without the query."
        ),
    },
}
_BY_STATUS: Final[Mapping[int, tuple[str, ...]]] = {
    304: ("ETag",),
    401: ("WWW-Authenticate", "DPoP-Nonce"),
    415: ("Accept",),
    429: ("Retry-After", "RateLimit", "RateLimit-Policy"),
    503: ("Retry-After",),
    504: ("Retry-After",),
}


@cache
def document() -> dict[str, Any]:
    """Return the OpenAPI document. All callers get the same object, so they must not change it."""
    paths: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for route in ROUTES:
        paths[_template(route.path)][route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.1",
        "jsonSchemaDialect": "https://spec.openapis.org/oas/3.1/dialect/base",
        "info": {
            "title": "MoSafe",
            "summary": "Accounts and transactions.",
            "description": _DESCRIPTION,
            "version": version("mosafe"),
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": description} for name, description in TAGS.items()],
        "paths": dict(paths),
        "components": {
            "schemas": _schemas(),
            "headers": dict(HEADERS),
            "securitySchemes": dict(_SECURITY_SCHEMES),
        },
    }


def _template(path: str) -> str:
    """Return a path in the notation of OpenAPI: `/api/accounts/{id}` for `/api/accounts/:id`."""
    return "/".join(
        f"{{{segment.removeprefix(PARAMETER_MARK)}}}" if segment.startswith(PARAMETER_MARK) else segment
        for segment in path.split("/")
    )


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": operation_id(route),
        "tags": [route.tag],
        "summary": route.summary,
        "security": [{scheme: []} for scheme in _SECURITY_SCHEMES] if route.secured else [],
        "parameters": list(_parameters(route)),
        "responses": _responses(route),
    }
    if route.body is not None:
        examples = {name: {"value": example} for name, example in route.body.examples.items()}
        schema = {"$ref": f"#/components/schemas/{route.body.name}"}
        content = {"schema": schema, "examples": examples} if examples else {"schema": schema}
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}
    return operation


def _parameters(route: Route) -> Iterator[dict[str, Any]]:
    for name in route.path_parameters:
        schema = dict(scalars.OBJECT_ID.schema)
        yield {"name": name, "in": "path", "required": True, "schema": schema, "example": scalars.OBJECT_ID.example}
    for field in route.query:
        yield _parameter(field, "query")
    if route.moves_money:
        yield {**_parameter(IDEMPOTENCY_KEY, "header"), "example": f"{operation_id(route)}-7f0c9d1e"}
    if route.method == "GET":
        yield _condition("If-None-Match", "The `ETag` of the client's copy; 304 when it is current.")
    if route.version_from:
        yield _condition("If-Match", "The `ETag` of the account when it was read; 412 when it has changed since then.")


def _parameter(field: InputField, location: str) -> dict[str, Any]:
    example = {"example": [field.scalar.example] if field.many else field.scalar.example} if field.has_example else {}
    return {
        "name": field.name,
        "in": location,
        "required": field.required,
        "description": field.description,
        "schema": dict(field.schema),
        **example,
    }


def _condition(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "description": description, "schema": _TEXT}


def _responses(route: Route) -> dict[str, Any]:
    responses = {status: _success(route, status, documented) for status, documented in route.success.documented.items()}
    if route.method == "GET":
        responses[304] = {"description": "The client's copy is current.", "headers": _headers(304)}
    by_status: defaultdict[int, list[Reason]] = defaultdict(list)
    for reason in _reasons(route):
        by_status[reason.status].append(reason)
    for status, reasons in by_status.items():
        responses[status] = {
            "description": HTTPStatus(status).phrase,
            "headers": _headers(status),
            "content": error_content(reasons),
        }
    return {str(status): responses[status] for status in sorted(responses)}


def _success(route: Route, status: int, documented: DocumentedResponse) -> dict[str, Any]:
    success: dict[str, Any] = {
        "description": documented.description,
        "headers": _headers(status, documented.headers),
    }
    if documented.schema is not None:
        examples = {"one": {"value": documented.example}}
        success["content"] = {"application/json": {"schema": documented.schema, "examples": examples}}
    if documented.csv_example is not None:
        success["content"][CSV] = {"schema": _TEXT, "examples": {"one": {"value": documented.csv_example}}}
    links = openapi_links.links(route)
    return {**success, "links": links} if links else success


def _headers(status: int, more: tuple[str, ...] = ()) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*_ALWAYS, *_BY_STATUS.get(status, ()), *more)}


def _reason(error: type[RestError]) -> Reason:
    return Reason(error.status, error.code, error.message)


def _reasons_of_query(route: Route) -> Iterator[Reason]:
    if any(field.name == "cursor" for field in route.query):
        yield error_translation.NO_PAGE
    if isinstance(route.success, StatementPage):
        yield error_translation.INVALID_PERIOD


def _reasons(route: Route) -> Iterator[Reason]:
    """Return every error with which the route may respond."""
    yield _reason(errors.ValidationFailed)
    if route.secured:
        yield _reason(errors.Unauthenticated)
    if route.forbidden:
        yield error_translation.FORBIDDEN
    if route.missing and route.missing.reason.code != errors.Unauthenticated.code:
        yield route.missing.reason
    yield from _reasons_of_query(route)
    yield _reason(errors.NotAcceptable)
    if route.version_from:
        yield _reason(errors.PreconditionFailed)
    if route.body:
        yield _reason(errors.PayloadTooLarge)
        yield _reason(errors.UnsupportedMediaType)
    if route.moves_money:
        yield _reason(errors.IdempotencyKeyInUse)
    known = {route.missing.reason.code} if route.missing else set()
    for code in route.refusals:
        if code not in known:
            refusal = error_translation.REFUSALS[code]
            yield Reason(refusal.status, code, refusal.message)
    yield from (
        error_translation.RATE_LIMITED,
        error_translation.INTERNAL,
        error_translation.UNAVAILABLE,
        error_translation.TOO_SLOW,
    )


def _schemas() -> dict[str, JsonSchema]:
    named = (USER, SESSION, ACCOUNT, BALANCE, STATEMENT_ENTRY, TRANSACTION)
    schemas: dict[str, JsonSchema] = {representation.name: representation.schema for representation in named}
    for route in ROUTES:
        if route.body is not None:
            schemas |= route.body.schemas
    return {**schemas, **SCHEMAS}
