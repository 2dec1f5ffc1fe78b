"""The OpenAPI 3.1 document, made of the route table and of nothing else."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from http import HTTPStatus
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from rest_compat import errors, scalars, translation
from rest_compat.error_documents import SCHEMAS, error_content
from rest_compat.errors import Reason, RestError
from rest_compat.handler import IDEMPOTENCY_KEY
from rest_compat.representations import ACCOUNT, BALANCE, SESSION, TRANSACTION, USER
from rest_compat.route import PARAMETER_MARK, One
from rest_compat.routes import ROUTES, TAGS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rest_compat.body_schemas import Field
    from rest_compat.route import Documented, Route
    from rest_compat.scalars import JsonSchema

SECURITY_SCHEME: Final = "accessToken"

_DESCRIPTION: Final = """\
The bank's REST interface. Bodies are JSON objects in UTF-8, amounts are decimal strings, times are RFC 3339 in UTC.

Errors come in one envelope, or as `application/problem+json` (RFC 9457) for clients that name it in `Accept`.
Reads carry an `ETag`; `HEAD` and `OPTIONS` work on every route. What is not documented here is refused, unknown
fields and parameters included."""

_TEXT: Final[JsonSchema] = {"type": "string"}
_SECONDS: Final[JsonSchema] = {"type": "integer", "minimum": 0}

# Name -> header object; `required` ones are on each answer of the kind.
HEADERS: Final[Mapping[str, JsonSchema]] = {
    "X-Request-Id": {"description": "Names the request in our logs.", "required": True, "schema": _TEXT},
    "Cache-Control": {"description": "`no-store` for money and tokens.", "required": True, "schema": _TEXT},
    "Vary": {"description": "What the form of the answer hangs on.", "required": True, "schema": _TEXT},
    "ETag": {"description": "Strong tag of this very body.", "required": True, "schema": _TEXT},
    "Location": {"description": "Where the new thing is.", "required": True, "schema": _TEXT},
    "Link": {"description": "The next page, `rel=next`, where there is one.", "schema": _TEXT},
    "Idempotent-Replayed": {
        "description": "`true` when this is the answer to an earlier request with the same key.",
        "schema": {"type": "string", "const": "true"},
    },
    "WWW-Authenticate": {"description": "How to authenticate.", "required": True, "schema": _TEXT},
    "Retry-After": {"description": "Seconds to wait.", "required": True, "schema": _SECONDS},
    "RateLimit": {"description": "What is left of the quota.", "required": True, "schema": _TEXT},
    "RateLimit-Policy": {"description": "The quota.", "schema": _TEXT},
    "Accept": {"description": "What to send instead.", "required": True, "schema": _TEXT},
}
_ALWAYS: Final = ("X-Request-Id", "Cache-Control", "Vary")
_BY_STATUS: Final[Mapping[int, tuple[str, ...]]] = {
    304: ("ETag",),
    401: ("WWW-Authenticate",),
    415: ("Accept",),
    429: ("Retry-After", "RateLimit", "RateLimit-Policy"),
    503: ("Retry-After",),
}


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document; callers do not change it."""
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
            "securitySchemes": {
                SECURITY_SCHEME: {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The access token of register, login or refresh; it lives ten minutes.",
                }
            },
        },
    }


def _template(path: str) -> str:
    """`/api/accounts/:id` -> `/api/accounts/{id}`."""
    return "/".join(
        f"{{{segment.removeprefix(PARAMETER_MARK)}}}" if segment.startswith(PARAMETER_MARK) else segment
        for segment in path.split("/")
    )


def operation_id(route: Route) -> str:
    head, *rest = route.operation.split("_")
    return head + "".join(word.capitalize() for word in rest)


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": operation_id(route),
        "tags": [route.tag],
        "summary": route.summary,
        "security": [{SECURITY_SCHEME: []}] if route.secured else [],
        "parameters": list(_parameters(route)),
        "responses": _responses(route),
    }
    if route.body is not None:
        examples = {name: {"value": example} for name, example in route.body.examples.items()}
        operation["requestBody"] = {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"$ref": f"#/components/schemas/{route.body.name}"},
                    "examples": examples,
                }
            },
        }
    return operation


def _parameters(route: Route) -> Iterator[dict[str, Any]]:
    for name in route.path_parameters:
        schema = dict(scalars.OBJECT_ID.schema)
        yield {"name": name, "in": "path", "required": True, "schema": schema, "example": scalars.OBJECT_ID.example}
    for field in route.query:
        yield _parameter(field, "query")
    if route.moves_money:
        yield _parameter(IDEMPOTENCY_KEY, "header")
    if route.method == "GET":
        yield _condition("If-None-Match", "304 when the client has the current body already.")
    if route.version_from:
        yield _condition("If-Match", "The `ETag` of the account as it was read; 412 when it has changed since.")


def _parameter(field: Field, location: str) -> dict[str, Any]:
    return {
        "name": field.name,
        "in": location,
        "required": field.required,
        "description": field.description,
        "schema": dict(field.schema),
        "example": [field.kind.example] if field.many else field.kind.example,
    }


def _condition(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "description": description, "schema": _TEXT}


def _responses(route: Route) -> dict[str, Any]:
    responses = {status: _success(route, status, what) for status, what in route.outcome.documented.items()}
    if route.method == "GET":
        responses[304] = {"description": "The client has the current body.", "headers": _headers(304)}
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


def _success(route: Route, status: int, what: Documented) -> dict[str, Any]:
    success: dict[str, Any] = {"description": what.description, "headers": _headers(status, what.headers)}
    if what.schema is not None:
        success["content"] = {"application/json": {"schema": what.schema, "examples": {"one": {"value": what.example}}}}
    links = {} if not isinstance(route.outcome, One) else _links(route.outcome)
    return {**success, "links": links} if links else success


def _links(outcome: One) -> dict[str, Any]:
    """From a new thing to what can be done with it: the routes at and below its location."""
    if outcome.location is None:
        return {}
    place = outcome.location.format(id=f"{PARAMETER_MARK}id")
    return {
        operation_id(route): {"operationId": operation_id(route), "parameters": {"id": "$response.body#/id"}}
        for route in ROUTES
        if route.path == place or route.path.startswith(f"{place}/")
    }


def _headers(status: int, more: tuple[str, ...] = ()) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*_ALWAYS, *_BY_STATUS.get(status, ()), *more)}


def _reason(error: type[RestError]) -> Reason:
    return Reason(error.status, error.code, error.message)


def _reasons(route: Route) -> Iterator[Reason]:
    """Every way in which a route may not succeed."""
    yield _reason(errors.ValidationFailed)
    if route.secured:
        yield _reason(errors.Unauthenticated)
    if route.forbidden:
        yield translation.FORBIDDEN
    if route.missing and route.missing.reason.code != errors.Unauthenticated.code:
        yield route.missing.reason
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
            refusal = translation.REFUSALS[code]
            yield Reason(refusal.status, code, refusal.message)
    yield from (translation.RATE_LIMITED, translation.INTERNAL, translation.UNAVAILABLE, translation.TOO_SLOW)


def _schemas() -> dict[str, JsonSchema]:
    schemas: dict[str, JsonSchema] = {
        representation.name: representation.schema for representation in (USER, SESSION, ACCOUNT, BALANCE, TRANSACTION)
    }
    for route in ROUTES:
        if route.body is not None:
            schemas |= route.body.schemas
    return {**schemas, **SCHEMAS}
