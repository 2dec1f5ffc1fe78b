"""Internal routes of a service: other services send JSON objects with a service credential (bank §2.8).

The response is always a JSON object: the result with the status 200, or `{"error": {code, message, details}}`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
import structlog
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from servicekit.errors import BadUserInput, InternalError, RateLimited, ServiceError, Unauthenticated
from subgraphs.kit.request_body import BodyTooLarge, CodedBody, read_body
from subgraphs.kit.service_routes import ServiceRoute

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

# The size of the largest accepted body. The largest posting of the ledger has only about 3 KB.
MAX_BODY_BYTES: Final = 64_000

_log = structlog.stdlib.get_logger("internal_api")


class InternalDocument(BaseModel):
    """The body of a request; its names are in camel case. Unknown fields and values of another type are refused."""

    model_config = ConfigDict(
        alias_generator=to_camel, extra="forbid", strict=True, frozen=True, hide_input_in_errors=True
    )


D = TypeVar("D", bound=InternalDocument)


def internal_route(
    path: str,
    document: type[D],
    verify: Callable[[str | None], str],
    act: Callable[[str, D], Awaitable[Mapping[str, object]]],
) -> ServiceRoute:
    """Create a route `POST path`.

    Args:
        path: the path of the route.
        document: the body of its requests.
        verify: verifies an `Authorization` header, and returns the name of the calling service.
        act: does what the document asks for, and returns the body of the response. Its first argument is the calling
            service.
    """

    async def handle(request: Request) -> Response:
        try:
            service = verify(request.headers.get("authorization"))
            return _respond(200, await act(service, await _read(request, document)))
        except ServiceError as error:
            return _error_response(error)
        except ClientDisconnect:
            raise
        except Exception:  # noqa: BLE001 - the caller gets JSON, never a traceback
            _log.exception("unexpected error", path=path)
            return _error_response(InternalError())

    return ServiceRoute(path, ("POST",), handle)


class _TooLarge(ServiceError):
    code = "PAYLOAD_TOO_LARGE"
    status = 413
    default_message = f"At most {MAX_BODY_BYTES} bytes"


class _UnsupportedCoding(ServiceError):
    code = "UNSUPPORTED_MEDIA_TYPE"
    status = 415
    default_message = "Send the body without a content coding"


async def _read(request: Request, document: type[D]) -> D:
    """Parse the request's body. Raise BadUserInput with every wrong field."""
    try:
        return document.model_validate_json(await read_body(request, MAX_BODY_BYTES))
    except BodyTooLarge:
        raise _TooLarge from None
    except CodedBody:
        raise _UnsupportedCoding from None
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        bad = [{"path": list(p["loc"]), "code": p["type"].upper(), "message": p["msg"]} for p in problems]
        raise BadUserInput(details={"fields": bad}) from None


def _respond(status: int, body: Mapping[str, Any]) -> Response:
    content = msgspec.json.encode(body)
    return Response(content, status, {"cache-control": "no-store"}, "application/json")


def _error_response(error: ServiceError) -> Response:
    body = {"error": {"code": error.code, "message": error.message, "details": dict(error.details)}}
    response = _respond(error.status, body)
    if isinstance(error, RateLimited):
        response.headers["retry-after"] = str(error.retry_after)
    if isinstance(error, Unauthenticated):
        response.headers["www-authenticate"] = "Bearer"
    return response
