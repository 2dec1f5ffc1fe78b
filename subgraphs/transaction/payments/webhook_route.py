"""The route on which a payment provider sends its events.

The requests come from outside of the bank, so they have no signature of the router but one of the provider
(`webhook_signature`). Whatever is wrong with a signature, the response is the same 401, and the log has the reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect, Request

from servicekit.errors import InternalError, ServiceError, Unavailable
from servicekit.http_signatures.seen_nonces import NoncesUnavailable
from subgraphs.kit.request_body import BodyTooLarge, CodedBody, read_body
from subgraphs.kit.service_routes import ServiceRoute
from subgraphs.transaction.payments.provider_event import parse_event
from subgraphs.transaction.payments.provider_events import Receipt
from subgraphs.transaction.payments.settings import WEBHOOK_PATH
from subgraphs.transaction.payments.webhook_signature import HEADER, WebhookRefused, verify

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from servicekit.http_signatures.seen_nonces import SeenNonces
    from subgraphs.transaction.payments.provider_events import ProviderEvents

# An event has less than a kilobyte.
MAX_BODY_BYTES: Final = 64_000

_log = structlog.stdlib.get_logger("payments")
_security = structlog.stdlib.get_logger("security")


@dataclass(frozen=True, slots=True)
class Webhooks:
    """What the route needs.

    Attributes:
        secrets: the provider may use any of these secrets.
        nonces: remembers the messages that were accepted.
    """

    secrets: Sequence[str]
    nonces: SeenNonces
    events: ProviderEvents
    clock: Callable[[], datetime]


def webhook_route(webhooks: Callable[[], Webhooks]) -> ServiceRoute:
    """Create the route. It uses what `webhooks` returns when a request comes."""

    async def handle(request: Request) -> JSONResponse:
        try:
            return await _receive(webhooks(), request)
        except ServiceError as error:
            return _error(error.status, error.code, error.message)
        except ClientDisconnect:
            raise
        except Exception:  # noqa: BLE001 - the provider gets JSON, never a traceback
            _log.exception("unexpected error", path=WEBHOOK_PATH)
            return _error(InternalError.status, InternalError.code, InternalError.default_message)

    return ServiceRoute(WEBHOOK_PATH, ("POST",), handle)


async def _receive(webhooks: Webhooks, request: Request) -> JSONResponse:
    try:
        body = await read_body(request, MAX_BODY_BYTES)
    except BodyTooLarge:
        return _error(413, "PAYLOAD_TOO_LARGE", f"At most {MAX_BODY_BYTES} bytes")
    except CodedBody:
        return _error(415, "UNSUPPORTED_MEDIA_TYPE", "Send the body without a content coding")
    now = webhooks.clock()
    try:
        head = verify(request.headers.get(HEADER), body, webhooks.secrets, now.timestamp())
        if not await webhooks.nonces.is_first(head):
            raise WebhookRefused("replayed")
    except WebhookRefused as refused:
        peer = request.client.host if request.client else None
        _security.warning("payment webhook refused", reason=refused.reason, peer=peer)
        return _error(401, "WEBHOOK_REFUSED", "The signature of the webhook is not accepted")
    except NoncesUnavailable as error:
        _security.error("nonces unavailable", reason=str(error))
        raise Unavailable from error
    try:
        event = parse_event(body, now)
    except ValueError as error:
        _log.error("the provider sent no event", reason=str(error))
        return _error(400, "BAD_USER_INPUT", str(error))
    receipt = await webhooks.events.receive(event)
    _log.info("provider event", provider_event=event.id, type=event.type, order=event.order_id, receipt=receipt)
    if receipt is Receipt.UNKNOWN_ORDER:
        return _error(404, "UNKNOWN_ORDER", "There is no such order")
    return JSONResponse({"outcome": receipt.value}, headers={"cache-control": "no-store"})


def _error(status: int, code: str, message: str) -> JSONResponse:
    body = {"error": {"code": code, "message": message}}
    return JSONResponse(body, status_code=status, headers={"cache-control": "no-store"})
